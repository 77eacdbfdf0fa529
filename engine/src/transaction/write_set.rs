//! Which tables a transaction touched. Which rows of them is not kept: at commit the difference of two versions of the
//! table says so, at a cost that follows the change, and a rollback to a savepoint has nothing to cut off.

use std::ops::Range;

use crate::storage::sequence::SequenceId;
use crate::storage::{IndexId, RowId, TableId};

/// The tables that a transaction may have changed: more than it has after a rollback to a savepoint, never fewer.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    tables: Vec<(TableId, u64)>,
    sequences: Vec<SequenceId>,
    proposals: Vec<Proposals>,
}

/// Rows that ON CONFLICT added because their keys were free: a key that is taken by the time of the commit is a conflict
/// of transactions, not a duplicate.
#[derive(Clone, Debug)]
pub struct Proposals {
    /// The table.
    pub table: TableId,
    /// The indexes that were looked at.
    pub arbiters: Vec<IndexId>,
    /// The rows' ids are in this range, in which no other row of this transaction is.
    pub rows: Range<RowId>,
}

impl WriteSet {
    /// Notes that `rows` rows of a table (0 for a definition) may have changed.
    pub fn touch(&mut self, table: TableId, rows: u64) {
        match self.tables.binary_search_by_key(&table, |(id, _)| *id) {
            Ok(place) => self.tables[place].1 += rows,
            Err(place) => self.tables.insert(place, (table, rows)),
        }
    }

    /// Each table with how many rows were written at most.
    pub fn tables(&self) -> impl Iterator<Item = (TableId, u64)> {
        self.tables.iter().copied()
    }

    /// The most rows written to one table.
    pub fn rows_max(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| *rows).max().unwrap_or(0)
    }

    /// Notes that a sequence was made, changed, restarted or dropped; that values were drawn is not noted.
    pub fn touch_sequence(&mut self, sequence: SequenceId) {
        if !self.sequences.contains(&sequence) {
            self.sequences.push(sequence);
        }
    }

    /// Each sequence.
    pub fn sequences(&self) -> impl Iterator<Item = SequenceId> {
        self.sequences.iter().copied()
    }

    /// Notes rows that ON CONFLICT added.
    pub fn propose(&mut self, proposals: Proposals) {
        self.proposals.push(proposals);
    }

    /// Whether the row was added by ON CONFLICT because this index did not have its key.
    pub fn has_proposed(&self, table: TableId, index: IndexId, row: RowId) -> bool {
        self.proposals.iter().any(|proposals| {
            proposals.table == table
                && proposals.rows.contains(&row)
                && proposals.arbiters.contains(&index)
        })
    }

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.sequences.is_empty()
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.tables.clear();
        self.sequences.clear();
        self.proposals.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touches_add_up_by_table() {
        let mut writes = WriteSet::default();
        assert!(writes.is_empty());
        writes.touch(TableId(7), 2);
        writes.touch(TableId(3), 0);
        writes.touch(TableId(7), 3);
        assert_eq!(writes.tables().collect::<Vec<_>>(), [(TableId(3), 0), (TableId(7), 5)]);
        assert_eq!(writes.rows_max(), 5);
    }
}
