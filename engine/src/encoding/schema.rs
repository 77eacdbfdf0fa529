//! A table's shape on disk.
//!
//! | part | meaning |
//! |---|---|
//! | version, varint | 1; 2 where a column owns sequences; 3 where there are additions |
//! | table, structure | varints |
//! | name | length (varint) and UTF-8, as all names and texts here |
//! | columns | varint count; each: name; type; 1 byte of flags: bit 0 NOT NULL, bit 1 a DEFAULT follows; its text; from version 2 on: sequences |
//! | sequences | those that a column owns: varint count; each id as varint; if there are any, 1 byte: 0, or how the first one makes it an identity: 1 ALWAYS, 2 BY DEFAULT |
//! | type | 1 byte: 1 bool, 2 int2, 3 int4, 4 int8, 5 float4, 6 float8, 7 text, 8 varchar, 9 vector, 10 date, 11 time, 12 timestamp, 13 timestamptz, 14 interval; of varchar and vector a varint: n, of varchar 0 without one |
//! | indexes | varint count; each: id as varint; name; 1 byte of flags: bit 0 unique, bit 1 of a constraint, bit 2 primary; key columns |
//! | key columns | varint count; each: ordinal as varint; 1 byte of flags: bit 0 DESC, bit 1 NULLS FIRST |
//! | additions | version 3 only: varint count; each: its kind as varint, in ascending order; its length as varint; its bytes |
//! | addition 1 | CHECK constraints: varint count, not 0; each: name; the condition's text |
//! | addition 2 | varint: the structure number under which its rows were begun anew last |
//! | addition 3 | the columns' numbers: a varint for each column |
//! | addition 4 | values missing from rows: varint count, not 0; each: the column's number as varint; a column of one row |
//! | addition 5 | FOREIGN KEYs: varint count, not 0; each: name; the other table's id and its index's as varints; varint count of columns, each: its number and the other's as varints; 3 bytes: 1 for MATCH FULL, ON DELETE, ON UPDATE: 0 NO ACTION, 1 RESTRICT, 2 CASCADE, 3 SET NULL, 4 SET DEFAULT |
//!
//! What is added later becomes another kind of addition.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{DecodeError, Reader, decode_column, encode_column, put_bytes, put_varint};
use crate::limits::{COLUMNS_MAX, INDEX_COLUMNS_MAX, VARCHAR_LENGTH_MAX, VECTOR_DIMENSIONS_MAX};
use crate::storage::column::Column;
use crate::storage::schema::{
    Alterations, CheckConstraint, ColumnDefinition, Constraints, ForeignKey, Identity, IndexColumn,
    IndexDefinition, ReferentialAction, Schema,
};
use crate::storage::sequence::SequenceId;
use crate::storage::{IndexId, TableId};
use crate::types::{DataType, Value};

/// The version that is written where nothing of a later one is needed.
const VERSION: u64 = 1;

/// The version in which columns own sequences.
const VERSION_WITH_SEQUENCES: u64 = 2;

/// The version that ends in additions.
const VERSION_WITH_ADDITIONS: u64 = 3;

const ADDITION_CHECKS: u64 = 1;
const ADDITION_CONTENTS: u64 = 2;
const ADDITION_NUMBERS: u64 = 3;
const ADDITION_MISSING: u64 = 4;
const ADDITION_FOREIGN_KEYS: u64 = 5;

