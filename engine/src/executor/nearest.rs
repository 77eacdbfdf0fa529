//! The k rows nearest to a vector: the filter first, distances over a chunk's contiguous blocks, a bounded heap.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::buffer::Reservation;
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::environment::NoEnvironment;
use crate::executor::expression::{evaluate, evaluate_predicate, evaluate_scalar};
use crate::executor::helpers::Helpers;
use crate::executor::limit::Window;
use crate::executor::operator::Operator;
use crate::executor::table_access::{chunk_batch, fetch, table};
use crate::limits::BATCH_ROWS_MAX;
use crate::planner::plan::{Plan, PlanNode, TableOutput};
use crate::storage::RowId;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::chunk::Chunk;
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::types::{DataType, compare_floats};

/// An exact nearest-neighbour scan.
pub(super) struct Nearest<'a> {
    table: &'a Table,
    plan: &'a Plan,
    output: &'a TableOutput,
    found: Option<Vec<RowId>>,
    place: usize,
}

/// A row with its distance; the order is that of the answer, so the heap's top is the row to drop.
#[derive(Clone, Copy)]
struct Neighbour {
    /// None is NULL, which comes last.
    distance: Option<f64>,
    id: RowId,
}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_distance = match (self.distance, other.distance) {
            (Some(left), Some(right)) => compare_floats(left, right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_distance.then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Neighbour {}

impl<'a> Nearest<'a> {
    /// `plan` is a nearest scan.
    pub(super) fn new(root: &'a Root, plan: &'a Plan) -> Result<Self> {
        let PlanNode::Nearest { output, .. } = &plan.node else {
            unreachable!("the plan is a nearest scan");
        };
        Ok(Self { table: table(root, output.table)?, plan, output, found: None, place: 0 })
    }

    /// The rows of the answer, nearest first.
    fn search(&self, context: &Context<'a>) -> Result<Vec<RowId>> {
        let PlanNode::Nearest { vector, metric, target, limit, offset, filter, .. } =
            &self.plan.node
        else {
            unreachable!("the plan is a nearest scan");
        };
        if let Some(reads) = context.reads {
            reads.note_table(self.output.table);
        }
        let window = Window::evaluate(Some(limit), offset.as_ref(), context)?;
        let kept =
            window.take.saturating_add(window.skip).min(self.table.row_count() as u64) as usize;
        let data_type = self.table.schema().columns[*vector].data_type;
        let target = Expression::Literal {
            value: evaluate_scalar(target, context)?,
            data_type: target.data_type(),
        };
        let distance = Expression::Call {
            function: *metric,
            arguments: vec![Expression::Column { id: 0, data_type }, target],
            data_type: DataType::Float8,
        };
        let mut reservation = Reservation::new(context.memory);
        reservation.grow(kept * (size_of::<Neighbour>() + size_of::<RowId>()))?;
        let search = Search {
            output: self.output,
            vector: *vector,
            distance: &distance,
            filter: filter.as_ref(),
            bytes: self.table.row_count() * vector_bytes(data_type),
            kept,
        };
        let chunks: Vec<&Chunk> = self.table.chunks().collect();
        let mut found = if filter.is_none() && kept <= KEPT_SHARED_MAX {
            search.share(&chunks, context)?
        } else {
            search.scan(&chunks, context)?.into_vec()
        };
        found.sort_unstable();
        found.truncate(kept);
        let skip = usize::try_from(window.skip).unwrap_or(usize::MAX);
        Ok(found.into_iter().skip(skip).map(|neighbour| neighbour.id).collect())
    }
}

/// Bytes of vectors that are worth a helper: reading them takes several times as long as to start a thread.
const HELPER_BYTES_MIN: usize = 4 << 20;

/// Chunks of a part: a megabyte or so, so that nobody waits long for the last part.
const PART_CHUNKS: usize = 8;

/// Rows kept up to which a search is shared: each part keeps as many.
const KEPT_SHARED_MAX: usize = 1_000;

fn vector_bytes(data_type: DataType) -> usize {
    match data_type {
        DataType::Vector(Some(dimensions)) => usize::from(dimensions) * size_of::<f32>(),
        _ => 0,
    }
}

/// What is looked for.
struct Search<'s> {
    output: &'s TableOutput,
    /// Ordinal of the column of vectors.
    vector: usize,
    distance: &'s Expression,
    filter: Option<&'s Expression>,
    /// Bytes of the vectors, about.
    bytes: usize,
    /// How many rows are kept.
    kept: usize,
}

impl Search<'_> {
    /// The rows kept of each part of the chunks, with helpers if there are vectors enough.
    fn share(&self, chunks: &[&Chunk], context: &Context<'_>) -> Result<Vec<Neighbour>> {
        let helpers = Helpers::borrow((self.bytes / HELPER_BYTES_MIN).saturating_sub(1));
        if helpers.count() == 0 {
            return Ok(self.scan(chunks, context)?.into_vec());
        }
        let Context { root, parameters, interrupt, memory, .. } = *context;
        let parts: Vec<&[&Chunk]> = chunks.chunks(PART_CHUNKS).collect();
        let mut reservation = Reservation::new(memory);
        reservation.grow(parts.len() * self.kept * size_of::<Neighbour>())?;
        let found = helpers.run(&parts, |part| {
            // A distance asks for nothing else.
            let context = Context {
                root,
                parameters,
                interrupt,
                memory,
                subqueries: &NoSubqueries,
                environment: &NoEnvironment,
                reads: None,
            };
            self.scan(part, &context).map(BinaryHeap::into_vec)
        });
        found.into_iter().collect::<Result<Vec<_>>>().map(|found| found.concat())
    }

    fn scan(&self, chunks: &[&Chunk], context: &Context<'_>) -> Result<BinaryHeap<Neighbour>> {
        let mut heap = BinaryHeap::with_capacity(self.kept.min(BATCH_ROWS_MAX));
        for chunk in chunks {
            context.interrupt.check()?;
            let selection = self.selection(chunk, context)?;
            if selection.is_empty() || self.kept == 0 {
                continue;
            }
            let columns = [ColumnRef::Borrowed(chunk.column(self.vector))].into_iter().collect();
            let batch = Batch { columns, selection };
            let distances = evaluate(self.distance, &batch, context)?;
            offer(&mut heap, self.kept, chunk, &batch.selection, &distances);
        }
        Ok(heap)
    }

    fn selection(&self, chunk: &Chunk, context: &Context<'_>) -> Result<Selection> {
        match self.filter {
            None => Ok(chunk.selection()),
            Some(filter) => {
                let batch = chunk_batch(self.output, chunk, chunk.selection());
                evaluate_predicate(filter, &batch, context)
            }
        }
    }
}

