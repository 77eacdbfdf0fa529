//! Ending a session's running statement: from another thread, or by a setting that limits its time.

use std::sync::Arc;

use crate::error::Result;
use crate::executor::interrupt::{Deadline, Interrupt, Signal, terminated};

/// Ends what a session runs, or the session.
#[derive(Clone, Debug)]
pub struct Canceller {
    signal: Arc<Signal>,
}

impl Canceller {
    /// Makes the statement that the session runs now fail with 57014; without one it does nothing.
    pub fn cancel(&self) {
        self.signal.cancel();
    }

    /// Makes the statement that the session runs, and every one from now on, fail with 57P01. Its open block is rolled back when
    /// that happens, or when whoever has the session drops it, who may ask [`Self::is_terminated`].
    pub fn terminate(&self) {
        self.signal.terminate();
    }

    /// Whether the session is to end.
    pub fn is_terminated(&self) -> bool {
        self.signal.is_terminated()
    }
}

/// The session's side: its signal, and an interrupt for each statement.
#[derive(Debug)]
pub(super) struct Interrupts {
    signal: Arc<Signal>,
    /// Of the statement that runs; made anew only where there is a deadline.
    current: Interrupt,
    has_deadline: bool,
}

impl Default for Interrupts {
    fn default() -> Self {
        let signal = Arc::new(Signal::default());
        let current = Interrupt::new(Arc::clone(&signal), None);
        Self { signal, current, has_deadline: false }
    }
}

impl Interrupts {
    pub(super) fn canceller(&self) -> Canceller {
        Canceller { signal: Arc::clone(&self.signal) }
    }

    /// A statement starts: what was canceled before does not concern it.
    #[inline]
    pub(super) fn start(&mut self, deadline: Option<Deadline>) {
        self.current.restart();
        if self.has_deadline || deadline.is_some() {
            self.current = Interrupt::new(Arc::clone(&self.signal), deadline);
            self.has_deadline = deadline.is_some();
        }
    }

    /// 57014 if a cancel has come since the last start, 57P01 if the session is to end; whatever the deadline was.
    pub(super) fn check_cancel(&self) -> Result<()> {
        Interrupt::new(Arc::clone(&self.signal), None).check()
    }

    /// 57P01 if the session is to end.
    #[inline]
    pub(super) fn check_terminated(&self) -> Result<()> {
        if self.signal.is_terminated() { Err(terminated()) } else { Ok(()) }
    }

    /// The running statement's interrupt.
    #[inline]
    pub(super) fn current(&self) -> &Interrupt {
        &self.current
    }
}
