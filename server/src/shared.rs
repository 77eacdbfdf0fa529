//! What all threads of a server share: hardly ever written, so that reading it costs nothing.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use spg_engine::Database;

use crate::named_sessions::NamedSessions;
use crate::options::Options;
use crate::registry::Registry;

/// Where a server stands. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The database is being opened: 57P03.
    Loading,
    /// Open.
    Ready,
    /// Ending: 57P01.
    Stopping,
}

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) registry: Registry,
    pub(crate) named_sessions: NamedSessions,
    pub(crate) started: Instant,
    /// Whether connections should poll before they wait; the watcher decides.
    pub(crate) may_poll: AtomicBool,
    /// Bytes of frames that are not whole, as far as connections have to ask for them.
    pub(crate) incomplete_bytes: AtomicUsize,
    phase: AtomicU8,
    /// Invariant: set before the phase is [`Phase::Ready`].
    served: OnceLock<Served>,
    watcher: OnceLock<Thread>,
    changed: Condvar,
    changing: Mutex<()>,
}

/// What is served.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) database: Arc<Database>,
    /// Says which database this is: its files' UUID; for one in memory, which ends with the process, a random one.
    pub(crate) uuid: [u8; 16],
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            registry: Registry::default(),
            named_sessions: NamedSessions::default(),
            started: Instant::now(),
            may_poll: AtomicBool::new(false),
            incomplete_bytes: AtomicUsize::new(0),
            phase: AtomicU8::new(Phase::Loading as u8),
            served: OnceLock::new(),
            watcher: OnceLock::new(),
            changed: Condvar::new(),
            changing: Mutex::new(()),
            options,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Loading,
            1 => Phase::Ready,
            _ => Phase::Stopping,
        }
    }

    /// What is served, once it is loaded.
    pub(crate) fn served(&self) -> Option<&Served> {
        self.served.get()
    }

    /// The database is open; from now on it is served, unless the server is ending already.
    pub(crate) fn serve(&self, served: Served) {
        let _guard = lock(&self.changing);
        if self.served.set(served).is_ok() && self.phase() == Phase::Loading {
            self.phase.store(Phase::Ready as u8, Ordering::Release);
        }
        self.changed.notify_all();
    }

    /// The server ends.
    pub(crate) fn stop(&self) {
        let _guard = lock(&self.changing);
        self.phase.store(Phase::Stopping as u8, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits for the server to end.
    pub(crate) fn wait_for_stop(&self) {
        let mut guard = lock(&self.changing);
        while self.phase() != Phase::Stopping {
            guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The thread that watches, which sleeps while there is nothing to watch.
    pub(crate) fn set_watcher(&self, watcher: Thread) {
        let _ = self.watcher.set(watcher);
    }

    /// There is something to watch.
    pub(crate) fn wake_watcher(&self) {
        if let Some(watcher) = self.watcher.get() {
            watcher.unpark();
        }
    }

    /// Milliseconds since the start: what deadlines are kept in.
    pub(crate) fn milliseconds(&self, instant: Instant) -> u64 {
        let since: Duration = instant.saturating_duration_since(self.started);
        since.as_millis() as u64
    }
}

/// A mutex's content. A panic elsewhere leaves it whole: every change under the server's mutexes is one call.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
