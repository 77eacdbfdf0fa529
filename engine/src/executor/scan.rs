//! All rows of a table, a chunk at a time, in row-id order.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_predicate;
use crate::executor::operator::Operator;
use crate::executor::table_access::{chunk_batch, table};
use crate::planner::plan::TableOutput;
use crate::storage::batch::Batch;
use crate::storage::chunk::Chunk;
use crate::storage::root::Root;

/// A sequential scan.
pub(super) struct Scan<'a> {
    chunks: Box<dyn Iterator<Item = &'a Chunk> + 'a>,
    output: &'a TableOutput,
    filter: Option<&'a Expression>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        root: &'a Root,
        output: &'a TableOutput,
        filter: Option<&'a Expression>,
    ) -> Result<Self> {
        let chunks = Box::new(table(root, output.table)?.chunks());
        Ok(Self { chunks, output, filter })
    }
}

impl<'a> Operator<'a> for Scan<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        for chunk in &mut self.chunks {
            context.interrupt.check()?;
            let mut batch = chunk_batch(self.output, chunk, chunk.selection());
            if let Some(filter) = self.filter {
                batch.selection = evaluate_predicate(filter, &batch, context)?;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
