//! Arithmetic and functions of dates, times and intervals.

use super::calendar::{DAY_US, civil, days_of, month_days};
use super::field::truncate_interval;
use super::interval::Interval;
use super::{
    Date, Time, Times, Timestamp, TimestampTz, Zone, clock, extract, overflow, part, truncate,
};
use crate::error::{Error, Result, SqlState};
use crate::types::{Value, ValueRef};

/// Operators and functions; all are strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatetimeFunction {
    /// date + int4
    DateAddDays,
    /// date - int4
    DateSubtractDays,
    /// date - date: days
    DateDifference,
    /// date + time
    DateAtTime,
    /// timestamp, timestamptz or time + interval
    AddInterval,
    /// timestamp, timestamptz or time - interval
    SubtractInterval,
    /// Of two timestamps, timestamptzs or times: an interval
    Difference,
    /// interval + interval
    IntervalAdd,
    /// interval - interval
    IntervalSubtract,
    /// interval * float8
    IntervalMultiply,
    /// interval / float8
    IntervalDivide,
    /// - interval
    IntervalNegate,
    /// extract(text from x)
    Extract,
    /// `date_part(text, x)`
    Part,
    /// `date_trunc(text, x)`
    Truncate,
    /// `date_trunc(text, timestamptz, zone)`
    TruncateInZone,
    /// `now()`
    Now,
    /// `statement_timestamp()`
    StatementTime,
    /// `clock_timestamp()`
    ClockTime,
    /// `CURRENT_DATE`
    CurrentDate,
    /// LOCALTIMESTAMP
    LocalTimestamp,
    /// LOCALTIME
    LocalTime,
    /// timezone(text or interval, timestamp or timestamptz)
    AtZone,
    /// `make_date(year, month, day)`
    MakeDate,
    /// `to_timestamp(float8)`
    ToTimestamp,
    /// isfinite(x)
    IsFinite,
    /// age(timestamp, timestamp)
    Age,
    /// `justify_days(interval)`
    JustifyDays,
    /// `justify_hours(interval)`
    JustifyHours,
}

impl DatetimeFunction {
    /// Its name in EXPLAIN.
    pub fn name(self) -> &'static str {
        match self {
            Self::DateAddDays => "date_pli",
            Self::DateSubtractDays => "date_mii",
            Self::DateDifference => "date_mi",
            Self::DateAtTime => "datetime_pl",
            Self::AddInterval => "timestamp_pl_interval",
            Self::SubtractInterval => "timestamp_mi_interval",
            Self::Difference => "timestamp_mi",
            Self::IntervalAdd => "interval_pl",
            Self::IntervalSubtract => "interval_mi",
            Self::IntervalMultiply => "interval_mul",
            Self::IntervalDivide => "interval_div",
            Self::IntervalNegate => "interval_um",
            Self::Extract => "extract",
            Self::Part => "date_part",
            Self::Truncate | Self::TruncateInZone => "date_trunc",
            Self::Now => "now",
            Self::StatementTime => "statement_timestamp",
            Self::ClockTime => "clock_timestamp",
            Self::CurrentDate => "CURRENT_DATE",
            Self::LocalTimestamp => "LOCALTIMESTAMP",
            Self::LocalTime => "LOCALTIME",
            Self::AtZone => "timezone",
            Self::MakeDate => "make_date",
            Self::ToTimestamp => "to_timestamp",
            Self::IsFinite => "isfinite",
            Self::Age => "age",
            Self::JustifyDays => "justify_days",
            Self::JustifyHours => "justify_hours",
        }
    }

    /// Whether it asks for the session's zone or its clock, for arguments of some types at least.
    pub fn needs_times(self, arguments: &[ValueRef<'_>]) -> bool {
        let is_zoned = |value: &ValueRef<'_>| matches!(value, ValueRef::TimestampTz(_));
        match self {
            Self::Now
            | Self::StatementTime
            | Self::ClockTime
            | Self::CurrentDate
            | Self::LocalTimestamp
            | Self::LocalTime => true,
            Self::AddInterval
            | Self::SubtractInterval
            | Self::Extract
            | Self::Part
            | Self::Truncate => arguments.iter().any(is_zoned),
            _ => false,
        }
    }
}

