//! A B-tree over a table's rows: leaves of many keys in the persistent map, ordered by key, then row id.
//!
//! [`leaf`] is one run of entries in one piece of memory, with integer keys ([`fixed_leaf`]) or with byte keys ([`bytes_leaf`]); [`tree`] is the leaves in
//! order. What orders the keys is [`super::key`]'s business.

mod build;
mod bytes_leaf;
mod fixed_leaf;
mod leaf;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::Error;
use crate::storage::RowId;
use crate::storage::chunk::Chunk;
use crate::storage::gauge::Gauge;
use crate::storage::key::{self, KeyBytes, KeyRange, Run};
use crate::storage::retained::Tally;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::types::{Value, ValueRef};

use bytes_leaf::BytesLeaf;
use fixed_leaf::FixedLeaf;
use tree::{Tree, TreeCursor};

/// One index of one version of a table.
#[derive(Clone, Debug)]
pub struct Index {
    definition: Arc<IndexDefinition>,
    entries: Entries,
}

#[derive(Clone, Debug)]
enum Entries {
    /// One column of fixed width; the NULLs, all with key 0, by row id.
    Fixed { keys: Tree<FixedLeaf>, nulls: Tree<FixedLeaf> },
    /// Anything else.
    Bytes(Tree<BytesLeaf>),
}

/// A key that a unique index has already.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateKey {
    /// The index.
    pub index: Arc<IndexDefinition>,
    /// The key's values by index column.
    pub values: Vec<Value>,
}

/// Why an index could not be built.
#[derive(Clone, Debug, PartialEq)]
pub enum AddIndexError {
    /// Rows share a key.
    Duplicate(DuplicateKey),
    /// A key is too large (54000), or the caller's check said no.
    Stopped(Error),
}

/// A row's key, encoded.
#[derive(PartialEq, Eq)]
pub(super) enum Key {
    Null,
    Fixed(i64),
    Bytes { bytes: KeyBytes, has_null: bool },
}

/// The key of a row as a unique index compares it: none of its values is NULL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UniqueKey {
    /// Of one column of fixed width.
    Fixed(i64),
    /// Of any others.
    Bytes(KeyBytes),
}

impl Index {
    /// An index without entries.
    pub(super) fn new(schema: &Schema, definition: Arc<IndexDefinition>) -> Self {
        let entries = if key::is_fixed(schema, &definition) {
            Entries::Fixed { keys: Tree::new(), nulls: Tree::new() }
        } else {
            Entries::Bytes(Tree::new())
        };
        Self { definition, entries }
    }

    /// What it indexes.
    pub fn definition(&self) -> &Arc<IndexDefinition> {
        &self.definition
    }

