//! Values to text, byte for byte as PostgreSQL's output functions write them.

use std::fmt::Write;

use crate::types::ValueRef;
use crate::types::datetime::{
    Zone, format_date, format_interval, format_time, format_timestamp, format_timestamptz,
};

/// Appends what the type's output function writes: BOOL as `t` or `f`; TIMESTAMPTZ in UTC; nothing for NULL.
pub fn format_value(value: ValueRef<'_>, out: &mut String) {
    match value {
        ValueRef::Null => {}
        ValueRef::Bool(value) => out.push(if value { 't' } else { 'f' }),
        ValueRef::Int2(value) => format_integer(value.into(), out),
        ValueRef::Int4(value) => format_integer(value.into(), out),
        ValueRef::Int8(value) => format_integer(value, out),
        ValueRef::Float4(value) => format_float4(value, out),
        ValueRef::Float8(value) => format_float8(value, out),
        ValueRef::Date(value) => format_date(value, out),
        ValueRef::Time(value) => format_time(value, out),
        ValueRef::Timestamp(value) => format_timestamp(value, out),
        ValueRef::TimestampTz(value) => format_timestamptz(value, &Zone::utc(), out),
        ValueRef::Interval(value) => format_interval(value, out),
        ValueRef::Text(value) => out.push_str(value),
        ValueRef::Vector(value) => format_vector(value, out),
    }
}

/// Appends what a cast to text yields: as [`format_value`], but BOOL as `true` or `false`, and TIMESTAMPTZ in `zone`.
pub fn cast_to_text(value: ValueRef<'_>, zone: Option<&Zone>, out: &mut String) {
    match (value, zone) {
        (ValueRef::TimestampTz(value), Some(zone)) => format_timestamptz(value, zone, out),
        _ => cast_to_text_in_utc(value, out),
    }
}

fn cast_to_text_in_utc(value: ValueRef<'_>, out: &mut String) {
    match value {
        ValueRef::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        other => format_value(other, out),
    }
}

fn format_integer(value: i64, out: &mut String) {
    write!(out, "{value}").expect("writing to a String cannot fail");
}

/// Appends a DOUBLE PRECISION: the shortest digits that read back as the same number.
pub fn format_float8(value: f64, out: &mut String) {
    if let Some(name) = special_name(value) {
        return out.push_str(name);
    }
    let mut digits = format!("{value:e}");
    if on_boundary(&digits, 53, is_power_of_two(value), value) {
        digits = beyond_boundary(&digits, 17, |precision| format!("{value:.precision$e}"));
    }
    place_digits(&digits, 15, out);
}

/// Appends a REAL: the shortest digits that read back as the same number.
pub fn format_float4(value: f32, out: &mut String) {
    let wide = f64::from(value);
    if let Some(name) = special_name(wide) {
        return out.push_str(name);
    }
    let mut digits = format!("{value:e}");
    if on_boundary(&digits, 24, is_power_of_two(wide), wide) {
        digits = beyond_boundary(&digits, 9, |precision| format!("{value:.precision$e}"));
    }
    place_digits(&digits, 6, out);
}

/// Appends a VECTOR as pgvector does: `[1,2.5]`.
pub fn format_vector(vector: &[f32], out: &mut String) {
    out.push('[');
    for (place, &element) in vector.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        format_float4(element, out);
    }
    out.push(']');
}

