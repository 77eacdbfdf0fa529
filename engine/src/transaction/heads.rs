//! The two heads: `published`, which is durable and what everybody reads, and `pending`, the last commit in the queue.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::executor::interrupt::Interrupt;
use crate::identity::ChainState;
use crate::locks::Patience;
use crate::metrics::Latencies;
use crate::storage::CommitNumber;
use crate::storage::root::Root;
use crate::storage::root_cell::{RootCell, Snapshot};
use crate::sync::{Mutex, Thread};
use crate::transaction::executed::AuditPolicy;
use crate::transaction::log::{CommitLog, Record};
use crate::transaction::writer_lock::{WriterGuard, WriterLock, lock};

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
    /// The last entry of the audit log that was verified since it was opened, and when.
    audit_verified: Mutex<Option<(u64, String)>>,
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
    /// Who waits for a commit to be settled.
    pub(super) waiters: Vec<Waiter>,
    /// The thread that leads when nobody who sleeps can ([`Heads::write_on`]).
    pub(super) log_thread: Option<Thread>,
}

/// Somebody who waits until a commit is settled.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) commit: CommitNumber,
    pub(super) who: Who,
}

/// How whoever waits learns of it.
#[derive(Debug)]
pub(super) enum Who {
    /// A thread that sleeps; also woken when nobody leads, to lead.
    Sleeper(Thread),
    /// It is told, by the thread that has written the commit.
    Told(Box<dyn OnSettled>),
}

/// What somebody wants done when a commit is settled, who does not wait for that himself.
pub trait OnSettled: Send + std::fmt::Debug {
    /// Called once, by whichever thread has settled the commit, with nothing locked. It must not wait: the next commits
    /// may be written by this thread.
    fn settled(self: Box<Self>);
}

impl Outcome {
    pub(super) fn open(commit: CommitNumber) -> Arc<Self> {
        Arc::new(Self { commit, result: OnceLock::new() })
    }

    pub(super) fn durable(root: &Root) -> Arc<Self> {
        let chain = root.place.get().and_then(|place| place.chain);
        Arc::new(Self { commit: root.commit, result: OnceLock::from(Ok(chain)) })
    }

    /// What became of it, as far as that is known: where the audit chain stands after it, or why it failed.
    pub fn result(&self) -> Option<Result<Option<ChainState>>> {
        self.result.get().cloned()
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
            audit_verified: Mutex::default(),
        }
    }

    /// The durable root for one statement that reads.
    #[inline]
    pub fn snapshot(&self) -> Snapshot {
        self.published.load()
    }

    /// The durable root for a transaction.
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

    /// The newest queued root, and what became of it: whatever is committed after this call does so after what its caller did
    /// before it.
    pub fn newest(&self, patience: &Patience<'_>) -> Result<(Arc<Root>, Arc<Outcome>)> {
        let pending = self.lock(patience.lock_timeout, patience.interrupt)?;
        Ok((Arc::clone(&pending.root), Arc::clone(&pending.outcome)))
    }

    /// What commits carry for the audit log.
    #[inline]
    pub fn audit_policy(&self) -> AuditPolicy {
        self.audit_policy
    }

    /// How long the writer lock is held, and how long parts of the log take.
    pub fn latencies(&self) -> Latencies {
        let mut found = vec![("writer_hold", self.writer.holds())];
        found.extend(self.log.latencies());
        found
    }

    /// The audit log was found to be whole up to an entry.
    pub(crate) fn note_audit_verified(&self, sequence: u64, at: String) {
        *lock(&self.audit_verified) = Some((sequence, at));
    }

    /// Up to which entry that was, and when.
    pub(crate) fn audit_verified(&self) -> Option<(u64, String)> {
        lock(&self.audit_verified).clone()
    }

    /// Why nothing can be committed any more, if so.
    pub fn refusal(&self) -> Option<Error> {
        self.log.refusal()
    }
}
