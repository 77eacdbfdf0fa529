//! Values as the wire carries them: type OIDs, owned and borrowed values, column descriptions.

use std::fmt;

use crate::decode::{Item, Reader, text};
use crate::error::ProtocolError;

/// Type OIDs: PostgreSQL's, and one of ours for vectors, which PostgreSQL numbers when the extension is installed.
pub mod oid {
    /// A type left to the server: in Parse, "infer it".
    pub const INFER: u32 = 0;
    /// BOOL: one byte, 0 or 1.
    pub const BOOL: u32 = 16;
    /// BIGINT: eight bytes.
    pub const INT8: u32 = 20;
    /// SMALLINT: two bytes.
    pub const INT2: u32 = 21;
    /// INT: four bytes.
    pub const INT4: u32 = 23;
    /// TEXT: UTF-8 without NUL.
    pub const TEXT: u32 = 25;
    /// REAL: four bytes.
    pub const FLOAT4: u32 = 700;
    /// DOUBLE PRECISION: eight bytes.
    pub const FLOAT8: u32 = 701;
    /// DATE: four bytes, days since 2000-01-01.
    pub const DATE: u32 = 1082;
    /// TIME: eight bytes, microseconds since midnight.
    pub const TIME: u32 = 1083;
    /// TIMESTAMP: eight bytes, microseconds since 2000-01-01.
    pub const TIMESTAMP: u32 = 1114;
    /// TIMESTAMPTZ: eight bytes, microseconds since 2000-01-01 UTC.
    pub const TIMESTAMPTZ: u32 = 1184;
    /// INTERVAL: sixteen bytes: microseconds, days, months.
    pub const INTERVAL: u32 = 1186;
    /// An untyped literal: as TEXT.
    pub const UNKNOWN: u32 = 705;
    /// VARCHAR: as TEXT.
    pub const VARCHAR: u32 = 1043;
    /// VECTOR: four bytes a dimension. The first OID that PostgreSQL gives to what users define.
    pub const VECTOR: u32 = 16_388;
}

/// The numbers of a vector, from a slice or still as they stand in a message.
#[derive(Clone, Copy, Debug)]
pub enum Floats<'a> {
    /// Numbers.
    Numbers(&'a [f32]),
    /// Little-endian bytes, four a number.
    Bytes(&'a [u8]),
}

impl<'a> Floats<'a> {
    /// How many numbers there are.
    pub fn len(self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Bytes(bytes) => bytes.len() / 4,
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The numbers.
    pub fn iter(self) -> impl ExactSizeIterator<Item = f32> + 'a {
        (0..self.len()).map(move |index| self.get(index).expect("the index is below the length"))
    }

    /// The number at `index`.
    pub fn get(self, index: usize) -> Option<f32> {
        match self {
            Self::Numbers(numbers) => numbers.get(index).copied(),
            Self::Bytes(bytes) => {
                let bytes = bytes.get(index.checked_mul(4)?..)?.first_chunk()?;
                Some(f32::from_le_bytes(*bytes))
            }
        }
    }

    /// Copies them out.
    pub fn to_vec(self) -> Vec<f32> {
        match self {
            Self::Numbers(numbers) => numbers.to_vec(),
            Self::Bytes(bytes) => {
                let (numbers, _) = bytes.as_chunks::<4>();
                numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
            }
        }
    }
}

impl<'a> From<&'a [f32]> for Floats<'a> {
    fn from(numbers: &'a [f32]) -> Self {
        Self::Numbers(numbers)
    }
}

impl PartialEq for Floats<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// An INTERVAL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub microseconds: i64,
}

impl Interval {
    /// As it is sent.
    pub fn to_bytes(self) -> [u8; 16] {
        let days_and_months = (u64::from(self.months as u32) << 32) | u64::from(self.days as u32);
        let whole = (u128::from(days_and_months) << 64) | u128::from(self.microseconds as u64);
        whole.to_le_bytes()
    }

