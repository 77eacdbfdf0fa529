//! Canceling a session's running statement from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Makes the statement that its session runs now fail with 57014; without one it does nothing.
#[derive(Clone, Debug, Default)]
pub struct Canceller {
    canceled: Arc<AtomicBool>,
}

impl Canceller {
    /// Cancels.
    pub fn cancel(&self) {
        self.canceled.store(true, Ordering::Relaxed);
    }
}
