//! Rows held in memory by an operator, counted in the statement's budget before they are copied.

use crate::error::{Error, Result};
use crate::executor::memory::MemoryBudget;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::column::{Column, ColumnData};
use crate::types::DataType;

/// Bytes taken of a budget, given back when dropped.
pub(super) struct Reservation<'a> {
    memory: &'a MemoryBudget,
    bytes: usize,
}

impl<'a> Reservation<'a> {
    pub(super) fn new(memory: &'a MemoryBudget) -> Self {
        Self { memory, bytes: 0 }
    }

    /// Takes `bytes` more; 53200 where the budget has not as many.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<()> {
        self.memory.reserve(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        self.memory.release(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Rows of columns, dense.
pub(super) struct Buffer<'a> {
    pub(super) columns: Vec<Column>,
    rows: usize,
    reservation: Reservation<'a>,
}

impl<'a> Buffer<'a> {
    pub(super) fn new(types: &[DataType], memory: &'a MemoryBudget) -> Self {
        let columns = types.iter().map(|&data_type| Column::with_capacity(data_type, 0)).collect();
        Self { columns, rows: 0, reservation: Reservation::new(memory) }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Copies the rows of `batch`.
    pub(super) fn append(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.append_columns(&batch.columns, &batch.selection)
    }

    /// Copies the selected rows of `columns`.
    pub(super) fn append_columns(
        &mut self,
        columns: &[ColumnRef<'_>],
        selection: &Selection,
    ) -> Result<()> {
        let rows = selection.len();
        if self.rows + rows > u32::MAX as usize {
            return Err(Error::out_of_memory("An operator cannot hold more than 4294967295 rows."));
        }
        let bytes: usize = columns.iter().map(|column| selected_bytes(column, selection)).sum();
        self.reservation.grow(bytes.max(rows))?;
        for (own, column) in self.columns.iter_mut().zip(columns) {
            match selection {
                Selection::All(rows) => own.append(column, 0..*rows),
                Selection::One(row) => own.append(column, *row as usize..*row as usize + 1),
                Selection::Rows(rows) => own.extend_selected(column, rows),
            }
        }
        self.rows += rows;
        Ok(())
    }

    /// Copies one row of `columns`.
    pub(super) fn push_row(&mut self, columns: &[ColumnRef<'_>], row: usize) -> Result<()> {
        self.append_columns(columns, &Selection::One(row as u32))
    }

    /// Counts `bytes` that its owner keeps beside the rows.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<()> {
        self.reservation.grow(bytes)
    }

    /// Keeps only the rows `rows`, in that order.
    pub(super) fn keep(&mut self, rows: &[u32]) -> Result<()> {
        self.columns = gather_all(&self.columns, rows);
        self.rows = rows.len();
        let bytes = self.columns.iter().map(Column::heap_bytes).sum();
        self.reservation.clear();
        self.reservation.grow(bytes)
    }
}

/// The rows `rows` of each column, in that order.
pub(super) fn gather_all(columns: &[Column], rows: &[u32]) -> Vec<Column> {
    columns.iter().map(|column| column.gather(rows)).collect()
}

/// Bytes that the selected rows take when copied.
fn selected_bytes(column: &Column, selection: &Selection) -> usize {
    let rows = selection.len();
    let values = match &column.data {
        ColumnData::Bool(_) => rows,
        ColumnData::Int2(_) => rows * 2,
        ColumnData::Int4(_) | ColumnData::Float4(_) | ColumnData::Date(_) => rows * 4,
        ColumnData::Int8(_)
        | ColumnData::Float8(_)
        | ColumnData::Time(_)
        | ColumnData::Timestamp(_)
        | ColumnData::TimestampTz(_) => rows * 8,
        ColumnData::Interval(_) => rows * 16,
        ColumnData::Text(texts) => {
            rows * 4 + selection.iter().map(|row| texts.get(row).len()).sum::<usize>()
        }
        ColumnData::Vector(vectors) => {
            selection.iter().map(|row| vectors.get(row).len() * 4).sum::<usize>()
        }
    };
    values + rows / 8
}