/// Puts the rows that are nearer than the farthest of `kept` into the heap.
fn offer(
    heap: &mut BinaryHeap<Neighbour>,
    kept: usize,
    chunk: &Chunk,
    selection: &Selection,
    distances: &crate::storage::column::Column,
) {
    let crate::storage::column::ColumnData::Float8(values) = &distances.data else {
        unreachable!("distances are double precision");
    };
    for (place, &value) in values.iter().enumerate() {
        // Most rows are farther than what is kept already. Row ids ascend, so an equal distance is too late as well.
        if heap.len() == kept
            && let Some(Neighbour { distance: Some(farthest), .. }) = heap.peek()
            && value >= *farthest
        {
            continue;
        }
        let distance = (!distances.is_null(place)).then_some(value);
        let neighbour = Neighbour { distance, id: chunk.row_id(selection.row(place)) };
        if heap.len() < kept {
            heap.push(neighbour);
        } else if let Some(mut farthest) = heap.peek_mut()
            && neighbour < *farthest
        {
            *farthest = neighbour;
        }
    }
}

impl<'a> Operator<'a> for Nearest<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if self.found.is_none() {
            self.found = Some(self.search(context)?);
        }
        let found = self.found.as_deref().unwrap_or_default();
        let end = found.len().min(self.place + BATCH_ROWS_MAX);
        let ids = &found[self.place..end];
        self.place = end;
        Ok((!ids.is_empty()).then(|| fetch(self.output, self.table, ids)))
    }
}
