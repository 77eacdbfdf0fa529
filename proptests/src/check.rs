//! Whether what the model says and what somebody answered is the same.

use std::cmp::Ordering;

use spg_engine::Value;

use crate::answer::{Answer, text_of};
use crate::generator::{OrderKey, Statement};
use crate::model::Outcome;

/// Classes of errors of which a row may have several: which one is met first is nobody's promise.
const DATA_ERRORS: [&str; 2] = ["22003", "22012"];

/// The order of rows that are locked.
const BY_KEY: [OrderKey; 3] = [key(0), key(1), key(2)];

const fn key(ordinal: usize) -> OrderKey {
    OrderKey { ordinal, descending: false, nulls_first: None }
}

/// What disagrees, None where nothing does. Rows are compared as a bag, and in order as far as ORDER BY goes.
pub fn disagreement(statement: &Statement, expected: &Outcome, answer: &Answer) -> Option<String> {
    match (expected, &answer.failure) {
        (Outcome::Failure(codes), Some(failure)) => {
            let code = failure.sqlstate.as_str();
            let same_class =
                DATA_ERRORS.contains(&code) && codes.iter().any(|code| DATA_ERRORS.contains(code));
            let agrees = codes.contains(code) || same_class;
            (!agrees)
                .then(|| format!("one of {codes:?} expected, {code} {} answered", failure.message))
        }
        (Outcome::Either(_, _, codes), Some(failure)) if codes.contains(&*failure.sqlstate) => None,
        (Outcome::Failure(codes), None) => {
            Some(format!("one of {codes:?} expected, {:?} answered", answer.lines()))
        }
        (Outcome::Rows(..) | Outcome::Either(..), Some(failure)) => {
            Some(format!("{} {} answered, no error expected", failure.sqlstate, failure.message))
        }
        (Outcome::Rows(rows, tag) | Outcome::Either(rows, tag, _), None) => {
            let wrong_tag = answer.tag.as_ref() != Some(tag);
            let order = match statement {
                Statement::Query(query) => query.order.as_slice(),
                Statement::Lock(_) => &BY_KEY,
                _ => &[],
            };
            (wrong_tag || !same_rows(rows, answer, order)).then(|| {
                let texts = rows.iter().map(|row| texts(row).join(" | "));
                let expected = texts.collect::<Vec<_>>().join("\n    ");
                format!(
                    "{tag} expected:\n    {expected}\n  answered:\n    {}",
                    answer.lines().join("\n    ")
                )
            })
        }
    }
}

fn texts(row: &[Value]) -> Vec<String> {
    row.iter().map(|value| text_of(value).unwrap_or_else(|| "NULL".to_owned())).collect()
}

fn same_rows(expected: &[Vec<Value>], answer: &Answer, order: &[OrderKey]) -> bool {
    let types_agree = expected
        .iter()
        .all(|row| row.iter().zip(&answer.columns).all(|(value, (_, name))| has_type(value, name)));
    let mut ours: Vec<Vec<String>> = expected.iter().map(|row| texts(row)).collect();
    let null = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
    let mut theirs: Vec<Vec<String>> =
        answer.rows.iter().map(|row| row.iter().map(null).collect()).collect();
    let same_keys = ours.iter().zip(&theirs).all(|(ours, theirs)| {
        order.iter().all(|key| same_text(&ours[key.ordinal], &theirs[key.ordinal]))
    });
    ours.sort_by(|left, right| bag_order(left, right));
    theirs.sort_by(|left, right| bag_order(left, right));
    let same = |(ours, theirs): (&Vec<String>, &Vec<String>)| {
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(ours, theirs)| same_text(ours, theirs))
    };
    types_agree && same_keys && ours.len() == theirs.len() && ours.iter().zip(&theirs).all(same)
}

/// Any order under which texts that [`same_text`] holds equal stand together: whole numbers exactly, others rounded.
fn bag_order(left: &[String], right: &[String]) -> Ordering {
    let key = |text: &String| match (text.parse::<i128>(), text.parse::<f64>()) {
        (Ok(whole), _) => (whole.to_string(), String::new()),
        (_, Ok(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
            ((number as i128).to_string(), String::new())
        }
        (_, Ok(number)) => (format!("{number:.12e}"), String::new()),
        _ => (String::new(), text.clone()),
    };
    left.iter().map(key).cmp(right.iter().map(key))
}

/// Equal texts, or numbers that are equal up to rounding (-0 and 0, 1.50 and 1.5).
fn same_text(left: &str, right: &str) -> bool {
    left == right
        || match (left.parse::<f64>(), right.parse::<f64>()) {
            (Ok(left), Ok(right)) => left == right || (left - right).abs() <= right.abs() * 1e-12,
            _ => false,
        }
}

/// Whether a value can stand in a column of the type; PostgreSQL's numeric where the model has a float or a sum.
fn has_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => name == "bool",
        Value::Int4(_) => name == "int4",
        Value::Int8(_) => name == "int8",
        Value::Float8(_) => name == "float8" || name == "numeric",
        Value::Text(_) => name == "text",
        _ => false,
    }
}
