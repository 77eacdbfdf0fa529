//! All rows of a table, a chunk at a time, in row-id order.

use std::hint::black_box;

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_predicate;
use crate::executor::operator::Operator;
use crate::executor::table_access::{chunk_batch, table};
use crate::planner::plan::TableOutput;
use crate::storage::batch::Batch;
use crate::storage::chunk::Chunk;

/// Chunks whose memory is asked for at once. Reaching a chunk's values takes several dependent reads of memory; for
/// one chunk after the other they would take longer than adding its values up.
const AHEAD_CHUNKS: usize = 8;

/// Rows from one value that is asked for to the next: between them the processor reads ahead by itself.
const AHEAD_ROWS: usize = 64;

/// A sequential scan.
pub(super) struct Scan<'a> {
    chunks: Box<dyn Iterator<Item = &'a Chunk> + 'a>,
    /// The next chunks, the first of them last.
    ahead: SmallVec<[&'a Chunk; AHEAD_CHUNKS]>,
    output: &'a TableOutput,
    filter: Option<&'a Expression>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        context: &Context<'a>,
        output: &'a TableOutput,
        filter: Option<&'a Expression>,
    ) -> Result<Self> {
        let chunks = Box::new(table(context.root, output.table)?.chunks());
        if let Some(reads) = context.reads {
            reads.note_table(output.table);
        }
        Ok(Self { chunks, ahead: SmallVec::new(), output, filter })
    }
}

impl<'a> Scan<'a> {
    fn next_chunk(&mut self) -> Option<&'a Chunk> {
        if self.ahead.is_empty() {
            self.ahead.extend(self.chunks.by_ref().take(AHEAD_CHUNKS));
            // Each pass reads what the one before has brought; within a pass the reads do not wait for each other.
            for chunk in &self.ahead {
                black_box(chunk.rows());
            }
            for &ordinal in &self.output.ordinals {
                for chunk in &self.ahead {
                    black_box(chunk.column(ordinal).nulls.is_some());
                }
                for chunk in &self.ahead {
                    let column = chunk.column(ordinal);
                    let touched =
                        (0..chunk.rows()).step_by(AHEAD_ROWS).map(|row| column.touch(row));
                    black_box(touched.fold(0, usize::wrapping_add));
                }
            }
            self.ahead.reverse();
        }
        self.ahead.pop()
    }
}

impl<'a> Operator<'a> for Scan<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        while let Some(chunk) = self.next_chunk() {
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
