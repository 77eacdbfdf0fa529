//! Errors of rows that a constraint forbids, in PostgreSQL's words.

use crate::error::{Error, Result, SqlState};
use crate::storage::column::Column;
use crate::storage::schema::Schema;
use crate::storage::table::DuplicateKey;
use crate::types::{ValueRef, format_value};

/// Bytes of a value that a detail shows.
const VALUE_BYTES_SHOWN_MAX: usize = 64;

/// 23502 for the first row with a NULL in one of `ordinals`, whose values are `values`; `row` yields that whole row's
/// values for the detail.
pub(super) fn check_not_null<'v>(
    schema: &Schema,
    ordinals: impl Iterator<Item = usize>,
    values: &[Column],
    row: impl FnOnce(usize) -> Vec<ValueRef<'v>>,
) -> Result<()> {
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
    match first {
        None => Ok(()),
        Some((place, ordinal)) => Err(not_null(schema, ordinal, &row(place))),
    }
}

/// 23502 for a row with a NULL in the column `ordinal`.
#[cold]
pub(super) fn not_null(schema: &Schema, ordinal: usize, row: &[ValueRef<'_>]) -> Error {
    let column = &schema.columns[ordinal].name;
    let message = format!(
        "null value in column \"{column}\" of relation \"{}\" violates not-null constraint",
        schema.name
    );
    let values: Vec<_> = row.iter().map(|value| shown(*value)).collect();
    Error::new(SqlState::NotNullViolation, message)
        .with_detail(format!("Failing row contains ({}).", values.join(", ")))
        .with_table(&*schema.name)
        .with_column(&**column)
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
