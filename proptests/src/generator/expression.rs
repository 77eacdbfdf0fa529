//! Random expressions of a wanted type.

use super::sql::{Comparison, Expression, Kind, Operator, Test};
use super::{COLUMNS, Choices, query};

/// Where an expression stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Tables in scope.
    pub(super) tables: usize,
    /// Whether it may fail on some row: only where every row is evaluated for certain.
    pub(super) may_fail: bool,
    /// Whether it may hold subqueries.
    pub(super) subqueries: bool,
}

/// An expression of type `kind`, at most `depth` levels deep.
pub(super) fn expression(
    choices: &mut Choices<'_>,
    place: Place,
    kind: Kind,
    depth: u32,
) -> Expression {
    if depth == 0 {
        return leaf(choices, place, kind);
    }
    match kind {
        Kind::Int4 | Kind::Int8 => integer(choices, place, kind, depth - 1),
        Kind::Float8 => float(choices, place, depth - 1),
        Kind::Text => text(choices, place, depth - 1),
        Kind::Bool => boolean(choices, place, depth - 1),
    }
}

/// A column of the type or a literal.
fn leaf(choices: &mut Choices<'_>, place: Place, kind: Kind) -> Expression {
    if choices.once_in(3) {
        return Expression::Literal(kind, choices.value(kind));
    }
    column(choices, place, kind)
}

/// A column of the type.
pub(super) fn column(choices: &mut Choices<'_>, place: Place, kind: Kind) -> Expression {
    let table = choices.below(place.tables);
    let of_kind: Vec<usize> =
        (0..COLUMNS.len()).filter(|&place| COLUMNS[place].1 == kind).collect();
    Expression::Column(table * COLUMNS.len() + choices.pick(&of_kind))
}

/// What every type has: CASE, coalesce, nullif, greatest.
fn any(choices: &mut Choices<'_>, place: Place, kind: Kind, depth: u32) -> Expression {
    let one = |choices: &mut Choices<'_>| Box::new(expression(choices, place, kind, depth));
    match choices.below(5) {
        0 => leaf(choices, place, kind),
        1 => Expression::Coalesce(one(choices), one(choices)),
        2 => Expression::NullIf(one(choices), one(choices)),
        3 => Expression::Greatest(one(choices), one(choices)),
        _ => {
            let safe = Place { may_fail: false, ..place };
            let condition = Box::new(expression(choices, safe, Kind::Bool, depth));
            Expression::Case(condition, one(choices), one(choices))
        }
    }
}

fn integer(choices: &mut Choices<'_>, place: Place, kind: Kind, depth: u32) -> Expression {
    let operators =
        [Operator::Add, Operator::Subtract, Operator::Multiply, Operator::Divide, Operator::Modulo];
    match choices.below(6) {
        0 | 1 => any(choices, place, kind, depth),
        2 if kind == Kind::Int4 => {
            Expression::Length(Box::new(expression(choices, place, Kind::Text, depth)))
        }
        2 => Expression::Cast(Kind::Int8, Box::new(expression(choices, place, Kind::Int4, depth))),
        3 if place.may_fail => Expression::Minus(Box::new(column(choices, place, kind))),
        4 if place.may_fail => Expression::Absolute(Box::new(column(choices, place, kind))),
        // A column on the left: what is constant may be refused before there is a row.
        _ if place.may_fail => {
            let operator = choices.pick(&operators);
            let left = Box::new(column(choices, place, kind));
            Expression::Binary(operator, left, Box::new(expression(choices, place, kind, depth)))
        }
        3 if kind == Kind::Int8 => {
            let operator = choices.pick(&operators[..3]);
            let wide = |choices: &mut Choices<'_>| {
                let narrow = column(choices, place, Kind::Int4);
                Box::new(Expression::Cast(Kind::Int8, Box::new(narrow)))
            };
            Expression::Binary(operator, wide(choices), wide(choices))
        }
        _ => leaf(choices, place, kind),
    }
}

fn float(choices: &mut Choices<'_>, place: Place, depth: u32) -> Expression {
    match choices.below(4) {
        0 | 1 => any(choices, place, Kind::Float8, depth),
        2 => Expression::Cast(Kind::Float8, Box::new(column(choices, place, Kind::Int4))),
        _ => {
            let operator = choices.pick(&[Operator::Add, Operator::Subtract]);
            let left = Box::new(column(choices, place, Kind::Float8));
            Expression::Binary(operator, left, Box::new(leaf(choices, place, Kind::Float8)))
        }
    }
}

