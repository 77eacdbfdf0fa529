//! SET, SHOW, RESET, DISCARD.

use super::ast::{Discard, Identifier, SetConstraints, SetVariable, Statement};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::name;
use super::token::TokenKind;
use crate::error::{Error, Result};
use crate::types::Position;

impl Parser<'_> {
    /// SET \[SESSION | LOCAL\] ...
    pub(super) fn set(&mut self) -> Result<Statement> {
        self.advance();
        if self.is_keyword(Keyword::Constraints) {
            return self.set_constraints();
        }
        let prefixed = !matches!(
            self.next_kind(),
            TokenKind::Keyword(Keyword::To) | TokenKind::Symbol(b'=' | b'.')
        );
        let local = prefixed && self.accept_keyword(Keyword::Local);
        let session = prefixed && !local && self.accept_keyword(Keyword::Session);
        if session && self.accept_keyword(Keyword::Characteristics) {
            self.expect_keyword(Keyword::As)?;
            self.expect_keyword(Keyword::Transaction)?;
            return Ok(Statement::SetSessionCharacteristics(self.transaction_modes()?));
        }
        // The words below are names of settings too where TO, = or a dot follows.
        let special = !matches!(
            self.next_kind(),
            TokenKind::Keyword(Keyword::To) | TokenKind::Symbol(b'=' | b'.')
        );
        let TokenKind::Keyword(keyword) = self.kind() else {
            return self.set_variable(local);
        };
        match keyword {
            Keyword::Transaction if special => {
                self.advance();
                self.refuse_keyword(Keyword::Snapshot, "SET TRANSACTION SNAPSHOT")?;
                Ok(Statement::SetTransaction(self.transaction_modes()?))
            }
            Keyword::Time if special => self.set_time_zone(local),
            Keyword::Names if special => {
                let position = self.advance().position;
                let named = matches!(self.kind(), TokenKind::String(_));
                let default = self.accept_keyword(Keyword::Default);
                let value = if named && !default { Some(vec![self.string()?]) } else { None };
                Ok(variable(local, "client_encoding", position, value))
            }
            Keyword::Schema if special => {
                let position = self.advance().position;
                let value = Some(vec![self.string()?]);
                Ok(variable(local, "search_path", position, value))
            }
            Keyword::Authorization if special && session => {
                Err(self.not_supported("SET SESSION AUTHORIZATION"))
            }
            Keyword::Role if special => Err(self.not_supported("SET ROLE")),
            Keyword::Xml if special => Err(self.not_supported("SET XML OPTION")),
            Keyword::Catalog if special => Err(self.not_supported("SET CATALOG")),
            _ => self.set_variable(local),
        }
    }

    /// CONSTRAINTS {ALL | name, ...} {DEFERRED | IMMEDIATE}.
    fn set_constraints(&mut self) -> Result<Statement> {
        self.advance();
        let names = if self.accept_keyword(Keyword::All) {
            Vec::new()
        } else {
            self.comma_separated(Self::object_name)?
        };
        let deferred = self.accept_keyword(Keyword::Deferred);
        if !deferred {
            self.expect_keyword(Keyword::Immediate)?;
        }
        Ok(Statement::SetConstraints(SetConstraints { names, deferred }))
    }

    /// DISCARD {ALL | PLANS | SEQUENCES | TEMPORARY | TEMP}.
    pub(super) fn discard(&mut self) -> Result<Statement> {
        self.advance();
        let discard = match self.kind() {
            TokenKind::Keyword(Keyword::All) => Discard::All,
            TokenKind::Keyword(Keyword::Plans) => Discard::Plans,
            TokenKind::Keyword(Keyword::Sequences) => Discard::Sequences,
            TokenKind::Keyword(Keyword::Temp | Keyword::Temporary) => Discard::Temporary,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Statement::Discard(discard))
    }

    fn set_variable(&mut self, local: bool) -> Result<Statement> {
        let name = self.variable_name()?;
        self.refuse_keyword(Keyword::From, "SET ... FROM CURRENT")?;
        if !self.accept_symbol(b'=') {
            self.expect_keyword(Keyword::To)?;
        }
        let value = if self.accept_keyword(Keyword::Default) {
            None
        } else {
            Some(self.comma_separated(Self::variable_value)?)
        };
        Ok(Statement::Set(SetVariable { local, name, value }))
    }

    /// A setting's name; parts of a dotted one are put together.
    fn variable_name(&mut self) -> Result<Identifier> {
        let mut parts = vec![self.column_name()?];
        while self.accept_symbol(b'.') {
            parts.push(self.column_name()?);
        }
        Ok(Identifier { name: name::join(&parts), position: parts[0].position })
    }

    /// A word, a string or a number with its sign.
    fn variable_value(&mut self) -> Result<String> {
        match self.kind() {
            TokenKind::String(_) => self.string(),
            TokenKind::Keyword(Keyword::True | Keyword::False | Keyword::On) => {
                Ok(self.take_name().name)
            }
            kind if Self::is_column_name(kind) || Self::is_function_name(kind) => {
                Ok(self.take_name().name)
            }
            _ => self.signed_number(),
        }
    }

    fn signed_number(&mut self) -> Result<String> {
        let negative = self.is_symbol(b'-');
        if negative || self.is_symbol(b'+') {
            self.advance();
        }
        if !self.is(TokenKind::Number) {
            return Err(self.unexpected());
        }
        let number = self.token_text();
        self.advance();
        Ok(if negative { format!("-{number}") } else { number.to_owned() })
    }

    /// TIME ZONE value.
    fn set_time_zone(&mut self, local: bool) -> Result<Statement> {
        let position = self.position();
        self.accept_keywords(&[Keyword::Time, Keyword::Zone])?;
        self.refuse_keyword(Keyword::Interval, "SET TIME ZONE INTERVAL")?;
        let value = match self.kind() {
            TokenKind::Keyword(Keyword::Default | Keyword::Local) => {
                self.advance();
                None
            }
            TokenKind::Word | TokenKind::QuotedName => Some(vec![self.take_name().name]),
            TokenKind::String(_) => Some(vec![self.string()?]),
            _ => Some(vec![self.signed_number()?]),
        };
        Ok(variable(local, "timezone", position, value))
    }

    /// SHOW name | ALL.
    pub(super) fn show(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Show(self.shown_variable()?))
    }

    /// RESET name | ALL.
    pub(super) fn reset(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Reset(self.shown_variable()?))
    }

    fn shown_variable(&mut self) -> Result<Option<Identifier>> {
        let position = self.position();
        if self.accept_keyword(Keyword::All) {
            return Ok(None);
        }
        let named = |name: &str| Ok(Some(Identifier { name: name.to_owned(), position }));
        match (self.kind(), self.next_kind()) {
            (TokenKind::Keyword(Keyword::Time), TokenKind::Keyword(Keyword::Zone)) => {
                self.accept_keywords(&[Keyword::Time, Keyword::Zone])?;
                named("timezone")
            }
            (TokenKind::Keyword(Keyword::Transaction), TokenKind::Keyword(Keyword::Isolation)) => {
                self.accept_keywords(&[Keyword::Transaction, Keyword::Isolation, Keyword::Level])?;
                named("transaction_isolation")
            }
            (TokenKind::Keyword(Keyword::Session), TokenKind::Keyword(Keyword::Authorization)) => {
                Err(Error::not_supported("SESSION AUTHORIZATION", position))
            }
            _ => self.variable_name().map(Some),
        }
    }
}

fn variable(local: bool, name: &str, position: Position, value: Option<Vec<String>>) -> Statement {
    let name = Identifier { name: name.to_owned(), position };
    Statement::Set(SetVariable { local, name, value })
}
