//! A few words for tests that talk to the engine through sessions.

use std::sync::Arc;

use spg_engine::session::{Notice, Rows, Session};
use spg_engine::{Database, Options, Value};

/// An empty database.
pub(crate) fn database() -> Arc<Database> {
    Database::open(Options::default()).unwrap()
}

/// Runs one statement; its answer as text: rows as `a|b` lines and the tag, or `SQLSTATE: message`.
pub(crate) fn run(session: &mut Session, text: &str) -> String {
    let mut rows = Rows::default();
    match session.execute(text, &[], &mut rows) {
        Ok(tag) => {
            let mut answer: Vec<String> = rows.rows.iter().map(|row| line(row)).collect();
            answer.push(tag.to_string());
            answer.join("\n")
        }
        Err(error) => error.to_string(),
    }
}

/// Runs one statement that must succeed.
#[track_caller]
pub(crate) fn ok(session: &mut Session, text: &str) -> String {
    let answer = run(session, text);
    let is_error = answer.get(5..7) == Some(": ");
    assert!(!is_error, "{text}: {answer}");
    answer
}

/// Runs one statement and checks its answer.
#[track_caller]
pub(crate) fn check(session: &mut Session, text: &str, expected: &str) {
    assert_eq!(run(session, text), expected, "{text}");
}

/// Runs one statement that must fail with this SQLSTATE.
#[track_caller]
pub(crate) fn fails(session: &mut Session, text: &str, sqlstate: &str) {
    let answer = run(session, text);
    assert!(answer.starts_with(&format!("{sqlstate}: ")), "{text}: {answer}");
}

/// The one number that a query answers.
#[track_caller]
pub(crate) fn number(session: &mut Session, text: &str) -> i64 {
    let mut rows = Rows::default();
    session.execute(text, &[], &mut rows).unwrap();
    match rows.rows[0][0] {
        Value::Int4(number) => number.into(),
        Value::Int8(number) => number,
        ref other => panic!("{text}: not a number: {other:?}"),
    }
}

/// The notices of one statement that must succeed.
pub(crate) fn notices(session: &mut Session, text: &str) -> Vec<Notice> {
    let mut rows = Rows::default();
    session.execute(text, &[], &mut rows).unwrap();
    rows.notices
}

fn line(row: &[Value]) -> String {
    row.iter().map(text).collect::<Vec<_>>().join("|")
}

fn text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Null => text.push_str("NULL"),
        value => spg_engine::types::format_value(value.as_ref(), &mut text),
    }
    text
}
