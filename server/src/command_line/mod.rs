//! The definition of the daemon's command line: positions, options, variables.
//!
//! The command line's build reads it too, for completions and the manual page (`cli/build.rs`), so nothing here uses more
//! than clap, the standard library and the files that the build knows: `limits` and `memory_limit`. What the words mean
//! together is decided in `arguments`.

mod files;

use std::path::PathBuf;

use clap::Parser;

use crate::{limits, memory_limit};

pub(crate) use files::FileWords;

/// SPG's daemon: serves a database over TCP.
///
/// An argument beats its variable; `-` in a position means none; an empty variable is unset.
#[derive(Debug, Parser)]
#[command(name = "spg-server", version)]
pub(crate) struct Words {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:5544]
    #[arg(env = "SPG_ADDR")]
    pub(crate) addr: Option<String>,

    #[command(flatten)]
    pub(crate) files: FileWords,

    /// Listen on an address that others can reach, although nothing is authenticated or encrypted
    #[arg(long)]
    pub(crate) insecure: bool,

    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = limits::CONNECTIONS_MAX_DEFAULT)]
    pub(crate) max_connections: usize,

    /// Microseconds that a connection polls before it waits, while cores are free; 0 never
    #[arg(long, value_name = "N", default_value_t = limits::POLL_DEFAULT.as_micros() as u64)]
    pub(crate) poll_us: u64,

    /// Seconds that a client may read nothing of its answer
    #[arg(long, value_name = "N", default_value_t = limits::WRITE_TIMEOUT_DEFAULT.as_secs())]
    pub(crate) write_timeout: u64,

    /// Bytes that all data together may take, such as 512MB [default: 80% of the memory there is]
    #[arg(long, value_name = "SIZE", value_parser = memory_limit::parse)]
    pub(crate) memory_limit: Option<usize>,

    /// Isolation level of transactions that name none: "repeatable read", "read committed" or "serializable"; dashes may
    /// stand for blanks [default: repeatable read]
    #[arg(long, env = "SPG_DEFAULT_TRANSACTION_ISOLATION", value_name = "LEVEL")]
    pub(crate) default_transaction_isolation: Option<String>,

    /// What a setting is in every session that does not set it, such as `--set statement_timeout=1min`; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Scripts that are run once, on a database that is new: the files called *.sql of this directory, by name, in one
    /// transaction
    #[arg(long, env = "SPG_INIT_DIR", value_name = "DIR")]
    pub(crate) init_dir: Option<PathBuf>,

    /// What the log on standard error has: off, error, warn, info or debug, or TARGET=LEVEL, several with commas; slow
    /// statements are info [default: info]
    #[arg(long, env = "SPG_LOG", value_name = "LEVEL", value_parser = parse_levels)]
    pub(crate) log_level: Option<LogLevels>,

    /// How the log on standard error is written: text or json (one object a line) [default: text]
    #[arg(long, env = "SPG_LOG_FORMAT", value_name = "FORMAT", value_parser = parse_format)]
    pub(crate) log_format: Option<LogFormat>,

    /// Milliseconds for a Hello
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) hello_timeout_ms: Option<u64>,

    /// Milliseconds for a frame
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) frame_timeout_ms: Option<u64>,

    /// Milliseconds that a client may read nothing of its answer
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) write_timeout_ms: Option<u64>,

    /// Milliseconds that a named session is kept without a connection
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) session_idle_ms: Option<u64>,

    /// Milliseconds that running statements may go on when the server ends
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) stop_grace_ms: Option<u64>,
}

/// What the log has, as directives of `env_logger`; None where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogLevels(pub(crate) Option<String>);

/// Levels, alone or each of a target; an empty text, as of a variable, says nothing.
fn parse_levels(text: &str) -> Result<LogLevels, String> {
    let mut directives = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) = match part.split_once('=') {
            Some((target, level)) => (Some(target), level),
            None => (None, part),
        };
        let level = match level.to_ascii_lowercase().as_str() {
            "off" => "off",
            "error" => "error",
            "warn" | "warning" => "warn",
            "info" => "info",
            "debug" => "debug",
            "trace" => "trace",
            _ => return Err("write off, error, warn, info, debug or trace".to_owned()),
        };
        directives.push(target.map_or_else(|| level.to_owned(), |name| format!("{name}={level}")));
    }
    Ok(LogLevels((!directives.is_empty()).then(|| directives.join(","))))
}

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
fn parse_format(name: &str) -> Result<LogFormat, String> {
    match name {
        "" | "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}
