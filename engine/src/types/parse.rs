//! Text to values, with the rules and the errors of PostgreSQL's and pgvector's input functions.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::limits::VECTOR_DIMENSIONS_MAX;
use crate::types::datetime::{
    Times, parse_date, parse_interval, parse_time, parse_timestamp, parse_timestamptz,
};
use crate::types::{DataType, Value};

/// Reads a value of `data_type`; VARCHAR(n) is not cut nor checked here, the cast does that. A declared dimension is
/// checked by [`check_dimensions`].
pub fn parse_value(data_type: DataType, text: &str) -> Result<Value> {
    parse_value_at(data_type, text, None)
}

/// [`parse_value`] where a session is: its zone is that of a timestamp without one, and `now` has a meaning.
pub fn parse_value_at(data_type: DataType, text: &str, times: Option<&Times>) -> Result<Value> {
    Ok(match data_type {
        DataType::Date => Value::Date(parse_date(text, times)?),
        DataType::Time => Value::Time(parse_time(text, times)?),
        DataType::Timestamp => Value::Timestamp(parse_timestamp(text, times)?),
        DataType::TimestampTz => Value::TimestampTz(parse_timestamptz(text, times)?),
        DataType::Interval => Value::Interval(parse_interval(text)?),
        DataType::Bool => Value::Bool(parse_bool(text)?),
        DataType::Int2 => Value::Int2(parse_integer(text, "smallint")?),
        DataType::Int4 => Value::Int4(parse_integer(text, "integer")?),
        DataType::Int8 => Value::Int8(parse_integer(text, "bigint")?),
        DataType::Float4 => Value::Float4(parse_float4(text)?),
        DataType::Float8 => Value::Float8(parse_float8(text)?),
        DataType::Text | DataType::Varchar(_) | DataType::Unknown => Value::Text(Arc::from(text)),
        DataType::Vector(dimensions) => {
            let vector = parse_vector(text)?;
            check_dimensions(dimensions, vector.len())?;
            Value::Vector(Arc::from(vector))
        }
    })
}

/// C's isspace.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// Any unambiguous beginning of true, false, yes, no, on, off, or 1 or 0, in any case.
pub fn parse_bool(text: &str) -> Result<bool> {
    let word = text.trim_matches(is_space).to_ascii_lowercase();
    let begins = |name: &str| !word.is_empty() && name.starts_with(&word);
    if begins("true") || begins("yes") || word == "on" || word == "1" {
        Ok(true)
    } else if begins("false") || begins("no") || word == "of" || word == "off" || word == "0" {
        Ok(false)
    } else {
        Err(Error::invalid_text("boolean", text))
    }
}

/// A decimal integer with blanks around it; `type_name` is for the errors.
fn parse_integer<T: TryFrom<i64>>(text: &str, type_name: &str) -> Result<T> {
    let number = text.trim_start_matches(is_space);
    let (negative, digits) = match number.as_bytes().first() {
        Some(b'-') => (true, &number[1..]),
        Some(b'+') => (false, &number[1..]),
        _ => (false, number),
    };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let mut value = Some(0_i64);
    for digit in digits.bytes().take(count) {
        let digit = i64::from(digit - b'0');
        value = value.and_then(|value| value.checked_mul(10)).and_then(|value| {
            if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
        });
        if value.and_then(|value| T::try_from(value).ok()).is_none() {
            // PostgreSQL stops reading here too: what follows the digits does not matter any more.
            return Err(integer_out_of_range(text, type_name));
        }
    }
    let rest = digits[count..].trim_matches(is_space);
    match value.and_then(|value| T::try_from(value).ok()) {
        Some(value) if count > 0 && rest.is_empty() => Ok(value),
        _ => Err(Error::invalid_text(type_name, text)),
    }
}

#[cold]
fn integer_out_of_range(text: &str, type_name: &str) -> Error {
    Error::new(
        SqlState::NumericValueOutOfRange,
        format!("value \"{text}\" is out of range for type {type_name}"),
    )
}

#[cold]
fn float_out_of_range(number: &str, type_name: &str) -> Error {
    Error::new(
        SqlState::NumericValueOutOfRange,
        format!("\"{number}\" is out of range for type {type_name}"),
    )
}

/// A DOUBLE PRECISION with blanks around it.
pub fn parse_float8(text: &str) -> Result<f64> {
    let number = text.trim_matches(is_space);
    match read_number(number) {
        (Number::Special(value), length) if length == number.len() => Ok(value),
        (Number::Decimal { zero }, length) if length == number.len() => {
            let value: f64 = number.parse().map_err(|_| syntax("double precision", text))?;
            if value.is_infinite() || (value == 0.0 && !zero) {
                return Err(float_out_of_range(number, "double precision"));
            }
            Ok(value)
        }
        _ => Err(syntax("double precision", text)),
    }
}

/// A REAL with blanks around it.
pub fn parse_float4(text: &str) -> Result<f32> {
    let number = text.trim_matches(is_space);
    match read_number(number) {
        (Number::Special(value), length) if length == number.len() => Ok(value as f32),
        (Number::Decimal { zero }, length) if length == number.len() => {
            let value: f32 = number.parse().map_err(|_| syntax("real", text))?;
            if value.is_infinite() || (value == 0.0 && !zero) {
                return Err(float_out_of_range(number, "real"));
            }
            Ok(value)
        }
        _ => Err(syntax("real", text)),
    }
}

