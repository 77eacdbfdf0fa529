//! Moments as they are written: RFC 3339, which may lack the zone or the whole time; UTC then.

/// Microseconds since 1970 of `2026-11-22`, `2026-11-22T16:05:00`, `2026-11-22T16:05:00Z` or `2026-11-22 16:05:00.25+01:00`.
pub(super) fn parse_moment(text: &str) -> Result<i64, String> {
    microseconds(text).ok_or_else(|| {
        "expected a date or a time of RFC 3339, such as 2026-11-22 or 2026-11-22T16:05:00Z"
            .to_owned()
    })
}

fn microseconds(text: &str) -> Option<i64> {
    if !text.is_ascii() {
        return None;
    }
    let (date, rest) = text.split_at_checked("2026-11-22".len())?;
    let midnight = days(date)? * 86_400;
    if rest.is_empty() {
        return Some(midnight * 1_000_000);
    }
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = time.split_at_checked("16:05:00".len())?;
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    // A leap second is the one that follows, as clocks have it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, rest) = fraction(rest)?;
    let seconds = midnight + hour * 3_600 + minute * 60 + second - offset(rest)?;
    Some(seconds * 1_000_000 + fraction)
}

/// Microseconds of `.25`, which may lack, and what follows; digits beyond microseconds are cut.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(digits) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let six: String = digits.chars().chain("000000".chars()).take(6).collect();
    (!digits.is_empty()).then_some((six.parse().ok()?, rest))
}

/// Seconds that a place's clock is ahead: none or `Z`, `+01:00`, `-08:00`.
fn offset(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let [hours, minutes] = fields(clock, ':', [2, 2])?;
    let seconds = hours * 3_600 + minutes * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// Days since 1970 of `year-month-day`.
fn days(date: &str) -> Option<i64> {
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    // Counted in years that begin in March, so that the leap day is a year's last.
    let years = if month < 3 { year - 1 } else { year };
    let months = (month + 9) % 12;
    let before = years * 365 + years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    // From 0000-03-01 to 1970-01-01 there are 719,468 days.
    Some(before + (months * 153 + 2) / 5 + day - 1 - 719_468)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Numbers of so many digits with `separator` between them.
fn fields<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_from_1970() {
        for (text, seconds) in [
            ("1970-01-01", 0.0),
            ("1970-01-02T00:00:00Z", 86_400.0),
            ("1969-12-31 23:59:59.5z", -0.5),
            ("2000-02-29", 951_782_400.0),
            ("2000-03-01", 951_868_800.0),
            ("2026-11-22T16:05:00Z", 1_795_363_500.0),
            ("2026-11-22T16:05:00", 1_795_363_500.0),
            ("2026-11-22 16:05:00.5", 1_795_363_500.5),
            ("2026-11-22T17:05:00.25+01:00", 1_795_363_500.25),
            ("2026-11-22t08:05:00.123456789-08:00", 1_795_363_500.123_456),
            ("2016-12-31T23:59:60Z", 1_483_228_800.0),
            ("0000-03-01", -62_162_035_200.0),
            ("9999-12-31", 253_402_214_400.0),
        ] {
            assert_eq!(parse_moment(text), Ok((seconds * 1e6) as i64), "{text}");
        }
        for text in [
            "",
            "now",
            "2026",
            "2026-1-2",
            "2026-13-01",
            "2026-02-29",
            "2100-02-29",
            "2026-00-10",
            "2026-01-00",
            "2026-11-22T",
            "2026-11-22T16:05Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T16:60:00Z",
            "2026-11-22T16:05:61Z",
            "2026-11-22T16:05:00.Z",
            "2026-11-22T16:05:00+1",
            "2026-11-22T16:05:00+24:00",
            "2026-11-22T16:05:00Zx",
            "2026-11-22x16:05:00Z",
            "2026-11-2é",
            "+026-11-22",
            "2026-11-22T16:05:00ZZ",
        ] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
    }
}
