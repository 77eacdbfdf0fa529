//! One statement's answer as a JSON object: `tag`, `columns`, `types` and `rows`, or `error`.
//!
//! The tag stands first and is known last, so the rows' text waits in a spool.

use std::io::{self, Write};

use spg_engine::binder::bound::OutputColumn;
use spg_engine::storage::batch::Batch;
use spg_engine::types::format_value;
use spg_engine::{Result, ValueRef};
use spg_wire::ErrorFields;

use crate::format::spool::Spool;

/// The answer to one statement, as it comes in.
#[derive(Debug, Default)]
pub(super) struct Answer {
    names: Vec<u8>,
    types: Vec<u8>,
    rows: Spool,
}

impl Answer {
    pub(super) fn columns(&mut self, columns: &[OutputColumn]) {
        for column in columns {
            if !self.names.is_empty() {
                self.names.push(b',');
                self.types.push(b',');
            }
            push_string(&mut self.names, &column.name);
            push_string(&mut self.types, column.data_type.pg_name());
        }
    }

    pub(super) fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        for place in 0..batch.len() {
            let start: &[u8] = if self.rows.is_empty() { b"[" } else { b",[" };
            let out = self.rows.end();
            out.extend_from_slice(start);
            for column in 0..batch.columns.len() {
                if column > 0 {
                    out.push(b',');
                }
                push_value(out, batch.value(column, place));
            }
            out.push(b']');
            self.rows.settle()?;
        }
        Ok(())
    }

    /// Writes the object, without a line end.
    pub(super) fn write(mut self, tag: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut start = b"{\"tag\":".to_vec();
        push_string(&mut start, tag);
        start.extend_from_slice(b",\"columns\":[");
        start.extend_from_slice(&self.names);
        start.extend_from_slice(b"],\"types\":[");
        start.extend_from_slice(&self.types);
        start.extend_from_slice(b"],\"rows\":[");
        out.write_all(&start)?;
        io::copy(&mut self.rows.read()?, out)?;
        out.write_all(b"]}")
    }
}

/// Writes the object of a failed statement, without a line end.
pub(super) fn write_error(fields: &ErrorFields, out: &mut dyn Write) -> io::Result<()> {
    let mut text = b"{\"error\":{\"sqlstate\":".to_vec();
    push_string(&mut text, fields.code());
    text.extend_from_slice(b",\"message\":");
    push_string(&mut text, &fields.message);
    if let Some(position) = fields.position {
        text.extend_from_slice(format!(",\"position\":{position}").as_bytes());
    }
    for (key, value) in [
        ("detail", &fields.detail),
        ("hint", &fields.hint),
        ("schema", &fields.schema),
        ("table", &fields.table),
        ("column", &fields.column),
        ("constraint", &fields.constraint),
    ] {
        if let Some(value) = value {
            text.extend_from_slice(format!(",\"{key}\":").as_bytes());
            push_string(&mut text, value);
        }
    }
    text.extend_from_slice(b"}}");
    out.write_all(&text)
}

fn push_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Int2(value) => push_integer(out, value.into()),
        ValueRef::Int4(value) => push_integer(out, value.into()),
        ValueRef::Int8(value) => push_integer(out, value),
        ValueRef::Float4(value) => push_float4(out, value),
        ValueRef::Float8(value) if value.is_finite() => {
            serde_json::to_writer(out, &value).expect(IN_MEMORY);
        }
        ValueRef::Float8(value) => push_special(out, value),
        ValueRef::Date(_) | ValueRef::Time(_) | ValueRef::Interval(_) => {
            let mut text = String::new();
            format_value(value, &mut text);
            push_string(out, &text);
        }
        ValueRef::Timestamp(_) | ValueRef::TimestampTz(_) => push_string(out, &iso(value)),
        ValueRef::Text(value) => push_string(out, value),
        ValueRef::Vector(elements) => {
            out.push(b'[');
            for (place, &element) in elements.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                push_float4(out, element);
            }
            out.push(b']');
        }
    }
}

/// ISO 8601, as PostgreSQL has timestamps in JSON: `2024-01-31T10:11:12.5+00:00`.
fn iso(timestamp: ValueRef<'_>) -> String {
    let mut text = String::new();
    format_value(timestamp, &mut text);
    if let Some(hours) = text.strip_suffix("+00").map(str::len) {
        text.truncate(hours);
        text.push_str("+00:00");
    }
    text.replacen(' ', "T", 1)
}

/// Why writing cannot fail here.
const IN_MEMORY: &str = "writing a plain value to memory cannot fail";

fn push_integer(out: &mut Vec<u8>, value: i64) {
    serde_json::to_writer(out, &value).expect(IN_MEMORY);
}

fn push_float4(out: &mut Vec<u8>, value: f32) {
    if value.is_finite() {
        serde_json::to_writer(out, &value).expect(IN_MEMORY);
    } else {
        push_special(out, value.into());
    }
}

/// JSON has no such numbers: PostgreSQL's words for them as strings.
fn push_special(out: &mut Vec<u8>, value: f64) {
    let word: &[u8] = match value {
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        _ => b"\"NaN\"",
    };
    out.extend_from_slice(word);
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect(IN_MEMORY);
}

#[cfg(test)]
mod tests {
    use super::*;
    use spg_engine::types::datetime::{Date, Timestamp, TimestampTz};

    #[test]
    fn values_as_json() {
        let cases: [(ValueRef<'_>, &str); 27] = [
            (ValueRef::Null, "null"),
            (ValueRef::Bool(true), "true"),
            (ValueRef::Bool(false), "false"),
            (ValueRef::Int2(-1), "-1"),
            (ValueRef::Int4(i32::MIN), "-2147483648"),
            (ValueRef::Int8(i64::MAX), "9223372036854775807"),
            (ValueRef::Float4(0.1), "0.1"),
            (ValueRef::Float4(f32::NAN), "\"NaN\""),
            (ValueRef::Date(Date(-1)), "\"1999-12-31\""),
            (ValueRef::Timestamp(Timestamp(1_500_000)), "\"2000-01-01T00:00:01.5\""),
            (ValueRef::TimestampTz(TimestampTz(0)), "\"2000-01-01T00:00:00+00:00\""),
            (ValueRef::TimestampTz(TimestampTz(i64::MAX)), "\"infinity\""),
            (ValueRef::Float8(0.1), "0.1"),
            (ValueRef::Float8(1.0), "1.0"),
            (ValueRef::Float8(-0.0), "-0.0"),
            (ValueRef::Float8(1e300), "1e+300"),
            (ValueRef::Float8(5e-324), "5e-324"),
            (ValueRef::Float8(f64::NAN), "\"NaN\""),
            (ValueRef::Float8(f64::INFINITY), "\"Infinity\""),
            (ValueRef::Float8(f64::NEG_INFINITY), "\"-Infinity\""),
            (ValueRef::Text(""), "\"\""),
            (ValueRef::Text("a\"b\\c"), r#""a\"b\\c""#),
            (ValueRef::Text("\n\r\t\u{1}\u{7f}"), "\"\\n\\r\\t\\u0001\u{7f}\""),
            (ValueRef::Text("é漢🙂"), "\"é漢🙂\""),
            (ValueRef::Vector(&[1.0, -2.5]), "[1.0,-2.5]"),
            (ValueRef::Vector(&[0.1]), "[0.1]"),
            (ValueRef::Vector(&[]), "[]"),
        ];
        for (value, expected) in cases {
            let mut text = Vec::new();
            push_value(&mut text, value);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }
}
