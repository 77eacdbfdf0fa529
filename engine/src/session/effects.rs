//! What statements do beside reading and changing rows, which no rollback undoes: locks, warnings; and why it may have to run again.

use std::cell::{Cell, RefCell};

use crate::binder::{AdvisoryAction, AdvisoryFunction};
use crate::error::{Error, Result, SqlState};
use crate::executor::environment::AdvisoryKey;
use crate::locks::{LockOwner, Mode, Object, Patience, Scope};
use crate::transaction::row_locks::Restart;

/// A SET by a function.
#[derive(Clone, Debug)]
pub(super) struct SettingChange {
    pub(super) name: String,
    /// None is DEFAULT.
    pub(super) value: Option<String>,
    pub(super) local: bool,
}

impl SettingChange {
    /// The value as SET has it.
    pub(super) fn words(&self) -> Option<&[String]> {
        self.value.as_ref().map(std::slice::from_ref)
    }
}

/// The session's, as its statements see it.
#[derive(Debug)]
pub(super) struct Effects {
    pub(super) locks: LockOwner,
    /// Of the running statement.
    pub(super) warnings: RefCell<Vec<String>>,
    /// What functions of the running statement set, in order: done when it ends well.
    pub(super) settings: RefCell<Vec<SettingChange>>,
    /// Whether the statement asked for an advisory lock under the writer lock: there it must not, and runs again without.
    must_leave_writer_lock: Cell<bool>,
    /// After which commit the statement has to run again.
    pub(super) restart: Restart,
    /// A lock that the statement, under the writer lock, found somebody else to have.
    pub(super) blocked: Cell<Option<(Object, Mode)>>,
    /// Whether the statement has taken or given back advisory locks: then it must not run twice.
    has_used_advisory_locks: Cell<bool>,
}

impl Effects {
    pub(super) fn new(locks: LockOwner) -> Self {
        Self {
            locks,
            warnings: RefCell::default(),
            settings: RefCell::default(),
            must_leave_writer_lock: Cell::new(false),
            restart: Restart::default(),
            blocked: Cell::new(None),
            has_used_advisory_locks: Cell::new(false),
        }
    }

    /// Whether the statement that has just failed is to run again without the writer lock.
    pub(super) fn take_must_leave_writer_lock(&self) -> bool {
        self.must_leave_writer_lock.replace(false)
    }

    /// Whether the statement must not run again.
    pub(super) fn has_used_advisory_locks(&self) -> bool {
        self.has_used_advisory_locks.get()
    }

    /// A statement starts.
    pub(super) fn start_statement(&self) {
        self.has_used_advisory_locks.set(false);
        self.settings.borrow_mut().clear();
    }

    /// Has the statement run again without the writer lock: nobody waits for a lock while holding that, since whoever has the
    /// lock may need it to go on. The error is seen of definitions alone.
    pub(super) fn leave_writer_lock(&self, what: &str) -> Error {
        self.must_leave_writer_lock.set(true);
        let message =
            format!("{what} in a definition outside a transaction block are not supported");
        Error::new(SqlState::FeatureNotSupported, message)
    }

    /// Calls a function of advisory locks.
    pub(super) fn advisory_lock(
        &self,
        function: AdvisoryFunction,
        key: AdvisoryKey,
        is_under_writer_lock: bool,
        patience: &Patience<'_>,
    ) -> Result<bool> {
        if is_under_writer_lock {
            return Err(self.leave_writer_lock("advisory locks"));
        }
        self.has_used_advisory_locks.set(true);
        let object = match key {
            AdvisoryKey::One(number) => Object::Advisory(number),
            AdvisoryKey::Two(first, second) => Object::AdvisoryPair(first, second),
        };
        let mode = if function.shared { Mode::Share } else { Mode::Update };
        let scope = if function.of_transaction { Scope::Transaction } else { Scope::Session };
        match function.action {
            AdvisoryAction::Lock => self.locks.lock(object, mode, scope, patience).map(|_| true),
            AdvisoryAction::TryLock => self.locks.try_lock(object, mode, scope),
            AdvisoryAction::Unlock => {
                let was_held = self.locks.unlock(object, mode);
                if !was_held {
                    let name = mode.advisory_name();
                    let message = format!("you don't own a lock of type {name}");
                    self.warnings.borrow_mut().push(message);
                }
                Ok(was_held)
            }
            AdvisoryAction::UnlockAll => {
                self.locks.unlock_all();
                Ok(true)
            }
        }
    }
}
