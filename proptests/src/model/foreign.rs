//! The model's foreign keys: what a change of rows leads to, one change after the other, and what must hold at its end.

use std::collections::VecDeque;
use std::rc::Rc;

use spg_engine::Value;

use super::change::{Done, default_of, make};
use super::evaluate::cast;
use super::state::{Codes, Row, RowChange, State};
use super::value::compare;
use crate::generator::{Action, COLUMNS, ForeignKey, Schema, TableName};

/// What is left to do after a change.
pub(super) enum Task {
    /// What becomes of those who refer to keys that rows have no longer.
    Follow(ForeignKey, Vec<RowChange>),
    /// Rows must refer to rows that are there.
    BeThere(ForeignKey, Vec<u64>),
}

/// What a row refers to by a foreign key, if nothing of that is NULL.
pub(super) fn referred<'v>(key: &ForeignKey, row: &'v [Value]) -> Vec<&'v Value> {
    key.columns.iter().map(|column| &row[*column]).collect()
}

/// The primary key of a row.
fn primary<'v>(schema: &Schema, table: TableName, row: &'v [Value]) -> Vec<&'v Value> {
    schema.primary(table).iter().map(|column| &row[*column]).collect()
}

/// The row of a table that has these values for its primary key.
pub(super) fn find_key(state: &State, table: TableName, values: &[&Value]) -> Option<u64> {
    let rows = &state.tables[&table].rows;
    let has_key = |row: &Row| same_key(&primary(&state.schema, table, &row.values), values);
    rows.iter().find(|(_, row)| has_key(row)).map(|(id, _)| *id)
}

fn same_key(left: &[&Value], right: &[&Value]) -> bool {
    left.iter()
        .zip(right)
        .all(|(left, right)| !left.is_null() && !right.is_null() && compare(left, right).is_eq())
}

/// What follows from some changes of one table: first what becomes of the rows that refer, key by key, then whether the rows
/// written refer to something.
pub(super) fn tasks(state: &State, table: TableName, changes: &[RowChange]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for key in state.schema.keys.iter().filter(|key| key.parent == table) {
        let is_gone = |change: &&RowChange| change.old.is_some() && change.new.is_none();
        let is_moved = |change: &&RowChange| match (&change.old, &change.new) {
            (Some(old), Some(new)) => {
                let schema = &state.schema;
                !same_key(&primary(schema, table, old), &primary(schema, table, new))
            }
            _ => false,
        };
        let gone: Vec<RowChange> = changes.iter().filter(is_gone).cloned().collect();
        let moved: Vec<RowChange> = changes.iter().filter(is_moved).cloned().collect();
        let lost = [gone, moved].into_iter().filter(|lost| !lost.is_empty());
        tasks.extend(lost.map(|lost| Task::Follow(key.clone(), lost)));
    }
    for key in state.schema.keys.iter().filter(|key| key.child == table) {
        let is_written = |change: &&RowChange| {
            let (old, new) = (change.old.as_ref(), change.new.as_ref());
            new.is_some() && old.map(|row| referred(key, row)) != new.map(|row| referred(key, row))
        };
        let written: Vec<u64> = changes.iter().filter(is_written).map(|change| change.id).collect();
        if !written.is_empty() {
            tasks.push(Task::BeThere(key.clone(), written));
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
    let values = referred(key, &row.values);
    match values.iter().filter(|value| value.is_null()).count() {
        0 => find_key(state, key.parent, &values).is_none(),
        nulls => key.is_full && nulls < values.len(),
    }
}

fn follow(
    state: &mut State,
    next: &mut u64,
    key: &ForeignKey,
    lost: &[RowChange],
    done: &mut Done,
) -> Vec<Task> {
    let mut changes = Vec::new();
    let schema = Rc::clone(&state.schema);
    for RowChange { old, new, .. } in lost {
        let Some(old) = old else { continue };
        let action = if new.is_some() { key.on_update } else { key.on_delete };
        let old = primary(&schema, key.parent, old);
        let new = new.as_ref().map(|new| primary(&schema, key.parent, new));
        for (id, row) in &state.tables[&key.child].rows {
            if !same_key(&referred(key, &row.values), &old) {
                continue;
            }
            let values: Option<Vec<Value>> = match (action, &new) {
                (Action::NoAction, _) if find_key(state, key.parent, &old).is_some() => continue,
                (Action::NoAction | Action::Restrict, _) => {
                    done.codes.insert("23503");
                    continue;
                }
                (Action::Cascade, None) => None,
                (Action::Cascade, Some(new)) => Some(as_columns(key, new, done)),
                (Action::SetNull, _) => Some(key.columns.iter().map(|_| Value::Null).collect()),
                (Action::SetDefault, _) => {
                    Some(key.columns.iter().map(|column| default_of(*column)).collect())
                }
            };
            let new = values.map(|values| {
                let mut row = row.values.clone();
                key.columns.iter().zip(values).for_each(|(column, value)| row[*column] = value);
                row
            });
            let old = Some(row.values.clone());
            changes.push(RowChange { table: key.child, id: *id, old, new });
        }
    }
    let tasks = make(state, key.child, changes, next, done);
    if lost.iter().any(|change| is_default_lost(state, key, change)) {
        done.codes.insert("23503");
    }
    tasks
}

/// Whether a row has the default now, which is the key that is lost: it is not written, so nobody would look.
fn is_default_lost(state: &State, key: &ForeignKey, change: &RowChange) -> bool {
    let action = if change.new.is_some() { key.on_update } else { key.on_delete };
    let Some(old) = change.old.as_ref().filter(|_| action == Action::SetDefault) else {
        return false;
    };
    let old = primary(&state.schema, key.parent, old);
    let mut children = state.tables[&key.child].rows.values();
    find_key(state, key.parent, &old).is_none()
        && children.any(|row| same_key(&referred(key, &row.values), &old))
}

/// A primary key as values of the columns that refer to it.
fn as_columns(key: &ForeignKey, values: &[&Value], done: &mut Done) -> Vec<Value> {
    let pairs = key.columns.iter().zip(values);
    let value = |(column, value): (&usize, &&Value)| {
        cast(COLUMNS[*column].1, (*value).clone()).unwrap_or_else(|code| {
            done.codes.insert(code);
            Value::Null
        })
    };
    pairs.map(value).collect()
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
                let had = |old: &Vec<Value>| {
                    let key_of = primary(&merged.schema, key.parent, old);
                    same_key(&key_of, &referred(key, &row.values))
                };
                change.table == key.parent && change.old.as_ref().is_some_and(had)
            });
            codes.extend(is_mine.then_some("23503"));
            codes.extend(taken.map(|change| {
                let action = if change.new.is_some() { key.on_update } else { key.on_delete };
                match action {
                    Action::NoAction | Action::Restrict => "23503",
                    Action::Cascade | Action::SetNull | Action::SetDefault => "40001",
                }
            }));
        }
    }
    codes
}