#[cold]
fn syntax(type_name: &str, text: &str) -> Error {
    Error::invalid_text(type_name, text)
}

/// What a text begins with.
enum Number {
    /// NaN or an infinity.
    Special(f64),
    /// Digits; `zero` when all of the mantissa's are 0.
    Decimal {
        /// All zero.
        zero: bool,
    },
    /// Nothing of the kind.
    None,
}

/// The number that `text` begins with, and its length in bytes, as strtod reads it (hexadecimal aside).
fn read_number(text: &str) -> (Number, usize) {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let negative = bytes.first() == Some(&b'-');
    let unsigned = &bytes[sign..];
    let begins = |name: &str| {
        unsigned.len() >= name.len() && unsigned[..name.len()].eq_ignore_ascii_case(name.as_bytes())
    };
    for (name, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if begins(name) {
            let value = if negative { -value } else { value };
            return (Number::Special(value), sign + name.len());
        }
    }
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut mantissa = whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        mantissa += fraction;
        end += 1 + fraction;
    }
    if mantissa == 0 {
        return (Number::None, 0);
    }
    let zero = bytes[sign..end].iter().all(|byte| matches!(byte, b'0' | b'.'));
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let exponent_sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + exponent_sign);
        if exponent > 0 {
            end += 1 + exponent_sign + exponent;
        }
    }
    (Number::Decimal { zero }, end)
}

/// A vector as pgvector reads it: `[1, 2.5]`.
pub fn parse_vector(text: &str) -> Result<Vec<f32>> {
    let invalid = || Error::invalid_text("vector", text);
    let Some(mut rest) = text.trim_start_matches(is_space).strip_prefix('[') else {
        return Err(invalid().with_detail("Vector contents must start with \"[\"."));
    };
    rest = rest.trim_start_matches(is_space);
    if rest.starts_with(']') {
        return Err(data_exception("vector must have at least 1 dimension"));
    }
    let mut vector = Vec::new();
    loop {
        if vector.len() == VECTOR_DIMENSIONS_MAX {
            return Err(too_many_dimensions());
        }
        rest = rest.trim_start_matches(is_space);
        let (element, length) = read_element(rest)?.ok_or_else(invalid)?;
        check_element(element)?;
        vector.push(element);
        rest = rest[length..].trim_start_matches(is_space);
        if let Some(next) = rest.strip_prefix(',') {
            rest = next;
        } else if let Some(end) = rest.strip_prefix(']') {
            rest = end;
            break;
        } else {
            return Err(invalid());
        }
    }
    if rest.trim_start_matches(is_space).is_empty() {
        Ok(vector)
    } else {
        Err(invalid().with_detail("Junk after closing right brace."))
    }
}

/// One number of a vector and its length in the text; tiny ones become 0, as with strtof.
fn read_element(text: &str) -> Result<Option<(f32, usize)>> {
    match read_number(text) {
        (Number::None, _) => Ok(None),
        (Number::Special(value), length) => Ok(Some((value as f32, length))),
        (Number::Decimal { .. }, length) => {
            let number = &text[..length];
            let value: f32 = number.parse().map_err(|_| syntax("vector", text))?;
            if value.is_infinite() {
                return Err(float_out_of_range(number, "vector"));
            }
            Ok(Some((value, length)))
        }
    }
}

/// 22000 for NaN and infinities, which no vector holds.
pub fn check_element(element: f32) -> Result<()> {
    if element.is_nan() {
        return Err(data_exception("NaN not allowed in vector"));
    }
    if element.is_infinite() {
        return Err(data_exception("infinite value not allowed in vector"));
    }
    Ok(())
}

/// 22000 when a vector has not the declared number of dimensions.
#[inline]
pub fn check_dimensions(expected: Option<u16>, dimensions: usize) -> Result<()> {
    match expected {
        Some(expected) if usize::from(expected) != dimensions => {
            Err(data_exception(&format!("expected {expected} dimensions, not {dimensions}")))
        }
        _ => Ok(()),
    }
}

/// 22001 for a text that VARCHAR(n) does not take; spaces beyond n are cut when it is stored, as in any INSERT.
#[inline]
pub fn check_length(data_type: DataType, text: &str) -> Result<()> {
    if let DataType::Varchar(Some(length)) = data_type
        && text.len() > length as usize
        && text.chars().skip(length as usize).any(|c| c != ' ')
    {
        let message = format!("value too long for type {data_type}");
        return Err(Error::new(SqlState::StringDataRightTruncation, message));
    }
    Ok(())
}

/// 54000 for a vector beyond [`VECTOR_DIMENSIONS_MAX`].
#[cold]
pub fn too_many_dimensions() -> Error {
    Error::new(
        SqlState::ProgramLimitExceeded,
        format!("vector cannot have more than {VECTOR_DIMENSIONS_MAX} dimensions"),
    )
}

