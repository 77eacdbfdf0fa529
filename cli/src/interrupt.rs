//! Ctrl-C: ends the running statement, import or script; not the shell on a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use spg_engine::{Error, Result, SqlState};

/// The exit status of a process that an interrupt ended, as shells have it.
const INTERRUPTED_STATUS: i32 = 130;

/// Whether the user asked for an end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    requested: Arc<AtomicBool>,
    /// Whether something runs that can be cancelled.
    running: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on Ctrl-C sets this flag and cancels what runs, instead of ending the process.
    ///
    /// A second one while the first is being carried out ends the process all the same: a server may not answer. While
    /// nothing runs, Ctrl-C ends the process, unless it `is_shell`.
    pub(crate) fn listen(
        &self,
        is_shell: bool,
        cancel: Box<dyn Fn() + Send>,
    ) -> std::result::Result<(), ctrlc::Error> {
        let Self { requested, running } = self.clone();
        ctrlc::set_handler(move || {
            let is_running = running.load(Ordering::Relaxed);
            let was_requested = requested.swap(true, Ordering::Relaxed);
            if is_running && !was_requested {
                cancel();
            } else if is_running || !is_shell {
                std::process::exit(INTERRUPTED_STATUS);
            }
        })
    }

    /// Does `work`, which can be cancelled.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.running.store(true, Ordering::Relaxed);
        let result = work();
        self.running.store(false, Ordering::Relaxed);
        result
    }

    /// Forgets what was asked before: a new input begins.
    pub(crate) fn reset(&self) {
        self.requested.store(false, Ordering::Relaxed);
    }

    /// Whether an end was asked for.
    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// 57014 once an end was asked for.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_requested() {
            return Err(Error::new(
                SqlState::QueryCanceled,
                "canceling statement due to user request",
            ));
        }
        Ok(())
    }
}
