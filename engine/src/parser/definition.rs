//! CREATE TABLE and CREATE INDEX.

use super::ast::{
    ColumnKey, ColumnSpecification, CreateIndex, CreateTable, Identifier, IndexColumnSpecification,
    ObjectName, Statement, TableConstraint,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::operator::{Extent, Level};
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};

/// Index methods that PostgreSQL and pgvector have and SPG has not.
const INDEX_METHODS: &[&str] = &["brin", "gin", "gist", "hash", "hnsw", "ivfflat", "spgist"];

impl Parser<'_> {
    /// TABLE \[IF NOT EXISTS\] name (columns and constraints).
    pub(super) fn create_table(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        self.refuse_keyword(Keyword::As, "CREATE TABLE AS")?;
        self.refuse_keyword(Keyword::Of, "CREATE TABLE OF")?;
        self.refuse_keyword(Keyword::Partition, "PARTITION OF")?;
        self.expect_symbol(b'(')?;
        let mut columns = Vec::new();
        let mut constraints = Vec::new();
        if !self.is_symbol(b')') {
            self.comma_separated(|parser| {
                parser.table_element(&name, &mut columns, &mut constraints)
            })?;
        }
        self.expect_symbol(b')')?;
        self.refuse_table_options()?;
        let table = CreateTable { if_not_exists, name, columns, constraints };
        Ok(Statement::CreateTable(Box::new(table)))
    }

    fn if_not_exists(&mut self) -> Result<bool> {
        self.accept_keywords(&[Keyword::If, Keyword::Not, Keyword::Exists])
    }

    fn refuse_table_options(&self) -> Result<()> {
        let what = match self.kind() {
            TokenKind::Keyword(Keyword::Inherits) => "INHERITS",
            TokenKind::Keyword(Keyword::Partition) => "PARTITION BY",
            TokenKind::Keyword(Keyword::Using) => "CREATE TABLE ... USING",
            TokenKind::Keyword(Keyword::With) => "storage parameter",
            TokenKind::Keyword(Keyword::Without) => "WITHOUT OIDS",
            TokenKind::Keyword(Keyword::On) => "ON COMMIT",
            TokenKind::Keyword(Keyword::Tablespace) => "TABLESPACE",
            TokenKind::Keyword(Keyword::As) => "CREATE TABLE AS",
            _ => return Ok(()),
        };
        Err(self.not_supported(what))
    }

    fn table_element(
        &mut self,
        table: &ObjectName,
        columns: &mut Vec<ColumnSpecification>,
        constraints: &mut Vec<TableConstraint>,
    ) -> Result<()> {
        match self.kind() {
            TokenKind::Keyword(Keyword::Like) => Err(self.not_supported("LIKE in CREATE TABLE")),
            TokenKind::Keyword(
                Keyword::Constraint
                | Keyword::Primary
                | Keyword::Unique
                | Keyword::Check
                | Keyword::Foreign
                | Keyword::Exclude,
            ) if !self.is_unreserved_column() => {
                constraints.push(self.table_constraint()?);
                Ok(())
            }
            _ => {
                columns.push(self.column_specification(table)?);
                Ok(())
            }
        }
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

    fn table_constraint(&mut self) -> Result<TableConstraint> {
        let start = self.position();
        let name = self.constraint_name()?;
        // PostgreSQL reports a constraint where CONSTRAINT stands.
        let position = if name.is_some() { start } else { self.position() };
        let primary = match self.kind() {
            TokenKind::Keyword(Keyword::Primary) => {
                self.accept_keywords(&[Keyword::Primary, Keyword::Key])?;
                true
            }
            TokenKind::Keyword(Keyword::Unique) => {
                self.advance();
                self.nulls_distinct()?;
                false
            }
            _ => return Err(self.foreign_constraint()),
        };
        self.refuse_keyword(Keyword::Using, "constraint on an index")?;
        let columns = self.name_list()?;
        self.refuse_constraint_options()?;
        Ok(TableConstraint { name, primary, columns, position })
    }

    #[cold]
    fn foreign_constraint(&self) -> Error {
        let what = match self.kind() {
            TokenKind::Keyword(Keyword::Check) => "CHECK",
            TokenKind::Keyword(Keyword::Foreign) => "FOREIGN KEY",
            TokenKind::Keyword(Keyword::References) => "REFERENCES",
            TokenKind::Keyword(Keyword::Exclude) => "EXCLUDE",
            TokenKind::Keyword(Keyword::Generated) => "GENERATED",
            _ => return self.unexpected(),
        };
        self.not_supported(what)
    }

    /// \[NULLS DISTINCT\], the default; NULLS NOT DISTINCT is 0A000.
    fn nulls_distinct(&mut self) -> Result<()> {
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

    fn column_specification(&mut self, table: &ObjectName) -> Result<ColumnSpecification> {
        let name = self.column_name()?;
        let type_name = self.type_name()?;
        let mut column = ColumnSpecification {
            name,
            type_name,
            default: None,
            not_null: None,
            keys: Vec::new(),
        };
        while self.column_constraint(&mut column, table)? {}
        Ok(column)
    }

    /// One constraint of a column; false if none stands here.
    fn column_constraint(
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
                if column.not_null.is_some_and(|earlier| earlier != not_null) {
                    let message = format!("conflicting NULL/NOT NULL declarations {}", about());
                    return Err(Self::syntax_error(message, position));
                }
                self.expect_keyword(Keyword::Null)?;
                column.not_null = Some(not_null);
            }
            Keyword::Default => {
                if column.default.is_some() {
                    let message = format!("multiple default values specified {}", about());
                    return Err(Self::syntax_error(message, position));
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
            Keyword::Check | Keyword::References | Keyword::Generated => {
                return Err(self.foreign_constraint());
            }
            _ if constraint_name.is_some() => return Err(self.unexpected()),
            _ => {
                self.refuse_deferrable()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// \[UNIQUE\] INDEX [\[IF NOT EXISTS\] name] ON table (columns).
    pub(super) fn create_index(&mut self) -> Result<Statement> {
        let unique = self.accept_keyword(Keyword::Unique);
        self.expect_keyword(Keyword::Index)?;
        self.refuse_keyword(Keyword::Concurrently, "CREATE INDEX CONCURRENTLY")?;
        let if_not_exists = self.if_not_exists()?;
        let unnamed = self.is_keyword(Keyword::On) && !if_not_exists;
        let name = if unnamed { None } else { Some(self.column_name()?) };
        self.expect_keyword(Keyword::On)?;
        self.refuse_keyword(Keyword::Only, "ONLY")?;
        let table = self.object_name()?;
        self.accept_symbol(b'*');
        self.index_method()?;
        self.expect_symbol(b'(')?;
        let columns = self.comma_separated(Self::index_column)?;
        self.expect_symbol(b')')?;
        self.refuse_index_options()?;
        let index = CreateIndex { unique, if_not_exists, name, table, columns };
        Ok(Statement::CreateIndex(Box::new(index)))
    }

    /// [USING btree].
    fn index_method(&mut self) -> Result<()> {
        if !self.accept_keyword(Keyword::Using) {
            return Ok(());
        }
        let method = self.column_name()?;
        if method.name == "btree" {
            return Ok(());
        }
        if INDEX_METHODS.contains(&method.name.as_str()) {
            let what = format!("index method {}", method.name);
            return Err(Error::not_supported(&what, method.position));
        }
        let message = format!("access method \"{}\" does not exist", method.name);
        Err(Error::new(SqlState::UndefinedObject, message).at(method.position))
    }

    fn index_column(&mut self) -> Result<IndexColumnSpecification> {
        let call = Self::is_label(self.kind()) && self.next_is_symbol(b'(');
        if call || self.is_symbol(b'(') {
            return Err(self.not_supported("index on an expression"));
        }
        let column = self.column_name()?;
        self.refuse_keyword(Keyword::Collate, "COLLATE")?;
        let directed = matches!(
            self.kind(),
            TokenKind::Keyword(Keyword::Asc | Keyword::Desc | Keyword::Nulls)
        );
        if !directed && Self::is_column_name(self.kind()) {
            return Err(self.not_supported("operator class"));
        }
        let (descending, nulls_first) = self.direction();
        Ok(IndexColumnSpecification { column, descending, nulls_first })
    }

    fn refuse_index_options(&mut self) -> Result<()> {
        self.refuse_keyword(Keyword::Include, "INCLUDE")?;
        self.nulls_distinct()?;
        self.refuse_keyword(Keyword::With, "storage parameter")?;
        self.refuse_keyword(Keyword::Tablespace, "TABLESPACE")?;
        self.refuse_keyword(Keyword::Where, "partial index")
    }
}
