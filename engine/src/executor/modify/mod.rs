//! INSERT, UPDATE, DELETE: first everything is read and checked, then the table is changed in one step.
//!
//! The read phase borrows the root and collects new values and row ids, so a statement never sees its own changes. The
//! change itself is all or nothing, so a statement that fails, RETURNING included, leaves the root as it was.

mod delete;
mod insert;
mod update;
mod violation;

pub use insert::insert_columns;
pub use violation::{duplicate_key, key_text};

use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::buffer::Buffer;
use crate::executor::context::Context;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::executor::operator::build;
use crate::executor::project::project;
use crate::executor::subquery::Subqueries;
use crate::planner::plan::{Plan, StatementPlan, StatementPlanKind};
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::change::TableChange;
use crate::storage::column::{Column, ColumnData};
use crate::storage::root::Root;
use crate::storage::{RowId, Stamp, TableId};
use crate::types::{DataType, Value};

/// What an executing statement carries along, root aside: a changing one borrows its root twice, to read and to write.
#[derive(Clone, Copy)]
pub struct Execution<'e> {
    /// Values of $1, $2, ..., each NULL or of the type that the binder inferred.
    pub parameters: &'e [Value],
    /// Cancel flag and deadline.
    pub interrupt: &'e Interrupt,
    /// The statement's memory.
    pub memory: &'e MemoryBudget,
}

/// Where the rows of a statement go.
pub type Sink<'s> = dyn FnMut(&Batch<'_>) -> Result<()> + 's;

/// Runs a statement that answers rows and changes nothing.
pub fn query(
    statement: &StatementPlan,
    root: &Root,
    execution: &Execution<'_>,
    sink: &mut Sink<'_>,
) -> Result<u64> {
    let StatementPlanKind::Query { plan, .. } = &statement.kind else {
        return Err(Error::new(SqlState::InternalError, "the statement changes rows"));
    };
    let subqueries = execution.subqueries(&statement.subqueries, root);
    super::run(plan, &subqueries.context(), sink)
}

/// Runs a statement that changes rows, which then carry `stamp`; RETURNING goes to `sink` before the change is made.
/// Answers the number of rows changed. On an error `root` has not changed.
pub fn modify(
    statement: &StatementPlan,
    root: &mut Root,
    stamp: Stamp,
    execution: &Execution<'_>,
    sink: &mut Sink<'_>,
) -> Result<u64> {
    let subqueries = &statement.subqueries;
    match &statement.kind {
        StatementPlanKind::Insert { table, source, returning } => {
            let returning = returning.as_ref().map(|returning| returning.expressions.as_slice());
            let insert = insert::Insert { table: *table, source, returning, subqueries };
            insert.run(root, stamp, execution, sink)
        }
        StatementPlanKind::Update { table, source, ordinals, returning } => {
            let returning = returning.as_ref().map(|returning| returning.expressions.as_slice());
            let update = update::Update { table: *table, source, ordinals, returning, subqueries };
            update.run(root, stamp, execution, sink)
        }
        StatementPlanKind::Delete { table, source, returning } => {
            let returning = returning.as_ref().map(|returning| returning.expressions.as_slice());
            let delete = delete::Delete { table: *table, source, returning, subqueries };
            delete.run(root, execution, sink)
        }
        StatementPlanKind::Query { .. } => {
            Err(Error::new(SqlState::InternalError, "the statement changes nothing"))
        }
    }
}

impl<'e> Execution<'e> {
    /// The subqueries of the statement over `root`.
    fn subqueries<'a>(&self, plans: &'a [Plan], root: &'a Root) -> Subqueries<'a>
    where
        'e: 'a,
    {
        Subqueries::new(plans, root, self.parameters, self.interrupt, self.memory)
    }
}

/// All rows of `source`.
fn collect<'a>(source: &'a Plan, types: &[DataType], context: &Context<'a>) -> Result<Buffer<'a>> {
    let mut buffer = Buffer::new(types, context.memory);
    let mut operator = build(source, context)?;
    while let Some(batch) = operator.next(context)? {
        context.interrupt.check()?;
        buffer.append(&batch)?;
    }
    Ok(buffer)
}

/// The row ids in a column of them.
fn row_ids(column: &Column) -> Vec<RowId> {
    match &column.data {
        ColumnData::Int8(ids) => ids.iter().map(|&id| RowId(id as u64)).collect(),
        _ => unreachable!("row ids are bigints"),
    }
}

/// Gives RETURNING over whole rows of the table to `sink`.
fn answer(
    returning: &[Expression],
    columns: &[Column],
    rows: usize,
    context: &Context<'_>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let columns = columns.iter().map(ColumnRef::Borrowed).collect();
    let batch = Batch { columns, selection: Selection::All(rows) };
    sink(&project(returning, &batch, context)?)
}

/// Makes the change, or says which key it would have doubled.
fn apply(root: &mut Root, table: TableId, change: &TableChange) -> Result<()> {
    let found = root.table(table).ok_or_else(stale_plan)?;
    found.check_keys(change)?;
    let table = root.table_mut(table).ok_or_else(stale_plan)?;
    table.apply(change).map_err(|duplicate| violation::duplicate_key(table.schema(), &duplicate))
}

#[cold]
fn stale_plan() -> Error {
    Error::new(SqlState::InternalError, "the plan was made for another schema version")
}
