//! What operators work on: literals, columns, parentheses, CASE, CAST.

use super::ast::{Expression, ExpressionKind, Identifier, ObjectName, Query, QueryBody, TypeName};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::name;
use super::token::TokenKind;
use super::type_name::named_type;
use crate::error::{Error, Result, SqlState};
use crate::limits::{PARAMETERS_MAX, VECTOR_DIMENSIONS_MAX};
use crate::types::{DataType, Position};

/// What stands in parentheses.
pub(super) enum Enclosed {
    /// A query.
    Query(Box<Query>),
    /// One expression or more.
    Expressions(Vec<Expression>),
}

impl Parser<'_> {
    /// An operand (PostgreSQL's `c_expr`).
    pub(super) fn primary(&mut self) -> Result<Expression> {
        let position = self.position();
        let kind = match self.kind() {
            TokenKind::Number => {
                let number = self.token_text().to_owned();
                self.advance();
                ExpressionKind::Number(number)
            }
            TokenKind::String(_) => ExpressionKind::String(self.string()?),
            TokenKind::Parameter => return self.parameter(),
            TokenKind::Symbol(b'[') => self.vector()?,
            TokenKind::Symbol(b'(') => return self.parenthesised(),
            TokenKind::Keyword(keyword) => return self.keyword_primary(keyword),
            TokenKind::Word | TokenKind::QuotedName => return self.named_primary(),
            _ => return Err(self.unexpected()),
        };
        Ok(Expression { kind, position })
    }

    fn keyword_primary(&mut self, keyword: Keyword) -> Result<Expression> {
        let position = self.position();
        let kind = match keyword {
            Keyword::Null => ExpressionKind::Null,
            Keyword::True => ExpressionKind::Boolean(true),
            Keyword::False => ExpressionKind::Boolean(false),
            Keyword::Case | Keyword::Cast => {
                let parse = if keyword == Keyword::Case { Self::case } else { Self::cast };
                let kind = self.nested(parse)?;
                self.deepen()?;
                return Ok(Expression { kind, position });
            }
            Keyword::Exists => {
                self.advance();
                let query = self.enclosed_query()?;
                self.deepen()?;
                return Ok(Expression { kind: ExpressionKind::Exists(query), position });
            }
            Keyword::Array => return Err(self.not_supported("ARRAY")),
            _ if self.starts_typed_literal(keyword) => return self.typed_literal(keyword),
            _ => return self.special_function(keyword),
        };
        self.advance();
        Ok(Expression { kind, position })
    }

    /// A column, a function call or `type 'literal'`.
    pub(super) fn named_primary(&mut self) -> Result<Expression> {
        let function = Self::is_function_name(self.kind());
        if !Self::is_column_name(self.kind()) {
            if !function {
                return Err(self.unexpected());
            }
            let parts = vec![self.take_name()];
            return match self.kind() {
                TokenKind::Symbol(b'(') | TokenKind::String(_) => self.named_tail(parts, true),
                _ => Err(self.unexpected()),
            };
        }
        let parts = self.qualified_name()?;
        if self.is_symbol(b'.') {
            return Err(self.not_supported("whole-row reference"));
        }
        // A word that may not name a function by itself may do so behind a qualifier.
        let function = function || parts.len() > 1;
        self.named_tail(parts, function)
    }

    /// `name[.name ...]`, without the `.*` that may follow.
    pub(super) fn qualified_name(&mut self) -> Result<Vec<Identifier>> {
        let mut parts = vec![self.column_name()?];
        while self.is_symbol(b'.') && !self.next_is_symbol(b'*') {
            self.advance();
            parts.push(self.label()?);
        }
        Ok(parts)
    }

    /// What begins with these names: a function call, `type 'literal'` or a column.
    pub(super) fn named_tail(
        &mut self,
        mut parts: Vec<Identifier>,
        function: bool,
    ) -> Result<Expression> {
        match self.kind() {
            TokenKind::Symbol(b'(') if function => {
                return self.nested(|parser| parser.function_call(parts));
            }
            TokenKind::String(_) if function => {
                let target = named_type(&parts, &[])?;
                return self.literal_of_type(target);
            }
            _ => self.refuse_subscript()?,
        }
        let position = parts[0].position;
        if parts.len() > 3 {
            return Err(match parts.len() {
                4 => name::cross_database(&parts, &name::join(&parts)),
                _ => name::too_many_names(&parts),
            });
        }
        let column = parts.pop().expect("a name has a part");
        let table = parts.pop().map(|name| ObjectName { schema: parts.pop(), name });
        Ok(Expression { kind: ExpressionKind::Column { table, column }, position })
    }

    /// The string of `type 'literal'`.
    pub(super) fn literal_of_type(&mut self, target: TypeName) -> Result<Expression> {
        let position = self.position();
        let literal = Expression { kind: ExpressionKind::String(self.string()?), position };
        if target.data_type == DataType::Interval
            && let TokenKind::Keyword(
                Keyword::Year
                | Keyword::Month
                | Keyword::Day
                | Keyword::Hour
                | Keyword::Minute
                | Keyword::Second,
            ) = self.kind()
        {
            return Err(self.not_supported("INTERVAL with fields"));
        }
        let position = target.position;
        let kind = ExpressionKind::Cast { operand: Box::new(literal), target };
        self.deepen()?;
        Ok(Expression { kind, position })
    }

    fn typed_literal(&mut self, keyword: Keyword) -> Result<Expression> {
        let target = self.grammar_type(keyword)?;
        self.literal_of_type(target)
    }

    fn parameter(&mut self) -> Result<Expression> {
        let position = self.position();
        let digits = &self.token_text()[1..];
        let number = digits.parse::<u32>().unwrap_or(u32::MAX);
        if number == 0 {
            let message = format!("there is no parameter ${digits}");
            return Err(Error::new(SqlState::UndefinedParameter, message).at(position));
        }
        if number as usize > PARAMETERS_MAX {
            let message = format!("parameter ${digits} is beyond the limit of {PARAMETERS_MAX}");
            return Err(Error::new(SqlState::ProgramLimitExceeded, message).at(position));
        }
        self.advance();
        self.refuse_indirection()?;
        Ok(Expression { kind: ExpressionKind::Parameter(number), position })
    }

    /// 0A000 for `[...]` and `.field` behind a parameter or parentheses.
    fn refuse_indirection(&self) -> Result<()> {
        if self.is_symbol(b'.') {
            return Err(self.not_supported("field selection"));
        }
        self.refuse_subscript()
    }

    /// `[1, -2.5, 3e1]`.
    fn vector(&mut self) -> Result<ExpressionKind> {
        let position = self.advance().position;
        if self.is_symbol(b']') {
            return Err(Error::new(
                SqlState::DataException,
                "vector must have at least 1 dimension",
            )
            .at(position));
        }
        let elements = self.comma_separated(|parser| {
            let negative = parser.is_symbol(b'-');
            if negative || parser.is_symbol(b'+') {
                parser.advance();
            }
            if !parser.is(TokenKind::Number) {
                return Err(parser.unexpected());
            }
            let number = parser.token_text();
            parser.advance();
            Ok(if negative { format!("-{number}") } else { number.to_owned() })
        })?;
        self.expect_symbol(b']')?;
        if elements.len() > VECTOR_DIMENSIONS_MAX {
            let message =
                format!("vector cannot have more than {VECTOR_DIMENSIONS_MAX} dimensions");
            return Err(Error::new(SqlState::ProgramLimitExceeded, message).at(position));
        }
        Ok(ExpressionKind::Vector(elements))
    }

    /// An expression or a scalar subquery in parentheses.
    fn parenthesised(&mut self) -> Result<Expression> {
        let position = self.position();
        let inner = match self.enclosed()? {
            Enclosed::Query(query) => self.scalar_subquery(query, position)?,
            Enclosed::Expressions(mut list) => match list.pop() {
                Some(only) if list.is_empty() => only,
                _ => return Err(Error::not_supported("row constructor", position)),
            },
        };
        self.refuse_indirection()?;
        Ok(inner)
    }

    /// `(query)` or `(expression, ...)`.
    pub(super) fn enclosed(&mut self) -> Result<Enclosed> {
        self.nested(|parser| {
            parser.expect_symbol(b'(')?;
            let enclosed = if parser.starts_query() {
                Enclosed::Query(parser.query()?)
            } else if parser.is_symbol(b'(') {
                parser.twice_enclosed()?
            } else {
                Enclosed::Expressions(parser.comma_separated(Self::expression)?)
            };
            parser.expect_symbol(b')')?;
            Ok(enclosed)
        })
    }

    /// What starts with a second parenthesis: only behind it shows whether it starts a query or an operand.
    fn twice_enclosed(&mut self) -> Result<Enclosed> {
        let position = self.position();
        let mut list = match self.enclosed()? {
            Enclosed::Query(query) if self.continues_query() => {
                return self.query_continued(QueryBody::Nested(query)).map(Enclosed::Query);
            }
            Enclosed::Query(query) => vec![self.scalar_subquery(query, position)?],
            Enclosed::Expressions(list) if list.len() == 1 => list,
            Enclosed::Expressions(_) => {
                return Err(Error::not_supported("row constructor", position));
            }
        };
        self.refuse_indirection()?;
        let first = list.pop().expect("a list has an expression");
        list.push(self.continued(first)?);
        if self.accept_symbol(b',') {
            list.append(&mut self.comma_separated(Self::expression)?);
        }
        Ok(Enclosed::Expressions(list))
    }

    fn scalar_subquery(&mut self, query: Box<Query>, position: Position) -> Result<Expression> {
        self.deepen()?;
        Ok(Expression { kind: ExpressionKind::ScalarSubquery(query), position })
    }

    /// CASE [operand] WHEN ... THEN ... \[ELSE ...\] END.
    fn case(&mut self) -> Result<ExpressionKind> {
        self.advance();
        let operand =
            if self.is_keyword(Keyword::When) { None } else { Some(Box::new(self.expression()?)) };
        let mut branches = Vec::new();
        loop {
            self.expect_keyword(Keyword::When)?;
            let condition = self.expression()?;
            self.expect_keyword(Keyword::Then)?;
            branches.push((condition, self.expression()?));
            if !self.is_keyword(Keyword::When) {
                break;
            }
        }
        let otherwise = if self.accept_keyword(Keyword::Else) {
            Some(Box::new(self.expression()?))
        } else {
            None
        };
        self.expect_keyword(Keyword::End)?;
        Ok(ExpressionKind::Case { operand, branches, otherwise })
    }

    /// CAST(operand AS type).
    fn cast(&mut self) -> Result<ExpressionKind> {
        self.advance();
        self.expect_symbol(b'(')?;
        let operand = self.expression()?;
        self.expect_keyword(Keyword::As)?;
        let position = operand.position;
        let cast = self.cast_to_type(operand, position)?;
        self.expect_symbol(b')')?;
        Ok(cast.kind)
    }
}
