//! Ending a session's running statement: from another thread, or by a setting that limits its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::executor::interrupt::{Deadline, Interrupt};

/// Makes the statement that its session runs now fail with 57014; without one it does nothing.
#[derive(Clone, Debug)]
pub struct Canceller {
    canceled: Arc<AtomicBool>,
}

impl Canceller {
    /// Cancels.
    pub fn cancel(&self) {
        self.canceled.store(true, Ordering::Relaxed);
    }
}

/// The session's side: its flag, and an interrupt for each statement.
#[derive(Debug)]
pub(super) struct Interrupts {
    canceled: Arc<AtomicBool>,
    /// Of the statement that runs; made anew only where there is a deadline.
    current: Interrupt,
    has_deadline: bool,
}

impl Default for Interrupts {
    fn default() -> Self {
        let canceled = Arc::new(AtomicBool::new(false));
        let current = Interrupt::new(Arc::clone(&canceled), None);
        Self { canceled, current, has_deadline: false }
    }
}

impl Interrupts {
    pub(super) fn canceller(&self) -> Canceller {
        Canceller { canceled: Arc::clone(&self.canceled) }
    }

    /// A statement starts: what was canceled before does not concern it.
    #[inline]
    pub(super) fn start(&mut self, deadline: Option<Deadline>) {
        self.current.restart();
        if self.has_deadline || deadline.is_some() {
            self.current = Interrupt::new(Arc::clone(&self.canceled), deadline);
            self.has_deadline = deadline.is_some();
        }
    }

    /// 57014 if a cancel has come since the last start; whatever the deadline was.
    pub(super) fn check_cancel(&self) -> Result<()> {
        Interrupt::new(Arc::clone(&self.canceled), None).check()
    }

    /// The running statement's interrupt.
    #[inline]
    pub(super) fn current(&self) -> &Interrupt {
        &self.current
    }
}
