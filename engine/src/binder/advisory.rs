//! The functions of advisory locks: what each of them asks for.

/// A function of advisory locks. Their arguments are one bigint or two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdvisoryFunction {
    /// What is to be done.
    pub action: AdvisoryAction,
    /// Whether the lock may be shared.
    pub shared: bool,
    /// Whether it is the transaction's rather than the session's.
    pub of_transaction: bool,
}

/// What a function of advisory locks does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdvisoryAction {
    /// Takes the lock, however long it takes.
    Lock,
    /// Takes it if nobody is in the way, and says whether it did.
    TryLock,
    /// Gives it back, and says whether there was one.
    Unlock,
    /// Gives all of the session's back.
    UnlockAll,
}

impl AdvisoryFunction {
    /// A function of the session's exclusive locks.
    pub const fn of_session(action: AdvisoryAction) -> Self {
        Self { action, shared: false, of_transaction: false }
    }

    /// A function of the transaction's exclusive locks.
    pub const fn of_transaction(action: AdvisoryAction) -> Self {
        Self { action, shared: false, of_transaction: true }
    }

    /// The same of shared locks.
    #[must_use]
    pub const fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        use AdvisoryAction::{Lock, TryLock, Unlock, UnlockAll};
        match (self.action, self.of_transaction, self.shared) {
            (Lock, false, false) => "pg_advisory_lock",
            (Lock, false, true) => "pg_advisory_lock_shared",
            (Lock, true, false) => "pg_advisory_xact_lock",
            (Lock, true, true) => "pg_advisory_xact_lock_shared",
            (TryLock, false, false) => "pg_try_advisory_lock",
            (TryLock, false, true) => "pg_try_advisory_lock_shared",
            (TryLock, true, false) => "pg_try_advisory_xact_lock",
            (TryLock, true, true) => "pg_try_advisory_xact_lock_shared",
            (Unlock, _, false) => "pg_advisory_unlock",
            (Unlock, _, true) => "pg_advisory_unlock_shared",
            (UnlockAll, ..) => "pg_advisory_unlock_all",
        }
    }
}