fn text(choices: &mut Choices<'_>, place: Place, depth: u32) -> Expression {
    match choices.below(5) {
        0 | 1 => any(choices, place, Kind::Text, depth),
        2 => Expression::Upper(Box::new(leaf(choices, place, Kind::Text))),
        3 => {
            let kind = choices.pick(&[Kind::Int4, Kind::Int8, Kind::Float8, Kind::Bool]);
            Expression::Cast(Kind::Text, Box::new(expression(choices, place, kind, depth)))
        }
        _ => {
            let left = Box::new(expression(choices, place, Kind::Text, depth));
            let right = Box::new(expression(choices, place, Kind::Text, depth));
            Expression::Binary(Operator::Concatenate, left, right)
        }
    }
}

fn boolean(choices: &mut Choices<'_>, place: Place, depth: u32) -> Expression {
    let safe = Place { may_fail: false, ..place };
    let kinds = [Kind::Int4, Kind::Int8, Kind::Text, Kind::Float8, Kind::Bool];
    let several = |choices: &mut Choices<'_>| -> Vec<Expression> {
        let count = 2 + choices.below(2);
        (0..count).map(|_| expression(choices, safe, Kind::Bool, depth)).collect()
    };
    match choices.below(13) {
        0..=2 => comparison(choices, place, depth),
        3 => Expression::And(several(choices)),
        4 => Expression::Or(several(choices)),
        5 => Expression::Not(Box::new(expression(choices, place, Kind::Bool, depth))),
        6 => {
            let kind = choices.pick(&kinds);
            let test = choices.pick(&[Test::Null, Test::NotNull]);
            Expression::Is(test, Box::new(expression(choices, place, kind, depth)))
        }
        7 => {
            let test = choices.pick(&[Test::True, Test::NotTrue, Test::False]);
            Expression::Is(test, Box::new(expression(choices, place, Kind::Bool, depth)))
        }
        8 => {
            let kind = choices.pick(&kinds);
            let items = 1 + choices.below(3);
            let items = (0..items).map(|_| leaf(choices, safe, kind)).collect();
            let negated = choices.once_in(3);
            Expression::In(negated, Box::new(expression(choices, safe, kind, depth)), items)
        }
        9 => {
            let kind = choices.pick(&kinds);
            let mut one = || Box::new(leaf(choices, safe, kind));
            Expression::Between(one(), one(), one())
        }
        10 => {
            let pattern = choices.pick(&["%", "a%", "_", "%b%", "", "a_c", "_%"]);
            Expression::Like(Box::new(expression(choices, safe, Kind::Text, depth)), pattern)
        }
        11 if place.subqueries => {
            let kind = choices.pick(&kinds);
            let query = query::one_column(choices, kind);
            let negated = choices.once_in(3);
            Expression::InQuery(negated, Box::new(leaf(choices, safe, kind)), Box::new(query))
        }
        12 if place.subqueries => {
            let kind = choices.pick(&[Kind::Int4, Kind::Text, Kind::Float8]);
            let query = Expression::Scalar(Box::new(query::one_value(choices, kind)));
            let left = Box::new(leaf(choices, safe, kind));
            Expression::Compare(comparison_sign(choices), left, Box::new(query))
        }
        _ => any(choices, place, Kind::Bool, depth),
    }
}

fn comparison_sign(choices: &mut Choices<'_>) -> Comparison {
    choices.pick(&[
        Comparison::Equal,
        Comparison::Less,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::LessOrEqual,
        Comparison::NotEqual,
        Comparison::Distinct,
        Comparison::NotDistinct,
    ])
}

/// A comparison: mostly of a column with a literal, which is what an index can serve; numbers of any two types.
fn comparison(choices: &mut Choices<'_>, place: Place, depth: u32) -> Expression {
    let sign = comparison_sign(choices);
    let numbers = [Kind::Int4, Kind::Int8, Kind::Float8];
    let kind = choices.pick(&[Kind::Int4, Kind::Int8, Kind::Text, Kind::Float8, Kind::Bool]);
    let other =
        if numbers.contains(&kind) && choices.once_in(4) { choices.pick(&numbers) } else { kind };
    let left = column(choices, place, kind);
    let right = if choices.once_in(3) {
        expression(choices, place, other, depth)
    } else {
        Expression::Literal(other, choices.value(other))
    };
    if choices.once_in(5) {
        return Expression::Compare(sign, Box::new(right), Box::new(left));
    }
    Expression::Compare(sign, Box::new(left), Box::new(right))
}
