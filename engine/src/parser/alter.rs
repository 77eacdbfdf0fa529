//! ALTER TABLE and ALTER INDEX.

use super::ast::{AlterAction, AlterTable, Identifier, ObjectName, RenameIndex, Statement};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result};

impl Parser<'_> {
    /// ALTER TABLE \[IF EXISTS\] name action, ...
    pub(super) fn alter_table(&mut self) -> Result<Statement> {
        self.advance();
        self.advance();
        if self.is_keyword(Keyword::All) {
            return Err(self.not_supported("ALTER TABLE ALL"));
        }
        let if_exists = self.accept_keywords(&[Keyword::If, Keyword::Exists])?;
        let name = self.relation()?;
        let actions = if self.is_keyword(Keyword::Rename) {
            vec![self.rename_action()?]
        } else {
            self.comma_separated(|parser| parser.alter_action(&name))?
        };
        Ok(Statement::AlterTable(Box::new(AlterTable { if_exists, name, actions })))
    }

    /// ALTER INDEX \[IF EXISTS\] name RENAME TO name.
    pub(super) fn alter_index(&mut self) -> Result<Statement> {
        self.advance();
        self.advance();
        if self.is_keyword(Keyword::All) {
            return Err(self.not_supported("ALTER INDEX ALL"));
        }
        let if_exists = self.accept_keywords(&[Keyword::If, Keyword::Exists])?;
        let name = self.object_name()?;
        if !self.is_keyword(Keyword::Rename) {
            return Err(self.foreign_action("ALTER INDEX"));
        }
        self.advance();
        let to = self.renamed_to()?;
        Ok(Statement::RenameIndex(Box::new(RenameIndex { if_exists, name, to })))
    }

    fn rename_action(&mut self) -> Result<AlterAction> {
        self.advance();
        if self.is_keyword(Keyword::To) {
            return self.renamed_to().map(AlterAction::RenameTable);
        }
        if self.accept_keyword(Keyword::Constraint) {
            let from = self.column_name()?;
            return Ok(AlterAction::RenameConstraint { from, to: self.renamed_to()? });
        }
        self.accept_keyword(Keyword::Column);
        let from = self.column_name()?;
        Ok(AlterAction::RenameColumn { from, to: self.renamed_to()? })
    }

    fn renamed_to(&mut self) -> Result<Identifier> {
        self.expect_keyword(Keyword::To)?;
        self.column_name()
    }

    fn alter_action(&mut self, table: &ObjectName) -> Result<AlterAction> {
        match self.kind() {
            TokenKind::Keyword(Keyword::Add) => {
                self.advance();
                self.add_action(table)
            }
            TokenKind::Keyword(Keyword::Drop) => {
                self.advance();
                self.drop_action()
            }
            TokenKind::Keyword(Keyword::Alter) => {
                self.advance();
                if self.is_keyword(Keyword::Constraint) {
                    return Err(self.not_supported("ALTER CONSTRAINT"));
                }
                self.accept_keyword(Keyword::Column);
                let column = self.column_name()?;
                self.alter_column(column)
            }
            _ => Err(self.foreign_action("ALTER TABLE")),
        }
    }

    fn add_action(&mut self, table: &ObjectName) -> Result<AlterAction> {
        if self.is_table_constraint() {
            return self.table_constraint().map(AlterAction::AddConstraint);
        }
        self.accept_keyword(Keyword::Column);
        let if_not_exists = self.if_not_exists()?;
        let column = Box::new(self.column_specification(table)?);
        Ok(AlterAction::AddColumn { if_not_exists, column })
    }

    fn drop_action(&mut self) -> Result<AlterAction> {
        let is_constraint = self.accept_keyword(Keyword::Constraint);
        if !is_constraint {
            self.accept_keyword(Keyword::Column);
        }
        let if_exists = self.accept_keywords(&[Keyword::If, Keyword::Exists])?;
        let name = self.column_name()?;
        let cascade = self.accept_keyword(Keyword::Cascade);
        if !cascade {
            self.accept_keyword(Keyword::Restrict);
        }
        Ok(if is_constraint {
            AlterAction::DropConstraint { if_exists, name, cascade }
        } else {
            AlterAction::DropColumn { if_exists, column: name, cascade }
        })
    }

    /// What follows ALTER COLUMN column.
    fn alter_column(&mut self, column: Identifier) -> Result<AlterAction> {
        match self.kind() {
            TokenKind::Keyword(Keyword::Type) => self.alter_type(column),
            TokenKind::Keyword(Keyword::Add) if self.next_is_keyword(Keyword::Generated) => {
                self.advance();
                Ok(AlterAction::AddIdentity { column, identity: self.identity()? })
            }
            TokenKind::Keyword(Keyword::Restart) => self.set_identity(column),
            TokenKind::Keyword(Keyword::Set) if self.next_starts_identity() => {
                self.set_identity(column)
            }
            TokenKind::Keyword(Keyword::Set) => {
                self.advance();
                match self.kind() {
                    TokenKind::Keyword(Keyword::Default) => {
                        self.advance();
                        let default = Some(self.expression()?);
                        Ok(AlterAction::SetDefault { column, default })
                    }
                    TokenKind::Keyword(Keyword::Not) => {
                        self.accept_keywords(&[Keyword::Not, Keyword::Null])?;
                        Ok(AlterAction::SetNotNull { column, not_null: true })
                    }
                    TokenKind::Keyword(Keyword::Data) => {
                        self.advance();
                        self.alter_type(column)
                    }
                    _ => Err(self.foreign_action("ALTER COLUMN ... SET")),
                }
            }
            TokenKind::Keyword(Keyword::Drop) => {
                self.advance();
                match self.kind() {
                    TokenKind::Keyword(Keyword::Default) => {
                        self.advance();
                        Ok(AlterAction::SetDefault { column, default: None })
                    }
                    TokenKind::Keyword(Keyword::Not) => {
                        self.accept_keywords(&[Keyword::Not, Keyword::Null])?;
                        Ok(AlterAction::SetNotNull { column, not_null: false })
                    }
                    TokenKind::Keyword(Keyword::Identity) => {
                        self.advance();
                        let if_exists = self.accept_keywords(&[Keyword::If, Keyword::Exists])?;
                        Ok(AlterAction::DropIdentity { column, if_exists })
                    }
                    _ => Err(self.foreign_action("ALTER COLUMN ... DROP")),
                }
            }
            _ => Err(self.foreign_action("ALTER COLUMN ...")),
        }
    }

    /// Whether the word behind SET is about an identity column.
    fn next_starts_identity(&self) -> bool {
        matches!(
            self.next_kind(),
            TokenKind::Keyword(
                Keyword::As
                    | Keyword::Cache
                    | Keyword::Cycle
                    | Keyword::Generated
                    | Keyword::Increment
                    | Keyword::Maxvalue
                    | Keyword::Minvalue
                    | Keyword::No
                    | Keyword::Owned
                    | Keyword::Restart
                    | Keyword::Start
            )
        )
    }

    fn alter_type(&mut self, column: Identifier) -> Result<AlterAction> {
        self.expect_keyword(Keyword::Type)?;
        let type_name = self.type_name()?;
        self.refuse_keyword(Keyword::Collate, "COLLATE")?;
        let using =
            if self.accept_keyword(Keyword::Using) { Some(self.expression()?) } else { None };
        Ok(AlterAction::SetType { column, type_name, using })
    }

    /// 0A000 for an action that PostgreSQL may have, named with what stands before it.
    #[cold]
    fn foreign_action(&self, of: &str) -> Error {
        match self.kind() {
            TokenKind::Keyword(keyword) if is_action(keyword) => {
                let word = keyword.word().to_ascii_uppercase();
                self.not_supported(&format!("{of} {word}"))
            }
            _ => self.unexpected(),
        }
    }
}

/// Whether an action of ALTER TABLE, ALTER COLUMN or ALTER INDEX begins with the word in PostgreSQL.
fn is_action(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::Add
            | Keyword::Alter
            | Keyword::Attach
            | Keyword::Cluster
            | Keyword::Compression
            | Keyword::Depends
            | Keyword::Detach
            | Keyword::Disable
            | Keyword::Enable
            | Keyword::Expression
            | Keyword::Force
            | Keyword::Generated
            | Keyword::Identity
            | Keyword::Inherit
            | Keyword::No
            | Keyword::Not
            | Keyword::Of
            | Keyword::Options
            | Keyword::Owner
            | Keyword::Replica
            | Keyword::Reset
            | Keyword::Restart
            | Keyword::Set
            | Keyword::Statistics
            | Keyword::Storage
            | Keyword::Validate
    )
}
