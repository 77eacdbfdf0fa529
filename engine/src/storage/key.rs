//! What an index orders by: key values turned into integers or bytes whose order is SQL's.
//!
//! An index on one column of fixed width is ordered by an `i64`: integers, dates, times and timestamps as they are, floats by their bits with the
//! negative ones turned round (-0 is 0, NaN is above all), DESC by bitwise complement; NULLs stand apart. Every other
//! index is ordered by bytes, column after column:
//!
//! | bytes | meaning |
//! |---|---|
//! | flag | 0 NULL first, 1 a value, 2 NULL last |
//! | value | big-endian integer with its sign bit flipped; float as that integer of its bits; bool as 0 or 1; interval as an integer of 16 bytes; text with 0x00 as 0x00 0xFF, ended by 0x00 0x00. All of it complemented for DESC |
//!
//! No encoded value is a prefix of another, and no flag is 0xFF: so "starts with P" is "from P to P 0xFF".

use smallvec::SmallVec;

use crate::error::{Error, Result, SqlState};
use crate::limits::INDEX_KEY_BYTES_MAX;
use crate::storage::index::UniqueKey;
use crate::storage::schema::{IndexColumn, IndexDefinition, Schema};
use crate::types::datetime::{Date, Time, Timestamp, TimestampTz};
use crate::types::{DataType, ValueRef};

/// An encoded key; most fit without an allocation.
pub(super) type KeyBytes = SmallVec<[u8; 64]>;

const FLAG_NULL_FIRST: u8 = 0;
const FLAG_VALUE: u8 = 1;
const FLAG_NULL_LAST: u8 = 2;
const AFTER_ALL: u8 = 0xFF;

/// A run of an index's keys: equality on the first columns, and a range on the next one if wanted.
///
/// Values have the type of their column (the caller casts; a constant outside the column's range is the caller's
/// case too).
#[derive(Clone, Debug)]
pub struct KeyRange {
    pub(super) run: Run,
}

/// The encoded form of a [`KeyRange`].
#[derive(Clone, Debug)]
pub(super) enum Run {
    All,
    /// Integer keys, both ends included, and whether the NULLs belong to it.
    Fixed {
        keys: Option<(i64, i64)>,
        nulls: bool,
    },
    /// Byte keys, the end excluded.
    Bytes {
        start: KeyBytes,
        end: KeyBytes,
    },
}

