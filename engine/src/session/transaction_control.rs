//! BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::locks::Patience;
use crate::metrics::tallies::Tally;
use crate::parser::ast::{IsolationLevel, TransactionModes};
use crate::session::settings::{Values, show_isolation};
use crate::session::{CommandTag, RowSink, Session, TransactionStatus};
use crate::transaction::block::{Block, Committer};
use crate::transaction::heads::Outcome;
use crate::types::datetime::clock;

/// How the open block runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Modes {
    pub(super) read_only: bool,
    pub(super) isolation: IsolationLevel,
    /// It is only kept: nothing has to wait for a snapshot at which it may read undisturbed.
    pub(super) deferrable: bool,
}

/// What is put back by a rollback to a savepoint, the data aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtSavepoint {
    modes: Modes,
    /// Locks that the transaction had.
    pub(super) lock_count: usize,
}

impl Modes {
    /// With which a block begins.
    pub(super) fn of_new_blocks(values: &Values) -> Self {
        Self {
            read_only: values.default_read_only,
            isolation: values.default_isolation,
            deferrable: values.default_deferrable,
        }
    }

    fn is_read_committed(self) -> bool {
        matches!(self.isolation, IsolationLevel::ReadCommitted | IsolationLevel::ReadUncommitted)
    }
}

impl Session {
    pub(super) fn begin(
        &mut self,
        modes: &TransactionModes,
        text: &str,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        if self.status == TransactionStatus::Idle {
            self.begin_as(Modes::of_new_blocks(self.settings.values()));
        } else {
            let message = "there is already a transaction in progress";
            self.warn(sink, SqlState::ActiveSqlTransaction, message);
        }
        self.apply_modes(modes)?;
        let is_start = text.as_bytes().first().is_some_and(|byte| byte.eq_ignore_ascii_case(&b's'));
        Ok(CommandTag::Plain(if is_start { "START TRANSACTION" } else { "BEGIN" }))
    }

    pub(super) fn commit(&mut self, sink: &mut dyn RowSink) -> Result<CommandTag> {
        match self.status {
            TransactionStatus::Idle => {
                let message = "there is no transaction in progress";
                self.warn(sink, SqlState::NoActiveSqlTransaction, message);
                Ok(CommandTag::Plain("COMMIT"))
            }
            TransactionStatus::Failed => {
                self.rollback_block();
                Ok(CommandTag::Plain("ROLLBACK"))
            }
            TransactionStatus::InTransaction => {
                self.status = TransactionStatus::Idle;
                let block = std::mem::take(&mut self.block);
                let has_locked = self.modes.is_read_committed();
                let queued = self.commit_block(block, has_locked);
                let committed = queued.and_then(|outcome| {
                    outcome.map_or(Ok(()), |outcome| self.settle_or_run_ahead(outcome, true))
                });
                let is_done = committed.is_ok();
                let tally = if is_done { Tally::BlocksCommitted } else { Tally::BlocksRolledBack };
                self.own.card.tallies().add(tally, 1);
                committed.map(|()| CommandTag::Plain("COMMIT"))
            }
        }
    }

    /// COMMIT AND CHAIN: another block begins as this one ran, also where a failed one was rolled back.
    pub(super) fn commit_and_chain(&mut self, sink: &mut dyn RowSink) -> Result<CommandTag> {
        self.check_in_block("COMMIT AND CHAIN")?;
        let modes = self.modes;
        let tag = self.commit(sink)?;
        // As before any block.
        self.settle_in_flight();
        self.end_statement(None, None);
        self.begin_as(modes);
        Ok(tag)
    }

    /// ROLLBACK AND CHAIN.
    pub(super) fn rollback_and_chain(&mut self, sink: &mut dyn RowSink) -> Result<CommandTag> {
        self.check_in_block("ROLLBACK AND CHAIN")?;
        let modes = self.modes;
        let tag = self.rollback(sink);
        self.end_statement(None, None);
        self.begin_as(modes);
        Ok(tag)
    }

