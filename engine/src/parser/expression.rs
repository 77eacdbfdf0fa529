//! Expressions: a Pratt parser with PostgreSQL's precedence.

use super::ast::{BinaryOperator, Expression, ExpressionKind, IsTest, UnaryOperator};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::operator::{Extent, Level, foreign_operator};
use super::primary::Enclosed;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};
use crate::limits::IN_LIST_MAX;
use crate::types::Position;

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expression(&mut self) -> Result<Expression> {
        self.expression_at(Level::Lowest, Extent::Full)
    }

    /// An expression whose operators bind at least as tightly as `level`.
    pub(super) fn expression_at(&mut self, level: Level, extent: Extent) -> Result<Expression> {
        self.nested(|parser| {
            let left = parser.prefix(extent)?;
            parser.infix_operators(left, level, extent)
        })
    }

    /// The rest of an expression whose first operand has been parsed since the innermost `nested` began.
    pub(super) fn continued(&mut self, left: Expression) -> Result<Expression> {
        self.infix_operators(left, Level::Lowest, Extent::Full)
    }

    fn infix_operators(
        &mut self,
        mut left: Expression,
        level_min: Level,
        extent: Extent,
    ) -> Result<Expression> {
        // The level of the operator that ended in `left`'s last operand, if it must not be repeated.
        let mut barred = None;
        while let Some(level) = self.infix_level(extent).filter(|level| *level >= level_min) {
            if barred == Some(level) {
                return Err(self.unexpected());
            }
            (left, barred) = self.infix(left, level, extent)?;
            self.deepen()?;
        }
        Ok(left)
    }

    fn prefix(&mut self, extent: Extent) -> Result<Expression> {
        let position = self.position();
        let (operator, level) = match self.kind() {
            TokenKind::Symbol(b'-') => (UnaryOperator::Minus, Level::Sign),
            TokenKind::Symbol(b'+') => (UnaryOperator::Plus, Level::Sign),
            TokenKind::Keyword(Keyword::Not) if extent == Extent::Full => {
                (UnaryOperator::Not, Level::Not)
            }
            TokenKind::Keyword(Keyword::Default) if extent == Extent::Full => {
                self.advance();
                return Ok(Expression { kind: ExpressionKind::Default, position });
            }
            TokenKind::Operator => return Err(foreign_operator(self.token_text(), position)),
            TokenKind::Keyword(Keyword::Operator) if self.next_is_symbol(b'(') => {
                return Err(self.not_supported("OPERATOR()"));
            }
            _ => return self.primary(),
        };
        self.advance();
        let operand = self.expression_at(level, extent)?;
        self.deepen()?;
        Ok(apply_prefix(operator, operand, position))
    }

    /// One infix or postfix operator with what follows it; also the level that must not follow at once.
    fn infix(
        &mut self,
        left: Expression,
        level: Level,
        extent: Extent,
    ) -> Result<(Expression, Option<Level>)> {
        let TokenKind::Keyword(keyword) = self.kind() else {
            return self.symbol_infix(left, level, extent);
        };
        match keyword {
            Keyword::And | Keyword::Or => Ok((self.chain(left, keyword, level)?, None)),
            Keyword::Is => self.is_test(left, extent),
            Keyword::Isnull | Keyword::Notnull => {
                let position = self.advance().position;
                Ok((is(left, IsTest::Null, keyword == Keyword::Notnull, position), None))
            }
            Keyword::Collate => Err(self.not_supported("COLLATE")),
            Keyword::At => {
                let position = self.advance().position;
                self.expect_keyword(Keyword::Time)?;
                self.expect_keyword(Keyword::Zone)?;
                let zone = self.expression_at(level.above(), extent)?;
                Ok((super::function::call("timezone", vec![zone, left], position), None))
            }
            Keyword::Operator => Err(self.not_supported("OPERATOR()")),
            _ => self.pattern(left),
        }
    }

    fn symbol_infix(
        &mut self,
        left: Expression,
        level: Level,
        extent: Extent,
    ) -> Result<(Expression, Option<Level>)> {
        let position = self.position();
        if self.is(TokenKind::TypeCast) {
            self.advance();
            return Ok((self.cast_to_type(left, position)?, None));
        }
        let operator = self.binary_operator()?;
        self.advance();
        self.refuse_quantified()?;
        let right = self.expression_at(level.above(), extent)?;
        let barred = (level == Level::Comparison).then_some(level);
        Ok((binary(operator, left, right, position), barred))
    }

    fn refuse_quantified(&self) -> Result<()> {
        self.refuse_keyword(Keyword::Any, "ANY")?;
        self.refuse_keyword(Keyword::Some, "SOME")?;
        self.refuse_keyword(Keyword::All, "ALL")
    }

    /// `left AND right AND ...`, flat however long.
    fn chain(&mut self, left: Expression, keyword: Keyword, level: Level) -> Result<Expression> {
        let position = self.position();
        let mut operands = vec![left];
        while self.accept_keyword(keyword) {
            operands.push(self.expression_at(level.above(), Extent::Full)?);
        }
        let kind = match keyword {
            Keyword::And => ExpressionKind::And(operands),
            _ => ExpressionKind::Or(operands),
        };
        Ok(Expression { kind, position })
    }

    /// IS \[NOT\] NULL, TRUE, FALSE, UNKNOWN, DISTINCT FROM.
    fn is_test(&mut self, left: Expression, extent: Extent) -> Result<(Expression, Option<Level>)> {
        let position = self.advance().position;
        let negated = self.accept_keyword(Keyword::Not);
        let TokenKind::Keyword(keyword) = self.kind() else {
            return Err(self.unexpected());
        };
        let test = match keyword {
            Keyword::Distinct => {
                self.advance();
                self.expect_keyword(Keyword::From)?;
                let right = Box::new(self.expression_at(Level::Is.above(), extent)?);
                let kind = ExpressionKind::IsDistinctFrom { left: Box::new(left), right, negated };
                return Ok((Expression { kind, position }, Some(Level::Is)));
            }
            Keyword::Document => return Err(Error::not_supported("IS DOCUMENT", position)),
            _ if extent == Extent::Restricted => return Err(self.unexpected()),
            Keyword::Null => IsTest::Null,
            Keyword::True => IsTest::True,
            Keyword::False => IsTest::False,
            Keyword::Unknown => IsTest::Unknown,
            Keyword::Normalized | Keyword::Nfc | Keyword::Nfd | Keyword::Nfkc | Keyword::Nfkd => {
                return Err(Error::not_supported("IS NORMALIZED", position));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok((is(left, test, negated, position), None))
    }

    /// \[NOT\] BETWEEN, IN, LIKE, ILIKE.
    fn pattern(&mut self, left: Expression) -> Result<(Expression, Option<Level>)> {
        let position = self.position();
        let negated = self.accept_keyword(Keyword::Not);
        let operand = Box::new(left);
        let TokenKind::Keyword(keyword) = self.advance().kind else {
            return Err(self.unexpected());
        };
        let kind = match keyword {
            Keyword::Between => self.between(operand, negated)?,
            Keyword::In => match self.enclosed()? {
                Enclosed::Query(query) => ExpressionKind::InSubquery { operand, query, negated },
                Enclosed::Expressions(list) => {
                    check_list(list.len(), position)?;
                    ExpressionKind::InList { operand, list, negated }
                }
            },
            Keyword::Like | Keyword::Ilike => {
                self.like(operand, keyword == Keyword::Ilike, negated)?
            }
            _ => return Err(Error::not_supported("SIMILAR TO", position)),
        };
        let barred = (keyword != Keyword::In).then_some(Level::Pattern);
        Ok((Expression { kind, position }, barred))
    }

    fn between(&mut self, operand: Box<Expression>, negated: bool) -> Result<ExpressionKind> {
        let symmetric = self.accept_keyword(Keyword::Symmetric);
        if !symmetric {
            self.accept_keyword(Keyword::Asymmetric);
        }
        let low = Box::new(self.expression_at(Level::Lowest, Extent::Restricted)?);
        self.expect_keyword(Keyword::And)?;
        let high = Box::new(self.expression_at(Level::Pattern.above(), Extent::Full)?);
        Ok(ExpressionKind::Between { operand, low, high, symmetric, negated })
    }

    fn like(
        &mut self,
        operand: Box<Expression>,
        case_insensitive: bool,
        negated: bool,
    ) -> Result<ExpressionKind> {
        self.refuse_quantified()?;
        let above = Level::Pattern.above();
        let pattern = Box::new(self.expression_at(above, Extent::Full)?);
        let escape = if self.accept_keyword(Keyword::Escape) {
            Some(Box::new(self.expression_at(above, Extent::Full)?))
        } else {
            None
        };
        Ok(ExpressionKind::Like { operand, pattern, escape, case_insensitive, negated })
    }
}

/// 54000 for a list that is too long.
fn check_list(length: usize, position: Position) -> Result<()> {
    if length <= IN_LIST_MAX {
        return Ok(());
    }
    let message = format!("IN lists are limited to {IN_LIST_MAX} elements");
    Err(Error::new(SqlState::ProgramLimitExceeded, message).at(position))
}

fn binary(
    operator: BinaryOperator,
    left: Expression,
    right: Expression,
    position: Position,
) -> Expression {
    let kind = ExpressionKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
    Expression { kind, position }
}

fn is(operand: Expression, test: IsTest, negated: bool, position: Position) -> Expression {
    let kind = ExpressionKind::Is { operand: Box::new(operand), test, negated };
    Expression { kind, position }
}

/// A prefix operator applied; a minus before a number becomes the number's sign, as PostgreSQL's `doNegate` has
/// it, so that -2147483648 is one literal.
fn apply_prefix(operator: UnaryOperator, operand: Expression, position: Position) -> Expression {
    let kind = match (operator, operand.kind) {
        (UnaryOperator::Minus, ExpressionKind::Number(number)) => {
            ExpressionKind::Number(match number.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{number}"),
            })
        }
        (operator, kind) => {
            let operand = Expression { kind, position: operand.position };
            ExpressionKind::Unary { operator, operand: Box::new(operand) }
        }
    };
    Expression { kind, position }
}

