//! A statement's whole answer as plain text values, whoever answered it: the engine here, a PostgreSQL server elsewhere.

use spg_engine::session::{Rows, Session};
use spg_engine::types::format_value;
use spg_engine::{Error, Value};

/// What one statement answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Names and `pg_type` names of the columns.
    pub columns: Vec<(String, String)>,
    /// The rows; a value is PostgreSQL's text of it, None is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// The command tag, if all went well.
    pub tag: Option<String>,
    /// Severity and message of each notice.
    pub notices: Vec<(String, String)>,
    /// The error, if one ended it.
    pub failure: Option<Failure>,
}

/// The fields of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// SQLSTATE.
    pub sqlstate: String,
    /// The message.
    pub message: String,
    /// 1-based position in the statement.
    pub position: Option<u32>,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// Table concerned.
    pub table: Option<String>,
    /// Column concerned.
    pub column: Option<String>,
    /// Constraint concerned.
    pub constraint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let fields = error.fields();
        Self {
            sqlstate: fields.sqlstate.code().to_owned(),
            message: fields.message.clone(),
            position: fields.position.map(|position| position.0),
            detail: fields.detail.clone(),
            hint: fields.hint.clone(),
            table: fields.table.clone(),
            column: fields.column.clone(),
            constraint: fields.constraint.clone(),
        }
    }
}

/// Runs one statement in the engine.
pub fn run(session: &mut Session, sql: &str) -> Answer {
    let mut sink = Rows::default();
    let result = session.execute(sql, &[], &mut sink);
    let notice =
        |notice: &spg_engine::session::Notice| (notice.severity.to_owned(), notice.message.clone());
    let mut answer =
        Answer { notices: sink.notices.iter().map(notice).collect(), ..Answer::default() };
    match result {
        Ok(tag) => {
            let name = |column: &spg_engine::binder::bound::OutputColumn| {
                (column.name.to_string(), column.data_type.pg_name().to_owned())
            };
            answer.columns = sink.columns.iter().map(name).collect();
            answer.rows = sink.rows.iter().map(|row| row.iter().map(text_of).collect()).collect();
            answer.tag = Some(tag.to_string());
        }
        Err(error) => answer.failure = Some(Failure::from(&error)),
    }
    answer
}

impl Answer {
    /// The lines a golden script holds.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .notices
            .iter()
            .map(|(severity, message)| format!("{severity}: {message}"))
            .collect();
        if let Some(failure) = &self.failure {
            failure.write(&mut lines);
            return lines;
        }
        if !self.columns.is_empty() {
            let names = self.columns.iter().map(|(name, data_type)| format!("{name}:{data_type}"));
            lines.push(names.collect::<Vec<_>>().join(" | "));
            lines.extend(self.rows.iter().map(|row| self.row_line(row)));
        }
        lines.extend(self.tag.clone());
        lines
    }

    /// One row: text in quotes, NULL bare.
    pub fn row_line(&self, row: &[Option<String>]) -> String {
        let values = row.iter().zip(&self.columns).map(|(value, (_, data_type))| match value {
            None => "NULL".to_owned(),
            Some(text) if data_type == "text" || data_type == "varchar" => {
                format!("'{}'", text.replace('\'', "''").replace('\n', "\\n"))
            }
            Some(text) => text.clone(),
        });
        values.collect::<Vec<_>>().join(" | ")
    }
}

impl Failure {
    fn write(&self, lines: &mut Vec<String>) {
        let place = self.position.map_or_else(String::new, |position| format!(" at {position}"));
        lines.push(format!("error {}{place}: {}", self.sqlstate, self.message));
        let fields = [
            ("detail", &self.detail),
            ("hint", &self.hint),
            ("table", &self.table),
            ("column", &self.column),
            ("constraint", &self.constraint),
        ];
        for (name, field) in fields {
            lines.extend(field.iter().map(|text| format!("{name}: {}", text.replace('\n', "\\n"))));
        }
    }
}

/// PostgreSQL's text of a value, None for NULL.
pub fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
        Value::Int2(value) => value.to_string(),
        Value::Int4(value) => value.to_string(),
        Value::Int8(value) => value.to_string(),
        Value::Float4(value) => float_text(&format!("{value:e}"), 6),
        Value::Float8(value) => float_text(&format!("{value:e}"), 15),
        Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Interval(_) => {
            let mut text = String::new();
            format_value(value.as_ref(), &mut text);
            text
        }
        Value::Text(value) => value.to_string(),
        Value::Vector(values) => {
            let texts = values.iter().map(|value| float_text(&format!("{value:e}"), 6));
            format!("[{}]", texts.collect::<Vec<_>>().join(","))
        }
    })
}

/// Rust's shortest `1.25e-7` as PostgreSQL writes it: an exponent of two digits below 1e-4 and from `10^digits` on.
fn float_text(scientific: &str, digits: i32) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return match scientific {
            "inf" => "Infinity".to_owned(),
            "-inf" => "-Infinity".to_owned(),
            other => other.to_owned(),
        };
    };
    let exponent: i32 = exponent.parse().expect("Rust writes an integer exponent");
    if exponent < -4 || exponent >= digits {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if exponent < 0 {
        return format!("{sign}0.{}{all}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if all.len() <= whole {
        return format!("{sign}{all}{}", "0".repeat(whole - all.len()));
    }
    format!("{sign}{}.{}", &all[..whole], &all[whole..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_in_postgresql() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-34.84, "-34.84"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1.5e-4, "0.00015"),
            (1.5e-5, "1.5e-05"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            assert_eq!(text_of(&Value::Float8(value)).as_deref(), Some(expected));
        }
        assert_eq!(text_of(&Value::Float4(1e6)).as_deref(), Some("1e+06"));
        assert_eq!(text_of(&Value::Float4(100_000.5)).as_deref(), Some("100000.5"));
    }
}
