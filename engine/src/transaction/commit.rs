//! Queueing a commit, making it durable, publishing it: the only code that publishes a root.
//!
//! Group commit by a leader: the committer that finds nobody writing takes the whole queue, writes it, publishes the roots
//! in queue order and wakes the rest. So the log is written by one thread at a time and no thread sleeps between.
//!
//! A committer that has nothing to do but pass the answer on need not sleep: it leaves behind what is to be done
//! ([`Heads::settle_later`]), the leader does it, and a wake-up is saved. Where nobody sleeps who could lead next, the log
//! thread does ([`Heads::write_on`]); it goes on as long as commits come in.
//!
//! A panic between queueing and acknowledging ends the process: the others would wait for a leader that is gone, and a
//! restart finds a prefix of the commits. (A panic before, while the writer lock is held, has changed nothing that others
//! see; the lock is freed and the statement's session gets the panic.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::identity::ChainState;
use crate::sabotage::{self, Break};
use crate::storage::CommitNumber;
use crate::storage::root::Root;
use crate::sync::{MutexGuard, Thread, current, park, step};
use crate::transaction::executed::{Actor, Executed};
use crate::transaction::heads::{Heads, OnSettled, Outcome, Pending, Queue, Waiter, Who};
use crate::transaction::log::Record;
use crate::transaction::writer_lock::{WriterGuard, lock};

/// Ends the process when a panic unwinds through the commit section.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        // Where a test decides who runs, a panic is its answer.
        if std::thread::panicking() && !cfg!(feature = "schedules") {
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
                let who = Who::Sleeper(current());
                queue.waiters.push(Waiter { commit: outcome.commit(), who });
                drop(queue);
                // Whoever wakes it has taken it off the list; a wake-up without a reason puts it there twice, which costs
                // another one later and nothing else.
                park();
                if let Some(result) = outcome.result.get() {
                    return result.clone();
                }
            } else {
                self.lead(queue);
            }
            queue = lock(&self.queue);
        }
    }

    /// Has `then` called once the commit is settled: by the leader, if there is one and a log thread may follow it, so that
    /// the caller can go on at once; else before it returns.
    pub fn settle_later(&self, outcome: &Outcome, then: Box<dyn OnSettled>) {
        if !outcome.is_settled() {
            let mut queue = lock(&self.queue);
            // Looked at again: who settles it takes the lock afterwards, to look for those who wait.
            if !outcome.is_settled() && queue.has_leader && queue.log_thread.is_some() {
                queue.waiters.push(Waiter { commit: outcome.commit(), who: Who::Told(then) });
                return;
            }
            drop(queue);
            // What became of it is in the outcome.
            let _ = self.settle(outcome);
        }
        then.settled();
    }

    /// The log thread: leads whenever commits are queued and nobody else does, until `stop` is set and it is woken.
    pub fn write_on(&self, stop: &AtomicBool) {
        let mut queue = lock(&self.queue);
        queue.log_thread = Some(current());
        while !stop.load(Ordering::Acquire) {
            if queue.has_leader || queue.outcomes.is_empty() {
                drop(queue);
                park();
            } else {
                self.lead(queue);
            }
            queue = lock(&self.queue);
        }
        queue.log_thread = None;
        drop(queue);
        self.write_queue();
    }

    /// Whether the log thread has come as far as to lead.
    #[cfg(test)]
    pub(crate) fn has_log_thread(&self) -> bool {
        lock(&self.queue).log_thread.is_some()
    }

    /// Writes what is queued, if nobody does: for commits that nobody waits for.
    pub fn write_queue(&self) {
        let last = lock(&self.queue).outcomes.last().map(Arc::clone);
        if let Some(last) = last {
            // A failure is told to whoever asks for the outcome; the log has said it too.
            let _ = self.settle(&last);
        }
    }

    /// Takes what is queued, which nobody writes, and writes and publishes it. Those who wait for it are told or woken.
    fn lead(&self, mut queue: MutexGuard<'_, Queue>) {
        queue.has_leader = true;
        let group = Queue {
            records: std::mem::take(&mut queue.records),
            outcomes: std::mem::take(&mut queue.outcomes),
            ..Queue::default()
        };
        drop(queue);
        let section = AbortOnPanic;
        for then in self.write_group(&group) {
            then.settled();
        }
        drop(section);
        // Invariant: the roots before are dropped while nothing is locked; they may be the last of a large table.
        drop(group);
    }

    /// Writes and publishes one group; answers what is to be done now.
    fn write_group(&self, group: &Queue) -> Vec<Box<dyn OnSettled>> {
        if sabotage::is(Break::PublishBeforeLog) {
            for record in &group.records {
                drop(self.published.store(Arc::clone(record.after())));
            }
        }
        match self.log.write(&group.records) {
            Ok(()) => {
                step();
                // Nobody can tell that the roots between were never published: each was durable no sooner.
                if let Some(last) = group.records.last() {
                    // The root before is in the first record: it is dropped with the group, after the others were woken.
                    drop(self.published.store(Arc::clone(last.after())));
                }
                step();
                for (outcome, record) in group.outcomes.iter().zip(&group.records) {
                    let place = record.after().place.get();
                    let _ = outcome.result.set(Ok(place.and_then(|place| place.chain)));
                }
                let settled = group.outcomes.last().map(|last| last.commit());
                Self::wake(lock(&self.queue), settled)
            }
            Err(error) => self.fail(group, &error),
        }
    }

    /// Takes `pending` back to `published`: the group and all that was built on it never happened.
    fn fail(&self, group: &Queue, error: &Error) -> Vec<Box<dyn OnSettled>> {
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
        let told = Self::wake(queue, Some(CommitNumber(u64::MAX)));
        drop(pending);
        drop(records);
        told
    }

    /// Gives up the lead, wakes those who sleep for what is settled, and whoever leads next if anything is queued; answers
    /// what is to be done for the others.
    ///
    /// Each sleeper is woken by itself: all at once, they would queue up for the lock that they look at the queue under.
    fn wake(
        mut queue: MutexGuard<'_, Queue>,
        settled: Option<CommitNumber>,
    ) -> Vec<Box<dyn OnSettled>> {
        queue.has_leader = false;
        let is_settled =
            |waiter: &mut Waiter| settled.is_some_and(|settled| waiter.commit <= settled);
        let (mut awake, mut told) = (Vec::new(), Vec::new());
        for waiter in queue.waiters.extract_if(.., is_settled) {
            match waiter.who {
                Who::Sleeper(thread) => awake.push(thread),
                Who::Told(then) => told.push(then),
            }
        }
        if !sabotage::is(Break::LoseWakeUp) {
            awake.extend(Self::next_leader(&mut queue));
        }
        drop(queue);
        // The next leader first: the disk is what everybody waits for.
        for thread in awake.iter().rev() {
            thread.unpark();
        }
        told
    }

    fn next_leader(queue: &mut Queue) -> Option<Thread> {
        let sleeper =
            queue.waiters.iter().rposition(|waiter| matches!(waiter.who, Who::Sleeper(_)));
        if let Some(Who::Sleeper(thread)) = sleeper.map(|place| queue.waiters.remove(place).who) {
            return Some(thread);
        }
        // Nobody who only left something to do behind wakes up by himself.
        queue.log_thread.clone().filter(|_| !queue.outcomes.is_empty())
    }
}
