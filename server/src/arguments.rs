//! What the command line means: addresses, options, settings, and what excludes each other.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use spg_engine::durability::Files;
use spg_engine::session::Defaults;
use spg_server::limits::{ADDRESS_DEFAULT, POLL_MAX};

use crate::command_line::{LogFormat, LogLevels, Words};

/// What in a position means that there is none.
pub(crate) const NONE: &str = "-";

/// What the daemon was asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// The address as it was given.
    pub(crate) address: String,
    /// How to serve.
    pub(crate) options: spg_server::Options,
    /// Bytes of all data, if given.
    pub(crate) memory_limit: Option<usize>,
    /// The database's files; None keeps it in memory.
    pub(crate) files: Option<Files>,
    /// What sessions' settings are before anybody sets them.
    pub(crate) session_defaults: Defaults,
    /// Where the scripts for a new database are.
    pub(crate) init_dir: Option<PathBuf>,
    /// What the log has.
    pub(crate) log_levels: LogLevels,
    /// How the log is written.
    pub(crate) log_format: LogFormat,
    /// Where the audit chain's key is.
    pub(crate) key_file: Option<PathBuf>,
}

/// A usage error: what is wrong and what to do.
pub(crate) type Usage = (ErrorKind, String);

impl Arguments {
    /// Reads the process's arguments; ends the process with status 2 on a usage error.
    pub(crate) fn read() -> Self {
        let matches = Words::command().get_matches();
        let words = Words::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        Self::check(words, &matches).unwrap_or_else(|(kind, message)| exit_with(kind, message))
    }

    fn check(words: Words, matches: &ArgMatches) -> Result<Self, Usage> {
        let files = words.files.files(matches)?;
        let key_file = words.files.key_file();
        let level = words.default_transaction_isolation.as_deref();
        let session_defaults = session_defaults(level, &words.set)?;
        let address = words.addr.filter(|address| !address.is_empty() && address != NONE);
        let address = address.unwrap_or_else(|| ADDRESS_DEFAULT.to_owned());
        let addresses = resolve(&address, words.insecure)?;
        if words.max_connections == 0 {
            return Err(invalid("--max-connections 0 leaves nobody to serve; give at least 1"));
        }
        let poll = Duration::from_micros(words.poll_us);
        if poll > POLL_MAX {
            let message = format!("--poll-us is at most {}", POLL_MAX.as_micros());
            return Err((ErrorKind::InvalidValue, message));
        }
        let write_timeout = match words.write_timeout_ms {
            Some(milliseconds) => Duration::from_millis(milliseconds),
            None => Duration::from_secs(words.write_timeout),
        };
        if write_timeout.is_zero() {
            return Err(invalid("--write-timeout 0 would end every connection; give at least 1"));
        }
        let mut options = spg_server::Options {
            addresses,
            connections_max: words.max_connections,
            poll,
            write_timeout,
            ..spg_server::Options::default()
        };
        let milliseconds = [
            (words.hello_timeout_ms, &mut options.hello_timeout),
            (words.frame_timeout_ms, &mut options.frame_timeout),
            (words.session_idle_ms, &mut options.named_session_idle),
            (words.stop_grace_ms, &mut options.stop_grace),
        ];
        for (given, option) in milliseconds {
            if let Some(given) = given {
                *option = Duration::from_millis(given);
            }
        }
        let memory_limit = words.memory_limit;
        let log_levels = words.log_level.unwrap_or_default();
        let log_format = words.log_format.unwrap_or_default();
        let init_dir = words.init_dir.filter(|directory| !directory.as_os_str().is_empty());
        Ok(Self {
            address,
            options,
            memory_limit,
            files,
            session_defaults,
            init_dir,
            log_levels,
            log_format,
            key_file,
        })
    }
}

