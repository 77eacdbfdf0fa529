//! INTERVAL: months, days and microseconds, which are kept apart because months and days differ in length.

use std::cmp::Ordering;

use super::calendar::DAY_US;
use super::overflow;
use super::read::fraction_us;
use crate::error::{Error, Result, SqlState};

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months; twelve are a year.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds; any number of them makes no day.
    pub microseconds: i64,
}

impl Interval {
    /// What orders intervals: microseconds, a day having 24 hours and a month 30 days.
    pub fn span(self) -> i128 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        days * i128::from(DAY_US) + i128::from(self.microseconds)
    }

    /// PostgreSQL's order, in which `1 month` equals `30 days`.
    pub fn compare(self, other: Self) -> Ordering {
        self.span().cmp(&other.span())
    }

    /// From microseconds alone, whole days apart.
    pub(super) fn of_us(us: i64) -> Self {
        Self { months: 0, days: (us / DAY_US) as i32, microseconds: us % DAY_US }
    }

    /// The sum, or 22008.
    pub fn plus(self, other: Self) -> Result<Self> {
        let sum = || {
            Some(Self {
                months: self.months.checked_add(other.months)?,
                days: self.days.checked_add(other.days)?,
                microseconds: self.microseconds.checked_add(other.microseconds)?,
            })
        };
        sum().ok_or_else(out_of_range)
    }

    /// The same backwards, or 22008.
    pub fn negated(self) -> Result<Self> {
        let negated = || {
            Some(Self {
                months: self.months.checked_neg()?,
                days: self.days.checked_neg()?,
                microseconds: self.microseconds.checked_neg()?,
            })
        };
        negated().ok_or_else(out_of_range)
    }

    /// So many times as long, what is left of months and days going down; 22008.
    pub fn scaled(self, scale: impl Fn(f64) -> f64) -> Result<Self> {
        let rounded = |value: f64| (value * 1e6).round_ties_even() / 1e6;
        let whole = |value: f64| {
            let fits = value.is_finite() && value.abs() <= f64::from(i32::MAX);
            if fits { Ok(value as i32) } else { Err(out_of_range()) }
        };
        let (months, days) = (scale(self.months.into()), scale(self.days.into()));
        let (whole_months, mut whole_days) = (whole(months)?, whole(days)?);
        let rest_days = rounded((months - f64::from(whole_months)) * 30.0);
        let seconds = days - f64::from(whole_days) + rest_days - rest_days.trunc();
        let mut seconds = rounded(seconds * 86_400.0);
        if seconds.abs() >= 86_400.0 {
            let more = (seconds / 86_400.0).trunc();
            whole_days = whole_days.checked_add(more as i32).ok_or_else(out_of_range)?;
            seconds -= more * 86_400.0;
        }
        let days = whole_days.checked_add(rest_days as i32).ok_or_else(out_of_range)?;
        let us = (scale(self.microseconds as f64) + seconds * 1e6).round_ties_even();
        // 2^63: no microseconds beyond it.
        if !us.is_finite() || us.abs() >= 9_223_372_036_854_775_808.0 {
            return Err(out_of_range());
        }
        Ok(Self { months: whole_months, days, microseconds: us as i64 })
    }
}

#[cold]
fn out_of_range() -> Error {
    overflow("interval out of range")
}

/// A unit: months, days and microseconds of one.
fn unit(name: &str) -> Option<(i64, i64, i64)> {
    Some(match name {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => {
            (0, 0, 1)
        }
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => {
            (0, 0, 1_000)
        }
        "s" | "sec" | "secs" | "second" | "seconds" => (0, 0, 1_000_000),
        "m" | "min" | "mins" | "minute" | "minutes" => (0, 0, 60_000_000),
        "h" | "hr" | "hrs" | "hour" | "hours" => (0, 0, 3_600_000_000),
        "d" | "day" | "days" => (0, 1, 0),
        "w" | "week" | "weeks" => (0, 7, 0),
        "mon" | "mons" | "month" | "months" => (1, 0, 0),
        "y" | "yr" | "yrs" | "year" | "years" => (12, 0, 0),
        "dec" | "decs" | "decade" | "decades" => (120, 0, 0),
        "c" | "cent" | "century" | "centuries" => (1_200, 0, 0),
        "mil" | "mils" | "millennium" | "millennia" => (12_000, 0, 0),
        _ => return None,
    })
}

/// What has been added up.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    us: i128,
}

impl Sum {
    /// Adds a number of units; a fraction of months goes into days, one of days into microseconds.
    fn add(&mut self, number: Number<'_>, (months, days, us): (i64, i64, i64)) -> Option<()> {
        let sign = if number.negative { -1 } else { 1 };
        let whole = number.whole.checked_mul(sign)?;
        let fraction = number.fraction * sign as f64;
        self.months = self.months.checked_add(whole.checked_mul(months)?)?;
        self.days = self.days.checked_add(whole.checked_mul(days)?)?;
        self.us += i128::from(whole) * i128::from(us);
        if fraction == 0.0 {
            return Some(());
        }
        if months >= 12 {
            // Of years only whole months are kept.
            self.months += (fraction * months as f64).round_ties_even() as i64;
        } else if months == 1 {
            let rest = fraction * 30.0;
            self.days += rest.trunc() as i64;
            self.us += ((rest - rest.trunc()) * DAY_US as f64).round_ties_even() as i128;
        } else if days > 0 {
            let rest = fraction * days as f64;
            self.days += rest.trunc() as i64;
            self.us += ((rest - rest.trunc()) * DAY_US as f64).round_ties_even() as i128;
        } else if us == 1_000_000 {
            self.us += i128::from(fraction_us(number.digits) * sign);
        } else {
            self.us += (fraction * us as f64).round_ties_even() as i128;
        }
        Some(())
    }
}

