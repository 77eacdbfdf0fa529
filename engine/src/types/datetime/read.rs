//! Texts to dates, times and timestamps: ISO 8601 and what PostgreSQL takes beside it in numbers (`1/8/1999`, month first).
//! Month names are not read.

use super::calendar::{DAY_US, days_of, month_days};
use super::{Date, Time, Times, Timestamp, TimestampTz, Zone, overflow};
use crate::error::{Error, Result, SqlState};

/// What a text says.
#[derive(Default)]
struct Reading {
    special: Option<Special>,
    /// Days since 2000.
    days: Option<i64>,
    /// Microseconds since midnight; 24:00 is a day.
    time_us: Option<i64>,
    zone: Option<ZoneText>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Infinity,
    NegativeInfinity,
    Epoch,
    Now,
    /// Midnight so many days from today.
    Day(i64),
}

enum ZoneText {
    /// Seconds east.
    Offset(i32),
    Name(String),
}

/// Why a text says nothing.
enum Fault {
    Syntax,
    /// A number that its field cannot be; whether another order of fields might help.
    Field(bool),
    Displacement,
}

/// Reads a date.
pub fn parse_date(text: &str, times: Option<&Times>) -> Result<Date> {
    let reading = read(text, "date")?;
    match reading.special {
        Some(Special::Infinity) => return Ok(Date::INFINITY),
        Some(Special::NegativeInfinity) => return Ok(Date::NEGATIVE_INFINITY),
        Some(special) => return Ok(local(special, times, "date", text)?.date()),
        None => {}
    }
    let days = reading.days.ok_or_else(|| invalid("date", text))?;
    Date::of_days(days).ok_or_else(|| overflow(format!("date out of range: \"{text}\"")))
}

/// Reads a time of day.
pub fn parse_time(text: &str, times: Option<&Times>) -> Result<Time> {
    let reading = read(text, "time")?;
    match reading.special {
        Some(Special::Now) => {
            let now = local(Special::Now, times, "time", text)?;
            return now.time().ok_or_else(|| invalid("time", text));
        }
        Some(_) => return Err(invalid("time", text)),
        None => {}
    }
    reading.time_us.map(Time).ok_or_else(|| invalid("time", text))
}

/// Reads a timestamp; a zone in it is read over.
pub fn parse_timestamp(text: &str, times: Option<&Times>) -> Result<Timestamp> {
    timestamp(&read(text, "timestamp")?, text, "timestamp", times)
}

/// Reads a timestamp with its zone, or by the session's; UTC where no session is.
pub fn parse_timestamptz(text: &str, times: Option<&Times>) -> Result<TimestampTz> {
    const NAME: &str = "timestamp with time zone";
    let reading = read(text, NAME)?;
    if reading.special == Some(Special::Epoch) {
        return Ok(TimestampTz::of_unix_us(0));
    }
    if let (Some(Special::Now), Some(times)) = (reading.special, times) {
        return Ok(times.transaction);
    }
    let shown = timestamp(&reading, text, NAME, times)?;
    let zone = match &reading.zone {
        Some(ZoneText::Offset(seconds)) => Zone::fixed(*seconds),
        Some(ZoneText::Name(name)) => Zone::find(name).ok_or_else(|| {
            let message = format!("time zone \"{name}\" not recognized");
            Error::new(SqlState::InvalidParameterValue, message)
        })?,
        None => times.map_or_else(Zone::utc, |times| times.zone.clone()),
    };
    shown.in_zone(&zone).map_err(|_| overflow(format!("timestamp out of range: \"{text}\"")))
}

/// Whether the text's value depends on the session's zone or on its clock.
pub fn reads_clock_or_zone(text: &str, is_zoned: bool) -> bool {
    match read(text, "timestamp") {
        Ok(Reading { special: Some(special), .. }) => {
            matches!(special, Special::Now | Special::Day(_))
        }
        Ok(reading) => is_zoned && reading.zone.is_none(),
        Err(_) => false,
    }
}

fn timestamp(
    reading: &Reading,
    text: &str,
    name: &str,
    times: Option<&Times>,
) -> Result<Timestamp> {
    match reading.special {
        Some(Special::Infinity) => return Ok(Timestamp::INFINITY),
        Some(Special::NegativeInfinity) => return Ok(Timestamp::NEGATIVE_INFINITY),
        Some(special) => return local(special, times, name, text),
        None => {}
    }
    let days = reading.days.ok_or_else(|| invalid(name, text))?;
    let us = days.checked_mul(DAY_US).and_then(|us| us.checked_add(reading.time_us.unwrap_or(0)));
    us.and_then(Timestamp::of_us)
        .ok_or_else(|| overflow(format!("timestamp out of range: \"{text}\"")))
}

