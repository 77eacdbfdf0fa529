//! The model's foreign keys: what a change of rows leads to, one change after the other, and what must hold at its end.

use std::collections::VecDeque;

use spg_engine::Value;

use super::change::{Done, make};
use super::state::{Codes, RowChange, State};
use super::value::{compare, integer};
use crate::generator::{Action, COLUMNS, ForeignKey, TableName};

/// What is left to do after a change.
pub(super) enum Task {
    /// What becomes of those who refer to keys that rows have no longer.
    Follow(ForeignKey, Vec<RowChange>),
    /// Rows must refer to rows that are there.
    BeThere(ForeignKey, Vec<u64>),
}

/// The row of a table that has a value for its primary key.
pub(super) fn find_key(state: &State, table: TableName, value: &Value) -> Option<u64> {
    let rows = &state.tables[&table].rows;
    rows.iter().find(|(_, row)| same_key(&row.values[0], value)).map(|(id, _)| *id)
}

fn same_key(left: &Value, right: &Value) -> bool {
    !left.is_null() && !right.is_null() && compare(left, right).is_eq()
}

/// What follows from some changes of one table: first what becomes of the rows that refer, key by key, then whether the rows
/// written refer to something.
pub(super) fn tasks(state: &State, table: TableName, changes: &[RowChange]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for key in state.schema.keys.iter().filter(|key| key.parent == table) {
        let is_gone = |change: &&RowChange| change.old.is_some() && change.new.is_none();
        let is_moved = |change: &&RowChange| match (&change.old, &change.new) {
            (Some(old), Some(new)) => !same_key(&old[0], &new[0]),
            _ => false,
        };
        let gone: Vec<RowChange> = changes.iter().filter(is_gone).cloned().collect();
        let moved: Vec<RowChange> = changes.iter().filter(is_moved).cloned().collect();
        let lost = [gone, moved].into_iter().filter(|lost| !lost.is_empty());
        tasks.extend(lost.map(|lost| Task::Follow(*key, lost)));
    }
    for key in state.schema.keys.iter().filter(|key| key.child == table) {
        let is_written = |change: &&RowChange| {
            let value = |row: &Option<Vec<Value>>| row.as_ref().map(|row| row[key.column].clone());
            change.new.is_some() && value(&change.old) != value(&change.new)
        };
        let written: Vec<u64> = changes.iter().filter(is_written).map(|change| change.id).collect();
        if !written.is_empty() {
            tasks.push(Task::BeThere(*key, written));
        }
    }
    tasks
}

/// Does what is left to do, and what follows from that, in the order in which it came up.
pub(super) fn settle(state: &mut State, next: &mut u64, left: Vec<Task>, done: &mut Done) {
    let mut left = VecDeque::from(left);
    while let Some(task) = left.pop_front() {
        match task {
            Task::Follow(key, lost) => left.extend(follow(state, next, &key, &lost, done)),
            Task::BeThere(key, rows) => {
                let refers_to_none = |row: &u64| refers_to_none(state, &key, *row);
                if rows.iter().any(refers_to_none) {
                    done.codes.insert("23503");
                }
            }
        }
    }
}

/// Whether a row is there that refers to one that is not.
fn refers_to_none(state: &State, key: &ForeignKey, row: u64) -> bool {
    let Some(row) = state.tables[&key.child].rows.get(&row) else { return false };
    let value = &row.values[key.column];
    !value.is_null() && find_key(state, key.parent, value).is_none()
}

fn follow(
    state: &mut State,
    next: &mut u64,
    key: &ForeignKey,
    lost: &[RowChange],
    done: &mut Done,
) -> Vec<Task> {
    let mut changes = Vec::new();
    for change in lost {
        let Some(old) = &change.old else { continue };
        let action = if change.new.is_some() { key.on_update } else { key.on_delete };
        for (id, row) in &state.tables[&key.child].rows {
            if !same_key(&row.values[key.column], &old[0]) {
                continue;
            }
            let becomes = |value| {
                let mut values = row.values.clone();
                values[key.column] = value;
                Some(values)
            };
            let new = match (action, &change.new) {
                (Action::NoAction, _) if find_key(state, key.parent, &old[0]).is_some() => continue,
                (Action::NoAction | Action::Restrict, _) => {
                    done.codes.insert("23503");
                    continue;
                }
                (Action::Cascade, None) => None,
                (Action::Cascade, Some(new)) => becomes(as_column(key.column, &new[0])),
                (Action::SetNull, _) => becomes(Value::Null),
            };
            changes.push(RowChange {
                table: key.child,
                id: *id,
                old: Some(row.values.clone()),
                new,
            });
        }
    }
    make(state, key.child, changes, next, done)
}

/// A key as a value of the column that refers to it.
fn as_column(column: usize, key: &Value) -> Value {
    match (COLUMNS[column].1, integer(key)) {
        (crate::generator::Kind::Int8, Some(key)) => Value::Int8(key),
        _ => key.clone(),
    }
}

/// What refuses a commit of `mine`, that leads to `merged`, because a row refers to one that is not there: whoever made the row
/// is told so; who took away what it refers to is told that, or that something would have had to follow.
pub(super) fn broken_keys(merged: &State, mine: &[RowChange]) -> Codes {
    let mut codes = Codes::new();
    for key in &merged.schema.keys {
        for (id, row) in &merged.tables[&key.child].rows {
            if !refers_to_none(merged, key, *id) {
                continue;
            }
            let is_mine = mine.iter().any(|change| (change.table, change.id) == (key.child, *id));
            let taken = mine.iter().filter(|change| {
                let had = |old: &Vec<Value>| same_key(&old[0], &row.values[key.column]);
                change.table == key.parent && change.old.as_ref().is_some_and(had)
            });
            codes.extend(is_mine.then_some("23503"));
            codes.extend(taken.map(|change| {
                let action = if change.new.is_some() { key.on_update } else { key.on_delete };
                match action {
                    Action::NoAction | Action::Restrict => "23503",
                    Action::Cascade | Action::SetNull => "40001",
                }
            }));
        }
    }
    codes
}
