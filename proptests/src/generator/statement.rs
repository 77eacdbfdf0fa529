//! Random statements of several sessions.

use spg_engine::Value;

use super::expression::{Place, expression};
use super::query::{query, table, whole_rows};
use super::row_lock::{LockWait, RowLock, Strength};
use super::schema::{FIRST_IDS, Schema, first_row};
use super::sql::{Comparison, Expression, Kind, Level, Operator, Statement, TableName};
use super::upsert::{Update, Upsert};
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
    let statement = match choices.below(51) {
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
        42..=45 => Statement::Upsert(upsert(choices, schema)),
        50 if sessions > 1 => Statement::SynchronousCommit(choices.below(3) == 0),
        46..=49 => Statement::Lock(row_lock(choices)),
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

fn row_lock(choices: &mut Choices<'_>) -> RowLock {
    let (table, filter) = (table(choices), filter(choices));
    let limit = choices.once_in(3).then(|| choices.below(3));
    let strengths = [Strength::Update, Strength::Share, Strength::NoKeyUpdate, Strength::KeyShare];
    let strength = choices.pick(&strengths);
    let wait = choices.pick(&[LockWait::Block, LockWait::SkipLocked, LockWait::NoWait]);
    RowLock { table, filter, limit, strength, wait }
}

fn insert(choices: &mut Choices<'_>, schema: &Schema) -> Statement {
    let target = table(choices);
    let rows = rows(choices, schema, target, 4);
    Statement::Insert(target, rows, choices.once_in(4))
}

fn upsert(choices: &mut Choices<'_>, schema: &Schema) -> Upsert {
    let target = table(choices);
    let rows = rows(choices, schema, target, 1);
    let update = (choices.below(3) > 0).then(|| update_on_conflict(choices, schema, target));
    let columns = match choices.below(6) {
        0 if update.is_none() => None,
        1 => Some(vec![1 + choices.below(COLUMNS.len() - 1)]),
        _ => Some(schema.primary(target).to_vec()),
    };
    Upsert { table: target, rows, target: columns, update, returning: choices.once_in(4) }
}

fn update_on_conflict(choices: &mut Choices<'_>, schema: &Schema, target: TableName) -> Update {
    let place = Place { tables: 2, may_fail: true, subqueries: false };
    let column = if choices.once_in(8) { 0 } else { 1 + choices.below(COLUMNS.len() - 1) };
    let value = key_value(choices, schema, target, column)
        .unwrap_or_else(|| expression(choices, place, COLUMNS[column].1, 1));
    let safe = Place { may_fail: false, ..place };
    let filter = choices.once_in(3).then(|| expression(choices, safe, Kind::Bool, 1));
    Update { assignments: vec![(column, value)], filter }
}

/// Rows for a table; one in `times` may have a key that is there: seldom where a duplicate ends a transaction.
fn rows(
    choices: &mut Choices<'_>,
    schema: &Schema,
    target: TableName,
    times: usize,
) -> Vec<Vec<Option<Value>>> {
    let row = |choices: &mut Choices<'_>| -> Vec<Option<Value>> {
        let ids = if choices.once_in(times) { 12 } else { 300 };
        let mut row = vec![Some(match choices.below(ids) {
            299 => Value::Null,
            id => Value::Int4(id as i32),
        })];
        row.extend(COLUMNS[1..].iter().enumerate().map(|(place, (_, kind))| {
            if choices.once_in(9) {
                None
            } else if schema.primary(target).contains(&(place + 1)) {
                Some(integer(*kind, 1 + choices.below(3) as i64))
            } else if schema.refers(target, place + 1) {
                Some(reference(choices, *kind))
            } else {
                Some(choices.value(*kind))
            }
        }));
        if let Some(values) = whole_reference(choices, schema, target) {
            for (column, value) in values {
                row[column] = Some(value);
            }
        }
        row
    };
    let count = if choices.once_in(3) { 2 + choices.below(2) } else { 1 };
    (0..count).map(|_| row(choices)).collect()
}

/// A key that may be there, or NULL.
fn reference(choices: &mut Choices<'_>, kind: Kind) -> Value {
    match (choices.below(9), kind) {
        (0..=2, _) => Value::Null,
        (key, kind) => integer(kind, key as i64 - 2),
    }
}

/// For the columns of a key of several of them: the key of a row that may be there.
fn whole_reference(
    choices: &mut Choices<'_>,
    schema: &Schema,
    child: TableName,
) -> Option<Vec<(usize, Value)>> {
    let keys = schema.keys.iter().filter(|key| key.child == child && key.columns.len() > 1);
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() || choices.once_in(4) {
        return None;
    }
    let key = choices.pick(&keys);
    let row = first_row(FIRST_IDS.start + choices.below(FIRST_IDS.len()) as i32);
    let pairs = key.columns.iter().zip(schema.primary(key.parent));
    let value = |(own, theirs): (&usize, &usize)| {
        let number = match row[*theirs] {
            Value::Int4(number) => i64::from(number),
            Value::Int8(number) => number,
            _ => 0,
        };
        (*own, integer(COLUMNS[*own].1, number))
    };
    Some(pairs.map(value).collect())
}

fn integer(kind: Kind, number: i64) -> Value {
    match kind {
        Kind::Int4 => Value::Int4(number as i32),
        _ => Value::Int8(number),
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
    let literal =
        |(column, value): (usize, Value)| (column, Expression::Literal(COLUMNS[column].1, value));
    if let Some(values) = whole_reference(choices, schema, target).filter(|_| choices.once_in(3)) {
        assignments.extend(values.into_iter().map(literal));
    }
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
    if schema.primary(target).contains(&column) && choices.below(2) == 0 {
        let shift = integer(kind, choices.below(9) as i64);
        let shift = Box::new(Expression::Literal(kind, shift));
        let column = Box::new(Expression::Column(column));
        return Some(Expression::Binary(Operator::Add, column, shift));
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