fn special_name(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        return Some("NaN");
    }
    if value.is_infinite() {
        return Some(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if value == 0.0 {
        return Some(if value.is_sign_negative() { "-0" } else { "0" });
    }
    None
}

fn is_power_of_two(value: f64) -> bool {
    value.to_bits().trailing_zeros() >= 52
}

/// Splits `-d.ddde-n` into sign, digits and exponent.
fn split_scientific(text: &str) -> (bool, String, i32) {
    let (mantissa, exponent) = text.split_once('e').expect("{:e} writes an exponent");
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    (mantissa.starts_with('-'), digits, exponent.parse().expect("{:e} writes a number"))
}

/// Whether these digits lie exactly halfway between the number and its neighbour. They read back by the
/// ties-to-even rule, which PostgreSQL's printing does not count on: it writes 1e23 as 9.999999999999999e+22.
fn on_boundary(text: &str, mantissa_bits: u32, power_of_two: bool, value: f64) -> bool {
    let (_, digits, exponent) = split_scientific(text);
    let exponent = exponent - (digits.len() as i32 - 1);
    // Beyond these, five's power alone has more bits than a midpoint, or divides no number of 17 digits.
    if !(-24..=23).contains(&exponent) {
        return false;
    }
    let mut integer: u128 = digits.parse().expect("at most 17 digits");
    let fives = 5_u128.pow(exponent.unsigned_abs());
    if exponent >= 0 {
        integer *= fives;
    } else if integer.is_multiple_of(fives) {
        integer /= fives;
    } else {
        return false;
    }
    let odd = integer >> integer.trailing_zeros();
    let bits = u128::BITS - odd.leading_zeros();
    let below = || text.parse::<f64>().is_ok_and(|read| read.abs() <= value.abs());
    bits == mantissa_bits + 1 || (power_of_two && bits == mantissa_bits + 2 && below())
}

/// The fewest digits that differ from the boundary `text`.
fn beyond_boundary(text: &str, digits_max: usize, print: impl Fn(usize) -> String) -> String {
    let significant = |text: &str| {
        let (_, digits, exponent) = split_scientific(text);
        (digits.trim_end_matches('0').to_owned(), exponent)
    };
    let boundary = significant(text);
    let longer = (boundary.0.len()..digits_max).map(print);
    longer.into_iter().find(|longer| significant(longer) != boundary).unwrap_or(text.to_owned())
}

/// Writes the digits plainly, or with an exponent of at least two digits below 1e-4 and from 10^`plain_below` on.
fn place_digits(text: &str, plain_below: i32, out: &mut String) {
    let (negative, digits, exponent) = split_scientific(text);
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        significant => significant,
    };
    if negative {
        out.push('-');
    }
    if exponent < -4 || exponent >= plain_below {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "e{sign}{:02}", exponent.abs()).expect("writing to a String cannot fail");
    } else if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.push_str(digits);
            out.extend(std::iter::repeat_n('0', whole - digits.len()));
        } else {
            out.push_str(&digits[..whole]);
            out.push('.');
            out.push_str(&digits[whole..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float8_as_postgresql_writes_it() {
        let cases = [
            (1e15, "1e+15"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e14, "100000000000000"),
            (100_000.0, "100000"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e20, "1e+20"),
            (-1.5e300, "-1.5e+300"),
            (-0.0, "-0"),
            (1e22, "1e+22"),
            (1e23, "9.999999999999999e+22"),
            (-1e23, "-9.999999999999999e+22"),
            (123_456.789, "123456.789"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_993.0, "9.007199254740992e+15"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::from(0.1_f32), "0.10000000149011612"),
        ];
        for (value, expected) in cases {
            let mut out = String::new();
            format_float8(value, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn float4_as_postgresql_writes_it() {
        let cases = [
            (1e6, "1e+06"),
            (1e5, "100000"),
            (1_234_567.0, "1.234567e+06"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (3.402_823_5e38, "3.4028235e+38"),
            (1e-45, "1e-45"),
            (16_777_216.0, "1.6777216e+07"),
            (9.223_372e18, "9.223372e+18"),
            (123_456.79, "123456.79"),
        ];
        for (value, expected) in cases {
            let mut out = String::new();
            format_float4(value, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn other_types() {
        let cases = [
            (ValueRef::Bool(true), "t", "true"),
            (ValueRef::Bool(false), "f", "false"),
            (ValueRef::Int2(-7), "-7", "-7"),
            (ValueRef::Int8(i64::MIN), "-9223372036854775808", "-9223372036854775808"),
            (ValueRef::Text("é"), "é", "é"),
            (ValueRef::Vector(&[1.0, 2.5, 1e-7]), "[1,2.5,1e-07]", "[1,2.5,1e-07]"),
            (ValueRef::Null, "", ""),
        ];
        for (value, output, cast) in cases {
            let mut out = String::new();
            format_value(value, &mut out);
            assert_eq!(out, output);
            out.clear();
            cast_to_text(value, None, &mut out);
            assert_eq!(out, cast);
        }
    }
}
