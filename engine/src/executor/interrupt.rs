//! Ending a running statement: a signal that another thread may give, and a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use crate::error::{Error, Result, SqlState};

/// When something has to end, and by which setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The first instant that is too late.
    pub at: Instant,
    /// The setting.
    pub timeout: Timeout,
}

/// A setting that ends statements or transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// `statement_timeout`.
    Statement,
    /// `transaction_timeout`.
    Transaction,
    /// `idle_in_transaction_session_timeout`.
    Idle,
    /// `max_snapshot_age`.
    SnapshotAge,
}

impl Timeout {
    /// The error's SQLSTATE.
    pub fn sqlstate(self) -> SqlState {
        match self {
            Self::Statement => SqlState::QueryCanceled,
            Self::Transaction => SqlState::TransactionTimeout,
            Self::Idle | Self::SnapshotAge => SqlState::IdleInTransactionSessionTimeout,
        }
    }

    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Statement => "statement timeout",
            Self::Transaction => "transaction timeout",
            Self::Idle => "idle-in-transaction timeout",
            Self::SnapshotAge => "the age of its snapshot (max_snapshot_age)",
        }
    }

    /// The error for who ran into it.
    #[cold]
    pub fn error(self) -> Error {
        let what = match self {
            Self::Statement => "canceling statement",
            Self::Transaction | Self::Idle | Self::SnapshotAge => "terminating transaction",
        };
        Error::new(self.sqlstate(), format!("{what} due to {}", self.name()))
    }
}

/// What other threads ask of a session: that its statement ends, or all of it.
#[derive(Debug, Default)]
pub struct Signal {
    canceled: AtomicBool,
    /// Never taken back.
    terminated: AtomicBool,
}

impl Signal {
    /// Asks the running statement to end.
    pub fn cancel(&self) {
        self.canceled.store(true, Ordering::Relaxed);
    }

    /// Asks the session to end, and so the statement that it runs.
    pub fn terminate(&self) {
        self.terminated.store(true, Ordering::Relaxed);
    }

    /// Whether the session is asked to end.
    #[inline]
    pub fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Relaxed)
    }
}

/// When the running statement has to end; operators look at it at least every
/// [`crate::limits::INTERRUPT_CHECK_ROWS`] rows.
#[derive(Debug, Default)]
pub struct Interrupt {
    signal: Arc<Signal>,
    deadline: Option<Deadline>,
    checks: AtomicU32,
}

impl Interrupt {
    /// An interrupt for one statement: any thread may give the `signal`; `deadline` is its settings'.
    pub fn new(signal: Arc<Signal>, deadline: Option<Deadline>) -> Self {
        Self { signal, deadline, checks: AtomicU32::new(0) }
    }

    /// The same signal and deadline, for work that others do beside the statement's thread.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::new(Arc::clone(&self.signal), self.deadline)
    }

    /// Asks the statement to end.
    pub fn cancel(&self) {
        self.signal.cancel();
    }

    /// How often the statement has looked at it since [`Self::restart`]: a measure of how long it has run that costs nothing.
    #[inline]
    pub fn checks(&self) -> u32 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Another statement starts under the same signal and deadline.
    #[inline]
    pub fn restart(&self) {
        self.signal.canceled.store(false, Ordering::Relaxed);
        self.checks.store(0, Ordering::Relaxed);
    }

    /// 57014 once the statement was canceled, 57P01 its session terminated; its [`Timeout`]'s error once its time is over.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        if self.signal.canceled.load(Ordering::Relaxed) || self.signal.is_terminated() {
            return Err(self.asked_to_end());
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline.at => Err(deadline.timeout.error()),
            _ => Ok(()),
        }
    }

    #[cold]
    fn asked_to_end(&self) -> Error {
        if self.signal.is_terminated() {
            return terminated();
        }
        Error::new(SqlState::QueryCanceled, CANCELED)
    }
}

/// What a canceled statement is told: whoever cancels it for another reason may say so instead.
pub const CANCELED: &str = "canceling statement due to user request";

/// What whoever uses a session is told that was asked to end.
#[cold]
pub(crate) fn terminated() -> Error {
    let message = "terminating connection due to administrator command";
    Error::new(SqlState::AdminShutdown, message)
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

        // A statement that starts takes back a cancel, but not the end of its session.
        interrupt.restart();
        assert!(interrupt.check().is_ok());
        interrupt.signal.terminate();
        interrupt.restart();
        assert_eq!(interrupt.check().unwrap_err().sqlstate(), SqlState::AdminShutdown);

        let with = |at, timeout| Interrupt::new(Arc::default(), Some(Deadline { at, timeout }));
        let error = with(Instant::now(), Timeout::Statement).check().unwrap_err();
        assert_eq!(error.message(), "canceling statement due to statement timeout");
        let error = with(Instant::now(), Timeout::Transaction).check().unwrap_err();
        assert_eq!(error.message(), "terminating transaction due to transaction timeout");
        let later = Instant::now() + Duration::from_secs(999);
        assert!(with(later, Timeout::SnapshotAge).check().is_ok());
    }
}
