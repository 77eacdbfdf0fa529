//! The model's INSERT, UPDATE, DELETE, TRUNCATE and indexes: on a whole state, kept by the caller if no code comes back. After a
//! fault it goes on, so that all that may be met first are known.

use std::rc::Rc;

use spg_engine::Value;

use super::evaluate::{Scope, cast, evaluate, truth};
use super::foreign::{Task, settle, tasks};
use super::locks::{Lock, holders, locks_of};
use super::query::answer;
use super::state::{Codes, Index, Row, RowChange, State};
use super::upsert::upsert;
use crate::generator::{COLUMNS, Expression, Schema, Statement, TableName};

/// What a change did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The rows touched, as RETURNING * shows them.
    pub(super) rows: Vec<Vec<Value>>,
    /// What became of which row, one after the other, foreign keys included.
    pub(super) changes: Vec<RowChange>,
    /// Rows that were added because keys were free: by which index, or the primary key.
    pub(super) proposed: Vec<(u64, Option<usize>)>,
    /// What had to be locked for it.
    pub(super) locks: Vec<Lock>,
    /// The SQLSTATEs of all rows that fail: the engine may meet any of them first.
    pub(super) codes: Codes,
}

/// Changes `state`; `next` draws row ids and stamps.
pub(super) fn change(state: &mut State, statement: &Statement, next: &mut u64) -> Done {
    let mut done = Done::default();
    let (table, changes) = match statement {
        Statement::Insert(table, rows, _) => {
            let rows = rows.iter().map(|row| with_defaults(row)).collect();
            (table, insert(*table, rows, next, &mut done))
        }
        Statement::Upsert(statement) => {
            (&statement.table, upsert(state, statement, next, &mut done))
        }
        Statement::InsertSelect(table, query) => match answer(state, query) {
            Ok(rows) => (table, insert(*table, rows, next, &mut done)),
            Err(code) => {
                done.codes.insert(code);
                return done;
            }
        },
        Statement::Update(table, assignments, filter, _) => {
            (table, update(state, *table, assignments, filter.as_ref(), &mut done))
        }
        Statement::Delete(table, filter, _) => {
            (table, delete(state, *table, filter.as_ref(), &mut done))
        }
        definition => {
            define(state, definition, next, &mut done);
            return done;
        }
    };
    let left = make(state, *table, changes, next, &mut done);
    settle(state, next, left, &mut done);
    done
}

fn define(state: &mut State, statement: &Statement, next: &mut u64, done: &mut Done) {
    match statement {
        Statement::Truncate(table) => {
            let mut keys = state.schema.keys.iter();
            if keys.any(|key| key.parent == *table && key.child != *table) {
                done.codes.insert("0A000");
            }
            let table = state.tables.get_mut(table).expect("tables stay");
            table.rows.clear();
            table.incarnation = draw(next);
        }
        Statement::CreateIndex(name, table, columns, unique) => {
            let columns: Vec<usize> = columns.iter().map(|(column, _)| *column).collect();
            if state.indexes.contains_key(name) {
                done.codes.insert("42P07");
            } else if *unique && state.has_duplicate_keys(*table, &columns) {
                done.codes.insert("23505");
            } else {
                state.indexes.insert(*name, Index { table: *table, columns, unique: *unique });
            }
        }
        Statement::DropIndex(name) => {
            if state.indexes.remove(name).is_none() {
                done.codes.insert("42704");
            }
        }
        other => unreachable!("{other} changes no data"),
    }
}

/// A row whose columns all have a value.
pub(super) fn with_defaults(row: &[Option<Value>]) -> Vec<Value> {
    let value = |(column, value): (usize, &Option<Value>)| {
        value.clone().unwrap_or_else(|| default_of(column))
    };
    row.iter().enumerate().map(value).collect()
}

/// What a column is where nothing is said of it.
pub(super) fn default_of(column: usize) -> Value {
    if column == 1 { Value::Int4(1) } else { Value::Null }
}

