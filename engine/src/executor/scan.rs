//! All rows of a table, a chunk at a time, in row-id order.

use std::hint::black_box;

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_predicate;
use crate::executor::operator::Operator;
use crate::executor::table_access::{chunk_batch, table};
use crate::planner::plan::{TableOutput, WholeScan};
use crate::storage::RowId;
use crate::storage::batch::{Batch, Selection};
use crate::storage::chunk::Chunk;
use crate::storage::table::Table;

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
    /// What the filter sees: what is yielded, or other columns.
    seen: &'a TableOutput,
    filter: Option<&'a Expression>,
    /// Rows that are left out, in order.
    left_out: Vec<RowId>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        context: &Context<'a>,
        output: &'a TableOutput,
        filter: Option<&'a Expression>,
    ) -> Result<Self> {
        let table = table(context.root, output.table)?;
        if let Some(reads) = context.reads {
            reads.note_table(output.table);
        }
        let (chunks, ahead) = (Box::new(table.chunks()), SmallVec::new());
        Ok(Self { chunks, ahead, output, seen: output, filter, left_out: Vec::new() })
    }

    /// In place of a run of an index, whose keys have been noted as read, but for the rows that have been read of it.
    pub(super) fn in_place(
        table: &'a Table,
        output: &'a TableOutput,
        whole: &'a WholeScan,
        mut left_out: Vec<RowId>,
    ) -> Self {
        left_out.sort_unstable();
        let (chunks, ahead) = (Box::new(table.chunks()), SmallVec::new());
        Self { chunks, ahead, output, seen: &whole.seen, filter: Some(&whole.filter), left_out }
    }

    /// The rows of a chunk that count.
    fn selection(&self, chunk: &Chunk) -> Selection {
        let all = chunk.selection();
        let from = self.left_out.partition_point(|row| *row < chunk.first());
        if self.left_out.get(from).is_none_or(|row| *row > chunk.last()) {
            return all;
        }
        let counts = |slot: &usize| self.left_out.binary_search(&chunk.row_id(*slot)).is_err();
        Selection::Rows(all.iter().filter(counts).map(|slot| slot as u32).collect())
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
            for &ordinal in &self.seen.ordinals {
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
            let mut batch = chunk_batch(self.seen, chunk, self.selection(chunk));
            if let Some(filter) = self.filter {
                batch.selection = evaluate_predicate(filter, &batch, context)?;
            }
            if !std::ptr::eq(self.seen, self.output) && !batch.is_empty() {
                batch = chunk_batch(self.output, chunk, batch.selection);
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
