//! Columns.

use super::{CHARACTERS, INT4, NAME, yes};
use crate::error::Result;
use crate::storage::schema::{ColumnDefinition, Identity};
use crate::system::rows::{Cell, Rows};
use crate::system::source::{DATABASE, Relation, Source};
use crate::system::{row, text};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

/// Bytes that a character may take: what `character_octet_length` reckons with.
const CHARACTER_BYTES: i32 = 4;

/// `character_octet_length` of what has no limit.
const OCTETS_MAX: i32 = 1 << 30;

pub(super) const COLUMNS: &[(&str, DataType)] = &[
    ("table_catalog", NAME),
    ("table_schema", NAME),
    ("table_name", NAME),
    ("column_name", NAME),
    ("ordinal_position", INT4),
    ("column_default", CHARACTERS),
    ("is_nullable", CHARACTERS),
    ("data_type", CHARACTERS),
    ("character_maximum_length", INT4),
    ("character_octet_length", INT4),
    ("numeric_precision", INT4),
    ("numeric_precision_radix", INT4),
    ("numeric_scale", INT4),
    ("datetime_precision", INT4),
    ("interval_type", CHARACTERS),
    ("interval_precision", INT4),
    ("character_set_catalog", NAME),
    ("character_set_schema", NAME),
    ("character_set_name", NAME),
    ("collation_catalog", NAME),
    ("collation_schema", NAME),
    ("collation_name", NAME),
    ("domain_catalog", NAME),
    ("domain_schema", NAME),
    ("domain_name", NAME),
    ("udt_catalog", NAME),
    ("udt_schema", NAME),
    ("udt_name", NAME),
    ("scope_catalog", NAME),
    ("scope_schema", NAME),
    ("scope_name", NAME),
    ("maximum_cardinality", INT4),
    ("dtd_identifier", NAME),
    ("is_self_referencing", CHARACTERS),
    ("is_identity", CHARACTERS),
    ("identity_generation", CHARACTERS),
    ("identity_start", CHARACTERS),
    ("identity_increment", CHARACTERS),
    ("identity_maximum", CHARACTERS),
    ("identity_minimum", CHARACTERS),
    ("identity_cycle", CHARACTERS),
    ("is_generated", CHARACTERS),
    ("generation_expression", CHARACTERS),
    ("is_updatable", CHARACTERS),
];

pub(super) fn columns(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations() {
        for (ordinal, column) in relation.schema.columns.iter().enumerate() {
            add(source, &relation, ordinal, column, rows)?;
        }
    }
    Ok(())
}

fn add(
    source: &Source<'_>,
    relation: &Relation<'_>,
    ordinal: usize,
    column: &ColumnDefinition,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let data_type = column.data_type;
    let (characters, octets) = lengths(data_type);
    let (precision, radix, scale) = numeric(data_type);
    let datetime = datetime_precision(data_type);
    let number = ordinal as i32 + 1;
    let identity = column.identity.map(|identity| match identity {
        Identity::Always => "ALWAYS",
        Identity::ByDefault => "BY DEFAULT",
    });
    let sequence = column.sequences.first().filter(|_| identity.is_some());
    let sequence = sequence.and_then(|id| source.root.sequence(*id));
    let definition = sequence.map(|sequence| &sequence.definition);
    let written =
        |value: fn(&crate::storage::sequence::SequenceDefinition) -> i64| -> Option<String> {
            definition.map(|definition| value(definition).to_string())
        };
    let cycles = definition.is_some_and(|definition| definition.cycle);
    row!(rows;
        DATABASE, relation.namespace.name(), &relation.schema.name, &column.name, number, text::default(column),
        yes(!column.not_null), data_type_name(data_type), characters, octets, precision, radix, scale, datetime,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        DATABASE, if data_type.is_vector() { "public" } else { "pg_catalog" }, data_type.pg_name(),
        NULL, NULL, NULL, NULL, number.to_string(), "NO", yes(identity.is_some()), identity,
        written(|definition| definition.start), written(|definition| definition.increment),
        written(|definition| definition.max), written(|definition| definition.min), yes(cycles),
        "NEVER", NULL, yes(relation.kind.is_none()),
    )
}

/// The type as this schema calls it: one of an extension is USER-DEFINED.
fn data_type_name(data_type: DataType) -> &'static str {
    if data_type.is_vector() { "USER-DEFINED" } else { data_type.sql_name() }
}

/// The most characters, and bytes, of a text.
fn lengths(data_type: DataType) -> (Option<i32>, Option<i32>) {
    match data_type {
        DataType::Varchar(Some(length)) => {
            let length = length as i32;
            (Some(length), Some(length.saturating_mul(CHARACTER_BYTES)))
        }
        DataType::Varchar(None) | DataType::Text => (None, Some(OCTETS_MAX)),
        _ => (None, None),
    }
}

/// Precision in binary digits, radix and scale of a number.
pub(super) fn numeric(data_type: DataType) -> (Option<i32>, Option<i32>, Option<i32>) {
    let (precision, scale) = match data_type {
        DataType::Int2 => (16, Some(0)),
        DataType::Int4 => (32, Some(0)),
        DataType::Int8 => (64, Some(0)),
        DataType::Float4 => (24, None),
        DataType::Float8 => (53, None),
        _ => return (None, None, None),
    };
    (Some(precision), Some(2), scale)
}

/// Digits of a second's fraction.
fn datetime_precision(data_type: DataType) -> Option<i32> {
    match data_type {
        DataType::Date => Some(0),
        DataType::Time | DataType::Timestamp | DataType::TimestampTz | DataType::Interval => {
            Some(6)
        }
        _ => None,
    }
}
