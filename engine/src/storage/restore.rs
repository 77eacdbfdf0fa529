//! Tables filled from an image: chunks as they were written, indexes built in bulk when all rows are there.

use std::mem::discriminant;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::error::Result;
use crate::limits::CHUNK_ROWS_MAX;
use crate::storage::column::{Column, ColumnData};
use crate::storage::gauge::Gauge;
use crate::storage::index::{AddIndexError, Index};
use crate::storage::root::{Counters, Root};
use crate::storage::rows::Rows;
use crate::storage::schema::{ColumnDefinition, IndexDefinition, Schema};
use crate::storage::table::{Table, TableShared};
use crate::storage::{CommitNumber, RowId};
use crate::types::DataType;

/// A table that is being filled. It has no index yet.
#[derive(Debug)]
pub struct RestoredTable {
    schema: Arc<Schema>,
    rows: Rows,
    last: Option<RowId>,
    next_row_id: u64,
    gauge: Arc<Gauge>,
}

impl RestoredTable {
    /// An empty table whose row ids are all below `next_row_id`.
    pub fn new(schema: Schema, next_row_id: u64, gauge: &Arc<Gauge>) -> Self {
        let schema = Arc::new(schema);
        Self { schema, rows: Rows::default(), last: None, next_row_id, gauge: Arc::clone(gauge) }
    }

    /// Its shape.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of rows so far.
    pub fn row_count(&self) -> usize {
        self.rows.count
    }

    /// Adds rows behind those that are there, at most a chunk of them; or says what should have been.
    pub fn append(
        &mut self,
        ids: Vec<RowId>,
        columns: Vec<Column>,
    ) -> std::result::Result<(), &'static str> {
        let Some(last) = ids.last().copied().filter(|_| ids.len() <= CHUNK_ROWS_MAX) else {
            return Err("1 to 256 rows");
        };
        let is_ascending = ids.is_sorted_by(|left, right| left < right);
        if !is_ascending || self.last.is_some_and(|last| ids[0] <= last) {
            return Err("row ids that ascend");
        }
        if last.0 >= self.next_row_id {
            return Err("row ids below the table's next one");
        }
        let fits = |(definition, column): (&ColumnDefinition, &Column)| {
            column.len() == ids.len() && is_of(column, definition.data_type)
        };
        if columns.len() != self.schema.columns.len()
            || !self.schema.columns.iter().zip(&columns).all(fits)
        {
            return Err("the table's columns");
        }
        self.last = Some(last);
        self.rows.restore(ids, columns, &self.schema, &self.gauge);
        Ok(())
    }

    /// Builds one of its indexes from the rows.
    pub fn build_index(
        &self,
        definition: &Arc<IndexDefinition>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> std::result::Result<Index, AddIndexError> {
        Index::build(&self.schema, Arc::clone(definition), &self.rows, &self.gauge, check)
    }

    /// The table, with its indexes in the schema's order.
    pub fn finish(mut self, indexes: Vec<Index>) -> Table {
        let is_complete = self.schema.indexes.len() == indexes.len()
            && self.schema.indexes.iter().zip(&indexes).all(|(definition, index)| {
                definition == index.definition() && index.len() == self.rows.count
            });
        assert!(is_complete, "every index of the schema was built from all rows");
        self.rows.seal();
        let next_row_id = AtomicU64::new(self.next_row_id);
        let shared = Arc::new(TableShared { next_row_id, gauge: self.gauge });
        Table { schema: self.schema, rows: self.rows, indexes, shared }
    }
}

/// Whether a column holds values of a table's type.
fn is_of(column: &Column, data_type: DataType) -> bool {
    let empty = Column::with_capacity(data_type, 0);
    match (&column.data, &empty.data) {
        (ColumnData::Vector(vectors), ColumnData::Vector(declared)) => {
            vectors.dimensions() == declared.dimensions()
        }
        (data, declared) => discriminant(data) == discriminant(declared),
    }
}

impl Root {
    /// A database without tables after `commit`, whose counters go on from `counters`. Stamps begin anew: restored
    /// rows have stamp 0, which is never drawn, and nobody has older versions of them.
    pub fn restored(commit: CommitNumber, counters: Counters) -> Self {
        let mut root = Self::empty();
        root.commit = commit;
        root.shared().raise(counters);
        root
    }
}
