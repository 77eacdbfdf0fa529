//! Casts between the types, with PostgreSQL's rounding, ranges and errors.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::expression::arithmetic::{map_native, overflow, underflow};
use crate::executor::expression::operand::{Operand, unbound};
use crate::storage::column::{Column, ColumnData};
use crate::types::datetime::{Interval, Time, reads_clock_or_zone};
use crate::types::{
    DataType, Value, ValueRef, cast_to_text, check_dimensions, parse_value, parse_value_at,
};

/// `operand` as `target`; `explicit` cuts a text too long for VARCHAR(n), otherwise it is 22001.
pub(super) fn cast<'b>(
    operand: Operand<'b>,
    target: DataType,
    explicit: bool,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    let column = match operand {
        Operand::Constant(value) => {
            return cast_constant(value, target, explicit, context).map(Operand::Constant);
        }
        Operand::Column(column) => column,
    };
    let unchanged = match (&column.data, target) {
        (ColumnData::Text(_), DataType::Text | DataType::Varchar(None) | DataType::Unknown)
        | (ColumnData::Vector(_), DataType::Vector(None))
        | (ColumnData::Bool(_), DataType::Bool)
        | (ColumnData::Int2(_), DataType::Int2)
        | (ColumnData::Int4(_), DataType::Int4)
        | (ColumnData::Int8(_), DataType::Int8)
        | (ColumnData::Float4(_), DataType::Float4)
        | (ColumnData::Float8(_), DataType::Float8)
        | (ColumnData::Date(_), DataType::Date)
        | (ColumnData::Time(_), DataType::Time)
        | (ColumnData::Timestamp(_), DataType::Timestamp)
        | (ColumnData::TimestampTz(_), DataType::TimestampTz)
        | (ColumnData::Interval(_), DataType::Interval) => true,
        (ColumnData::Vector(vectors), DataType::Vector(Some(dimensions))) => {
            vectors.dimensions() == usize::from(dimensions)
        }
        _ => false,
    };
    let operand = Operand::Column(column);
    if unchanged {
        return Ok(operand);
    }
    match widen(&operand, target)? {
        Some(widened) => Ok(widened),
        None => cast_rows(&operand, target, explicit, rows, context),
    }
}

/// The casts that run as loops because nothing can fail, and those of numbers that can.
fn widen(operand: &Operand<'_>, target: DataType) -> Result<Option<Operand<'static>>> {
    let Operand::Column(column) = operand else { return Ok(None) };
    let widened = match (&column.data, target) {
        (ColumnData::Int2(_), DataType::Int4) => map_native(operand, |n: i16| Ok(i32::from(n))),
        (ColumnData::Int2(_), DataType::Int8) => map_native(operand, |n: i16| Ok(i64::from(n))),
        (ColumnData::Int2(_), DataType::Float8) => map_native(operand, |n: i16| Ok(f64::from(n))),
        (ColumnData::Int4(_), DataType::Int8) => map_native(operand, |n: i32| Ok(i64::from(n))),
        (ColumnData::Int4(_), DataType::Float8) => map_native(operand, |n: i32| Ok(f64::from(n))),
        (ColumnData::Int8(_), DataType::Float8) => map_native(operand, |n: i64| Ok(n as f64)),
        (ColumnData::Float4(_), DataType::Float8) => map_native(operand, |n: f32| Ok(f64::from(n))),
        (ColumnData::Int8(_), DataType::Int4) => {
            map_native(operand, |n: i64| narrow_integer::<i32>(n, "integer"))
        }
        _ => return Ok(None),
    };
    widened.map(Some)
}

fn cast_rows(
    operand: &Operand<'_>,
    target: DataType,
    explicit: bool,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let mut column = Column::with_capacity(target, rows);
    let mut buffer = String::new();
    for row in 0..rows {
        let value = operand.get(row);
        if value.is_null() {
            column.push(value);
        } else if target.is_text() {
            let text = text_of(value, &mut buffer, context)?;
            column.push(ValueRef::Text(fit(text, target, explicit)?));
        } else {
            column.push(convert(value, target, context)?.as_ref());
        }
    }
    Ok(Operand::owned(column))
}

/// A value as `target`.
pub(super) fn cast_constant(
    value: Value,
    target: DataType,
    explicit: bool,
    context: &Context<'_>,
) -> Result<Value> {
    if value.is_null() {
        return Ok(value);
    }
    if target.is_text() {
        if let Value::Text(text) = &value
            && fit(text, target, explicit)?.len() == text.len()
        {
            return Ok(value);
        }
        let mut buffer = String::new();
        let text = text_of(value.as_ref(), &mut buffer, context)?;
        return Ok(Value::Text(Arc::from(fit(text, target, explicit)?)));
    }
    if let (Value::Vector(vector), DataType::Vector(dimensions)) = (&value, target) {
        check_dimensions(dimensions, vector.len())?;
        return Ok(value);
    }
    convert(value.as_ref(), target, context)
}

fn text_of<'v>(
    value: ValueRef<'v>,
    buffer: &'v mut String,
    context: &Context<'_>,
) -> Result<&'v str> {
    if let ValueRef::Text(text) = value {
        return Ok(text);
    }
    buffer.clear();
    let zone = match value {
        ValueRef::TimestampTz(_) => Some(&context.environment.times()?.zone),
        _ => None,
    };
    cast_to_text(value, zone, buffer);
    Ok(buffer)
}

