//! The log thread: leads group commits while committers leave their answers behind instead of waiting for them.
//!
//! It sleeps as long as committers lead themselves, which is faster for few of them: nobody has to be woken for a commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::transaction::heads::Heads;

/// The thread of one open database.
#[derive(Debug)]
pub struct LogThread {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LogThread {
    /// Starts the thread.
    pub fn start(heads: Arc<Heads>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let builder = std::thread::Builder::new().name("spg-log".to_owned());
        let thread = builder.spawn(move || heads.write_on(&seen))?;
        Ok(Self { stop, thread: Mutex::new(Some(thread)) })
    }

    /// No thread: committers wait and lead themselves.
    pub fn absent() -> Self {
        Self { stop: Arc::default(), thread: Mutex::new(None) }
    }

    /// Ends the thread; what is queued is written first.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        thread.thread().unpark();
        if thread.join().is_err() {
            log::error!("the thread that writes the log has panicked");
        }
    }
}
