//! The two heads: `published`, which is durable and what everybody reads, and `pending`, the last commit in the queue.

use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use crate::error::Result;
use crate::executor::interrupt::Interrupt;
use crate::storage::CommitNumber;
use crate::storage::root::Root;
use crate::storage::root_cell::RootCell;
use crate::transaction::log::{CommitLog, Record};
use crate::transaction::writer_lock::{WriterGuard, WriterLock};

/// The heads of one database with what leads from one to the other.
///
/// Lock order: the writer lock, then the queue. Nobody who holds the writer lock waits for a commit to be durable.
#[derive(Debug)]
pub struct Heads {
    pub(super) published: RootCell,
    pub(crate) writer: WriterLock<Pending>,
    pub(super) queue: Mutex<Queue>,
    pub(super) settled: Condvar,
    pub(super) log: Box<dyn CommitLog>,
    keeps_statements: bool,
}

/// The last queued commit: what writers validate against. Owned by the writer lock.
#[derive(Debug)]
pub struct Pending {
    /// Its root.
    pub root: Arc<Root>,
    /// What became of it.
    pub outcome: Arc<Outcome>,
}

/// What became of a queued commit: nothing yet, durable and published, or failed.
#[derive(Debug)]
pub struct Outcome {
    commit: CommitNumber,
    pub(super) result: OnceLock<Result<()>>,
}

/// Commits that wait for the log, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) records: Vec<Record>,
    pub(super) outcomes: Vec<Arc<Outcome>>,
    /// Whether a committer is writing a group now.
    pub(super) has_leader: bool,
    /// Committers that sleep until theirs is settled: without any, waking them is a system call for nothing.
    pub(super) waiters: usize,
}

impl Outcome {
    pub(super) fn open(commit: CommitNumber) -> Arc<Self> {
        Arc::new(Self { commit, result: OnceLock::new() })
    }

    pub(super) fn durable(commit: CommitNumber) -> Arc<Self> {
        Arc::new(Self { commit, result: OnceLock::from(Ok(())) })
    }

    /// Whether it is durable or has failed by now.
    pub fn is_settled(&self) -> bool {
        self.result.get().is_some()
    }

    /// The commit it is about.
    pub fn commit(&self) -> CommitNumber {
        self.commit
    }
}

impl Heads {
    /// Both heads at `root`.
    pub fn new(root: Root, log: Box<dyn CommitLog>) -> Self {
        let root = Arc::new(root);
        let outcome = Outcome::durable(root.commit);
        let pending = Pending { root: Arc::clone(&root), outcome };
        let keeps_statements = log.keeps_statements();
        Self {
            published: RootCell::new(root),
            writer: WriterLock::new(pending),
            queue: Mutex::default(),
            settled: Condvar::new(),
            log,
            keeps_statements,
        }
    }

    /// The durable root: what reads and transactions start from.
    #[inline]
    pub fn published(&self) -> Arc<Root> {
        self.published.load_full()
    }

    /// Takes the writer lock and with it `pending`: 55P03 after `timeout`, 57014 when interrupted.
    pub fn lock(
        &self,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<WriterGuard<'_, Pending>> {
        self.writer.lock(timeout, interrupt)
    }

    /// Whether commits carry the texts of their statements.
    pub fn keeps_statements(&self) -> bool {
        self.keeps_statements
    }
}
