//! Every setting with its type, its default and what of it is honoured. A value that would not be honoured is refused.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::parser::ast::IsolationLevel;
use crate::session::settings::{Values, value};
use crate::types::Position;
use crate::types::datetime::Zone;

/// One setting.
pub(in crate::session) struct Definition {
    /// Its name as SHOW spells it; found in any case.
    pub(in crate::session) name: &'static str,
    /// What SHOW ALL says about it.
    pub(in crate::session) description: &'static str,
    kind: Kind,
}

/// How a setting is kept and which values it takes.
enum Kind {
    /// Milliseconds; 0 is none.
    Duration(fn(&mut Values) -> &mut u64),
    /// Milliseconds; -1 is none.
    DurationOrNone(fn(&mut Values) -> &mut i64),
    /// Bytes.
    Bytes(fn(&mut Values) -> &mut u64),
    /// A boolean.
    Bool(fn(&mut Values) -> &mut bool),
    /// Any text.
    Text(fn(&mut Values) -> &mut Arc<str>),
    /// One of [`MESSAGE_LEVELS`].
    MessageLevel,
    /// `extra_float_digits`: PostgreSQL prints shortest digits for 1 to 3, which is what is done here always.
    FloatDigits,
    /// A time zone.
    TimeZone,
    /// A transaction isolation level.
    Isolation(fn(&mut Values) -> &mut IsolationLevel),
    /// Shown as the first; accepted in each of these spellings, any case.
    Fixed(&'static [&'static str]),
    /// Shown, never set.
    Preset(&'static str),
}

/// `client_min_messages` in rising order.
pub(super) const MESSAGE_LEVELS: [&str; 9] =
    ["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];

/// `notice` in [`MESSAGE_LEVELS`].
pub(super) const MESSAGE_LEVEL_NOTICE: usize = 6;

/// Place of a notice's severity in [`MESSAGE_LEVELS`].
pub(super) fn message_rank(severity: &str) -> usize {
    MESSAGE_LEVELS
        .iter()
        .position(|level| level.eq_ignore_ascii_case(severity))
        .unwrap_or(MESSAGE_LEVEL_NOTICE)
}

const DEFINITIONS: &[Definition] = &[
    define(
        "application_name",
        "Sets the application name to be reported in statistics and logs.",
        Kind::Text(|values| &mut values.application_name),
    ),
    define("bytea_output", "Sets the output format for bytea.", Kind::Fixed(&["hex"])),
    define(
        "client_encoding",
        "Sets the client's character set encoding.",
        Kind::Fixed(&["UTF8", "UTF-8", "unicode"]),
    ),
    define(
        "client_min_messages",
        "Sets the message levels that are sent to the client.",
        Kind::MessageLevel,
    ),
    define(
        "DateStyle",
        "Sets the display format for date and time values.",
        Kind::Fixed(&["ISO, MDY", "ISO", "MDY", "ISO,MDY"]),
    ),
    define(
        "default_transaction_deferrable",
        "Sets the default deferrable status of new transactions.",
        Kind::Bool(|values| &mut values.default_deferrable),
    ),
    define(
        "default_transaction_isolation",
        "Sets the transaction isolation level of each new transaction.",
        Kind::Isolation(|values| &mut values.default_isolation),
    ),
    define(
        "default_transaction_read_only",
        "Sets the default read-only status of new transactions.",
        Kind::Bool(|values| &mut values.default_read_only),
    ),
    define(
        "extra_float_digits",
        "Sets the number of digits displayed for floating-point values.",
        Kind::FloatDigits,
    ),
    define(
        "idle_in_transaction_session_timeout",
        "Sets the maximum allowed idle time between queries, when in a transaction.",
        Kind::Duration(|values| &mut values.idle_in_transaction_timeout_ms),
    ),
    define("integer_datetimes", "Shows whether datetimes are integer based.", Kind::Preset("on")),
    define(
        "IntervalStyle",
        "Sets the display format for interval values.",
        Kind::Fixed(&["postgres"]),
    ),
    define("lc_collate", "Shows the collation order locale.", Kind::Preset("C")),
    define(
        "lc_ctype",
        "Shows the character classification and case conversion locale.",
        Kind::Preset("C"),
    ),
    define(
        "lock_timeout",
        "Sets the maximum allowed duration of any wait for a lock.",
        Kind::Duration(|values| &mut values.lock_timeout_ms),
    ),
    define(
        "log_min_duration_statement",
        "Sets the minimum execution time above which all statements will be logged.",
        Kind::DurationOrNone(|values| &mut values.log_min_duration_ms),
    ),
    define("max_identifier_length", "Shows the maximum identifier length.", Kind::Preset("63")),
    define(
        "max_snapshot_age",
        "Sets the maximum allowed time that a transaction or statement keeps a version of the data.",
        Kind::Duration(|values| &mut values.max_snapshot_age_ms),
    ),
    define(
        "search_path",
        "Sets the schema search order for names that are not schema-qualified.",
        Kind::Fixed(&["public", "$user, public", "\"$user\", public", "\"$user\",public"]),
    ),
    define(
        "server_encoding",
        "Shows the server (database) character set encoding.",
        Kind::Preset("UTF8"),
    ),
    define(
        "server_version",
        "Shows the server version.",
        Kind::Preset(concat!("15.0 (SPG ", env!("CARGO_PKG_VERSION"), ")")),
    ),
    define("server_version_num", "Shows the server version as an integer.", Kind::Preset("150000")),
    define(
        "spg.statement_memory",
        "Sets the memory that one statement may use.",
        Kind::Bytes(|values| &mut values.statement_memory_bytes),
    ),
    define(
        "standard_conforming_strings",
        "Causes '...' strings to treat backslashes literally.",
        Kind::Fixed(&["on", "true", "yes", "1"]),
    ),
    define(
        "statement_timeout",
        "Sets the maximum allowed duration of any statement.",
        Kind::Duration(|values| &mut values.statement_timeout_ms),
    ),
    define(
        "synchronous_commit",
        "Sets whether a commit is acknowledged only once it is durable.",
        Kind::Bool(|values| &mut values.synchronous_commit),
    ),
    define(
        "TimeZone",
        "Sets the time zone for displaying and interpreting time stamps.",
        Kind::TimeZone,
    ),
    define(
        "transaction_timeout",
        "Sets the maximum allowed duration of any transaction.",
        Kind::Duration(|values| &mut values.transaction_timeout_ms),
    ),
];

const fn define(name: &'static str, description: &'static str, kind: Kind) -> Definition {
    Definition { name, description, kind }
}

/// The setting of this name, in any case.
pub(in crate::session) fn find(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.name.eq_ignore_ascii_case(name))
}