/// Appends a table's shape.
pub fn encode_schema(schema: &Schema, out: &mut Vec<u8>) {
    let additions = additions(schema);
    let with_sequences = !additions.is_empty() || schema.sequences().next().is_some();
    put_varint(
        out,
        match (additions.is_empty(), with_sequences) {
            (false, _) => VERSION_WITH_ADDITIONS,
            (true, true) => VERSION_WITH_SEQUENCES,
            (true, false) => VERSION,
        },
    );
    put_varint(out, schema.table.0);
    put_varint(out, schema.structure);
    put_bytes(out, schema.name.as_bytes());
    put_varint(out, schema.columns.len() as u64);
    for column in &schema.columns {
        put_bytes(out, column.name.as_bytes());
        encode_type(column.data_type, out);
        out.push(flags([column.not_null, column.default.is_some(), false]));
        if let Some(default) = &column.default {
            put_bytes(out, default.as_bytes());
        }
        if with_sequences {
            encode_owned(column, out);
        }
    }
    put_varint(out, schema.indexes.len() as u64);
    for index in &schema.indexes {
        put_varint(out, index.id.0);
        put_bytes(out, index.name.as_bytes());
        out.push(flags([index.unique, index.constraint, index.primary]));
        put_varint(out, index.columns.len() as u64);
        for column in &index.columns {
            put_varint(out, column.ordinal as u64);
            out.push(flags([column.descending, column.nulls_first, false]));
        }
    }
    if !additions.is_empty() {
        put_varint(out, additions.len() as u64);
        for (kind, bytes) in additions {
            put_varint(out, kind);
            put_bytes(out, &bytes);
        }
    }
}

/// What former versions had no place for: kinds with their bytes.
fn additions(schema: &Schema) -> Vec<(u64, Vec<u8>)> {
    let mut additions = Vec::new();
    let mut add = |kind, encode: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        additions.push((kind, bytes));
    };
    let checks = &schema.constraints.checks;
    if !checks.is_empty() {
        add(ADDITION_CHECKS, &|out| encode_checks(checks, out));
    }
    let Alterations { contents, numbers, missing } = &schema.alterations;
    if let Some(contents) = contents {
        add(ADDITION_CONTENTS, &|out| put_varint(out, *contents));
    }
    if !numbers.is_empty() {
        add(ADDITION_NUMBERS, &|out| numbers.iter().for_each(|number| put_varint(out, *number)));
    }
    if !missing.is_empty() {
        add(ADDITION_MISSING, &|out| encode_missing(schema, out));
    }
    let foreign_keys = &schema.constraints.foreign_keys;
    if !foreign_keys.is_empty() {
        add(ADDITION_FOREIGN_KEYS, &|out| encode_foreign_keys(foreign_keys, out));
    }
    additions
}

fn encode_missing(schema: &Schema, out: &mut Vec<u8>) {
    let missing = &schema.alterations.missing;
    put_varint(out, missing.len() as u64);
    for (number, value) in missing {
        put_varint(out, *number);
        let ordinal = schema.ordinal_of_number(*number);
        let definition = ordinal.and_then(|ordinal| schema.columns.get(ordinal));
        let data_type = definition.map_or(DataType::Unknown, |definition| definition.data_type);
        encode_column(&Column::repeat(data_type, value.as_ref(), 1), 0..1, out);
    }
}

fn encode_checks(checks: &[CheckConstraint], out: &mut Vec<u8>) {
    put_varint(out, checks.len() as u64);
    for check in checks {
        put_bytes(out, check.name.as_bytes());
        put_bytes(out, check.condition.as_bytes());
    }
}

fn encode_owned(column: &ColumnDefinition, out: &mut Vec<u8>) {
    put_varint(out, column.sequences.len() as u64);
    for sequence in &column.sequences {
        put_varint(out, sequence.0);
    }
    if !column.sequences.is_empty() {
        out.push(match column.identity {
            None => 0,
            Some(Identity::Always) => 1,
            Some(Identity::ByDefault) => 2,
        });
    }
}

fn flags([first, second, third]: [bool; 3]) -> u8 {
    u8::from(first) | u8::from(second) << 1 | u8::from(third) << 2
}

