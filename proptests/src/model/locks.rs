//! What the model's transactions lock: the rows that they change, the keys that they add, the rows that theirs refer to.

use spg_engine::Value;

use super::foreign::{find_key, referred};
use super::state::{RowChange, State};
use super::value::key_text;
use crate::generator::TableName;

/// What is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A row, by its id.
    Row(TableName, u64),
    /// A key of the primary key, or of the unique index with this number.
    Key(TableName, Option<usize>, String),
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The row has a key that somebody wants: waited for, not held.
    Presence,
    /// Another row refers to the row.
    KeyShare,
    /// The row stays as it is.
    Share,
    /// The row is changed, but not its keys.
    NoKeyUpdate,
    /// The row may go, or its keys may change; the key is taken.
    Update,
    /// The row goes, or its keys change.
    Remove,
}

/// A lock that is held or wanted.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    pub(super) object: Object,
    pub(super) mode: Mode,
    /// Whether it is for certain; else it may be: where a row is written that goes on referring to what it did.
    pub(super) is_certain: bool,
}

/// Whether a transaction has to wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    No,
    Perhaps,
    Certain,
}

impl Lock {
    /// Whether two transactions cannot have both.
    fn excludes(&self, other: &Self) -> bool {
        // A row that is referred to may be changed, but must stay and keep its key.
        let goes_together = match (self.mode, other.mode) {
            (Mode::Presence, mode) | (mode, Mode::Presence) => mode != Mode::Remove,
            (Mode::KeyShare, mode) | (mode, Mode::KeyShare) => {
                !matches!(mode, Mode::Update | Mode::Remove)
            }
            (left, right) => left == Mode::Share && right == Mode::Share,
        };
        self.object == other.object && !goes_together
    }

    /// Whether who wants it has to wait for who holds `held`.
    pub(super) fn waits_for(&self, held: &Self) -> Wait {
        match self.excludes(held) {
            false => Wait::No,
            true if self.is_certain && held.is_certain => Wait::Certain,
            true => Wait::Perhaps,
        }
    }
}

/// What a change of rows has to lock. Indexes, and rows that are referred to, are those of `state`.
pub(super) fn locks_of(state: &State, changes: &[RowChange]) -> Vec<Lock> {
    let mut locks = Vec::new();
    for change in changes {
        let mut mode = Mode::NoKeyUpdate;
        for (index, columns) in state.unique_keys(change.table) {
            let key = |row: &Vec<Value>| key_text(columns.iter().map(|column| &row[*column]));
            let (old, new) = (change.old.as_ref().and_then(key), change.new.as_ref().and_then(key));
            if old != new {
                mode = Mode::Remove;
                let object = new.map(|key| Object::Key(change.table, index, key));
                let taken = |object| Lock { object, mode: Mode::Update, is_certain: true };
                locks.extend(object.map(taken));
            }
        }
        if change.old.is_some() {
            let mode = if change.new.is_some() { mode } else { Mode::Remove };
            let object = Object::Row(change.table, change.id);
            locks.push(Lock { object, mode, is_certain: true });
        }
        for key in state.schema.keys.iter().filter(|key| key.child == change.table) {
            let (old, new) = (change.old.as_ref(), change.new.as_ref());
            let (old, new) = (old.map(|row| referred(key, row)), new.map(|row| referred(key, row)));
            let Some(row) = new.as_ref().and_then(|new| find_key(state, key.parent, new)) else {
                continue;
            };
            let object = Object::Row(key.parent, row);
            locks.push(Lock { object, mode: Mode::KeyShare, is_certain: old != new });
        }
    }
    locks
}

/// The rows of `state` that have the keys which a change adds: they must not be about to go.
pub(super) fn holders(state: &State, changes: &[RowChange]) -> Vec<Lock> {
    let mut locks = Vec::new();
    for change in changes {
        for (_, columns) in state.unique_keys(change.table) {
            let key = |row: &Vec<Value>| key_text(columns.iter().map(|column| &row[*column]));
            let (old, new) = (change.old.as_ref().and_then(key), change.new.as_ref().and_then(key));
            if new.is_none() || old == new {
                continue;
            }
            let rows = &state.tables[&change.table].rows;
            let found = rows.iter().filter(|(_, row)| key(&row.values) == new);
            locks.extend(found.map(|(id, _)| Lock {
                object: Object::Row(change.table, *id),
                mode: Mode::Presence,
                is_certain: true,
            }));
        }
    }
    locks
}