/// The part of a text that a type's length leaves. Blanks may always be cut, more only explicitly.
fn fit(text: &str, target: DataType, explicit: bool) -> Result<&str> {
    let DataType::Varchar(Some(length)) = target else { return Ok(text) };
    if text.len() <= length as usize {
        return Ok(text);
    }
    let Some((end, _)) = text.char_indices().nth(length as usize) else { return Ok(text) };
    if explicit || text[end..].bytes().all(|byte| byte == b' ') {
        Ok(&text[..end])
    } else {
        Err(Error::new(
            SqlState::StringDataRightTruncation,
            format!("value too long for type {target}"),
        ))
    }
}

/// A value that is not NULL as a type that is not text.
fn convert(value: ValueRef<'_>, target: DataType, context: &Context<'_>) -> Result<Value> {
    match (value, target) {
        (
            ValueRef::Text(text),
            DataType::Date | DataType::Time | DataType::Timestamp | DataType::TimestampTz,
        ) => {
            let is_zoned = target == DataType::TimestampTz;
            let times = match context.environment.times() {
                Ok(times) => Some(times),
                // Without a session only what needs none has a value.
                Err(error) if reads_clock_or_zone(text, is_zoned) => return Err(error),
                Err(_) => None,
            };
            parse_value_at(target, text, times)
        }
        (ValueRef::Text(text), _) => parse_value(target, text),
        (
            ValueRef::Date(_)
            | ValueRef::Time(_)
            | ValueRef::Timestamp(_)
            | ValueRef::TimestampTz(_)
            | ValueRef::Interval(_),
            _,
        ) => convert_datetime(value, target, context),
        (ValueRef::Bool(value), DataType::Bool) => Ok(Value::Bool(value)),
        (ValueRef::Bool(value), DataType::Int4) => Ok(Value::Int4(value.into())),
        (ValueRef::Int2(value), _) => convert_integer(value.into(), target),
        (ValueRef::Int4(value), _) => convert_integer(value.into(), target),
        (ValueRef::Int8(value), _) => convert_integer(value, target),
        (ValueRef::Float4(value), DataType::Float4) => Ok(Value::Float4(value)),
        (ValueRef::Float4(value), _) => convert_float(value.into(), target),
        (ValueRef::Float8(value), _) => convert_float(value, target),
        (ValueRef::Vector(vector), DataType::Vector(dimensions)) => {
            check_dimensions(dimensions, vector.len())?;
            Ok(value.to_value())
        }
        _ => Err(unbound(&format!("a cast to {target}"))),
    }
}

