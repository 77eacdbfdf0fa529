//! What the model's transactions lock: the rows that they change, the keys that they add.

use spg_engine::Value;

use super::state::{RowChange, State};
use super::value::key_text;
use crate::generator::TableName;

/// What is locked, which only one transaction can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// A row, by its id.
    Row(TableName, u64),
    /// A key of the primary key, or of the unique index with this number.
    Key(TableName, Option<usize>, String),
}

/// What a change of rows has to lock, under the indexes of `state`.
pub(super) fn locks_of(state: &State, changes: &[RowChange]) -> Vec<Lock> {
    let mut locks = Vec::new();
    for change in changes {
        for (index, columns) in state.unique_keys(change.table) {
            let key = |row: &Vec<Value>| key_text(columns.iter().map(|column| &row[*column]));
            let (old, new) = (change.old.as_ref().and_then(key), change.new.as_ref().and_then(key));
            let added = new.filter(|new| old.as_ref() != Some(new));
            locks.extend(added.map(|key| Lock::Key(change.table, index, key)));
        }
        if change.old.is_some() {
            locks.push(Lock::Row(change.table, change.id));
        }
    }
    locks
}