/// The settings that every session begins with.
fn session_defaults(level: Option<&str>, set: &[String]) -> Result<Defaults, Usage> {
    let mut defaults = Defaults::default();
    let refuse = |error: &spg_engine::Error, option: &str| {
        let hint =
            error.fields().hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        Err((ErrorKind::InvalidValue, format!("{option}: {}{hint}", error.message())))
    };
    for text in set {
        let Some((name, value)) = text.split_once('=') else {
            return Err((ErrorKind::InvalidValue, format!("--set {text}: write NAME=VALUE")));
        };
        if let Err(error) = defaults.set(name.trim(), value.trim()) {
            return refuse(&error, "--set");
        }
    }
    if let Some(level) = level.filter(|level| !level.is_empty()) {
        let level = level.replace(['-', '_'], " ");
        if let Err(error) = defaults.set("default_transaction_isolation", &level) {
            return refuse(&error, "--default-transaction-isolation");
        }
    }
    Ok(defaults)
}

/// Ends the process as clap does on wrong usage.
fn exit_with(kind: ErrorKind, message: String) -> ! {
    Words::command().error(kind, message).exit()
}

/// A usage error about a value.
pub(crate) fn invalid(message: &str) -> Usage {
    (ErrorKind::InvalidValue, message.to_owned())
}

