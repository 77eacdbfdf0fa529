//! Session: one client's state, from SQL text to rows.
//!
//! A statement is four verbs: parse, bind, plan, execute.

mod answer;
mod interrupt;
mod prepared;

use std::sync::Arc;
use std::time::Instant;

pub use answer::{CommandTag, Notice, RowSink, Rows, TransactionStatus};
pub use interrupt::Canceller;
pub use prepared::Prepared;

use crate::database::Database;
use crate::storage::column::Column;
use crate::{Error, Result, SqlState, Value};

/// One client's state: its transaction block, its settings, its plans.
///
/// It holds no version of the data between statements outside a block, so an idle session costs no memory but its own.
#[derive(Debug)]
pub struct Session {
    database: Arc<Database>,
    canceller: Canceller,
}

impl Session {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database, canceller: Canceller::default() }
    }

    /// Executes one statement (`parser::script` cuts a script into them): its rows go to `sink`, its tag is returned.
    pub fn execute(
        &mut self,
        text: &str,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let prepared = self.prepare(text)?;
        self.execute_prepared(&prepared, parameters, sink)
    }

    /// Parses and, where rows or changes are concerned, binds and plans one statement for repeated execution.
    pub fn prepare(&mut self, text: &str) -> Result<Prepared> {
        let _ = (&self.database, text);
        Err(Error::new(SqlState::InternalError, "statements are being written"))
    }

    /// Executes a prepared statement; it is planned again when the schema has changed since.
    pub fn execute_prepared(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        let _ = (prepared, parameters, sink);
        Err(Error::new(SqlState::InternalError, "statements are being written"))
    }

    /// Adds rows in bulk as one INSERT statement: `next` yields batches of columns, one column for each of `columns`
    /// (empty: all the table's, in order), until it yields none. Values are cast as INSERT casts them; limits, NOT NULL and
    /// uniqueness hold. An error of `next` or of a row undoes all of it. Answers the number of rows.
    pub fn insert_rows(
        &mut self,
        table: &str,
        columns: &[&str],
        next: &mut dyn FnMut() -> Result<Option<Vec<Column>>>,
    ) -> Result<u64> {
        let _ = (table, columns, next);
        Err(Error::new(SqlState::InternalError, "statements are being written"))
    }

    /// A handle with which another thread cancels the statement that runs.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Where the session stands.
    pub fn status(&self) -> TransactionStatus {
        TransactionStatus::Idle
    }

    /// The value of a setting as SHOW answers it; 42704 when there is none of the name.
    pub fn setting(&self, name: &str) -> Result<String> {
        Err(Error::new(
            SqlState::UndefinedObject,
            format!("unrecognized configuration parameter \"{name}\""),
        ))
    }

    /// Ends the session's transaction if it has been idle longer than idle_in_transaction_session_timeout; tells whether
    /// it did: then the client has to be told 25P03.
    pub fn expire_if_idle(&mut self, now: Instant) -> bool {
        let _ = now;
        false
    }
}
