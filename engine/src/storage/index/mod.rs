//! A B-tree over a table's rows: leaves of many keys in the persistent map, ordered by key, then row id.

use crate::storage::RowId;
use crate::storage::key::KeyRange;
use crate::types::ValueRef;

/// One index of one version of a table.
#[derive(Clone, Debug)]
pub struct Index {
    _private: (),
}

impl Index {
    /// Number of entries: one a row.
    pub fn len(&self) -> usize {
        unimplemented!()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row with this key in a unique index: a value for every key column, none NULL, of the columns' types.
    pub fn get_unique(&self, key: &[ValueRef<'_>]) -> Option<RowId> {
        unimplemented!("{key:?}")
    }

    /// The rows of a run of keys in index order, or from its end.
    pub fn range(&self, range: &KeyRange, reverse: bool) -> RangeCursor<'_> {
        unimplemented!("{range:?} {reverse}")
    }
}

/// Where a walk over a run of keys stands.
#[derive(Clone, Debug)]
pub struct RangeCursor<'a> {
    _index: &'a Index,
}

impl RangeCursor<'_> {
    /// Appends up to `max` further rows; returns how many, 0 at the end.
    pub fn next_rows(&mut self, rows: &mut Vec<RowId>, max: usize) -> usize {
        unimplemented!("{rows:?} {max}")
    }
}

impl Iterator for RangeCursor<'_> {
    type Item = RowId;

    fn next(&mut self) -> Option<RowId> {
        unimplemented!()
    }
}
