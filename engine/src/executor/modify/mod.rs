//! INSERT, UPDATE, DELETE: first everything is read and checked, then the table is changed in one step.
//!
//! The read phase borrows the root and collects new values and row ids, so a statement never sees its own changes. The
//! change itself is all or nothing, so a statement that fails, RETURNING included, leaves the root as it was.

mod check;
mod delete;
mod foreign;
mod insert;
mod key_reads;
mod on_conflict;
mod update;
mod violation;

pub use check::check_columns;
pub use foreign::check_referred;
pub use insert::{check_loaded, insert_columns};
pub use violation::{duplicate_key, key_text, not_present, still_referenced};

use self::key_reads::note_written;
use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::buffer::Buffer;
use crate::executor::context::{Context, SubqueryResults};
use crate::executor::environment::Environment;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::executor::operator::build;
use crate::executor::project::project;
use crate::executor::read_set::ReadSet;
use crate::executor::subquery::Subqueries;
use crate::planner::plan::{Plan, StatementPlan, StatementPlanKind};
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::change::TableChange;
use crate::storage::column::{Column, ColumnData};
use crate::storage::key::KeyRange;
use crate::storage::root::Root;
use crate::storage::table::{DuplicateKey, Table};
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
    /// The session.
    pub environment: &'e dyn Environment,
    /// Where a serializable transaction remembers what it reads.
    pub reads: Option<&'e ReadSet>,
    /// Asked before rows are changed.
    pub guard: Option<&'e dyn ChangeGuard>,
}

/// Says of rows that are about to be changed whether that can come to anything.
pub trait ChangeGuard {
    /// 40001 if somebody else has changed one of them since; `root` is as it is before the change.
    fn check(&self, root: &Root, table: TableId, change: &TableChange) -> Result<()>;

    /// The same of rows that are there and have the keys of proposed ones (ON CONFLICT). They are looked at if they may be
    /// updated; else all that counts is that nobody takes them away.
    fn check_obstacles(&self, _: TableId, _: &[RowId], _may_update: bool) -> Result<()> {
        Ok(())
    }

    /// Whether it has to be asked about rows that are only added, too.
    fn guards_inserts(&self) -> bool {
        false
    }
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
        StatementPlanKind::Insert { table, source, conflict, checks, linked, returning } => {
            let returning = returning.as_ref().map(|returning| returning.expressions.as_slice());
            let (table, conflict) = (*table, conflict.as_ref());
            let keys = linked.then_some(stamp);
            let insert =
                insert::Insert { table, source, conflict, checks, keys, returning, subqueries };
            insert.run(root, stamp, execution, sink)
        }
        StatementPlanKind::Update { table, source, ordinals, checks, linked, returning } => {
            let returning = returning.as_ref().map(|returning| returning.expressions.as_slice());
            let table = *table;
            let keys = linked.then_some(stamp);
            let update =
                update::Update { table, source, ordinals, checks, keys, returning, subqueries };
            update.run(root, stamp, execution, sink)
        }
        StatementPlanKind::Delete { table, source, linked, returning } => {
            let returning = returning.as_ref().map(|returning| returning.expressions.as_slice());
            let (table, keys) = (*table, linked.then_some(stamp));
            let delete = delete::Delete { table, source, keys, returning, subqueries };
            delete.run(root, execution, sink)
        }
        StatementPlanKind::Query { .. } => {
            Err(Error::new(SqlState::InternalError, "the statement changes nothing"))
        }
    }
}

impl<'e> Execution<'e> {
    fn guards_inserts(&self) -> bool {
        self.guard.is_some_and(ChangeGuard::guards_inserts)
    }

    /// The subqueries of the statement over `root`.
    fn subqueries<'a>(&self, plans: &'a [Plan], root: &'a Root) -> Subqueries<'a>
    where
        'e: 'a,
    {
        let Self { parameters, interrupt, memory, environment, reads, .. } = *self;
        Subqueries::new(plans, root, parameters, interrupt, memory, environment, reads)
    }

    /// For expressions of the schema, evaluated over `root`.
    fn context<'a>(&self, root: &'a Root, subqueries: &'a dyn SubqueryResults) -> Context<'a>
    where
        'e: 'a,
    {
        let Self { interrupt, memory, environment, reads, .. } = *self;
        Context { root, parameters: &[], interrupt, memory, subqueries, environment, reads }
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

/// Makes the change, or says who has changed a row since, or which key it would have doubled or broken. `keys` says
/// whether foreign keys have to do with it, and what rows that they change carry.
fn apply(
    root: &mut Root,
    table: TableId,
    change: &TableChange,
    keys: Option<Stamp>,
    execution: &Execution<'_>,
) -> Result<()> {
    match keys {
        Some(stamp) => foreign::apply_with_keys(root, table, change, stamp, execution),
        None => apply_one(root, table, change, execution),
    }
}

/// Makes the change of one table.
fn apply_one(
    root: &mut Root,
    table: TableId,
    change: &TableChange,
    execution: &Execution<'_>,
) -> Result<()> {
    if let Some(guard) = execution.guard {
        guard.check(root, table, change)?;
    }
    apply_unguarded(root, table, change, execution.reads)
}

fn apply_unguarded(
    root: &mut Root,
    table: TableId,
    change: &TableChange,
    reads: Option<&ReadSet>,
) -> Result<()> {
    let found = root.table(table).ok_or_else(stale_plan)?;
    found.check_keys(change)?;
    let table = root.table_mut(table).ok_or_else(stale_plan)?;
    table.apply(change).map_err(|duplicate| refused(table, &duplicate, reads))?;
    if let Some(reads) = reads {
        note_written(reads, table, change);
    }
    Ok(())
}

/// 23505. A serializable transaction has seen by it that the key is there.
#[cold]
fn refused(table: &Table, duplicate: &DuplicateKey, reads: Option<&ReadSet>) -> Error {
    if let Some(reads) = reads {
        let key: Vec<_> = duplicate.values.iter().map(Value::as_ref).collect();
        let range = KeyRange::prefix(table.schema(), &duplicate.index, &key);
        reads.note_presence(table.id(), duplicate.index.id, &range);
    }
    violation::duplicate_key(table.schema(), duplicate)
}

#[cold]
fn stale_plan() -> Error {
    Error::new(SqlState::InternalError, "the plan was made for another schema version")
}