    /// Opens a block.
    fn begin_as(&mut self, modes: Modes) {
        self.status = TransactionStatus::InTransaction;
        self.block_began = Some(clock());
        // A statement of its own that panicked half way may have left its block behind.
        self.block.clear();
        self.modes = modes;
        self.savepoint_modes.clear();
    }

    /// Queues a block as a commit; `has_locked` says that all of its changes are locked.
    pub(super) fn commit_block(
        &self,
        block: Block,
        has_locked: bool,
    ) -> Result<Option<Arc<Outcome>>> {
        let lock_timeout = self.settings.values().lock_timeout();
        let patience = Patience { lock_timeout, interrupt: self.interrupts.current() };
        let committer = Committer { locks: &self.own.effects.locks, has_locked, patience };
        block.commit(self.database.heads(), self.actor(), &committer)
    }

    pub(super) fn rollback(&mut self, sink: &mut dyn RowSink) -> CommandTag {
        if self.status == TransactionStatus::Idle {
            let message = "there is no transaction in progress";
            self.warn(sink, SqlState::NoActiveSqlTransaction, message);
        } else {
            self.rollback_block();
        }
        CommandTag::Plain("ROLLBACK")
    }

    /// Forgets the open block with everything in it.
    pub(super) fn rollback_block(&mut self) {
        self.status = TransactionStatus::Idle;
        self.own.card.tallies().add(Tally::BlocksRolledBack, 1);
        self.block.clear();
        self.hide_block();
        self.own.effects.locks.release_transaction();
        self.settings.rollback();
    }

    /// CHECKPOINT: durable and in the image when it returns.
    pub(super) fn checkpoint(&mut self) -> Result<CommandTag> {
        self.database.checkpoint()?;
        Ok(CommandTag::Plain("CHECKPOINT"))
    }

    pub(super) fn savepoint(&mut self, name: &str) -> Result<CommandTag> {
        self.check_in_block("SAVEPOINT")?;
        let depth = self.block.savepoint(name)?;
        self.settings.savepoint(depth);
        self.savepoint_modes.truncate(depth - 1);
        let lock_count = self.own.effects.locks.transaction_count();
        self.savepoint_modes.push(AtSavepoint { modes: self.modes, lock_count });
        Ok(CommandTag::Plain("SAVEPOINT"))
    }

    pub(super) fn release_savepoint(&mut self, name: &str) -> Result<CommandTag> {
        self.check_in_block("RELEASE SAVEPOINT")?;
        let depth = self.block.release_savepoint(name)?;
        self.settings.release_savepoint(depth);
        // READ ONLY ends with the subtransaction in which it was set.
        if let Some(savepoint) = self.savepoint_modes.get(depth) {
            self.modes.read_only = savepoint.modes.read_only;
        }
        self.savepoint_modes.truncate(depth);
        Ok(CommandTag::Plain("RELEASE"))
    }

    pub(super) fn rollback_to_savepoint(&mut self, name: &str) -> Result<CommandTag> {
        self.check_in_block("ROLLBACK TO SAVEPOINT")?;
        let depth = self.block.rollback_to_savepoint(name)?;
        self.settings.rollback_to_savepoint(depth);
        self.savepoint_modes.truncate(depth);
        if let Some(savepoint) = self.savepoint_modes.last() {
            self.modes = savepoint.modes;
            self.own.effects.locks.release_to(savepoint.lock_count);
        }
        self.status = TransactionStatus::InTransaction;
        Ok(CommandTag::Plain("ROLLBACK"))
    }

    pub(super) fn set_transaction(
        &mut self,
        modes: &TransactionModes,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        if self.status == TransactionStatus::Idle {
            let message = "SET TRANSACTION can only be used in transaction blocks";
            self.warn(sink, SqlState::NoActiveSqlTransaction, message);
        } else {
            self.apply_modes(modes)?;
        }
        Ok(CommandTag::Plain("SET"))
    }