/// All settings in SHOW ALL's order.
pub(in crate::session) fn visible() -> impl Iterator<Item = &'static Definition> {
    DEFINITIONS.iter()
}

impl Definition {
    /// Sets it from the words as written, or without them to what it is in `defaults`.
    pub(super) fn set(
        &self,
        values: &mut Values,
        words: Option<&[String]>,
        defaults: &Values,
    ) -> Result<()> {
        let Some(words) = words else { return self.reset(values, defaults) };
        let word = match words {
            [word] => word,
            _ if matches!(self.kind, Kind::Fixed(_)) => &words.join(", "),
            _ => {
                return Err(Error::new(
                    SqlState::InvalidParameterValue,
                    format!("SET {} takes only one argument", self.name),
                ));
            }
        };
        match &self.kind {
            Kind::Duration(field) => *field(values) = value::milliseconds(self.name, word)?,
            Kind::DurationOrNone(field) => {
                let is_none = word.trim() == "-1";
                *field(values) = match value::milliseconds(self.name, word) {
                    _ if is_none => -1,
                    milliseconds => milliseconds? as i64,
                };
            }
            Kind::Bytes(field) => *field(values) = value::bytes(self.name, word)?,
            Kind::Bool(field) => *field(values) = value::boolean(self.name, word)?,
            Kind::Text(field) => *field(values) = Arc::from(word.as_str()),
            Kind::MessageLevel => {
                let word = if word.eq_ignore_ascii_case("debug") { "debug2" } else { word };
                values.message_level = MESSAGE_LEVELS
                    .iter()
                    .position(|level| level.eq_ignore_ascii_case(word))
                    .ok_or_else(|| {
                        value::invalid(self.name, word)
                            .with_hint(format!("Available values: {}.", MESSAGE_LEVELS.join(", ")))
                    })?;
            }
            Kind::FloatDigits => {
                let digits = value::integer(self.name, word, -15, 3)?;
                if digits < 1 {
                    return Err(not_honoured(self.name, word));
                }
                values.extra_float_digits = digits;
            }
            Kind::Fixed(accepted) => {
                if !accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(word)) {
                    return Err(not_honoured(self.name, word));
                }
            }
            Kind::TimeZone => {
                values.time_zone =
                    Zone::find(word).ok_or_else(|| value::invalid(self.name, word))?;
            }
            Kind::Isolation(field) => *field(values) = value::isolation(self.name, word)?,
            Kind::Preset(_) => return Err(cannot_be_changed(self.name)),
        }
        Ok(())
    }

    fn reset(&self, values: &mut Values, defaults: &Values) -> Result<()> {
        // The accessors borrow mutably for SET's sake.
        let mut defaults = defaults.clone();
        match &self.kind {
            Kind::Duration(field) | Kind::Bytes(field) => {
                *field(values) = *field(&mut defaults);
            }
            Kind::Bool(field) => *field(values) = *field(&mut defaults),
            Kind::Text(field) => *field(values) = Arc::clone(field(&mut defaults)),
            Kind::DurationOrNone(field) => *field(values) = *field(&mut defaults),
            Kind::MessageLevel => values.message_level = defaults.message_level,
            Kind::FloatDigits => values.extra_float_digits = defaults.extra_float_digits,
            Kind::TimeZone => values.time_zone = defaults.time_zone,
            Kind::Isolation(field) => *field(values) = *field(&mut defaults),
            Kind::Fixed(_) => {}
            Kind::Preset(_) => return Err(cannot_be_changed(self.name)),
        }
        Ok(())
    }

    /// The value as SHOW prints it.
    pub(in crate::session) fn show(&self, values: &Values) -> String {
        // The accessors borrow mutably for SET's sake; SHOW reads a copy.
        let mut values = values.clone();
        match &self.kind {
            Kind::Duration(field) => value::show_milliseconds(*field(&mut values)),
            Kind::DurationOrNone(field) => match u64::try_from(*field(&mut values)) {
                Ok(milliseconds) => value::show_milliseconds(milliseconds),
                Err(_) => "-1".to_owned(),
            },
            Kind::Bytes(field) => field(&mut values).to_string(),
            Kind::Bool(field) => if *field(&mut values) { "on" } else { "off" }.to_owned(),
            Kind::Text(field) => field(&mut values).to_string(),
            Kind::MessageLevel => MESSAGE_LEVELS[values.message_level].to_owned(),
            Kind::FloatDigits => values.extra_float_digits.to_string(),
            Kind::TimeZone => values.time_zone.name().to_string(),
            Kind::Isolation(field) => value::show_isolation(*field(&mut values)).to_owned(),
            Kind::Fixed(accepted) => accepted[0].to_owned(),
            Kind::Preset(shown) => (*shown).to_owned(),
        }
    }
}

