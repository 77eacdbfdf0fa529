//! At most one row, by a unique key. Nothing is allocated for it: values stay on the stack, columns in their chunk.

use std::hint::black_box;

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::{evaluate_predicate, evaluate_scalar};
use crate::executor::operator::Operator;
use crate::executor::table_access::{gather, index, table};
use crate::planner::plan::{Plan, PlanNode, TableOutput};
use crate::storage::IndexId;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::chunk::Chunk;
use crate::storage::key::KeyRange;
use crate::storage::schema::IndexDefinition;
use crate::storage::table::Table;
use crate::types::{Value, ValueRef};

/// The chunk and slot of the row with the key, if there is one.
#[expect(
    clippy::inline_always,
    reason = "what lies between the index and the columns has to fit the processor's window"
)]
#[inline(always)]
pub(super) fn find<'a>(
    output: &TableOutput,
    index_id: IndexId,
    key: &[Expression],
    context: &Context<'a>,
) -> Result<Option<(&'a Table, &'a Chunk, usize)>> {
    let table = table(context.root, output.table)?;
    let (index, definition) = index(table, index_id)?;
    let id = if let [only] = key {
        let value = evaluate_scalar(only, context)?;
        if value.is_null() {
            None
        } else {
            note(context, table, definition, &[value.as_ref()]);
            index.get_unique(&[value.as_ref()])
        }
    } else {
        let values: SmallVec<[Value; 4]> =
            key.iter().map(|part| evaluate_scalar(part, context)).collect::<Result<_>>()?;
        let parts: SmallVec<[ValueRef<'_>; 4]> = values.iter().map(Value::as_ref).collect();
        if values.iter().any(Value::is_null) {
            None
        } else {
            note(context, table, definition, &parts);
            index.get_unique(&parts)
        }
    };
    Ok(id.and_then(|id| table.find(id)).map(|(chunk, slot)| (table, chunk, slot)))
}

/// Remembers the key for a serializable transaction.
#[inline]
pub(super) fn note(
    context: &Context<'_>,
    table: &Table,
    definition: &IndexDefinition,
    key: &[ValueRef<'_>],
) {
    if let Some(reads) = context.reads {
        let range = KeyRange::prefix(table.schema(), definition, key);
        reads.note_keys(table.id(), definition.id, &range);
    }
}

/// The row in a slot of a chunk.
#[expect(clippy::inline_always, reason = "the batch is not moved")]
#[inline(always)]
pub(super) fn row<'a>(
    output: &TableOutput,
    (table, chunk, slot): (&'a Table, &'a Chunk, usize),
) -> Batch<'a> {
    if output.row_id {
        // A computed column has a value for every slot; of one row all columns are short.
        return Batch::computed(gather(output, table, &[(chunk, slot)]), 1);
    }
    // The columns and their values are far apart: whoever reads them one after the other would wait for each.
    let values = output.ordinals.iter().map(|&ordinal| chunk.column(ordinal).touch(slot));
    black_box(values.fold(0, usize::wrapping_add));
    // Filled in place: collected or returned from a call, it would be copied each time.
    let mut columns = SmallVec::new();
    for &ordinal in &output.ordinals {
        columns.push(ColumnRef::Borrowed(chunk.column(ordinal)));
    }
    Batch { columns, selection: Selection::One(slot as u32) }
}

/// [`find`] as an operator.
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
        let Some(found) = find(output, *index, key, context)? else {
            return Ok(None);
        };
        let mut batch = row(output, found);
        if let Some(filter) = filter {
            batch.selection = evaluate_predicate(filter, &batch, context)?;
        }
        Ok(Some(batch))
    }
}