fn encode_type(data_type: DataType, out: &mut Vec<u8>) {
    let (tag, modifier) = match data_type {
        DataType::Bool => (1, None),
        DataType::Int2 => (2, None),
        DataType::Int4 => (3, None),
        DataType::Int8 => (4, None),
        DataType::Float4 => (5, None),
        DataType::Float8 => (6, None),
        DataType::Text | DataType::Unknown => (7, None),
        DataType::Varchar(length) => (8, Some(length.unwrap_or(0))),
        DataType::Vector(dimensions) => (9, Some(u32::from(dimensions.unwrap_or(0)))),
        DataType::Date => (10, None),
        DataType::Time => (11, None),
        DataType::Timestamp => (12, None),
        DataType::TimestampTz => (13, None),
        DataType::Interval => (14, None),
    };
    out.push(tag);
    if let Some(modifier) = modifier {
        put_varint(out, u64::from(modifier));
    }
}

/// Reads a table's shape: what [`encode_schema`] wrote.
pub fn decode_schema(reader: &mut Reader<'_>) -> Result<Schema, DecodeError> {
    let version = reader.varint()?;
    if !(VERSION..=VERSION_WITH_ADDITIONS).contains(&version) {
        return Err(reader.error_found("version 1 to 3 of a schema before", version));
    }
    let table = TableId(reader.varint()?);
    let structure = reader.varint()?;
    let name = decode_name(reader)?;
    let columns = decode_columns(reader, version)?;
    let count = reader.count(4)?;
    let mut indexes = Vec::new();
    for _ in 0..count {
        indexes.push(Arc::new(decode_index(reader, &columns)?));
    }
    let names: BTreeSet<&str> = indexes.iter().map(|index| &*index.name).chain([&*name]).collect();
    let ids: BTreeSet<u64> = indexes.iter().map(|index| index.id.0).chain([table.0]).collect();
    let relations = indexes.len().saturating_add(1);
    let primary = indexes.iter().filter(|index| index.primary).count();
    if names.len() != relations || ids.len() != relations || primary > 1 {
        return Err(reader.error("indexes of different names and identities before"));
    }
    let mut schema = Schema {
        table,
        name,
        columns,
        indexes,
        constraints: Constraints::default(),
        alterations: Alterations::default(),
        structure,
    };
    if version == VERSION_WITH_ADDITIONS {
        decode_additions(reader, &mut schema)?;
    }
    Ok(schema)
}

fn decode_additions(reader: &mut Reader<'_>, schema: &mut Schema) -> Result<(), DecodeError> {
    let mut last = 0;
    for _ in 0..reader.count(2)? {
        let kind = reader.varint()?;
        let mut addition = Reader::new(reader.bytes()?);
        if kind <= last {
            return Err(reader.error_found("additions to a schema in order before", kind));
        }
        last = kind;
        match kind {
            ADDITION_CHECKS => schema.constraints.checks = decode_checks(&mut addition)?,
            ADDITION_CONTENTS => schema.alterations.contents = Some(addition.varint()?),
            ADDITION_NUMBERS => {
                schema.alterations.numbers = decode_numbers(&mut addition, schema.columns.len())?;
            }
            ADDITION_FOREIGN_KEYS => {
                schema.constraints.foreign_keys = decode_foreign_keys(&mut addition, schema)?;
            }
            ADDITION_MISSING => schema.alterations.missing = decode_missing(&mut addition, schema)?,
            _ => return Err(reader.error_found("a known addition to a schema before", kind)),
        }
        addition.end()?;
    }
    if last == 0 || schema.repeated_constraint().is_some() {
        return Err(reader.error("additions with constraints of different names before"));
    }
    Ok(())
}

fn encode_foreign_keys(keys: &[Arc<ForeignKey>], out: &mut Vec<u8>) {
    put_varint(out, keys.len() as u64);
    for key in keys {
        put_bytes(out, key.name.as_bytes());
        put_varint(out, key.table.0);
        put_varint(out, key.index.0);
        put_varint(out, key.columns.len() as u64);
        for (own, others) in &key.columns {
            put_varint(out, *own);
            put_varint(out, *others);
        }
        out.push(u8::from(key.match_full));
        for action in [key.on_delete, key.on_update] {
            out.push(ACTIONS.iter().position(|other| *other == action).unwrap_or(0) as u8);
        }
    }
}