/// What a function yields; no argument is NULL.
pub fn operate(
    function: DatetimeFunction,
    arguments: &[ValueRef<'_>],
    times: Option<&Times>,
) -> Result<Value> {
    use DatetimeFunction as F;
    let utc = Zone::utc();
    let zone = times.map_or(&utc, |times| &times.zone);
    match (function, arguments) {
        (F::DateAddDays, [ValueRef::Date(date), ValueRef::Int4(days)]) => {
            add_days(*date, i64::from(*days))
        }
        (F::DateSubtractDays, [ValueRef::Date(date), ValueRef::Int4(days)]) => {
            add_days(*date, -i64::from(*days))
        }
        (F::DateDifference, [ValueRef::Date(left), ValueRef::Date(right)]) => {
            if !left.is_finite() || !right.is_finite() {
                return Err(overflow("cannot subtract infinite dates"));
            }
            // Two dates are less than 2^32 days apart, yet they may be more than 2^31.
            Ok(Value::Int4(left.0.wrapping_sub(right.0)))
        }
        (F::DateAtTime, [ValueRef::Date(date), ValueRef::Time(time)]) => {
            let midnight = date.midnight()?;
            if !midnight.is_finite() {
                return Ok(Value::Timestamp(midnight));
            }
            shifted(midnight, time.0).map(Value::Timestamp)
        }
        (F::AddInterval, [value, ValueRef::Interval(interval)]) => add(*value, *interval, zone),
        (F::SubtractInterval, [value, ValueRef::Interval(interval)]) => {
            add(*value, interval.negated()?, zone)
        }
        (F::Difference, [left, right]) => difference(*left, *right),
        (F::IntervalAdd, [ValueRef::Interval(left), ValueRef::Interval(right)]) => {
            left.plus(*right).map(Value::Interval)
        }
        (F::IntervalSubtract, [ValueRef::Interval(left), ValueRef::Interval(right)]) => {
            left.plus(right.negated()?).map(Value::Interval)
        }
        (F::IntervalMultiply, [ValueRef::Interval(interval), ValueRef::Float8(factor)]) => {
            interval.scaled(|part| part * factor).map(Value::Interval)
        }
        (F::IntervalDivide, [ValueRef::Interval(interval), ValueRef::Float8(divisor)]) => {
            if *divisor == 0.0 {
                return Err(Error::division_by_zero());
            }
            interval.scaled(|part| part / divisor).map(Value::Interval)
        }
        (F::IntervalNegate, [ValueRef::Interval(interval)]) => {
            interval.negated().map(Value::Interval)
        }
        (F::Extract, [ValueRef::Text(field), value]) => Ok(number(extract(field, *value, zone)?)),
        (F::Part, [ValueRef::Text(field), value]) => Ok(number(part(field, *value, zone)?)),
        (F::Truncate, [ValueRef::Text(field), value]) => truncated(field, *value, zone),
        (
            F::TruncateInZone,
            [ValueRef::Text(field), value @ ValueRef::TimestampTz(_), ValueRef::Text(name)],
        ) => truncated(field, *value, &named(name)?),
        (F::AtZone, [place, value]) => at_zone(*place, *value),
        (F::MakeDate, [ValueRef::Int4(year), ValueRef::Int4(month), ValueRef::Int4(day)]) => {
            make_date(*year, *month, *day)
        }
        (F::ToTimestamp, [ValueRef::Float8(seconds)]) => to_timestamp(*seconds),
        (F::IsFinite, [value]) => Ok(Value::Bool(match value {
            ValueRef::Date(date) => date.is_finite(),
            ValueRef::Timestamp(timestamp) => timestamp.is_finite(),
            ValueRef::TimestampTz(timestamp) => timestamp.is_finite(),
            _ => true,
        })),
        (F::Age, [ValueRef::Timestamp(left), ValueRef::Timestamp(right)]) => age(*left, *right),
        (F::JustifyDays, [ValueRef::Interval(interval)]) => {
            let more =
                Interval { months: interval.days / 30, days: interval.days % 30, microseconds: 0 };
            Interval { days: 0, ..*interval }.plus(more).map(Value::Interval)
        }
        (F::JustifyHours, [ValueRef::Interval(interval)]) => {
            let more = Interval::of_us(interval.microseconds);
            Interval { microseconds: 0, ..*interval }.plus(more).map(Value::Interval)
        }
        _ => now(function, times),
    }
}

fn now(function: DatetimeFunction, times: Option<&Times>) -> Result<Value> {
    use DatetimeFunction as F;
    let Some(times) = times else {
        return Err(Error::new(SqlState::InternalError, "a clock was asked for without a session"));
    };
    let local = || times.transaction.local(&times.zone);
    Ok(match function {
        F::Now => Value::TimestampTz(times.transaction),
        F::StatementTime => Value::TimestampTz(times.statement),
        F::ClockTime => Value::TimestampTz(clock()),
        F::CurrentDate => Value::Date(local()?.date()),
        F::LocalTimestamp => Value::Timestamp(local()?),
        F::LocalTime => local()?.time().map_or(Value::Null, Value::Time),
        _ => {
            let message = format!("arguments of {} were not bound", function.name());
            return Err(Error::new(SqlState::InternalError, message));
        }
    })
}

fn number(extracted: Option<f64>) -> Value {
    extracted.map_or(Value::Null, Value::Float8)
}

fn add_days(date: Date, days: i64) -> Result<Value> {
    if !date.is_finite() {
        return Ok(Value::Date(date));
    }
    let sum = Date::of_days(i64::from(date.0) + days);
    sum.map(Value::Date).ok_or_else(|| overflow("date out of range"))
}

fn shifted(timestamp: Timestamp, us: i64) -> Result<Timestamp> {
    let sum = timestamp.0.checked_add(us).and_then(Timestamp::of_us);
    sum.ok_or_else(|| overflow("timestamp out of range"))
}

fn add(value: ValueRef<'_>, interval: Interval, zone: &Zone) -> Result<Value> {
    match value {
        ValueRef::Time(time) => {
            let us = i128::from(time.0) + i128::from(interval.microseconds);
            Ok(Value::Time(Time(us.rem_euclid(i128::from(DAY_US)) as i64)))
        }
        ValueRef::Timestamp(timestamp) => {
            if !timestamp.is_finite() {
                return Ok(Value::Timestamp(timestamp));
            }
            let sum = shifted(add_calendar(timestamp, interval)?, interval.microseconds)?;
            Ok(Value::Timestamp(sum))
        }
        ValueRef::TimestampTz(timestamp) => {
            if !timestamp.is_finite() {
                return Ok(Value::TimestampTz(timestamp));
            }
            let mut sum = Timestamp(timestamp.0);
            if interval.months != 0 || interval.days != 0 {
                // Days and months are those of the zone's calendar.
                let local = add_calendar(timestamp.local(zone)?, interval)?;
                sum = Timestamp(local.in_zone(zone)?.0);
            }
            Ok(Value::TimestampTz(TimestampTz(shifted(sum, interval.microseconds)?.0)))
        }
        _ => Err(Error::new(SqlState::InternalError, "an interval was added to something else")),
    }
}

/// Adds the months, to the month's last day at most, and the days.
fn add_calendar(timestamp: Timestamp, interval: Interval) -> Result<Timestamp> {
    let us = timestamp.0.rem_euclid(DAY_US);
    let mut days = timestamp.0.div_euclid(DAY_US);
    if interval.months != 0 {
        let (year, month, day) = civil(days);
        let months = year * 12 + i64::from(month) - 1 + i64::from(interval.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u8 + 1);
        days = days_of(year, month, day.min(month_days(year, month)));
    }
    let sum = days.checked_add(i64::from(interval.days)).and_then(|days| days.checked_mul(DAY_US));
    let sum = sum.and_then(|start| start.checked_add(us)).and_then(Timestamp::of_us);
    sum.ok_or_else(|| overflow("timestamp out of range"))
}

fn difference(left: ValueRef<'_>, right: ValueRef<'_>) -> Result<Value> {
    let (left, right) = match (left, right) {
        (ValueRef::Time(left), ValueRef::Time(right)) => {
            return Ok(Value::Interval(Interval {
                microseconds: left.0 - right.0,
                ..Interval::default()
            }));
        }
        (ValueRef::Timestamp(left), ValueRef::Timestamp(right)) => (left, right),
        (ValueRef::TimestampTz(left), ValueRef::TimestampTz(right)) => {
            (Timestamp(left.0), Timestamp(right.0))
        }
        _ => return Err(Error::new(SqlState::InternalError, "a difference of something else")),
    };
    if !left.is_finite() || !right.is_finite() {
        return Err(overflow("cannot subtract infinite timestamps"));
    }
    let us = left.0.checked_sub(right.0).ok_or_else(|| overflow("interval out of range"))?;
    Ok(Value::Interval(Interval::of_us(us)))
}

fn truncated(field: &str, value: ValueRef<'_>, zone: &Zone) -> Result<Value> {
    match value {
        ValueRef::Timestamp(timestamp) => {
            truncate(field, timestamp, "timestamp without time zone").map(Value::Timestamp)
        }
        ValueRef::TimestampTz(timestamp) => {
            let local = truncate(field, timestamp.local(zone)?, "timestamp with time zone")?;
            local.in_zone(zone).map(Value::TimestampTz)
        }
        ValueRef::Interval(interval) => truncate_interval(field, interval).map(Value::Interval),
        _ => Err(Error::new(SqlState::InternalError, "date_trunc of something else")),
    }
}

fn named(name: &str) -> Result<Zone> {
    Zone::find(name).ok_or_else(|| {
        let message = format!("time zone \"{name}\" not recognized");
        Error::new(SqlState::InvalidParameterValue, message)
    })
}

fn at_zone(place: ValueRef<'_>, value: ValueRef<'_>) -> Result<Value> {
    let zone = match place {
        ValueRef::Text(name) => named(name)?,
        ValueRef::Interval(interval) => {
            if interval.months != 0 || interval.days != 0 {
                let mut text = String::new();
                super::format_interval(interval, &mut text);
                let message =
                    format!("interval time zone \"{text}\" must not include months or days");
                return Err(Error::new(SqlState::InvalidParameterValue, message));
            }
            let seconds = interval.microseconds / 1_000_000;
            let seconds = i32::try_from(seconds).ok().filter(|seconds| seconds.abs() < 7 * 86_400);
            Zone::fixed(seconds.ok_or_else(|| overflow("interval out of range"))?)
        }
        _ => return Err(Error::new(SqlState::InternalError, "a time zone of something else")),
    };
    match value {
        ValueRef::Timestamp(timestamp) => timestamp.in_zone(&zone).map(Value::TimestampTz),
        ValueRef::TimestampTz(timestamp) => timestamp.local(&zone).map(Value::Timestamp),
        _ => Err(Error::new(SqlState::InternalError, "a time zone for something else")),
    }
}

fn make_date(year: i32, month: i32, day: i32) -> Result<Value> {
    let invalid = || overflow(format!("date field value out of range: {year}-{month:02}-{day:02}"));
    // A negative year is BC.
    let astronomical = if year < 0 { i64::from(year) + 1 } else { i64::from(year) };
    if year == 0 || !(1..=12).contains(&month) || day < 1 {
        return Err(invalid());
    }
    if day > i32::from(month_days(astronomical, month as u8)) {
        return Err(invalid());
    }
    let date = Date::of_days(days_of(astronomical, month as u8, day as u8));
    date.map(Value::Date)
        .ok_or_else(|| overflow(format!("date out of range: {year}-{month:02}-{day:02}")))
}

fn to_timestamp(seconds: f64) -> Result<Value> {
    if seconds.is_infinite() {
        return Ok(Value::TimestampTz(TimestampTz(if seconds > 0.0 {
            i64::MAX
        } else {
            i64::MIN
        })));
    }
    if seconds.is_nan() {
        return Err(overflow("timestamp cannot be NaN"));
    }
    let us = ((seconds - 946_684_800.0) * 1e6).round_ties_even();
    // Casting saturates, and the ends are no timestamps.
    let found =
        Timestamp::of_us(us as i64).map(|timestamp| Value::TimestampTz(TimestampTz(timestamp.0)));
    found.ok_or_else(|| overflow(format!("timestamp out of range: \"{seconds}\"")))
}

/// The difference in years, months, days and time, as people count it.
fn age(left: Timestamp, right: Timestamp) -> Result<Value> {
    if !left.is_finite() || !right.is_finite() {
        return Err(overflow("cannot subtract infinite timestamps"));
    }
    if left < right {
        let Value::Interval(age) = age(right, left)? else { return Ok(Value::Null) };
        return age.negated().map(Value::Interval);
    }
    let fields = |timestamp: Timestamp| {
        let (year, month, day) = civil(timestamp.0.div_euclid(DAY_US));
        (year * 12 + i64::from(month) - 1, i64::from(day), timestamp.0.rem_euclid(DAY_US))
    };
    let (later, earlier) = (fields(left), fields(right));
    let (mut months, mut days, mut us) =
        (later.0 - earlier.0, later.1 - earlier.1, later.2 - earlier.2);
    if us < 0 {
        (us, days) = (us + DAY_US, days - 1);
    }
    while days < 0 {
        // The days of the month that the earlier one is in.
        let month = earlier.0.rem_euclid(12) as u8 + 1;
        days += i64::from(month_days(earlier.0.div_euclid(12), month));
        months -= 1;
    }
    Ok(Value::Interval(Interval { months: months as i32, days: days as i32, microseconds: us }))
}
