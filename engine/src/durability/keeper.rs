//! The keeper: one thread that keeps the files of an open database in shape while nobody waits for it.
//!
//! It makes the log's next segment ready, proves the last group when nothing happens, writes what is acknowledged before it is
//! durable (`synchronous_commit = off`), and begins checkpoints.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::durability::checkpointer::{Checkpointer, Pace};
use crate::durability::journal::Journal;
use crate::transaction::heads::Heads;

/// How often it looks around.
const TICK: Duration = Duration::from_millis(20);

/// How often while nothing is written.
const IDLE_TICK: Duration = Duration::from_millis(200);

/// Nothing happens: the last group is proven.
const QUIET: Duration = Duration::from_millis(100);

/// A failed checkpoint is not begun again before this.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The thread of one open database.
#[derive(Debug)]
pub struct Keeper {
    signal: Arc<Signal>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What wakes it.
#[derive(Debug, Default)]
struct Signal {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    stop: bool,
    flush: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// Starts the thread.
    pub fn start(
        heads: Arc<Heads>,
        journal: Arc<Journal>,
        checkpointer: Option<Arc<Checkpointer>>,
    ) -> std::io::Result<Self> {
        let signal = Arc::<Signal>::default();
        let work = Work {
            signal: Arc::clone(&signal),
            heads,
            journal,
            checkpointer,
            failed_at: None,
            prepare_failed: false,
        };
        let builder = std::thread::Builder::new().name("spg-keeper".to_owned());
        let thread = builder.spawn(move || work.run())?;
        Ok(Self { signal, thread: Mutex::new(Some(thread)) })
    }

    /// No thread: the caller keeps the files in shape.
    pub fn absent() -> Self {
        Self { signal: Arc::default(), thread: Mutex::new(None) }
    }

    /// A commit was acknowledged before it is durable: it is written now.
    pub fn flush(&self) {
        let mut wanted = lock(&self.signal.wanted);
        if !std::mem::replace(&mut wanted.flush, true) {
            drop(wanted);
            self.signal.changed.notify_one();
        }
    }

    /// Ends the thread; a checkpoint that runs is given up.
    pub fn stop(&self, checkpointer: Option<&Checkpointer>) {
        if let Some(checkpointer) = checkpointer {
            checkpointer.give_up();
        }
        lock(&self.signal.wanted).stop = true;
        self.signal.changed.notify_one();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            log::error!("the thread that keeps the files in shape has panicked");
        }
    }
}

struct Work {
    signal: Arc<Signal>,
    heads: Arc<Heads>,
    journal: Arc<Journal>,
    checkpointer: Option<Arc<Checkpointer>>,
    failed_at: Option<Instant>,
    prepare_failed: bool,
}

impl Work {
    fn run(mut self) {
        while let Some(wanted) = self.wait() {
            if wanted.flush {
                self.heads.write_queue();
            }
            self.prepare();
            self.prove();
            self.checkpoint();
        }
    }

    /// Waits for the next tick or for something to do; None ends the thread.
    fn wait(&self) -> Option<Wanted> {
        let is_active = self.journal.last_write().is_some_and(|last| last.elapsed() < IDLE_TICK);
        let tick = if is_active { TICK } else { IDLE_TICK };
        let mut wanted = lock(&self.signal.wanted);
        if !wanted.stop && !wanted.flush {
            wanted = self
                .signal
                .changed
                .wait_timeout(wanted, tick)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let now = *wanted;
        wanted.flush = false;
        (!now.stop).then_some(now)
    }

    fn prepare(&mut self) {
        let Some(wal) = &self.journal.wal else { return };
        let prepared = wal.prepare();
        if let Err(error) = &prepared
            && !self.prepare_failed
        {
            log::warn!("could not make the log's next segment ready: {error}");
        }
        self.prepare_failed = prepared.is_err();
    }

    fn prove(&self) {
        let Some(wal) = &self.journal.wal else { return };
        let is_quiet = self.journal.last_write().is_some_and(|last| last.elapsed() >= QUIET);
        if is_quiet {
            self.journal.write_idle(wal);
        }
    }

    fn checkpoint(&mut self) {
        let Some(checkpointer) = &self.checkpointer else { return };
        if self.failed_at.is_some_and(|at| at.elapsed() < RETRY_AFTER) || !checkpointer.is_due() {
            return;
        }
        self.failed_at = None;
        if let Err(error) = checkpointer.run(&self.heads, Pace::Background) {
            log::error!("a checkpoint failed, the one before is untouched: {error}");
            self.failed_at = Some(Instant::now());
        }
    }
}
