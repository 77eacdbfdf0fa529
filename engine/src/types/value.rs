//! One value of any type, owned or borrowed.

use std::sync::Arc;

use crate::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};

/// An owned value: parameters, literals, results of single-row work. Columns hold data in bulk.
///
/// `PartialEq` is structural (NaN differs from NaN); SQL's comparison is [`ValueRef::compare`].
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
    /// DATE.
    Date(Date),
    /// TIME.
    Time(Time),
    /// TIMESTAMP.
    Timestamp(Timestamp),
    /// TIMESTAMPTZ.
    TimestampTz(TimestampTz),
    /// INTERVAL.
    Interval(Interval),
    /// TEXT and VARCHAR.
    Text(Arc<str>),
    /// VECTOR.
    Vector(Arc<[f32]>),
}

/// A value borrowed from a column or a [`Value`].
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
    /// DATE.
    Date(Date),
    /// TIME.
    Time(Time),
    /// TIMESTAMP.
    Timestamp(Timestamp),
    /// TIMESTAMPTZ.
    TimestampTz(TimestampTz),
    /// INTERVAL.
    Interval(Interval),
    /// TEXT and VARCHAR.
    Text(&'a str),
    /// VECTOR.
    Vector(&'a [f32]),
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
            Self::Vector(value) => ValueRef::Vector(value),
        }
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl ValueRef<'_> {
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
            Self::Text(value) => Value::Text(Arc::from(value)),
            Self::Vector(value) => Value::Vector(Arc::from(value)),
        }
    }

    /// Whether it is NULL.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }
}
