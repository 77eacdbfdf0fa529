//! Each kind of statement on its way.

use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{Discard, Statement};
use crate::session::{
    CommandTag, Prepared, RowSink, Session, TransactionStatus, block_failed, definition,
};
use crate::types::Value;

impl Session {
    pub(super) fn dispatch(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        if self.status == TransactionStatus::Failed && !runs_in_failed_block(&prepared.statement) {
            return Err(block_failed());
        }
        if !runs_on_pending(&prepared.statement) {
            self.settle_in_flight();
        }
        self.check_outside_block(&prepared.statement)?;
        match &prepared.statement {
            Statement::Query(_) => self.query(prepared, parameters, sink),
            Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
                self.check_database(prepared)?;
                self.write(prepared, parameters, sink)
            }
            Statement::CreateTable(_)
            | Statement::AlterTable(_)
            | Statement::RenameIndex(_)
            | Statement::DropTable(_)
            | Statement::CreateIndex(_)
            | Statement::DropIndex(_)
            | Statement::Truncate(_)
            | Statement::CreateSequence(_)
            | Statement::AlterSequence(_)
            | Statement::DropSequence(_) => self.define(prepared, sink),
            Statement::Begin(modes) => self.begin(modes, &prepared.text, sink),
            Statement::Commit => self.commit(sink),
            Statement::Rollback => Ok(self.rollback(sink)),
            Statement::CommitAndChain => self.commit_and_chain(sink),
            Statement::RollbackAndChain => self.rollback_and_chain(sink),
            Statement::Savepoint(name) => self.savepoint(&name.name),
            Statement::ReleaseSavepoint(name) => self.release_savepoint(&name.name),
            Statement::RollbackToSavepoint(name) => self.rollback_to_savepoint(&name.name),
            Statement::SetTransaction(modes) => self.set_transaction(modes, sink),
            Statement::SetSessionCharacteristics(modes) => self.set_characteristics(modes),
            Statement::SetConstraints(set) => self.set_constraints(set, sink),
            Statement::Set(variable) => self.set_variable(variable, sink),
            Statement::Show(Some(name)) => self.show(&name.name, sink),
            Statement::Show(None) => self.show_all(sink),
            Statement::Reset(name) => self.reset(name.as_ref().map(|name| name.name.as_str())),
            Statement::Discard(discard) => self.discard(*discard),
            Statement::Checkpoint => self.checkpoint(),
            Statement::Explain(explain) => self.explain(explain, prepared, parameters, sink),
        }
    }

    /// A statement prepared for another database names that one's tables.
    pub(super) fn check_database(&self, prepared: &Prepared) -> Result<()> {
        if prepared.database == self.database.id() {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InvalidSqlStatementName,
            "the prepared statement belongs to another database",
        ))
    }

    /// 25001 for a statement that may not stand in a block.
    fn check_outside_block(&self, statement: &Statement) -> Result<()> {
        let name = match statement {
            Statement::CreateIndex(create) if create.concurrently => "CREATE INDEX CONCURRENTLY",
            Statement::DropIndex(drop) if drop.concurrently => "DROP INDEX CONCURRENTLY",
            Statement::Discard(Discard::All) => "DISCARD ALL",
            _ => return Ok(()),
        };
        if self.status == TransactionStatus::Idle {
            return Ok(());
        }
        let message = format!("{name} cannot run inside a transaction block");
        Err(Error::new(SqlState::ActiveSqlTransaction, message))
    }

    /// 25006 for a statement that writes in a transaction that must not.
    pub(super) fn check_writable(&self, command: &str) -> Result<()> {
        if self.is_read_only() {
            return Err(Error::new(
                SqlState::ReadOnlySqlTransaction,
                format!("cannot execute {command} in a read-only transaction"),
            ));
        }
        self.database.heads().refusal().map_or(Ok(()), Err)
    }
}

/// Whether it sees the session's commits in flight, outside a block; a block begins after them.
fn runs_on_pending(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::CreateTable(_)
            | Statement::AlterTable(_)
            | Statement::RenameIndex(_)
            | Statement::DropTable(_)
            | Statement::CreateIndex(_)
            | Statement::DropIndex(_)
            | Statement::Truncate(_)
            | Statement::CreateSequence(_)
            | Statement::AlterSequence(_)
            | Statement::DropSequence(_)
    )
}

fn runs_in_failed_block(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Commit
            | Statement::Rollback
            | Statement::CommitAndChain
            | Statement::RollbackAndChain
            | Statement::RollbackToSavepoint(_)
    )
}

/// What a statement is called in messages.
pub(super) fn command_name(statement: &Statement) -> &'static str {
    match statement {
        Statement::Insert(_) => "INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Delete(_) => "DELETE",
        other => definition::tag(other).unwrap_or("SELECT"),
    }
}
