//! Constraints of tables and columns.

use super::ast::{
    CheckSpecification, ColumnKey, ColumnReference, ColumnSpecification, ConstraintKind,
    Expression, Identifier, ObjectName, Reference, ReferentialAction, TableConstraint,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::operator::{Extent, Level};
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};

impl Parser<'_> {
    /// Whether a constraint of a table stands here, rather than a column.
    pub(super) fn is_table_constraint(&self) -> bool {
        let is_constraint = matches!(
            self.kind(),
            TokenKind::Keyword(
                Keyword::Constraint
                    | Keyword::Primary
                    | Keyword::Unique
                    | Keyword::Check
                    | Keyword::Foreign
                    | Keyword::Exclude,
            )
        );
        is_constraint && !self.is_unreserved_column()
    }

    /// Whether EXCLUDE, which is no reserved word, is a column's name here.
    fn is_unreserved_column(&self) -> bool {
        self.is_keyword(Keyword::Exclude)
            && !self.next_is_symbol(b'(')
            && !self.next_is_keyword(Keyword::Using)
    }

    fn constraint_name(&mut self) -> Result<Option<Identifier>> {
        if self.accept_keyword(Keyword::Constraint) {
            self.column_name().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn table_constraint(&mut self) -> Result<TableConstraint> {
        let start = self.position();
        let name = self.constraint_name()?;
        // PostgreSQL reports a constraint where CONSTRAINT stands.
        let position = if name.is_some() { start } else { self.position() };
        let kind = match self.kind() {
            TokenKind::Keyword(Keyword::Primary) => {
                self.accept_keywords(&[Keyword::Primary, Keyword::Key])?;
                self.table_key(true)?
            }
            TokenKind::Keyword(Keyword::Unique) => {
                self.advance();
                self.nulls_distinct()?;
                self.table_key(false)?
            }
            TokenKind::Keyword(Keyword::Check) => {
                let condition = self.check_condition()?;
                self.refuse_check_options()?;
                ConstraintKind::Check(condition)
            }
            TokenKind::Keyword(Keyword::Foreign) => {
                self.accept_keywords(&[Keyword::Foreign, Keyword::Key])?;
                let columns = self.name_list()?;
                ConstraintKind::Foreign { columns, reference: self.reference()? }
            }
            _ => return Err(self.foreign_constraint()),
        };
        Ok(TableConstraint { name, kind, position })
    }

    fn table_key(&mut self, primary: bool) -> Result<ConstraintKind> {
        self.refuse_keyword(Keyword::Using, "constraint on an index")?;
        let columns = self.name_list()?;
        self.refuse_constraint_options()?;
        Ok(ConstraintKind::Key { primary, columns })
    }

    /// REFERENCES table [(columns)] [MATCH ...] [ON DELETE ...] [ON UPDATE ...].
    fn reference(&mut self) -> Result<Reference> {
        self.expect_keyword(Keyword::References)?;
        let table = self.object_name()?;
        let columns = if self.is_symbol(b'(') { self.name_list()? } else { Vec::new() };
        let match_full = self.match_kind()?;
        let (mut on_delete, mut on_update) = (None, None);
        while self.is_keyword(Keyword::On) {
            self.advance();
            let action = match self.kind() {
                TokenKind::Keyword(Keyword::Delete) => &mut on_delete,
                TokenKind::Keyword(Keyword::Update) => &mut on_update,
                _ => return Err(self.unexpected()),
            };
            if action.is_some() {
                return Err(self.unexpected());
            }
            self.advance();
            *action = Some(self.referential_action()?);
        }
        self.refuse_foreign_options()?;
        let on_delete = on_delete.unwrap_or(ReferentialAction::NoAction);
        let on_update = on_update.unwrap_or(ReferentialAction::NoAction);
        Ok(Reference { table, columns, match_full, on_delete, on_update })
    }

    /// [MATCH FULL | SIMPLE]; whether it is FULL.
    fn match_kind(&mut self) -> Result<bool> {
        let position = self.position();
        if !self.accept_keyword(Keyword::Match) {
            return Ok(false);
        }
        let is_full = match self.kind() {
            TokenKind::Keyword(Keyword::Full) => true,
            TokenKind::Keyword(Keyword::Simple) => false,
            TokenKind::Keyword(Keyword::Partial) => {
                let message = "MATCH PARTIAL not yet implemented";
                return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(is_full)
    }

    fn referential_action(&mut self) -> Result<ReferentialAction> {
        let TokenKind::Keyword(first) = self.kind() else { return Err(self.unexpected()) };
        let alone = match first {
            Keyword::Restrict => Some(ReferentialAction::Restrict),
            Keyword::Cascade => Some(ReferentialAction::Cascade),
            Keyword::No | Keyword::Set => None,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        if let Some(action) = alone {
            return Ok(action);
        }
        let action = match (first, self.kind()) {
            (Keyword::No, TokenKind::Keyword(Keyword::Action)) => ReferentialAction::NoAction,
            (Keyword::Set, TokenKind::Keyword(Keyword::Null)) => ReferentialAction::SetNull,
            (Keyword::Set, TokenKind::Keyword(Keyword::Default)) => ReferentialAction::SetDefault,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        if self.is_symbol(b'(') {
            return Err(self.not_supported("a column list of SET NULL or SET DEFAULT"));
        }
        Ok(action)
    }

    /// What may follow a foreign key: that it is not deferred, which it never is.
    fn refuse_foreign_options(&mut self) -> Result<()> {
        loop {
            match (self.kind(), self.next_kind()) {
                (TokenKind::Keyword(Keyword::Not), TokenKind::Keyword(Keyword::Valid)) => {
                    return Err(self.not_supported("NOT VALID"));
                }
                (TokenKind::Keyword(Keyword::Not), TokenKind::Keyword(Keyword::Deferrable))
                | (
                    TokenKind::Keyword(Keyword::Initially),
                    TokenKind::Keyword(Keyword::Immediate),
                ) => {
                    self.advance();
                    self.advance();
                }
                _ => return self.refuse_deferrable(),
            }
        }
    }

    /// CHECK (condition) \[NO INHERIT\]; the latter is 0A000, since there is no inheritance.
    fn check_condition(&mut self) -> Result<Expression> {
        self.expect_keyword(Keyword::Check)?;
        self.expect_symbol(b'(')?;
        let condition = self.expression()?;
        self.expect_symbol(b')')?;
        if self.is_keyword(Keyword::No) && self.next_is_keyword(Keyword::Inherit) {
            return Err(self.not_supported("NO INHERIT"));
        }
        Ok(condition)
    }

    /// What may follow CHECK of a table: that it is not deferred, which it never is.
    fn refuse_check_options(&mut self) -> Result<()> {
        loop {
            let next = match self.next_kind() {
                TokenKind::Keyword(next) => Some(next),
                _ => None,
            };
            match (self.kind(), next) {
                (TokenKind::Keyword(Keyword::Not), Some(Keyword::Valid)) => {
                    return Err(self.not_supported("NOT VALID"));
                }
                (TokenKind::Keyword(Keyword::Not), Some(Keyword::Deferrable))
                | (TokenKind::Keyword(Keyword::Initially), Some(Keyword::Immediate)) => {
                    self.advance();
                    self.advance();
                }
                (TokenKind::Keyword(Keyword::Deferrable | Keyword::Initially), _) => {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "CHECK constraints cannot be marked DEFERRABLE",
                    ));
                }
                _ => return Ok(()),
            }
        }
    }

    #[cold]
    fn foreign_constraint(&self) -> Error {
        let what = match self.kind() {
            TokenKind::Keyword(Keyword::Exclude) => "EXCLUDE",
            TokenKind::Keyword(Keyword::Generated) => "GENERATED",
            _ => return self.unexpected(),
        };
        self.not_supported(what)
    }

    /// \[NULLS DISTINCT\], the default; NULLS NOT DISTINCT is 0A000.
    pub(super) fn nulls_distinct(&mut self) -> Result<()> {
        if !self.is_keyword(Keyword::Nulls) {
            return Ok(());
        }
        if self.next_is_keyword(Keyword::Not) {
            return Err(self.not_supported("NULLS NOT DISTINCT"));
        }
        self.accept_keywords(&[Keyword::Nulls, Keyword::Distinct])?;
        Ok(())
    }

    /// What may follow PRIMARY KEY and UNIQUE, none of which is supported.
    fn refuse_constraint_options(&self) -> Result<()> {
        let what = match self.kind() {
            TokenKind::Keyword(Keyword::Include) => "INCLUDE",
            TokenKind::Keyword(Keyword::With) => "storage parameter",
            TokenKind::Keyword(Keyword::Using) => "TABLESPACE",
            _ => return self.refuse_deferrable(),
        };
        Err(self.not_supported(what))
    }

    fn refuse_deferrable(&self) -> Result<()> {
        let not = self.is_keyword(Keyword::Not) && self.next_is_keyword(Keyword::Deferrable);
        if not || self.is_keyword(Keyword::Deferrable) {
            return Err(self.not_supported("DEFERRABLE"));
        }
        self.refuse_keyword(Keyword::Initially, "INITIALLY")
    }

    /// One constraint of a column; false if none stands here.
    pub(super) fn column_constraint(
        &mut self,
        column: &mut ColumnSpecification,
        table: &ObjectName,
    ) -> Result<bool> {
        let start = self.position();
        let constraint_name = self.constraint_name()?;
        let position = if constraint_name.is_some() { start } else { self.position() };
        let TokenKind::Keyword(keyword) = self.kind() else {
            return if constraint_name.is_some() { Err(self.unexpected()) } else { Ok(false) };
        };
        let about =
            || format!("for column \"{}\" of table \"{}\"", column.name.name, table.name.name);
        match keyword {
            Keyword::Not | Keyword::Null => {
                self.refuse_deferrable()?;
                let not_null = self.accept_keyword(Keyword::Not);
                let is_needed = column.identity.is_some() || column.serial;
                let earlier = column.not_null.or(is_needed.then_some(true));
                if earlier.is_some_and(|earlier| earlier != not_null) {
                    let message = format!("conflicting NULL/NOT NULL declarations {}", about());
                    let error = Error::new(SqlState::SyntaxError, message);
                    // Of what SERIAL stands for PostgreSQL knows no place.
                    return Err(if column.serial { error } else { error.at(position) });
                }
                self.expect_keyword(Keyword::Null)?;
                column.not_null = Some(not_null);
            }
            Keyword::Default => {
                if column.default.is_some() {
                    let message = format!("multiple default values specified {}", about());
                    return Err(Self::syntax_error(message, position));
                }
                if column.identity.is_some() {
                    let message = format!("both default and identity specified {}", about());
                    return Err(Self::syntax_error(message, position));
                }
                if column.serial {
                    let message = format!("multiple default values specified {}", about());
                    return Err(Error::new(SqlState::SyntaxError, message));
                }
                self.advance();
                column.default = Some(self.expression_at(Level::Lowest, Extent::Restricted)?);
            }
            Keyword::Primary | Keyword::Unique => {
                self.advance();
                let primary = keyword == Keyword::Primary;
                if primary {
                    self.expect_keyword(Keyword::Key)?;
                } else {
                    self.nulls_distinct()?;
                }
                self.refuse_constraint_options()?;
                column.keys.push(ColumnKey { constraint_name, primary, position });
            }
            Keyword::Collate => return Err(self.not_supported("COLLATE")),
            Keyword::Storage => return Err(self.not_supported("STORAGE")),
            Keyword::Compression => return Err(self.not_supported("COMPRESSION")),
            Keyword::Options => return Err(self.not_supported("OPTIONS")),
            Keyword::Generated => {
                let identity = self.identity()?;
                let conflict = if column.identity.is_some() {
                    "multiple identity specifications"
                } else if column.default.is_some() || column.serial {
                    "both default and identity specified"
                } else if column.not_null == Some(false) {
                    "conflicting NULL/NOT NULL declarations"
                } else {
                    column.identity = Some(identity);
                    return Ok(true);
                };
                return Err(Self::syntax_error(format!("{conflict} {}", about()), position));
            }
            Keyword::Check => {
                let condition = self.check_condition()?;
                column.checks.push(CheckSpecification { constraint_name, condition, position });
            }
            Keyword::References => {
                let reference = self.reference()?;
                column.references.push(ColumnReference { constraint_name, reference, position });
            }
            _ if constraint_name.is_some() => return Err(self.unexpected()),
            _ => {
                self.refuse_deferrable()?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}
