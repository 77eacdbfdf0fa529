//! Database: one database in this process, and where sessions come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result, SqlState};
use crate::session::Session;
use crate::storage::gauge::Gauge;
use crate::storage::root::Root;
use crate::transaction::heads::Heads;
use crate::transaction::log::{CommitLog, MemoryLog};

/// Numbers the databases of this process, so that a prepared statement is not taken to another one.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// How to open a database.
#[derive(Debug, Default)]
pub struct Options {
    /// Bytes that all live data together may take before statements that grow it answer 53200; None is no limit.
    pub memory_limit_bytes: Option<usize>,
    /// What makes commits durable; None keeps them in memory.
    pub log: Option<Box<dyn CommitLog>>,
}

/// One database, shared by its sessions.
#[derive(Debug)]
pub struct Database {
    id: u64,
    memory_limit_bytes: Option<usize>,
    heads: Heads,
    gauge: Arc<Gauge>,
}

impl Database {
    /// Opens an empty database in memory.
    pub fn open(options: Options) -> Result<Arc<Self>> {
        let root = Root::empty();
        let gauge = Arc::clone(root.shared().gauge());
        let log = options.log.unwrap_or_else(|| Box::new(MemoryLog));
        Ok(Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            memory_limit_bytes: options.memory_limit_bytes,
            heads: Heads::new(root, log),
            gauge,
        }))
    }

    /// A new session.
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(Arc::clone(self))
    }

    /// The limit it was opened with.
    pub fn memory_limit_bytes(&self) -> Option<usize> {
        self.memory_limit_bytes
    }

    /// Counters of what is alive.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    /// The longest that a writer has held the writer lock since this was last asked: what any other writer may have waited.
    pub fn take_longest_writer_hold(&self) -> std::time::Duration {
        self.heads.writer.take_longest_hold()
    }

    /// The number in which this database differs from the others of this process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    #[inline]
    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }

    /// Bytes that the limit leaves for data to grow by.
    #[inline]
    pub(crate) fn memory_left(&self) -> usize {
        self.memory_limit_bytes.map_or(usize::MAX, |limit| limit.saturating_sub(self.gauge.bytes()))
    }

    /// 53200 when the data takes more than the limit: asked before a statement that grows it.
    #[inline]
    pub(crate) fn check_memory(&self) -> Result<()> {
        match self.memory_limit_bytes {
            Some(limit) if self.gauge.bytes() > limit => Err(over_limit(self.gauge.bytes(), limit)),
            _ => Ok(()),
        }
    }
}

#[cold]
fn over_limit(used: usize, limit: usize) -> Error {
    Error::new(SqlState::OutOfMemory, "out of memory")
        .with_detail(format!("The data takes {used} bytes; the database's limit is {limit} bytes."))
        .with_hint(
            "Delete rows, drop or truncate tables, or start with a higher --memory-limit. Reads and deletes go on.",
        )
}
