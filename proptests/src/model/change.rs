//! The model's INSERT, UPDATE, DELETE, TRUNCATE and indexes: on a whole state, kept by the caller if no code comes back.

use spg_engine::Value;

use super::evaluate::{Scope, cast, evaluate, truth};
use super::query::answer;
use super::state::{Codes, Index, Row, RowChange, State};
use crate::generator::{COLUMNS, Expression, Statement, TableName};

/// What a change did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The rows touched, as RETURNING * shows them.
    pub(super) rows: Vec<Vec<Value>>,
    /// What became of which row.
    pub(super) changes: Vec<RowChange>,
    /// The SQLSTATEs of all rows that fail: the engine may meet any of them first.
    pub(super) codes: Codes,
}

/// Changes `state`; `next` draws row ids and stamps.
pub(super) fn change(state: &mut State, statement: &Statement, next: &mut u64) -> Done {
    let mut done = Done::default();
    match statement {
        Statement::Insert(table, rows, _) => {
            let value = |(place, value): (usize, &Option<Value>)| match value {
                Some(value) => value.clone(),
                None if place == 1 => Value::Int4(1),
                None => Value::Null,
            };
            let row = |row: &Vec<Option<Value>>| row.iter().enumerate().map(value).collect();
            insert(state, *table, rows.iter().map(row).collect(), next, &mut done);
        }
        Statement::InsertSelect(table, query) => match answer(state, query) {
            Ok(rows) => insert(state, *table, rows, next, &mut done),
            Err(code) => drop(done.codes.insert(code)),
        },
        Statement::Update(table, assignments, filter, _) => {
            update(state, *table, assignments, filter.as_ref(), next, &mut done);
        }
        Statement::Delete(table, filter, _) => delete(state, *table, filter.as_ref(), &mut done),
        Statement::Truncate(table) => {
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
    done
}

fn draw(next: &mut u64) -> u64 {
    *next += 1;
    *next
}

fn insert(
    state: &mut State,
    table: TableName,
    rows: Vec<Vec<Value>>,
    next: &mut u64,
    done: &mut Done,
) {
    for values in rows {
        if values[0].is_null() {
            done.codes.insert("23502");
            continue;
        }
        done.rows.push(values.clone());
        let id = draw(next);
        done.changes.push(RowChange { table, id, old: None, new: Some(values.clone()) });
        let row = Row { stamp: draw(next), values };
        state.tables.get_mut(&table).expect("tables stay").rows.insert(id, row);
    }
    if state.has_duplicates(table) {
        done.codes.insert("23505");
    }
}

/// Ids of the rows for which the filter is true.
fn matching(
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
    state: &mut State,
    table: TableName,
    assignments: &[(usize, Expression)],
    filter: Option<&Expression>,
    next: &mut u64,
    done: &mut Done,
) {
    let before = state.clone();
    for id in matching(&before, table, filter, done) {
        let old = &before.tables[&table].rows[&id].values;
        let scope = Scope { state: &before, row: old, group: &[] };
        let mut values = old.clone();
        for (column, expression) in assignments {
            match evaluate(scope, expression).and_then(|value| cast(COLUMNS[*column].1, value)) {
                Ok(value) => values[*column] = value,
                Err(code) => drop(done.codes.insert(code)),
            }
        }
        if values[0].is_null() {
            done.codes.insert("23502");
        }
        done.rows.push(values.clone());
        let (old, new) = (Some(old.clone()), Some(values.clone()));
        done.changes.push(RowChange { table, id, old, new });
        let row = Row { stamp: draw(next), values };
        state.tables.get_mut(&table).expect("tables stay").rows.insert(id, row);
    }
    if state.has_duplicates(table) {
        done.codes.insert("23505");
    }
}

fn delete(state: &mut State, table: TableName, filter: Option<&Expression>, done: &mut Done) {
    for id in matching(state, table, filter, done) {
        let rows = &mut state.tables.get_mut(&table).expect("tables stay").rows;
        let old = rows.remove(&id).map(|row| row.values);
        done.rows.extend(old.clone());
        done.changes.push(RowChange { table, id, old, new: None });
    }
}
