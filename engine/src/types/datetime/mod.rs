//! Dates, times and intervals: PostgreSQL's values, ranges, text forms and arithmetic.
//!
//! Days and microseconds count from 2000-01-01, as in PostgreSQL; the extreme numbers are the infinities. Reading order:
//! [`calendar`] turns days into years and back, [`zone`] is offsets from UTC; `read` and `write` are the text forms,
//! `interval` spans; `operate` is arithmetic, `field` extract and `date_trunc`.
//!
//! The calendar is twenty lines of its own, for PostgreSQL's years (to 294276, of dates to 5874897) are beyond those of the
//! libraries. Time zones are jiff's, read from the system's files.

mod calendar;
mod field;
mod interval;
mod operate;
mod read;
mod write;
mod zone;

pub use field::{Extracted, extract, part, truncate};
pub use interval::{Interval, parse_interval};
pub use operate::{DatetimeFunction, operate};
pub use read::{parse_date, parse_time, parse_timestamp, parse_timestamptz, reads_clock_or_zone};
pub use write::{format_date, format_interval, format_time, format_timestamp, format_timestamptz};
pub use zone::Zone;

use calendar::{DATE_END, DATE_MIN, DAY_US, TIMESTAMP_END, TIMESTAMP_MIN};

use crate::error::{Error, Result, SqlState};

/// Microseconds from 1970 to 2000.
const UNIX_EPOCH_US: i64 = 946_684_800_000_000;

/// DATE: days since 2000-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// TIME: microseconds since midnight, 24:00 included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// TIMESTAMP: microseconds since 2000-01-01, of no zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// TIMESTAMPTZ: microseconds since 2000-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampTz(pub i64);

/// What a statement's clock and zone are.
#[derive(Clone, Debug)]
pub struct Times {
    /// The session's zone.
    pub zone: Zone,
    /// When the transaction began.
    pub transaction: TimestampTz,
    /// When the statement began.
    pub statement: TimestampTz,
}

impl Date {
    /// After all dates.
    pub const INFINITY: Self = Self(i32::MAX);
    /// Before all dates.
    pub const NEGATIVE_INFINITY: Self = Self(i32::MIN);

    /// Whether it is a day.
    pub fn is_finite(self) -> bool {
        self != Self::INFINITY && self != Self::NEGATIVE_INFINITY
    }

    /// The date of so many days, if there is one.
    pub fn of_days(days: i64) -> Option<Self> {
        i32::try_from(days).ok().filter(|days| (DATE_MIN..DATE_END).contains(days)).map(Self)
    }

    /// What somebody says is a date: 22008 if it is none.
    pub fn checked(days: i32) -> Result<Self> {
        let date = Self(days);
        let fits = !date.is_finite() || Self::of_days(days.into()).is_some();
        if fits { Ok(date) } else { Err(overflow("date out of range")) }
    }

    /// Its midnight: 22008 for a date beyond the timestamps.
    pub fn midnight(self) -> Result<Timestamp> {
        match self {
            Self::INFINITY => Ok(Timestamp::INFINITY),
            Self::NEGATIVE_INFINITY => Ok(Timestamp::NEGATIVE_INFINITY),
            Self(days) => i64::from(days)
                .checked_mul(DAY_US)
                .and_then(Timestamp::of_us)
                .ok_or_else(|| overflow("date out of range for timestamp")),
        }
    }
}

impl Time {
    /// What somebody says is a time of day: 22008 if it is none.
    pub fn checked(us: i64) -> Result<Self> {
        let fits = (0..=DAY_US).contains(&us);
        if fits { Ok(Self(us)) } else { Err(overflow("time out of range")) }
    }
}

impl Timestamp {
    /// After all timestamps.
    pub const INFINITY: Self = Self(i64::MAX);
    /// Before all timestamps.
    pub const NEGATIVE_INFINITY: Self = Self(i64::MIN);

    /// Whether it is a moment.
    pub fn is_finite(self) -> bool {
        self != Self::INFINITY && self != Self::NEGATIVE_INFINITY
    }

    /// The timestamp of so many microseconds, if there is one.
    pub fn of_us(us: i64) -> Option<Self> {
        (TIMESTAMP_MIN..TIMESTAMP_END).contains(&us).then_some(Self(us))
    }

    /// What somebody says is a timestamp: 22008 if it is none.
    pub fn checked(us: i64) -> Result<Self> {
        let timestamp = Self(us);
        let fits = !timestamp.is_finite() || Self::of_us(us).is_some();
        if fits { Ok(timestamp) } else { Err(overflow("timestamp out of range")) }
    }

    /// Its day.
    pub fn date(self) -> Date {
        match self {
            Self::INFINITY => Date::INFINITY,
            Self::NEGATIVE_INFINITY => Date::NEGATIVE_INFINITY,
            Self(us) => Date(us.div_euclid(DAY_US) as i32),
        }
    }

    /// Its time of day; None for an infinity.
    pub fn time(self) -> Option<Time> {
        self.is_finite().then(|| Time(self.0.rem_euclid(DAY_US)))
    }

    /// The moment at which clocks of a zone show it.
    pub fn in_zone(self, zone: &Zone) -> Result<TimestampTz> {
        if !self.is_finite() {
            return Ok(TimestampTz(self.0));
        }
        let us = self.0.checked_sub(i64::from(zone.offset_of_local(self.0)) * 1_000_000);
        us.and_then(Self::of_us)
            .map(|utc| TimestampTz(utc.0))
            .ok_or_else(|| overflow("timestamp out of range"))
    }
}

impl TimestampTz {
    /// Whether it is a moment.
    pub fn is_finite(self) -> bool {
        Timestamp(self.0).is_finite()
    }

    /// What somebody says is a timestamp: 22008 if it is none.
    pub fn checked(us: i64) -> Result<Self> {
        Timestamp::checked(us).map(|timestamp| Self(timestamp.0))
    }

    /// The moment so many microseconds after 1970 UTC.
    pub fn of_unix_us(us: i64) -> Self {
        Self(us.saturating_sub(UNIX_EPOCH_US))
    }

    /// Microseconds since 1970 UTC.
    pub fn unix_us(self) -> i64 {
        self.0.saturating_add(UNIX_EPOCH_US)
    }

    /// What clocks of a zone show then.
    pub fn local(self, zone: &Zone) -> Result<Timestamp> {
        if !self.is_finite() {
            return Ok(Timestamp(self.0));
        }
        let us = self.0.checked_add(i64::from(zone.offset_at(self.0)) * 1_000_000);
        us.and_then(Timestamp::of_us).ok_or_else(|| overflow("timestamp out of range"))
    }
}

impl Times {
    /// UTC at one moment, as it stands for both clocks.
    pub fn utc(now: TimestampTz) -> Self {
        Self { zone: Zone::utc(), transaction: now, statement: now }
    }
}

/// The system's clock.
pub fn clock() -> TimestampTz {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    TimestampTz::of_unix_us(since.unwrap_or_default().as_micros() as i64)
}

/// 22008.
#[cold]
fn overflow(message: impl Into<String>) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, message)
}

#[cfg(test)]
mod tests;