    /// From what [`Self::to_bytes`] made.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        Self {
            months: (whole >> 96) as i32,
            days: (whole >> 64) as i32,
            microseconds: whole as i64,
        }
    }
}

/// A borrowed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// NULL of any type.
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
    /// DATE: days since 2000-01-01; the extremes are the infinities.
    Date(i32),
    /// TIME: microseconds since midnight.
    Time(i64),
    /// TIMESTAMP: microseconds since 2000-01-01; the extremes are the infinities.
    Timestamp(i64),
    /// TIMESTAMPTZ: microseconds since 2000-01-01 UTC; the extremes are the infinities.
    TimestampTz(i64),
    /// INTERVAL.
    Interval(Interval),
    /// TEXT, VARCHAR and untyped literals.
    Text(&'a str),
    /// VECTOR.
    Vector(Floats<'a>),
}

/// An owned value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL of any type.
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
    /// DATE: days since 2000-01-01; the extremes are the infinities.
    Date(i32),
    /// TIME: microseconds since midnight.
    Time(i64),
    /// TIMESTAMP: microseconds since 2000-01-01; the extremes are the infinities.
    Timestamp(i64),
    /// TIMESTAMPTZ: microseconds since 2000-01-01 UTC; the extremes are the infinities.
    TimestampTz(i64),
    /// INTERVAL.
    Interval(Interval),
    /// TEXT, VARCHAR and untyped literals.
    Text(String),
    /// VECTOR.
    Vector(Vec<f32>),
}

impl<'a> ValueRef<'a> {
    /// The value of type `type_oid` that `bytes` are; `None` is NULL. What is wrong with them is not fatal.
    #[inline]
    pub fn decode(type_oid: u32, bytes: Option<&'a [u8]>) -> Result<Self, ProtocolError> {
        let Some(bytes) = bytes else { return Ok(Self::Null) };
        let wrong_length = ProtocolError::ValueLength { type_oid, length: bytes.len() };
        Ok(match type_oid {
            oid::INT4 => Self::Int4(i32::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::INT8 => Self::Int8(i64::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::TEXT | oid::VARCHAR | oid::UNKNOWN => Self::Text(text(bytes)?),
            oid::FLOAT8 => Self::Float8(f64::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::FLOAT4 => Self::Float4(f32::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::INT2 => Self::Int2(i16::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::BOOL => match bytes {
                [0] => Self::Bool(false),
                [1] => Self::Bool(true),
                _ => return Err(wrong_length),
            },
            oid::DATE => Self::Date(i32::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::TIME => Self::Time(i64::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::TIMESTAMP => Self::Timestamp(i64::from_le_bytes(exactly(bytes, wrong_length)?)),
            oid::TIMESTAMPTZ => {
                Self::TimestampTz(i64::from_le_bytes(exactly(bytes, wrong_length)?))
            }
            oid::INTERVAL => Self::Interval(Interval::from_bytes(exactly(bytes, wrong_length)?)),
            oid::VECTOR if bytes.len().is_multiple_of(4) => Self::Vector(Floats::Bytes(bytes)),
            oid::VECTOR => return Err(wrong_length),
            unknown => return Err(ProtocolError::UnknownType(unknown)),
        })
    }

    /// The OID of its type; 705 (unknown) for NULL, which fits any.
    pub fn type_oid(self) -> u32 {
        match self {
            Self::Null => oid::UNKNOWN,
            Self::Bool(_) => oid::BOOL,
            Self::Int2(_) => oid::INT2,
            Self::Int4(_) => oid::INT4,
            Self::Int8(_) => oid::INT8,
            Self::Float4(_) => oid::FLOAT4,
            Self::Float8(_) => oid::FLOAT8,
            Self::Date(_) => oid::DATE,
            Self::Time(_) => oid::TIME,
            Self::Timestamp(_) => oid::TIMESTAMP,
            Self::TimestampTz(_) => oid::TIMESTAMPTZ,
            Self::Interval(_) => oid::INTERVAL,
            Self::Text(_) => oid::TEXT,
            Self::Vector(_) => oid::VECTOR,
        }
    }

    /// Copies it out.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int2(value) => Value::Int2(value),
            Self::Int4(value) => Value::Int4(value),
            Self::Int8(value) => Value::Int8(value),
            Self::Float4(value) => Value::Float4(value),
            Self::Float8(value) => Value::Float8(value),
            Self::Date(value) => Value::Date(value),
            Self::Time(value) => Value::Time(value),
            Self::Timestamp(value) => Value::Timestamp(value),
            Self::TimestampTz(value) => Value::TimestampTz(value),
            Self::Interval(value) => Value::Interval(value),
            Self::Text(value) => Value::Text(value.to_owned()),
            Self::Vector(value) => Value::Vector(value.to_vec()),
        }
    }
}

impl Value {
    /// Borrows it.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Int2(value) => ValueRef::Int2(*value),
            Self::Int4(value) => ValueRef::Int4(*value),
            Self::Int8(value) => ValueRef::Int8(*value),
            Self::Float4(value) => ValueRef::Float4(*value),
            Self::Float8(value) => ValueRef::Float8(*value),
            Self::Date(value) => ValueRef::Date(*value),
            Self::Time(value) => ValueRef::Time(*value),
            Self::Timestamp(value) => ValueRef::Timestamp(*value),
            Self::TimestampTz(value) => ValueRef::TimestampTz(*value),
            Self::Interval(value) => ValueRef::Interval(*value),
            Self::Text(value) => ValueRef::Text(value),
            Self::Vector(value) => ValueRef::Vector(Floats::Numbers(value)),
        }
    }
}

/// A parameter as Bind carries it: a type, and a value that was not looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The type the client says it has.
    pub type_oid: u32,
    /// Its bytes; `None` is NULL.
    pub bytes: Option<&'a [u8]>,
}

impl<'a> Parameter<'a> {
    /// The value.
    #[inline]
    pub fn value(self) -> Result<ValueRef<'a>, ProtocolError> {
        ValueRef::decode(self.type_oid, self.bytes)
    }
}

impl<'a> Item<'a> for Parameter<'a> {
    const BYTES_MIN: usize = 8;

    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        Ok(Self { type_oid: reader.u32()?, bytes: Item::read(reader)? })
    }
}