pub(super) fn draw(next: &mut u64) -> u64 {
    *next += 1;
    *next
}

/// Changes rows of one table, if that is allowed, and answers what follows from it.
pub(super) fn make(
    state: &mut State,
    name: TableName,
    changes: Vec<RowChange>,
    next: &mut u64,
    done: &mut Done,
) -> Vec<Task> {
    done.locks.extend(locks_of(state, &changes));
    done.locks.extend(holders(state, &changes));
    let schema = Rc::clone(&state.schema);
    for RowChange { id, new, .. } in &changes {
        if let Some(values) = new {
            check(state, &schema, name, values, done);
        }
        let rows = &mut state.tables.get_mut(&name).expect("tables stay").rows;
        match new {
            Some(values) => {
                drop(rows.insert(*id, Row { stamp: draw(next), values: values.clone() }));
            }
            None => drop(rows.remove(id)),
        }
    }
    if changes.iter().any(|change| change.new.is_some()) && state.has_duplicates(name) {
        done.codes.insert("23505");
    }
    let tasks = tasks(state, name, &changes);
    done.changes.extend(changes);
    tasks
}

/// NOT NULL and CHECK.
pub(super) fn check(
    state: &State,
    schema: &Schema,
    table: TableName,
    row: &[Value],
    done: &mut Done,
) {
    if schema.primary(table).iter().any(|column| row[*column].is_null()) {
        done.codes.insert("23502");
    }
    for check in schema.checks.iter().filter(|check| check.table == table) {
        match truth(Scope { state, row, group: &[] }, &check.condition) {
            Ok(Some(false)) => drop(done.codes.insert("23514")),
            Ok(_) => {}
            Err(code) => drop(done.codes.insert(code)),
        }
    }
}

fn insert(
    table: TableName,
    rows: Vec<Vec<Value>>,
    next: &mut u64,
    done: &mut Done,
) -> Vec<RowChange> {
    done.rows.clone_from(&rows);
    let added = |values| RowChange { table, id: draw(next), old: None, new: Some(values) };
    rows.into_iter().map(added).collect()
}

/// Ids of the rows for which the filter is true.
pub(super) fn matching(
    state: &State,
    table: TableName,
    filter: Option<&Expression>,
    done: &mut Done,
) -> Vec<u64> {
    let mut ids = Vec::new();
    for (id, row) in &state.tables[&table].rows {
        let scope = Scope { state, row: &row.values, group: &[] };
        match filter.map_or(Ok(Some(true)), |filter| truth(scope, filter)) {
            Ok(Some(true)) => ids.push(*id),
            Ok(_) => {}
            Err(code) => drop(done.codes.insert(code)),
        }
    }
    ids
}

fn update(
    state: &State,
    table: TableName,
    assignments: &[(usize, Expression)],
    filter: Option<&Expression>,
    done: &mut Done,
) -> Vec<RowChange> {
    let mut changes = Vec::new();
    for id in matching(state, table, filter, done) {
        let old = &state.tables[&table].rows[&id].values;
        let scope = Scope { state, row: old, group: &[] };
        let mut values = old.clone();
        for (column, expression) in assignments {
            match evaluate(scope, expression).and_then(|value| cast(COLUMNS[*column].1, value)) {
                Ok(value) => values[*column] = value,
                Err(code) => drop(done.codes.insert(code)),
            }
        }
        done.rows.push(values.clone());
        changes.push(RowChange { table, id, old: Some(old.clone()), new: Some(values) });
    }
    changes
}

fn delete(
    state: &State,
    table: TableName,
    filter: Option<&Expression>,
    done: &mut Done,
) -> Vec<RowChange> {
    let mut changes = Vec::new();
    for id in matching(state, table, filter, done) {
        let old = state.tables[&table].rows[&id].values.clone();
        done.rows.push(old.clone());
        changes.push(RowChange { table, id, old: Some(old), new: None });
    }
    changes
}
