//! `spg`: the command line.
//!
//! Reading order: [`arguments`]; [`query`] and [`shell`] feed statements to the [`console`], which shows their answers
//! in a [`mod@format`]; [`import`] and [`export`] move tables from and to CSV files.
//!
//! Exit status: 0 all went well, 1 a statement failed, 2 usage, 3 no connection or a lost one.

mod arguments;
mod console;
mod error_display;
mod export;
mod format;
mod import;
mod interrupt;
mod memory_limit;
mod messages;
mod meta_command;
mod progress;
mod query;
mod shell;
mod statement_buffer;
mod table_name;
mod terminal;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use spg_engine::{Database, Options};

use crate::arguments::{Arguments, Command};
use crate::console::Console;
use crate::import::Import;

fn main() -> ExitCode {
    env_logger::init();
    let arguments = Arguments::read();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            messages::line(&format!("spg: could not write the output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Answers whether all went well; an error is one of the output.
fn run(arguments: &Arguments) -> io::Result<bool> {
    let memory_limit_bytes = arguments.memory_limit.or_else(memory_limit::default_bytes);
    let database = match Database::open(Options { memory_limit_bytes, ..Options::default() }) {
        Ok(database) => database,
        Err(error) => {
            messages::line(&format!("spg: could not open the database: {error}"));
            return Ok(false);
        }
    };
    let out = Box::new(BufWriter::with_capacity(64 << 10, io::stdout()));
    let mut console = Console::new(database.session(), format::open(arguments.format, out));
    let written = dispatch(&arguments.command, &mut console);
    console.finish(written)
}

fn dispatch(command: &Command, console: &mut Console) -> io::Result<()> {
    match command {
        Command::Query { sql } => query::run(sql, console),
        Command::Shell => shell::run(console),
        Command::Import { table, file, create } => {
            let import = Import { table, file, create: *create };
            let result = import::run(&import, &mut console.session, &console.interrupt);
            console.show(&result.map(|rows| format!("IMPORT {rows}")), "")
        }
        Command::Export { table, file: Some(file) } => {
            let result = export::to_file(table, file, &mut console.session);
            console.show(&result.map(|rows| format!("EXPORT {rows}")), "")
        }
        Command::Export { table, file: None } => export::to_output(table, console),
        Command::Version => writeln!(io::stdout(), "{}", version()),
    }
}

/// The version, of the command and of the engine in it.
fn version() -> String {
    format!("spg {} (engine {})", env!("CARGO_PKG_VERSION"), spg_engine::VERSION)
}
