//! How the model compares values.

use std::cmp::Ordering;

use spg_engine::Value;

use crate::answer::text_of;

/// Compares two values of comparable types, neither NULL. NaN equals itself and is the greatest; -0 equals 0.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        _ => match (integer(left), integer(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => compare_floats(float(left), float(right)),
        },
    }
}

fn compare_floats(left: f64, right: f64) -> Ordering {
    match (left.is_nan(), right.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => left.partial_cmp(&right).expect("neither is NaN"),
    }
}

/// An integer of any width.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int4(value) => Some(i64::from(*value)),
        Value::Int8(value) => Some(*value),
        _ => None,
    }
}

/// A number of any type.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Int4(value) => f64::from(*value),
        Value::Int8(value) => *value as f64,
        Value::Float8(value) => *value,
        other => unreachable!("{other:?} is no number"),
    }
}

/// An order of all values of a column, NULL last: what ORDER BY and grouping use.
pub(super) fn total_order(left: &Value, right: &Value) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare(left, right),
    }
}

/// [`total_order`] column by column.
pub(super) fn row_order(left: &[Value], right: &[Value]) -> Ordering {
    let pairs = left.iter().zip(right).map(|(left, right)| total_order(left, right));
    pairs.fold(Ordering::Equal, Ordering::then)
}

/// A key as text: equal keys are the same text. None if one of its values is NULL: such a key is equal to none.
pub(super) fn key_text<'v>(values: impl Iterator<Item = &'v Value>) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Float8(value) if *value == 0.0 => Some("0".to_owned()),
        value => text_of(value).map(|text| format!("{text:?}")),
    };
    values.map(text).collect::<Option<Vec<_>>>().map(|texts| texts.join(", "))
}

/// Whether two answers' rows are the same: types too, floats up to rounding, -0 as 0.
pub fn same_values(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| match (left, right) {
            (Value::Float8(left), Value::Float8(right)) => {
                compare_floats(*left, *right).is_eq() || (left - right).abs() <= right.abs() * 1e-12
            }
            _ => left == right,
        })
}
