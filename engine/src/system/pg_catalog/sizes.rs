//! Rows and memory of tables and indexes: `spg_stat_tables`, `pg_stat_user_tables`.

use super::{INT8, NAME, OID, TEXT};
use crate::error::Result;
use crate::system::rows::{Cell, Rows};
use crate::system::source::Source;
use crate::system::{oid, row};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

pub(super) const TABLES: &[(&str, DataType)] = &[
    ("schemaname", NAME),
    ("relname", NAME),
    ("indexname", NAME),
    ("kind", TEXT),
    ("rows", INT8),
    ("bytes", INT8),
    ("chunks", INT8),
];

pub(super) const USER_TABLES: &[(&str, DataType)] = &[
    ("relid", OID),
    ("schemaname", NAME),
    ("relname", NAME),
    ("n_live_tup", INT8),
    ("n_dead_tup", INT8),
];

/// The ordinals of `bytes` and `chunks`, which take a walk over the table.
const BYTES: usize = 5;
const CHUNKS: usize = 6;

pub(super) fn tables(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for table in source.tables() {
        let schema = table.schema();
        let bytes = if rows.is_wanted(BYTES) { table.heap_bytes() } else { 0 };
        let chunks = if rows.is_wanted(CHUNKS) { table.chunks().count() } else { 0 };
        row!(rows;
            "public", &schema.name, NULL, "table", table.row_count() as i64, bytes as i64, chunks as i64,
        )?;
        for index in table.indexes() {
            let bytes = if rows.is_wanted(BYTES) { index.heap_bytes() } else { 0 };
            row!(rows;
                "public", &schema.name, &index.definition().name, "index", index.len() as i64, bytes as i64, NULL,
            )?;
        }
    }
    Ok(())
}

/// Nothing is dead here: a row that is deleted is gone from the versions that follow.
pub(super) fn user_tables(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for table in source.tables() {
        let schema = table.schema();
        row!(rows; oid::table(schema.table), "public", &schema.name, table.row_count() as i64, 0_i64)?;
    }
    Ok(())
}