/// A column of an answer, within a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub type_oid: u32,
    /// -1 for none; VARCHAR(n): n + 4 as in PostgreSQL; VECTOR(n): n.
    pub type_modifier: i32,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_oid: u32,
    /// -1 for none; VARCHAR(n): n + 4 as in PostgreSQL; VECTOR(n): n.
    pub type_modifier: i32,
}

impl ColumnRef<'_> {
    /// Copies it out.
    pub fn to_column(self) -> Column {
        let Self { name, type_oid, type_modifier } = self;
        Column { name: name.to_owned(), type_oid, type_modifier }
    }
}

impl Column {
    /// Borrows it.
    pub fn as_ref(&self) -> ColumnRef<'_> {
        let Self { name, type_oid, type_modifier } = self;
        ColumnRef { name, type_oid: *type_oid, type_modifier: *type_modifier }
    }
}

impl<'a> Item<'a> for ColumnRef<'a> {
    const BYTES_MIN: usize = 12;

    fn read(reader: &mut Reader<'a>) -> Result<Self, ProtocolError> {
        let name = reader.string()?;
        Ok(Self { name, type_oid: reader.u32()?, type_modifier: reader.i32()? })
    }
}

impl fmt::Display for ColumnRef<'_> {
    /// `name type`, the type as PostgreSQL's `format_type` has it: `embedding vector(384)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, type_name(self.type_oid))?;
        match (self.type_oid, self.type_modifier) {
            (oid::VARCHAR, modifier @ 4..) => write!(formatter, "({})", modifier.wrapping_sub(4)),
            (oid::VECTOR, dimensions @ 1..) => write!(formatter, "({dimensions})"),
            _ => Ok(()),
        }
    }
}