    /// Number of entries: one a row.
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Fixed { keys, nulls } => keys.len() + nulls.len(),
            Entries::Bytes(keys) => keys.len(),
        }
    }

    /// Counts the leaves that a newer version has not.
    pub(super) fn retained_beside(&self, newer: Option<&Self>, walk: &mut Tally) {
        match (&self.entries, newer.map(|newer| &newer.entries)) {
            (
                Entries::Fixed { keys, nulls },
                Some(Entries::Fixed { keys: newer_keys, nulls: newer_nulls }),
            ) => {
                keys.retained_beside(Some(newer_keys), walk);
                nulls.retained_beside(Some(newer_nulls), walk);
            }
            (Entries::Bytes(keys), Some(Entries::Bytes(newer))) => {
                keys.retained_beside(Some(newer), walk);
            }
            (Entries::Fixed { keys, nulls }, _) => {
                keys.retained_beside(None, walk);
                nulls.retained_beside(None, walk);
            }
            (Entries::Bytes(keys), _) => keys.retained_beside(None, walk),
        }
    }

    /// Bytes of its leaves.
    pub fn heap_bytes(&self) -> usize {
        match &self.entries {
            Entries::Fixed { keys, nulls } => keys.bytes() + nulls.bytes(),
            Entries::Bytes(keys) => keys.bytes(),
        }
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether keys are encoded into bytes, whose length [`key::check_key_bytes`] bounds.
    pub(super) fn has_byte_keys(&self) -> bool {
        matches!(self.entries, Entries::Bytes(_))
    }

    /// Whether one of its columns is among `ordinals`.
    pub(super) fn covers_any(&self, ordinals: &[usize]) -> bool {
        self.definition.columns.iter().any(|column| ordinals.contains(&column.ordinal))
    }

    /// The row with this key in a unique index: a value for every key column, none NULL, of the columns' types.
    #[inline]
    pub fn get_unique(&self, key: &[ValueRef<'_>]) -> Option<RowId> {
        match &self.entries {
            Entries::Fixed { keys, .. } => {
                keys.get(&key::fixed_key(key[0], self.definition.columns[0].descending)?)
            }
            Entries::Bytes(keys) => {
                let mut bytes = KeyBytes::new();
                for (column, value) in self.definition.columns.iter().zip(key) {
                    key::encode_value(&mut bytes, *column, *value);
                }
                keys.get(&bytes)
            }
        }
    }

    /// The key of a row whose value at an ordinal is `value`.
    #[inline]
    pub(super) fn key<'v>(&self, value: impl Fn(usize) -> ValueRef<'v>) -> Key {
        if matches!(self.entries, Entries::Fixed { .. }) {
            let column = self.definition.columns[0];
            return match key::fixed_key(value(column.ordinal), column.descending) {
                Some(key) => Key::Fixed(key),
                None => Key::Null,
            };
        }
        let (mut bytes, mut has_null) = (KeyBytes::new(), false);
        for column in &self.definition.columns {
            has_null |= key::encode_value(&mut bytes, *column, value(column.ordinal));
        }
        Key::Bytes { bytes, has_null }
    }

    /// The key that a row is unique by, its value at an ordinal being `value`; None if a value is NULL.
    pub fn unique_key<'v>(&self, value: impl Fn(usize) -> ValueRef<'v>) -> Option<UniqueKey> {
        match self.key(value) {
            Key::Fixed(key) => Some(UniqueKey::Fixed(key)),
            Key::Bytes { bytes, has_null: false } => Some(UniqueKey::Bytes(bytes)),
            Key::Null | Key::Bytes { .. } => None,
        }
    }

    /// The row with this key of a unique index.
    pub fn find_key(&self, key: &UniqueKey) -> Option<RowId> {
        match (&self.entries, key) {
            (Entries::Fixed { keys, .. }, UniqueKey::Fixed(key)) => keys.get(key),
            (Entries::Bytes(keys), UniqueKey::Bytes(bytes)) => keys.get(bytes),
            _ => None,
        }
    }

    /// Whether it has the key of the row in `slot` of one of its table's chunks.
    pub fn has_row(&self, chunk: &Chunk, slot: usize) -> bool {
        let row = chunk.row_id(slot);
        match (&self.entries, self.key(|ordinal| chunk.column(ordinal).get(slot))) {
            (Entries::Fixed { keys, .. }, Key::Fixed(key)) => keys.contains(&key, row),
            (Entries::Fixed { nulls, .. }, _) => nulls.contains(&0, row),
            (Entries::Bytes(keys), Key::Bytes { bytes, .. }) => keys.contains(&bytes, row),
            (Entries::Bytes(_), _) => false,
        }
    }

    /// The error for a row whose key is there already.
    #[cold]
    pub(super) fn duplicate<'v>(&self, value: impl Fn(usize) -> ValueRef<'v>) -> DuplicateKey {
        let columns = &self.definition.columns;
        DuplicateKey {
            index: Arc::clone(&self.definition),
            values: columns.iter().map(|column| value(column.ordinal).to_value()).collect(),
        }
    }

    /// Takes a definition that differs in its name only.
    pub(super) fn rename(&mut self, definition: &Arc<IndexDefinition>) {
        debug_assert_eq!(self.definition.id, definition.id);
        self.definition = Arc::clone(definition);
    }

    /// Adds a row's entry; false, and nothing changed, when the index is unique and has the key.
    #[inline]
    pub(super) fn insert(&mut self, key: &Key, row: RowId, gauge: &Arc<Gauge>) -> bool {
        let unique = self.definition.unique;
        match (&mut self.entries, key) {
            (Entries::Fixed { keys, .. }, Key::Fixed(key)) => keys.insert(key, row, unique, gauge),
            (Entries::Fixed { nulls, .. }, _) => nulls.insert(&0, row, false, gauge),
            (Entries::Bytes(keys), Key::Bytes { bytes, has_null }) => {
                keys.insert(bytes, row, unique && !has_null, gauge)
            }
            (Entries::Bytes(_), _) => unreachable!("a byte index encodes into bytes"),
        }
    }

    /// Removes a row's entry, which exists.
    pub(super) fn remove(&mut self, key: &Key, row: RowId) {
        let removed = match (&mut self.entries, key) {
            (Entries::Fixed { keys, .. }, Key::Fixed(key)) => keys.remove(key, row),
            (Entries::Fixed { nulls, .. }, _) => nulls.remove(&0, row),
            (Entries::Bytes(keys), Key::Bytes { bytes, .. }) => keys.remove(bytes, row),
            (Entries::Bytes(_), _) => unreachable!("a byte index encodes into bytes"),
        };
        debug_assert!(removed, "every row has its entry in every index");
    }

    /// The rows of a run of keys in index order, or from its end.
    pub fn range(&self, range: &KeyRange, reverse: bool) -> RangeCursor<'_> {
        match &self.entries {
            Entries::Fixed { keys, nulls } => {
                let (run, with_nulls) = match &range.run {
                    Run::Fixed { keys, nulls } => (*keys, *nulls),
                    Run::All | Run::Bytes { .. } => (Some((i64::MIN, i64::MAX)), true),
                };
                let keys = run.map(|(start, end)| keys.cursor(start, end, reverse));
                let nulls = with_nulls.then(|| nulls.cursor(0, 0, reverse));
                let nulls_first = self.definition.columns[0].nulls_first != reverse;
                let walks = if nulls_first { [nulls, keys] } else { [keys, nulls] };
                RangeCursor { walk: Walk::Fixed(walks) }
            }
            Entries::Bytes(keys) => {
                let (start, end) = match &range.run {
                    Run::Bytes { start, end } => (start.clone(), end.clone()),
                    Run::All | Run::Fixed { .. } => {
                        (KeyBytes::new(), KeyBytes::from_slice(&[0xFF]))
                    }
                };
                RangeCursor { walk: Walk::Bytes(keys.cursor(start, end, reverse)) }
            }
        }
    }
}

