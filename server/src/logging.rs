//! How the log is written: lines for people, or an object a line for a collector.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::SystemTime;

use log::Record;

use crate::command_line::{LogFormat, LogLevels};

/// Writes the log to standard error from now on: of `levels`, else of what `RUST_LOG` says.
pub(crate) fn start(levels: &LogLevels, format: LogFormat) {
    let general = || std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = levels.0.clone().or_else(general);
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(filter.as_deref().unwrap_or("info"));
    let line = match format {
        LogFormat::Text => text,
        LogFormat::Json => json,
    };
    builder.format(move |out, record| writeln!(out, "{}", line(record, SystemTime::now())));
    builder.init();
}

fn text(record: &Record<'_>, time: SystemTime) -> String {
    let time = humantime::format_rfc3339_millis(time);
    let mut line = format!("[{time} {:<5} {}] ", record.level(), record.target());
    for character in record.args().to_string().chars() {
        match character {
            '\n' => line.push_str("\\n"),
            other => escape_control(other, &mut line),
        }
    }
    line
}

fn json(record: &Record<'_>, time: SystemTime) -> String {
    let mut line = format!(
        "{{\"time\":\"{}\",\"level\":\"{}\",\"target\":\"",
        humantime::format_rfc3339_micros(time),
        record.level().as_str().to_ascii_lowercase()
    );
    escape(record.target(), &mut line);
    line.push_str("\",\"message\":\"");
    escape(&record.args().to_string(), &mut line);
    line.push_str("\"}");
    line
}

/// What a JSON string may not have as it is.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => escape_control(other, out),
        }
    }
}

fn escape_control(character: char, out: &mut String) {
    if character.is_control() {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\u{:04x}", character as u32);
    } else {
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let record = Record::builder()
            .level(log::Level::Warn)
            .target("spg_server")
            .args(format_args!("a \"b\" \\ c\nd\u{1}é"))
            .build();
        assert_eq!(
            text(&record, SystemTime::UNIX_EPOCH),
            "[1970-01-01T00:00:00.000Z WARN  spg_server] a \"b\" \\ c\\nd\\u0001é"
        );
        assert_eq!(
            json(&record, SystemTime::UNIX_EPOCH),
            "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"warn\",\"target\":\"spg_server\",\
             \"message\":\"a \\\"b\\\" \\\\ c\\nd\\u0001é\"}"
        );
    }
}