/// The SQL name of a type OID; `unknown` for those this version does not know.
pub fn type_name(type_oid: u32) -> &'static str {
    match type_oid {
        oid::BOOL => "boolean",
        oid::INT2 => "smallint",
        oid::INT4 => "integer",
        oid::INT8 => "bigint",
        oid::FLOAT4 => "real",
        oid::FLOAT8 => "double precision",
        oid::DATE => "date",
        oid::TIME => "time without time zone",
        oid::TIMESTAMP => "timestamp without time zone",
        oid::TIMESTAMPTZ => "timestamp with time zone",
        oid::INTERVAL => "interval",
        oid::TEXT => "text",
        oid::VARCHAR => "character varying",
        oid::VECTOR => "vector",
        _ => "unknown",
    }
}

#[inline]
fn exactly<const N: usize>(
    bytes: &[u8],
    otherwise: ProtocolError,
) -> Result<[u8; N], ProtocolError> {
    <[u8; N]>::try_from(bytes).map_err(|_| otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::write_value;

    #[test]
    fn values_survive_the_wire() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Bool(false),
            Value::Int2(i16::MIN),
            Value::Int4(i32::MAX),
            Value::Int8(i64::MIN),
            Value::Float4(-0.0),
            Value::Float8(f64::INFINITY),
            Value::Date(i32::MIN),
            Value::Time(1),
            Value::Timestamp(-5),
            Value::TimestampTz(i64::MAX),
            Value::Interval(Interval { months: -1, days: 2, microseconds: i64::MIN }),
            Value::Text(String::new()),
            Value::Text("żółw".to_owned()),
            Value::Vector(vec![]),
            Value::Vector(vec![1.5, -2.0, 1e-30]),
        ];
        for value in values {
            let mut out = Vec::new();
            write_value(&mut out, value.as_ref());
            let mut reader = Reader::new(&out);
            let bytes = Item::read(&mut reader).unwrap();
            reader.finish().unwrap();
            let decoded = ValueRef::decode(value.as_ref().type_oid(), bytes).unwrap();
            assert_eq!(decoded.to_value(), value);
        }
    }

    #[test]
    fn bytes_that_are_no_value_of_the_type_are_refused() {
        let cases: [(u32, &[u8], ProtocolError); 10] = [
            (oid::BOOL, &[2], ProtocolError::ValueLength { type_oid: 16, length: 1 }),
            (oid::BOOL, &[], ProtocolError::ValueLength { type_oid: 16, length: 0 }),
            (oid::INT4, &[1, 2, 3], ProtocolError::ValueLength { type_oid: 23, length: 3 }),
            (oid::INT8, &[0; 9], ProtocolError::ValueLength { type_oid: 20, length: 9 }),
            (oid::VECTOR, &[0; 6], ProtocolError::ValueLength { type_oid: 16_388, length: 6 }),
            (oid::DATE, &[0; 8], ProtocolError::ValueLength { type_oid: 1082, length: 8 }),
            (oid::INTERVAL, &[0; 12], ProtocolError::ValueLength { type_oid: 1186, length: 12 }),
            (oid::TEXT, &[0xff], ProtocolError::InvalidUtf8),
            (oid::VARCHAR, b"a\0b", ProtocolError::NulInText),
            (17, b"bytea", ProtocolError::UnknownType(17)),
        ];
        for (type_oid, bytes, error) in cases {
            assert_eq!(ValueRef::decode(type_oid, Some(bytes)), Err(error));
        }
        assert_eq!(ValueRef::decode(17, None), Ok(ValueRef::Null));
    }

    #[test]
    fn columns_are_shown_with_their_modifiers() {
        let show =
            |type_oid, type_modifier| ColumnRef { name: "c", type_oid, type_modifier }.to_string();
        assert_eq!(show(oid::VARCHAR, 14), "c character varying(10)");
        assert_eq!(show(oid::VARCHAR, -1), "c character varying");
        assert_eq!(show(oid::VECTOR, 3), "c vector(3)");
        assert_eq!(show(oid::INT4, -1), "c integer");
    }
}
