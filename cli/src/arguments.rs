//! The command line: subcommands and options, accepted before and after the subcommand.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::audit::AuditCommand;
use crate::bench::BenchArguments;
use crate::connect::{ADDRESS_DEFAULT, Address, parse_address};
use crate::files::FileArguments;
use crate::memory_limit;

/// SPG: a PostgreSQL-dialect database for one application.
#[derive(Debug, Parser)]
#[command(name = "spg", version)]
pub(crate) struct Arguments {
    /// Where the server is, HOST:PORT [env: `SPG_ADDR`] [default: 127.0.0.1:5544]
    #[arg(long, global = true, value_name = "HOST:PORT", value_parser = parse_address)]
    addr: Option<String>,

    /// Use a session that the server keeps between invocations under this name [env: `SPG_SESSION`]
    #[arg(long, global = true, value_name = "NAME", value_parser = parse_session)]
    session: Option<String>,

    /// Work on a database in this process, empty at the start and gone at the end
    #[arg(long, global = true)]
    pub(crate) memory: bool,

    /// Work on a database's files in this process, without a server
    #[command(flatten)]
    pub(crate) files: FileArguments,

    /// How answers are written
    #[arg(long, global = true, value_enum, default_value_t = FormatName::Table)]
    pub(crate) format: FormatName,

    /// Bytes that all data of a database in this process may take, such as 512MB [default: 80% of the memory there is]
    #[arg(long, global = true, value_name = "SIZE", value_parser = memory_limit::parse)]
    pub(crate) memory_limit: Option<usize>,

    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Aligned columns for people
    Table,
    /// A header and rows, as `export` writes them
    Csv,
    /// One array with an object for each statement
    Json,
    /// One object a line for each statement
    Jsonl,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the statements of one text
    Query {
        /// Statements, separated by semicolons
        sql: String,
        /// Tell on standard error, for each commit, its number and the audit chain's head: what proves it later
        #[arg(long)]
        receipt: bool,
    },
    /// Run a script from standard input, or lines from a terminal
    Shell,
    /// Load a CSV file, plain or gzipped, into a table
    Import {
        /// The table, written as in SQL
        table: String,
        /// A file whose first line names the columns
        file: PathBuf,
        /// Make the table, with types that fit all values
        #[arg(long)]
        create: bool,
    },
    /// Write a table as CSV
    Export {
        /// The table, written as in SQL
        table: String,
        /// Where to; gzipped if it ends in .gz [default: standard output]
        file: Option<PathBuf>,
    },
    /// Write the whole database as SQL to standard output: one snapshot, one transaction
    Dump,
    /// Run a script as a whole, up to its first error: what `dump` wrote, for one
    Load {
        /// The script, plain or gzipped; - is standard input
        file: PathBuf,
    },
    /// Ask the server whether it is there, and how long an answer takes
    Ping {
        /// Wait until the server has started and loaded its data
        #[arg(long)]
        ready: bool,
        /// How long to wait at most, in seconds [default: 30]
        #[arg(long, value_name = "SECONDS", requires = "ready")]
        timeout: Option<u32>,
    },
    /// Check that the server answers statements and takes writes: exit status 0 if so, 1 if not, 3 if it is not there
    Health,
    /// Print figures about the server
    Stats,
    /// Cancel what a session runs: by the id and secret that `\conninfo` tells, or a named session by `--session`
    Cancel {
        /// The session's id
        #[arg(requires = "secret")]
        session_id: Option<u64>,
        /// The session's secret
        #[arg(value_parser = crate::cancel::parse_secret)]
        secret: Option<[u8; 16]>,
    },
    /// Show what SPG is: a daemon in this process on real data, a few questions, a shell; leaves nothing behind
    Demo,
    /// Measure the server or a database in this process: throughput and latencies
    Bench(BenchArguments),
    /// Verify, print or archive the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check image, write-ahead log and audit chain, and that replaying them gives the rows and indexes in memory
    Verify,
    /// Write everything as of one commit, with the audit log, into a new directory; nobody waits for it
    Backup {
        /// The directory (of the server's machine, if it is a server's); it must not be there, or be empty
        directory: PathBuf,
    },
    /// Make a data directory of a backup, and verify all of it
    Restore {
        /// The backup's directory
        source: PathBuf,
        /// The directory to make, for --data-dir; it must not be there, or be empty
        directory: PathBuf,
        /// Where the server archived its write-ahead log: what happened after the backup
        #[arg(long, value_name = "DIR")]
        archive_dir: Option<PathBuf>,
        /// How far: to a commit by its number, or the last at a time, such as 2026-11-22T16:05:00Z; times without a zone are
        /// UTC [default: to the end of the archive]
        #[arg(long, value_name = "COMMIT|TIME", value_parser = crate::restore::parse_until)]
        to: Option<spg_engine::backup::Until>,
    },
    /// Write an image of what is committed, so that the write-ahead log before it is not needed any more
    Checkpoint,
    /// Print the version, and the server's if one answers
    Version,
    /// Print what a shell needs to complete this command line
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a directory
    Man {
        /// Where to
        directory: PathBuf,
    },
}