/// The addresses of a host and port, all on this machine's loopback unless that is waived.
fn resolve(address: &str, insecure: bool) -> Result<Vec<SocketAddr>, Usage> {
    let resolved = address.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    let addresses = resolved.map_err(|error| {
        let message =
            format!("\"{address}\" is no address to listen on ({error}); write HOST:PORT");
        (ErrorKind::InvalidValue, message)
    })?;
    if !insecure && let Some(reachable) = addresses.iter().find(|a| !a.ip().is_loopback()) {
        let message = format!(
            "{reachable} can be reached by others, and nothing is authenticated or encrypted yet: \
             listen on 127.0.0.1, or say --insecure where only the application reaches it"
        );
        return Err((ErrorKind::InvalidValue, message));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str]) -> Result<Arguments, String> {
        let words = [&["spg-server"], words].concat();
        let matches = Words::command().try_get_matches_from(words);
        let matches = matches.map_err(|error| error.to_string())?;
        let words = Words::from_arg_matches(&matches).unwrap();
        Arguments::check(words, &matches).map_err(|(_, message)| message)
    }

    fn files(words: &[&str]) -> [Option<String>; 3] {
        let files = check(words).unwrap().files.unwrap_or_default();
        [files.db, files.audit, files.wal]
            .map(|path| path.map(|path| path.to_string_lossy().into_owned()))
    }

    #[test]
    fn addresses_that_others_reach_need_a_word_for_it() {
        let error = check(&["0.0.0.0:5544"]).unwrap_err();
        assert!(error.contains("--insecure"), "{error}");
        assert!(check(&["0.0.0.0:5544", "--insecure"]).is_ok());
        let arguments = check(&["127.0.0.2:0"]).unwrap();
        assert_eq!(arguments.options.addresses, ["127.0.0.2:0".parse().unwrap()]);
        assert_eq!(check(&["-"]).unwrap().address, ADDRESS_DEFAULT);
        assert!(check(&["somewhere"]).unwrap_err().contains("HOST:PORT"));
    }

    #[test]
    fn positions_name_files_and_beat_the_directory() {
        let some = |text: &str| Some(text.to_owned());
        let address = "127.0.0.1:0";
        assert_eq!(files(&[address, "d", "a", "w"]), [some("d"), some("a"), some("w")]);
        assert_eq!(files(&[address, "-", "a", "-"]), [None, some("a"), None]);
        assert!(check(&[address, "-", "", "-"]).unwrap().files.is_none());
        let whole = [some("dir/spg.db"), some("dir/audit.log"), some("dir/wal.log")];
        assert_eq!(files(&["--data-dir", "dir"]), whole);
        let [db, _, wal] = whole;
        assert_eq!(files(&[address, "", "-", "--data-dir", "dir"]), [db.clone(), None, wal]);
        assert_eq!(files(&[address, "", "a", "-", "--data-dir", "dir"]), [db, some("a"), None]);
    }

    #[test]
    fn what_does_nothing_or_makes_no_sense_is_refused() {
        for (words, expected) in [
            (&["-", "-", "-", "w"][..], "without a database image"),
            (&["-", "same", "same"], "twice"),
            (&["--data-dir", "-"], "no directory"),
            (&["--recover-to", "0"], "--recover-to needs a file: give WAL"),
            (&["-", "d", "--checkpoint-wal-size", "1MB"], "give WAL"),
            (&["-", "d", "--audit-key-file", "k"], "give AUDIT"),
            (&["--data-dir", "d", "--wal-segment-size", "12"], "12 bytes"),
            (&["--data-dir", "d", "--wal-segment-size", "much"], "512MB"),
            (&["--data-dir", "d", "--checkpoint-interval", "0"], "at least 1"),
            (&["--data-dir", "d", "--archive-interval", "5"], "give --archive-dir"),
            (&["-", "d", "--archive-dir", "a"], "give WAL"),
            (&["--data-dir", "d", "--audit-parameters", "off"], "on or digest"),
            (&["--data-dir", "d", "--recover-to", "xyz"], "hexadecimal"),
            (&["--data-dir", "d", "--audit-segment-size", "4095"], "4096 bytes or more"),
            (&["a.db", "--audit-segment-size", "1MB"], "give AUDIT"),
        ] {
            let error = check(words).unwrap_err();
            assert!(error.contains(expected), "{words:?}: {error}");
        }
    }

    #[test]
    fn options_of_files_are_read() {
        let options = [
            "--data-dir",
            "d",
            "--wal-segment-size",
            "1MB",
            "--checkpoint-wal-size",
            "2MB",
            "--checkpoint-interval",
            "7",
            "--audit-segment-size",
            "4kB",
            "--audit-parameters",
            "digest",
            "--archive-dir",
            "a",
            "--archive-interval",
            "8",
            "--recover-to",
            "1f",
            "--audit-key-file",
            "key",
        ];
        let arguments = check(&options).unwrap();
        let files = arguments.files.unwrap();
        assert_eq!((files.wal_segment_bytes, files.checkpoint_wal_bytes), (1 << 20, 2 << 20));
        assert_eq!(files.checkpoint_interval, Duration::from_secs(7));
        assert_eq!(files.audit_seal_bytes, 4 << 10);
        let archive = (files.archive.as_deref(), files.archive_interval);
        assert_eq!(archive, (Some(std::path::Path::new("a")), Duration::from_secs(8)));
        assert_eq!(files.audit_policy, spg_engine::transaction::executed::AuditPolicy::Digest);
        assert_eq!(files.recover_to, Some(spg_engine::wal::Lsn(0x1f)));
        assert_eq!(arguments.key_file, Some(PathBuf::from("key")));
    }

    #[test]
    fn settings_are_checked_before_anything_is_opened() {
        for (words, expected) in [
            (&["--set", "statement_timeout"][..], "write NAME=VALUE"),
            (&["--set", "no_such=1"], "unrecognized configuration parameter \"no_such\""),
            (&["--set", "statement_timeout=soon"], "\"soon\""),
            (&["--default-transaction-isolation", "chaos"], "Available values: serializable"),
        ] {
            let error = check(words).unwrap_err();
            assert!(error.contains(expected), "{words:?}: {error}");
        }
        let words =
            ["--default-transaction-isolation", "repeatable-read", "--set", "lock_timeout=1s"];
        let defaults = check(&words).unwrap().session_defaults;
        let options =
            spg_engine::Options { session_defaults: defaults, ..spg_engine::Options::default() };
        let session = spg_engine::Database::open(options).unwrap().session();
        assert_eq!(session.setting("lock_timeout").unwrap(), "1s");
        assert_eq!(session.setting("transaction_isolation").unwrap(), "repeatable read");
    }

    #[test]
    fn numbers_have_bounds() {
        for words in [
            ["--max-connections", "0"],
            ["--poll-us", "10001"],
            ["--write-timeout", "0"],
            ["--memory-limit", "much"],
        ] {
            assert!(check(&words).is_err(), "{words:?}");
        }
        Words::command().debug_assert();
    }
}
