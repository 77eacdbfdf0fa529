//! Rows of an answer: borrowed from their message, or owned.

use std::sync::Arc;

use super::convert::FromValue;
use super::error::{Conversion, Error};
use crate::decode::List;
use crate::error::ProtocolError;
use crate::value::{Column, ValueRef};

/// A column of a row, by its place or by its name.
pub trait ColumnIndex: Copy {
    /// The place in `columns`.
    fn find(self, columns: &[Column]) -> Result<usize, Conversion>;
}

impl ColumnIndex for usize {
    fn find(self, columns: &[Column]) -> Result<usize, Conversion> {
        if self < columns.len() { Ok(self) } else { Err(Conversion::NoColumn(self.to_string())) }
    }
}

impl ColumnIndex for &str {
    fn find(self, columns: &[Column]) -> Result<usize, Conversion> {
        let place = columns.iter().position(|column| column.name == self);
        place.ok_or_else(|| Conversion::NoColumn(format!("\"{self}\"")))
    }
}

/// A row within a message. Its values are found by walking over those before them.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'a> {
    columns: &'a Arc<[Column]>,
    values: List<'a, Option<&'a [u8]>>,
}

impl<'a> RowRef<'a> {
    /// A row of `columns`; refused if it has another number of values.
    #[inline]
    pub(super) fn new(
        columns: &'a Arc<[Column]>,
        values: List<'a, Option<&'a [u8]>>,
    ) -> Result<Self, ProtocolError> {
        let (expected, actual) = (columns.len(), values.len());
        if expected == actual {
            Ok(Self { columns, values })
        } else {
            Err(ProtocolError::ColumnCount { expected, actual })
        }
    }

    /// The columns.
    pub fn columns(&self) -> &'a [Column] {
        self.columns
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = Result<ValueRef<'a>, Error>> {
        let columns = self.columns.iter();
        self.values.iter().zip(columns).map(|(bytes, column)| {
            ValueRef::decode(column.type_oid, bytes).map_err(Error::Protocol)
        })
    }

    /// The value of a column.
    pub fn try_get<T: FromValue<'a>>(&self, index: impl ColumnIndex) -> Result<T, Error> {
        let index = index.find(self.columns)?;
        let column = self.columns.get(index).expect("the index was found in the columns");
        convert(column, self.values.iter().nth(index).flatten())
    }

    /// Copies it out.
    pub fn to_row(&self) -> Row {
        let bytes: Box<[u8]> = self.values.as_bytes().into();
        let mut end = 0_usize;
        let places = self.values.iter().map(|value| {
            let start = end.saturating_add(4);
            let length = value.map(<[u8]>::len);
            end = start.saturating_add(length.unwrap_or(0));
            length.map(|_| (start as u32, end as u32))
        });
        let places = places.collect();
        Row { columns: Arc::clone(self.columns), bytes, places }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[Column]>,
    /// The values as they came, lengths included.
    bytes: Box<[u8]>,
    /// Start and end of each value that is not NULL.
    places: Box<[Option<(u32, u32)>]>,
}

impl Row {
    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The value of a column, by place or name.
    ///
    /// # Panics
    /// If there is no such column, or it is of another type, or NULL and `T` is no `Option`: where that is not known
    /// beforehand, use [`Row::try_get`].
    #[track_caller]
    pub fn get<'a, T: FromValue<'a>>(&'a self, index: impl ColumnIndex) -> T {
        self.try_get(index).expect("the caller knows the columns")
    }

    /// The value of a column, by place or name.
    pub fn try_get<'a, T: FromValue<'a>>(&'a self, index: impl ColumnIndex) -> Result<T, Error> {
        let index = index.find(&self.columns)?;
        let column = self.columns.get(index).expect("the index was found in the columns");
        let place = self.places.get(index).copied().flatten();
        let bytes = place.and_then(|(start, end)| self.bytes.get(start as usize..end as usize));
        convert(column, bytes)
    }

    /// The value of a column, whatever its type.
    pub fn value(&self, index: impl ColumnIndex) -> Result<ValueRef<'_>, Error> {
        self.try_get(index)
    }
}

fn convert<'a, T: FromValue<'a>>(column: &Column, bytes: Option<&'a [u8]>) -> Result<T, Error> {
    let value = ValueRef::decode(column.type_oid, bytes).map_err(Error::Protocol)?;
    T::from_value(value).ok_or_else(|| {
        let name = column.name.clone();
        Error::Conversion(match value {
            ValueRef::Null => Conversion::Null { column: name },
            _ => Conversion::Type { column: name, type_oid: column.type_oid, rust_type: T::NAME },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Reader;
    use crate::encode::RowWriter;
    use crate::value::oid;

    fn columns() -> Arc<[Column]> {
        let column =
            |name: &str, type_oid| Column { name: name.to_owned(), type_oid, type_modifier: -1 };
        Arc::new([
            column("id", oid::INT4),
            column("name", oid::TEXT),
            column("nothing", oid::INT8),
            column("v", oid::VECTOR),
        ])
    }

    fn row() -> Row {
        let mut out = Vec::new();
        let mut writer = RowWriter::bare(&mut out);
        writer.push_i32(7);
        writer.push_text("seven");
        writer.push_null();
        writer.push_vector(&[0.5, 2.0]);
        writer.finish().unwrap();
        let columns = columns();
        let values = Reader::new(&out).list().unwrap();
        let row = RowRef::new(&columns, values).unwrap();
        assert_eq!(row.try_get::<&str>(1).unwrap(), "seven");
        assert_eq!(row.values().count(), 4);
        row.to_row()
    }

    #[test]
    fn values_are_found_by_place_and_by_name() {
        let row = row();
        assert_eq!(row.get::<i32>(0), 7);
        assert_eq!(row.get::<i64>("id"), 7);
        assert_eq!(row.get::<&str>("name"), "seven");
        assert_eq!(row.get::<String>(1), "seven");
        assert_eq!(row.get::<Option<i64>>("nothing"), None);
        assert_eq!(row.get::<Option<i32>>("id"), Some(7));
        assert_eq!(row.get::<Vec<f32>>("v"), [0.5, 2.0]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let row = row();
        let message = |error: Error| error.to_string();
        assert_eq!(
            row.try_get::<String>("id").map_err(message),
            Err("column \"id\" is of type integer, not String".to_owned())
        );
        assert_eq!(
            row.try_get::<i64>("nothing").map_err(message),
            Err("column \"nothing\" is NULL".to_owned())
        );
        assert_eq!(
            row.try_get::<i32>("x").map_err(message),
            Err("there is no column \"x\"".to_owned())
        );
        assert_eq!(row.try_get::<i32>(4).map_err(message), Err("there is no column 4".to_owned()));
        assert_eq!(row.try_get::<i16>("id").unwrap_err().code(), "42804");
    }
}
