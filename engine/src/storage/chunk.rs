//! Up to [`crate::limits::CHUNK_ROWS_MAX`] rows of one table, column by column.

use crate::storage::batch::Selection;
use crate::storage::column::Column;
use crate::storage::{RowId, Stamp};

/// Rows in row-id order; a row's place is its slot. Deleted rows keep their slot until the chunk is rewritten.
#[derive(Clone, Debug)]
pub struct Chunk {
    first: RowId,
}

impl Chunk {
    /// Number of slots, deleted rows included.
    pub fn rows(&self) -> usize {
        unimplemented!()
    }

    /// Number of rows that are not deleted.
    pub fn live_rows(&self) -> usize {
        unimplemented!()
    }

    /// The lowest row id, live or not.
    pub fn first(&self) -> RowId {
        self.first
    }

    /// The highest row id, live or not.
    pub fn last(&self) -> RowId {
        unimplemented!()
    }

    /// The id of the row in `slot`.
    pub fn row_id(&self, slot: usize) -> RowId {
        unimplemented!("{slot}")
    }

    /// The slot of a live row.
    pub fn slot(&self, id: RowId) -> Option<usize> {
        unimplemented!("{id:?}")
    }

    /// Whether the row in `slot` is not deleted.
    pub fn is_live(&self, slot: usize) -> bool {
        unimplemented!("{slot}")
    }

    /// Who wrote the row in `slot`.
    pub fn stamp(&self, slot: usize) -> Stamp {
        unimplemented!("{slot}")
    }

    /// A column, one value a slot.
    pub fn column(&self, ordinal: usize) -> &Column {
        unimplemented!("{ordinal}")
    }

    /// The slots that are not deleted.
    pub fn selection(&self) -> Selection {
        unimplemented!()
    }
}
