//! One JSON object a line for each statement.

use std::io::{self, Write};

use spg_engine::Result;
use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_wire::ErrorFields;

use crate::format::Format;
use crate::format::answer::{Answer, write_error};
use crate::messages;

/// Exactly one line a statement.
pub(super) struct JsonlFormat {
    out: Box<dyn Write>,
    answer: Answer,
}

impl JsonlFormat {
    pub(super) fn new(out: Box<dyn Write>) -> Self {
        Self { out, answer: Answer::default() }
    }
}

impl RowSink for JsonlFormat {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        self.answer.columns(columns);
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.answer.batch(batch)
    }

    fn notice(&mut self, notice: &Notice) {
        messages::notice(notice);
    }
}

impl Format for JsonlFormat {
    fn complete(&mut self, tag: &str) -> io::Result<()> {
        std::mem::take(&mut self.answer).write(tag, &mut self.out)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    fn fail(&mut self, error: &ErrorFields, _statement: &str) -> io::Result<()> {
        self.answer = Answer::default();
        write_error(error, &mut self.out)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    fn redirect(&mut self, out: Box<dyn Write>) -> bool {
        self.out = out;
        true
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
