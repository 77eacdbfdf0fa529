//! `import`: a CSV file into a table, all of it or nothing.

mod csv_reader;
mod inference;
mod loader;
mod source;

use std::path::Path;

use spg_engine::limits::NAME_BYTES_MAX;
use spg_engine::session::TransactionStatus;
use spg_engine::{Error, Result, SqlState};

use crate::failure::{Failure, Outcome};
use crate::import::csv_reader::{CsvError, CsvReader, Problem, Record};
use crate::import::inference::ColumnGuess;
use crate::import::source::Source;
pub(crate) use crate::import::source::{cannot_open, open as open_source};
use crate::interrupt::Interrupt;
use crate::table_name::{TableName, quote_identifier};
use crate::target::Target;

/// What to import.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    /// The table as written.
    pub(crate) table: &'a str,
    /// The file.
    pub(crate) file: &'a Path,
    /// Whether to make the table.
    pub(crate) create: bool,
}

/// Imports; answers the tag.
///
/// Outside a transaction block it is one of its own; inside a block it is part of it, and an error fails the block.
pub(crate) fn run(
    import: &Import<'_>,
    target: &mut Target,
    interrupt: &Interrupt,
) -> Outcome<String> {
    if target.status() == TransactionStatus::Failed {
        // 25P02, before the file is touched.
        target.command("SELECT 1")?;
    }
    let own_transaction = import.create && target.status() == TransactionStatus::Idle;
    if own_transaction {
        target.command("BEGIN")?;
    }
    let result = load(import, target, interrupt);
    if own_transaction {
        if result.is_ok() {
            target.command("COMMIT")?;
        } else if target.status() != TransactionStatus::Idle {
            // What failed first says more than a connection that is lost by now.
            target.command("ROLLBACK").ok();
        }
    } else if let Err(failure) = &result
        && target.status() == TransactionStatus::InTransaction
    {
        // The error may be of the file and unknown to the session so far.
        target.fail_block(failure);
    }
    result.map(|rows| format!("IMPORT {rows}"))
}

fn load(import: &Import<'_>, target: &mut Target, interrupt: &Interrupt) -> Outcome<u64> {
    let table = TableName::parse(import.table)?;
    if import.create {
        let statement = create_statement(import, &table, interrupt)?;
        target.command(&statement)?;
    }
    let mut file = CsvFile::open(import.file, "importing")?;
    let columns = loader::target_columns(&table, &file, target)?;
    loader::load(&table, &columns, &mut file, target, interrupt)
        .map_err(|failure| locate_row(import.file, failure))
}

/// The failure with the place in the file of the row that the table refused, if it was one: found by reading the file
/// once more, which a pipe does not allow.
fn locate_row(path: &Path, mut failure: Failure) -> Failure {
    let Some(row) = failure.loaded_row() else { return failure };
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return failure;
    }
    let Ok(mut file) = CsvFile::open(path, "looking for the row") else { return failure };
    let mut record = Record::default();
    for _ in 0..row {
        if !matches!(file.read(&mut record), Ok(true)) {
            return failure;
        }
    }
    let name = failure.fields.column.as_deref();
    let index = name.and_then(|name| file.names.iter().position(|known| known == name));
    let line = index.map_or(record.line(), |index| record.field(index).line);
    let place = match name {
        Some(name) => format!("{}, line {line}, column \"{name}\"", path.display()),
        None => format!("{}, line {line}", path.display()),
    };
    failure.fields.detail = Some(match failure.fields.detail.take() {
        Some(detail) => format!("{place}: {detail}"),
        None => place,
    });
    failure
}

