//! Row locks as statements see them: SELECT ... FOR UPDATE and its kin, and statements that run again because what they have
//! locked was changed before they had it.

use std::sync::Arc;

use crate::binder::RowLock;
use crate::error::{Error, Result, SqlState};
use crate::executor::memory::MemoryBudget;
use crate::locks::{Mode, Object, Patience, Scope};
use crate::parser::ast::{IsolationLevel, LockStrength, LockWait};
use crate::sabotage::{self, Break};
use crate::session::environment::SessionEnvironment;
use crate::session::held_answer::HeldAnswer;
use crate::session::{RowSink, Session, TransactionStatus};
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp};
use crate::transaction::validate::stamp;

impl Session {
    /// Whether each statement of the transaction sees what is committed when it begins. READ UNCOMMITTED is that too, as in
    /// PostgreSQL.
    pub(super) fn is_read_committed(&self) -> bool {
        matches!(self.isolation(), IsolationLevel::ReadCommitted | IsolationLevel::ReadUncommitted)
    }

    /// Whether a statement that finds a row changed by a later commit runs again on that, rather than failing.
    pub(super) fn restarts(&self) -> bool {
        self.status == TransactionStatus::Idle || self.is_read_committed()
    }

    /// A statement begins: at READ COMMITTED the block goes on from what is committed now.
    pub(super) fn refresh_snapshot(&mut self) -> Result<()> {
        let is_kept = !self.is_read_committed() || sabotage::is(Break::KeepSnapshot);
        if self.status == TransactionStatus::Idle || is_kept {
            return Ok(());
        }
        self.block.refresh(self.database.heads())
    }

    /// Runs a statement until it has come through without finding that what it locked was changed by a commit that it did not
    /// see. What it has locked stays locked, so each time it comes further.
    pub(super) fn restarting<'m, T>(
        &mut self,
        memory: &'m MemoryBudget,
        mut run: impl FnMut(&mut Self, &mut dyn RowSink) -> Result<T>,
    ) -> Result<(T, HeldAnswer<'m>)> {
        let database = Arc::clone(&self.database);
        loop {
            if self.restarts() {
                self.block.refresh(database.heads())?;
            }
            // What a run that came to nothing has set, it has not.
            self.own.effects.settings.borrow_mut().clear();
            let mut held = HeldAnswer::new(memory);
            match run(self, &mut held) {
                Ok(answer) => return Ok((answer, held)),
                Err(error) => match self.own.effects.restart.take() {
                    Some(outcome) => {
                        database.heads().settle(&outcome)?;
                        self.interrupts.current().check()?;
                    }
                    None => return Err(error),
                },
            }
        }
    }
}

impl SessionEnvironment<'_> {
    /// Locks rows for SELECT ... FOR UPDATE and its kin.
    pub(super) fn lock_table_rows(
        &self,
        root: &Root,
        lock: &RowLock,
        rows: &[RowId],
    ) -> Result<Vec<bool>> {
        if self.is_under_writer_lock() {
            return Err(self.own.effects.leave_writer_lock("row locks"));
        }
        self.check_writable(&format!("SELECT {}", lock.strength.clause()))?;
        let Some(table) = root.table(lock.table) else { return Ok(vec![false; rows.len()]) };
        let mode = mode_of(lock.strength);
        let patience = Patience { lock_timeout: self.lock_timeout, interrupt: self.interrupt };
        let locks = &self.own.effects.locks;
        let before = if lock.wait == LockWait::SkipLocked { locks.transaction_count() } else { 0 };
        let mut held = Vec::with_capacity(rows.len());
        for row in rows {
            let object = Object::Row(lock.table, *row);
            held.push(match lock.wait {
                LockWait::Block => {
                    locks.lock(object, mode, Scope::Transaction, &patience).map(|_| true)?
                }
                _ => locks.try_lock(object, mode, Scope::Transaction)?,
            });
            if lock.wait == LockWait::NoWait && held.last() == Some(&false) {
                return Err(not_available(table));
            }
        }
        // Whatever is committed from here on leaves these rows alone.
        let (newest, outcome) = self.heads.newest(&patience)?;
        let after = newest.table(lock.table);
        if after.is_some_and(|after| Arc::ptr_eq(after, table)) {
            return Ok(held);
        }
        for (row, held) in rows.iter().zip(&mut held).filter(|(_, held)| **held) {
            let seen = stamp(table, *row);
            let now = after.and_then(|after| stamp(after, *row));
            if seen == now || seen.is_some() && seen == self.stamp() {
                continue;
            }
            if lock.wait == LockWait::SkipLocked {
                // As if whoever has changed it had it still.
                locks.release_since(before, Object::Row(lock.table, *row), mode);
                *held = false;
            } else {
                return Err(self.lost(now, outcome));
            }
        }
        Ok(held)
    }

    /// A row that was changed by a commit which the statement does not see: it runs again, or fails.
    fn lost(&self, now: Option<Stamp>, outcome: Arc<crate::transaction::heads::Outcome>) -> Error {
        if self.restarts() {
            self.own.effects.restart.replace(Some(outcome));
        }
        match now {
            Some(_) => Error::serialization_update(),
            None => Error::serialization_delete(),
        }
    }
}

fn mode_of(strength: LockStrength) -> Mode {
    match strength {
        LockStrength::KeyShare => Mode::KeyShare,
        LockStrength::Share => Mode::Share,
        LockStrength::NoKeyUpdate => Mode::NoKeyUpdate,
        LockStrength::Update => Mode::Update,
    }
}

#[cold]
fn not_available(table: &Table) -> Error {
    Error::new(
        SqlState::LockNotAvailable,
        format!("could not obtain lock on row in relation \"{}\"", table.schema().name),
    )
}