#[derive(Clone, Copy)]
struct Number<'t> {
    negative: bool,
    whole: i64,
    fraction: f64,
    /// Those of the fraction.
    digits: &'t str,
}

/// Reads an interval: numbers with units, `HH:MM:SS`, `years-months`, ISO 8601's `P...`.
pub fn parse_interval(text: &str) -> Result<Interval> {
    let invalid = || {
        let message = format!("invalid input syntax for type interval: \"{text}\"");
        Error::new(SqlState::InvalidDatetimeFormat, message)
    };
    let lower = text.trim().to_ascii_lowercase();
    let sum = if let Some(iso) = lower.strip_prefix('p') { read_iso(iso) } else { read(&lower) };
    let sum = sum.ok_or_else(invalid)?;
    let fit = || {
        Some(Interval {
            months: sum.months.try_into().ok()?,
            days: sum.days.try_into().ok()?,
            microseconds: sum.us.try_into().ok()?,
        })
    };
    fit().ok_or_else(|| {
        Error::new(
            SqlState::DatetimeFieldOverflow,
            format!("interval field value out of range: \"{text}\""),
        )
    })
}

fn read(text: &str) -> Option<Sum> {
    let mut sum = Sum::default();
    let mut rest = text;
    let mut is_ago = false;
    if let Some(body) = rest.strip_suffix("ago") {
        (rest, is_ago) = (body.trim_end(), true);
    }
    rest = rest.strip_prefix('@').unwrap_or(rest).trim_start();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, behind) = number(rest)?;
        if behind.starts_with(':') {
            rest = clock(number, behind, &mut sum)?.trim_start();
            continue;
        }
        if let Some(months) = behind.strip_prefix('-').filter(|_| number.digits.is_empty())
            && months.starts_with(|c: char| c.is_ascii_digit())
        {
            let (months, behind) = self::number(months)?;
            let months = Number { negative: number.negative, ..months };
            sum.add(number, (12, 0, 0))?;
            sum.add(months, (1, 0, 0))?;
            rest = behind.trim_start();
            continue;
        }
        let behind = behind.trim_start();
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (name, more) = behind.split_at(end);
        // A number alone is of seconds.
        let of = if name.is_empty() && more.is_empty() { (0, 0, 1_000_000) } else { unit(name)? };
        sum.add(number, of)?;
        rest = more.trim_start().trim_start_matches(',').trim_start();
    }
    if is_ago {
        (sum.months, sum.days, sum.us) = (-sum.months, -sum.days, -sum.us);
    }
    Some(sum)
}

/// `[+-]n[.n]` at the start of a text, and what follows.
fn number(text: &str) -> Option<(Number<'_>, &str)> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let count = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, mut rest) = unsigned.split_at(count);
    let mut digits = "";
    if let Some(behind) = rest.strip_prefix('.') {
        let count = behind.bytes().take_while(u8::is_ascii_digit).count();
        (digits, rest) = behind.split_at(count);
    }
    if whole.is_empty() && digits.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = if digits.is_empty() { 0.0 } else { format!("0.{digits}").parse().ok()? };
    Some((Number { negative, whole, fraction, digits }, rest))
}

/// `:MM[:SS[.ffffff]]` behind hours; the sign of the hours is that of all.
fn clock<'t>(hours: Number<'_>, rest: &'t str, sum: &mut Sum) -> Option<&'t str> {
    let (minutes, mut behind) = number(&rest[1..])?;
    let mut us = i128::from(hours.whole) * 3_600_000_000 + i128::from(minutes.whole) * 60_000_000;
    if let Some(seconds) = behind.strip_prefix(':') {
        let (seconds, more) = number(seconds)?;
        if seconds.whole > 59 || seconds.negative {
            return None;
        }
        us += i128::from(seconds.whole) * 1_000_000 + i128::from(fraction_us(seconds.digits));
        behind = more;
    }
    if minutes.whole > 59 || minutes.negative || !hours.digits.is_empty() {
        return None;
    }
    sum.us += if hours.negative { -us } else { us };
    Some(behind)
}

/// ISO 8601's form behind the P: `1Y2M3DT4H5M6.7S`, `2W`.
fn read_iso(text: &str) -> Option<Sum> {
    let mut sum = Sum::default();
    let (mut rest, mut is_time) = (text, false);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('t').filter(|_| !is_time) {
            (rest, is_time) = (behind, true);
            continue;
        }
        let (number, behind) = number(rest)?;
        let of = match (behind.as_bytes().first()?, is_time) {
            (b'y', false) => (12, 0, 0),
            (b'm', false) => (1, 0, 0),
            (b'w', false) => (0, 7, 0),
            (b'd', false) => (0, 1, 0),
            (b'h', true) => (0, 0, 3_600_000_000),
            (b'm', true) => (0, 0, 60_000_000),
            (b's', true) => (0, 0, 1_000_000),
            _ => return None,
        };
        sum.add(number, of)?;
        rest = &behind[1..];
    }
    Some(sum)
}
