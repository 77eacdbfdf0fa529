//! Columns on disk: the values that are not NULL, back to back.
//!
//! | part | bytes | meaning |
//! |---|---|---|
//! | flags | 1 | bit 0: NULL marks follow; bit 1: every row has a value stored, NULL or not; bits 2-3: bytes of a text's length less 1 (0, 1 or 3) |
//! | NULL marks | rows / 8, rounded up | if bit 0: one bit a row, the lowest first, set where NULL; at least one is |
//! | lengths | 1, 2 or 4 a value | of texts only |
//! | values | | bool: one bit each, the lowest first; integers and floats: little-endian, floats by their bits; dates (4 bytes), times and timestamps (8): integers since 2000-01-01 or midnight; intervals: microseconds, days, months (8, 4, 4); texts: UTF-8 back to back; vectors: their floats back to back |
//!
//! The type and the number of rows are the reader's to know. NULLs have no value, so what stands at them in memory,
//! zeros, is made anew. Vectors are the exception where those zeros would be many ([`ZEROS_BYTES_MAX`]): then they
//! are stored (bit 1), so that a few bytes cannot ask for much memory.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::ops::Range;

use super::{DecodeError, Reader};
use crate::limits::{CHUNK_ROWS_MAX, VECTOR_DIMENSIONS_MAX};
use crate::storage::bitmap::Bitmap;
use crate::storage::column::{Column, ColumnData, TextColumn, VectorColumn};
use crate::types::DataType;
use crate::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};

const HAS_NULLS: u8 = 1;
const STORES_ALL: u8 = 2;
const LENGTH_SHIFT: u32 = 2;

/// Zeros at NULLs that are left out, in bytes: those of a chunk of the widest vectors.
const ZEROS_BYTES_MAX: usize =
    CHUNK_ROWS_MAX.saturating_mul(VECTOR_DIMENSIONS_MAX).saturating_mul(4);

/// A value of fixed width.
trait Fixed: Copy + Default {
    /// Its bytes.
    const BYTES: usize;
    fn put(self, out: &mut Vec<u8>);
    /// From [`Self::BYTES`] bytes.
    fn take(bytes: &[u8]) -> Self;
}

macro_rules! fixed {
    ($($number:ty),*) => {$(
        impl Fixed for $number {
            const BYTES: usize = size_of::<$number>();
            #[inline]
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn take(bytes: &[u8]) -> Self {
                bytes.try_into().map_or_else(|_| Self::default(), Self::from_le_bytes)
            }
        }
    )*};
}
fixed!(i16, i32, i64, f32, f64);

macro_rules! fixed_inside {
    ($($outer:ident($inner:ty)),*) => {$(
        impl Fixed for $outer {
            const BYTES: usize = size_of::<$inner>();
            #[inline]
            fn put(self, out: &mut Vec<u8>) {
                self.0.put(out);
            }
            #[inline]
            fn take(bytes: &[u8]) -> Self {
                Self(<$inner>::take(bytes))
            }
        }
    )*};
}
fixed_inside!(Date(i32), Time(i64), Timestamp(i64), TimestampTz(i64));

impl Fixed for Interval {
    const BYTES: usize = 16;
    fn put(self, out: &mut Vec<u8>) {
        self.microseconds.put(out);
        self.days.put(out);
        self.months.put(out);
    }
    fn take(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let mut part = || reader.array().map(i32::from_le_bytes).unwrap_or_default();
        let (low, high, days, months) = (part(), part(), part(), part());
        let microseconds = i64::from(high) << 32 | i64::from(low as u32);
        Self { months, days, microseconds }
    }
}