impl Definition {
    /// Whether it cannot be set.
    pub(in crate::session) fn is_preset(&self) -> bool {
        matches!(self.kind, Kind::Preset(_))
    }
}

fn not_honoured(name: &str, word: &str) -> Error {
    Error::not_supported(&format!("setting parameter \"{name}\" to \"{word}\""), Position::UNKNOWN)
}

fn cannot_be_changed(name: &str) -> Error {
    Error::new(
        SqlState::CantChangeRuntimeParameter,
        format!("parameter \"{name}\" cannot be changed"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found_in_any_case() {
        let names: Vec<String> =
            DEFINITIONS.iter().map(|definition| definition.name.to_lowercase()).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(find("timezone").map(|definition| definition.name), Some("TimeZone"));
        assert!(find("time_zone").is_none());
    }

    #[test]
    fn only_what_is_honoured_is_accepted() {
        let refused = [
            ("client_encoding", "LATIN1", SqlState::FeatureNotSupported),
            ("default_transaction_isolation", "chaos", SqlState::InvalidParameterValue),
            ("search_path", "private", SqlState::FeatureNotSupported),
            ("extra_float_digits", "0", SqlState::FeatureNotSupported),
            ("extra_float_digits", "4", SqlState::InvalidParameterValue),
            ("client_min_messages", "loud", SqlState::InvalidParameterValue),
            ("default_transaction_read_only", "maybe", SqlState::InvalidParameterValue),
            ("server_version", "16", SqlState::CantChangeRuntimeParameter),
            ("lock_timeout", "-1", SqlState::InvalidParameterValue),
            ("spg.statement_memory", "4GB", SqlState::InvalidParameterValue),
        ];
        for (name, word, sqlstate) in refused {
            let mut values = Values::default();
            let definition = find(name).unwrap();
            let words = [word.to_owned()];
            let error = definition.set(&mut values, Some(&words), &Values::default()).unwrap_err();
            assert_eq!(error.sqlstate(), sqlstate, "{name} {word}: {error}");
            assert_eq!(values, Values::default(), "{name} {word}");
        }
        let accepted = [
            ("client_encoding", "utf8", "UTF8"),
            ("timezone", "gmt", "GMT"),
            ("extra_float_digits", "3", "3"),
            ("client_min_messages", "WARNING", "warning"),
            ("default_transaction_read_only", "yes", "on"),
            ("spg.statement_memory", "64MB", "67108864"),
        ];
        for (name, word, shown) in accepted {
            let mut values = Values::default();
            let definition = find(name).unwrap();
            let words = [word.to_owned()];
            definition.set(&mut values, Some(&words), &Values::default()).unwrap();
            assert_eq!(definition.show(&values), shown, "{name} {word}");
            definition.set(&mut values, None, &Values::default()).unwrap();
            assert_eq!(values, Values::default(), "{name} {word}");
        }
    }
}