#[cold]
fn data_exception(message: &str) -> Error {
    Error::new(SqlState::DataException, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(data_type: DataType, text: &str) -> String {
        match parse_value(data_type, text) {
            Ok(value) => {
                let mut out = String::new();
                crate::types::format_value(value.as_ref(), &mut out);
                out
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn integers() {
        let cases = [
            (DataType::Int4, " 12 ", "12"),
            (DataType::Int4, "+12", "12"),
            (DataType::Int4, "\x0b-12\x0c", "-12"),
            (DataType::Int4, "-2147483648", "-2147483648"),
            (DataType::Int4, "- 12", "22P02: invalid input syntax for type integer: \"- 12\""),
            (DataType::Int4, "", "22P02: invalid input syntax for type integer: \"\""),
            (DataType::Int4, "1e5", "22P02: invalid input syntax for type integer: \"1e5\""),
            (
                DataType::Int4,
                "2147483648",
                "22003: value \"2147483648\" is out of range for type integer",
            ),
            (
                DataType::Int4,
                "99999999999999999999x",
                "22003: value \"99999999999999999999x\" is out of range for type integer",
            ),
            (DataType::Int2, "40000", "22003: value \"40000\" is out of range for type smallint"),
            (DataType::Int8, "9223372036854775807", "9223372036854775807"),
            (DataType::Int8, "-9223372036854775808", "-9223372036854775808"),
            (
                DataType::Int8,
                "9223372036854775808",
                "22003: value \"9223372036854775808\" is out of range for type bigint",
            ),
        ];
        for (data_type, text, expected) in cases {
            assert_eq!(outcome(data_type, text), expected, "{text:?}");
        }
    }

    #[test]
    fn booleans() {
        for text in ["t", "tr", " TRUE ", "on", "y", "ye", "yes", "1"] {
            assert_eq!(parse_bool(text).ok(), Some(true), "{text:?}");
        }
        for text in ["f", "fals", "of", "OFF", "n", "no", "0"] {
            assert_eq!(parse_bool(text).ok(), Some(false), "{text:?}");
        }
        for text in ["o", "10", "", "truex", "  "] {
            let expected = format!("22P02: invalid input syntax for type boolean: \"{text}\"");
            assert_eq!(outcome(DataType::Bool, text), expected);
        }
    }

    #[test]
    fn floats() {
        let cases = [
            (DataType::Float8, " 1.5 ", "1.5"),
            (DataType::Float8, "1.", "1"),
            (DataType::Float8, ".5", "0.5"),
            (DataType::Float8, "-0", "-0"),
            (DataType::Float8, "-inf", "-Infinity"),
            (DataType::Float8, "+Infinity", "Infinity"),
            (DataType::Float8, "-nan", "NaN"),
            (DataType::Float8, "4.9e-324", "5e-324"),
            (DataType::Float8, "0e999", "0"),
            (DataType::Float4, "1e-45", "1e-45"),
            (
                DataType::Float8,
                "1e400",
                "22003: \"1e400\" is out of range for type double precision",
            ),
            (
                DataType::Float8,
                "2e-324",
                "22003: \"2e-324\" is out of range for type double precision",
            ),
            (
                DataType::Float4,
                "3.4028236e38",
                "22003: \"3.4028236e38\" is out of range for type real",
            ),
            (DataType::Float4, "1e-46", "22003: \"1e-46\" is out of range for type real"),
        ];
        for (data_type, text, expected) in cases {
            assert_eq!(outcome(data_type, text), expected, "{text:?}");
        }
        for text in [".", "1e", "", "  ", "infinityx", "1_0", "1 2", "e5", "+-1"] {
            let expected =
                format!("22P02: invalid input syntax for type double precision: \"{text}\"");
            assert_eq!(outcome(DataType::Float8, text), expected);
        }
    }

    #[test]
    fn vectors() {
        let invalid =
            |text: &str| format!("22P02: invalid input syntax for type vector: \"{text}\"");
        let cases = [
            (" [ 1 , 2.5 ] ", "[1,2.5]".to_owned()),
            ("[1e-50]", "[0]".to_owned()),
            ("[]", "22000: vector must have at least 1 dimension".to_owned()),
            ("[NaN]", "22000: NaN not allowed in vector".to_owned()),
            ("[-inf]", "22000: infinite value not allowed in vector".to_owned()),
            ("[1e40]", "22003: \"1e40\" is out of range for type vector".to_owned()),
            ("1,2", invalid("1,2")),
            ("[1,2", invalid("[1,2")),
            ("[1,]", invalid("[1,]")),
            ("[1] x", invalid("[1] x")),
        ];
        for (text, expected) in cases {
            assert_eq!(outcome(DataType::Vector(None), text), expected, "{text:?}");
        }
        assert_eq!(
            outcome(DataType::Vector(Some(3)), "[1,2]"),
            "22000: expected 3 dimensions, not 2"
        );
        let long = format!("[{}1]", "1,".repeat(VECTOR_DIMENSIONS_MAX));
        let expected = "54000: vector cannot have more than 16000 dimensions";
        assert_eq!(outcome(DataType::Vector(None), &long), expected);
    }
}
