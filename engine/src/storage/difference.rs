//! What differs between two versions of a table, and the change that carries it to a third.

use crate::storage::RowId;
use crate::storage::change::TableChange;
use crate::storage::table::Table;

/// One row that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowDifference {
    /// Only the new version has it.
    Inserted(RowId),
    /// Both have it, written by different writers.
    Updated(RowId),
    /// Only the old version has it.
    Deleted(RowId),
}

impl RowDifference {
    /// The row.
    pub fn id(self) -> RowId {
        match self {
            Self::Inserted(id) | Self::Updated(id) | Self::Deleted(id) => id,
        }
    }
}

/// Rows that differ, by row id. Shared chunks are skipped by pointer: the cost follows the size of the change.
pub fn difference(old: &Table, new: &Table) -> Vec<RowDifference> {
    unimplemented!("{old:?} {new:?}")
}

/// The change that makes `differences` in another version, with values and stamps from `new`.
pub fn extract(new: &Table, differences: &[RowDifference]) -> TableChange {
    unimplemented!("{new:?} {differences:?}")
}
