//! Prepared statements.

use std::sync::{Arc, Mutex, PoisonError};

use crate::message::client;
use crate::value::Column;

/// A statement that the server has prepared. Clones are the same statement; when the last is dropped, the server
/// forgets it together with the next request.
#[derive(Clone, Debug)]
pub struct Statement {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: u32,
    parameter_types: Vec<u32>,
    columns: Arc<[Column]>,
    dropped: Arc<Dropped>,
}

/// Statements of one connection that nobody holds any more.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    ids: Mutex<Vec<u32>>,
}

impl Statement {
    pub(super) fn new(
        id: u32,
        parameter_types: Vec<u32>,
        columns: Arc<[Column]>,
        dropped: Arc<Dropped>,
    ) -> Self {
        Self { inner: Arc::new(Inner { id, parameter_types, columns, dropped }) }
    }

    /// Type OIDs of its parameters.
    pub fn parameter_types(&self) -> &[u32] {
        &self.inner.parameter_types
    }

    /// Columns of its answer; none if it answers no rows, or if they are known only when it runs (SHOW, EXPLAIN).
    pub fn columns(&self) -> &[Column] {
        &self.inner.columns
    }

    pub(super) fn id(&self) -> u32 {
        self.inner.id
    }

    pub(super) fn shared_columns(&self) -> Arc<[Column]> {
        Arc::clone(&self.inner.columns)
    }

    /// Whether it was prepared on the connection that `dropped` belongs to.
    pub(super) fn belongs_to(&self, dropped: &Arc<Dropped>) -> bool {
        Arc::ptr_eq(&self.inner.dropped, dropped)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.dropped.ids.lock().unwrap_or_else(PoisonError::into_inner).push(self.id);
    }
}

impl Dropped {
    /// Writes a Close for each. A Sync must follow.
    pub(super) fn close(&self, out: &mut Vec<u8>) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids.drain(..) {
            client::close(out, id);
        }
    }
}

/// What to run: a text, or a prepared statement.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A text of one statement.
    Text(&'a str),
    /// A prepared statement.
    Prepared(&'a Statement),
}

impl<'a> From<&'a str> for Source<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Source<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Statement> for Source<'a> {
    fn from(statement: &'a Statement) -> Self {
        Self::Prepared(statement)
    }
}
