//! Dates, times and intervals as text: PostgreSQL's ISO style, intervals in its own.

use std::fmt::Write;

use super::calendar::{DAY_US, civil};
use super::interval::Interval;
use super::zone::push_offset;
use super::{Date, Time, Timestamp, TimestampTz, Zone};

/// Appends a date: `2024-01-31`.
pub fn format_date(date: Date, out: &mut String) {
    match date {
        Date::INFINITY => out.push_str("infinity"),
        Date::NEGATIVE_INFINITY => out.push_str("-infinity"),
        Date(days) => {
            push_day(days.into(), out);
            push_era(days.into(), out);
        }
    }
}

/// Appends a time of day: `10:11:12.5`.
pub fn format_time(time: Time, out: &mut String) {
    push_time(time.0, out);
}

/// Appends a timestamp: `2024-01-31 10:11:12.5`.
pub fn format_timestamp(timestamp: Timestamp, out: &mut String) {
    push_timestamp(timestamp, None, out);
}

/// Appends a timestamp as clocks of a zone show it, with the zone's offset: `2024-01-31 10:11:12.5+01`.
pub fn format_timestamptz(timestamp: TimestampTz, zone: &Zone, out: &mut String) {
    let offset = if timestamp.is_finite() { zone.offset_at(timestamp.0) } else { 0 };
    // What clocks show may be beyond the first or the last timestamp by an offset, and is written all the same.
    let local = timestamp.0.saturating_add(i64::from(offset) * 1_000_000);
    let local = if timestamp.is_finite() { Timestamp(local) } else { Timestamp(timestamp.0) };
    push_timestamp(local, Some(offset), out);
}

fn push_timestamp(timestamp: Timestamp, offset: Option<i32>, out: &mut String) {
    match timestamp {
        Timestamp::INFINITY => return out.push_str("infinity"),
        Timestamp::NEGATIVE_INFINITY => return out.push_str("-infinity"),
        Timestamp(us) => {
            push_day(us.div_euclid(DAY_US), out);
            out.push(' ');
            push_time(us.rem_euclid(DAY_US), out);
        }
    }
    if let Some(offset) = offset {
        push_offset(offset, out);
    }
    push_era(timestamp.0.div_euclid(DAY_US), out);
}

fn push_day(days: i64, out: &mut String) {
    let (year, month, day) = civil(days);
    let year = if year > 0 { year } else { 1 - year };
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
}

fn push_era(days: i64, out: &mut String) {
    if civil(days).0 <= 0 {
        out.push_str(" BC");
    }
}

fn push_time(us: i64, out: &mut String) {
    let seconds = us / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let _ = write!(out, "{hours:02}:{minutes:02}:{:02}", seconds % 60);
    push_fraction(us % 1_000_000, out);
}

fn push_fraction(us: i64, out: &mut String) {
    if us != 0 {
        let digits = format!("{us:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// Appends an interval: `1 year 2 mons 3 days 04:05:06.5`.
pub fn format_interval(interval: Interval, out: &mut String) {
    let parts =
        [(interval.months / 12, "year"), (interval.months % 12, "mon"), (interval.days, "day")];
    let (mut is_empty, mut is_behind_negative) = (true, false);
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number != 0) {
        let blank = if is_empty { "" } else { " " };
        let plus = if is_behind_negative && number > 0 { "+" } else { "" };
        let plural = if number == 1 { "" } else { "s" };
        let _ = write!(out, "{blank}{plus}{number} {unit}{plural}");
        (is_empty, is_behind_negative) = (false, number < 0);
    }
    let us = interval.microseconds;
    if us == 0 && !is_empty {
        return;
    }
    if !is_empty {
        out.push(' ');
    }
    if us < 0 {
        out.push('-');
    } else if is_behind_negative {
        out.push('+');
    }
    let (seconds, fraction) = (us.unsigned_abs() / 1_000_000, us.unsigned_abs() % 1_000_000);
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    push_fraction(fraction as i64, out);
}
