//! INSERT, UPDATE, DELETE, TRUNCATE.

use super::ast::{
    Assignment, Delete, Expression, Identifier, Insert, InsertSource, ObjectName, Overriding,
    SelectItem, Statement, Truncate, Update,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::Result;

impl Parser<'_> {
    /// INSERT INTO table [AS alias] [(columns)] {DEFAULT VALUES | query} \[ON CONFLICT ...\] \[RETURNING ...\].
    pub(super) fn insert(&mut self) -> Result<Statement> {
        self.advance();
        self.expect_keyword(Keyword::Into)?;
        let table = self.object_name()?;
        let alias = if self.accept_keyword(Keyword::As) { Some(self.column_name()?) } else { None };
        let columns = self.insert_columns()?;
        let overriding = self.overriding()?;
        let source = if self.is_keyword(Keyword::Default) && columns.is_empty() {
            self.accept_keywords(&[Keyword::Default, Keyword::Values])?;
            InsertSource::Default
        } else {
            InsertSource::Query(self.query()?)
        };
        let on_conflict = self.on_conflict()?;
        let returning = self.returning()?;
        let insert = Insert { table, alias, columns, overriding, source, on_conflict, returning };
        Ok(Statement::Insert(Box::new(insert)))
    }

    /// [OVERRIDING {SYSTEM | USER} VALUE].
    fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.accept_keyword(Keyword::Overriding) {
            return Ok(None);
        }
        let overriding = match self.kind() {
            TokenKind::Keyword(Keyword::System) => Overriding::System,
            TokenKind::Keyword(Keyword::User) => Overriding::User,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_keyword(Keyword::Value)?;
        Ok(Some(overriding))
    }

    /// `(columns)`, unless the parenthesis starts a query.
    fn insert_columns(&mut self) -> Result<Vec<Identifier>> {
        let names = self.is_symbol(b'(') && Self::is_column_name(self.next_kind());
        if !names {
            return Ok(Vec::new());
        }
        let values_query = self.next_is_keyword(Keyword::Values);
        if values_query && self.second_next_is(TokenKind::Symbol(b'(')) {
            return Ok(Vec::new());
        }
        self.advance();
        let columns = self.comma_separated(Self::target_column)?;
        self.expect_symbol(b')')?;
        Ok(columns)
    }

    /// A column to be written; a part of one is not supported.
    fn target_column(&mut self) -> Result<Identifier> {
        let column = self.column_name()?;
        if self.is_symbol(b'.') {
            return Err(self.not_supported("assignment to a field"));
        }
        self.refuse_subscript()?;
        Ok(column)
    }

    /// UPDATE table [\[AS\] alias] SET column = value, ... [WHERE condition] \[RETURNING ...\].
    pub(super) fn update(&mut self) -> Result<Statement> {
        self.advance();
        let table = self.target_table()?;
        let alias = self.target_alias(Some(Keyword::Set))?;
        self.expect_keyword(Keyword::Set)?;
        let assignments = self.comma_separated(Self::assignment)?;
        self.refuse_keyword(Keyword::From, "UPDATE ... FROM")?;
        let filter = self.target_filter()?;
        let returning = self.returning()?;
        Ok(Statement::Update(Box::new(Update { table, alias, assignments, filter, returning })))
    }

    pub(super) fn assignment(&mut self) -> Result<Assignment> {
        if self.is_symbol(b'(') {
            return Err(self.not_supported("assignment to several columns"));
        }
        let column = self.target_column()?;
        self.expect_symbol(b'=')?;
        Ok(Assignment { column, value: self.expression()? })
    }

    /// DELETE FROM table [\[AS\] alias] [WHERE condition] \[RETURNING ...\].
    pub(super) fn delete(&mut self) -> Result<Statement> {
        self.advance();
        self.expect_keyword(Keyword::From)?;
        let table = self.target_table()?;
        let alias = self.target_alias(None)?;
        self.refuse_keyword(Keyword::Using, "DELETE ... USING")?;
        let filter = self.target_filter()?;
        let returning = self.returning()?;
        Ok(Statement::Delete(Box::new(Delete { table, alias, filter, returning })))
    }

    /// `table [*]`.
    fn target_table(&mut self) -> Result<ObjectName> {
        self.refuse_keyword(Keyword::Only, "ONLY")?;
        let table = self.object_name()?;
        self.accept_symbol(b'*');
        Ok(table)
    }

    /// [\[AS\] alias]; without AS the keyword that goes on with the statement is none.
    fn target_alias(&mut self, following: Option<Keyword>) -> Result<Option<Identifier>> {
        if self.accept_keyword(Keyword::As) {
            return self.column_name().map(Some);
        }
        let follows = following.is_some_and(|keyword| self.is_keyword(keyword));
        Ok((Self::is_column_name(self.kind()) && !follows).then(|| self.take_name()))
    }

    fn target_filter(&mut self) -> Result<Option<Expression>> {
        if self.is_keyword(Keyword::Where)
            && self.next_is_keyword(Keyword::Current)
            && self.second_next_is(TokenKind::Keyword(Keyword::Of))
        {
            return Err(self.not_supported("WHERE CURRENT OF"));
        }
        self.filter()
    }

    fn returning(&mut self) -> Result<Vec<SelectItem>> {
        if self.accept_keyword(Keyword::Returning) { self.select_items() } else { Ok(Vec::new()) }
    }

    /// TRUNCATE \[TABLE\] table, ... \[{RESTART | CONTINUE} IDENTITY\] \[RESTRICT\].
    pub(super) fn truncate(&mut self) -> Result<Statement> {
        self.advance();
        self.accept_keyword(Keyword::Table);
        let names = self.comma_separated(Self::target_table)?;
        let restart_identity = self.accept_keywords(&[Keyword::Restart, Keyword::Identity])?;
        if !restart_identity {
            self.accept_keywords(&[Keyword::Continue, Keyword::Identity])?;
        }
        self.refuse_keyword(Keyword::Cascade, "TRUNCATE ... CASCADE")?;
        self.accept_keyword(Keyword::Restrict);
        Ok(Statement::Truncate(Truncate { names, restart_identity }))
    }
}