#[cfg(test)]
mod tests {
    use crate::parser::parse_expression;

    /// The canonical text puts every operand in parentheses, so it shows what binds to what.
    #[test]
    fn precedence() {
        for (text, expected) in [
            ("1 + 2 * 3", "1 + (2 * 3)"),
            ("1 - 2 - 3", "(1 - 2) - 3"),
            ("2 ^ 3 ^ 4", "(2 ^ 3) ^ 4"),
            ("-a ^ 2", "(-a) ^ 2"),
            ("2 ^ -a ^ 2", "(2 ^ (-a)) ^ 2"),
            ("-a::int", "-a::integer"),
            ("-1::int", "-1::integer"),
            ("(-1)::int", "(-1)::integer"),
            ("- - 5", "5"),
            ("-(-(5))", "5"),
            ("1 -1", "1 - 1"),
            ("1-(-1)", "1 - (-1)"),
            ("-2147483648", "-2147483648"),
            ("+ 5", "+5"),
            ("a || b + c", "a || (b + c)"),
            ("a || b || c", "(a || b) || c"),
            ("a <-> b < c", "(a <-> b) < c"),
            ("a<->-1", "a <-> (-1)"),
            ("a*-1", "a * (-1)"),
            ("a <-> b + [1, -2.5, +3e1]", "a <-> (b + [1, -2.5, 3e1])"),
            ("a != b", "a <> b"),
            ("a < b IS NULL", "(a < b) IS NULL"),
            ("a = b IN (1)", "a = (b IN (1))"),
            ("a IN (1) = b", "(a IN (1)) = b"),
            ("a LIKE b || c", "a LIKE (b || c)"),
            ("NOT a = b", "NOT (a = b)"),
            ("NOT a IS NULL", "NOT (a IS NULL)"),
            ("NOT a AND b", "(NOT a) AND b"),
            ("a + NOT b = c", "a + (NOT (b = c))"),
            ("a OR b AND c AND d OR e", "a OR (b AND c AND d) OR e"),
            ("(a AND b) AND c", "(a AND b) AND c"),
            ("a BETWEEN 1 AND 2 AND b", "(a BETWEEN 1 AND 2) AND b"),
            ("a BETWEEN b < c AND d + 1", "a BETWEEN (b < c) AND (d + 1)"),
            ("a NOT LIKE b ESCAPE c OR d", "(a NOT LIKE b ESCAPE c) OR d"),
            ("a IS DISTINCT FROM b = c", "a IS DISTINCT FROM (b = c)"),
            ("a NOTNULL", "a IS NOT NULL"),
            ("1 IS NULL IS TRUE", "(1 IS NULL) IS TRUE"),
            ("CAST(a + b AS vector(3))", "(a + b)::vector(3)"),
            ("int4 '5'", "'5'::integer"),
            ("float(24) '5'", "'5'::real"),
            ("character varying(3) 'é'", "'é'::character varying(3)"),
            ("substring(a FROM 2 FOR 3)", "substring(a, 2, 3)"),
            ("substring(a FOR 3)", "substring(a, 1, 3)"),
            ("trim(LEADING 'x' FROM a)", "ltrim(a, 'x')"),
            ("trim(a)", "btrim(a)"),
            ("position('x' IN a)", "\"position\"(a, 'x')"),
            ("pg_catalog.abs(1)", "abs(1)"),
            ("((SELECT 1))", "(SELECT 1)"),
            ("((SELECT 1) + 1)", "(SELECT 1) + 1"),
            ("a IN ((SELECT 1))", "a IN (SELECT 1)"),
            ("a IN ((SELECT 1), 2)", "a IN ((SELECT 1), 2)"),
        ] {
            let shown = parse_expression(text).map(|tree| tree.to_string());
            assert_eq!(shown.as_deref(), Ok(expected), "{text}");
        }
    }
}
