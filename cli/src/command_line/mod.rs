//! The definition of the command line: options, accepted before and after the subcommand; the subcommands and theirs.
//!
//! The build reads it too, for completions and manual pages (`build.rs`), so nothing here uses more than clap and the
//! standard library. What the arguments mean together is decided in `arguments`.

mod audit;
mod bench;
mod command;
mod files;
pub(crate) mod memory_limit;
mod moment;
pub(crate) mod parse;
pub(crate) mod shell_commands;

use clap::{Parser, ValueEnum};

pub(crate) use audit::{AuditCommand, Filter};
pub(crate) use bench::{BenchArguments, Durability, Isolation, Workload};
pub(crate) use command::{Command, ProgramName, ShellName};
pub(crate) use files::{AuditParameters, FileArguments};

/// SPG: a PostgreSQL-dialect database for one application.
#[derive(Debug, Parser)]
#[command(name = "spg", version)]
pub(crate) struct Arguments {
    /// Where the server is, HOST:PORT [env: `SPG_ADDR`] [default: 127.0.0.1:5544]
    #[arg(long, global = true, value_name = "HOST:PORT", value_parser = parse::address)]
    pub(crate) addr: Option<String>,

    /// Use a session that the server keeps between invocations under this name [env: `SPG_SESSION`]
    #[arg(long, global = true, value_name = "NAME", value_parser = parse::session)]
    pub(crate) session: Option<String>,

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
