//! Indexes.

use super::{BOOL, INT2, OID, TEXT};
use crate::error::Result;
use crate::system::rows::{Cell, Rows};
use crate::system::source::Source;
use crate::system::{oid, row, text};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

pub(super) const INDEX: &[(&str, DataType)] = &[
    ("indexrelid", OID),
    ("indrelid", OID),
    ("indnatts", INT2),
    ("indnkeyatts", INT2),
    ("indisunique", BOOL),
    ("indnullsnotdistinct", BOOL),
    ("indisprimary", BOOL),
    ("indisexclusion", BOOL),
    ("indimmediate", BOOL),
    ("indisclustered", BOOL),
    ("indisvalid", BOOL),
    ("indcheckxmin", BOOL),
    ("indisready", BOOL),
    ("indislive", BOOL),
    ("indisreplident", BOOL),
    ("indkey", TEXT),
    ("indcollation", TEXT),
    ("indclass", TEXT),
    ("indoption", TEXT),
    ("indexprs", TEXT),
    ("indpred", TEXT),
];

/// Numbers as PostgreSQL writes an `int2vector`.
fn spaced<T: ToString>(numbers: impl Iterator<Item = T>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

pub(super) fn indexes(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for table in source.tables() {
        let schema = table.schema();
        for index in &schema.indexes {
            let width = index.columns.len() as i16;
            let keys = spaced(index.columns.iter().map(|key| key.ordinal + 1));
            let options = spaced(
                index
                    .columns
                    .iter()
                    .map(|key| i32::from(key.descending) | i32::from(key.nulls_first) << 1),
            );
            let collations = spaced(index.columns.iter().map(|key| {
                let data_type = schema.columns[key.ordinal].data_type;
                if data_type.is_text() { oid::COLLATION } else { 0 }
            }));
            let classes = spaced(index.columns.iter().map(|_| 0));
            row!(rows;
                oid::index(index.id), oid::table(schema.table), width, width, index.unique, false, index.primary, false,
                true, false, true, false, true, true, false, keys, collations, classes, options, NULL, NULL,
            )?;
        }
    }
    Ok(())
}

pub(super) fn index_definitions(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for table in source.tables() {
        let schema = table.schema();
        for index in &schema.indexes {
            row!(rows; "public", &schema.name, &index.name, NULL, text::index(schema, index))?;
        }
    }
    Ok(())
}
