//! Time zones: UTC and fixed offsets always, others by the system's files (`/usr/share/zoneinfo`), as far as there are any.

use std::sync::Arc;

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::UNIX_EPOCH_US;
use super::calendar::{DAY_US, civil};

/// Seconds of 400 years, after which the calendar and the rules of zones repeat.
const ERA_SECONDS: i64 = 12_622_780_800;

/// Seconds since 1970 within which zones are asked: the years -9998 to 9998.
const ASKED_SECONDS: std::ops::Range<i64> = -377_673_580_800..253_339_228_800;

/// Names of UTC that need no file.
const UTC_NAMES: &[&str] = &[
    "UTC",
    "GMT",
    "Etc/UTC",
    "Etc/GMT",
    "Etc/UCT",
    "UCT",
    "Zulu",
    "Etc/Zulu",
    "Universal",
    "Etc/Universal",
    "Greenwich",
    "Etc/Greenwich",
];

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    name: Arc<str>,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    /// Seconds east of UTC.
    Fixed(i32),
    Rules(TimeZone),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self { name: Arc::from("UTC"), rule: Rule::Fixed(0) }
    }

    /// A fixed number of seconds east, less than a day.
    pub fn fixed(seconds: i32) -> Self {
        let mut name = String::from("<");
        push_offset(seconds, &mut name);
        name.push('>');
        push_offset(-seconds, &mut name);
        Self { name: name.into(), rule: Rule::Fixed(seconds) }
    }

    /// The zone that a name means, in any case: one of the system's, hours east as a number, or an offset in POSIX's sense,
    /// which is west.
    pub fn find(name: &str) -> Option<Self> {
        if let Some(utc) = UTC_NAMES.iter().find(|utc| utc.eq_ignore_ascii_case(name)) {
            return Some(Self { name: Arc::from(*utc), rule: Rule::Fixed(0) });
        }
        if let Ok(hours) = name.parse::<f64>() {
            let is_offset =
                name.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
            return (is_offset && hours.abs() < 168.0)
                .then(|| Self::fixed((hours * 3600.0).round() as i32));
        }
        if let Some(seconds) = posix_offset(name) {
            return Some(Self { name: Arc::from(name), rule: Rule::Fixed(-seconds) });
        }
        // A name is never a path: what jiff takes for one is refused here.
        let is_name =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
        if !is_name || name.starts_with('/') || name.contains("//") {
            return None;
        }
        let zone = TimeZone::get(name).ok()?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Some(Self { name: name.into(), rule: Rule::Rules(zone) })
    }

    /// Its name, as SHOW spells it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Seconds east of UTC at a moment, in microseconds since 2000 UTC.
    pub fn offset_at(&self, us: i64) -> i32 {
        match &self.rule {
            Rule::Fixed(seconds) => *seconds,
            Rule::Rules(zone) => {
                let seconds = asked(us.div_euclid(1_000_000) + UNIX_EPOCH_US / 1_000_000);
                let moment = jiff::Timestamp::from_second(seconds);
                moment.map_or(0, |moment| zone.to_offset(moment).seconds())
            }
        }
    }

    /// Seconds east of UTC when clocks show a time, in microseconds since 2000. A time that is left out, when clocks go
    /// forward, is taken by the offset before; one that comes twice, when they go back, by the one after.
    pub(super) fn offset_of_local(&self, us: i64) -> i32 {
        let zone = match &self.rule {
            Rule::Fixed(seconds) => return *seconds,
            Rule::Rules(zone) => zone,
        };
        let seconds = asked(us.div_euclid(1_000_000) + UNIX_EPOCH_US / 1_000_000);
        let since_2000 = (seconds - UNIX_EPOCH_US / 1_000_000) * 1_000_000;
        let (year, month, day) = civil(since_2000.div_euclid(DAY_US));
        let second = since_2000.rem_euclid(DAY_US) / 1_000_000;
        let shown = jiff::civil::DateTime::new(
            year as i16,
            month as i8,
            day as i8,
            (second / 3600) as i8,
            (second / 60 % 60) as i8,
            (second % 60) as i8,
            0,
        );
        let offset = |offset: Offset| offset.seconds();
        shown.map_or(0, |shown| match zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset: only } => offset(only),
            AmbiguousOffset::Gap { before, .. } => offset(before),
            AmbiguousOffset::Fold { after, .. } => offset(after),
        })
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A moment of the same place in the calendar, within the years that zones are asked for.
fn asked(seconds: i64) -> i64 {
    let beyond = seconds - (ASKED_SECONDS.end - 1);
    if beyond > 0 {
        return seconds - (beyond + ERA_SECONDS - 1) / ERA_SECONDS * ERA_SECONDS;
    }
    seconds.max(ASKED_SECONDS.start)
}

/// `+HH[:MM[:SS]]` in seconds.
fn posix_offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut seconds = 0;
    let mut parts = text[1..].split(':');
    for unit in [3600, 60, 1] {
        let Some(part) = parts.next() else { break };
        let is_number = !part.is_empty() && part.len() <= 2;
        let number: i32 = part.parse().ok().filter(|_| is_number)?;
        if number > if unit == 3600 { 24 } else { 59 } {
            return None;
        }
        seconds += number * unit;
    }
    parts.next().is_none().then_some(sign * seconds)
}

/// Appends `+HH[:MM[:SS]]`.
pub(super) fn push_offset(seconds: i32, out: &mut String) {
    use std::fmt::Write;
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) =
        (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let _ = write!(out, "{sign}{hours:02}");
    if minutes != 0 || rest != 0 {
        let _ = write!(out, ":{minutes:02}");
    }
    if rest != 0 {
        let _ = write!(out, ":{rest:02}");
    }
}
