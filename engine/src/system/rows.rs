//! The rows of a view while they are made: columns that the statement asked for, counted in its memory.

use std::borrow::Cow;

use crate::error::Result;
use crate::storage::column::Column;
use crate::storage::schema::Schema;
use crate::types::datetime::TimestampTz;
use crate::types::{DataType, ValueRef};

/// Bytes that a value takes at most, a text's own aside.
const VALUE_BYTES: usize = 8;

/// Who counts the bytes that rows take; its error ends the statement (53200).
pub type Reserve<'r> = dyn Fn(usize) -> Result<()> + 'r;

/// Rows that grow.
pub struct Rows<'r> {
    /// By ordinal of the view; None where nobody asked for the column.
    columns: Vec<Option<Column>>,
    types: Vec<DataType>,
    count: usize,
    reserve: &'r Reserve<'r>,
}

/// A value of a view.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// BOOL.
    Bool(bool),
    /// SMALLINT.
    Int2(i16),
    /// INT.
    Int4(i32),
    /// BIGINT.
    Int8(i64),
    /// REAL.
    Float4(f32),
    /// DOUBLE PRECISION.
    Float8(f64),
    /// TEXT and VARCHAR.
    Text(Cow<'a, str>),
    /// TIMESTAMPTZ.
    TimestampTz(TimestampTz),
}

impl<'r> Rows<'r> {
    /// No rows of `schema`'s columns `wanted`.
    pub fn new(schema: &Schema, wanted: &[usize], reserve: &'r Reserve<'r>) -> Self {
        let types: Vec<DataType> = schema.columns.iter().map(|column| column.data_type).collect();
        let column = |(ordinal, data_type): (usize, &DataType)| {
            wanted.contains(&ordinal).then(|| Column::with_capacity(*data_type, 0))
        };
        let columns = types.iter().enumerate().map(column).collect();
        Self { columns, types, count: 0, reserve }
    }

    /// Whether the statement looks at a column: what costs much is left out where it does not.
    pub fn is_wanted(&self, ordinal: usize) -> bool {
        self.columns.get(ordinal).is_some_and(Option::is_some)
    }

    /// Adds a row: a value for each column of the view.
    pub fn add<const WIDTH: usize>(&mut self, cells: &[Cell<'_>; WIDTH]) -> Result<()> {
        assert_eq!(WIDTH, self.columns.len(), "a row has a value for each column");
        let mut bytes = 0;
        for (ordinal, cell) in cells.iter().enumerate() {
            if let Some(column) = &mut self.columns[ordinal] {
                let value = cell.as_ref(self.types[ordinal]);
                bytes += VALUE_BYTES;
                if let ValueRef::Text(text) = value {
                    bytes += text.len();
                }
                column.push(value);
            }
        }
        self.count += 1;
        (self.reserve)(bytes)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The columns by ordinal of the view; None where nobody asked.
    pub fn into_columns(self) -> Vec<Option<Column>> {
        self.columns
    }
}

impl Cell<'_> {
    /// The value for a column; integers take its width.
    fn as_ref(&self, data_type: DataType) -> ValueRef<'_> {
        match (self, data_type) {
            (Self::Null, _) => ValueRef::Null,
            (Self::Bool(value), DataType::Bool) => ValueRef::Bool(*value),
            (Self::Int2(value), DataType::Int2) => ValueRef::Int2(*value),
            (Self::Int4(value), DataType::Int2) => ValueRef::Int2(*value as i16),
            (Self::Int4(value), DataType::Int4) => ValueRef::Int4(*value),
            (Self::Int4(value), DataType::Int8) => ValueRef::Int8(i64::from(*value)),
            (Self::Int8(value), DataType::Int8) => ValueRef::Int8(*value),
            (Self::Float4(value), DataType::Float4) => ValueRef::Float4(*value),
            (Self::Float8(value), DataType::Float8) => ValueRef::Float8(*value),
            (Self::Text(text), DataType::Text | DataType::Varchar(_)) => ValueRef::Text(text),
            (Self::TimestampTz(value), DataType::TimestampTz) => ValueRef::TimestampTz(*value),
            (cell, data_type) => unreachable!("{cell:?} in a column of {data_type}"),
        }
    }
}

macro_rules! cell_from {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for Cell<'_> {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

cell_from!(
    bool => Bool, i16 => Int2, i32 => Int4, i64 => Int8, f32 => Float4, f64 => Float8, TimestampTz => TimestampTz
);

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a std::sync::Arc<str>> for Cell<'a> {
    fn from(text: &'a std::sync::Arc<str>) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
