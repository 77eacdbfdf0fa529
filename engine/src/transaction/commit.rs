//! Queueing a commit, making it durable, publishing it: the only code that publishes a root.
//!
//! Group commit by a leader: the committer that finds nobody writing takes the whole queue, writes it, publishes the roots
//! in queue order and wakes the rest. So the log is written by one thread at a time and no thread sleeps between.
//!
//! A panic between queueing and acknowledging ends the process: the others would wait for a leader that is gone, and a
//! restart finds a prefix of the commits. (A panic before, while the writer lock is held, has changed nothing that others
//! see; the lock is freed and the statement's session gets the panic.)

use std::sync::{Arc, MutexGuard, OnceLock};

use crate::error::{Error, Result};
use crate::identity::ChainState;
use crate::sabotage::{self, Break};
use crate::storage::CommitNumber;
use crate::storage::root::Root;
use crate::transaction::executed::{Actor, Executed};
use crate::transaction::heads::{Heads, Outcome, Pending, Queue, Waiter};
use crate::transaction::log::Record;
use crate::transaction::writer_lock::{WriterGuard, lock};

/// Ends the process when a panic unwinds through the commit section.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            log::error!(
                "panic while committing; the process ends, committed data is what the log holds"
            );
            std::process::abort();
        }
    }
}

impl Heads {
    /// Makes `root` the next commit and frees the writer lock. It is durable and visible once [`Self::settle`] says so.
    pub fn queue(
        &self,
        mut pending: WriterGuard<'_, Pending>,
        mut root: Root,
        actor: Option<Actor>,
        statements: Vec<Executed>,
    ) -> Arc<Outcome> {
        let section = AbortOnPanic;
        root.commit = CommitNumber(pending.root.commit.0 + 1);
        root.place = OnceLock::new();
        let outcome = Outcome::open(root.commit);
        let root = Arc::new(root);
        let before = std::mem::replace(&mut pending.root, Arc::clone(&root));
        pending.outcome = Arc::clone(&outcome);
        let mut queue = lock(&self.queue);
        queue.records.push(Record::new(before, root, actor, statements));
        queue.outcomes.push(Arc::clone(&outcome));
        drop(queue);
        drop(pending);
        drop(section);
        outcome
    }

    /// Waits until the commit is durable and published, writing the queue if nobody does, and answers where the audit
    /// chain stands after it; or says why it is neither.
    ///
    /// Every answer that was computed from `pending`, errors included, waits here for that commit first.
    pub fn settle(&self, outcome: &Outcome) -> Result<Option<ChainState>> {
        if let Some(result) = outcome.result.get() {
            return result.clone();
        }
        let mut queue = lock(&self.queue);
        loop {
            if let Some(result) = outcome.result.get() {
                return result.clone();
            }
            if queue.has_leader {
                let thread = std::thread::current();
                queue.waiters.push(Waiter { commit: outcome.commit(), thread });
                drop(queue);
                // Whoever wakes it has taken it off the list; a wake-up without a reason puts it there twice, which costs
                // another one later and nothing else.
                std::thread::park();
                if let Some(result) = outcome.result.get() {
                    return result.clone();
                }
                queue = lock(&self.queue);
                continue;
            }
            queue.has_leader = true;
            let group = Queue {
                records: std::mem::take(&mut queue.records),
                outcomes: std::mem::take(&mut queue.outcomes),
                ..Queue::default()
            };
            drop(queue);
            let section = AbortOnPanic;
            self.lead(&group);
            drop(section);
            // Invariant: the roots before are dropped while nothing is locked; they may be the last of a large table.
            drop(group);
            queue = lock(&self.queue);
        }
    }

    /// Writes what is queued, if nobody does: for commits that nobody waits for.
    pub fn write_queue(&self) {
        let last = lock(&self.queue).outcomes.last().map(Arc::clone);
        if let Some(last) = last {
            // A failure is told to whoever asks for the outcome; the log has said it too.
            let _ = self.settle(&last);
        }
    }

    /// Writes and publishes one group.
    fn lead(&self, group: &Queue) {
        if sabotage::is(Break::PublishBeforeLog) {
            for record in &group.records {
                drop(self.published.store(Arc::clone(record.after())));
            }
        }
        match self.log.write(&group.records) {
            Ok(()) => {
                // Nobody can tell that the roots between were never published: each was durable no sooner.
                if let Some(last) = group.records.last() {
                    // The root before is in the first record: it is dropped with the group, after the others were woken.
                    drop(self.published.store(Arc::clone(last.after())));
                }
                for (outcome, record) in group.outcomes.iter().zip(&group.records) {
                    let place = record.after().place.get();
                    let _ = outcome.result.set(Ok(place.and_then(|place| place.chain)));
                }
                let settled = group.outcomes.last().map(|last| last.commit());
                Self::wake(lock(&self.queue), settled);
            }
            Err(error) => self.fail(group, &error),
        }
    }

    /// Takes `pending` back to `published`: the group and all that was built on it never happened.
    fn fail(&self, group: &Queue, error: &Error) {
        let mut pending = self.writer.lock_uninterrupted();
        let mut queue = lock(&self.queue);
        let behind = std::mem::take(&mut queue.outcomes);
        let records = std::mem::take(&mut queue.records);
        pending.root = self.published.load_full();
        pending.outcome = Outcome::durable(&pending.root);
        for outcome in group.outcomes.iter().chain(&behind) {
            let _ = outcome.result.set(Err(error.clone()));
        }
        // Everybody who sleeps waits for one of these.
        Self::wake(queue, Some(CommitNumber(u64::MAX)));
        drop(pending);
        drop(records);
    }

    /// Gives up the lead, wakes those whose commits are settled, and one of the others, who leads next.
    ///
    /// Each sleeper is woken by itself: all at once, they would queue up for the lock that they look at the queue under.
    fn wake(mut queue: MutexGuard<'_, Queue>, settled: Option<CommitNumber>) {
        queue.has_leader = false;
        let is_settled =
            |waiter: &mut Waiter| settled.is_some_and(|settled| waiter.commit <= settled);
        let mut awake: Vec<Waiter> = queue.waiters.extract_if(.., is_settled).collect();
        awake.extend(queue.waiters.pop());
        drop(queue);
        // The next leader first: the disk is what everybody waits for.
        for waiter in awake.iter().rev() {
            waiter.thread.unpark();
        }
    }
}
