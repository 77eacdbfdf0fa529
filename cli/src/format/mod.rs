//! How answers are written: one trait, one file for each format.

mod answer;
mod csv;
mod json;
mod jsonl;
mod spool;
mod table;

use std::io::{self, BufWriter, Write};

use spg_engine::session::RowSink;
use spg_wire::ErrorFields;

pub(crate) use csv::CsvFormat;

use crate::arguments::FormatName;
use crate::display::{Caption, Display};

/// Writes the answers of statements, one after the other: the rows as a sink, then how the statement ended.
///
/// The errors of these methods are of the output itself (a full disk, a reader that went away): nothing more can be
/// said there. Every answer is flushed at once.
pub(crate) trait Format: RowSink {
    /// The statement is done.
    fn complete(&mut self, tag: &str) -> io::Result<()>;

    /// The statement failed; `statement` is its text, for the error's position.
    fn fail(&mut self, error: &ErrorFields, statement: &str) -> io::Result<()>;

    /// No statement follows.
    fn finish(&mut self) -> io::Result<()>;

    /// How rows are shown, where that can be chosen.
    fn display(&mut self) -> Option<&mut Display> {
        None
    }

    /// What stands around the next statement's rows.
    fn set_caption(&mut self, _caption: Caption) {}

    /// Writes to another place from now on; false, and nothing happens, where that would tear what is written.
    fn redirect(&mut self, _out: Box<dyn Write>) -> bool {
        false
    }

    /// A line of its own before the next answer, where people read it.
    fn head(&mut self, _line: &str) -> io::Result<()> {
        Ok(())
    }

    /// The output is for data of another kind: without an answer nothing is written at the end.
    fn stand_back(&mut self) {}

    /// Whether people read it, so that a sentence says more than a row.
    fn is_for_people(&self) -> bool {
        false
    }
}

/// Standard output, written in large pieces.
pub(crate) fn standard_output() -> Box<dyn Write> {
    Box::new(BufWriter::with_capacity(64 << 10, io::stdout()))
}

/// The format called `name`, onto `out`.
pub(crate) fn open(name: FormatName, out: Box<dyn Write>) -> Box<dyn Format> {
    match name {
        FormatName::Table => Box::new(table::TableFormat::new(out)),
        FormatName::Csv => Box::new(csv::AnswerFormat::new(out)),
        FormatName::Json => Box::new(json::JsonFormat::new(out)),
        FormatName::Jsonl => Box::new(jsonl::JsonlFormat::new(out)),
    }
}
