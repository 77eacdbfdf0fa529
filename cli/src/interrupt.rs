//! Ctrl-C: ends the running statement, import or script; not the shell on a terminal.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use spg_engine::{Error, Result, SqlState};

/// The exit status of a process that a signal ended is this and its number, as shells have it.
const SIGNALLED_STATUS: i32 = 128;

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
    pub(crate) fn listen(&self, is_shell: bool, cancel: Box<dyn Fn() + Send>) -> io::Result<()> {
        self.handle(&[SIGINT], is_shell, cancel)
    }

    /// As [`Self::listen`], for work that looks at the flag and has to clear up behind it: SIGTERM and SIGHUP, which
    /// end any other command at once, set the flag too.
    pub(crate) fn listen_to_all(&self) -> io::Result<()> {
        self.handle(&[SIGINT, SIGTERM, SIGHUP], false, Box::new(|| {}))
    }

    fn handle(
        &self,
        signals: &[c_int],
        is_shell: bool,
        cancel: Box<dyn Fn() + Send>,
    ) -> io::Result<()> {
        let mut signals = Signals::new(signals)?;
        let Self { requested, running } = self.clone();
        let handle = move || {
            for signal in signals.forever() {
                let is_running = running.load(Ordering::Relaxed);
                let was_requested = requested.swap(true, Ordering::Relaxed);
                // Only Ctrl-C is pressed again by somebody who does not want to wait: `timeout` sends SIGTERM twice.
                let ends = if is_running { was_requested && signal == SIGINT } else { !is_shell };
                if is_running && !was_requested {
                    cancel();
                } else if ends {
                    std::process::exit(SIGNALLED_STATUS + signal);
                }
            }
        };
        thread::Builder::new().name("spg-signals".to_owned()).spawn(handle).map(drop)
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
