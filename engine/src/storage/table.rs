//! One version of one table: chunks in the persistent map, a small tail, indexes; and the one way to change them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::error::{Error, Result};
use crate::storage::change::TableChange;
use crate::storage::chunk::Chunk;
use crate::storage::gauge::Gauge;
use crate::storage::index::Index;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::{IndexId, RowId, Stamp, TableId};
use crate::types::{Value, ValueRef};

/// One version of a table. A clone costs as much as it has indexes.
#[derive(Clone, Debug)]
pub struct Table {
    schema: Arc<Schema>,
    shared: Arc<TableShared>,
}

/// What all versions of a table share.
#[derive(Debug)]
pub struct TableShared {
    /// The next row id to draw.
    pub next_row_id: AtomicU64,
    /// The database's counters.
    pub gauge: Arc<Gauge>,
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

/// Row ids that a writer has drawn and not used yet; what is left returns when nobody has drawn since.
#[derive(Debug)]
pub struct RowIdReservation {
    shared: Arc<TableShared>,
}

impl RowIdReservation {
    /// The next id, above all that this reservation gave before.
    pub fn next_id(&mut self) -> RowId {
        unimplemented!("{:?}", self.shared)
    }

    /// The next `count` ids, ascending.
    pub fn next_ids(&mut self, count: usize) -> Vec<RowId> {
        (0..count).map(|_| self.next_id()).collect()
    }
}

impl Table {
    /// An empty table with the indexes of its schema.
    pub fn new(schema: Arc<Schema>, gauge: &Arc<Gauge>) -> Self {
        unimplemented!("{schema:?} {gauge:?}")
    }

    /// Its identity.
    pub fn id(&self) -> TableId {
        self.schema.table
    }

    /// Its shape.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        unimplemented!()
    }

    /// Estimate of the bytes of its rows and indexes on the heap.
    pub fn heap_bytes(&self) -> usize {
        unimplemented!()
    }

    /// Its chunks in row-id order, the tail last. None is without live rows.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        std::iter::empty()
    }

    /// The first chunk that has a row id of `id` or above: for walks that cannot hold an iterator (ask next for
    /// `chunk.last()` plus one).
    pub fn chunk_at_or_after(&self, id: RowId) -> Option<&Chunk> {
        unimplemented!("{id:?}")
    }

    /// The chunk and slot of a row that is not deleted.
    #[inline]
    pub fn find(&self, id: RowId) -> Option<(&Chunk, usize)> {
        unimplemented!("{id:?}")
    }

    /// One of its indexes.
    pub fn index(&self, id: IndexId) -> Option<&Index> {
        unimplemented!("{id:?}")
    }

    /// Draws `count` consecutive row ids, returning the first; never drawn again by any version.
    pub fn draw_row_ids(&self, count: usize) -> RowId {
        unimplemented!("{count}")
    }

    /// Row ids for a writer that does not know how many it needs: ranges that grow up to a chunk.
    pub fn reserve_row_ids(&self) -> RowIdReservation {
        RowIdReservation { shared: Arc::clone(&self.shared) }
    }

    /// 54000 for a key of `change` that no index can hold: asked before [`Self::apply`].
    pub fn check_keys(&self, change: &TableChange) -> Result<()> {
        unimplemented!("{change:?}")
    }

    /// 54000 for a row whose key no index can hold: asked before [`Self::insert_row`].
    pub fn check_row_keys(&self, values: &[ValueRef<'_>]) -> Result<()> {
        unimplemented!("{values:?}")
    }

    /// Deletes, updates, inserts; or changes nothing and says which key exists already.
    pub fn apply(&mut self, change: &TableChange) -> std::result::Result<(), DuplicateKey> {
        unimplemented!("{change:?}")
    }

    /// Inserts one row (values by ordinal, of the columns' types; `id` drawn and unused), or changes nothing.
    pub fn insert_row(
        &mut self,
        id: RowId,
        values: &[ValueRef<'_>],
        stamp: Stamp,
    ) -> std::result::Result<(), DuplicateKey> {
        unimplemented!("{id:?} {values:?} {stamp:?}")
    }

    /// Builds an index from the rows and adds it to the schema; `check` is called every 1,024 rows and may stop it.
    pub fn add_index(
        &mut self,
        definition: Arc<IndexDefinition>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> std::result::Result<(), AddIndexError> {
        check().map_err(AddIndexError::Stopped)?;
        unimplemented!("{definition:?}")
    }

    /// Removes an index and takes it out of the schema.
    pub fn drop_index(&mut self, id: IndexId) {
        unimplemented!("{id:?}")
    }

    /// The same table without rows, under a new structure number.
    #[must_use]
    pub fn truncated(&self, structure: u64) -> Self {
        unimplemented!("{structure}")
    }

    /// The same rows and indexes under a schema that differs in names, defaults or NOT NULL only.
    #[must_use]
    pub fn with_schema(&self, schema: Arc<Schema>) -> Self {
        unimplemented!("{schema:?}")
    }
}
