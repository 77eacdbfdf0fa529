//! Rows that no table holds: VALUES, the one row of a SELECT without FROM, none at all.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_scalar;
use crate::executor::operator::Operator;
use crate::limits::BATCH_ROWS_MAX;
use crate::storage::batch::Batch;
use crate::storage::column::Column;
use crate::types::DataType;

/// One row without columns.
#[derive(Default)]
pub(super) struct OneRow {
    done: bool,
}

impl<'a> Operator<'a> for OneRow {
    fn next(&mut self, _: &Context<'a>) -> Result<Option<Batch<'a>>> {
        let first = !std::mem::replace(&mut self.done, true);
        Ok(first.then(|| Batch::computed(Vec::new(), 1)))
    }
}

/// No row.
pub(super) struct Empty;

impl<'a> Operator<'a> for Empty {
    fn next(&mut self, _: &Context<'a>) -> Result<Option<Batch<'a>>> {
        Ok(None)
    }
}

/// Literal rows.
pub(super) struct Values<'a> {
    rest: &'a [Vec<Expression>],
    types: &'a [DataType],
}

impl<'a> Values<'a> {
    pub(super) fn new(rows: &'a [Vec<Expression>], types: &'a [DataType]) -> Self {
        Self { rest: rows, types }
    }
}

impl<'a> Operator<'a> for Values<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        context.interrupt.check()?;
        let (rows, rest) = self.rest.split_at(self.rest.len().min(BATCH_ROWS_MAX));
        self.rest = rest;
        let mut columns: Vec<_> = self
            .types
            .iter()
            .map(|&data_type| Column::with_capacity(data_type, rows.len()))
            .collect();
        for row in rows {
            for (column, expression) in columns.iter_mut().zip(row) {
                column.push(evaluate_scalar(expression, context)?.as_ref());
            }
        }
        Ok(Some(Batch::computed(columns, rows.len())))
    }
}