/// Appends the rows `rows` of a column.
pub fn encode_column(column: &Column, rows: Range<usize>, out: &mut Vec<u8>) {
    let nulls = column.nulls.as_ref().and_then(|nulls| {
        let mut marks = Bitmap::default();
        marks.append(nulls, rows.clone());
        (marks.count_ones() > 0).then_some(marks)
    });
    let present = Present { rows, nulls: nulls.as_ref() };
    let has_nulls = if nulls.is_some() { HAS_NULLS } else { 0 };
    let mut head = |flags: u8| {
        out.push(flags | has_nulls);
        if let Some(nulls) = &nulls {
            nulls.put_bytes(out);
        }
    };
    match &column.data {
        ColumnData::Text(texts) => {
            let length_bytes = length_bytes(texts, &present);
            head(length_bytes.saturating_sub(1) << LENGTH_SHIFT);
            put_texts(texts, &present, length_bytes, out);
        }
        ColumnData::Vector(vectors) => {
            let stores_all = stores_all(vectors.dimensions(), nulls.as_ref());
            head(if stores_all { STORES_ALL } else { 0 });
            let all = Present { rows: present.rows.clone(), nulls: None };
            let stored = if stores_all { all } else { present };
            stored.for_each(|row| vectors.get(row).iter().for_each(|number| number.put(out)));
        }
        ColumnData::Bool(values) => {
            head(0);
            let mut bits = Bitmap::default();
            present.for_each(|row| bits.push(values.get(row).copied().unwrap_or_default()));
            bits.put_bytes(out);
        }
        ColumnData::Int2(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Int4(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Int8(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Float4(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Float8(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Date(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Time(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Timestamp(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::TimestampTz(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
        ColumnData::Interval(values) => {
            head(0);
            put_fixed(values, &present, out);
        }
    }
}

/// The rows that have a value stored.
struct Present<'a> {
    rows: Range<usize>,
    nulls: Option<&'a Bitmap>,
}

impl Present<'_> {
    #[inline]
    fn for_each(&self, mut visit: impl FnMut(usize)) {
        for (place, row) in self.rows.clone().enumerate() {
            if self.nulls.is_none_or(|nulls| !nulls.get(place)) {
                visit(row);
            }
        }
    }
}

fn put_fixed<T: Fixed>(values: &[T], present: &Present<'_>, out: &mut Vec<u8>) {
    let values = values.get(present.rows.clone()).unwrap_or_default();
    out.reserve(size_of_val(values));
    match present.nulls {
        None => values.iter().for_each(|value| value.put(out)),
        Some(nulls) => {
            for (place, value) in values.iter().enumerate() {
                if !nulls.get(place) {
                    value.put(out);
                }
            }
        }
    }
}

fn length_bytes(texts: &TextColumn, present: &Present<'_>) -> u8 {
    let mut longest = 0;
    present.for_each(|row| longest = longest.max(texts.get(row).len()));
    match longest {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        _ => 4,
    }
}

fn put_texts(texts: &TextColumn, present: &Present<'_>, length_bytes: u8, out: &mut Vec<u8>) {
    present.for_each(|row| {
        let length = texts.get(row).len();
        match length_bytes {
            1 => out.push(length as u8),
            2 => out.extend_from_slice(&(length as u16).to_le_bytes()),
            _ => out.extend_from_slice(&(length as u32).to_le_bytes()),
        }
    });
    match texts.back_to_back(present.rows.clone()).filter(|_| present.nulls.is_none()) {
        Some(bytes) => out.extend_from_slice(bytes.as_bytes()),
        None => present.for_each(|row| out.extend_from_slice(texts.get(row).as_bytes())),
    }
}

/// Whether the zeros at NULLs are stored. A column of NULLs alone takes no memory for them unless it must.
fn stores_all(dimensions: usize, nulls: Option<&Bitmap>) -> bool {
    nulls.is_some_and(|nulls| {
        let count = nulls.count_ones();
        count < nulls.len() && zeros_bytes(count, dimensions) > ZEROS_BYTES_MAX
    })
}

fn zeros_bytes(nulls: usize, dimensions: usize) -> usize {
    nulls.saturating_mul(dimensions).saturating_mul(4)
}

/// Reads `rows` rows of a column of a type that tables have: what [`encode_column`] wrote.
///
/// It allocates at most 64 times the bytes read, and [`ZEROS_BYTES_MAX`] for vectors that are NULL. A column of more
/// NULL vectors than that, and nothing else, comes back without dimensions.
pub fn decode_column(
    reader: &mut Reader<'_>,
    data_type: DataType,
    rows: usize,
) -> Result<Column, DecodeError> {
    let flags = reader.u8()?;
    let allowed = match data_type {
        DataType::Text | DataType::Varchar(_) | DataType::Unknown => 3 << LENGTH_SHIFT,
        DataType::Vector(_) => STORES_ALL,
        _ => 0,
    };
    if flags & !(HAS_NULLS | allowed) != 0 {
        return Err(reader.error("a column's flags before"));
    }
    let nulls = if flags & HAS_NULLS == 0 { None } else { Some(decode_nulls(reader, rows)?) };
    let marks = nulls.as_ref();
    let data = match data_type {
        DataType::Bool => ColumnData::Bool(take_bools(reader, rows, marks)?),
        DataType::Int2 => ColumnData::Int2(take_fixed(reader, rows, marks)?),
        DataType::Int4 => ColumnData::Int4(take_fixed(reader, rows, marks)?),
        DataType::Int8 => ColumnData::Int8(take_fixed(reader, rows, marks)?),
        DataType::Float4 => ColumnData::Float4(take_fixed(reader, rows, marks)?),
        DataType::Float8 => ColumnData::Float8(take_fixed(reader, rows, marks)?),
        DataType::Date => ColumnData::Date(take_fixed(reader, rows, marks)?),
        DataType::Time => ColumnData::Time(take_fixed(reader, rows, marks)?),
        DataType::Timestamp => ColumnData::Timestamp(take_fixed(reader, rows, marks)?),
        DataType::TimestampTz => ColumnData::TimestampTz(take_fixed(reader, rows, marks)?),
        DataType::Interval => ColumnData::Interval(take_fixed(reader, rows, marks)?),
        DataType::Text | DataType::Varchar(_) | DataType::Unknown => {
            ColumnData::Text(take_texts(reader, rows, marks, flags)?)
        }
        DataType::Vector(dimensions) => {
            let dimensions = dimensions.map_or(0, usize::from);
            ColumnData::Vector(take_vectors(reader, rows, marks, dimensions, flags)?)
        }
    };
    Ok(Column { data, nulls })
}

fn decode_nulls(reader: &mut Reader<'_>, rows: usize) -> Result<Bitmap, DecodeError> {
    let bytes = reader.take(rows.div_ceil(8))?;
    Bitmap::from_bytes(bytes, rows)
        .filter(|nulls| nulls.count_ones() > 0)
        .ok_or_else(|| reader.error("NULL marks before"))
}

/// How many of the rows are not NULL.
fn present_count(rows: usize, nulls: Option<&Bitmap>) -> usize {
    rows.saturating_sub(nulls.map_or(0, Bitmap::count_ones))
}

/// Takes `count` things of `bytes_each`.
fn take_many<'a>(
    reader: &mut Reader<'a>,
    count: usize,
    bytes_each: usize,
) -> Result<&'a [u8], DecodeError> {
    match count.checked_mul(bytes_each) {
        Some(bytes) => reader.take(bytes),
        None => Err(reader.error("more bytes")),
    }
}

/// Spreads the values of the rows that are not NULL over all rows.
fn spread<T: Copy + Default>(
    rows: usize,
    nulls: Option<&Bitmap>,
    mut present: impl ExactSizeIterator<Item = T>,
) -> Vec<T> {
    let Some(nulls) = nulls else { return present.collect() };
    (0..rows)
        .map(|row| if nulls.get(row) { None } else { present.next() }.unwrap_or_default())
        .collect()
}

fn take_fixed<T: Fixed>(
    reader: &mut Reader<'_>,
    rows: usize,
    nulls: Option<&Bitmap>,
) -> Result<Vec<T>, DecodeError> {
    let bytes = take_many(reader, present_count(rows, nulls), T::BYTES)?;
    Ok(spread(rows, nulls, bytes.chunks_exact(T::BYTES).map(T::take)))
}

fn take_bools(
    reader: &mut Reader<'_>,
    rows: usize,
    nulls: Option<&Bitmap>,
) -> Result<Vec<bool>, DecodeError> {
    let count = present_count(rows, nulls);
    let bytes = reader.take(count.div_ceil(8))?;
    let bits =
        Bitmap::from_bytes(bytes, count).ok_or_else(|| reader.error("truth values before"))?;
    Ok(spread(rows, nulls, (0..count).map(|place| bits.get(place))))
}

fn take_texts(
    reader: &mut Reader<'_>,
    rows: usize,
    nulls: Option<&Bitmap>,
    flags: u8,
) -> Result<TextColumn, DecodeError> {
    let count = present_count(rows, nulls);
    let lengths = match flags >> LENGTH_SHIFT {
        0 => {
            let bytes = reader.take(count)?;
            spread(rows, nulls, bytes.iter().map(|length| u32::from(*length)))
        }
        1 => {
            let pairs = take_many(reader, count, 2)?.chunks_exact(2);
            spread(rows, nulls, pairs.map(|bytes| u32::from(i16::take(bytes) as u16)))
        }
        3 => {
            let fours = take_many(reader, count, 4)?.chunks_exact(4);
            spread(rows, nulls, fours.map(|bytes| i32::take(bytes) as u32))
        }
        _ => return Err(reader.error("a column's flags before")),
    };
    let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
    let bytes = reader.take(usize::try_from(total).unwrap_or(usize::MAX))?;
    let text = std::str::from_utf8(bytes).map_err(|_| reader.error("UTF-8 text before"))?;
    TextColumn::from_lengths(lengths, text).ok_or_else(|| reader.error("whole texts before"))
}

fn take_vectors(
    reader: &mut Reader<'_>,
    rows: usize,
    nulls: Option<&Bitmap>,
    dimensions: usize,
    flags: u8,
) -> Result<VectorColumn, DecodeError> {
    let null_count = nulls.map_or(0, Bitmap::count_ones);
    let stores_all = flags & STORES_ALL != 0;
    if dimensions == 0 || stores_all != self::stores_all(dimensions, nulls) {
        return Err(reader.error("vectors of a column's dimensions"));
    }
    if null_count == rows && zeros_bytes(null_count, dimensions) > ZEROS_BYTES_MAX {
        return Ok(VectorColumn::unknown(rows));
    }
    let stored = if stores_all { rows } else { present_count(rows, nulls) };
    let vector_bytes = dimensions.saturating_mul(4);
    let mut vectors = take_many(reader, stored, vector_bytes)?.chunks_exact(vector_bytes);
    let rows_per_block = VectorColumn::new(dimensions).rows_per_block();
    let mut blocks = Vec::with_capacity(rows.div_ceil(rows_per_block));
    for start in (0..rows).step_by(rows_per_block) {
        let end = start.saturating_add(rows_per_block).min(rows);
        let numbers = end.saturating_sub(start).saturating_mul(dimensions);
        let mut block: Vec<f32> = Vec::with_capacity(numbers);
        for row in start..end {
            let is_null = nulls.is_some_and(|nulls| nulls.get(row));
            let vector = if is_null && !stores_all { None } else { vectors.next() };
            match vector.filter(|_| !is_null) {
                Some(bytes) => block.extend(bytes.chunks_exact(4).map(f32::take)),
                None => block.resize(block.len().saturating_add(dimensions), 0.0),
            }
        }
        blocks.push(block);
    }
    VectorColumn::from_blocks(dimensions, rows, blocks)
        .ok_or_else(|| reader.error("whole vectors before"))
}
