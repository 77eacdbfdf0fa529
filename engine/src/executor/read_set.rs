//! What the statements of a serializable transaction have read: rows by their keys, runs of an index, whole tables.
//!
//! What was looked for and not found counts as well: a run of keys is remembered, not the rows that were in it. What a check
//! of a key looks at, unique or foreign, is remembered apart: to it only matters which rows have the key. Memory is bounded: beyond [`READ_SET_BYTES_MAX`] the table with the most runs counts as read whole.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

use crate::limits::READ_SET_BYTES_MAX;
use crate::storage::key::KeyRange;
use crate::storage::key_set::KeySet;
use crate::storage::{IndexId, TableId};

/// Runs added between two looks at how much memory they take.
const RUNS_BETWEEN_LOOKS: usize = 256;

/// What was read.
#[derive(Debug, Default)]
pub struct ReadSet(RefCell<Reads>);

/// What was read, by table.
#[derive(Debug, Default)]
pub struct Reads {
    tables: BTreeMap<TableId, TableReads>,
    runs_since_look: usize,
}

/// What was read of one table.
#[derive(Debug)]
pub enum TableReads {
    /// All rows, or so many that it makes no difference.
    Whole,
    /// The rows whose keys are in these runs of indexes.
    Keys(KeyReads),
}

/// Runs of indexes of one table.
#[derive(Debug, Default)]
pub struct KeyReads {
    /// The rows whose keys are in them were read.
    pub rows: BTreeMap<IndexId, KeySet>,
    /// Which rows have keys in them was asked.
    pub presence: BTreeMap<IndexId, KeySet>,
    /// Which rows have keys was asked without an index.
    pub presence_anywhere: bool,
}

impl ReadSet {
    /// A statement looks at all rows of a table.
    pub fn note_table(&self, table: TableId) {
        self.0.borrow_mut().tables.insert(table, TableReads::Whole);
    }

    /// A statement looks at the rows with these keys.
    pub fn note_keys(&self, table: TableId, index: IndexId, range: &KeyRange) {
        self.note(table, |keys| keys.rows.entry(index).or_default().insert(range));
    }

    /// A check asks whether there are rows with these keys.
    pub fn note_presence(&self, table: TableId, index: IndexId, range: &KeyRange) {
        self.note(table, |keys| keys.presence.entry(index).or_default().insert(range));
    }

    /// A check looks through a table for rows with some keys.
    pub fn note_presence_anywhere(&self, table: TableId) {
        self.note(table, |keys| keys.presence_anywhere = true);
    }

    fn note(&self, table: TableId, add: impl FnOnce(&mut KeyReads)) {
        let reads = &mut *self.0.borrow_mut();
        let found = reads.tables.entry(table);
        match found.or_insert_with(|| TableReads::Keys(KeyReads::default())) {
            TableReads::Whole => return,
            TableReads::Keys(keys) => add(keys),
        }
        reads.runs_since_look += 1;
        if reads.runs_since_look >= RUNS_BETWEEN_LOOKS {
            reads.runs_since_look = 0;
            reads.coarsen();
        }
    }

    /// What was read until now.
    pub fn reads(&self) -> Ref<'_, Reads> {
        self.0.borrow()
    }
}

impl Reads {
    /// Each table with what was read of it.
    pub fn tables(&self) -> impl Iterator<Item = (TableId, &TableReads)> {
        self.tables.iter().map(|(id, reads)| (*id, reads))
    }

    /// Counts the largest tables as read whole until the rest is small enough.
    fn coarsen(&mut self) {
        loop {
            let sizes: Vec<usize> = self.tables.values().map(TableReads::bytes).collect();
            if sizes.iter().sum::<usize>() <= READ_SET_BYTES_MAX {
                return;
            }
            if let Some(largest) = self.tables.values_mut().max_by_key(|reads| reads.bytes()) {
                *largest = TableReads::Whole;
            }
        }
    }
}

impl TableReads {
    fn bytes(&self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Keys(KeyReads { rows, presence, .. }) => {
                rows.values().chain(presence.values()).map(KeySet::bytes).sum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::storage::schema::{
        Alterations, ColumnDefinition, Constraints, IndexColumn, IndexDefinition, Schema,
    };
    use crate::types::{DataType, ValueRef};

    #[test]
    fn many_runs_become_the_whole_table() {
        let (schema, definition) = keyed();
        let reads = ReadSet::default();
        let (few, many) = (TableId(1), TableId(2));
        let key = |number: i64| KeyRange::prefix(&schema, &definition, &[ValueRef::Int8(number)]);
        reads.note_keys(few, definition.id, &key(7));
        for number in 0..100_000 {
            // One apart: none touches another.
            reads.note_keys(many, definition.id, &key(2 * number));
        }
        let reads = reads.reads();
        assert!(matches!(reads.tables[&few], TableReads::Keys(_)));
        assert!(matches!(reads.tables[&many], TableReads::Whole));
    }

    #[test]
    fn keys_in_a_row_take_one_run() {
        let (schema, definition) = keyed();
        let reads = ReadSet::default();
        for number in 0..100_000 {
            let range = KeyRange::prefix(&schema, &definition, &[ValueRef::Int8(number)]);
            reads.note_keys(TableId(1), definition.id, &range);
        }
        assert!(reads.reads().tables[&TableId(1)].bytes() < 100);
    }

    /// A table with a primary key of one BIGINT.
    fn keyed() -> (Schema, IndexDefinition) {
        let column = IndexColumn { ordinal: 0, descending: false, nulls_first: false };
        let definition = IndexDefinition {
            id: IndexId(9),
            name: "t_pkey".into(),
            columns: vec![column],
            unique: true,
            constraint: true,
            primary: true,
        };
        let schema = Schema {
            table: TableId(1),
            name: "t".into(),
            columns: vec![ColumnDefinition {
                not_null: true,
                ..ColumnDefinition::nullable("id", DataType::Int8)
            }],
            indexes: vec![Arc::new(definition.clone())],
            constraints: Constraints::default(),
            alterations: Alterations::default(),
            structure: 1,
        };
        (schema, definition)
    }
}