    /// SET SESSION CHARACTERISTICS AS TRANSACTION: what later transactions start with.
    pub(super) fn set_characteristics(&mut self, modes: &TransactionModes) -> Result<CommandTag> {
        let flags = [
            ("default_transaction_deferrable", modes.deferrable),
            ("default_transaction_read_only", modes.read_only),
        ];
        for (name, flag) in flags {
            if let Some(flag) = flag {
                let word = if flag { "on" } else { "off" }.to_owned();
                self.settings.set(name, Some(&[word]), false)?;
            }
        }
        if let Some(level) = modes.isolation {
            let word = show_isolation(level).to_owned();
            self.settings.set("default_transaction_isolation", Some(&[word]), false)?;
        }
        Ok(CommandTag::Plain("SET"))
    }

    /// Applies modes to the open block.
    fn apply_modes(&mut self, modes: &TransactionModes) -> Result<()> {
        if let Some(level) = modes.isolation {
            self.set_isolation(level)?;
        }
        if let Some(read_only) = modes.read_only {
            self.set_read_only(read_only)?;
        }
        if let Some(deferrable) = modes.deferrable {
            self.set_deferrable(deferrable)?;
        }
        Ok(())
    }

    /// The level of the transaction that a statement is in, or is.
    pub(super) fn isolation(&self) -> IsolationLevel {
        self.modes_in_force().isolation
    }

    /// Has the block remember what its next statement reads, if it is serializable. One that is and stays read-only needs
    /// not: its snapshot is a state between two commits, and commits are in the order in which they might have run alone.
    pub(super) fn remember_reads(&mut self) {
        if self.isolation() != IsolationLevel::Serializable {
            return;
        }
        let stays_read_only = self.is_read_only() && self.savepoint_modes.is_empty();
        if !stays_read_only || self.block.has_written() {
            self.block.remember_reads();
        }
    }

    /// Has the open block run at `level`, as long as it has not looked at data.
    pub(super) fn set_isolation(&mut self, level: IsolationLevel) -> Result<()> {
        if level != self.modes.isolation {
            let refuse = |message| Err(Error::new(SqlState::ActiveSqlTransaction, message));
            if self.block.has_looked() {
                return refuse("SET TRANSACTION ISOLATION LEVEL must be called before any query");
            }
            if !self.savepoint_modes.is_empty() {
                return refuse(
                    "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
                );
            }
        }
        self.modes.isolation = level;
        Ok(())
    }

    /// Makes the open block deferrable or not, as long as it has not looked at data.
    pub(super) fn set_deferrable(&mut self, deferrable: bool) -> Result<()> {
        let refuse = |message| Err(Error::new(SqlState::ActiveSqlTransaction, message));
        if !self.savepoint_modes.is_empty() {
            return refuse(
                "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction",
            );
        }
        if self.block.has_looked() {
            return refuse("SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
        }
        self.modes.deferrable = deferrable;
        Ok(())
    }

    /// Makes the open block read-only, or writable again as long as it has not looked at data.
    pub(super) fn set_read_only(&mut self, read_only: bool) -> Result<()> {
        if self.modes.read_only && !read_only {
            let refuse = |message| Err(Error::new(SqlState::ActiveSqlTransaction, message));
            if !self.savepoint_modes.is_empty() {
                return refuse(
                    "cannot set transaction read-write mode inside a read-only transaction",
                );
            }
            if self.block.has_looked() {
                return refuse("transaction read-write mode must be set before any query");
            }
        }
        self.modes.read_only = read_only;
        Ok(())
    }

    fn check_in_block(&self, command: &str) -> Result<()> {
        if self.status == TransactionStatus::Idle {
            return Err(Error::new(
                SqlState::NoActiveSqlTransaction,
                format!("{command} can only be used in transaction blocks"),
            ));
        }
        Ok(())
    }
}
