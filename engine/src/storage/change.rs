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
}
