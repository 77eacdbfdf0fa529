//! Keeps the indexes of a table in step with a change of its rows, all or nothing.
//!
//! Each index loses the keys of deleted and updated rows before it takes new ones. When a unique index refuses a key,
//! what was done so far is taken back in reverse; the rows are unchanged meanwhile, so the old keys are still theirs.

use std::sync::Arc;

use crate::error::Result;
use crate::storage::RowId;
use crate::storage::change::{InsertedRows, TableChange, UpdatedRows};
use crate::storage::gauge::Gauge;
use crate::storage::index::{DuplicateKey, Index, Key};
use crate::storage::key::check_key_bytes;
use crate::storage::rows::Rows;
use crate::types::ValueRef;

/// Changes all indexes, or none.
pub(super) fn change_indexes(
    indexes: &mut [Index],
    rows: &Rows,
    change: &TableChange,
    gauge: &Arc<Gauge>,
) -> std::result::Result<(), DuplicateKey> {
    for place in 0..indexes.len() {
        let index = &mut indexes[place];
        remove_old(index, rows, change);
        let Err((added, duplicate)) = add_new(index, rows, change, gauge) else { continue };
        revert(index, rows, change, added, gauge);
        for earlier in &mut indexes[..place] {
            revert(earlier, rows, change, usize::MAX, gauge);
        }
        return Err(duplicate);
    }
    Ok(())
}

/// Takes back `added` new keys and puts the old ones in their place again.
#[cold]
fn revert(index: &mut Index, rows: &Rows, change: &TableChange, added: usize, gauge: &Arc<Gauge>) {
    let mut left = added;
    let taken_back = for_each_new(index, rows, change, |index, key, row, _| {
        if left == 0 {
            return Err(());
        }
        left -= 1;
        index.remove(key, row);
        Ok(())
    });
    debug_assert!(taken_back.is_ok() || left == 0);
    for_each_old(index, rows, change, |index, key, row| {
        let restored = index.insert(key, row, gauge);
        debug_assert!(restored, "the old keys were unique");
    });
}

fn remove_old(index: &mut Index, rows: &Rows, change: &TableChange) {
    for_each_old(index, rows, change, Index::remove);
}

/// Adds the new keys; a refusal says how many were added before.
fn add_new(
    index: &mut Index,
    rows: &Rows,
    change: &TableChange,
    gauge: &Arc<Gauge>,
) -> std::result::Result<(), (usize, DuplicateKey)> {
    let mut added = 0;
    for_each_new(index, rows, change, |index, key, row, value| {
        if !index.insert(key, row, gauge) {
            return Err((added, index.duplicate(value)));
        }
        added += 1;
        Ok(())
    })
}

/// Visits the keys that the deleted rows, and the updated ones if the index covers what is updated, have so far.
fn for_each_old(
    index: &mut Index,
    rows: &Rows,
    change: &TableChange,
    mut visit: impl FnMut(&mut Index, &Key, RowId),
) {
    let updated = updated_keys(index, change).map_or(&[][..], |updated| &updated.ids);
    for id in change.deleted.iter().chain(updated) {
        let (chunk, slot) = rows.find(*id).expect("the row to change exists");
        let key = index.key(|ordinal| chunk.column(ordinal).get(slot));
        visit(index, &key, *id);
    }
}

/// Visits the keys that the updated rows, if the index covers what is updated, and the inserted ones will have.
fn for_each_new<'a, E>(
    index: &mut Index,
    rows: &'a Rows,
    change: &'a TableChange,
    mut visit: impl FnMut(
        &mut Index,
        &Key,
        RowId,
        &dyn Fn(usize) -> ValueRef<'a>,
    ) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    if let Some(updated) = updated_keys(index, change) {
        for (place, id) in updated.ids.iter().enumerate() {
            let value = updated_value(updated, place, rows);
            let key = index.key(&value);
            visit(index, &key, *id, &value)?;
        }
    }
    if let Some(inserted) = &change.inserted {
        for (place, id) in inserted.ids.iter().enumerate() {
            let value = inserted_value(inserted, place);
            let key = index.key(&value);
            visit(index, &key, *id, &value)?;
        }
    }
    Ok(())
}

/// The updated rows, if a column of the index is among the updated ones.
fn updated_keys<'a>(index: &Index, change: &'a TableChange) -> Option<&'a UpdatedRows> {
    change.updated.as_ref().filter(|updated| index.covers_any(&updated.ordinals))
}

/// The values of an updated row: new ones where it has them, else those it keeps.
fn updated_value<'a>(
    updated: &'a UpdatedRows,
    place: usize,
    rows: &'a Rows,
) -> impl Fn(usize) -> ValueRef<'a> {
    let (chunk, slot) = rows.find(updated.ids[place]).expect("the row to change exists");
    move |ordinal| match updated.ordinals.iter().position(|changed| *changed == ordinal) {
        Some(column) => updated.values[column].get(place),
        None => chunk.column(ordinal).get(slot),
    }
}

fn inserted_value<'a>(inserted: &'a InsertedRows, place: usize) -> impl Fn(usize) -> ValueRef<'a> {
    move |ordinal| inserted.values[ordinal].get(place)
}

/// Adds the keys of one new row to all indexes, or to none.
#[inline]
pub(super) fn insert_row_keys(
    indexes: &mut [Index],
    id: RowId,
    values: &[ValueRef<'_>],
    gauge: &Arc<Gauge>,
) -> std::result::Result<(), DuplicateKey> {
    for place in 0..indexes.len() {
        let index = &mut indexes[place];
        let key = index.key(|ordinal| values[ordinal]);
        if !index.insert(&key, id, gauge) {
            let duplicate = index.duplicate(|ordinal| values[ordinal]);
            for earlier in &mut indexes[..place] {
                let key = earlier.key(|ordinal| values[ordinal]);
                earlier.remove(&key, id);
            }
            return Err(duplicate);
        }
    }
    Ok(())
}

/// 54000 for a new key that is too large.
pub(super) fn check_keys(indexes: &[Index], rows: &Rows, change: &TableChange) -> Result<()> {
    for index in indexes.iter().filter(|index| index.has_byte_keys()) {
        if let Some(updated) = updated_keys(index, change) {
            for place in 0..updated.ids.len() {
                check_key(index, updated_value(updated, place, rows))?;
            }
        }
        if let Some(inserted) = &change.inserted {
            for place in 0..inserted.ids.len() {
                check_key(index, inserted_value(inserted, place))?;
            }
        }
    }
    Ok(())
}

/// 54000 for a key of a new row that is too large.
pub(super) fn check_row_keys(indexes: &[Index], values: &[ValueRef<'_>]) -> Result<()> {
    for index in indexes.iter().filter(|index| index.has_byte_keys()) {
        check_key(index, |ordinal| values[ordinal])?;
    }
    Ok(())
}

fn check_key<'v>(index: &Index, value: impl Fn(usize) -> ValueRef<'v>) -> Result<()> {
    match index.key(value) {
        Key::Bytes { bytes, .. } => check_key_bytes(index.definition(), bytes.len()),
        Key::Null | Key::Fixed(_) => Ok(()),
    }
}
