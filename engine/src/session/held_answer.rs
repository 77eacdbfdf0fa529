//! An answer that must not be given yet: rows of RETURNING are held until their commit is durable.

use crate::binder::bound::OutputColumn;
use crate::error::Result;
use crate::executor::memory::MemoryBudget;
use crate::session::{Notice, RowSink};
use crate::storage::batch::Batch;
use crate::storage::column::Column;

/// A sink that keeps everything, counted against the statement's memory.
pub(super) struct HeldAnswer<'a> {
    memory: &'a MemoryBudget,
    bytes: usize,
    columns: Option<Vec<OutputColumn>>,
    batches: Vec<Batch<'static>>,
    notices: Vec<Notice>,
}

impl<'a> HeldAnswer<'a> {
    pub(super) fn new(memory: &'a MemoryBudget) -> Self {
        Self { memory, bytes: 0, columns: None, batches: Vec::new(), notices: Vec::new() }
    }

    /// Gives all of it to `sink`.
    pub(super) fn give(self, sink: &mut dyn RowSink) -> Result<()> {
        for notice in &self.notices {
            sink.notice(notice);
        }
        if let Some(columns) = &self.columns {
            sink.columns(columns)?;
        }
        for batch in &self.batches {
            sink.batch(batch)?;
        }
        Ok(())
    }
}

impl RowSink for HeldAnswer<'_> {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        self.columns = Some(columns.to_vec());
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        let rows: Vec<u32> = batch.selection.iter().map(|row| row as u32).collect();
        let columns: Vec<Column> =
            batch.columns.iter().map(|column| column.gather(&rows)).collect();
        let bytes = columns.iter().map(Column::heap_bytes).sum();
        self.memory.reserve(bytes)?;
        self.bytes += bytes;
        self.batches.push(Batch::computed(columns, rows.len()));
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        self.notices.push(notice.clone());
    }
}

impl Drop for HeldAnswer<'_> {
    /// A statement that is tried again has all its memory again.
    fn drop(&mut self) {
        self.memory.release(self.bytes);
    }
}
