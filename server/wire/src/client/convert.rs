//! Rust types as values: [`ToValue`] for parameters and rows to load, [`FromValue`] for columns of an answer.

use super::error::Conversion;
use crate::value::{Floats, Value, ValueRef, oid};

/// What can be a parameter.
pub trait ToValue {
    /// The value; its type is what the server is told.
    fn to_value(&self) -> ValueRef<'_>;
}

macro_rules! to_value {
    ($($rust:ty => $variant:ident,)*) => {
        $(impl ToValue for $rust {
            fn to_value(&self) -> ValueRef<'_> {
                ValueRef::$variant(*self)
            }
        })*
    };
}

to_value! {
    bool => Bool,
    i16 => Int2,
    i32 => Int4,
    i64 => Int8,
    f32 => Float4,
    f64 => Float8,
}

impl ToValue for str {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToValue for [f32] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Vector(Floats::Numbers(self))
    }
}

impl ToValue for Vec<f32> {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Vector(Floats::Numbers(self))
    }
}

impl<const N: usize> ToValue for [f32; N] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Vector(Floats::Numbers(self))
    }
}

impl ToValue for Value {
    fn to_value(&self) -> ValueRef<'_> {
        self.as_ref()
    }
}

impl ToValue for ValueRef<'_> {
    fn to_value(&self) -> ValueRef<'_> {
        *self
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, ToValue::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> ValueRef<'_> {
        (**self).to_value()
    }
}

/// What a column can be read as. Integers and floats are read as wider ones, too; NULL as an `Option`.
pub trait FromValue<'a>: Sized {
    /// Its name in messages.
    const NAME: &'static str;

    /// The Rust value; `None` if it is of another type, NULL included.
    fn from_value(value: ValueRef<'a>) -> Option<Self>;
}

macro_rules! from_value {
    ($($rust:ty: $($variant:ident)|+;)*) => {
        $(impl FromValue<'_> for $rust {
            const NAME: &'static str = stringify!($rust);

            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    $(ValueRef::$variant(value) => Some(value.into()),)+
                    _ => None,
                }
            }
        })*
    };
}

from_value! {
    i16: Int2;
    i32: Int2 | Int4;
    i64: Int2 | Int4 | Int8;
    f32: Float4;
    f64: Float4 | Float8;
    bool: Bool;
    String: Text;
}

impl<'a> FromValue<'a> for &'a str {
    const NAME: &'static str = "&str";

    fn from_value(value: ValueRef<'a>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromValue<'_> for Vec<f32> {
    const NAME: &'static str = "Vec<f32>";

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Vector(floats) => Some(floats.to_vec()),
            _ => None,
        }
    }
}

impl<'a> FromValue<'a> for ValueRef<'a> {
    const NAME: &'static str = "ValueRef";

    fn from_value(value: ValueRef<'a>) -> Option<Self> {
        Some(value)
    }
}

impl FromValue<'_> for Value {
    const NAME: &'static str = "Value";

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        Some(value.to_value())
    }
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    const NAME: &'static str = T::NAME;

    fn from_value(value: ValueRef<'a>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// The value as one of type `type_oid`, which a copy demands: integers of another width if they fit, a REAL as DOUBLE
/// PRECISION; anything else must have the type already. `column` is for the message.
pub(super) fn coerce<'a>(
    value: ValueRef<'a>,
    type_oid: u32,
    column: &str,
) -> Result<ValueRef<'a>, Conversion> {
    let out_of_range = || Conversion::OutOfRange { column: column.to_owned() };
    let integer = match value {
        ValueRef::Int2(number) => Some(i64::from(number)),
        ValueRef::Int4(number) => Some(i64::from(number)),
        ValueRef::Int8(number) => Some(number),
        _ => None,
    };
    match (type_oid, integer, value) {
        (oid::INT2, Some(number), _) => {
            number.try_into().map(ValueRef::Int2).map_err(|_| out_of_range())
        }
        (oid::INT4, Some(number), _) => {
            number.try_into().map(ValueRef::Int4).map_err(|_| out_of_range())
        }
        (oid::INT8, Some(number), _) => Ok(ValueRef::Int8(number)),
        (oid::FLOAT8, _, ValueRef::Float4(number)) => Ok(ValueRef::Float8(number.into())),
        (oid::VARCHAR | oid::UNKNOWN, _, ValueRef::Text(_)) | (_, _, ValueRef::Null) => Ok(value),
        _ if value.type_oid() == type_oid => Ok(value),
        _ => {
            let rust_type = variant_name(value);
            Err(Conversion::Type { column: column.to_owned(), type_oid, rust_type })
        }
    }
}

fn variant_name(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "NULL",
        ValueRef::Bool(_) => "bool",
        ValueRef::Int2(_) => "i16",
        ValueRef::Int4(_) => "i32",
        ValueRef::Int8(_) => "i64",
        ValueRef::Float4(_) => "f32",
        ValueRef::Float8(_) => "f64",
        ValueRef::Date(_) => "date",
        ValueRef::Time(_) => "time",
        ValueRef::Timestamp(_) => "timestamp",
        ValueRef::TimestampTz(_) => "timestamptz",
        ValueRef::Interval(_) => "interval",
        ValueRef::Text(_) => "text",
        ValueRef::Vector(_) => "[f32]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_widen_and_refuse() {
        let to = |value, type_oid| coerce(value, type_oid, "c").ok();
        assert_eq!(to(ValueRef::Int4(5), oid::INT8), Some(ValueRef::Int8(5)));
        assert_eq!(to(ValueRef::Int8(5), oid::INT2), Some(ValueRef::Int2(5)));
        assert_eq!(to(ValueRef::Int8(1 << 40), oid::INT4), None);
        assert_eq!(to(ValueRef::Float4(0.5), oid::FLOAT8), Some(ValueRef::Float8(0.5)));
        assert_eq!(to(ValueRef::Float8(0.5), oid::FLOAT4), None);
        assert_eq!(to(ValueRef::Text("x"), oid::VARCHAR), Some(ValueRef::Text("x")));
        assert_eq!(to(ValueRef::Text("1"), oid::INT4), None);
        assert_eq!(to(ValueRef::Int4(1), oid::TEXT), None);
        assert_eq!(to(ValueRef::Null, oid::INT4), Some(ValueRef::Null));
    }
}