/// By what they are on disk.
const ACTIONS: [ReferentialAction; 5] = [
    ReferentialAction::NoAction,
    ReferentialAction::Restrict,
    ReferentialAction::Cascade,
    ReferentialAction::SetNull,
    ReferentialAction::SetDefault,
];

fn decode_foreign_keys(
    reader: &mut Reader<'_>,
    schema: &Schema,
) -> Result<Vec<Arc<ForeignKey>>, DecodeError> {
    let mut keys = Vec::new();
    for _ in 0..reader.count(8)? {
        let name = decode_name(reader)?;
        let (table, index) = (TableId(reader.varint()?), IndexId(reader.varint()?));
        let mut columns = Vec::new();
        for _ in 0..reader.count(2)? {
            let (own, others) = (reader.varint()?, reader.varint()?);
            if schema.ordinal_of_number(own).is_none() {
                return Err(reader.error_found("the number of a column before", own));
            }
            columns.push((own, others));
        }
        let match_full = reader.bool()?;
        let (on_delete, on_update) = (decode_action(reader)?, decode_action(reader)?);
        if columns.is_empty() {
            return Err(reader.error("columns of a foreign key before"));
        }
        let key = ForeignKey { name, table, index, columns, match_full, on_delete, on_update };
        keys.push(Arc::new(key));
    }
    if keys.is_empty() { Err(reader.error("a foreign key before")) } else { Ok(keys) }
}

fn decode_action(reader: &mut Reader<'_>) -> Result<ReferentialAction, DecodeError> {
    let action = reader.u8()?;
    let known = ACTIONS.get(usize::from(action)).copied();
    known.ok_or_else(|| reader.error_found("an action of a foreign key before", u64::from(action)))
}

fn decode_numbers(reader: &mut Reader<'_>, columns: usize) -> Result<Vec<u64>, DecodeError> {
    let mut numbers = Vec::with_capacity(columns);
    for _ in 0..columns {
        numbers.push(reader.varint()?);
    }
    if numbers.is_empty() || numbers.iter().collect::<BTreeSet<_>>().len() != columns {
        return Err(reader.error("columns of different numbers before"));
    }
    Ok(numbers)
}

fn decode_missing(
    reader: &mut Reader<'_>,
    schema: &Schema,
) -> Result<Vec<(u64, Value)>, DecodeError> {
    let mut missing: Vec<(u64, Value)> = Vec::new();
    for _ in 0..reader.count(2)? {
        let number = reader.varint()?;
        let ordinal = schema.ordinal_of_number(number);
        let Some(definition) = ordinal.and_then(|ordinal| schema.columns.get(ordinal)) else {
            return Err(reader.error_found("the number of a column before", number));
        };
        if missing.iter().any(|(other, _)| *other == number) {
            return Err(reader.error_found("one missing value of a column before", number));
        }
        missing.push((number, decode_column(reader, definition.data_type, 1)?.get(0).to_value()));
    }
    if missing.is_empty() {
        return Err(reader.error("a missing value before"));
    }
    Ok(missing)
}

fn decode_checks(reader: &mut Reader<'_>) -> Result<Vec<CheckConstraint>, DecodeError> {
    let count = reader.count(2)?;
    if count == 0 {
        return Err(reader.error("a CHECK constraint before"));
    }
    let mut checks = Vec::new();
    for _ in 0..count {
        let name = decode_name(reader)?;
        checks.push(CheckConstraint { name, condition: Arc::from(reader.text()?) });
    }
    Ok(checks)
}

fn decode_name(reader: &mut Reader<'_>) -> Result<Arc<str>, DecodeError> {
    reader.text().map(Arc::from)
}

/// A byte of flags, the first in bit 0.
fn decode_flags<const N: usize>(reader: &mut Reader<'_>) -> Result<[bool; N], DecodeError> {
    let byte = reader.u8()?;
    if byte.checked_shr(N as u32).unwrap_or(0) != 0 {
        return Err(reader.error("known flags before"));
    }
    Ok(std::array::from_fn(|bit| byte.checked_shr(bit as u32).unwrap_or(0) & 1 == 1))
}

