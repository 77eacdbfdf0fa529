//! Constants: numbers as written, untyped string literals once their type is known.

use std::sync::Arc;

use crate::binder::bound::Expression;
use crate::binder::coercion::{Coercion, without_modifier};
use crate::binder::fold;
use crate::error::Result;
use crate::types::datetime::reads_clock_or_zone;
use crate::types::{DataType, Value, parse_float8, parse_value, parse_vector};

/// A number as written: the narrowest of INT and BIGINT that holds it, else DOUBLE PRECISION.
pub(super) fn number(text: &str) -> Result<Expression> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Ok(value) = text.parse::<i32>() {
            return Ok(typed(Value::Int4(value), DataType::Int4));
        }
        if let Ok(value) = text.parse::<i64>() {
            return Ok(typed(Value::Int8(value), DataType::Int8));
        }
    }
    Ok(typed(Value::Float8(parse_float8(text)?), DataType::Float8))
}

/// `[1.0, 2.0]`: its elements as written.
pub(super) fn vector(elements: &[String]) -> Result<Expression> {
    let values = parse_vector(&format!("[{}]", elements.join(",")))?;
    Ok(typed(Value::Vector(Arc::from(values)), DataType::Vector(None)))
}

/// An untyped string literal.
pub(super) fn unknown_string(text: &str) -> Expression {
    typed(Value::Text(Arc::from(text)), DataType::Unknown)
}

/// A boolean.
pub(super) fn boolean(value: bool) -> Expression {
    typed(Value::Bool(value), DataType::Bool)
}

/// A text.
pub(super) fn text(text: &str) -> Expression {
    typed(Value::Text(Arc::from(text)), DataType::Text)
}

/// Reads an untyped literal as `target`. What its modifier refuses is left to the run, as in PostgreSQL.
pub(super) fn convert_unknown(
    value: &Value,
    target: DataType,
    coercion: Coercion,
) -> Result<Expression> {
    let Value::Text(text) = value else {
        return Ok(typed(Value::Null, target));
    };
    let base = without_modifier(target);
    let is_zoned = base == DataType::TimestampTz;
    let is_moment = base.is_datetime() || base == DataType::Time;
    if is_moment && reads_clock_or_zone(text, is_zoned) {
        // What it means is the session's to say, when it runs.
        let operand = Box::new(typed(Value::Text(Arc::clone(text)), DataType::Text));
        return Ok(Expression::Cast { operand, target: base, explicit: true });
    }
    let converted = match base {
        DataType::Text | DataType::Varchar(_) | DataType::Unknown => Value::Text(Arc::clone(text)),
        base => parse_value(base, text)?,
    };
    let fits = match (target, &converted) {
        (DataType::Varchar(Some(length)), Value::Text(text)) => {
            text.len() <= length as usize || text.chars().count() <= length as usize
        }
        (DataType::Vector(Some(dimensions)), Value::Vector(vector)) => {
            vector.len() == usize::from(dimensions)
        }
        _ => true,
    };
    if fits {
        return Ok(typed(converted, target));
    }
    Ok(fold::fold(Expression::Cast {
        operand: Box::new(typed(converted, base)),
        target,
        explicit: coercion == Coercion::Explicit,
    }))
}

/// A numeric constant as another type, if an integer keeps its value's range; None for every other cast.
pub(super) fn widen(value: &Value, target: DataType) -> Option<Value> {
    let integer = match value {
        Value::Int2(value) => i64::from(*value),
        Value::Int4(value) => i64::from(*value),
        Value::Int8(value) => *value,
        Value::Float4(value) if target == DataType::Float8 => {
            return Some(Value::Float8(f64::from(*value)));
        }
        _ => return None,
    };
    match target {
        DataType::Int2 => i16::try_from(integer).ok().map(Value::Int2),
        DataType::Int4 => i32::try_from(integer).ok().map(Value::Int4),
        DataType::Int8 => Some(Value::Int8(integer)),
        DataType::Float4 => Some(Value::Float4(integer as f32)),
        DataType::Float8 => Some(Value::Float8(integer as f64)),
        _ => None,
    }
}

fn typed(value: Value, data_type: DataType) -> Expression {
    Expression::Literal { value, data_type }
}
