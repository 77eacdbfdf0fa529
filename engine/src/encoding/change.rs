//! What a commit did to one table, on disk.
//!
//! | part | meaning |
//! |---|---|
//! | flags, 1 byte | bit 0: rows were deleted; bit 1: updated; bit 2: inserted |
//! | deleted | row ids |
//! | updated | row ids; varint count of columns, their ordinals as varints; those columns |
//! | inserted | row ids, ascending; all columns of the table by ordinal |
//!
//! Row ids are as [`super::row_ids`] has them, columns as [`super::column`]. Stamps are not stored: they tell versions
//! of a row apart while somebody holds an older one, which nobody does after a restart.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{
    DecodeError, Reader, decode_column, decode_row_ids, encode_column, encode_row_ids, put_varint,
};
use crate::storage::change::{InsertedRows, Stamps, TableChange, UpdatedRows};
use crate::storage::column::Column;
use crate::storage::schema::Schema;
use crate::storage::{RowId, Stamp};

const DELETED: u8 = 1;
const UPDATED: u8 = 2;
const INSERTED: u8 = 4;

/// What stands for the stamps that were not stored.
const NO_STAMPS: Stamps = Stamps::One(Stamp(0));

/// Appends a change of a table.
pub fn encode_change(change: &TableChange, out: &mut Vec<u8>) {
    let deleted = if change.deleted.is_empty() { 0 } else { DELETED };
    let updated = change.updated.as_ref().map_or(0, |_| UPDATED);
    let inserted = change.inserted.as_ref().map_or(0, |_| INSERTED);
    out.push(deleted | updated | inserted);
    if deleted != 0 {
        encode_row_ids(&change.deleted, out);
    }
    if let Some(updated) = &change.updated {
        encode_row_ids(&updated.ids, out);
        put_varint(out, updated.ordinals.len() as u64);
        for ordinal in &updated.ordinals {
            put_varint(out, *ordinal as u64);
        }
        encode_columns(&updated.values, updated.ids.len(), out);
    }
    if let Some(inserted) = &change.inserted {
        encode_row_ids(&inserted.ids, out);
        encode_columns(&inserted.values, inserted.ids.len(), out);
    }
}

fn encode_columns(columns: &[Column], rows: usize, out: &mut Vec<u8>) {
    for column in columns {
        debug_assert_eq!(column.len(), rows, "a value for each row");
        encode_column(column, 0..rows, out);
    }
}

/// Reads a change of a table that had `schema` then: what [`encode_change`] wrote.
///
/// What it answers is consistent in itself; whether the rows exist is the table's to say.
pub fn decode_change(reader: &mut Reader<'_>, schema: &Schema) -> Result<TableChange, DecodeError> {
    let flags = reader.u8()?;
    if flags & !(DELETED | UPDATED | INSERTED) != 0 {
        return Err(reader.error("a change's flags before"));
    }
    let mut change = TableChange::default();
    if flags & DELETED != 0 {
        change.deleted = decode_distinct(reader)?;
    }
    if flags & UPDATED != 0 {
        change.updated = Some(decode_updated(reader, schema, &change.deleted)?);
    }
    if flags & INSERTED != 0 {
        change.inserted = Some(decode_inserted(reader, schema)?);
    }
    Ok(change)
}

/// Row ids in any order, each once.
fn decode_distinct(reader: &mut Reader<'_>) -> Result<Vec<RowId>, DecodeError> {
    let ids = decode_row_ids(reader)?;
    if are_distinct(&ids) { Ok(ids) } else { Err(reader.error("row ids before, each once")) }
}

fn are_distinct(ids: &[RowId]) -> bool {
    if ids.is_sorted_by(|left, right| left < right) {
        return true;
    }
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.is_sorted_by(|left, right| left < right)
}

fn decode_updated(
    reader: &mut Reader<'_>,
    schema: &Schema,
    deleted: &[RowId],
) -> Result<UpdatedRows, DecodeError> {
    let ids = decode_distinct(reader)?;
    if !deleted.is_empty() && !are_distinct(&[deleted, &ids].concat()) {
        return Err(reader.error("updated rows before that are not deleted too"));
    }
    let count = reader.count(1)?;
    if count > schema.columns.len() {
        return Err(reader.error_found("no more columns than the table has", count as u64));
    }
    let mut ordinals = Vec::with_capacity(count);
    let mut data_types = Vec::with_capacity(count);
    for _ in 0..count {
        let ordinal = reader.varint()?;
        let place = usize::try_from(ordinal).unwrap_or(usize::MAX);
        let Some(column) = schema.columns.get(place).filter(|_| !ordinals.contains(&place)) else {
            return Err(reader.error_found("an ordinal of the table before, each once", ordinal));
        };
        ordinals.push(place);
        data_types.push(column.data_type);
    }
    let mut values = Vec::with_capacity(count);
    for data_type in data_types {
        values.push(decode_column(reader, data_type, ids.len())?);
    }
    Ok(UpdatedRows { ids, ordinals, values, stamps: NO_STAMPS })
}

fn decode_inserted(reader: &mut Reader<'_>, schema: &Schema) -> Result<InsertedRows, DecodeError> {
    let ids = decode_row_ids(reader)?;
    if !ids.is_sorted_by(|left, right| left < right) {
        return Err(reader.error("row ids before, ascending"));
    }
    let mut values = Vec::with_capacity(schema.columns.len());
    for column in &schema.columns {
        values.push(decode_column(reader, column.data_type, ids.len())?);
    }
    Ok(InsertedRows { ids, values, stamps: NO_STAMPS })
}
