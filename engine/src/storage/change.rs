//! What a writer did to one table: the common currency of statements, rebase and (later) log replay.

use crate::storage::column::Column;
use crate::storage::{RowId, Stamp};

/// Changes of one table, applied by [`super::table::Table::apply`]: removals before additions.
#[derive(Clone, Debug, Default)]
pub struct TableChange {
    /// Rows to delete; each exists.
    pub deleted: Vec<RowId>,
    /// Rows to overwrite.
    pub updated: Option<UpdatedRows>,
    /// Rows to add.
    pub inserted: Option<InsertedRows>,
}

impl TableChange {
    /// Rows that it deletes, updates and inserts.
    pub fn row_count(&self) -> usize {
        let updated = self.updated.as_ref().map_or(0, |updated| updated.ids.len());
        let inserted = self.inserted.as_ref().map_or(0, |inserted| inserted.ids.len());
        self.deleted.len() + updated + inserted
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.updated.is_none() && self.inserted.is_none()
    }
}

/// New values for some columns of existing rows.
#[derive(Clone, Debug)]
pub struct UpdatedRows {
    /// The rows, each once, each existing.
    pub ids: Vec<RowId>,
    /// Ordinals of the columns that get new values.
    pub ordinals: Vec<usize>,
    /// Their values: a column for each ordinal, a row for each id.
    pub values: Vec<Column>,
    /// Who wrote them.
    pub stamps: Stamps,
}

/// New rows.
#[derive(Clone, Debug)]
pub struct InsertedRows {
    /// Their ids, ascending, none in the table.
    pub ids: Vec<RowId>,
    /// All columns of the table by ordinal, a row for each id.
    pub values: Vec<Column>,
    /// Who wrote them.
    pub stamps: Stamps,
}

/// The writer of a set of rows: mostly one for all.
#[derive(Clone, Debug)]
pub enum Stamps {
    /// All rows the same.
    One(Stamp),
    /// One for each row.
    Each(Vec<Stamp>),
}

impl Stamps {
    /// The writer of the `place`-th row.
    pub fn get(&self, place: usize) -> Stamp {
        match self {
            Self::One(stamp) => *stamp,
            Self::Each(stamps) => stamps[place],
        }
    }

    /// Appends the writer of row `rows`; `self` holds those of the rows before.
    #[inline]
    pub(super) fn push(&mut self, rows: usize, stamp: Stamp) {
        match self {
            Self::One(one) if *one == stamp => {}
            Self::One(one) => {
                let mut stamps = vec![*one; rows];
                stamps.push(stamp);
                *self = Self::Each(stamps);
            }
            Self::Each(stamps) => stamps.push(stamp),
        }
    }

    /// Overwrites the writer of one of `rows` rows.
    pub(super) fn set(&mut self, place: usize, rows: usize, stamp: Stamp) {
        match self {
            Self::One(one) if *one == stamp => {}
            Self::One(_) if rows == 1 => *self = Self::One(stamp),
            Self::One(one) => {
                let mut stamps = vec![*one; rows];
                stamps[place] = stamp;
                *self = Self::Each(stamps);
            }
            Self::Each(stamps) => stamps[place] = stamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_become_one_each_when_they_differ() {
        let mut stamps = Stamps::One(Stamp(1));
        stamps.push(0, Stamp(1));
        stamps.push(1, Stamp(1));
        assert!(matches!(stamps, Stamps::One(Stamp(1))));
        stamps.push(2, Stamp(2));
        stamps.set(0, 3, Stamp(3));
        assert_eq!([0, 1, 2].map(|place| stamps.get(place).0), [3, 1, 2]);
        let mut stamps = Stamps::One(Stamp(1));
        stamps.set(1, 3, Stamp(4));
        assert_eq!([0, 1, 2].map(|place| stamps.get(place).0), [1, 4, 1]);
    }
}
