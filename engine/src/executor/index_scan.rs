//! Rows in the order of an index.

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::{evaluate_predicate, evaluate_scalar};
use crate::executor::operator::Operator;
use crate::executor::table_access::{fetch, index, table};
use crate::limits::BATCH_ROWS_MAX;
use crate::planner::plan::{IndexRange, TableOutput};
use crate::storage::IndexId;
use crate::storage::batch::Batch;
use crate::storage::index::{Index, RangeCursor};
use crate::storage::key::{KeyBound, KeyRange};
use crate::storage::root::Root;
use crate::storage::schema::IndexDefinition;
use crate::storage::table::Table;
use crate::types::{Value, ValueRef};

/// Rows of the first batch: a LIMIT above may want no more. Each further one is twice as large.
const FIRST_BATCH_ROWS: usize = 16;

/// A walk along an index.
pub(super) struct IndexScan<'a> {
    table: &'a Table,
    index: &'a Index,
    definition: &'a IndexDefinition,
    output: &'a TableOutput,
    range: &'a IndexRange,
    reverse: bool,
    filter: Option<&'a Expression>,
    cursor: Option<RangeCursor<'a>>,
    batch_rows: usize,
}

impl<'a> IndexScan<'a> {
    pub(super) fn new(
        root: &'a Root,
        output: &'a TableOutput,
        index_id: IndexId,
        range: &'a IndexRange,
        reverse: bool,
        filter: Option<&'a Expression>,
    ) -> Result<Self> {
        let table = table(root, output.table)?;
        let (index, definition) = index(table, index_id)?;
        Ok(Self {
            table,
            index,
            definition,
            output,
            range,
            reverse,
            filter,
            cursor: None,
            batch_rows: FIRST_BATCH_ROWS,
        })
    }

    /// The run of keys to walk; None where a comparison with NULL finds nothing.
    fn key_range(&self, context: &Context<'a>) -> Result<Option<KeyRange>> {
        let mut equal: SmallVec<[Value; 4]> = SmallVec::new();
        for expression in &self.range.equal {
            equal.push(evaluate_scalar(expression, context)?);
        }
        let lower = bound_value(self.range.lower.as_ref(), context)?;
        let upper = bound_value(self.range.upper.as_ref(), context)?;
        let bounds = [&lower, &upper].into_iter().flatten().map(|(value, _)| value);
        if equal.iter().chain(bounds).any(Value::is_null) {
            return Ok(None);
        }
        let prefix: SmallVec<[ValueRef<'_>; 4]> = equal.iter().map(Value::as_ref).collect();
        let schema = self.table.schema();
        let bounded = lower.is_some() || upper.is_some() || self.range.not_null;
        Ok(Some(if bounded {
            let (lower, upper) = (key_bound(lower.as_ref()), key_bound(upper.as_ref()));
            KeyRange::between(schema, self.definition, &prefix, lower, upper)
        } else if prefix.is_empty() {
            KeyRange::all()
        } else {
            KeyRange::prefix(schema, self.definition, &prefix)
        }))
    }
}

fn bound_value(
    bound: Option<&(Expression, bool)>,
    context: &Context<'_>,
) -> Result<Option<(Value, bool)>> {
    bound
        .map(|(expression, included)| Ok((evaluate_scalar(expression, context)?, *included)))
        .transpose()
}

fn key_bound(bound: Option<&(Value, bool)>) -> KeyBound<'_> {
    match bound {
        None => KeyBound::Unbounded,
        Some((value, true)) => KeyBound::Included(value.as_ref()),
        Some((value, false)) => KeyBound::Excluded(value.as_ref()),
    }
}

impl<'a> Operator<'a> for IndexScan<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if self.cursor.is_none() {
            let Some(range) = self.key_range(context)? else { return Ok(None) };
            if let Some(reads) = context.reads {
                reads.note_keys(self.table.id(), self.definition.id, &range);
            }
            self.cursor = Some(self.index.range(&range, self.reverse));
        }
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let mut ids = Vec::with_capacity(self.batch_rows);
        loop {
            context.interrupt.check()?;
            ids.clear();
            if cursor.next_rows(&mut ids, self.batch_rows) == 0 {
                return Ok(None);
            }
            self.batch_rows = (self.batch_rows * 2).min(BATCH_ROWS_MAX);
            let mut batch = fetch(self.output, self.table, &ids);
            if let Some(filter) = self.filter {
                batch.selection = evaluate_predicate(filter, &batch, context)?;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }
}
