//! Random statements of several sessions.

use spg_engine::Value;

use super::expression::{Place, expression};
use super::query::{query, table, whole_rows};
use super::schema::Schema;
use super::sql::{Comparison, Expression, Kind, Level, Operator, Statement, TableName};
use super::{COLUMNS, Choices};

/// A statement and whose it is.
#[derive(Clone, Debug)]
pub struct Step {
    /// The session's number.
    pub session: usize,
    /// What it says.
    pub statement: Statement,
    /// What it says instead where that makes no sense: BEGIN at this level, or ROLLBACK.
    pub instead: Option<Level>,
}

/// A statement drawn from `numbers`, of one of `sessions` sessions, on tables with the constraints of `schema`.
pub fn statement(numbers: &[u16], sessions: usize, schema: &Schema) -> Step {
    let choices = &mut Choices::new(numbers);
    let session = choices.below(sessions);
    let instead = (!choices.once_in(8)).then(|| level(choices));
    let statement = match choices.below(42) {
        0..=7 => Statement::Query(query(choices)),
        8..=13 => insert(choices, schema),
        14..=20 => update(choices, schema),
        21..=23 => delete(choices),
        24 => Statement::InsertSelect(table(choices), whole_rows(choices)),
        25..=27 => Statement::Begin(level(choices)),
        28..=29 => Statement::Commit,
        30 => Statement::Rollback,
        31..=32 => Statement::Savepoint(choices.below(2)),
        33..=35 => Statement::RollbackTo(choices.below(2)),
        36 => Statement::Release(choices.below(2)),
        37 => create_index(choices),
        38 => Statement::DropIndex(choices.below(3)),
        40 if sessions > 1 => Statement::Disconnect,
        41 if sessions > 1 => crash(choices),
        _ if choices.once_in(3) => Statement::Truncate(table(choices)),
        _ => Statement::Query(query(choices)),
    };
    Step { session, statement, instead }
}

fn crash(choices: &mut Choices<'_>) -> Statement {
    if choices.once_in(4) {
        return Statement::Checkpoint;
    }
    let seed = choices.below(1 << 16) as u64;
    Statement::Crash(choices.below(12), (!choices.once_in(4)).then_some(seed))
}

fn level(choices: &mut Choices<'_>) -> Level {
    choices.pick(&[Level::RepeatableRead, Level::ReadCommitted, Level::Serializable])
}

fn insert(choices: &mut Choices<'_>, schema: &Schema) -> Statement {
    let target = table(choices);
    let row = |choices: &mut Choices<'_>| -> Vec<Option<Value>> {
        // Seldom one that is there: a duplicate ends a transaction.
        let ids = if choices.once_in(4) { 12 } else { 300 };
        let mut row = vec![Some(match choices.below(ids) {
            299 => Value::Null,
            id => Value::Int4(id as i32),
        })];
        row.extend(COLUMNS[1..].iter().enumerate().map(|(place, (_, kind))| {
            if choices.once_in(9) {
                None
            } else if schema.refers(target, place + 1) {
                Some(reference(choices, *kind))
            } else {
                Some(choices.value(*kind))
            }
        }));
        row
    };
    let count = if choices.once_in(3) { 2 + choices.below(2) } else { 1 };
    let rows = (0..count).map(|_| row(choices)).collect();
    Statement::Insert(target, rows, choices.once_in(4))
}

/// A key that may be there, or NULL.
fn reference(choices: &mut Choices<'_>, kind: Kind) -> Value {
    match (choices.below(9), kind) {
        (0..=2, _) => Value::Null,
        (key, Kind::Int4) => Value::Int4(key as i32 - 2),
        (key, _) => Value::Int8(key as i64 - 2),
    }
}

const SAFE: Place = Place { tables: 1, may_fail: false, subqueries: true };

fn filter(choices: &mut Choices<'_>) -> Option<Expression> {
    match choices.below(5) {
        0..=1 => Some(one_row(choices)),
        4 => None,
        _ => Some(expression(choices, SAFE, Kind::Bool, 2)),
    }
}

/// One of the rows that are likely to be there.
fn one_row(choices: &mut Choices<'_>) -> Expression {
    let id = Expression::Literal(Kind::Int4, Value::Int4(1 + choices.below(7) as i32));
    Expression::Compare(Comparison::Equal, Box::new(Expression::Column(0)), Box::new(id))
}

fn update(choices: &mut Choices<'_>, schema: &Schema) -> Statement {
    let target = table(choices);
    let mut assignments: Vec<(usize, Expression)> = Vec::new();
    for _ in 0..=choices.below(2) {
        // The key seldom, so that not every update fails.
        let column = if choices.once_in(6) { 0 } else { 1 + choices.below(COLUMNS.len() - 1) };
        if assignments.iter().all(|(assigned, _)| *assigned != column) {
            if let Some(value) = key_value(choices, schema, target, column) {
                assignments.push((column, value));
                continue;
            }
            let place = Place { may_fail: true, ..SAFE };
            // BIGINT narrows to INT on assignment, or fails.
            let kind = match COLUMNS[column].1 {
                Kind::Int4 if choices.once_in(4) => Kind::Int8,
                kind => kind,
            };
            assignments.push((column, expression(choices, place, kind, 2)));
        }
    }
    let filter = filter(choices);
    Statement::Update(target, assignments, filter, choices.once_in(4))
}

/// What makes sense in a column that is a key or refers to one, most of the time.
fn key_value(
    choices: &mut Choices<'_>,
    schema: &Schema,
    target: TableName,
    column: usize,
) -> Option<Expression> {
    let kind = COLUMNS[column].1;
    if column == 0 && choices.below(2) == 0 {
        let shift = Value::Int4(choices.below(9) as i32);
        let shift = Box::new(Expression::Literal(kind, shift));
        return Some(Expression::Binary(Operator::Add, Box::new(Expression::Column(0)), shift));
    }
    let refers = schema.refers(target, column) && !choices.once_in(4);
    refers.then(|| Expression::Literal(kind, reference(choices, kind)))
}

fn delete(choices: &mut Choices<'_>) -> Statement {
    let target = table(choices);
    let filter = match choices.below(2) {
        0 => one_row(choices),
        _ => expression(choices, SAFE, Kind::Bool, 2),
    };
    let filter = Some(filter);
    Statement::Delete(target, filter, choices.once_in(4))
}

fn create_index(choices: &mut Choices<'_>) -> Statement {
    let index = choices.below(3);
    let target = table(choices);
    let mut columns: Vec<(usize, bool)> = Vec::new();
    for _ in 0..=choices.below(2) {
        let column = 1 + choices.below(COLUMNS.len() - 1);
        if columns.iter().all(|(indexed, _)| *indexed != column) {
            columns.push((column, choices.once_in(3)));
        }
    }
    Statement::CreateIndex(index, target, columns, choices.once_in(6))
}
