//! At most one row, by a unique key. Nothing is allocated for it: values stay on the stack, columns in their chunk.

use std::hint::black_box;

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::{evaluate_predicate, evaluate_scalar};
use crate::executor::operator::Operator;
use crate::executor::table_access::{chunk_batch, gather, index, table};
use crate::planner::plan::{Plan, PlanNode, TableOutput};
use crate::storage::IndexId;
use crate::storage::batch::{Batch, Selection};
use crate::types::{Value, ValueRef};

/// The row with the key, if there is one.
pub(super) fn seek<'a>(
    output: &TableOutput,
    index_id: IndexId,
    key: &[Expression],
    context: &Context<'a>,
) -> Result<Option<Batch<'a>>> {
    let table = table(context.root, output.table)?;
    let (index, _) = index(table, index_id)?;
    let mut values: SmallVec<[Value; 4]> = SmallVec::new();
    for expression in key {
        let value = evaluate_scalar(expression, context)?;
        if value.is_null() {
            return Ok(None);
        }
        values.push(value);
    }
    let key: SmallVec<[ValueRef<'_>; 4]> = values.iter().map(Value::as_ref).collect();
    let found = index.get_unique(&key).and_then(|id| table.find(id));
    Ok(found.map(|place| {
        if output.row_id {
            // A computed column has a value for every slot; of one row all columns are short.
            return Batch::computed(gather(output, table, &[place]), 1);
        }
        let (chunk, slot) = place;
        // The columns' values are far apart: whoever reads them one after the other would wait for each.
        let touched = output.ordinals.iter().map(|&ordinal| chunk.column(ordinal).touch(slot));
        black_box(touched.fold(0, usize::wrapping_add));
        chunk_batch(output, chunk, Selection::One(slot as u32))
    }))
}

/// [`seek`] as an operator.
pub(super) struct Seek<'a> {
    plan: Option<&'a Plan>,
}

impl<'a> Seek<'a> {
    /// `plan` is a seek.
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan: Some(plan) }
    }
}

impl<'a> Operator<'a> for Seek<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        let Some(PlanNode::Seek { output, index, key, filter }) =
            self.plan.take().map(|plan| &plan.node)
        else {
            return Ok(None);
        };
        let Some(mut batch) = seek(output, *index, key, context)? else {
            return Ok(None);
        };
        if let Some(filter) = filter {
            batch.selection = evaluate_predicate(filter, &batch, context)?;
        }
        Ok(Some(batch))
    }
}
