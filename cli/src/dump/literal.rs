//! Values as SQL that means them again, here and in PostgreSQL.

use spg_engine::ValueRef;
use spg_engine::types::format_value;

/// Appends a value. What stands bare is a number, NULL, true or false; all else is quoted.
pub(super) fn write_literal(value: ValueRef<'_>, out: &mut String) {
    match value {
        ValueRef::Null => out.push_str("NULL"),
        ValueRef::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        ValueRef::Int2(_) | ValueRef::Int4(_) | ValueRef::Int8(_) => {
            format_value(value, out);
        }
        ValueRef::Float4(number) if is_bare(number.into()) => format_value(value, out),
        ValueRef::Float8(number) if is_bare(number) => format_value(value, out),
        _ => {
            let mut text = String::new();
            format_value(value, &mut text);
            write_quoted(&text, out);
        }
    }
}

/// Whether a number means itself without quotes: `-0` is the integer 0.
fn is_bare(number: f64) -> bool {
    number.is_finite() && (number != 0.0 || number.is_sign_positive())
}

/// Appends a text in quotes.
pub(super) fn write_quoted(text: &str, out: &mut String) {
    out.push('\'');
    let mut pieces = text.split('\'');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.push_str("''");
        out.push_str(piece);
    }
    out.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_sql() {
        for (value, expected) in [
            (ValueRef::Null, "NULL"),
            (ValueRef::Bool(true), "true"),
            (ValueRef::Int8(i64::MIN), "-9223372036854775808"),
            (ValueRef::Float8(0.1), "0.1"),
            (ValueRef::Float8(0.0), "0"),
            (ValueRef::Float8(-0.0), "'-0'"),
            (ValueRef::Float4(-0.0), "'-0'"),
            (ValueRef::Float8(f64::NAN), "'NaN'"),
            (ValueRef::Float4(f32::NEG_INFINITY), "'-Infinity'"),
            (ValueRef::Text(""), "''"),
            (ValueRef::Text("it's\n'\\"), "'it''s\n''\\'"),
        ] {
            let mut text = String::new();
            write_literal(value, &mut text);
            assert_eq!(text, expected);
        }
    }
}
