//! Ctrl-C: ends the running statement, import or script; not the shell on a terminal.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use spg_engine::{Error, Result, SqlState};

use crate::messages;

/// The exit status of a process that a signal ended is this and its number, as shells have it.
const SIGNALLED_STATUS: i32 = 128;

/// How long the shell waits for what a cancel does before Ctrl-C ends the shell.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

const HINT: &str = "HINT:  The statement is being cancelled. If nothing comes of it, Ctrl-C ends the shell 2 s after the first.";

/// What cancels that which runs, from any thread.
pub(crate) type Cancel = Box<dyn Fn() + Send + Sync>;

/// What is going on when a signal comes.
struct Pressed {
    /// Whether one came before, of the same input.
    is_again: bool,
    is_running: bool,
    /// Since the last cancel.
    since_cancel: Duration,
}

/// What is done then.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Nothing,
    Cancel,
    Hint,
    End,
}

impl Pressed {
    fn answer(&self, signal: c_int, is_shell: bool) -> Answer {
        if !self.is_running {
            return if is_shell { Answer::Nothing } else { Answer::End };
        }
        match self.is_again {
            false => Answer::Cancel,
            // Only Ctrl-C is pressed again by somebody who does not want to wait: `timeout` sends SIGTERM twice.
            true if signal != SIGINT => Answer::Nothing,
            true if is_shell && self.since_cancel < CANCEL_PATIENCE => Answer::Hint,
            true => Answer::End,
        }
    }
}

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
    /// A second one while the first is being carried out ends the process all the same: a server may not answer. Of what
    /// `is_shell` nobody wants that by a key that was pressed twice: there it is a later one. While nothing runs, Ctrl-C
    /// ends the process, unless it `is_shell`.
    pub(crate) fn listen(&self, is_shell: bool, cancel: Cancel) -> io::Result<()> {
        self.handle(&[SIGINT], is_shell, cancel)
    }

    /// As [`Self::listen`], for work that looks at the flag and has to clear up behind it: SIGTERM and SIGHUP, which
    /// end any other command at once, set the flag too.
    pub(crate) fn listen_to_all(&self, cancel: Cancel) -> io::Result<()> {
        self.handle(&[SIGINT, SIGTERM, SIGHUP], false, cancel)
    }

    fn handle(&self, signals: &[c_int], is_shell: bool, cancel: Cancel) -> io::Result<()> {
        let mut signals = Signals::new(signals)?;
        let Self { requested, running } = self.clone();
        let cancel: Arc<dyn Fn() + Send + Sync> = cancel.into();
        let handle = move || {
            let mut cancelled = Instant::now();
            for signal in signals.forever() {
                let pressed = Pressed {
                    is_again: requested.swap(true, Ordering::Relaxed),
                    is_running: running.load(Ordering::Relaxed),
                    since_cancel: cancelled.elapsed(),
                };
                match pressed.answer(signal, is_shell) {
                    Answer::Nothing => {}
                    Answer::Cancel => {
                        cancelled = Instant::now();
                        // Beside the signals: a server that hangs does not take it either.
                        let beside = Arc::clone(&cancel);
                        let thread = thread::Builder::new().name("spg-cancel".to_owned());
                        if thread.spawn(move || beside()).is_err() {
                            cancel();
                        }
                    }
                    Answer::Hint => messages::line(HINT),
                    Answer::End => std::process::exit(SIGNALLED_STATUS + signal),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cancels_and_another_ends() {
        let (soon, late) = (Duration::from_millis(1), CANCEL_PATIENCE);
        for (is_running, is_again, since_cancel, signal, is_shell, expected) in [
            (true, false, soon, SIGINT, false, Answer::Cancel),
            (true, true, soon, SIGINT, false, Answer::End),
            (true, false, soon, SIGTERM, false, Answer::Cancel),
            (true, true, late, SIGTERM, false, Answer::Nothing),
            (false, false, late, SIGTERM, false, Answer::End),
            (true, false, late, SIGINT, true, Answer::Cancel),
            (true, true, soon, SIGINT, true, Answer::Hint),
            (true, true, late, SIGINT, true, Answer::End),
            (false, true, late, SIGINT, true, Answer::Nothing),
        ] {
            let pressed = Pressed { is_again, is_running, since_cancel };
            assert_eq!(pressed.answer(signal, is_shell), expected);
        }
    }
}
