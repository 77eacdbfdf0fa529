//! What a node's operands evaluate to, and the rows they are evaluated for.

use smallvec::SmallVec;

use crate::error::{Error, Result, SqlState};
use crate::storage::batch::{ColumnRef, Selection};
use crate::storage::bitmap::Bitmap;
use crate::storage::column::{Column, ColumnData};
use crate::types::datetime::{Date, Time, Timestamp, TimestampTz};
use crate::types::{DataType, Value, ValueRef};

/// The rows to evaluate for: columns of a batch and a selection, which may be narrower than the batch's own.
#[derive(Clone, Copy)]
pub(super) struct Rows<'b, 's> {
    /// The batch's columns.
    pub(super) columns: &'b [ColumnRef<'b>],
    /// Physical rows of them.
    pub(super) selection: &'s Selection,
}

impl<'b> Rows<'b, '_> {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.selection.len()
    }

    /// The same columns with another selection.
    pub(super) fn with<'n>(&self, selection: &'n Selection) -> Rows<'b, 'n> {
        Rows { columns: self.columns, selection }
    }
}

/// A value for each row: a column of exactly those rows, or one value for all of them.
pub(super) enum Operand<'b> {
    /// Row `place` of the column belongs to the `place`-th selected row.
    Column(ColumnRef<'b>),
    /// The same for every row.
    Constant(Value),
}

impl<'b> Operand<'b> {
    /// A computed column.
    pub(super) fn owned(column: Column) -> Self {
        Self::Column(ColumnRef::owned(column))
    }

    /// NULL for every row.
    pub(super) const fn null() -> Self {
        Self::Constant(Value::Null)
    }

    /// The value at `place`.
    #[inline]
    pub(super) fn get(&self, place: usize) -> ValueRef<'_> {
        match self {
            Self::Column(column) => column.get(place),
            Self::Constant(value) => value.as_ref(),
        }
    }

    /// Whether it is NULL for every row.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Constant(Value::Null))
    }

    /// The NULL marks, where there are any.
    pub(super) fn nulls(&self) -> Option<&Bitmap> {
        match self {
            Self::Column(column) => column.nulls.as_ref(),
            Self::Constant(_) => None,
        }
    }

    /// As a column of `rows` rows.
    pub(super) fn into_column(self, data_type: DataType, rows: usize) -> ColumnRef<'b> {
        match self {
            Self::Column(column) => column,
            Self::Constant(value) => {
                ColumnRef::owned(Column::repeat(data_type, value.as_ref(), rows))
            }
        }
    }
}

/// A boolean of three values as a value: None is NULL.
pub(super) fn boolean(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

/// The constant values, if every operand is one.
pub(super) fn constants<'o>(operands: &'o [Operand<'_>]) -> Option<SmallVec<[ValueRef<'o>; 4]>> {
    operands
        .iter()
        .map(|operand| match operand {
            Operand::Constant(value) => Some(value.as_ref()),
            Operand::Column(_) => None,
        })
        .collect()
}

/// The rows that are NULL in any of the operands.
pub(super) fn union_of_nulls(operands: &[Operand<'_>]) -> Option<Bitmap> {
    let mut marks = operands.iter().filter_map(Operand::nulls);
    let mut union = marks.next()?.clone();
    for nulls in marks {
        union.union(nulls);
    }
    Some(union)
}

/// pgvector's error for operands of two dimensions.
#[cold]
pub(super) fn different_dimensions(left: usize, right: usize) -> Error {
    Error::new(SqlState::DataException, format!("different vector dimensions {left} and {right}"))
}

/// An expression that the binder does not make.
#[cold]
pub(super) fn unbound(what: &str) -> Error {
    Error::new(SqlState::InternalError, format!("expression was not bound: {what}"))
}

/// A fixed-size type: columns of it are slices.
pub(super) trait Native: Copy + Default + 'static {
    /// The values of a column of this type.
    fn slice(data: &ColumnData) -> Option<&[Self]>;
    /// A value of this type.
    fn scalar(value: ValueRef<'_>) -> Option<Self>;
    /// A column's data.
    fn data(values: Vec<Self>) -> ColumnData;
    /// A value.
    fn value(self) -> Value;
}

macro_rules! native {
    ($($type:ty => $variant:ident,)*) => {
        $(impl Native for $type {
            fn slice(data: &ColumnData) -> Option<&[Self]> {
                if let ColumnData::$variant(values) = data { Some(values) } else { None }
            }

            fn scalar(value: ValueRef<'_>) -> Option<Self> {
                if let ValueRef::$variant(value) = value { Some(value) } else { None }
            }

            fn data(values: Vec<Self>) -> ColumnData {
                ColumnData::$variant(values)
            }

            fn value(self) -> Value {
                Value::$variant(self)
            }
        })*
    };
}

native! {
    bool => Bool,
    i16 => Int2,
    i32 => Int4,
    i64 => Int8,
    f32 => Float4,
    f64 => Float8,
    Date => Date,
    Time => Time,
    Timestamp => Timestamp,
    TimestampTz => TimestampTz,
}

/// An operand of a fixed-size type, ready for a loop.
#[derive(Clone, Copy)]
pub(super) enum Side<'a, T> {
    /// One value a row.
    Slice(&'a [T]),
    /// One value for all.
    One(T),
}

impl<'a, T: Native> Side<'a, T> {
    /// The operand, if it is of type `T`.
    pub(super) fn of(operand: &'a Operand<'_>) -> Option<Self> {
        match operand {
            Operand::Column(column) => T::slice(&column.data).map(Self::Slice),
            Operand::Constant(value) => T::scalar(value.as_ref()).map(Self::One),
        }
    }

    /// The value at `place`.
    #[inline]
    pub(super) fn get(self, place: usize) -> T {
        match self {
            Self::Slice(values) => values[place],
            Self::One(value) => value,
        }
    }
}

/// One result for each pair, in loops over slices.
#[inline]
pub(super) fn zip_map<T: Native, R>(
    left: Side<'_, T>,
    right: Side<'_, T>,
    rows: usize,
    mut function: impl FnMut(T, T) -> R,
) -> Vec<R> {
    match (left, right) {
        (Side::Slice(left), Side::Slice(right)) => {
            left.iter().zip(right).map(|(&left, &right)| function(left, right)).collect()
        }
        (Side::Slice(left), Side::One(right)) => {
            left.iter().map(|&left| function(left, right)).collect()
        }
        (Side::One(left), Side::Slice(right)) => {
            right.iter().map(|&right| function(left, right)).collect()
        }
        (Side::One(left), Side::One(right)) => (0..rows).map(|_| function(left, right)).collect(),
    }
}

/// A column of computed values, those at NULL rows set to zero.
pub(super) fn native_column<T: Native>(mut values: Vec<T>, nulls: Option<Bitmap>) -> Column {
    if let Some(nulls) = &nulls {
        for row in nulls.iter_ones() {
            values[row] = T::default();
        }
    }
    Column { data: T::data(values), nulls }
}

/// One result for each row that is not NULL, zero for the others; stops at the first error.
pub(super) fn try_rows<R: Default>(
    rows: usize,
    nulls: Option<&Bitmap>,
    mut function: impl FnMut(usize) -> Result<R>,
) -> Result<Vec<R>> {
    let mut results = Vec::with_capacity(rows);
    for row in 0..rows {
        let is_null = nulls.is_some_and(|nulls| nulls.get(row));
        results.push(if is_null { R::default() } else { function(row)? });
    }
    Ok(results)
}
