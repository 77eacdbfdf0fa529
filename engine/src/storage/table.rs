//! One version of one table: chunks in the persistent map, a small tail, indexes; and the one way to change them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::sabotage::{self, Break};
use crate::storage::change::{InsertedRows, Stamps, TableChange};
use crate::storage::chunk::{Chunk, ColumnSource};
use crate::storage::column::Column;
use crate::storage::difference::{Changes, RowDifference};
use crate::storage::gauge::Gauge;
use crate::storage::index::Index;
pub use crate::storage::index::{AddIndexError, DuplicateKey};
use crate::storage::maintain;
pub use crate::storage::row_id::RowIdReservation;
use crate::storage::rows::Rows;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::{IndexId, RowId, Stamp, TableId};
use crate::types::ValueRef;

/// One version of a table. A clone costs as much as it has indexes.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) schema: Arc<Schema>,
    pub(super) rows: Rows,
    pub(super) indexes: Vec<Index>,
    pub(super) shared: Arc<TableShared>,
}

/// What all versions of a table share.
#[derive(Debug)]
pub struct TableShared {
    /// The next row id to draw.
    pub next_row_id: AtomicU64,
    /// The database's counters.
    pub gauge: Arc<Gauge>,
}

impl Table {
    /// An empty table with the indexes of its schema.
    pub fn new(schema: Arc<Schema>, gauge: &Arc<Gauge>) -> Self {
        let shared = TableShared { next_row_id: AtomicU64::new(0), gauge: Arc::clone(gauge) };
        Self::empty(schema, Arc::new(shared))
    }

    fn empty(schema: Arc<Schema>, shared: Arc<TableShared>) -> Self {
        let indexes =
            schema.indexes.iter().map(|index| Index::new(&schema, Arc::clone(index))).collect();
        Self { schema, rows: Rows::default(), indexes, shared }
    }

    /// Its identity.
    pub fn id(&self) -> TableId {
        self.schema.table
    }

    /// Its shape.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// What its versions share.
    pub fn shared(&self) -> &Arc<TableShared> {
        &self.shared
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.rows.count
    }

    /// Bytes of its columns on the heap, added up over its chunks. Indexes count in the gauge only.
    pub fn heap_bytes(&self) -> usize {
        self.chunks().map(Chunk::column_bytes).sum()
    }