/// What a word stands for on the session's clocks.
fn local(special: Special, times: Option<&Times>, name: &str, text: &str) -> Result<Timestamp> {
    if special == Special::Epoch {
        return Ok(Timestamp(TimestampTz::of_unix_us(0).0));
    }
    // Where there is no session, there is no now.
    let times = times.ok_or_else(|| invalid(name, text))?;
    let now = times.transaction.local(&times.zone)?;
    match special {
        Special::Day(days) => {
            let us = (now.0.div_euclid(DAY_US) + days) * DAY_US;
            Timestamp::of_us(us).ok_or_else(|| overflow("timestamp out of range"))
        }
        _ => Ok(now),
    }
}

#[cold]
fn invalid(name: &str, text: &str) -> Error {
    let message = format!("invalid input syntax for type {name}: \"{text}\"");
    Error::new(SqlState::InvalidDatetimeFormat, message)
}

fn read(text: &str, name: &str) -> Result<Reading> {
    read_all(&text.trim().to_ascii_lowercase()).map_err(|fault| match fault {
        Fault::Syntax => invalid(name, text),
        Fault::Field(hint) => {
            let error = overflow(format!("date/time field value out of range: \"{text}\""));
            let other = "Perhaps you need a different \"datestyle\" setting.";
            if hint { error.with_hint(other) } else { error }
        }
        Fault::Displacement => {
            let message = format!("time zone displacement out of range: \"{text}\"");
            Error::new(SqlState::InvalidTimeZoneDisplacementValue, message)
        }
    })
}

fn read_all(text: &str) -> std::result::Result<Reading, Fault> {
    let special = match text {
        "infinity" => Some(Special::Infinity),
        "-infinity" => Some(Special::NegativeInfinity),
        "epoch" => Some(Special::Epoch),
        "now" => Some(Special::Now),
        "today" => Some(Special::Day(0)),
        "tomorrow" => Some(Special::Day(1)),
        "yesterday" => Some(Special::Day(-1)),
        _ => None,
    };
    if special.is_some() {
        return Ok(Reading { special, ..Reading::default() });
    }
    let mut rest = text;
    let mut reading = Reading::default();
    let mut date = None;
    if !starts_time(rest) {
        let (found, behind) = read_date(rest)?;
        date = Some(found);
        rest = match behind.strip_prefix('t').filter(|_| !behind.starts_with("tomorrow")) {
            Some(time) if time.starts_with(|c: char| c.is_ascii_digit()) => time,
            _ => behind.trim_start(),
        };
    }
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        let (us, behind) = read_time(rest)?;
        (reading.time_us, rest) = (Some(us), behind.trim_start());
    }
    let mut is_bc = false;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        if rest == "bc" || rest == "ad" {
            (is_bc, rest) = (rest == "bc", "");
            if date.is_none() {
                return Err(Fault::Syntax);
            }
        } else if reading.zone.is_none() {
            let (zone, behind) = read_zone(rest)?;
            (reading.zone, rest) = (Some(zone), behind);
        } else {
            return Err(Fault::Syntax);
        }
    }
    if let Some((year, month, day)) = date {
        let year = if is_bc { 1 - year } else { year };
        if year == 0 && !is_bc {
            return Err(Fault::Field(false));
        }
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(Fault::Field(true));
        }
        let (month, day) = (month as u8, day as u8);
        if day > month_days(year, month) {
            return Err(Fault::Field(false));
        }
        reading.days = Some(days_of(year, month, day));
    }
    Ok(reading)
}

/// Whether a time of day comes first.
fn starts_time(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=2).contains(&digits) && text[digits..].starts_with(':')
}

/// The digits at the start of a text, at most nine, as a number, and what follows.
fn digits(text: &str) -> std::result::Result<(&str, i64, &str), Fault> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 || count > 9 {
        return Err(Fault::Syntax);
    }
    let number = text[..count].parse().map_err(|_| Fault::Syntax)?;
    Ok((&text[..count], number, &text[count..]))
}

type Day = (i64, i64, i64);

