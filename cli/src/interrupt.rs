//! Ctrl-C on a terminal: ends the running statement, import or script, not the shell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use spg_engine::session::Canceller;
use spg_engine::{Error, Result, SqlState};

/// Whether the user asked for an end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    requested: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on Ctrl-C sets this flag and cancels the session's running statement, instead of ending the process.
    pub(crate) fn listen(&self, canceller: Canceller) -> std::result::Result<(), ctrlc::Error> {
        let requested = Arc::clone(&self.requested);
        ctrlc::set_handler(move || {
            requested.store(true, Ordering::Relaxed);
            canceller.cancel();
        })
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
