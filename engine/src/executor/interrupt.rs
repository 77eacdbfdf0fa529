//! Ending a running statement: a flag that another thread may set, and a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use crate::error::{Error, Result, SqlState};

/// When the running statement has to end; operators look at it at least every
/// [`crate::limits::INTERRUPT_CHECK_ROWS`] rows.
#[derive(Debug, Default)]
pub struct Interrupt {
    canceled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    checks: AtomicU32,
}

impl Interrupt {
    /// An interrupt for one statement: `canceled` may be set by any thread; `deadline` is `statement_timeout`'s.
    pub fn new(canceled: Arc<AtomicBool>, deadline: Option<Instant>) -> Self {
        Self { canceled, deadline, checks: AtomicU32::new(0) }
    }

    /// Asks the statement to end.
    pub fn cancel(&self) {
        self.canceled.store(true, Ordering::Relaxed);
    }

    /// How often the statement has looked at it since [`Self::restart`]: a measure of how long it has run that costs nothing.
    #[inline]
    pub fn checks(&self) -> u32 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Another statement starts under the same flag and deadline.
    #[inline]
    pub fn restart(&self) {
        self.canceled.store(false, Ordering::Relaxed);
        self.checks.store(0, Ordering::Relaxed);
    }

    /// 57014 once the statement was canceled or its time is over.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        if self.canceled.load(Ordering::Relaxed) {
            return Err(canceled("canceling statement due to user request"));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(canceled("canceling statement due to statement timeout"));
        }
        Ok(())
    }
}

#[cold]
fn canceled(message: &str) -> Error {
    Error::new(SqlState::QueryCanceled, message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn flag_and_deadline_end_a_statement() {
        let interrupt = Interrupt::default();
        assert!(interrupt.check().is_ok());
        interrupt.cancel();
        let error = interrupt.check().unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::QueryCanceled);
        assert_eq!(error.message(), "canceling statement due to user request");

        let late = Interrupt::new(Arc::default(), Some(Instant::now()));
        let error = late.check().unwrap_err();
        assert_eq!(error.message(), "canceling statement due to statement timeout");
        let early = Interrupt::new(Arc::default(), Some(Instant::now() + Duration::from_secs(999)));
        assert!(early.check().is_ok());
    }
}
