//! Database: one database in this process, and where sessions come from.

use std::sync::Arc;

use crate::Result;
use crate::session::Session;

/// How to open a database.
#[derive(Debug, Default)]
pub struct Options {
    /// Bytes that all live data together may take before statements that grow it answer 53200; None is no limit.
    pub memory_limit_bytes: Option<usize>,
}

/// One database, shared by its sessions.
#[derive(Debug)]
pub struct Database {
    options: Options,
}

impl Database {
    /// Opens an empty database in memory.
    pub fn open(options: Options) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { options }))
    }

    /// A new session.
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(Arc::clone(self))
    }

    /// The limit it was opened with.
    pub fn memory_limit_bytes(&self) -> Option<usize> {
        self.options.memory_limit_bytes
    }
}
