//! FROM: tables, queries in parentheses, joins.

use super::ast::{
    Identifier, JoinConstraint, JoinKind, Query, QueryBody, TableAlias, TableReference,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result};
use crate::types::Position;

/// What stands in parentheses in FROM.
enum EnclosedTable {
    Query(Box<Query>),
    Join(TableReference),
}

impl Parser<'_> {
    /// One entry of FROM, with its joins.
    pub(super) fn table_reference(&mut self) -> Result<TableReference> {
        self.nested(|parser| {
            let first = parser.table_operand()?;
            parser.joins(first)
        })
    }

    /// The joins behind a table that has been parsed since the innermost `nested` began.
    fn joins(&mut self, mut left: TableReference) -> Result<TableReference> {
        while let Some((kind, natural)) = self.join_start() {
            left = self.join(left, kind, natural)?;
            self.deepen()?;
        }
        Ok(left)
    }

    /// The kind of the join that starts here, if one does, and whether it is NATURAL.
    fn join_start(&self) -> Option<(JoinKind, bool)> {
        let TokenKind::Keyword(keyword) = self.kind() else {
            return None;
        };
        if keyword == Keyword::Natural {
            let kind = match self.next_kind() {
                TokenKind::Keyword(next) => join_kind(next).unwrap_or(JoinKind::Inner),
                _ => JoinKind::Inner,
            };
            return Some((kind, true));
        }
        join_kind(keyword).map(|kind| (kind, false))
    }

    fn join(
        &mut self,
        left: TableReference,
        kind: JoinKind,
        natural: bool,
    ) -> Result<TableReference> {
        let position = self.position();
        if natural {
            self.advance();
            if self.is_keyword(Keyword::Cross) {
                return Err(self.unexpected());
            }
        }
        if !self.is_keyword(Keyword::Join) {
            self.advance();
            if matches!(kind, JoinKind::Left | JoinKind::Right | JoinKind::Full) {
                self.accept_keyword(Keyword::Outer);
            }
        }
        self.expect_keyword(Keyword::Join)?;
        let unconstrained = natural || kind == JoinKind::Cross;
        let right = self.nested(|parser| {
            let right = parser.table_operand()?;
            // In `a JOIN b JOIN c ON x ON y` the inner join is b JOIN c; it is the missing ON that tells.
            if unconstrained { Ok(right) } else { parser.joins(right) }
        })?;
        let constraint = match (natural, kind) {
            (true, _) => JoinConstraint::Natural,
            (_, JoinKind::Cross) => JoinConstraint::None,
            _ => self.join_constraint()?,
        };
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(TableReference::Join { kind, left, right, constraint, position })
    }

    fn join_constraint(&mut self) -> Result<JoinConstraint> {
        if self.accept_keyword(Keyword::Using) {
            let columns = self.name_list()?;
            self.refuse_keyword(Keyword::As, "alias of JOIN USING")?;
            return Ok(JoinConstraint::Using(columns));
        }
        self.expect_keyword(Keyword::On)?;
        Ok(JoinConstraint::On(self.expression()?))
    }

    /// A table, or something in parentheses.
    fn table_operand(&mut self) -> Result<TableReference> {
        let position = self.position();
        let what = match self.kind() {
            TokenKind::Symbol(b'(') => {
                let enclosed = self.enclosed_table()?;
                return self.aliased(enclosed, position);
            }
            TokenKind::Keyword(Keyword::Lateral) => "LATERAL",
            TokenKind::Keyword(Keyword::Only) => return self.table(),
            TokenKind::Keyword(Keyword::Xmltable) if self.next_is_symbol(b'(') => "XMLTABLE",
            TokenKind::Keyword(Keyword::Rows) if self.next_is_keyword(Keyword::From) => "ROWS FROM",
            kind if self.next_is_symbol(b'(') && Self::is_function_name(kind) => "function in FROM",
            _ => return self.table(),
        };
        Err(self.not_supported(what))
    }

    fn table(&mut self) -> Result<TableReference> {
        let name = self.relation()?;
        if self.is_symbol(b'(') {
            return Err(Error::not_supported("function in FROM", name.name.position));
        }
        let alias = self.table_alias()?;
        self.refuse_keyword(Keyword::Tablesample, "TABLESAMPLE")?;
        Ok(TableReference::Table { name, alias })
    }

    fn aliased(&mut self, enclosed: EnclosedTable, position: Position) -> Result<TableReference> {
        let alias_position = self.position();
        match (enclosed, self.table_alias()?) {
            (EnclosedTable::Query(query), Some(alias)) => {
                Ok(TableReference::Derived { query, alias, position })
            }
            (EnclosedTable::Query(_), None) => {
                Err(Self::syntax_error("subquery in FROM must have an alias", position)
                    .with_hint("For example, FROM (SELECT ...) [AS] foo."))
            }
            (EnclosedTable::Join(join), None) => Ok(join),
            (EnclosedTable::Join(_), Some(_)) => {
                Err(Error::not_supported("alias of a join", alias_position))
            }
        }
    }

    /// `(query)` or `(join)`.
    fn enclosed_table(&mut self) -> Result<EnclosedTable> {
        self.nested(|parser| {
            parser.expect_symbol(b'(')?;
            let enclosed = if parser.starts_query() {
                EnclosedTable::Query(parser.query()?)
            } else if parser.is_symbol(b'(') {
                let position = parser.position();
                match parser.enclosed_table()? {
                    EnclosedTable::Query(query) if parser.continues_query() => {
                        let first = QueryBody::Nested(query);
                        EnclosedTable::Query(parser.query_continued(first)?)
                    }
                    inner => {
                        let first = parser.aliased(inner, position)?;
                        EnclosedTable::Join(parser.joins(first)?)
                    }
                }
            } else {
                EnclosedTable::Join(parser.table_reference()?)
            };
            let only_table = matches!(
                &enclosed,
                EnclosedTable::Join(TableReference::Table { .. } | TableReference::Derived { .. })
            );
            if only_table {
                return Err(parser.unexpected());
            }
            parser.expect_symbol(b')')?;
            Ok(enclosed)
        })
    }

    /// [\[AS\] alias [(columns)]].
    fn table_alias(&mut self) -> Result<Option<TableAlias>> {
        let name = if self.accept_keyword(Keyword::As) {
            self.column_name()?
        } else if Self::is_column_name(self.kind()) {
            self.take_name()
        } else {
            return Ok(None);
        };
        let columns: Vec<Identifier> =
            if self.is_symbol(b'(') { self.name_list()? } else { Vec::new() };
        Ok(Some(TableAlias { name, columns }))
    }
}

fn join_kind(keyword: Keyword) -> Option<JoinKind> {
    match keyword {
        Keyword::Join | Keyword::Inner => Some(JoinKind::Inner),
        Keyword::Left => Some(JoinKind::Left),
        Keyword::Right => Some(JoinKind::Right),
        Keyword::Full => Some(JoinKind::Full),
        Keyword::Cross => Some(JoinKind::Cross),
        _ => None,
    }
}
