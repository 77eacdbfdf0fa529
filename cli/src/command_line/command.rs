//! The subcommands.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::{AuditCommand, BenchArguments, parse, shell_commands};

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the statements of one text
    Query {
        /// Statements, separated by semicolons; they may begin with a comment
        sql: String,
        /// Tell on standard error, for each commit, its number and the audit chain's head: what proves it later
        #[arg(long)]
        receipt: bool,
    },
    /// Run a script from standard input, or lines from a terminal
    #[command(after_help = shell_help())]
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
    /// Run a script up to its first error, and nothing behind it; what `dump` wrote is one transaction
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
        #[arg(value_parser = parse::secret)]
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
        /// The directory; it must not be there, or be empty. That of a server is one of its machine, and its path is
        /// absolute, such as $PWD/monday
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
        #[arg(long, value_name = "COMMIT|TIME")]
        to: Option<String>,
    },
    /// Write an image of what is committed, so that the write-ahead log before it is not needed any more
    Checkpoint,
    /// Print the version, and the server's if one answers
    Version,
    /// Print what a shell needs to complete this command line, or the daemon's
    Completions {
        /// The shell
        shell: ShellName,
        /// Whose command line
        #[arg(long, value_name = "PROGRAM", value_enum, default_value_t = ProgramName::Spg)]
        of: ProgramName,
    },
    /// Write manual pages, the daemon's too, into a directory
    Man {
        /// Where to
        directory: PathBuf,
    },
}

/// A shell that can be told how to complete this command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ShellName {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// A program whose command line can be completed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProgramName {
    /// The command line
    Spg,
    /// The daemon
    SpgServer,
}

/// What `spg shell --help` and its manual page tell of the shell's own commands.
fn shell_help() -> String {
    format!("Commands of the shell, in lines beside SQL:\n{}", shell_commands::HELP)
}