fn read_date(text: &str) -> std::result::Result<(Day, &str), Fault> {
    let (first_text, first, rest) = digits(text)?;
    let Some(separator) = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.')) else {
        return match first_text.len() {
            8 => Ok(((first / 10_000, first / 100 % 100, first % 100), rest)),
            6 => Ok(((full_year(first / 10_000), first / 100 % 100, first % 100), rest)),
            _ => Err(Fault::Syntax),
        };
    };
    let (second_text, second, rest) = digits(&rest[1..])?;
    let rest = rest.strip_prefix(separator).ok_or(Fault::Syntax)?;
    let (third_text, third, rest) = digits(rest)?;
    if first_text.len() >= 3 {
        if second_text.len() > 2 || third_text.len() > 2 {
            return Err(Fault::Syntax);
        }
        return Ok(((first, second, third), rest));
    }
    // Month, day, year.
    let year = if third_text.len() <= 2 { full_year(third) } else { third };
    Ok(((year, first, second), rest))
}

/// A year of two digits.
fn full_year(year: i64) -> i64 {
    if year < 70 { year + 2000 } else { year + 1900 }
}

/// `HH:MM[:SS[.ffffff]] [AM | PM]`, or `HHMM[SS]`.
fn read_time(text: &str) -> std::result::Result<(i64, &str), Fault> {
    let (hour_text, mut hour, mut rest) = digits(text)?;
    let (minute, mut second, mut us) = if let Some(behind) = rest.strip_prefix(':') {
        let (_, minute, behind) = digits(behind)?;
        rest = behind;
        let mut second = 0;
        if let Some(behind) = rest.strip_prefix(':') {
            (_, second, rest) = digits(behind)?;
        }
        (minute, second, 0)
    } else {
        let number = hour;
        match hour_text.len() {
            4 => {
                hour = number / 100;
                (number % 100, 0, 0)
            }
            6 => {
                hour = number / 10_000;
                (number / 100 % 100, number % 100, 0)
            }
            _ => return Err(Fault::Syntax),
        }
    };
    if let Some(behind) = rest.strip_prefix('.') {
        let count = behind.bytes().take_while(u8::is_ascii_digit).count();
        us = fraction_us(&behind[..count]);
        rest = &behind[count..];
    }
    let behind = rest.trim_start();
    for (word, is_pm) in [("am", false), ("pm", true)] {
        let behind = behind.strip_prefix(word);
        // America is a zone.
        let is_word = |rest: &&str| !rest.starts_with(|c: char| c.is_ascii_alphabetic());
        if let Some(behind) = behind.filter(is_word) {
            if !(1..=12).contains(&hour) {
                return Err(Fault::Field(false));
            }
            hour = hour % 12 + if is_pm { 12 } else { 0 };
            rest = behind;
        }
    }
    second += us / 1_000_000;
    us %= 1_000_000;
    if minute > 59 || second > 60 || hour > 24 {
        return Err(Fault::Field(false));
    }
    let total = ((hour * 60 + minute) * 60 + second) * 1_000_000 + us;
    if total > DAY_US { Err(Fault::Field(false)) } else { Ok((total, rest)) }
}

/// The digits behind a point, to the nearest microsecond.
pub(super) fn fraction_us(digits: &str) -> i64 {
    let mut us = 0;
    for place in 0..6 {
        us = us * 10 + digits.as_bytes().get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    us + i64::from(digits.as_bytes().get(6).is_some_and(|digit| *digit >= b'5'))
}

fn read_zone(text: &str) -> std::result::Result<(ZoneText, &str), Fault> {
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        byte if byte.is_ascii_alphabetic() => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
            let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            return match name {
                "z" | "utc" | "gmt" | "zulu" => Ok((ZoneText::Offset(0), rest)),
                // A word that is no zone is no zone's name; only those with a slash are reported as such.
                _ if name.contains('/') || Zone::find(name).is_some() => {
                    Ok((ZoneText::Name(name.to_owned()), rest))
                }
                _ => Err(Fault::Syntax),
            };
        }
        _ => return Err(Fault::Syntax),
    };
    let (hour_text, number, mut rest) = digits(&text[1..])?;
    let (hour, mut minute, mut second) = match hour_text.len() {
        1 | 2 => (number, 0, 0),
        3 | 4 => (number / 100, number % 100, 0),
        6 => (number / 10_000, number / 100 % 100, number % 100),
        _ => return Err(Fault::Syntax),
    };
    if hour_text.len() <= 2 && rest.starts_with(':') {
        (_, minute, rest) = digits(&rest[1..])?;
        if let Some(behind) = rest.strip_prefix(':') {
            (_, second, rest) = digits(behind)?;
        }
    }
    if hour > 15 || minute > 59 || second > 59 {
        return Err(Fault::Displacement);
    }
    Ok((ZoneText::Offset(sign * (hour * 3600 + minute * 60 + second) as i32), rest))
}
