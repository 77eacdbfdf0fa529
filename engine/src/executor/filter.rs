//! The rows for which a predicate is true.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_predicate;
use crate::executor::operator::{BoxOperator, Operator};
use crate::storage::batch::Batch;

/// WHERE, HAVING.
pub(super) struct Filter<'a> {
    input: BoxOperator<'a>,
    predicate: &'a Expression,
}

impl<'a> Filter<'a> {
    pub(super) fn new(input: BoxOperator<'a>, predicate: &'a Expression) -> Self {
        Self { input, predicate }
    }
}

impl<'a> Operator<'a> for Filter<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        while let Some(mut batch) = self.input.next(context)? {
            batch.selection = evaluate_predicate(self.predicate, &batch, context)?;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
