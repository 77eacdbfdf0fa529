//! Which tables a transaction touched. Which rows of them is not kept: at commit the difference of two versions of the
//! table says so, at a cost that follows the change, and a rollback to a savepoint has nothing to cut off.

use crate::storage::TableId;

/// The tables that a transaction may have changed: more than it has after a rollback to a savepoint, never fewer.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    tables: Vec<(TableId, u64)>,
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

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.tables.clear();
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
