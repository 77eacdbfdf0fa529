//! One version of the whole database.

use std::sync::Arc;

use crate::storage::gauge::Gauge;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::table::Table;
use crate::storage::{CommitNumber, IndexId, Stamp, TableId};

/// One version of the database: names and tables. A clone costs nothing that grows with the data.
#[derive(Clone, Debug)]
pub struct Root {
    /// The commit that made it.
    pub commit: CommitNumber,
    /// Drawn anew by every change of any schema; what cached plans are valid for.
    pub schema_version: u64,
    shared: Arc<Shared>,
}

/// What all roots of a database share: counters whose numbers are never used twice, and the gauge.
#[derive(Debug, Default)]
pub struct Shared {
    gauge: Arc<Gauge>,
}

impl Shared {
    /// A new table's identity.
    pub fn draw_table_id(&self) -> TableId {
        unimplemented!()
    }

    /// A new index's identity, from the same counter.
    pub fn draw_index_id(&self) -> IndexId {
        unimplemented!()
    }

    /// A writing transaction's stamp.
    pub fn draw_stamp(&self) -> Stamp {
        unimplemented!()
    }

    /// A new schema version, or a table's structure number.
    pub fn draw_schema_version(&self) -> u64 {
        unimplemented!()
    }

    /// The counters of what is alive.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }
}

impl Root {
    /// An empty database at commit 0.
    pub fn empty() -> Self {
        unimplemented!()
    }

    /// What all its versions share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A table by identity.
    pub fn table(&self, id: TableId) -> Option<&Arc<Table>> {
        unimplemented!("{id:?}")
    }

    /// A table by name.
    pub fn table_by_name(&self, name: &str) -> Option<&Arc<Table>> {
        unimplemented!("{name}")
    }

    /// An index by name, with its table.
    pub fn index_by_name(&self, name: &str) -> Option<(&Arc<Table>, &Arc<IndexDefinition>)> {
        unimplemented!("{name}")
    }

    /// Whether a table or an index has this name: they share one namespace.
    pub fn has_relation(&self, name: &str) -> bool {
        unimplemented!("{name}")
    }

    /// The tables in name order.
    pub fn tables_by_name(&self) -> impl Iterator<Item = &Arc<Table>> {
        std::iter::empty()
    }

    /// The tables in identity order.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        std::iter::empty()
    }

    /// A table to change rows of; the first call after a clone of the root copies the table's head, not its rows.
    /// What changes its schema goes through [`Self::replace_table`].
    pub fn table_mut(&mut self, id: TableId) -> Option<&mut Table> {
        unimplemented!("{id:?}")
    }

    /// Adds an empty table (ids drawn by the caller, names free) and draws a schema version.
    pub fn create_table(&mut self, schema: Schema) -> TableId {
        unimplemented!("{schema:?}")
    }

    /// Removes a table with its names and draws a schema version; what it was, if it was there.
    pub fn drop_table(&mut self, id: TableId) -> Option<Arc<Table>> {
        unimplemented!("{id:?}")
    }

    /// Puts a table in the place of its version here (or adds it), takes over its names, and draws a schema version
    /// if the schema is another.
    pub fn replace_table(&mut self, table: Arc<Table>) {
        unimplemented!("{table:?}")
    }
}
