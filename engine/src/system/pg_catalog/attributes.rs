//! Columns with their defaults, and types.

use super::{BOOL, INT2, INT4, NAME, OID, TEXT};
use crate::error::Result;
use crate::storage::schema::{ColumnDefinition, Identity};
use crate::system::rows::{Cell, Rows};
use crate::system::source::Source;
use crate::system::{Namespace, oid, row, text};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

pub(super) const ATTRIBUTE: &[(&str, DataType)] = &[
    ("attrelid", OID),
    ("attname", NAME),
    ("atttypid", OID),
    ("attstattarget", INT4),
    ("attlen", INT2),
    ("attnum", INT2),
    ("attndims", INT4),
    ("attcacheoff", INT4),
    ("atttypmod", INT4),
    ("attbyval", BOOL),
    ("attalign", TEXT),
    ("attstorage", TEXT),
    ("attcompression", TEXT),
    ("attnotnull", BOOL),
    ("atthasdef", BOOL),
    ("atthasmissing", BOOL),
    ("attidentity", TEXT),
    ("attgenerated", TEXT),
    ("attisdropped", BOOL),
    ("attislocal", BOOL),
    ("attinhcount", INT4),
    ("attcollation", OID),
    ("attacl", TEXT),
    ("attoptions", TEXT),
    ("attfdwoptions", TEXT),
    ("attmissingval", TEXT),
];

pub(super) const TYPE: &[(&str, DataType)] = &[
    ("oid", OID),
    ("typname", NAME),
    ("typnamespace", OID),
    ("typowner", OID),
    ("typlen", INT2),
    ("typbyval", BOOL),
    ("typtype", TEXT),
    ("typcategory", TEXT),
    ("typispreferred", BOOL),
    ("typisdefined", BOOL),
    ("typdelim", TEXT),
    ("typrelid", OID),
    ("typsubscript", TEXT),
    ("typelem", OID),
    ("typarray", OID),
    ("typinput", TEXT),
    ("typoutput", TEXT),
    ("typreceive", TEXT),
    ("typsend", TEXT),
    ("typmodin", TEXT),
    ("typmodout", TEXT),
    ("typanalyze", TEXT),
    ("typalign", TEXT),
    ("typstorage", TEXT),
    ("typnotnull", BOOL),
    ("typbasetype", OID),
    ("typtypmod", INT4),
    ("typndims", INT4),
    ("typcollation", OID),
    ("typdefaultbin", TEXT),
    ("typdefault", TEXT),
    ("typacl", TEXT),
];

/// How a type is kept in PostgreSQL: bytes (-1 where they vary), whether it is passed by value, alignment.
fn layout(data_type: DataType) -> (i16, bool, &'static str) {
    match data_type {
        DataType::Bool => (1, true, "c"),
        DataType::Int2 => (2, true, "s"),
        DataType::Int4 | DataType::Float4 | DataType::Date => (4, true, "i"),
        DataType::Int8
        | DataType::Float8
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz => (8, true, "d"),
        DataType::Interval => (16, false, "d"),
        DataType::Text | DataType::Varchar(_) | DataType::Unknown | DataType::Vector(_) => {
            (-1, false, "i")
        }
    }
}

fn storage(bytes: i16) -> &'static str {
    if bytes < 0 { "x" } else { "p" }
}

fn collation(data_type: DataType) -> i64 {
    if matches!(data_type, DataType::Text | DataType::Varchar(_)) { oid::COLLATION } else { 0 }
}

pub(super) fn attributes(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations() {
        let schema = relation.schema;
        for (ordinal, column) in schema.columns.iter().enumerate() {
            add(oid::table(schema.table), ordinal, column, rows)?;
        }
        for index in &schema.indexes {
            for (ordinal, key) in index.columns.iter().enumerate() {
                let ColumnDefinition { name, data_type, .. } = &schema.columns[key.ordinal];
                let column = ColumnDefinition::nullable(name, *data_type);
                add(oid::index(index.id), ordinal, &column, rows)?;
            }
        }
    }
    Ok(())
}

fn add(
    relation: i64,
    ordinal: usize,
    column: &ColumnDefinition,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let data_type = column.data_type;
    let (bytes, by_value, alignment) = layout(data_type);
    let identity = match column.identity {
        Some(Identity::Always) => "a",
        Some(Identity::ByDefault) => "d",
        None => "",
    };
    row!(rows;
        relation, &column.name, oid::data_type(data_type), -1, bytes, ordinal as i16 + 1, 0, -1,
        oid::modifier(data_type), by_value, alignment, storage(bytes), "", column.not_null,
        column.default.is_some(), false, identity, "", false, true, 0, collation(data_type), NULL, NULL, NULL, NULL,
    )
}

pub(super) fn defaults(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for table in source.tables() {
        let schema = table.schema();
        for (ordinal, column) in schema.columns.iter().enumerate() {
            if let Some(default) = text::default(column) {
                let number = oid::named(schema.table, "default", &column.name);
                row!(rows; number, oid::table(schema.table), ordinal as i16 + 1, default)?;
            }
        }
    }
    Ok(())
}

pub(super) fn types(_: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for data_type in oid::TYPES {
        let (bytes, by_value, alignment) = layout(data_type);
        let namespace = if data_type.is_vector() { Namespace::Public } else { Namespace::Catalog };
        let (category, is_preferred) = category(data_type);
        row!(rows;
            oid::data_type(data_type), data_type.pg_name(), oid::namespace(namespace), oid::ROLE, bytes, by_value,
            "b", category, is_preferred, true, ",", 0_i64, NULL, 0_i64, 0_i64, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, alignment, storage(bytes), false, 0_i64, -1, 0, collation(data_type), NULL, NULL, NULL,
        )?;
    }
    Ok(())
}

/// PostgreSQL's category of a type, and whether it is the preferred one of that.
fn category(data_type: DataType) -> (&'static str, bool) {
    match data_type {
        DataType::Bool => ("B", true),
        DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Float4 => ("N", false),
        DataType::Float8 => ("N", true),
        DataType::Date | DataType::Time | DataType::Timestamp => ("D", false),
        DataType::TimestampTz => ("D", true),
        DataType::Interval => ("T", true),
        DataType::Text | DataType::Unknown => ("S", true),
        DataType::Varchar(_) => ("S", false),
        DataType::Vector(_) => ("U", false),
    }
}
