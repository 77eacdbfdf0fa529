//! A join that looks up the inner rows of each outer row in an index.

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::hash_join::evaluate_all;
use crate::executor::join_output::{JoinOutput, Pairs};
use crate::executor::operator::{BoxOperator, Operator};
use crate::executor::seek;
use crate::executor::table_access::{gather, index, table};
use crate::limits::{BATCH_ROWS_MAX, INTERRUPT_CHECK_ROWS};
use crate::planner::plan::{Plan, PlanNode, TableOutput};
use crate::storage::RowId;
use crate::storage::batch::{Batch, ColumnRef};
use crate::storage::chunk::Chunk;
use crate::storage::column::Column;
use crate::storage::index::{Index, RangeCursor};
use crate::storage::key::KeyRange;
use crate::storage::root::Root;
use crate::storage::schema::IndexDefinition;
use crate::storage::table::Table;
use crate::types::ValueRef;

/// An index join, inner or left.
pub(super) struct IndexJoin<'a> {
    outer: BoxOperator<'a>,
    keys: &'a [Expression],
    inner: Inner<'a>,
    output: JoinOutput<'a>,
    current: Option<Probe<'a>>,
}

/// The table that is looked into.
struct Inner<'a> {
    table: &'a Table,
    index: &'a Index,
    definition: &'a IndexDefinition,
    output: &'a TableOutput,
    /// Whether the keys are all columns of a unique index.
    is_unique: bool,
}

/// An outer batch and how far it has been joined.
struct Probe<'a> {
    batch: Batch<'a>,
    keys: Vec<Column>,
    place: usize,
    cursor: Option<RangeCursor<'a>>,
}

impl<'a> IndexJoin<'a> {
    /// `plan` is an index join.
    pub(super) fn new(plan: &'a Plan, outer: BoxOperator<'a>, root: &'a Root) -> Result<Self> {
        let PlanNode::IndexJoin { kind, outer: outer_plan, output, index: id, keys, residual } =
            &plan.node
        else {
            unreachable!("the plan is an index join");
        };
        let table = table(root, output.table)?;
        let (index, definition) = index(table, *id)?;
        let is_unique = definition.unique && keys.len() == definition.columns.len();
        let (outer_types, inner_types) = plan.types.split_at(outer_plan.types.len());
        Ok(Self {
            outer,
            keys,
            inner: Inner { table, index, definition, output, is_unique },
            output: JoinOutput::new(*kind, residual.as_ref(), outer_types, inner_types),
            current: None,
        })
    }

    fn next_probe(&mut self, context: &Context<'a>) -> Result<Option<Probe<'a>>> {
        let Some(batch) = self.outer.next(context)? else { return Ok(None) };
        let keys = evaluate_all(self.keys, &batch, context)?.into_iter().map(ColumnRef::into_owned);
        let keys = keys.collect();
        self.output.begin_left(batch.len());
        Ok(Some(Probe { batch, keys, place: 0, cursor: None }))
    }
}

impl<'a> Inner<'a> {
    /// Pairs of the probe's next rows with the places of their partners, about a batch of them.
    fn pairs(
        &self,
        probe: &mut Probe<'a>,
        context: &Context<'_>,
    ) -> Result<(Pairs, Vec<(&'a Chunk, usize)>)> {
        let mut pairs = Pairs::default();
        let mut places = Vec::new();
        let mut ids: Vec<RowId> = Vec::new();
        let rows = probe.batch.len();
        while probe.place < rows && places.len() < BATCH_ROWS_MAX {
            if probe.place.is_multiple_of(INTERRUPT_CHECK_ROWS) {
                context.interrupt.check()?;
            }
            ids.clear();
            let is_done = self.lookup(probe, BATCH_ROWS_MAX - places.len(), &mut ids, context);
            for place in ids.iter().filter_map(|&id| self.table.find(id)) {
                pairs.push(probe.place, places.len() as u32);
                places.push(place);
            }
            if is_done {
                probe.place += 1;
            }
        }
        Ok((pairs, places))
    }

    /// Appends up to `max` further inner rows of the probe's current row; tells whether there are no more.
    fn lookup(
        &self,
        probe: &mut Probe<'a>,
        max: usize,
        ids: &mut Vec<RowId>,
        context: &Context<'_>,
    ) -> bool {
        let Probe { keys, place, cursor, .. } = probe;
        if cursor.is_none() {
            let key: SmallVec<[ValueRef<'_>; 4]> = keys.iter().map(|key| key.get(*place)).collect();
            // A NULL equals nothing.
            if key.iter().any(|value| value.is_null()) {
                return true;
            }
            seek::note(context, self.table, self.definition, &key);
            if self.is_unique {
                ids.extend(self.index.get_unique(&key));
                return true;
            }
            let range = KeyRange::prefix(self.table.schema(), self.definition, &key);
            *cursor = Some(self.index.range(&range, false));
        }
        let found = cursor.as_mut().map_or(0, |cursor| cursor.next_rows(ids, max));
        let is_done = found < max;
        if is_done {
            *cursor = None;
        }
        is_done
    }
}

impl<'a> Operator<'a> for IndexJoin<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        loop {
            let Some(mut probe) = self.current.take() else {
                match self.next_probe(context)? {
                    Some(probe) => self.current = Some(probe),
                    None => return Ok(None),
                }
                continue;
            };
            let (pairs, places) = self.inner.pairs(&mut probe, context)?;
            if pairs.len() == 0 {
                if let Some(batch) = self.output.unmatched_left(&probe.batch) {
                    return Ok(Some(batch));
                }
                continue;
            }
            let inner = gather(self.inner.output, self.inner.table, &places);
            let joined = self.output.join(&probe.batch, &pairs, inner, context)?;
            self.current = Some(probe);
            if !joined.is_empty() {
                return Ok(Some(joined));
            }
        }
    }
}
