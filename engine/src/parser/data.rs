//! INSERT, UPDATE, DELETE, TRUNCATE.

use super::ast::{
    Assignment, Delete, Expression, Identifier, Insert, InsertSource, ObjectName, Overriding,
    SelectItem, Statement, Truncate, Update,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::primary::Enclosed;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};

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
        let table = self.relation()?;
        let alias = self.target_alias(Some(Keyword::Set))?;
        self.expect_keyword(Keyword::Set)?;
        let assignments = self.assignments()?;
        self.refuse_keyword(Keyword::From, "UPDATE ... FROM")?;
        let filter = self.target_filter()?;
        let returning = self.returning()?;
        Ok(Statement::Update(Box::new(Update { table, alias, assignments, filter, returning })))
    }

    /// What follows SET: `column = value` and `(column, ...) = (value, ...)`, which is one of the former for each column.
    pub(super) fn assignments(&mut self) -> Result<Vec<Assignment>> {
        let mut assignments = Vec::new();
        loop {
            if self.is_symbol(b'(') {
                self.assignment_of_row(&mut assignments)?;
            } else {
                let column = self.target_column()?;
                self.expect_symbol(b'=')?;
                assignments.push(Assignment { column, value: self.expression()? });
            }
            if !self.accept_symbol(b',') {
                return Ok(assignments);
            }
        }
    }

    /// `(column, ...) = [ROW] (value, ...)`; a query for the values is not supported.
    fn assignment_of_row(&mut self, assignments: &mut Vec<Assignment>) -> Result<()> {
        self.advance();
        let columns = self.comma_separated(Self::target_column)?;
        self.expect_symbol(b')')?;
        self.expect_symbol(b'=')?;
        let position = self.position();
        let is_row = self.is_keyword(Keyword::Row) && self.next_is_symbol(b'(');
        if is_row {
            self.advance();
        }
        let no_row = |position| {
            let message =
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression";
            Error::new(SqlState::FeatureNotSupported, message).at(position)
        };
        if !self.is_symbol(b'(') {
            self.expression()?;
            return Err(no_row(position));
        }
        let values = if is_row && self.next_is_symbol(b')') {
            self.advance();
            self.advance();
            Vec::new()
        } else {
            match self.enclosed()? {
                Enclosed::Expressions(values) if is_row || values.len() > 1 => values,
                Enclosed::Expressions(values) => {
                    return Err(no_row(values[0].position));
                }
                Enclosed::Query(_) => {
                    let what = "assignment of a query to several columns";
                    return Err(Error::not_supported(what, position));
                }
            }
        };
        if values.len() != columns.len() {
            let message = "number of columns does not match number of values";
            return Err(Self::syntax_error(message, position));
        }
        let pairs = columns.into_iter().zip(values);
        assignments.extend(pairs.map(|(column, value)| Assignment { column, value }));
        Ok(())
    }

    /// DELETE FROM table [\[AS\] alias] [WHERE condition] \[RETURNING ...\].
    pub(super) fn delete(&mut self) -> Result<Statement> {
        self.advance();
        self.expect_keyword(Keyword::From)?;
        let table = self.relation()?;
        let alias = self.target_alias(None)?;
        self.refuse_keyword(Keyword::Using, "DELETE ... USING")?;
        let filter = self.target_filter()?;
        let returning = self.returning()?;
        Ok(Statement::Delete(Box::new(Delete { table, alias, filter, returning })))
    }

    /// `table`, `table *` or `ONLY table`: with those that inherit from it or without, of which there are none.
    pub(super) fn relation(&mut self) -> Result<ObjectName> {
        if self.accept_keyword(Keyword::Only) {
            let enclosed = self.accept_symbol(b'(');
            let table = self.object_name()?;
            if enclosed {
                self.expect_symbol(b')')?;
            }
            return Ok(table);
        }
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

    /// TRUNCATE \[TABLE\] table, ... \[{RESTART | CONTINUE} IDENTITY\] [CASCADE | RESTRICT].
    pub(super) fn truncate(&mut self) -> Result<Statement> {
        self.advance();
        self.accept_keyword(Keyword::Table);
        let names = self.comma_separated(Self::relation)?;
        let restart_identity = self.accept_keywords(&[Keyword::Restart, Keyword::Identity])?;
        if !restart_identity {
            self.accept_keywords(&[Keyword::Continue, Keyword::Identity])?;
        }
        let cascade = self.accept_keyword(Keyword::Cascade);
        if !cascade {
            self.accept_keyword(Keyword::Restrict);
        }
        Ok(Statement::Truncate(Truncate { names, restart_identity, cascade }))
    }
}