fn convert_datetime(value: ValueRef<'_>, target: DataType, context: &Context<'_>) -> Result<Value> {
    let zone = || context.environment.times().map(|times| &times.zone);
    let time = |time: Option<Time>| time.map_or(Value::Null, Value::Time);
    Ok(match (value, target) {
        (ValueRef::Date(_), DataType::Date)
        | (ValueRef::Time(_), DataType::Time)
        | (ValueRef::Timestamp(_), DataType::Timestamp)
        | (ValueRef::TimestampTz(_), DataType::TimestampTz)
        | (ValueRef::Interval(_), DataType::Interval) => value.to_value(),
        (ValueRef::Date(date), DataType::Timestamp) => Value::Timestamp(date.midnight()?),
        (ValueRef::Date(date), DataType::TimestampTz) => {
            Value::TimestampTz(date.midnight()?.in_zone(zone()?)?)
        }
        (ValueRef::Timestamp(timestamp), DataType::Date) => Value::Date(timestamp.date()),
        (ValueRef::Timestamp(timestamp), DataType::Time) => time(timestamp.time()),
        (ValueRef::Timestamp(timestamp), DataType::TimestampTz) => {
            Value::TimestampTz(timestamp.in_zone(zone()?)?)
        }
        (ValueRef::TimestampTz(timestamp), DataType::Timestamp) => {
            Value::Timestamp(timestamp.local(zone()?)?)
        }
        (ValueRef::TimestampTz(timestamp), DataType::Date) => {
            Value::Date(timestamp.local(zone()?)?.date())
        }
        (ValueRef::TimestampTz(timestamp), DataType::Time) => {
            time(timestamp.local(zone()?)?.time())
        }
        (ValueRef::Time(time), DataType::Interval) => {
            Value::Interval(Interval { microseconds: time.0, ..Interval::default() })
        }
        (ValueRef::Interval(interval), DataType::Time) => {
            Value::Time(Time(interval.microseconds.rem_euclid(86_400_000_000)))
        }
        _ => return Err(unbound(&format!("a cast to {target}"))),
    })
}

fn convert_integer(value: i64, target: DataType) -> Result<Value> {
    Ok(match target {
        DataType::Bool => Value::Bool(value != 0),
        DataType::Int2 => Value::Int2(narrow_integer(value, "smallint")?),
        DataType::Int4 => Value::Int4(narrow_integer(value, "integer")?),
        DataType::Int8 => Value::Int8(value),
        DataType::Float4 => Value::Float4(value as f32),
        DataType::Float8 => Value::Float8(value as f64),
        _ => return Err(unbound(&format!("a cast of an integer to {target}"))),
    })
}

fn narrow_integer<T: TryFrom<i64>>(value: i64, type_name: &str) -> Result<T> {
    T::try_from(value).map_err(|_| Error::out_of_range(type_name))
}

fn convert_float(value: f64, target: DataType) -> Result<Value> {
    Ok(match target {
        DataType::Int2 => Value::Int2(narrow_integer(round(value, "smallint")?, "smallint")?),
        DataType::Int4 => Value::Int4(narrow_integer(round(value, "integer")?, "integer")?),
        DataType::Int8 => Value::Int8(round(value, "bigint")?),
        DataType::Float4 => Value::Float4(narrow_float(value)?),
        DataType::Float8 => Value::Float8(value),
        _ => return Err(unbound(&format!("a cast of a float to {target}"))),
    })
}

/// To the nearest integer, halves to even.
fn round(value: f64, type_name: &str) -> Result<i64> {
    /// 2^63; its negation is the least BIGINT.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    let rounded = value.round_ties_even();
    if (-BOUND..BOUND).contains(&rounded) {
        Ok(rounded as i64)
    } else {
        Err(Error::out_of_range(type_name))
    }
}

fn narrow_float(value: f64) -> Result<f32> {
    let narrowed = value as f32;
    if narrowed.is_infinite() && !value.is_infinite() {
        return Err(overflow());
    }
    if narrowed == 0.0 && value != 0.0 {
        return Err(underflow());
    }
    Ok(narrowed)
}
