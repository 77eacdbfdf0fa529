//! Fields of dates and times: extract, `date_part`, `date_trunc`.

use super::calendar::{DAY_US, civil, days_of, iso_week, weekday};
use super::interval::Interval;
use super::{Timestamp, TimestampTz, Zone, overflow};
use crate::error::{Error, Result, SqlState};
use crate::types::ValueRef;

/// What a field is.
pub type Extracted = Option<f64>;

/// A field by name.
fn unit(name: &str) -> &str {
    match name {
        "c" | "cent" | "centuries" => "century",
        "d" | "days" => "day",
        "dec" | "decs" | "decades" => "decade",
        "h" | "hours" | "hr" | "hrs" => "hour",
        "us" | "usec" | "usecs" | "useconds" | "microsecond" => "microseconds",
        "mil" | "mils" | "millennia" => "millennium",
        "ms" | "msec" | "msecs" | "millisecond" | "msecond" | "mseconds" => "milliseconds",
        "m" | "min" | "mins" | "minutes" => "minute",
        "mon" | "mons" | "months" => "month",
        "qtr" => "quarter",
        "s" | "sec" | "secs" | "seconds" => "second",
        "w" | "weeks" => "week",
        "y" | "yr" | "yrs" | "years" => "year",
        other => other,
    }
}

const UNITS: &[&str] = &[
    "century",
    "day",
    "decade",
    "dow",
    "doy",
    "epoch",
    "hour",
    "isodow",
    "isoyear",
    "julian",
    "microseconds",
    "millennium",
    "milliseconds",
    "minute",
    "month",
    "quarter",
    "second",
    "timezone",
    "timezone_hour",
    "timezone_minute",
    "week",
    "year",
];

/// 22023 for a field that there is not, 0A000 for one that a type has not.
fn missing(name: &str, type_name: &str) -> Error {
    let (sqlstate, what) = if UNITS.contains(&unit(name)) {
        (SqlState::FeatureNotSupported, "not supported")
    } else {
        (SqlState::InvalidParameterValue, "not recognized")
    };
    Error::new(sqlstate, format!("unit \"{name}\" {what} for type {type_name}"))
}

/// `date_part`: as extract, but a date is a timestamp.
pub fn part(field: &str, value: ValueRef<'_>, zone: &Zone) -> Result<Extracted> {
    match value {
        ValueRef::Date(date) => extract(field, ValueRef::Timestamp(date.midnight()?), zone),
        other => extract(field, other, zone),
    }
}

/// extract: a field of a date, a time, a timestamp or an interval. None is NULL: an infinity has no hour.
pub fn extract(field: &str, value: ValueRef<'_>, zone: &Zone) -> Result<Extracted> {
    let name = field.to_ascii_lowercase();
    match value {
        ValueRef::Date(date) => {
            let day = if date.is_finite() {
                of_day(unit(&name), date.0.into())
            } else {
                infinite(unit(&name), date.0 > 0)
            };
            match day {
                Some(found) => Ok(found),
                None if unit(&name) == "epoch" => {
                    Ok(Some((f64::from(date.0) * 86_400.0) + 946_684_800.0))
                }
                None => Err(missing(&name, "date")),
            }
        }
        ValueRef::Time(time) => {
            let us = time.0;
            let found = if unit(&name) == "epoch" {
                Some(us as f64 / 1e6)
            } else {
                of_time(unit(&name), us)
            };
            found.map(Some).ok_or_else(|| missing(&name, "time without time zone"))
        }
        ValueRef::Timestamp(timestamp) => of_timestamp(unit(&name), timestamp, timestamp.0)
            .ok_or_else(|| missing(&name, "timestamp without time zone")),
        ValueRef::TimestampTz(timestamp) => {
            if timestamp.is_finite()
                && let Some(offset) = of_offset(unit(&name), zone.offset_at(timestamp.0))
            {
                return Ok(Some(offset));
            }
            let local = timestamp.local(zone)?;
            of_timestamp(unit(&name), local, timestamp.0)
                .ok_or_else(|| missing(&name, "timestamp with time zone"))
        }
        ValueRef::Interval(interval) => {
            of_interval(unit(&name), interval).map(Some).ok_or_else(|| missing(&name, "interval"))
        }
        _ => Err(missing(&name, "unknown")),
    }
}

/// A field of an infinity: those that grow are infinite, the others NULL; None is no field.
fn infinite(unit: &str, is_positive: bool) -> Option<Extracted> {
    match unit {
        "year" | "decade" | "century" | "millennium" | "julian" | "isoyear" | "epoch" => {
            Some(Some(if is_positive { f64::INFINITY } else { f64::NEG_INFINITY }))
        }
        "day" | "month" | "quarter" | "week" | "dow" | "isodow" | "doy" | "hour" | "minute"
        | "second" | "milliseconds" | "microseconds" => Some(None),
        _ => None,
    }
}

fn of_timestamp(unit: &str, local: Timestamp, utc_us: i64) -> Option<Extracted> {
    if !local.is_finite() {
        return infinite(unit, local.0 > 0);
    }
    if unit == "epoch" {
        return Some(Some(TimestampTz(utc_us).unix_us() as f64 / 1e6));
    }
    let (days, us) = (local.0.div_euclid(DAY_US), local.0.rem_euclid(DAY_US));
    if unit == "julian" {
        return Some(Some((days + 2_451_545) as f64 + us as f64 / DAY_US as f64));
    }
    of_day(unit, days).or_else(|| of_time(unit, us).map(Some))
}

