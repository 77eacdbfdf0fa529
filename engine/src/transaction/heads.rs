//! The two heads: `published`, which is durable and what everybody reads, and `pending`, the last commit in the queue.

use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::executor::interrupt::Interrupt;
use crate::identity::ChainState;
use crate::storage::CommitNumber;
use crate::storage::root::Root;
use crate::storage::root_cell::RootCell;
use crate::transaction::executed::AuditPolicy;
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
    pub(super) log: Box<dyn CommitLog>,
    audit_policy: AuditPolicy,
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
    pub(super) result: OnceLock<Result<Option<ChainState>>>,
}

/// Commits that wait for the log, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) records: Vec<Record>,
    pub(super) outcomes: Vec<Arc<Outcome>>,
    /// Whether a committer is writing a group now.
    pub(super) has_leader: bool,
    /// Threads that sleep until their commit is settled.
    pub(super) waiters: Vec<Waiter>,
}

/// A thread that sleeps until a commit is settled, or until nobody leads.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) commit: CommitNumber,
    pub(super) thread: Thread,
}

impl Outcome {
    pub(super) fn open(commit: CommitNumber) -> Arc<Self> {
        Arc::new(Self { commit, result: OnceLock::new() })
    }

    pub(super) fn durable(root: &Root) -> Arc<Self> {
        let chain = root.place.get().and_then(|place| place.chain);
        Arc::new(Self { commit: root.commit, result: OnceLock::from(Ok(chain)) })
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
        let outcome = Outcome::durable(&root);
        let pending = Pending { root: Arc::clone(&root), outcome };
        let audit_policy = log.audit_policy();
        Self {
            published: RootCell::new(root),
            writer: WriterLock::new(pending),
            queue: Mutex::default(),
            log,
            audit_policy,
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

    /// What commits carry for the audit log.
    #[inline]
    pub fn audit_policy(&self) -> AuditPolicy {
        self.audit_policy
    }

    /// Why nothing can be committed any more, if so.
    pub fn refusal(&self) -> Option<Error> {
        self.log.refusal()
    }
}