impl Arguments {
    /// Reads the process's arguments; ends the process with status 2 on a usage error.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if let Some(reason) = arguments.contradiction() {
            Self::command().error(ErrorKind::ArgumentConflict, reason).exit();
        }
        arguments
    }

    /// Where the server is. An argument beats the variable; an empty variable is as good as none.
    pub(crate) fn address(&self) -> Address {
        let text = match &self.addr {
            Some(text) => text.clone(),
            None => match variable("SPG_ADDR").map(|text| parse_address(&text)) {
                Some(Ok(text)) => text,
                Some(Err(reason)) => {
                    let message = format!("invalid value in SPG_ADDR: {reason}");
                    Self::command().error(ErrorKind::ValueValidation, message).exit()
                }
                None => ADDRESS_DEFAULT.to_owned(),
            },
        };
        let session = match self.command {
            // These are about the server: the variable is for those that run statements.
            Command::Ping { .. }
            | Command::Health
            | Command::Stats
            | Command::Bench(_)
            | Command::Demo
            | Command::Audit(_)
            | Command::Verify
            | Command::Backup { .. }
            | Command::Restore { .. }
            | Command::Checkpoint
            | Command::Dump
            | Command::Load { .. }
            | Command::Version
            | Command::Completions { .. }
            | Command::Man { .. } => None,
            _ => self.session.clone().or_else(|| variable("SPG_SESSION")),
        };
        Address { text, session }
    }

    /// Whether statements run on a database in this process.
    pub(crate) fn is_here(&self) -> bool {
        self.memory || self.files.is_any()
    }

    /// What among the arguments excludes each other.
    fn contradiction(&self) -> Option<&'static str> {
        let needs_server = matches!(
            self.command,
            Command::Ping { .. } | Command::Health | Command::Stats | Command::Cancel { .. }
        );
        let verifies_file = self.command.verified_file().is_some();
        let restores = matches!(self.command, Command::Restore { .. });
        let takes_session = matches!(
            self.command,
            Command::Query { .. }
                | Command::Shell
                | Command::Import { .. }
                | Command::Export { .. }
                | Command::Cancel { session_id: None, .. }
        );
        let brings_its_own = matches!(self.command, Command::Demo);
        if brings_its_own
            && (self.is_here()
                || self.addr.is_some()
                || self.session.is_some()
                || self.memory_limit.is_some()
                || self.format != FormatName::Table)
        {
            Some("demo brings its own daemon and data, and is for people: it takes no options")
        } else if verifies_file && (self.is_here() || self.addr.is_some()) {
            Some(
                "audit verify FILE looks at that file and at nothing else: leave the database or the server out",
            )
        } else if restores && (self.is_here() || self.addr.is_some()) {
            Some("restore makes a directory of its own: leave the database or the server out")
        } else if self.memory && self.files.is_any() {
            Some("--memory is a database without files: leave it out, or the files")
        } else if self.is_here() && self.addr.is_some() {
            Some(
                "--memory and files are a database in this process, --addr is a server: give one of them",
            )
        } else if self.is_here() && self.session.is_some() {
            Some("a database in this process ends with it and keeps no --session")
        } else if self.is_here() && needs_server {
            Some("this command is about a server, and a database in this process has none")
        } else if self.memory_limit.is_some() && !self.is_here() && !restores {
            Some("--memory-limit is for a database in this process; the server has its own")
        } else if let Some(reason) = self.files.contradiction(verifies_file || restores) {
            Some(reason)
        } else if let Command::Bench(bench) = &self.command
            && let Some(reason) = bench.contradiction(self.is_here())
        {
            Some(reason)
        } else if matches!(self.command, Command::Cancel { session_id: None, .. })
            && self.address().session.is_none()
        {
            Some("name a session: its id and secret, as \\conninfo tells them, or --session NAME")
        } else if self.session.is_some() && !takes_session {
            Some("this command does not use a --session")
        } else {
            None
        }
    }
}

impl Command {
    /// The audit log that is verified by itself.
    pub(crate) fn verified_file(&self) -> Option<&Path> {
        match self {
            Self::Audit(AuditCommand::Verify { file, .. }) => file.as_deref(),
            _ => None,
        }
    }