/// Where a walk over a run of keys stands.
#[derive(Clone)]
pub struct RangeCursor<'a> {
    walk: Walk<'a>,
}

impl std::fmt::Debug for RangeCursor<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RangeCursor")
    }
}

#[derive(Clone)]
enum Walk<'a> {
    /// One after the other.
    Fixed([Option<TreeCursor<'a, FixedLeaf>>; 2]),
    Bytes(TreeCursor<'a, BytesLeaf>),
}

impl RangeCursor<'_> {
    /// Whether there are more than `count` further rows. It takes a step for each leaf up to there, not for each row.
    pub fn is_longer_than(mut self, count: usize) -> bool {
        let left = match &mut self.walk {
            Walk::Fixed(walks) => {
                let more = |left, walk: &mut TreeCursor<'_, FixedLeaf>| walk.pass(left);
                walks.iter_mut().flatten().try_fold(count, more)
            }
            Walk::Bytes(walk) => walk.pass(count),
        };
        left.is_none()
    }

    /// Appends up to `max` further rows; returns how many, 0 at the end.
    pub fn next_rows(&mut self, rows: &mut Vec<RowId>, max: usize) -> usize {
        match &mut self.walk {
            Walk::Fixed(walks) => {
                let mut count = 0;
                for walk in walks.iter_mut().flatten() {
                    count += walk.next_rows(rows, max - count);
                }
                count
            }
            Walk::Bytes(walk) => walk.next_rows(rows, max),
        }
    }
}

impl Iterator for RangeCursor<'_> {
    type Item = RowId;

    #[inline]
    fn next(&mut self) -> Option<RowId> {
        match &mut self.walk {
            Walk::Fixed(walks) => walks.iter_mut().flatten().find_map(TreeCursor::next_row),
            Walk::Bytes(walk) => walk.next_row(),
        }
    }
}
