//! Rows without duplicates, each where it first comes.

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::key_table::KeyTable;
use crate::executor::operator::{BoxOperator, Operator};
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::column::Column;
use crate::types::DataType;

/// DISTINCT.
pub(super) struct Distinct<'a> {
    input: BoxOperator<'a>,
    seen: KeyTable<'a>,
}

impl<'a> Distinct<'a> {
    pub(super) fn new(input: BoxOperator<'a>, types: &[DataType], context: &Context<'a>) -> Self {
        Self { input, seen: KeyTable::new(types, context.memory) }
    }
}

impl<'a> Operator<'a> for Distinct<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        while let Some(batch) = self.input.next(context)? {
            context.interrupt.check()?;
            if batch.columns.is_empty() {
                // Rows without columns are all the same.
                let is_first = self.seen.len() == 0 && !batch.is_empty();
                self.seen.insert(&[], batch.len(), &mut Vec::new())?;
                if is_first {
                    return Ok(Some(Batch::computed(Vec::new(), 1)));
                }
                continue;
            }
            let batch = dense(batch);
            let mut next = self.seen.len() as u32;
            let mut numbers = Vec::new();
            self.seen.insert(&batch.columns, batch.len(), &mut numbers)?;
            let mut fresh = Vec::new();
            for (row, number) in numbers.into_iter().enumerate() {
                // Invariant: new keys are numbered in the order of their rows.
                if number == next {
                    next += 1;
                    fresh.push(row as u32);
                }
            }
            if !fresh.is_empty() {
                return Ok(Some(Batch {
                    columns: batch.columns,
                    selection: Selection::Rows(fresh),
                }));
            }
        }
        Ok(None)
    }
}

/// The same rows with every physical row selected.
pub(super) fn dense(batch: Batch<'_>) -> Batch<'_> {
    let rows = match batch.selection {
        Selection::All(_) => return batch,
        Selection::One(row) => vec![row],
        Selection::Rows(rows) => rows,
    };
    let columns: Vec<Column> = batch.columns.iter().map(|column| column.gather(&rows)).collect();
    Batch {
        columns: columns.into_iter().map(ColumnRef::owned).collect(),
        selection: Selection::All(rows.len()),
    }
}
