//! The model's expressions: one row, one value, straight from the syntax tree.

use spg_engine::Value;

use super::aggregate::aggregate;
use super::query::answer;
use super::state::State;
use super::value::{compare, float, integer};
use crate::answer::text_of;
use crate::generator::{Comparison, Expression, Kind, Operator, Test};

/// What an expression is evaluated over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// For subqueries.
    pub(super) state: &'a State,
    /// The joined row.
    pub(super) row: &'a [Value],
    /// The rows of the group, inside a grouped query.
    pub(super) group: &'a [Vec<Value>],
}

/// A value or an SQLSTATE.
pub(super) type Result<T> = std::result::Result<T, &'static str>;

const OUT_OF_RANGE: &str = "22003";

/// Evaluates an expression.
pub(super) fn evaluate(scope: Scope<'_>, expression: &Expression) -> Result<Value> {
    let one = |operand: &Expression| evaluate(scope, operand);
    Ok(match expression {
        Expression::Column(column) => scope.row[*column].clone(),
        Expression::Literal(_, value) => value.clone(),
        Expression::Minus(operand) => {
            arithmetic(Operator::Subtract, &zero_of(&one(operand)?), &one(operand)?)?
        }
        Expression::Absolute(operand) => absolute(&one(operand)?)?,
        Expression::Length(operand) => {
            on_text(one(operand)?, |text| Value::Int4(text.chars().count() as i32))
        }
        Expression::Upper(operand) => {
            on_text(one(operand)?, |text| Value::Text(text.to_uppercase().into()))
        }
        Expression::Binary(operator, left, right) => {
            arithmetic(*operator, &one(left)?, &one(right)?)?
        }
        Expression::Case(condition, then, otherwise) => {
            if truth(scope, condition)? == Some(true) {
                one(then)?
            } else {
                one(otherwise)?
            }
        }
        Expression::Coalesce(left, right) => match one(left)? {
            Value::Null => one(right)?,
            value => value,
        },
        Expression::NullIf(left, right) => {
            let (first, left) = (left, one(left)?);
            // A constant that is NULL is equal to nothing, whatever the other may be: as in PostgreSQL.
            if left.is_null() && first.is_known_null() {
                return Ok(Value::Null);
            }
            let right = one(right)?;
            let equal = !left.is_null() && !right.is_null() && compare(&left, &right).is_eq();
            if equal { Value::Null } else { left }
        }
        Expression::Greatest(left, right) => match (one(left)?, one(right)?) {
            (Value::Null, right) => right,
            (left, Value::Null) => left,
            (left, right) => {
                if compare(&left, &right).is_lt() {
                    right
                } else {
                    left
                }
            }
        },
        Expression::Cast(kind, operand) => cast(*kind, one(operand)?)?,
        Expression::Scalar(query) => {
            answer(scope.state, query)?.pop().map_or(Value::Null, |mut row| row.remove(0))
        }
        Expression::Aggregate(which, distinct, operand) => {
            let over = |row: &Vec<Value>| match operand {
                Some(operand) => evaluate(Scope { row, ..scope }, operand),
                None => Ok(Value::Bool(true)),
            };
            aggregate(*which, *distinct, scope.group.iter().map(over).collect::<Result<_>>()?)?
        }
        _ => truth(scope, expression)?.map_or(Value::Null, Value::Bool),
    })
}

/// Evaluates a boolean expression: None is NULL.
pub(super) fn truth(scope: Scope<'_>, expression: &Expression) -> Result<Option<bool>> {
    let one = |operand: &Expression| evaluate(scope, operand);
    Ok(match expression {
        Expression::Not(operand) => truth(scope, operand)?.map(|value| !value),
        Expression::And(operands) => chain(scope, operands, false)?,
        Expression::Or(operands) => chain(scope, operands, true)?,
        Expression::Compare(comparison, left, right) => {
            compared(*comparison, &one(left)?, &one(right)?)
        }
        Expression::Is(test, operand) => Some(match (test, one(operand)?) {
            (Test::Null, value) => value.is_null(),
            (Test::NotNull, value) => !value.is_null(),
            (Test::True, value) => value == Value::Bool(true),
            (Test::NotTrue, value) => value != Value::Bool(true),
            (Test::False, value) => value == Value::Bool(false),
        }),
        Expression::In(negated, operand, items) => {
            let items = items.iter().map(one).collect::<Result<Vec<_>>>()?;
            member(&one(operand)?, &items).map(|found| found != *negated)
        }
        Expression::InQuery(negated, operand, query) => {
            let items: Vec<Value> = answer(scope.state, query)?.into_iter().flatten().collect();
            member(&one(operand)?, &items).map(|found| found != *negated)
        }
        Expression::Between(operand, low, high) => {
            let operand = one(operand)?;
            let low = compared(Comparison::GreaterOrEqual, &operand, &one(low)?);
            both(low, compared(Comparison::LessOrEqual, &operand, &one(high)?))
        }
        Expression::Like(operand, pattern) => match one(operand)? {
            Value::Text(text) => {
                let characters: Vec<char> = text.chars().collect();
                Some(like(&characters, &pattern.chars().collect::<Vec<_>>()))
            }
            _ => None,
        },
        _ => match one(expression)? {
            Value::Bool(value) => Some(value),
            _ => None,
        },
    })
}

