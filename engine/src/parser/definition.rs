//! CREATE TABLE and CREATE INDEX.

use super::ast::{
    ColumnSpecification, CreateIndex, CreateTable, IndexColumnSpecification, ObjectName, Statement,
    TableConstraint, TypeName,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};
use crate::types::DataType;

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

    pub(super) fn if_not_exists(&mut self) -> Result<bool> {
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
        if self.is_keyword(Keyword::Like) {
            return Err(self.not_supported("LIKE in CREATE TABLE"));
        }
        if self.is_table_constraint() {
            constraints.push(self.table_constraint()?);
        } else {
            columns.push(self.column_specification(table)?);
        }
        Ok(())
    }

    pub(super) fn column_specification(
        &mut self,
        table: &ObjectName,
    ) -> Result<ColumnSpecification> {
        let name = self.column_name()?;
        let serial = self.serial_type();
        let is_serial = serial.is_some();
        let type_name = match serial {
            Some(type_name) => type_name,
            None => self.type_name()?,
        };
        let mut column = ColumnSpecification {
            name,
            type_name,
            serial: is_serial,
            default: None,
            identity: None,
            not_null: None,
            keys: Vec::new(),
            checks: Vec::new(),
            references: Vec::new(),
        };
        while self.column_constraint(&mut column, table)? {}
        Ok(column)
    }

    /// SERIAL and its kin, which only a column may have.
    fn serial_type(&mut self) -> Option<TypeName> {
        if self.kind() != TokenKind::Word {
            return None;
        }
        let data_type = match self.token_text().to_ascii_lowercase().as_str() {
            "smallserial" | "serial2" => DataType::Int2,
            "serial" | "serial4" => DataType::Int4,
            "bigserial" | "serial8" => DataType::Int8,
            _ => return None,
        };
        let position = self.advance().position;
        Some(TypeName { data_type, position })
    }

    /// \[UNIQUE\] INDEX \[CONCURRENTLY\] [\[IF NOT EXISTS\] name] ON table (columns).
    pub(super) fn create_index(&mut self) -> Result<Statement> {
        let unique = self.accept_keyword(Keyword::Unique);
        self.expect_keyword(Keyword::Index)?;
        let concurrently = self.accept_keyword(Keyword::Concurrently);
        let if_not_exists = self.if_not_exists()?;
        let unnamed = self.is_keyword(Keyword::On) && !if_not_exists;
        let name = if unnamed { None } else { Some(self.column_name()?) };
        self.expect_keyword(Keyword::On)?;
        let table = self.relation()?;
        self.index_method()?;
        self.expect_symbol(b'(')?;
        let columns = self.comma_separated(Self::index_column)?;
        self.expect_symbol(b')')?;
        self.refuse_index_options()?;
        let index = CreateIndex { unique, concurrently, if_not_exists, name, table, columns };
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
