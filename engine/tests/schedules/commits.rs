//! Commits on the two heads alone: queue, leader, waiters, a log that takes its time and may fail.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use shuttle::thread::{self, yield_now};
use spg_engine::executor::interrupt::Interrupt;
use spg_engine::storage::root::Root;
use spg_engine::transaction::heads::{Heads, OnSettled, Outcome};
use spg_engine::transaction::log::{CommitLog, Record};
use spg_engine::{Error, Result, SqlState};

use crate::broken::break_as_asked;
use crate::explore;

const COMMITTERS: usize = 3;
const COMMITS_EACH: usize = 2;

/// A log that knows what is durable.
#[derive(Debug, Default)]
struct Log {
    durable: AtomicU64,
    /// Writes that fail, by their number.
    fails_at: Option<usize>,
    writes: AtomicUsize,
}

impl CommitLog for Log {
    fn write(&self, records: &[Record]) -> Result<()> {
        let first = records.first().unwrap().commit().0;
        assert_eq!(first, self.durable.load(Ordering::SeqCst) + 1, "commits come in order");
        yield_now();
        if self.fails_at == Some(self.writes.fetch_add(1, Ordering::SeqCst)) {
            return Err(Error::new(SqlState::IoError, "this write fails"));
        }
        self.durable.store(records.last().unwrap().commit().0, Ordering::SeqCst);
        yield_now();
        Ok(())
    }
}

fn heads(fails_at: Option<usize>) -> (Arc<Heads>, Arc<Log>) {
    let log = Arc::new(Log { fails_at, ..Log::default() });
    (Arc::new(Heads::new(Root::empty(), Box::new(Arc::clone(&log)))), log)
}

fn queue(heads: &Heads) -> Arc<Outcome> {
    let pending = heads.lock(None, &Interrupt::default()).unwrap();
    let root = Root::clone(&pending.root);
    heads.queue(pending, root, None, Vec::new())
}

/// What is visible is durable, and what is acknowledged is visible.
fn acknowledged_and_visible() {
    break_as_asked();
    let (heads, log) = heads(None);
    let mut threads = Vec::new();
    for _ in 0..COMMITTERS {
        let (heads, log) = (Arc::clone(&heads), Arc::clone(&log));
        threads.push(thread::spawn(move || {
            for _ in 0..COMMITS_EACH {
                let outcome = queue(&heads);
                heads.settle(&outcome).unwrap();
                assert!(log.durable.load(Ordering::SeqCst) >= outcome.commit().0);
                assert!(heads.published().commit >= outcome.commit());
            }
        }));
    }
    let mut last = heads.published().commit;
    for _ in 0..COMMITTERS * COMMITS_EACH {
        yield_now();
        let seen = heads.published().commit;
        assert!(seen.0 <= log.durable.load(Ordering::SeqCst), "visible before it is durable");
        assert!(seen >= last, "what was visible is gone");
        last = seen;
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(heads.published().commit.0, (COMMITTERS * COMMITS_EACH) as u64);
}

#[test]
fn what_is_visible_is_durable_and_what_is_acknowledged_is_visible() {
    explore(acknowledged_and_visible);
}

/// A write that fails takes back all that was built on it, tells those who wait, and leaves the heads as they were.
fn a_failing_write() {
    let (heads, log) = heads(Some(1));
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let mut threads = Vec::new();
    for _ in 0..COMMITTERS {
        let (heads, acknowledged) = (Arc::clone(&heads), Arc::clone(&acknowledged));
        threads.push(thread::spawn(move || {
            for _ in 0..COMMITS_EACH {
                let outcome = queue(&heads);
                if heads.settle(&outcome).is_ok() {
                    let is_new = acknowledged.lock().unwrap().insert(outcome.commit());
                    assert!(is_new, "two commits of one number are acknowledged");
                }
            }
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let durable = log.durable.load(Ordering::SeqCst);
    assert_eq!(acknowledged.lock().unwrap().len() as u64, durable);
    assert_eq!(heads.published().commit.0, durable);
    let outcome = queue(&heads);
    heads.settle(&outcome).unwrap();
    assert_eq!(outcome.commit().0, durable + 1);
}

#[test]
fn a_write_that_fails_is_told_and_taken_back() {
    explore(a_failing_write);
}

/// Counts who was told.
#[derive(Debug)]
struct Told(Arc<AtomicUsize>, Arc<Outcome>);

impl OnSettled for Told {
    fn settled(self: Box<Self>) {
        assert!(self.1.is_settled());
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Who leaves something to be done behind is told once; the log thread writes where nobody sleeps who could.
fn left_behind() {
    break_as_asked();
    let (heads, _) = heads(None);
    let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (writer, seen) = (Arc::clone(&heads), Arc::clone(&stop));
    let log_thread = thread::spawn(move || writer.write_on(&seen));
    let mut threads = Vec::new();
    for committer in 0..COMMITTERS {
        let (heads, told) = (Arc::clone(&heads), Arc::clone(&told));
        threads.push(thread::spawn(move || {
            for _ in 0..COMMITS_EACH {
                let outcome = queue(&heads);
                let then = Box::new(Told(Arc::clone(&told), Arc::clone(&outcome)));
                heads.settle_later(&outcome, then);
                if committer == 0 {
                    heads.settle(&outcome).unwrap();
                }
            }
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    while told.load(Ordering::SeqCst) < COMMITTERS * COMMITS_EACH {
        yield_now();
    }
    stop.store(true, Ordering::SeqCst);
    log_thread.thread().unpark();
    log_thread.join().unwrap();
    assert_eq!(told.load(Ordering::SeqCst), COMMITTERS * COMMITS_EACH);
    assert_eq!(heads.published().commit.0, (COMMITTERS * COMMITS_EACH) as u64);
}

#[test]
fn what_is_left_behind_is_done_once() {
    explore(left_behind);
}
