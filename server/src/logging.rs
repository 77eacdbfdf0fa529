//! How the log is written: lines for people, or an object a line for a collector.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::SystemTime;

use log::Record;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Time, level, where, what
    #[default]
    Text,
    /// One JSON object a line: time, level, target, message
    Json,
}

/// The format of this name; an empty one, as of a variable, is the default.
pub(crate) fn parse_format(name: &str) -> Result<LogFormat, String> {
    match name {
        "" | "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}

/// Writes the log to standard error from now on, as `SPG_LOG` or `RUST_LOG` filters it.
pub(crate) fn start(format: LogFormat) {
    let filter = ["SPG_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|filter| !filter.is_empty()))
        .unwrap_or_else(|| "info".to_owned());
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(&filter);
    if format == LogFormat::Json {
        builder.format(|out, record| writeln!(out, "{}", json(record, SystemTime::now())));
    }
    builder.init();
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
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_object_in_one_line() {
        let record = Record::builder()
            .level(log::Level::Warn)
            .target("spg_server")
            .args(format_args!("a \"b\" \\ c\nd\u{1}é"))
            .build();
        assert_eq!(
            json(&record, SystemTime::UNIX_EPOCH),
            "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"warn\",\"target\":\"spg_server\",\
             \"message\":\"a \\\"b\\\" \\\\ c\\nd\\u0001é\"}"
        );
    }
}
