//! Random statements of several sessions.

use spg_engine::Value;

use super::expression::{Place, expression};
use super::query::{query, table, whole_rows};
use super::sql::{Expression, Kind, Level, Statement, TableName};
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

/// A statement drawn from `numbers`, of one of `sessions` sessions.
pub fn statement(numbers: &[u16], sessions: usize) -> Step {
    let choices = &mut Choices::new(numbers);
    let session = choices.below(sessions);
    let instead = (!choices.once_in(8)).then(|| level(choices));
    let statement = match choices.below(40) {
        0..=7 => Statement::Query(query(choices)),
        8..=13 => insert(choices),
        14..=20 => update(choices),
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
        _ if choices.once_in(3) => Statement::Truncate(table(choices)),
        _ => Statement::Query(query(choices)),
    };
    Step { session, statement, instead }
}

/// The rows that the tables begin with: so that transactions meet.
pub fn first_rows(target: TableName) -> Statement {
    let row = |id: i32| {
        let text = ["a", "b", ""][id as usize % 3];
        let values = [
            Value::Int4(id),
            Value::Int4(id % 4),
            Value::Int8(i64::from(id) / 2),
            Value::Text(text.into()),
            Value::Bool(id % 2 == 0),
            Value::Float8(f64::from(id) / 2.0),
        ];
        values.into_iter().map(Some).collect()
    };
    Statement::Insert(target, (1..7).map(row).collect(), false)
}

fn level(choices: &mut Choices<'_>) -> Level {
    choices.pick(&[Level::RepeatableRead, Level::ReadCommitted, Level::Serializable])
}

fn insert(choices: &mut Choices<'_>) -> Statement {
    let row =
        |choices: &mut Choices<'_>| -> Vec<Option<Value>> {
            // Seldom one that is there: a duplicate ends a transaction.
            let ids = if choices.once_in(4) { 12 } else { 300 };
            let mut row = vec![Some(match choices.below(ids) {
                299 => Value::Null,
                id => Value::Int4(id as i32),
            })];
            row.extend(COLUMNS[1..].iter().map(|(_, kind)| {
                if choices.once_in(9) { None } else { Some(choices.value(*kind)) }
            }));
            row
        };
    let target = table(choices);
    let rows = (0..=choices.below(3)).map(|_| row(choices)).collect();
    Statement::Insert(target, rows, choices.once_in(4))
}

const SAFE: Place = Place { tables: 1, may_fail: false, subqueries: true };

fn filter(choices: &mut Choices<'_>) -> Option<Expression> {
    (!choices.once_in(5)).then(|| expression(choices, SAFE, Kind::Bool, 2))
}

fn update(choices: &mut Choices<'_>) -> Statement {
    let target = table(choices);
    let mut assignments: Vec<(usize, Expression)> = Vec::new();
    for _ in 0..=choices.below(2) {
        // The key seldom, so that not every update fails.
        let column = if choices.once_in(6) { 0 } else { 1 + choices.below(COLUMNS.len() - 1) };
        if assignments.iter().all(|(assigned, _)| *assigned != column) {
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

fn delete(choices: &mut Choices<'_>) -> Statement {
    let target = table(choices);
    let filter = Some(expression(choices, SAFE, Kind::Bool, 2));
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
