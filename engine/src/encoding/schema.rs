//! A table's shape on disk.
//!
//! | part | meaning |
//! |---|---|
//! | version, varint | [`VERSION`]; what is added later gets another |
//! | table, structure | varints |
//! | name | length (varint) and UTF-8, as all names and texts here |
//! | columns | varint count; each: name; type; 1 byte of flags: bit 0 NOT NULL, bit 1 a DEFAULT follows; its text |
//! | type | 1 byte: 1 bool, 2 int2, 3 int4, 4 int8, 5 float4, 6 float8, 7 text, 8 varchar, 9 vector; of the last two a varint: n, of varchar 0 without one |
//! | indexes | varint count; each: id as varint; name; 1 byte of flags: bit 0 unique, bit 1 of a constraint, bit 2 primary; key columns |
//! | key columns | varint count; each: ordinal as varint; 1 byte of flags: bit 0 DESC, bit 1 NULLS FIRST |
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{DecodeError, Reader, put_bytes, put_varint};
use crate::limits::{COLUMNS_MAX, INDEX_COLUMNS_MAX, VARCHAR_LENGTH_MAX, VECTOR_DIMENSIONS_MAX};
use crate::storage::schema::{ColumnDefinition, IndexColumn, IndexDefinition, Schema};
use crate::storage::{IndexId, TableId};
use crate::types::DataType;

/// The version that is written, and the only one that is known.
const VERSION: u64 = 1;

/// Appends a table's shape.
pub fn encode_schema(schema: &Schema, out: &mut Vec<u8>) {
    put_varint(out, VERSION);
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
    };
    out.push(tag);
    if let Some(modifier) = modifier {
        put_varint(out, u64::from(modifier));
    }
}

/// Reads a table's shape: what [`encode_schema`] wrote.
pub fn decode_schema(reader: &mut Reader<'_>) -> Result<Schema, DecodeError> {
    let version = reader.varint()?;
    if version != VERSION {
        return Err(reader.error_found("version 1 of a schema before", version));
    }
    let table = TableId(reader.varint()?);
    let structure = reader.varint()?;
    let name = decode_name(reader)?;
    let columns = decode_columns(reader)?;
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
    Ok(Schema { table, name, columns, indexes, structure })
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

fn decode_columns(reader: &mut Reader<'_>) -> Result<Vec<ColumnDefinition>, DecodeError> {
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
        columns.push(ColumnDefinition { name, data_type, not_null, default });
    }
    let names: BTreeSet<&str> = columns.iter().map(|column| &*column.name).collect();
    if names.len() != count {
        return Err(reader.error("columns of different names before"));
    }
    Ok(columns)
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
