//! ON CONFLICT of INSERT.

use super::ast::{ConflictTarget, ConflictUpdate, Expression, Identifier, OnConflict};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};
use crate::types::Position;

impl Parser<'_> {
    /// \[ON CONFLICT \[(columns) \[WHERE condition\] | ON CONSTRAINT name\] DO {NOTHING | UPDATE SET ... \[WHERE ...\]}\].
    pub(super) fn on_conflict(&mut self) -> Result<Option<OnConflict>> {
        if !self.is_keyword(Keyword::On) {
            return Ok(None);
        }
        let position = self.position();
        self.advance();
        self.expect_keyword(Keyword::Conflict)?;
        let target = self.conflict_target()?;
        self.expect_keyword(Keyword::Do)?;
        let update = if self.accept_keyword(Keyword::Nothing) {
            None
        } else {
            self.expect_keyword(Keyword::Update)?;
            self.expect_keyword(Keyword::Set)?;
            let assignments = self.assignments()?;
            Some(ConflictUpdate { assignments, filter: self.filter()? })
        };
        Ok(Some(OnConflict { target, update, position }))
    }

    fn conflict_target(&mut self) -> Result<Option<ConflictTarget>> {
        if self.accept_keyword(Keyword::On) {
            self.expect_keyword(Keyword::Constraint)?;
            return Ok(Some(ConflictTarget::Constraint(self.column_name()?)));
        }
        let position = self.position();
        if !self.accept_symbol(b'(') {
            return Ok(None);
        }
        let columns = self.comma_separated(|parser| parser.conflict_column(position))?;
        self.expect_symbol(b')')?;
        let filter: Option<Expression> = self.filter()?;
        Ok(Some(ConflictTarget::Columns { columns, filter }))
    }

    /// One column that a unique index is inferred from; `list` is where the list of them begins.
    fn conflict_column(&mut self, list: Position) -> Result<Identifier> {
        let call = Self::is_label(self.kind()) && self.next_is_symbol(b'(');
        if call || self.is_symbol(b'(') {
            return Err(self.not_supported("ON CONFLICT on an expression"));
        }
        // PostgreSQL reports a column where the list begins.
        let column = Identifier { position: list, ..self.column_name()? };
        if self.is_symbol(b'.') {
            // Only a function's name may be qualified here.
            self.advance();
            self.column_name()?;
            let call = self.is_symbol(b'(');
            let error = || self.not_supported("ON CONFLICT on an expression");
            return Err(if call { error() } else { self.unexpected() });
        }
        self.refuse_keyword(Keyword::Collate, "COLLATE")?;
        let what = match self.kind() {
            TokenKind::Keyword(Keyword::Asc | Keyword::Desc) => "ASC/DESC",
            TokenKind::Keyword(Keyword::Nulls) => "NULLS FIRST/LAST",
            kind if Self::is_column_name(kind) => {
                return Err(self.not_supported("operator class"));
            }
            _ => return Ok(column),
        };
        let message = format!("{what} is not allowed in ON CONFLICT clause");
        Err(Error::new(SqlState::InvalidColumnReference, message).at(list))
    }
}
