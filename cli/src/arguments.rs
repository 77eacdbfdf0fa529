//! The command line: subcommands and options, accepted before and after the subcommand.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::memory_limit;

/// SPG: a PostgreSQL-dialect database for one application.
#[derive(Debug, Parser)]
#[command(name = "spg", version)]
pub(crate) struct Arguments {
    /// Work on a database in this process, empty at the start and gone at the end
    #[arg(long, global = true)]
    pub(crate) memory: bool,

    /// How answers are written
    #[arg(long, global = true, value_enum, default_value_t = FormatName::Table)]
    pub(crate) format: FormatName,

    /// Bytes that all data together may take, such as 512MB [default: 80% of the memory there is]
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
    /// Print the version
    Version,
}

impl Arguments {
    /// Reads the process's arguments; ends the process with status 2 on a usage error.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if !arguments.memory && !matches!(arguments.command, Command::Version) {
            Self::command()
                .error(
                    clap::error::ErrorKind::MissingRequiredArgument,
                    "no database is named: give `--memory` for one in this process",
                )
                .exit();
        }
        arguments
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
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_are_checked() {
        let parse = |size| Arguments::try_parse_from(["spg", "shell", "--memory-limit", size]);
        assert_eq!(parse("512MB").unwrap().memory_limit, Some(512 << 20));
        assert!(parse("much").is_err());
    }
}