    /// Its chunks in row-id order, the tail last. None is without live rows.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.rows.iter()
    }

    /// The first chunk that has a row id of `id` or above: for walks that cannot hold an iterator (ask next for
    /// `chunk.last()` plus one).
    pub fn chunk_at_or_after(&self, id: RowId) -> Option<&Chunk> {
        self.rows.at_or_after(id)
    }

    /// The chunk and slot of a row that is not deleted.
    #[inline]
    pub fn find(&self, id: RowId) -> Option<(&Chunk, usize)> {
        self.rows.find(id)
    }

    /// One of its indexes.
    #[inline]
    pub fn index(&self, id: IndexId) -> Option<&Index> {
        self.indexes.iter().find(|index| index.definition().id == id)
    }

    /// Its indexes, as in the schema.
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// Draws `count` consecutive row ids, returning the first; never drawn again by any version.
    pub fn draw_row_ids(&self, count: usize) -> RowId {
        RowId(self.shared.next_row_id.fetch_add(count as u64, Ordering::Relaxed))
    }

    /// The row id that is drawn next: above all that were drawn.
    pub fn next_row_id(&self) -> RowId {
        RowId(self.shared.next_row_id.load(Ordering::Relaxed))
    }

    /// Row ids for a writer that does not know how many it needs: ranges that grow up to a chunk.
    pub fn reserve_row_ids(&self) -> RowIdReservation {
        RowIdReservation::new(&self.shared)
    }

    /// 54000 for a key of `change` that no index can hold: asked before [`Self::apply`].
    pub fn check_keys(&self, change: &TableChange) -> Result<()> {
        maintain::check_keys(&self.indexes, &self.rows, change)
    }

    /// 54000 for a row whose key no index can hold: asked before [`Self::insert_row`].
    pub fn check_row_keys(&self, values: &[ValueRef<'_>]) -> Result<()> {
        maintain::check_row_keys(&self.indexes, values)
    }

    /// Deletes, updates, inserts; or changes nothing and says which key exists already.
    ///
    /// The indexes go first, for only they can refuse, and undo what they did; so a failed statement costs no kept
    /// clone, which would make every later write copy.
    pub fn apply(&mut self, change: &TableChange) -> std::result::Result<(), DuplicateKey> {
        let forgotten = usize::from(sabotage::is(Break::ForgetIndex));
        let maintained = self.indexes.len().saturating_sub(forgotten);
        maintain::change_indexes(
            &mut self.indexes[..maintained],
            &self.rows,
            change,
            &self.shared.gauge,
        )?;
        self.rows.delete(&change.deleted);
        if let Some(updated) = &change.updated {
            self.rows.update(updated);
        }
        if let Some(inserted) = &change.inserted {
            self.rows.insert(inserted, &self.schema, &self.shared.gauge);
        }
        Ok(())
    }

    /// Whether any of `ids`, ascending, is a row.
    pub fn has_any_of(&self, ids: &[RowId]) -> bool {
        // What is recovered mostly inserts above everything.
        let above = ids.first().is_none_or(|first| self.rows.is_above(*first));
        !above && ids.iter().any(|id| self.find(*id).is_some())
    }

    /// Ids of the rows that `change` inserts, and those below, are never drawn again.
    pub fn raise_row_ids(&self, change: &TableChange) {
        if let Some(last) = change.inserted.as_ref().and_then(|inserted| inserted.ids.last()) {
            self.shared.next_row_id.fetch_max(last.0.saturating_add(1), Ordering::Relaxed);
        }
    }

    /// Takes over what changed between two other versions, as far as whole chunks can be taken by pointer: those in which
    /// only updates of columns without an index happened, and that this version has as the old one has them. Answers the
    /// rows that are left to [`Self::apply`].
    pub fn take_chunks(&mut self, changes: Changes<'_>) -> Vec<RowDifference> {
        changes.hand_over(self)
    }

    /// Inserts one row (values by ordinal, of the columns' types; `id` drawn and unused), or changes nothing.
    pub fn insert_row(
        &mut self,
        id: RowId,
        values: &[ValueRef<'_>],
        stamp: Stamp,
    ) -> std::result::Result<(), DuplicateKey> {
        debug_assert_eq!(values.len(), self.schema.columns.len());
        maintain::insert_row_keys(&mut self.indexes, id, values, &self.shared.gauge)?;
        if !self.rows.push(id, values, stamp, &self.schema, &self.shared.gauge) {
            self.insert_row_between(id, values, stamp);
        }
        Ok(())
    }

    /// A row whose id was drawn before those of rows that are here already.
    #[cold]
    fn insert_row_between(&mut self, id: RowId, values: &[ValueRef<'_>], stamp: Stamp) {
        let column = |(definition, value): (&super::schema::ColumnDefinition, &ValueRef<'_>)| {
            Column::repeat(definition.data_type, *value, 1)
        };
        let inserted = InsertedRows {
            ids: vec![id],
            values: self.schema.columns.iter().zip(values).map(column).collect(),
            stamps: Stamps::One(stamp),
        };
        self.rows.insert(&inserted, &self.schema, &self.shared.gauge);
    }

    /// Builds an index from the rows and adds it to the schema; `check` is called every 1,024 rows and may stop it.
    pub fn add_index(
        &mut self,
        definition: Arc<IndexDefinition>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> std::result::Result<(), AddIndexError> {
        let gauge = &self.shared.gauge;
        let index = Index::build(&self.schema, Arc::clone(&definition), &self.rows, gauge, check)?;
        self.indexes.push(index);
        Arc::make_mut(&mut self.schema).indexes.push(definition);
        Ok(())
    }

    /// Removes an index and takes it out of the schema.
    pub fn drop_index(&mut self, id: IndexId) {
        self.indexes.retain(|index| index.definition().id != id);
        Arc::make_mut(&mut self.schema).indexes.retain(|index| index.id != id);
    }

    /// The same table without rows, under a new structure number.
    #[must_use]
    pub fn truncated(&self, structure: u64) -> Self {
        let mut schema = Schema { structure, ..Schema::clone(&self.schema) };
        schema.alterations.contents = None;
        Self::empty(Arc::new(schema), Arc::clone(&self.shared))
    }

    /// The same rows under a schema with other columns, and those of the indexes that the schema has: none that is new.
    /// A column that this version has, by its number, keeps its values; a new one has what the schema says is missing.
    ///
    /// Costs some work for each chunk and none for its rows: chunks of one size share the values of a new column.
    #[must_use]
    pub fn reshaped(&self, schema: &Arc<Schema>) -> Self {
        let mut sources: Vec<ColumnSource> = (0..schema.columns.len())
            .map(|ordinal| match self.schema.ordinal_of_number(schema.number(ordinal)) {
                Some(kept) => ColumnSource::Kept(kept),
                None => ColumnSource::added(schema, ordinal),
            })
            .collect();
        let indexes = schema.indexes.iter().filter_map(|definition| {
            let mut index = self.index(definition.id)?.clone();
            index.rename(definition);
            Some(index)
        });
        let indexes = indexes.collect();
        let rows = self.rows.reshaped(&mut sources, &self.shared.gauge);
        Self { schema: Arc::clone(schema), rows, indexes, shared: Arc::clone(&self.shared) }
    }

    /// The same rows and indexes under a schema that differs in names, defaults or NOT NULL only.
    #[must_use]
    pub fn with_schema(&self, schema: Arc<Schema>) -> Self {
        assert_eq!(schema.columns.len(), self.schema.columns.len(), "the columns stay");
        assert_eq!(schema.indexes.len(), self.schema.indexes.len(), "the indexes stay");
        let mut table = Self { schema, ..self.clone() };
        for (index, definition) in table.indexes.iter_mut().zip(&table.schema.indexes) {
            index.rename(definition);
        }
        table
    }
}