/// One end of the range on the column after a [`KeyRange`]'s prefix.
#[derive(Clone, Copy, Debug)]
pub enum KeyBound<'a> {
    /// None: up to the NULLs, which no comparison includes.
    Unbounded,
    /// The value and beyond.
    Included(ValueRef<'a>),
    /// Beyond the value.
    Excluded(ValueRef<'a>),
}

impl KeyRange {
    /// Every key, NULLs included: what ORDER BY reads.
    pub fn all() -> Self {
        Self { run: Run::All }
    }

    /// Keys whose first columns equal `prefix` (at most all columns, possibly none); NULL here matches NULL, so a
    /// caller with `=` answers NULL itself.
    pub fn prefix(schema: &Schema, definition: &IndexDefinition, prefix: &[ValueRef<'_>]) -> Self {
        let run = match (prefix, is_fixed(schema, definition)) {
            ([], _) => Run::All,
            ([value, ..], true) => match fixed_key(*value, definition.columns[0].descending) {
                Some(key) => Run::Fixed { keys: Some((key, key)), nulls: false },
                None => Run::Fixed { keys: None, nulls: true },
            },
            (_, false) => {
                let start = encode_prefix(definition, prefix);
                let mut end = start.clone();
                end.push(AFTER_ALL);
                Run::Bytes { start, end }
            }
        };
        Self { run }
    }

    /// One key of a unique index.
    pub fn unique(key: &UniqueKey) -> Self {
        let run = match key {
            UniqueKey::Fixed(key) => Run::Fixed { keys: Some((*key, *key)), nulls: false },
            UniqueKey::Bytes(start) => {
                let mut end = start.clone();
                end.push(AFTER_ALL);
                Run::Bytes { start: start.clone(), end }
            }
        };
        Self { run }
    }

    /// Keys whose first columns equal `prefix` and whose next column is not NULL and lies between the bounds;
    /// `lower` and `upper` are SQL's (`>` and `<`), whichever way the index runs.
    pub fn between(
        schema: &Schema,
        definition: &IndexDefinition,
        prefix: &[ValueRef<'_>],
        lower: KeyBound<'_>,
        upper: KeyBound<'_>,
    ) -> Self {
        let column = definition.columns[prefix.len()];
        let (from, to) = if column.descending { (upper, lower) } else { (lower, upper) };
        let run = if is_fixed(schema, definition) {
            Run::Fixed { keys: fixed_run(from, to, column.descending), nulls: false }
        } else {
            let mut start = encode_prefix(definition, prefix);
            let mut end = start.clone();
            encode_bound(&mut start, column, from, true);
            encode_bound(&mut end, column, to, false);
            Run::Bytes { start, end }
        };
        Self { run }
    }
}

/// Both ends, included; None when nothing can lie between.
fn fixed_run(from: KeyBound<'_>, to: KeyBound<'_>, descending: bool) -> Option<(i64, i64)> {
    let start = match from {
        KeyBound::Unbounded => i64::MIN,
        KeyBound::Included(value) => fixed_key(value, descending)?,
        KeyBound::Excluded(value) => fixed_key(value, descending)?.checked_add(1)?,
    };
    let end = match to {
        KeyBound::Unbounded => i64::MAX,
        KeyBound::Included(value) => fixed_key(value, descending)?,
        KeyBound::Excluded(value) => fixed_key(value, descending)?.checked_sub(1)?,
    };
    (start <= end).then_some((start, end))
}

/// Completes a prefix to the included start or the excluded end of a run over `column`.
fn encode_bound(bytes: &mut KeyBytes, column: IndexColumn, bound: KeyBound<'_>, is_start: bool) {
    let (value, included) = match bound {
        KeyBound::Unbounded => {
            bytes.push(if is_start { FLAG_VALUE } else { FLAG_VALUE + 1 });
            return;
        }
        KeyBound::Included(value) => (value, true),
        KeyBound::Excluded(value) => (value, false),
    };
    encode_value(bytes, column, value);
    if included != is_start {
        bytes.push(AFTER_ALL);
    }
}

fn encode_prefix(definition: &IndexDefinition, prefix: &[ValueRef<'_>]) -> KeyBytes {
    let mut bytes = KeyBytes::new();
    for (column, value) in definition.columns.iter().zip(prefix) {
        encode_value(&mut bytes, *column, *value);
    }
    bytes
}

/// Whether the index is ordered by an `i64`.
pub(super) fn is_fixed(schema: &Schema, definition: &IndexDefinition) -> bool {
    let [column] = definition.columns.as_slice() else { return false };
    match schema.columns[column.ordinal].data_type {
        DataType::Bool
        | DataType::Int2
        | DataType::Int4
        | DataType::Int8
        | DataType::Float4
        | DataType::Float8
        | DataType::Date
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz => true,
        DataType::Interval
        | DataType::Text
        | DataType::Varchar(_)
        | DataType::Unknown
        | DataType::Vector(_) => false,
    }
}

/// The integer that orders `value`; None for NULL.
#[inline]
pub(super) fn fixed_key(value: ValueRef<'_>, descending: bool) -> Option<i64> {
    let key = match value {
        ValueRef::Null => return None,
        ValueRef::Bool(value) => i64::from(value),
        ValueRef::Int2(value) => i64::from(value),
        ValueRef::Int4(value) => i64::from(value),
        ValueRef::Int8(value)
        | ValueRef::Time(Time(value))
        | ValueRef::Timestamp(Timestamp(value))
        | ValueRef::TimestampTz(TimestampTz(value)) => value,
        ValueRef::Float4(value) => float_key(f64::from(value)),
        ValueRef::Float8(value) => float_key(value),
        ValueRef::Date(value) => i64::from(value.0),
        ValueRef::Interval(_) | ValueRef::Text(_) | ValueRef::Vector(_) => {
            unreachable!("the index is of fixed width")
        }
    };
    Some(if descending { !key } else { key })
}

/// The integer that orders a float as PostgreSQL does.
fn float_key(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MAX;
    }
    let bits = (value + 0.0).to_bits() as i64; // -0 + 0 is 0
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// Appends one column of a key; returns whether it is NULL.
#[inline]
pub(super) fn encode_value(bytes: &mut KeyBytes, column: IndexColumn, value: ValueRef<'_>) -> bool {
    if value.is_null() {
        bytes.push(if column.nulls_first { FLAG_NULL_FIRST } else { FLAG_NULL_LAST });
        return true;
    }
    bytes.push(FLAG_VALUE);
    let start = bytes.len();
    match value {
        ValueRef::Null => {}
        ValueRef::Bool(value) => bytes.push(u8::from(value)),
        ValueRef::Int2(value) => {
            bytes.extend_from_slice(&(value as u16 ^ 1 << 15).to_be_bytes());
        }
        ValueRef::Int4(value) | ValueRef::Date(Date(value)) => {
            bytes.extend_from_slice(&(value as u32 ^ 1 << 31).to_be_bytes());
        }
        ValueRef::Float4(value) => {
            bytes.extend_from_slice(&(float_key(f64::from(value)) as u64 ^ 1 << 63).to_be_bytes());
        }
        ValueRef::Float8(value) => {
            bytes.extend_from_slice(&(float_key(value) as u64 ^ 1 << 63).to_be_bytes());
        }
        ValueRef::Int8(value)
        | ValueRef::Time(Time(value))
        | ValueRef::Timestamp(Timestamp(value))
        | ValueRef::TimestampTz(TimestampTz(value)) => {
            bytes.extend_from_slice(&(value as u64 ^ 1 << 63).to_be_bytes());
        }
        ValueRef::Interval(value) => {
            bytes.extend_from_slice(&(value.span() as u128 ^ 1 << 127).to_be_bytes());
        }
        ValueRef::Text(value) => encode_text(bytes, value),
        ValueRef::Vector(_) => unreachable!("vectors cannot be index columns"),
    }
    if column.descending {
        for byte in &mut bytes[start..] {
            *byte = !*byte;
        }
    }
    false
}

fn encode_text(bytes: &mut KeyBytes, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        bytes.extend_from_slice(&rest[..zero]);
        bytes.extend_from_slice(&[0, 0xFF]);
        rest = &rest[zero + 1..];
    }
    bytes.extend_from_slice(rest);
    bytes.extend_from_slice(&[0, 0]);
}

/// 54000 for a key that takes more than [`INDEX_KEY_BYTES_MAX`].
pub(super) fn check_key_bytes(definition: &IndexDefinition, bytes: usize) -> Result<()> {
    if bytes <= INDEX_KEY_BYTES_MAX {
        return Ok(());
    }
    let message = format!(
        "index row size {bytes} exceeds btree version 4 maximum {INDEX_KEY_BYTES_MAX} for index \"{}\"",
        definition.name
    );
    Err(Error::new(SqlState::ProgramLimitExceeded, message)
        .with_hint("Values larger than 1/3 of a buffer page cannot be indexed.\nConsider a function index of an MD5 hash of the value, or use full text indexing."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(descending: bool, nulls_first: bool) -> IndexColumn {
        IndexColumn { ordinal: 0, descending, nulls_first }
    }

    #[test]
    fn fixed_keys_order_as_postgresql_does() {
        let floats = [
            f64::NEG_INFINITY,
            -1.5,
            -f64::MIN_POSITIVE,
            0.0,
            1e-300,
            2.0,
            f64::INFINITY,
            f64::NAN,
        ];
        for pair in floats.windows(2) {
            let keys = pair.iter().map(|value| fixed_key(ValueRef::Float8(*value), false));
            assert!(keys.is_sorted_by(|a, b| a < b), "{pair:?}");
            let keys = pair.iter().map(|value| fixed_key(ValueRef::Float8(*value), true));
            assert!(keys.is_sorted_by(|a, b| a > b), "{pair:?}");
        }
        let key = |value| fixed_key(ValueRef::Float8(value), false);
        assert_eq!(key(-0.0), key(0.0));
        assert_eq!(key(-f64::NAN), key(f64::NAN));
        assert_eq!(fixed_key(ValueRef::Float4(0.5), false), key(0.5));
        assert_eq!(fixed_key(ValueRef::Null, true), None);
    }

    #[test]
    fn byte_keys_order_as_their_values() {
        let runs: [&[ValueRef<'_>]; 4] = [
            &[
                ValueRef::Text(""),
                ValueRef::Text("\0"),
                ValueRef::Text("\0\0"),
                ValueRef::Text("\0a"),
                ValueRef::Text("a"),
                ValueRef::Text("a\0"),
                ValueRef::Text("a\u{1}"),
                ValueRef::Text("ab"),
                ValueRef::Text("b"),
                ValueRef::Text("é"),
            ],
            &[ValueRef::Int4(i32::MIN), ValueRef::Int4(-1), ValueRef::Int4(0), ValueRef::Int4(7)],
            &[
                ValueRef::Float4(f32::NEG_INFINITY),
                ValueRef::Float4(-2.0),
                ValueRef::Float4(f32::NAN),
            ],
            &[ValueRef::Bool(false), ValueRef::Bool(true)],
        ];
        for (descending, nulls_first) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            for values in runs {
                let mut expected: Vec<ValueRef<'_>> = values.to_vec();
                if descending {
                    expected.reverse();
                }
                let null = if nulls_first { 0 } else { expected.len() };
                expected.insert(null, ValueRef::Null);
                let keys: Vec<KeyBytes> = expected
                    .iter()
                    .map(|value| {
                        let mut bytes = KeyBytes::new();
                        encode_value(&mut bytes, column(descending, nulls_first), *value);
                        bytes
                    })
                    .collect();
                assert!(keys.is_sorted_by(|a, b| a < b), "{expected:?} {keys:?}");
                assert!(keys.windows(2).all(|pair| !pair[1].starts_with(&pair[0])));
            }
        }
    }
}
