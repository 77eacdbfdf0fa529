//! Rows in the order of an index.

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::expression::{evaluate_predicate, evaluate_scalar};
use crate::executor::operator::Operator;
use crate::executor::scan::Scan;
use crate::executor::table_access::{fetch, index, table};
use crate::limits::BATCH_ROWS_MAX;
use crate::planner::COSTED_ROWS_MIN;
use crate::planner::plan::{IndexRange, Plan, PlanNode, TableOutput, WholeScan};
use crate::storage::RowId;
use crate::storage::batch::Batch;
use crate::storage::index::{Index, RangeCursor};
use crate::storage::key::{KeyBound, KeyRange};
use crate::storage::root::Root;
use crate::storage::schema::IndexDefinition;
use crate::storage::table::Table;
use crate::types::{Value, ValueRef};

/// Rows of the first batch: a LIMIT above may want no more. Each further one is twice as large.
const FIRST_BATCH_ROWS: usize = 16;

/// Rows that are followed before it is asked how long the run is: whoever wants a few (LIMIT, EXISTS) has them by then.
const FOLLOWED_ROWS: usize = 240;

/// A walk along an index.
pub(super) struct IndexScan<'a> {
    table: &'a Table,
    index: &'a Index,
    definition: &'a IndexDefinition,
    output: &'a TableOutput,
    range: &'a IndexRange,
    reverse: bool,
    filter: Option<&'a Expression>,
    /// What may be done instead, as long as that is not decided.
    whole: Option<&'a WholeScan>,
    /// The rows that were followed until then.
    followed: Vec<RowId>,
    walk: Walk<'a>,
    batch_rows: usize,
}

/// Where it stands.
enum Walk<'a> {
    /// Nothing is read yet.
    Begin,
    Index(RangeCursor<'a>),
    /// The run is long.
    Table(Scan<'a>),
}

impl<'a> IndexScan<'a> {
    /// `plan` is an index scan.
    pub(super) fn new(root: &'a Root, plan: &'a Plan) -> Result<Self> {
        let PlanNode::IndexScan { output, index: id, range, reverse, filter, whole } = &plan.node
        else {
            return Err(Error::new(SqlState::InternalError, "not an index scan"));
        };
        let table = table(root, output.table)?;
        let (index, definition) = index(table, *id)?;
        Ok(Self {
            table,
            index,
            definition,
            output,
            range,
            reverse: *reverse,
            filter: filter.as_ref(),
            whole: whole.as_ref(),
            followed: Vec::new(),
            walk: Walk::Begin,
            batch_rows: FIRST_BATCH_ROWS,
        })
    }

    /// Once some rows were followed and more are wanted: reads the table instead if so much of the run is left that this
    /// costs less, but for the rows that were.
    fn decide(&mut self) {
        let Walk::Index(cursor) = &self.walk else { return };
        let Some(whole) = self.whole.filter(|_| self.followed.len() >= FOLLOWED_ROWS) else {
            return;
        };
        let rows = (self.table.row_count() as f64).max(COSTED_ROWS_MIN);
        let followed = std::mem::take(&mut self.followed);
        if cursor.clone().is_longer_than((rows * whole.share) as usize) {
            self.walk = Walk::Table(Scan::in_place(self.table, self.output, whole, followed));
        }
        self.whole = None;
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
        if let Walk::Begin = self.walk {
            let Some(range) = self.key_range(context)? else { return Ok(None) };
            if let Some(reads) = context.reads {
                reads.note_keys(self.table.id(), self.definition.id, &range);
            }
            self.walk = Walk::Index(self.index.range(&range, self.reverse));
        }
        let mut ids = Vec::with_capacity(self.batch_rows);
        loop {
            context.interrupt.check()?;
            self.decide();
            let cursor = match &mut self.walk {
                Walk::Begin => return Ok(None),
                Walk::Index(cursor) => cursor,
                Walk::Table(scan) => return scan.next(context),
            };
            ids.clear();
            let count = cursor.next_rows(&mut ids, self.batch_rows);
            if count == 0 {
                return Ok(None);
            }
            // A batch that is not full is the last.
            let may_go_on = count == self.batch_rows;
            self.batch_rows = (self.batch_rows * 2).min(BATCH_ROWS_MAX);
            if self.whole.is_some() && may_go_on {
                self.followed.extend_from_slice(&ids);
            }
            let mut batch = fetch(self.output, self.table, &ids);
            if let Some(filter) = self.filter {
                batch.selection = evaluate_predicate(filter, &batch, context)?;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    fn reads_whole_table(&self) -> bool {
        matches!(self.walk, Walk::Table(_))
    }
}
