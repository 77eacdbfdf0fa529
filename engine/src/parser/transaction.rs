//! BEGIN, COMMIT, ROLLBACK, savepoints.

use super::ast::{IsolationLevel, Statement, TransactionModes};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::Result;

impl Parser<'_> {
    /// BEGIN \[WORK | TRANSACTION\] [modes].
    pub(super) fn begin(&mut self) -> Result<Statement> {
        self.advance();
        self.work();
        Ok(Statement::Begin(self.optional_modes()?))
    }

    /// START TRANSACTION [modes].
    pub(super) fn start_transaction(&mut self) -> Result<Statement> {
        self.advance();
        self.expect_keyword(Keyword::Transaction)?;
        Ok(Statement::Begin(self.optional_modes()?))
    }

    /// COMMIT | END \[WORK | TRANSACTION\] \[AND \[NO\] CHAIN\].
    pub(super) fn commit(&mut self) -> Result<Statement> {
        let end = self.advance().kind == TokenKind::Keyword(Keyword::End);
        if !end {
            self.refuse_keyword(Keyword::Prepared, "COMMIT PREPARED")?;
        }
        self.work();
        Ok(if self.and_chain()? { Statement::CommitAndChain } else { Statement::Commit })
    }

    /// ROLLBACK | ABORT \[WORK | TRANSACTION\] [AND \[NO\] CHAIN | TO \[SAVEPOINT\] name].
    pub(super) fn rollback(&mut self, keyword: Keyword) -> Result<Statement> {
        self.advance();
        if keyword == Keyword::Rollback {
            self.refuse_keyword(Keyword::Prepared, "ROLLBACK PREPARED")?;
        }
        self.work();
        if keyword == Keyword::Rollback && self.accept_keyword(Keyword::To) {
            self.optional_savepoint();
            return Ok(Statement::RollbackToSavepoint(self.column_name()?));
        }
        Ok(if self.and_chain()? { Statement::RollbackAndChain } else { Statement::Rollback })
    }

    /// SAVEPOINT name.
    pub(super) fn savepoint(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Savepoint(self.column_name()?))
    }

    /// RELEASE \[SAVEPOINT\] name.
    pub(super) fn release(&mut self) -> Result<Statement> {
        self.advance();
        self.optional_savepoint();
        Ok(Statement::ReleaseSavepoint(self.column_name()?))
    }

    /// SAVEPOINT as a word of the statement rather than the savepoint's name.
    fn optional_savepoint(&mut self) {
        if Self::is_column_name(self.next_kind()) {
            self.accept_keyword(Keyword::Savepoint);
        }
    }

    fn work(&mut self) {
        if !self.accept_keyword(Keyword::Work) {
            self.accept_keyword(Keyword::Transaction);
        }
    }

    /// \[AND \[NO\] CHAIN\]: whether another block begins.
    fn and_chain(&mut self) -> Result<bool> {
        if !self.accept_keyword(Keyword::And) {
            return Ok(false);
        }
        let no = self.accept_keyword(Keyword::No);
        self.expect_keyword(Keyword::Chain)?;
        Ok(!no)
    }

    fn optional_modes(&mut self) -> Result<TransactionModes> {
        if self.is(TokenKind::End) || self.is_symbol(b';') {
            return Ok(TransactionModes::default());
        }
        self.transaction_modes()
    }

    /// One mode or more, with or without commas; of two of a kind the later counts.
    pub(super) fn transaction_modes(&mut self) -> Result<TransactionModes> {
        let mut modes = TransactionModes::default();
        loop {
            self.transaction_mode(&mut modes)?;
            let comma = self.accept_symbol(b',');
            let another = matches!(
                self.kind(),
                TokenKind::Keyword(
                    Keyword::Isolation | Keyword::Read | Keyword::Deferrable | Keyword::Not
                )
            );
            if !comma && !another {
                return Ok(modes);
            }
        }
    }

    fn transaction_mode(&mut self, modes: &mut TransactionModes) -> Result<()> {
        let TokenKind::Keyword(keyword) = self.kind() else {
            return Err(self.unexpected());
        };
        match keyword {
            Keyword::Isolation => {
                self.accept_keywords(&[Keyword::Isolation, Keyword::Level])?;
                modes.position = self.position();
                modes.isolation = Some(self.isolation_level()?);
            }
            Keyword::Read => {
                self.advance();
                let only = self.accept_keyword(Keyword::Only);
                if !only {
                    self.expect_keyword(Keyword::Write)?;
                }
                modes.read_only = Some(only);
            }
            Keyword::Deferrable | Keyword::Not => {
                modes.deferrable = Some(!self.accept_keyword(Keyword::Not));
                self.expect_keyword(Keyword::Deferrable)?;
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn isolation_level(&mut self) -> Result<IsolationLevel> {
        if self.accept_keyword(Keyword::Serializable) {
            return Ok(IsolationLevel::Serializable);
        }
        if self.accept_keywords(&[Keyword::Repeatable, Keyword::Read])? {
            return Ok(IsolationLevel::RepeatableRead);
        }
        self.expect_keyword(Keyword::Read)?;
        if self.accept_keyword(Keyword::Committed) {
            return Ok(IsolationLevel::ReadCommitted);
        }
        self.expect_keyword(Keyword::Uncommitted)?;
        Ok(IsolationLevel::ReadUncommitted)
    }
}
