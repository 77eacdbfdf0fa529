//! Random statements of several sessions.

use spg_engine::Value;

use super::expression::{Place, expression};
use super::query::{query, table, whole_rows};
use super::sql::{Expression, Kind, Statement};
use super::{COLUMNS, Choices};

/// A statement and whose it is.
#[derive(Clone, Debug)]
pub struct Step {
    /// The session's number.
    pub session: usize,
    /// What it says.
    pub statement: Statement,
}

/// A statement drawn from `numbers`, of one of `sessions` sessions.
pub fn statement(numbers: &[u16], sessions: usize) -> Step {
    let choices = &mut Choices::new(numbers);
    let session = choices.below(sessions);
    let statement = match choices.below(32) {
        0..=7 => Statement::Query(query(choices)),
        8..=12 => insert(choices),
        13..=16 => update(choices),
        17..=18 => delete(choices),
        19 => Statement::InsertSelect(table(choices), whole_rows(choices)),
        20..=22 => Statement::Begin,
        23..=24 => Statement::Commit,
        25 => Statement::Rollback,
        26 => Statement::Savepoint(choices.below(2)),
        27 => Statement::RollbackTo(choices.below(2)),
        28 => Statement::Release(choices.below(2)),
        29 => create_index(choices),
        30 => Statement::DropIndex(choices.below(3)),
        _ if choices.once_in(3) => Statement::Truncate(table(choices)),
        _ => Statement::Query(query(choices)),
    };
    Step { session, statement }
}

fn insert(choices: &mut Choices<'_>) -> Statement {
    let row =
        |choices: &mut Choices<'_>| -> Vec<Option<Value>> {
            let mut row = vec![Some(match choices.below(40) {
                39 => Value::Null,
                id => Value::Int4(id as i32),
            })];
            row.extend(COLUMNS[1..].iter().map(|(_, kind)| {
                if choices.once_in(9) { None } else { Some(choices.value(*kind)) }
            }));
            row
        };
    let target = table(choices);
    let rows = (0..=choices.below(4)).map(|_| row(choices)).collect();
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
