//! Values of settings as written: booleans, numbers, numbers with units, with PostgreSQL's messages.

use crate::error::{Error, Result, SqlState};
use crate::limits::STATEMENT_MEMORY_BYTES_MAX;
use crate::parser::ast::IsolationLevel;

/// Largest duration: PostgreSQL's.
const MILLISECONDS_MAX: i64 = i32::MAX as i64;

/// Units of time in milliseconds (`us` rounds), in PostgreSQL's order.
const TIME_UNITS: [(&str, f64); 6] = [
    ("us", 0.001),
    ("ms", 1.0),
    ("s", 1_000.0),
    ("min", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
];

/// Units of memory in bytes.
const MEMORY_UNITS: [(&str, f64); 5] = [
    ("B", 1.0),
    ("kB", 1_024.0),
    ("MB", 1_048_576.0),
    ("GB", 1_073_741_824.0),
    ("TB", 1_099_511_627_776.0),
];

/// 22023 `invalid value for parameter "x": "y"`.
pub(super) fn invalid(name: &str, word: &str) -> Error {
    Error::new(
        SqlState::InvalidParameterValue,
        format!("invalid value for parameter \"{name}\": \"{word}\""),
    )
}

fn out_of_range(name: &str, value: &str, low: i64, high: i64) -> Error {
    Error::new(
        SqlState::InvalidParameterValue,
        format!("{value} is outside the valid range for parameter \"{name}\" ({low} .. {high})"),
    )
}

/// A boolean in any of PostgreSQL's spellings, unique prefixes included.
pub(in crate::session) fn boolean(name: &str, word: &str) -> Result<bool> {
    let lower = word.trim().to_ascii_lowercase();
    let is = |full: &str, shortest: usize| lower.len() >= shortest && full.starts_with(&lower);
    if is("true", 1) || is("yes", 1) || lower == "on" || lower == "1" {
        Ok(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || lower == "0" {
        Ok(false)
    } else {
        Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("parameter \"{name}\" requires a Boolean value"),
        ))
    }
}

/// The levels as settings spell them.
const ISOLATION_LEVELS: [(&str, IsolationLevel); 4] = [
    ("serializable", IsolationLevel::Serializable),
    ("repeatable read", IsolationLevel::RepeatableRead),
    ("read committed", IsolationLevel::ReadCommitted),
    ("read uncommitted", IsolationLevel::ReadUncommitted),
];

/// A transaction isolation level that transactions may run at.
pub(in crate::session) fn isolation(name: &str, word: &str) -> Result<IsolationLevel> {
    let known = ISOLATION_LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    let Some((_, level)) = known else {
        let names = ISOLATION_LEVELS.map(|(name, _)| name).join(", ");
        return Err(invalid(name, word).with_hint(format!("Available values: {names}.")));
    };
    Ok(*level)
}

/// A level as settings spell it.
pub(in crate::session) fn show_isolation(level: IsolationLevel) -> &'static str {
    let name = ISOLATION_LEVELS.iter().find(|(_, known)| *known == level).map(|(name, _)| *name);
    name.expect("every level has a name")
}

/// An integer in a range.
pub(super) fn integer(name: &str, word: &str, low: i64, high: i64) -> Result<i64> {
    let value: i64 = word.trim().parse().map_err(|_| invalid(name, word))?;
    if !(low..=high).contains(&value) {
        return Err(out_of_range(name, &value.to_string(), low, high));
    }
    Ok(value)
}

/// A duration; milliseconds where no unit is written.
pub(super) fn milliseconds(name: &str, word: &str) -> Result<u64> {
    let hint =
        "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
    let value = with_unit(name, word, &TIME_UNITS, "ms", hint)?;
    if !(0.0..=MILLISECONDS_MAX as f64).contains(&value) {
        return Err(out_of_range(name, &format!("{value} ms"), 0, MILLISECONDS_MAX));
    }
    Ok(value as u64)
}

/// A statement's memory; bytes where no unit is written. At least 64 kB, so that a statement can run at all.
pub(super) fn bytes(name: &str, word: &str) -> Result<u64> {
    let hint = "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
    let value = with_unit(name, word, &MEMORY_UNITS, "B", hint)?;
    let (low, high) = (64 << 10, STATEMENT_MEMORY_BYTES_MAX as i64);
    if !(low as f64..=high as f64).contains(&value) {
        return Err(out_of_range(name, &format!("{value} B"), low, high));
    }
    Ok(value as u64)
}

fn with_unit(
    name: &str,
    word: &str,
    units: &[(&str, f64)],
    default: &str,
    hint: &str,
) -> Result<f64> {
    let trimmed = word.trim();
    let digits = trimmed
        .find(|character: char| character.is_ascii_alphabetic() || character.is_whitespace())
        .unwrap_or(trimmed.len());
    let number: f64 = trimmed[..digits].parse().map_err(|_| invalid(name, word))?;
    let unit = match trimmed[digits..].trim() {
        "" => default,
        unit => unit,
    };
    let factor = units
        .iter()
        .find(|(known, _)| *known == unit)
        .map(|(_, factor)| *factor)
        .ok_or_else(|| invalid(name, word).with_hint(hint))?;
    Ok((number * factor).round())
}

/// A duration in the largest unit that divides it, as SHOW prints it.
pub(super) fn show_milliseconds(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return "0".to_owned();
    }
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    let fitting = units.iter().find(|(size, _)| milliseconds.is_multiple_of(*size));
    let (size, unit) = fitting.expect("1 divides everything");
    format!("{}{unit}", milliseconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_in_postgresql() {
        let good = [
            ("0", "0"),
            ("5", "5ms"),
            ("5s", "5s"),
            ("1.5s", "1500ms"),
            (" 90 s ", "90s"),
            ("60s", "1min"),
            ("24h", "1d"),
            ("1600us", "2ms"),
        ];
        for (word, shown) in good {
            assert_eq!(show_milliseconds(milliseconds("x", word).unwrap()), shown, "{word}");
        }
        for word in ["", "abc", "5 parsecs", "1e", "5S"] {
            let error = milliseconds("x", word).unwrap_err();
            assert_eq!(error.message(), format!("invalid value for parameter \"x\": \"{word}\""));
        }
        assert_eq!(
            milliseconds("x", "-1").unwrap_err().message(),
            "-1 ms is outside the valid range for parameter \"x\" (0 .. 2147483647)"
        );
        assert!(milliseconds("x", "25d").is_err());
    }

    #[test]
    fn booleans_by_prefix() {
        for (word, value) in [("t", true), ("ON", true), ("y", true), ("of", false), ("0", false)] {
            assert_eq!(boolean("x", word).unwrap(), value, "{word}");
        }
        for word in ["o", "", "2", "truth"] {
            assert!(boolean("x", word).is_err(), "{word}");
        }
    }
}
