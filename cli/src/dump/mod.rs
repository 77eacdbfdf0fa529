//! `dump`: the whole database as SQL that makes it again, here or, as long as it has no vectors, in PostgreSQL; and `load`, which
//! runs such a script.
//!
//! It is one snapshot and one transaction. Tables come first, then their rows, then what the rows must satisfy, so that no row
//! waits for another: [`schema`] asks the catalog for all but the rows, [`literal`] writes those.

mod literal;
mod load;
mod long_statement;
mod schema;

use std::io::{self, Write};

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::types::format_value;
use spg_engine::{Error, Result, SqlState, ValueRef};

use crate::dump::literal::write_literal;
use crate::dump::schema::{Schema, Table};
use crate::failure::{Ended, Outcome, Written};
use crate::messages;
use crate::progress::Progress;
use crate::target::Target;

pub(crate) use load::load;

/// Rows of one INSERT.
const ROWS_OF_A_STATEMENT: usize = 500;

/// Bytes after which a statement ends though it could take further rows.
const STATEMENT_BYTES: usize = 256 << 10;

/// What the script means, whatever the session that runs it has set; to its end.
const SETTINGS: &str = "SET LOCAL TIME ZONE 'UTC';\nSET LOCAL client_encoding = 'UTF8';\n\
                        SET LOCAL standard_conforming_strings = on;";

/// Writes the database as SQL.
pub(crate) fn dump<W: Write>(target: &mut Target, out: &mut W) -> Written {
    target.command("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
    let written = write_all(target, out);
    // What was read is read; if the connection is lost that is said already.
    let ended = target.command("COMMIT");
    written?;
    ended?;
    out.flush()?;
    Ok(())
}

fn write_all<W: Write>(target: &mut Target, out: &mut W) -> Written {
    target.command("SET LOCAL TIME ZONE 'UTC'")?;
    let schema = Schema::read(target)?;
    writeln!(out, "-- A dump by spg {}.", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "BEGIN;\n{SETTINGS}")?;
    schema.write_definitions(out)?;
    let progress = Progress::rows("dumping");
    for table in &schema.tables {
        write_rows(table, target, out, &progress)?;
    }
    schema.write_constraints(out)?;
    writeln!(out, "COMMIT;")?;
    Ok(())
}

fn write_rows<W: Write>(
    table: &Table,
    target: &mut Target,
    out: &mut W,
    progress: &Progress,
) -> Written {
    let mut inserts = Inserts { table, out, text: String::new(), rows: 0, failure: None, progress };
    let result = target.execute(&table.select(), &mut inserts);
    let finished = inserts.end_statement();
    // An error of the output ends the statement with an error too; the output's own says more.
    if let Some(error) = inserts.failure.take() {
        return Err(Ended::Output(error));
    }
    result?;
    finished.map_err(|error| Ended::Statement(error.into()))
}

/// Rows as INSERT statements, many to one.
struct Inserts<'d, W> {
    table: &'d Table,
    out: &'d mut W,
    text: String,
    rows: usize,
    failure: Option<io::Error>,
    progress: &'d Progress,
}

impl<W: Write> Inserts<'_, W> {
    /// A list of no columns cannot be written.
    fn rows_without_columns(&mut self, rows: usize) -> Result<()> {
        for _ in 0..rows {
            self.text.push_str(&self.table.insert_defaults());
            self.rows += 1;
            self.end_statement()?;
        }
        Ok(())
    }

    fn end_statement(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.text.push_str(";\n");
        let written = self.out.write_all(self.text.as_bytes());
        self.text.clear();
        self.rows = 0;
        written.map_err(|error| {
            let message = format!("could not write: {error}");
            self.failure = Some(error);
            Error::new(SqlState::IoError, message)
        })
    }
}

impl<W: Write> RowSink for Inserts<'_, W> {
    fn columns(&mut self, _: &[OutputColumn]) -> Result<()> {
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.progress.advance(batch.len() as u64);
        if batch.columns.is_empty() {
            return self.rows_without_columns(batch.len());
        }
        for place in 0..batch.len() {
            if self.rows == 0 {
                self.text.push_str(&self.table.insert());
            } else {
                self.text.push(',');
            }
            self.text.push_str("\n(");
            for column in 0..batch.columns.len() {
                if column > 0 {
                    self.text.push_str(", ");
                }
                write_literal(batch.value(column, place), &mut self.text);
            }
            self.text.push(')');
            self.rows += 1;
            if self.rows == ROWS_OF_A_STATEMENT || self.text.len() > STATEMENT_BYTES {
                self.end_statement()?;
            }
        }
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        messages::notice(notice);
    }
}

/// The rows of a small answer, as text.
#[derive(Default)]
struct Texts(Vec<Vec<Option<String>>>);

impl RowSink for Texts {
    fn columns(&mut self, _: &[OutputColumn]) -> Result<()> {
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        for place in 0..batch.len() {
            let value = |column| {
                let mut text = String::new();
                match batch.value(column, place) {
                    ValueRef::Null => return None,
                    value => format_value(value, &mut text),
                }
                Some(text)
            };
            self.0.push((0..batch.columns.len()).map(value).collect());
        }
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        messages::notice(notice);
    }
}

/// The rows of a small answer.
fn ask(target: &mut Target, text: &str) -> Outcome<Vec<Vec<Option<String>>>> {
    let mut texts = Texts::default();
    target.execute(text, &mut texts)?;
    Ok(texts.0)
}