fn decode_columns(
    reader: &mut Reader<'_>,
    version: u64,
) -> Result<Vec<ColumnDefinition>, DecodeError> {
    let count = reader.count(3)?;
    if count > COLUMNS_MAX {
        return Err(reader.error_found("at most 1600 columns before", count as u64));
    }
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        let name = decode_name(reader)?;
        let data_type = decode_type(reader)?;
        let [not_null, has_default] = decode_flags(reader)?;
        let default = if has_default { Some(Arc::from(reader.text()?)) } else { None };
        let (sequences, identity) = if version >= VERSION_WITH_SEQUENCES {
            decode_owned(reader)?
        } else {
            (Vec::new(), None)
        };
        columns.push(ColumnDefinition { name, data_type, not_null, default, sequences, identity });
    }
    let names: BTreeSet<&str> = columns.iter().map(|column| &*column.name).collect();
    if names.len() != count {
        return Err(reader.error("columns of different names before"));
    }
    Ok(columns)
}

fn decode_owned(
    reader: &mut Reader<'_>,
) -> Result<(Vec<SequenceId>, Option<Identity>), DecodeError> {
    let count = reader.count(1)?;
    let mut sequences = Vec::with_capacity(count);
    for _ in 0..count {
        sequences.push(SequenceId(reader.varint()?));
    }
    if count == 0 {
        return Ok((sequences, None));
    }
    let identity = match reader.u8()? {
        0 => None,
        1 => Some(Identity::Always),
        2 => Some(Identity::ByDefault),
        other => return Err(reader.error_found("a kind of identity before", u64::from(other))),
    };
    Ok((sequences, identity))
}

fn decode_type(reader: &mut Reader<'_>) -> Result<DataType, DecodeError> {
    let tag = reader.u8()?;
    Ok(match tag {
        1 => DataType::Bool,
        2 => DataType::Int2,
        3 => DataType::Int4,
        4 => DataType::Int8,
        5 => DataType::Float4,
        6 => DataType::Float8,
        7 => DataType::Text,
        8 => match reader.varint()? {
            0 => DataType::Varchar(None),
            length if length <= u64::from(VARCHAR_LENGTH_MAX) => {
                DataType::Varchar(Some(length as u32))
            }
            length => return Err(reader.error_found("a length of VARCHAR before", length)),
        },
        9 => match reader.varint()? {
            dimensions if (1..=VECTOR_DIMENSIONS_MAX as u64).contains(&dimensions) => {
                DataType::Vector(Some(dimensions as u16))
            }
            dimensions => {
                return Err(reader.error_found("a vector's dimensions before", dimensions));
            }
        },
        10 => DataType::Date,
        11 => DataType::Time,
        12 => DataType::Timestamp,
        13 => DataType::TimestampTz,
        14 => DataType::Interval,
        _ => return Err(reader.error_found("a known data type before", u64::from(tag))),
    })
}

fn decode_index(
    reader: &mut Reader<'_>,
    columns: &[ColumnDefinition],
) -> Result<IndexDefinition, DecodeError> {
    let id = IndexId(reader.varint()?);
    let name = decode_name(reader)?;
    let [unique, constraint, primary] = decode_flags(reader)?;
    let count = reader.count(2)?;
    if !(1..=INDEX_COLUMNS_MAX).contains(&count) {
        return Err(reader.error_found("1 to 32 columns of an index before", count as u64));
    }
    let mut keys = Vec::with_capacity(count);
    for _ in 0..count {
        let ordinal = reader.varint()?;
        let place = usize::try_from(ordinal).unwrap_or(usize::MAX);
        if columns.get(place).is_none_or(|column| column.data_type.is_vector()) {
            return Err(reader.error_found("an ordinal of a column with an order before", ordinal));
        }
        let [descending, nulls_first] = decode_flags(reader)?;
        keys.push(IndexColumn { ordinal: place, descending, nulls_first });
    }
    Ok(IndexDefinition { id, name, columns: keys, unique, constraint, primary })
}