fn of_offset(unit: &str, offset: i32) -> Option<f64> {
    match unit {
        "timezone" => Some(offset.into()),
        "timezone_hour" => Some((offset / 3600).into()),
        "timezone_minute" => Some((offset / 60 % 60).into()),
        _ => None,
    }
}

fn of_day(unit: &str, days: i64) -> Option<Extracted> {
    let (year, month, day) = civil(days);
    let shown = if year > 0 { year } else { year - 1 };
    let number = match unit {
        "year" => shown,
        "month" => month.into(),
        "day" => day.into(),
        "quarter" => (i64::from(month) - 1) / 3 + 1,
        "dow" => weekday(days),
        "isodow" => (weekday(days) + 6) % 7 + 1,
        "doy" => days - days_of(year, 1, 1) + 1,
        "week" => iso_week(days).1,
        "isoyear" => {
            let year = iso_week(days).0;
            if year > 0 { year } else { year - 1 }
        }
        "decade" => year.div_euclid(10),
        "century" if year > 0 => (year + 99) / 100,
        "century" => -((99 - shown) / 100),
        "millennium" if year > 0 => (year + 999) / 1000,
        "millennium" => -((999 - shown) / 1000),
        "julian" => days + 2_451_545,
        _ => return None,
    };
    Some(Some(number as f64))
}

fn of_time(unit: &str, us: i64) -> Option<f64> {
    Some(match unit {
        "hour" => (us / 3_600_000_000) as f64,
        "minute" => (us / 60_000_000 % 60) as f64,
        "second" => (us % 60_000_000) as f64 / 1e6,
        "milliseconds" => (us % 60_000_000) as f64 / 1e3,
        "microseconds" => (us % 60_000_000) as f64,
        _ => return None,
    })
}

fn of_interval(unit: &str, interval: Interval) -> Option<f64> {
    let years = interval.months / 12;
    let number = match unit {
        "year" => years,
        "month" => interval.months % 12,
        "quarter" => interval.months % 12 / 3 + 1,
        "decade" => years / 10,
        "century" => years / 100,
        "millennium" => years / 1000,
        "day" => interval.days,
        "epoch" => {
            // A year has 365.25 days here, a month of the rest 30.
            let days = f64::from(years) * 365.25
                + f64::from(interval.months % 12) * 30.0
                + f64::from(interval.days);
            return Some(days * 86_400.0 + interval.microseconds as f64 / 1e6);
        }
        _ => return of_time(unit, interval.microseconds),
    };
    Some(number.into())
}

/// `date_trunc` of a timestamp on a zone's clocks or on none.
pub fn truncate(field: &str, timestamp: Timestamp, type_name: &str) -> Result<Timestamp> {
    let name = field.to_ascii_lowercase();
    let (days, us) = (timestamp.0.div_euclid(DAY_US), timestamp.0.rem_euclid(DAY_US));
    let (year, month, _) = civil(days);
    let of_time = |unit_us: i64| timestamp.0 - us % unit_us;
    // The first year of a span of years that begin with the year 1.
    let first = |span: i64| (year - 1).div_euclid(span) * span + 1;
    let start = |year: i64, month: u8| days_of(year, month, 1) * DAY_US;
    let truncated = match unit(&name) {
        _ if !timestamp.is_finite() && UNITS.contains(&unit(&name)) => return Ok(timestamp),
        "microseconds" => timestamp.0,
        "milliseconds" => of_time(1_000),
        "second" => of_time(1_000_000),
        "minute" => of_time(60_000_000),
        "hour" => of_time(3_600_000_000),
        "day" => days * DAY_US,
        "week" => (days - (weekday(days) + 6) % 7) * DAY_US,
        "month" => start(year, month),
        "quarter" => start(year, (month - 1) / 3 * 3 + 1),
        "year" => start(year, 1),
        "decade" => start(year.div_euclid(10) * 10, 1),
        "century" => start(first(100), 1),
        "millennium" => start(first(1000), 1),
        _ => {
            let message = format!("unit \"{name}\" not recognized for type {type_name}");
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
    };
    Timestamp::of_us(truncated).ok_or_else(|| overflow("timestamp out of range"))
}

/// `date_trunc` of an interval.
pub(super) fn truncate_interval(field: &str, interval: Interval) -> Result<Interval> {
    let name = field.to_ascii_lowercase();
    let months =
        |span: i32| Interval { months: interval.months / span * span, ..Interval::default() };
    let time =
        |span: i64| Interval { microseconds: interval.microseconds / span * span, ..interval };
    Ok(match unit(&name) {
        "microseconds" => interval,
        "milliseconds" => time(1_000),
        "second" => time(1_000_000),
        "minute" => time(60_000_000),
        "hour" => time(3_600_000_000),
        "day" => Interval { microseconds: 0, ..interval },
        "month" => months(1),
        "quarter" => months(3),
        "year" => months(12),
        "decade" => months(120),
        "century" => months(1_200),
        "millennium" => months(12_000),
        _ => return Err(missing(&name, "interval")),
    })
}