fn both(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// AND (`decisive` false) or OR (`decisive` true).
fn chain(scope: Scope<'_>, operands: &[Expression], decisive: bool) -> Result<Option<bool>> {
    let mut result = Some(!decisive);
    for operand in operands {
        match truth(scope, operand)? {
            Some(value) if value == decisive => return Ok(Some(decisive)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

/// `operand IN (items)`: true where one is equal, else NULL where a comparison was.
fn member(operand: &Value, items: &[Value]) -> Option<bool> {
    let results: Vec<_> =
        items.iter().map(|item| compared(Comparison::Equal, operand, item)).collect();
    if results.contains(&Some(true)) {
        return Some(true);
    }
    (!results.contains(&None)).then_some(false)
}

fn compared(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    if left.is_null() || right.is_null() {
        let distinct = left.is_null() != right.is_null();
        return match comparison {
            Comparison::Distinct => Some(distinct),
            Comparison::NotDistinct => Some(!distinct),
            _ => None,
        };
    }
    let order = compare(left, right);
    Some(match comparison {
        Comparison::Equal | Comparison::NotDistinct => order.is_eq(),
        Comparison::NotEqual | Comparison::Distinct => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some(('%', rest)), _) => (0..=text.len()).any(|start| like(&text[start..], rest)),
        (Some(('_', rest)), Some((_, text))) => like(text, rest),
        (Some((expected, rest)), Some((found, text))) => expected == found && like(text, rest),
        (Some(_), None) => false,
    }
}

fn on_text(value: Value, function: impl Fn(&str) -> Value) -> Value {
    match value {
        Value::Text(text) => function(&text),
        _ => Value::Null,
    }
}

fn zero_of(value: &Value) -> Value {
    match value {
        Value::Int4(_) => Value::Int4(0),
        Value::Int8(_) => Value::Int8(0),
        _ => Value::Null,
    }
}

fn absolute(value: &Value) -> Result<Value> {
    match value {
        Value::Int4(value) => value.checked_abs().map(Value::Int4).ok_or(OUT_OF_RANGE),
        Value::Int8(value) => value.checked_abs().map(Value::Int8).ok_or(OUT_OF_RANGE),
        _ => Ok(Value::Null),
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value> {
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        return Ok(Value::Text(format!("{left}{right}").into()));
    }
    let (Some(first), Some(second)) = (integer(left), integer(right)) else {
        let (left, right) = (float(left), float(right));
        return Ok(Value::Float8(if operator == Operator::Add {
            left + right
        } else {
            left - right
        }));
    };
    let (first, second) = (i128::from(first), i128::from(second));
    let result = match operator {
        Operator::Add => first + second,
        Operator::Subtract => first - second,
        Operator::Multiply => first * second,
        Operator::Divide | Operator::Modulo if second == 0 => return Err("22012"),
        Operator::Divide => first / second,
        Operator::Modulo => first % second,
        Operator::Concatenate => unreachable!("|| is of texts"),
    };
    if matches!((left, right), (Value::Int4(_), Value::Int4(_))) {
        return i32::try_from(result).map(Value::Int4).map_err(|_| OUT_OF_RANGE);
    }
    i64::try_from(result).map(Value::Int8).map_err(|_| OUT_OF_RANGE)
}

/// CAST, and the casts of assignment.
pub(super) fn cast(kind: Kind, value: Value) -> Result<Value> {
    Ok(match (kind, value) {
        (_, Value::Null) => Value::Null,
        (Kind::Text, Value::Bool(value)) => Value::Text(value.to_string().into()),
        (Kind::Text, value) => Value::Text(text_of(&value).unwrap_or_default().into()),
        (Kind::Int8, value @ Value::Int4(_)) => Value::Int8(integer(&value).unwrap_or_default()),
        (Kind::Int4, Value::Int8(value)) => {
            Value::Int4(i32::try_from(value).map_err(|_| OUT_OF_RANGE)?)
        }
        (Kind::Float8, value) => Value::Float8(float(&value)),
        (_, value) => value,
    })
}
