//! One JSON array with an object for each statement, written as the statements end.

use std::io::{self, Write};

use spg_engine::Result;
use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_wire::ErrorFields;

use crate::format::Format;
use crate::format::answer::{Answer, write_error};
use crate::messages;

/// An array whose elements are what jsonl has as lines.
pub(super) struct JsonFormat {
    out: Box<dyn Write>,
    answer: Answer,
    /// What stands before the next object.
    separator: &'static str,
    /// Whether an array of nothing is left out.
    stands_back: bool,
}

impl JsonFormat {
    pub(super) fn new(out: Box<dyn Write>) -> Self {
        Self { out, answer: Answer::default(), separator: "[", stands_back: false }
    }

    fn separate(&mut self) -> io::Result<()> {
        self.out.write_all(std::mem::replace(&mut self.separator, ",\n").as_bytes())
    }
}

impl RowSink for JsonFormat {
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

impl Format for JsonFormat {
    fn complete(&mut self, tag: &str) -> io::Result<()> {
        self.separate()?;
        std::mem::take(&mut self.answer).write(tag, &mut self.out)?;
        self.out.flush()
    }

    fn fail(&mut self, error: &ErrorFields, _statement: &str) -> io::Result<()> {
        self.answer = Answer::default();
        self.separate()?;
        write_error(error, &mut self.out)?;
        self.out.flush()
    }

    fn stand_back(&mut self) {
        self.stands_back = true;
    }

    fn finish(&mut self) -> io::Result<()> {
        // Without a statement the separator still stands for the opening bracket.
        let end = match self.separator {
            "[" if self.stands_back => "",
            "[" => "[]\n",
            _ => "]\n",
        };
        self.out.write_all(end.as_bytes())?;
        self.out.flush()
    }
}
