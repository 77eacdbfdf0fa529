//! The calendar against its own inverse and known days; texts there and back.

use proptest::prelude::*;

use super::calendar::{civil, days_of, iso_week, month_days, weekday};
use super::*;

#[test]
fn known_days() {
    for (days, expected) in [
        (0, (2000, 1, 1)),
        (-10_957, (1970, 1, 1)),
        (59, (2000, 2, 29)),
        (366, (2001, 1, 1)),
        (-730_425, (0, 3, 1)),
        (i64::from(DATE_MIN), (-4713, 11, 24)),
        (i64::from(DATE_END), (5_874_898, 1, 1)),
    ] {
        assert_eq!(civil(days), expected, "{days}");
        assert_eq!(days_of(expected.0, expected.1, expected.2), days);
    }
    assert_eq!(weekday(0), 6, "2000-01-01 was a Saturday");
    assert_eq!(iso_week(days_of(2024, 12, 30)), (2025, 1));
    assert_eq!(iso_week(days_of(2021, 1, 3)), (2020, 53));
    assert_eq!(month_days(1900, 2), 28);
    assert_eq!(month_days(2000, 2), 29);
}

fn shown(timestamp: Timestamp) -> String {
    let mut text = String::new();
    format_timestamp(timestamp, &mut text);
    text
}

proptest! {
    #[test]
    fn days_come_back(days in DATE_MIN..DATE_END) {
        let (year, month, day) = civil(days.into());
        prop_assert!((1..=12).contains(&month) && day >= 1 && day <= month_days(year, month));
        prop_assert_eq!(days_of(year, month, day), i64::from(days));
    }

    #[test]
    fn timestamps_come_back(us in TIMESTAMP_MIN..TIMESTAMP_END, offset in -50_000_i32..50_000) {
        let timestamp = Timestamp(us);
        prop_assert_eq!(parse_timestamp(&shown(timestamp), None).unwrap(), timestamp);
        let mut text = String::new();
        format_timestamptz(TimestampTz(us), &Zone::fixed(offset), &mut text);
        // What clocks show may be beyond what can be read.
        if let Ok(back) = parse_timestamptz(&text, None) {
            prop_assert_eq!(back, TimestampTz(us), "{}", text);
        }
        let mut text = String::new();
        format_date(timestamp.date(), &mut text);
        prop_assert_eq!(parse_date(&text, None).unwrap(), timestamp.date());
    }

    #[test]
    fn intervals_come_back(months in -100_000_i32..100_000, days: i32, us in -(1_i64 << 60)..1 << 60) {
        let interval = Interval { months, days, microseconds: us };
        let mut text = String::new();
        format_interval(interval, &mut text);
        prop_assert_eq!(parse_interval(&text).unwrap(), interval, "{}", text);
    }

    #[test]
    fn nothing_panics(text in "[-0-9:./ tzapmbc+Ws]{0,24}", us: i64, months: i32, days: i32) {
        let times = Times::utc(TimestampTz(0));
        let _ = parse_timestamp(&text, Some(&times));
        let _ = parse_timestamptz(&text, Some(&times));
        let _ = parse_date(&text, Some(&times));
        let _ = parse_time(&text, Some(&times));
        let _ = parse_interval(&text);
        let _ = Zone::find(&text);
        let interval = crate::types::ValueRef::Interval(Interval { months, days, microseconds: us });
        for value in [Timestamp::of_us(us).unwrap_or_default(), Timestamp::INFINITY] {
            let value = crate::types::ValueRef::Timestamp(value);
            let _ = operate(DatetimeFunction::AddInterval, &[value, interval], Some(&times));
            for field in ["week", "century", "isoyear", "julian"] {
                let _ = extract(field, value, &times.zone);
                let field = crate::types::ValueRef::Text(field);
                let _ = operate(DatetimeFunction::Truncate, &[field, value], None);
            }
        }
    }
}

#[test]
fn offsets_as_zones_have_them() {
    let fixed =
        |name: &str| Zone::find(name).map(|zone| (zone.name().to_string(), zone.offset_at(0)));
    assert_eq!(fixed("utc"), Some(("UTC".into(), 0)));
    assert_eq!(fixed("-7"), Some(("<-07>+07".into(), -25_200)));
    assert_eq!(fixed("5.5"), Some(("<+05:30>-05:30".into(), 19_800)));
    assert_eq!(fixed("+02:00"), Some(("+02:00".into(), -7_200)));
    for name in ["", "/etc/passwd", "../x", "nan", "inf", "1e3", "+", "+25:99", "a b", "//"] {
        assert_eq!(fixed(name), None, "{name}");
    }
    let Some(zone) = Zone::find("america/new_york") else {
        // A machine without zoneinfo has UTC and offsets, and the test nothing more to look at.
        return;
    };
    assert_eq!(&**zone.name(), "America/New_York");
    let at = |text: &str| parse_timestamp(text, None).unwrap().in_zone(&zone).unwrap();
    let utc = |text: &str| parse_timestamptz(text, None).unwrap();
    assert_eq!(at("2024-03-10 02:30"), utc("2024-03-10 07:30"), "left out: by the offset before");
    assert_eq!(at("2024-11-03 01:30"), utc("2024-11-03 06:30"), "twice: by the offset after");
    assert_eq!(at("2424-07-01"), utc("2424-07-01 04:00"));
    assert_eq!(at("290000-07-01"), utc("290000-07-01 04:00"), "rules go on");
    assert_eq!(zone.offset_at(utc("1850-01-01").0), -17_762);
}