/// Reads the whole file once to find types.
fn create_statement(
    import: &Import<'_>,
    table: &TableName,
    interrupt: &Interrupt,
) -> Result<String> {
    if !import.file.metadata().is_ok_and(|metadata| metadata.is_file()) && import.file.exists() {
        return Err(Error::new(
            SqlState::WrongObjectType,
            format!("\"{}\" is not a regular file", import.file.display()),
        )
        .with_detail("--create reads the file twice: for the types, then for the rows."));
    }
    let mut file = CsvFile::open(import.file, "reading types")?;
    let mut guesses = vec![ColumnGuess::new(); file.names.len()];
    let mut record = Record::default();
    while file.read(&mut record)? {
        interrupt.check()?;
        for (guess, field) in guesses.iter_mut().zip(record.iter()) {
            guess.observe(field);
        }
    }
    for name in &file.names {
        if name.len() > NAME_BYTES_MAX {
            return Err(
                file.header_error(SqlState::NameTooLong, format!("name \"{name}\" is too long"))
            );
        }
    }
    let columns: Vec<String> = file
        .names
        .iter()
        .zip(&guesses)
        .map(|(name, guess)| format!("{} {}", quote_identifier(name), guess.sql_type()))
        .collect();
    Ok(format!("CREATE TABLE {} ({})", table.sql(), columns.join(", ")))
}

/// A CSV file whose header was read.
pub(crate) struct CsvFile<'a> {
    path: &'a Path,
    reader: CsvReader<Source>,
    /// The columns' names in the header.
    names: Vec<String>,
}

impl<'a> CsvFile<'a> {
    fn open(path: &'a Path, label: &'static str) -> Result<Self> {
        let reader = CsvReader::new(source::open(path, label)?);
        let mut file = Self { path, reader, names: Vec::new() };
        let mut header = Record::default();
        if !file.next(&mut header)? {
            return Err(file.header_error(SqlState::BadCopyFileFormat, "the file has no header"));
        }
        for (index, field) in header.iter().enumerate() {
            if field.text.is_empty() {
                let message = format!("column {} has no name", index + 1);
                return Err(file.header_error(SqlState::BadCopyFileFormat, message));
            }
            if file.names.iter().any(|name| name == field.text) {
                let message = format!("column \"{}\" appears twice in the header", field.text);
                return Err(file.header_error(SqlState::DuplicateColumn, message));
            }
            file.names.push(field.text.to_owned());
        }
        Ok(file)
    }

    /// Reads the next record, which has as many fields as the header; false at the end.
    fn read(&mut self, record: &mut Record) -> Result<bool> {
        if !self.next(record)? {
            return Ok(false);
        }
        if record.len() == self.names.len() {
            return Ok(true);
        }
        let (message, index) = if record.len() < self.names.len() {
            let missing = &self.names[record.len()];
            (format!("missing data for column \"{missing}\""), record.len())
        } else {
            ("extra data after last expected column".to_owned(), self.names.len())
        };
        let error = Error::new(SqlState::BadCopyFileFormat, message);
        Err(self.locate(error, record.line(), index))
    }

    fn next(&mut self, record: &mut Record) -> Result<bool> {
        self.reader.read(record).map_err(|CsvError { line, field, problem }| {
            let class = match problem {
                Problem::Io(error) => return source::cannot_read(self.path, &error),
                Problem::NotUtf8 | Problem::ZeroByte => SqlState::CharacterNotInRepertoire,
                Problem::TooLong => SqlState::ProgramLimitExceeded,
                Problem::TooManyFields => SqlState::TooManyColumns,
                _ => SqlState::BadCopyFileFormat,
            };
            self.locate(Error::new(class, problem.to_string()), line, field)
        })
    }

    /// The error with the place in the file: before what else is in its detail.
    fn locate(&self, error: Error, line: u64, index: usize) -> Error {
        let place = match self.names.get(index) {
            Some(name) => format!("line {line}, column \"{name}\""),
            None => format!("line {line}, column {}", index + 1),
        };
        let place = format!("{}, {place}", self.path.display());
        let detail = match &error.fields().detail {
            Some(detail) => format!("{place}: {detail}"),
            None => place,
        };
        let error = error.with_detail(detail);
        match self.names.get(index) {
            Some(name) => error.with_column(name.clone()),
            None => error,
        }
    }

    fn header_error(&self, class: SqlState, message: impl Into<String>) -> Error {
        Error::new(class, message).with_detail(format!("{}, line 1", self.path.display()))
    }
}
