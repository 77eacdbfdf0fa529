//! A column of values of one type: what a chunk stores, what an expression computes.

use std::ops::Range;

use crate::storage::bitmap::Bitmap;
pub use crate::storage::text_column::TextColumn;
pub use crate::storage::vector_column::VectorColumn;
use crate::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};
use crate::types::{DataType, ValueRef};

/// Values of one type with NULL marks.
///
/// Invariant: at a NULL the data holds the type's zero (0, false, "", zeros), so loops may read it.
#[derive(Clone, Debug)]
pub struct Column {
    /// The values.
    pub data: ColumnData,
    /// One bit a row, set where NULL; None when no row is.
    pub nulls: Option<Bitmap>,
}

/// The values of a [`Column`] by type.
#[derive(Clone, Debug)]
pub enum ColumnData {
    /// BOOL.
    Bool(Vec<bool>),
    /// SMALLINT.
    Int2(Vec<i16>),
    /// INT.
    Int4(Vec<i32>),
    /// BIGINT.
    Int8(Vec<i64>),
    /// REAL.
    Float4(Vec<f32>),
    /// DOUBLE PRECISION.
    Float8(Vec<f64>),
    /// DATE.
    Date(Vec<Date>),
    /// TIME.
    Time(Vec<Time>),
    /// TIMESTAMP.
    Timestamp(Vec<Timestamp>),
    /// TIMESTAMPTZ.
    TimestampTz(Vec<TimestampTz>),
    /// INTERVAL.
    Interval(Vec<Interval>),
    /// TEXT and VARCHAR.
    Text(TextColumn),
    /// VECTOR.
    Vector(VectorColumn),
}

macro_rules! for_each_data {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            ColumnData::Bool($values) => $body,
            ColumnData::Int2($values) => $body,
            ColumnData::Int4($values) => $body,
            ColumnData::Int8($values) => $body,
            ColumnData::Float4($values) => $body,
            ColumnData::Float8($values) => $body,
            ColumnData::Date($values) => $body,
            ColumnData::Time($values) => $body,
            ColumnData::Timestamp($values) => $body,
            ColumnData::TimestampTz($values) => $body,
            ColumnData::Interval($values) => $body,
            ColumnData::Text($values) => $body,
            ColumnData::Vector($values) => $body,
        }
    };
}

impl Column {
    /// An empty column for `data_type` with room for `rows` (Unknown is stored as text).
    pub fn with_capacity(data_type: DataType, rows: usize) -> Self {
        let data = match data_type {
            DataType::Bool => ColumnData::Bool(Vec::with_capacity(rows)),
            DataType::Int2 => ColumnData::Int2(Vec::with_capacity(rows)),
            DataType::Int4 => ColumnData::Int4(Vec::with_capacity(rows)),
            DataType::Int8 => ColumnData::Int8(Vec::with_capacity(rows)),
            DataType::Float4 => ColumnData::Float4(Vec::with_capacity(rows)),
            DataType::Float8 => ColumnData::Float8(Vec::with_capacity(rows)),
            DataType::Date => ColumnData::Date(Vec::with_capacity(rows)),
            DataType::Time => ColumnData::Time(Vec::with_capacity(rows)),
            DataType::Timestamp => ColumnData::Timestamp(Vec::with_capacity(rows)),
            DataType::TimestampTz => ColumnData::TimestampTz(Vec::with_capacity(rows)),
            DataType::Interval => ColumnData::Interval(Vec::with_capacity(rows)),
            DataType::Text | DataType::Varchar(_) | DataType::Unknown => {
                ColumnData::Text(TextColumn::with_capacity(rows))
            }
            DataType::Vector(dimensions) => {
                ColumnData::Vector(VectorColumn::new(dimensions.map_or(0, usize::from)))
            }
        };
        Self { data, nulls: None }
    }

    /// A column without NULLs.
    pub fn new(data: ColumnData) -> Self {
        Self { data, nulls: None }
    }

