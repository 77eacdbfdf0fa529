//! The last rows of an answer, which comes from its first.

use std::collections::VecDeque;

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::storage::column::Column;
use spg_engine::{DataType, Result, Value};

/// Lets the last `count` rows through to a sink, once all have come.
pub(crate) struct LastRows<'a> {
    count: usize,
    types: Vec<DataType>,
    rows: VecDeque<Vec<Value>>,
    sink: &'a mut dyn RowSink,
}

impl<'a> LastRows<'a> {
    pub(crate) fn new(count: usize, sink: &'a mut dyn RowSink) -> Self {
        Self { count, types: Vec::new(), rows: VecDeque::new(), sink }
    }

    /// All have come; answers how many went through.
    pub(crate) fn finish(self) -> Result<usize> {
        let mut columns: Vec<Column> = self
            .types
            .iter()
            .map(|data_type| Column::with_capacity(*data_type, self.rows.len()))
            .collect();
        for row in &self.rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value.as_ref());
            }
        }
        self.sink.batch(&Batch::computed(columns, self.rows.len()))?;
        Ok(self.rows.len())
    }
}

impl RowSink for LastRows<'_> {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        self.types = columns.iter().map(|column| column.data_type).collect();
        self.sink.columns(columns)
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        let first = batch.len().saturating_sub(self.count);
        for place in first..batch.len() {
            if self.rows.len() == self.count {
                self.rows.pop_front();
            }
            let columns = 0..self.types.len();
            self.rows
                .push_back(columns.map(|column| batch.value(column, place).to_value()).collect());
        }
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        self.sink.notice(notice);
    }
}
