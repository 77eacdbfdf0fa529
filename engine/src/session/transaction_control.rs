//! BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION.

use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{IsolationLevel, TransactionModes};
use crate::session::{CommandTag, RowSink, Session, TransactionStatus};
use crate::types::Position;

/// How the open block runs. The isolation level is always REPEATABLE READ: snapshot isolation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Modes {
    pub(super) read_only: bool,
}

impl Session {
    pub(super) fn begin(
        &mut self,
        modes: &TransactionModes,
        text: &str,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        check_isolation(modes)?;
        if self.status == TransactionStatus::Idle {
            self.status = TransactionStatus::InTransaction;
            // A statement of its own that panicked half way may have left its block behind.
            self.block.clear();
            self.modes = Modes { read_only: self.settings.values().default_read_only };
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
                let lock_timeout = self.settings.values().lock_timeout();
                let actor = self.actor();
                let interrupt = self.interrupts.current();
                let outcome =
                    block.commit(self.database.heads(), actor, lock_timeout, interrupt)?;
                if let Some(outcome) = outcome {
                    self.settle_or_run_ahead(outcome, true)?;
                }
                Ok(CommandTag::Plain("COMMIT"))
            }
        }
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
        self.block.clear();
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
        Ok(CommandTag::Plain("SAVEPOINT"))
    }

    pub(super) fn release_savepoint(&mut self, name: &str) -> Result<CommandTag> {
        self.check_in_block("RELEASE SAVEPOINT")?;
        let depth = self.block.release_savepoint(name)?;
        self.settings.release_savepoint(depth);
        Ok(CommandTag::Plain("RELEASE"))
    }

    pub(super) fn rollback_to_savepoint(&mut self, name: &str) -> Result<CommandTag> {
        self.check_in_block("ROLLBACK TO SAVEPOINT")?;
        let depth = self.block.rollback_to_savepoint(name)?;
        self.settings.rollback_to_savepoint(depth);
        self.status = TransactionStatus::InTransaction;
        Ok(CommandTag::Plain("ROLLBACK"))
    }

    pub(super) fn set_transaction(
        &mut self,
        modes: &TransactionModes,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        check_isolation(modes)?;
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
        check_isolation(modes)?;
        if modes.deferrable == Some(true) {
            return Err(Error::not_supported(
                "DEFERRABLE for every transaction",
                Position::UNKNOWN,
            ));
        }
        if let Some(read_only) = modes.read_only {
            let word = if read_only { "on" } else { "off" }.to_owned();
            self.settings.set("default_transaction_read_only", Some(&[word]), false)?;
        }
        Ok(CommandTag::Plain("SET"))
    }

    /// Applies modes to the open block. DEFERRABLE needs nothing: it only makes a difference to SERIALIZABLE READ ONLY.
    fn apply_modes(&mut self, modes: &TransactionModes) -> Result<()> {
        if modes.isolation.is_some() && self.block.has_snapshot() {
            return Err(Error::new(
                SqlState::ActiveSqlTransaction,
                "SET TRANSACTION ISOLATION LEVEL must be called before any query",
            ));
        }
        if let Some(read_only) = modes.read_only {
            self.set_read_only(read_only)?;
        }
        Ok(())
    }

    /// Makes the open block read-only, or writable again as long as it has not looked at data.
    pub(super) fn set_read_only(&mut self, read_only: bool) -> Result<()> {
        if self.modes.read_only && !read_only && self.block.has_snapshot() {
            return Err(Error::new(
                SqlState::ActiveSqlTransaction,
                "transaction read-write mode must be set before any query",
            ));
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

/// 0A000 for the levels that are not built; never weaker in silence.
fn check_isolation(modes: &TransactionModes) -> Result<()> {
    let name = match modes.isolation {
        None | Some(IsolationLevel::RepeatableRead) => return Ok(()),
        Some(IsolationLevel::ReadUncommitted) => "READ UNCOMMITTED",
        Some(IsolationLevel::ReadCommitted) => "READ COMMITTED",
        Some(IsolationLevel::Serializable) => "SERIALIZABLE",
    };
    Err(Error::not_supported(&format!("ISOLATION LEVEL {name}"), modes.position)
        .with_hint("Use REPEATABLE READ."))
}
