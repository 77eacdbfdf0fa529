//! CSV: a header and rows; NULL is empty and the empty string is quoted, so that both read back as what they were.

use std::io::{self, Write};

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::types::cast_to_text;
use spg_engine::{Error, Result, SqlState, ValueRef};
use spg_wire::ErrorFields;

use crate::error_display;
use crate::format::Format;
use crate::messages;

/// Writes rows as they come, without waiting for the end of the statement.
#[derive(Debug)]
pub(crate) struct CsvFormat<W> {
    out: W,
    line: String,
    rows: u64,
    /// What ended the output, until [`Self::check`] hands it on.
    failure: Option<io::Error>,
}

impl<W: Write> CsvFormat<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, line: String::new(), rows: 0, failure: None }
    }

    /// Rows written.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The error that the output ended with, if it did.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The output behind it.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    fn write_line(&mut self) -> Result<()> {
        self.line.push('\n');
        let written = self.out.write_all(self.line.as_bytes());
        self.line.clear();
        written.map_err(|error| {
            let message = format!("could not write: {error}");
            self.failure = Some(error);
            Error::new(SqlState::IoError, message)
        })
    }
}

impl<W: Write> RowSink for CsvFormat<W> {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                self.line.push(',');
            }
            push_quoted(&mut self.line, &column.name);
        }
        self.write_line()
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        let mut text = String::new();
        for place in 0..batch.len() {
            for column in 0..batch.columns.len() {
                if column > 0 {
                    self.line.push(',');
                }
                match batch.value(column, place) {
                    ValueRef::Null => {}
                    ValueRef::Text(text) => push_quoted(&mut self.line, text),
                    value => {
                        text.clear();
                        cast_to_text(value, None, &mut text);
                        push_quoted(&mut self.line, &text);
                    }
                }
            }
            self.write_line()?;
            self.rows += 1;
        }
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        messages::notice(notice);
    }
}

/// CSV as the format of answers: tags and errors go to standard error.
pub(super) struct AnswerFormat {
    rows: CsvFormat<Box<dyn Write>>,
    has_columns: bool,
}

impl AnswerFormat {
    pub(super) fn new(out: Box<dyn Write>) -> Self {
        Self { rows: CsvFormat::new(out), has_columns: false }
    }
}

impl RowSink for AnswerFormat {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        self.has_columns = true;
        self.rows.columns(columns)
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.rows.batch(batch)
    }

    fn notice(&mut self, notice: &Notice) {
        self.rows.notice(notice);
    }
}

impl Format for AnswerFormat {
    fn complete(&mut self, tag: &str) -> io::Result<()> {
        self.rows.check()?;
        self.rows.out.flush()?;
        if !std::mem::take(&mut self.has_columns) {
            messages::line(tag);
        }
        Ok(())
    }

    fn fail(&mut self, error: &ErrorFields, statement: &str) -> io::Result<()> {
        self.has_columns = false;
        self.rows.check()?;
        self.rows.out.flush()?;
        messages::text(&error_display::render(error, statement));
        Ok(())
    }

    fn redirect(&mut self, out: Box<dyn Write>) -> bool {
        self.rows.out = out;
        true
    }

    fn finish(&mut self) -> io::Result<()> {
        self.rows.out.flush()
    }
}

/// Appends a field, in quotes where it could be misread: empty, or with a separator, a quote or a line end in it.
fn push_quoted(line: &mut String, text: &str) {
    if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for (place, piece) in text.split('"').enumerate() {
        if place > 0 {
            line.push_str("\"\"");
        }
        line.push_str(piece);
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_could_be_misread() {
        for (text, expected) in [
            ("a b", "a b"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("\"", "\"\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("a\rb", "\"a\rb\""),
            ("[1,2]", "\"[1,2]\""),
        ] {
            let mut line = String::new();
            push_quoted(&mut line, text);
            assert_eq!(line, expected);
        }
    }
}
