//! The model's INSERT ... ON CONFLICT: proposed rows one after the other, each beside those that the statement wrote before it.

use std::collections::BTreeSet;

use spg_engine::Value;

use super::change::{Done, check, draw, with_defaults};
use super::evaluate::{Scope, cast, evaluate, truth};
use super::locks::{Lock, Mode, Object};
use super::state::{Row, RowChange, State, Table};
use super::value::key_text;
use crate::generator::{COLUMNS, Update, Upsert};

/// What becomes of the proposed rows.
pub(super) fn upsert(
    state: &State,
    statement: &Upsert,
    next: &mut u64,
    done: &mut Done,
) -> Vec<RowChange> {
    let arbiters = arbiters(state, statement);
    if arbiters.is_empty() && statement.target.is_some() {
        done.codes.insert("42P10");
        return Vec::new();
    }
    let mut work = state.tables[&statement.table].clone();
    let mut own = BTreeSet::new();
    for row in &statement.rows {
        let row = with_defaults(row);
        check(state, &state.schema, statement.table, &row, done);
        let obstacle = find(&work, &arbiters, &row, &own);
        if let Some(id) = obstacle.filter(|id| state.tables[&statement.table].rows.contains_key(id))
        {
            let mode = if statement.update.is_some() { Mode::NoKeyUpdate } else { Mode::Presence };
            let object = Object::Row(statement.table, id);
            done.locks.push(Lock { object, mode, is_certain: true });
        }
        let (id, values) = match (obstacle, &statement.update) {
            (None, _) => {
                let id = draw(next);
                done.proposed.extend(arbiters.iter().map(|(index, _)| (id, *index)));
                (id, Some(row))
            }
            (Some(_), None) => continue,
            (Some(id), Some(_)) if own.contains(&id) => {
                done.codes.insert("21000");
                continue;
            }
            (Some(id), Some(update)) => {
                (id, updated(state, update, &work.rows[&id].values, &row, done))
            }
        };
        let Some(values) = values else { continue };
        own.insert(id);
        done.rows.push(values.clone());
        work.rows.insert(id, Row { stamp: 0, values });
    }
    let before = &state.tables[&statement.table].rows;
    let change = |id: u64| {
        let old = before.get(&id).map(|row| row.values.clone());
        let new = Some(work.rows[&id].values.clone());
        RowChange { table: statement.table, id, old, new }
    };
    own.into_iter().map(change).collect()
}

/// The unique keys that decide: by their index, the columns.
fn arbiters(state: &State, statement: &Upsert) -> Vec<(Option<usize>, Vec<usize>)> {
    let sorted = |columns: &[usize]| columns.iter().copied().collect::<BTreeSet<usize>>();
    let keys = state.unique_keys(statement.table).into_iter();
    let decides = |columns: &[usize]| match &statement.target {
        Some(target) => sorted(target) == sorted(columns),
        None => true,
    };
    keys.filter(|(_, columns)| decides(columns))
        .map(|(index, columns)| (index, columns.to_vec()))
        .collect()
}

/// A row that has one of the keys of `proposed`; one of the statement's own, where it has made a duplicate of another.
fn find(
    table: &Table,
    arbiters: &[(Option<usize>, Vec<usize>)],
    proposed: &[Value],
    own: &BTreeSet<u64>,
) -> Option<u64> {
    arbiters.iter().find_map(|(_, columns)| {
        let key = |row: &[Value]| key_text(columns.iter().map(|column| &row[*column]));
        let wanted = key(proposed)?;
        let has_key = |(_, row): &(&u64, &Row)| key(&row.values).as_ref() == Some(&wanted);
        let found = table.rows.iter().filter(has_key).map(|(id, _)| *id);
        found.max_by_key(|id| own.contains(id))
    })
}

/// What a row becomes, None if the condition does not hold.
fn updated(
    state: &State,
    update: &Update,
    old: &[Value],
    proposed: &[Value],
    done: &mut Done,
) -> Option<Vec<Value>> {
    let both = [old, proposed].concat();
    let scope = Scope { state, row: &both, group: &[] };
    match update.filter.as_ref().map_or(Ok(Some(true)), |filter| truth(scope, filter)) {
        Ok(Some(true)) => {}
        Ok(_) => return None,
        Err(code) => {
            done.codes.insert(code);
            return None;
        }
    }
    let mut values = old.to_vec();
    for (column, expression) in &update.assignments {
        match evaluate(scope, expression).and_then(|value| cast(COLUMNS[*column].1, value)) {
            Ok(value) => values[*column] = value,
            Err(code) => drop(done.codes.insert(code)),
        }
    }
    Some(values)
}