    /// `rows` copies of one value; NULL takes `data_type`.
    pub fn repeat(data_type: DataType, value: ValueRef<'_>, rows: usize) -> Self {
        let mut column = Self::with_capacity(data_type, 1);
        column.push(value);
        // Gathering shares a long text instead of copying it for each row.
        column.gather(&vec![0; rows])
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        for_each_data!(&self.data, values => values.len())
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `row` is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.get(row))
    }

    /// The value at `row`.
    #[inline]
    pub fn get(&self, row: usize) -> ValueRef<'_> {
        if self.is_null(row) {
            return ValueRef::Null;
        }
        match &self.data {
            ColumnData::Bool(values) => ValueRef::Bool(values[row]),
            ColumnData::Int2(values) => ValueRef::Int2(values[row]),
            ColumnData::Int4(values) => ValueRef::Int4(values[row]),
            ColumnData::Int8(values) => ValueRef::Int8(values[row]),
            ColumnData::Float4(values) => ValueRef::Float4(values[row]),
            ColumnData::Float8(values) => ValueRef::Float8(values[row]),
            ColumnData::Date(values) => ValueRef::Date(values[row]),
            ColumnData::Time(values) => ValueRef::Time(values[row]),
            ColumnData::Timestamp(values) => ValueRef::Timestamp(values[row]),
            ColumnData::TimestampTz(values) => ValueRef::TimestampTz(values[row]),
            ColumnData::Interval(values) => ValueRef::Interval(values[row]),
            ColumnData::Text(values) => ValueRef::Text(values.get(row)),
            ColumnData::Vector(values) => ValueRef::Vector(values.get(row)),
        }
    }

    /// Some of the value at `row`: asks memory for it without using it.
    #[inline]
    pub fn touch(&self, row: usize) -> usize {
        let value = match &self.data {
            ColumnData::Bool(values) => usize::from(values[row]),
            ColumnData::Int2(values) => values[row] as usize,
            ColumnData::Int4(values) => values[row] as usize,
            ColumnData::Int8(values) => values[row] as usize,
            ColumnData::Float4(values) => values[row].to_bits() as usize,
            ColumnData::Float8(values) => values[row].to_bits() as usize,
            ColumnData::Date(values) => values[row].0 as usize,
            ColumnData::Time(values) => values[row].0 as usize,
            ColumnData::Timestamp(values) => values[row].0 as usize,
            ColumnData::TimestampTz(values) => values[row].0 as usize,
            ColumnData::Interval(values) => values[row].microseconds as usize,
            ColumnData::Text(values) => values.touch(row),
            ColumnData::Vector(values) => values.len(),
        };
        value.wrapping_add(usize::from(self.is_null(row)))
    }

    /// Appends a value, which must be NULL or of the column's own type.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) {
        let is_null = value.is_null();
        if let Some(nulls) = &mut self.nulls {
            nulls.push(is_null);
        } else if is_null {
            let mut nulls = Bitmap::zeros(self.len());
            nulls.push(true);
            self.nulls = Some(nulls);
        }
        match (&mut self.data, value) {
            (ColumnData::Bool(values), ValueRef::Bool(value)) => values.push(value),
            (ColumnData::Int2(values), ValueRef::Int2(value)) => values.push(value),
            (ColumnData::Int4(values), ValueRef::Int4(value)) => values.push(value),
            (ColumnData::Int8(values), ValueRef::Int8(value)) => values.push(value),
            (ColumnData::Float4(values), ValueRef::Float4(value)) => values.push(value),
            (ColumnData::Float8(values), ValueRef::Float8(value)) => values.push(value),
            (ColumnData::Date(values), ValueRef::Date(value)) => values.push(value),
            (ColumnData::Time(values), ValueRef::Time(value)) => values.push(value),
            (ColumnData::Timestamp(values), ValueRef::Timestamp(value)) => values.push(value),
            (ColumnData::TimestampTz(values), ValueRef::TimestampTz(value)) => values.push(value),
            (ColumnData::Interval(values), ValueRef::Interval(value)) => values.push(value),
            (ColumnData::Text(values), ValueRef::Text(value)) => values.push(value),
            (ColumnData::Vector(values), ValueRef::Vector(value)) => values.push(value),
            (data, ValueRef::Null) => data.push_zero(),
            (_, other) => unreachable!("a value of another type in a column: {other:?}"),
        }
    }

    /// Overwrites the value at `row` with NULL or a value of the column's own type.
    pub fn set(&mut self, row: usize, value: ValueRef<'_>) {
        let is_null = value.is_null();
        if let Some(nulls) = &mut self.nulls {
            nulls.set(row, is_null);
        } else if is_null {
            let mut nulls = Bitmap::zeros(self.len());
            nulls.set(row, true);
            self.nulls = Some(nulls);
        }
        match (&mut self.data, value) {
            (ColumnData::Bool(values), ValueRef::Bool(value)) => values[row] = value,
            (ColumnData::Int2(values), ValueRef::Int2(value)) => values[row] = value,
            (ColumnData::Int4(values), ValueRef::Int4(value)) => values[row] = value,
            (ColumnData::Int8(values), ValueRef::Int8(value)) => values[row] = value,
            (ColumnData::Float4(values), ValueRef::Float4(value)) => values[row] = value,
            (ColumnData::Float8(values), ValueRef::Float8(value)) => values[row] = value,
            (ColumnData::Date(values), ValueRef::Date(value)) => values[row] = value,
            (ColumnData::Time(values), ValueRef::Time(value)) => values[row] = value,
            (ColumnData::Timestamp(values), ValueRef::Timestamp(value)) => values[row] = value,
            (ColumnData::TimestampTz(values), ValueRef::TimestampTz(value)) => values[row] = value,
            (ColumnData::Interval(values), ValueRef::Interval(value)) => values[row] = value,
            (ColumnData::Text(values), ValueRef::Text(value)) => values.set(row, value),
            (ColumnData::Vector(values), ValueRef::Vector(value)) => values.set(row, value),
            (data, ValueRef::Null) => data.set_zero(row),
            (_, other) => unreachable!("a value of another type in a column: {other:?}"),
        }
    }

    /// Overwrites the rows `slots` (ascending) with the rows from `first` on of `other`, a column of the same type.
    pub(super) fn set_run(&mut self, slots: &[u32], other: &Self, first: usize) {
        if slots.len() >= 4 && matches!(self.data, ColumnData::Text(_)) {
            return self.rebuild(slots, other, first);
        }
        for (place, &slot) in slots.iter().enumerate() {
            self.set(slot as usize, other.get(first + place));
        }
    }

    /// As [`Self::set_run`] in one pass over the column: many texts would move those behind them many times.
    fn rebuild(&mut self, slots: &[u32], other: &Self, first: usize) {
        let mut rebuilt = self.empty_like(self.len());
        let mut next = 0;
        for (place, &slot) in slots.iter().enumerate() {
            rebuilt.append(self, next..slot as usize);
            rebuilt.push_from(other, first + place);
            next = slot as usize + 1;
        }
        rebuilt.append(self, next..self.len());
        *self = rebuilt;
    }

    /// An empty column of the same type.
    pub(super) fn empty_like(&self, rows: usize) -> Self {
        let data = match &self.data {
            ColumnData::Bool(_) => ColumnData::Bool(Vec::with_capacity(rows)),
            ColumnData::Int2(_) => ColumnData::Int2(Vec::with_capacity(rows)),
            ColumnData::Int4(_) => ColumnData::Int4(Vec::with_capacity(rows)),
            ColumnData::Int8(_) => ColumnData::Int8(Vec::with_capacity(rows)),
            ColumnData::Float4(_) => ColumnData::Float4(Vec::with_capacity(rows)),
            ColumnData::Float8(_) => ColumnData::Float8(Vec::with_capacity(rows)),
            ColumnData::Date(_) => ColumnData::Date(Vec::with_capacity(rows)),
            ColumnData::Time(_) => ColumnData::Time(Vec::with_capacity(rows)),
            ColumnData::Timestamp(_) => ColumnData::Timestamp(Vec::with_capacity(rows)),
            ColumnData::TimestampTz(_) => ColumnData::TimestampTz(Vec::with_capacity(rows)),
            ColumnData::Interval(_) => ColumnData::Interval(Vec::with_capacity(rows)),
            ColumnData::Text(_) => ColumnData::Text(TextColumn::with_capacity(rows)),
            ColumnData::Vector(values) => {
                ColumnData::Vector(VectorColumn::new(values.dimensions()))
            }
        };
        Self { data, nulls: None }
    }

    /// A copy with room for `rows` more.
    pub(super) fn clone_with_room(&self, rows: usize) -> Self {
        let data = match &self.data {
            ColumnData::Bool(values) => ColumnData::Bool(copy_with_room(values, rows)),
            ColumnData::Int2(values) => ColumnData::Int2(copy_with_room(values, rows)),
            ColumnData::Int4(values) => ColumnData::Int4(copy_with_room(values, rows)),
            ColumnData::Int8(values) => ColumnData::Int8(copy_with_room(values, rows)),
            ColumnData::Float4(values) => ColumnData::Float4(copy_with_room(values, rows)),
            ColumnData::Float8(values) => ColumnData::Float8(copy_with_room(values, rows)),
            ColumnData::Date(values) => ColumnData::Date(copy_with_room(values, rows)),
            ColumnData::Time(values) => ColumnData::Time(copy_with_room(values, rows)),
            ColumnData::Timestamp(values) => ColumnData::Timestamp(copy_with_room(values, rows)),
            ColumnData::TimestampTz(values) => {
                ColumnData::TimestampTz(copy_with_room(values, rows))
            }
            ColumnData::Interval(values) => ColumnData::Interval(copy_with_room(values, rows)),
            ColumnData::Text(values) => ColumnData::Text(values.clone_with_room(rows)),
            ColumnData::Vector(values) => ColumnData::Vector(values.clone()),
        };
        Self { data, nulls: self.nulls.clone() }
    }

    /// Appends the rows `rows` of `other`, a column of the same type.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.append_nulls(other, rows.clone());
        match (&mut self.data, &other.data) {
            (ColumnData::Bool(values), ColumnData::Bool(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Int2(values), ColumnData::Int2(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Int4(values), ColumnData::Int4(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Int8(values), ColumnData::Int8(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Float4(values), ColumnData::Float4(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Float8(values), ColumnData::Float8(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Date(values), ColumnData::Date(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Time(values), ColumnData::Time(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Timestamp(values), ColumnData::Timestamp(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::TimestampTz(values), ColumnData::TimestampTz(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Interval(values), ColumnData::Interval(more)) => {
                values.extend_from_slice(&more[rows]);
            }
            (ColumnData::Text(values), ColumnData::Text(more)) => values.append(more, rows),
            (ColumnData::Vector(values), ColumnData::Vector(more)) => values.append(more, rows),
            (_, other) => unreachable!("a column of another type: {other:?}"),
        }
    }

    fn append_nulls(&mut self, other: &Self, rows: Range<usize>) {
        let len = self.len();
        match (&mut self.nulls, &other.nulls) {
            (None, None) => {}
            (Some(nulls), None) => nulls.extend_zeros(rows.len()),
            (None, Some(more)) => {
                let mut nulls = Bitmap::zeros(len);
                nulls.append(more, rows);
                self.nulls = (nulls.count_ones() > 0).then_some(nulls);
            }
            (Some(nulls), Some(more)) => nulls.append(more, rows),
        }
    }

    /// Appends row `row` of `other`, a column of the same type.
    #[inline]
    pub fn push_from(&mut self, other: &Self, row: usize) {
        if other.is_null(row) {
            return self.push(ValueRef::Null);
        }
        if let (ColumnData::Text(values), ColumnData::Text(more)) = (&mut self.data, &other.data) {
            if let Some(nulls) = &mut self.nulls {
                nulls.push(false);
            }
            return values.push_from(more, row);
        }
        self.push(other.get(row));
    }

    /// Appends the rows `rows` of `other`, a column of the same type.
    pub fn extend_selected(&mut self, other: &Self, rows: &[u32]) {
        for &row in rows {
            self.push_from(other, row as usize);
        }
    }

    /// Gives back spare capacity.
    pub(super) fn shrink_to_fit(&mut self) {
        for_each_data!(&mut self.data, values => values.shrink_to_fit());
    }

    /// The rows `rows`, in that order, as a new column.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Self {
        let data = match &self.data {
            ColumnData::Bool(values) => ColumnData::Bool(gather(values, rows)),
            ColumnData::Int2(values) => ColumnData::Int2(gather(values, rows)),
            ColumnData::Int4(values) => ColumnData::Int4(gather(values, rows)),
            ColumnData::Int8(values) => ColumnData::Int8(gather(values, rows)),
            ColumnData::Float4(values) => ColumnData::Float4(gather(values, rows)),
            ColumnData::Float8(values) => ColumnData::Float8(gather(values, rows)),
            ColumnData::Date(values) => ColumnData::Date(gather(values, rows)),
            ColumnData::Time(values) => ColumnData::Time(gather(values, rows)),
            ColumnData::Timestamp(values) => ColumnData::Timestamp(gather(values, rows)),
            ColumnData::TimestampTz(values) => ColumnData::TimestampTz(gather(values, rows)),
            ColumnData::Interval(values) => ColumnData::Interval(gather(values, rows)),
            ColumnData::Text(values) => ColumnData::Text(values.gather(rows)),
            ColumnData::Vector(values) => ColumnData::Vector(values.gather(rows)),
        };
        let nulls = self.nulls.as_ref().map(|nulls| {
            let mut gathered = Bitmap::zeros(rows.len());
            for (place, &row) in rows.iter().enumerate() {
                if nulls.get(row as usize) {
                    gathered.set(place, true);
                }
            }
            gathered
        });
        Self { data, nulls }
    }

    /// Bytes it takes on the heap, shared blocks and long texts included.
    pub fn heap_bytes(&self) -> usize {
        let data = match &self.data {
            ColumnData::Bool(values) => values.capacity(),
            ColumnData::Int2(values) => values.capacity() * 2,
            ColumnData::Int4(values) => values.capacity() * 4,
            ColumnData::Float4(values) => values.capacity() * 4,
            ColumnData::Int8(values) => values.capacity() * 8,
            ColumnData::Float8(values) => values.capacity() * 8,
            ColumnData::Date(values) => values.capacity() * 4,
            ColumnData::Time(values) => values.capacity() * 8,
            ColumnData::Timestamp(values) => values.capacity() * 8,
            ColumnData::TimestampTz(values) => values.capacity() * 8,
            ColumnData::Interval(values) => values.capacity() * 16,
            ColumnData::Text(values) => values.heap_bytes(),
            ColumnData::Vector(values) => values.heap_bytes(),
        };
        data + self.nulls.as_ref().map_or(0, Bitmap::heap_bytes)
    }
}

fn copy_with_room<T: Copy>(values: &[T], rows: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(values.len() + rows);
    copy.extend_from_slice(values);
    copy
}

fn gather<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

impl ColumnData {
    fn push_zero(&mut self) {
        match self {
            Self::Bool(values) => values.push(false),
            Self::Int2(values) => values.push(0),
            Self::Int4(values) => values.push(0),
            Self::Int8(values) => values.push(0),
            Self::Float4(values) => values.push(0.0),
            Self::Float8(values) => values.push(0.0),
            Self::Date(values) => values.push(Date::default()),
            Self::Time(values) => values.push(Time::default()),
            Self::Timestamp(values) => values.push(Timestamp::default()),
            Self::TimestampTz(values) => values.push(TimestampTz::default()),
            Self::Interval(values) => values.push(Interval::default()),
            Self::Text(values) => values.push(""),
            Self::Vector(values) => values.push_zeros(),
        }
    }
    fn set_zero(&mut self, row: usize) {
        match self {
            Self::Bool(values) => values[row] = false,
            Self::Int2(values) => values[row] = 0,
            Self::Int4(values) => values[row] = 0,
            Self::Int8(values) => values[row] = 0,
            Self::Float4(values) => values[row] = 0.0,
            Self::Float8(values) => values[row] = 0.0,
            Self::Date(values) => values[row] = Date::default(),
            Self::Time(values) => values[row] = Time::default(),
            Self::Timestamp(values) => values[row] = Timestamp::default(),
            Self::TimestampTz(values) => values[row] = TimestampTz::default(),
            Self::Interval(values) => values[row] = Interval::default(),
            Self::Text(values) => values.set(row, ""),
            Self::Vector(values) => values.set_zeros(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(column: &Column) -> Vec<Option<i32>> {
        (0..column.len())
            .map(|row| match column.get(row) {
                ValueRef::Int4(value) => Some(value),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn nulls_follow_their_rows_and_hold_zero() {
        let mut column = Column::with_capacity(DataType::Int4, 4);
        for value in 1..=3 {
            column.push(ValueRef::Int4(value));
        }
        column.set(1, ValueRef::Null);
        column.set(2, ValueRef::Int4(30));
        let mut joined = Column::repeat(DataType::Int4, ValueRef::Int4(9), 64);
        joined.append(&column, 2..3);
        assert!(joined.nulls.is_none(), "no NULL came along");
        joined.append(&column, 0..3);
        joined.push_from(&column, 1);
        assert_eq!(ints(&joined)[63..], [Some(9), Some(30), Some(1), None, Some(30), None]);
        assert!(matches!(&joined.data, ColumnData::Int4(values) if values[66] == 0));
        assert_eq!(ints(&joined.gather(&[66, 64])), [None, Some(30)]);
        assert_eq!(ints(&joined.clone_with_room(9)), ints(&joined));
    }

    #[test]
    fn set_run_rebuilds_texts_as_single_sets_do() {
        let mut column = Column::with_capacity(DataType::Text, 0);
        for text in ["a", "b", "c", "d", "e", "f"] {
            column.push(ValueRef::Text(text));
        }
        let mut other = Column::with_capacity(DataType::Text, 0);
        for value in
            [ValueRef::Text("0"), ValueRef::Text("long"), ValueRef::Null, ValueRef::Text("")]
        {
            other.push(value);
        }
        other.push(ValueRef::Text("z"));
        let (mut rebuilt, mut single) = (column.clone(), column);
        rebuilt.set_run(&[0, 2, 3, 5], &other, 1);
        for (place, slot) in [0, 2, 3, 5].into_iter().enumerate() {
            single.set(slot, other.get(1 + place));
        }
        let values =
            |column: &Column| (0..6).map(|row| column.get(row).to_value()).collect::<Vec<_>>();
        assert_eq!(values(&rebuilt), values(&single));
        assert_eq!(rebuilt.get(5), ValueRef::Text("z"));
    }
}
