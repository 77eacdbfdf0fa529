//! Errors of rows that a constraint forbids, in PostgreSQL's words.

use crate::error::{Error, SqlState};
use crate::storage::RowId;
use crate::storage::chunk::Chunk;
use crate::storage::column::Column;
use crate::storage::reference::Link;
use crate::storage::schema::Schema;
use crate::storage::table::{DuplicateKey, Table};
use crate::types::{ValueRef, format_value};

/// Bytes of a value that a detail shows.
const VALUE_BYTES_SHOWN_MAX: usize = 64;

/// The first row with a NULL in one of the NOT NULL columns among `ordinals`, whose values are `values`: its place and
/// the column's ordinal.
pub(super) fn first_null(
    schema: &Schema,
    ordinals: impl Iterator<Item = usize>,
    values: &[Column],
) -> Option<(usize, usize)> {
    let mut first: Option<(usize, usize)> = None;
    for (ordinal, column) in ordinals.zip(values) {
        let Some(nulls) = column.nulls.as_ref().filter(|_| schema.columns[ordinal].not_null) else {
            continue;
        };
        if let Some(found) = nulls.iter_ones().next()
            && first.is_none_or(|first| (found, ordinal) < first)
        {
            first = Some((found, ordinal));
        }
    }
    first
}

/// 23502 for a row with a NULL in the column `ordinal`.
#[cold]
pub(super) fn not_null(schema: &Schema, ordinal: usize, row: &[ValueRef<'_>]) -> Error {
    let column = &schema.columns[ordinal].name;
    let message = format!(
        "null value in column \"{column}\" of relation \"{}\" violates not-null constraint",
        schema.name
    );
    Error::new(SqlState::NotNullViolation, message)
        .with_detail(failing_row(row))
        .with_table(&*schema.name)
        .with_column(&**column)
}

/// 23514 for a row that makes the CHECK `name` false.
#[cold]
pub(super) fn check_violated(schema: &Schema, name: &str, row: &[ValueRef<'_>]) -> Error {
    let table = &schema.name;
    let message = format!("new row for relation \"{table}\" violates check constraint \"{name}\"");
    Error::new(SqlState::CheckViolation, message)
        .with_detail(failing_row(row))
        .with_table(&**table)
        .with_constraint(name)
}

fn failing_row(row: &[ValueRef<'_>]) -> String {
    let values: Vec<_> = row.iter().map(|value| shown(*value)).collect();
    format!("Failing row contains ({}).", values.join(", "))
}

fn shown(value: ValueRef<'_>) -> String {
    let mut text = String::new();
    if value.is_null() {
        text.push_str("null");
    } else {
        format_value(value, &mut text);
    }
    if text.len() > VALUE_BYTES_SHOWN_MAX {
        text.truncate(text.floor_char_boundary(VALUE_BYTES_SHOWN_MAX));
        text.push_str("...");
    }
    text
}

/// 23503 for a row that refers to none.
#[cold]
pub fn not_present(link: &Link<'_>, chunk: &Chunk, slot: usize) -> Error {
    let key = columns_and_values(link.child.schema(), link.child_ordinals(), chunk, slot);
    let parent = &link.parent.schema().name;
    child_violates(link).with_detail(format!("Key {key} is not present in table \"{parent}\"."))
}

/// 23503 for a row with some NULLs under MATCH FULL.
#[cold]
pub(super) fn mixed_key(link: &Link<'_>) -> Error {
    child_violates(link)
        .with_detail("MATCH FULL does not allow mixing of null and nonnull key values.")
}

fn child_violates(link: &Link<'_>) -> Error {
    let (table, name) = (&link.child.schema().name, &link.key.name);
    Error::new(
        SqlState::ForeignKeyViolation,
        format!("insert or update on table \"{table}\" violates foreign key constraint \"{name}\""),
    )
    .with_table(&**table)
    .with_constraint(&**name)
}

/// 23503 for a row, of a version of the table that is referred to, whose key is gone and still referred to.
#[cold]
pub fn still_referenced(link: &Link<'_>, before: &Table, row: RowId) -> Error {
    let (parent, child) = (&link.parent.schema().name, &link.child.schema().name);
    let name = &link.key.name;
    let schema = link.parent.schema();
    let there = link
        .parent_ordinals()
        .filter_map(|ordinal| before.schema().ordinal_of_number(schema.number(ordinal)));
    let key = before
        .find(row)
        .map(|(chunk, slot)| columns_and_values(before.schema(), there, chunk, slot))
        .unwrap_or_default();
    Error::new(
        SqlState::ForeignKeyViolation,
        format!(
            "update or delete on table \"{parent}\" violates foreign key constraint \"{name}\" on table \"{child}\""
        ),
    )
    .with_detail(format!("Key {key} is still referenced from table \"{child}\"."))
    .with_table(&**child)
    .with_constraint(&**name)
}

/// `(a, b)=(1, x)`: some columns of a row.
fn columns_and_values(
    schema: &Schema,
    ordinals: impl Iterator<Item = usize>,
    chunk: &Chunk,
    slot: usize,
) -> String {
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for ordinal in ordinals {
        columns.push(&*schema.columns[ordinal].name);
        let mut text = String::new();
        format_value(chunk.column(ordinal).get(slot), &mut text);
        values.push(text);
    }
    format!("({})=({})", columns.join(", "), values.join(", "))
}

/// 23505 for a key that a unique index has already.
#[cold]
pub fn duplicate_key(schema: &Schema, duplicate: &DuplicateKey) -> Error {
    let name = &duplicate.index.name;
    Error::new(
        SqlState::UniqueViolation,
        format!("duplicate key value violates unique constraint \"{name}\""),
    )
    .with_detail(format!("Key {} already exists.", key_text(schema, duplicate)))
    .with_table(&*schema.name)
    .with_constraint(&**name)
}

/// `(a, b)=(1, x)`: a key as DETAIL has it.
pub fn key_text(schema: &Schema, duplicate: &DuplicateKey) -> String {
    let columns: Vec<_> = duplicate
        .index
        .columns
        .iter()
        .map(|column| &*schema.columns[column.ordinal].name)
        .collect();
    let values: Vec<_> = duplicate
        .values
        .iter()
        .map(|value| {
            let mut text = String::new();
            format_value(value.as_ref(), &mut text);
            text
        })
        .collect();
    format!("({})=({})", columns.join(", "), values.join(", "))
}