    /// Whether it is about a database that is there.
    pub(crate) fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::Audit(_)
                | Self::Verify
                | Self::Backup { .. }
                | Self::Checkpoint
                | Self::Export { .. }
                | Self::Dump
        )
    }
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn parse_session(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("a session's name is not empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_before_and_after_the_subcommand() {
        for words in [
            ["spg", "--memory", "--format", "jsonl", "query", "SELECT 1"],
            ["spg", "query", "--memory", "SELECT 1", "--format", "jsonl"],
            ["spg", "--format", "jsonl", "query", "SELECT 1", "--memory"],
        ] {
            let arguments = Arguments::try_parse_from(words).unwrap();
            assert!(arguments.memory);
            assert_eq!(arguments.format, FormatName::Jsonl);
        }
        for words in [
            ["spg", "--addr", "[::1]:7", "--session", "s", "query", "SELECT 1"],
            ["spg", "query", "--addr", "[::1]:7", "SELECT 1", "--session", "s"],
        ] {
            let address = Arguments::try_parse_from(words).unwrap().address();
            assert_eq!((address.text.as_str(), address.session.as_deref()), ("[::1]:7", Some("s")));
        }
        Arguments::command().debug_assert();
    }

    #[test]
    fn contradictions_are_named() {
        for (words, reason) in [
            (&["spg", "--memory", "--addr", "h:1", "shell"][..], "give one of them"),
            (&["spg", "demo", "--addr", "h:1"], "takes no options"),
            (&["spg", "demo", "--format", "json"], "takes no options"),
            (&["spg", "shell", "--session", "s", "--memory"], "keeps no --session"),
            (&["spg", "--memory", "ping"], "has none"),
            (&["spg", "--data-dir", "d", "stats"], "has none"),
            (&["spg", "--data-dir", "d", "--addr", "h:1", "shell"], "give one of them"),
            (&["spg", "--db", "d", "--session", "s", "shell"], "keeps no --session"),
            (&["spg", "--memory", "--db", "d", "shell"], "without files"),
            (&["spg", "--wal", "w", "shell"], "give both"),
            (&["spg", "--wal", "w", "--audit", "a", "shell"], "give both"),
            (&["spg", "--db", "d", "--key-file", "k", "shell"], "--data-dir or --audit"),
            (&["spg", "--db", "d", "--audit-parameters", "digest", "shell"], "--data-dir or"),
            (&["spg", "--data-dir", "d", "audit", "verify", "f"], "nothing else"),
            (&["spg", "--memory-limit", "1MB", "shell"], "for a database in this process"),
            (&["spg", "--session", "s", "checkpoint"], "does not use"),
            (&["spg", "--session", "s", "backup", "b"], "does not use"),
            (&["spg", "--addr", "h:1", "restore", "b", "d"], "of its own"),
            (&["spg", "--data-dir", "d", "restore", "b", "d"], "of its own"),
            (&["spg", "--session", "s", "verify"], "does not use"),
            (&["spg", "--session", "s", "stats"], "does not use"),
            (&["spg", "--session", "s", "version"], "does not use"),
        ] {
            let found = Arguments::try_parse_from(words).unwrap().contradiction();
            assert!(found.is_some_and(|found| found.contains(reason)), "{words:?}: {found:?}");
        }
        for words in [
            &["spg", "--memory", "shell"][..],
            &["spg", "--memory", "version"],
            &["spg", "--memory", "bench", "point-read"],
            &["spg", "--data-dir", "d", "bench", "insert", "--memory-limit", "1GB"],
            &["spg", "--data-dir", "d", "--key-file", "k", "--audit-parameters", "digest", "shell"],
            &["spg", "--db", "d", "--audit", "a", "--wal", "w", "audit", "verify"],
            &["spg", "--audit", "a", "audit", "list", "--since", "2026-11-22"],
            &["spg", "audit", "verify", "f", "--key-file", "k"],
            &["spg", "audit", "head"],
            &["spg", "restore", "b", "d", "--key-file", "k", "--archive-dir", "a", "--to", "7"],
            &["spg", "--session", "s", "cancel"],
            &["spg", "--addr", "h:1", "--session", "s", "import", "t", "f"],
        ] {
            assert_eq!(
                Arguments::try_parse_from(words).unwrap().contradiction(),
                None,
                "{words:?}"
            );
        }
    }

    #[test]
    fn sizes_are_checked() {
        let parse = |size| Arguments::try_parse_from(["spg", "shell", "--memory-limit", size]);
        assert_eq!(parse("512MB").unwrap().memory_limit, Some(512 << 20));
        assert!(parse("much").is_err());
    }
}
