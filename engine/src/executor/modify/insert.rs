//! INSERT: one literal row goes straight into the table, anything else as columns.

use smallvec::SmallVec;

use super::check::check_columns;
use super::foreign::check_referred;
use super::key_reads::note_keys_of;
use super::on_conflict::{Upsert, obstacles};
use super::violation::not_null;
use super::{Execution, Sink, answer, apply, apply_unguarded, collect, refused, stale_plan};
use crate::binder::BoundCheck;
use crate::binder::bound::{BoundConflict, Expression};
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate_scalar;
use crate::executor::interrupt::Interrupt;
use crate::executor::read_set::ReadSet;
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::change::{InsertedRows, Stamps, TableChange};
use crate::storage::column::Column;
use crate::storage::reference::Link;
use crate::storage::root::Root;
use crate::storage::schema::ColumnDefinition;
use crate::storage::{RowId, Stamp, TableId};
use crate::types::{Value, ValueRef};

/// An INSERT.
pub(super) struct Insert<'p> {
    pub(super) table: TableId,
    pub(super) source: &'p Plan,
    pub(super) conflict: Option<&'p BoundConflict>,
    pub(super) checks: &'p [BoundCheck],
    /// Whether foreign keys have to do with it.
    pub(super) keys: Option<Stamp>,
    pub(super) returning: Option<&'p [Expression]>,
    pub(super) subqueries: &'p [Plan],
}

impl Insert<'_> {
    pub(super) fn run(
        &self,
        root: &mut Root,
        stamp: Stamp,
        execution: &Execution<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<u64> {
        if let PlanNode::Values { rows } = &self.source.node
            && let [row] = rows.as_slice()
            && self.returning.is_none()
            && self.conflict.is_none()
            && !execution.guards_inserts()
            && self.keys.is_none()
        {
            return self.insert_one(row, root, stamp, execution);
        }
        let reader = &*root;
        let subqueries = execution.subqueries(self.subqueries, reader);
        let context = subqueries.context();
        let schema = reader.table(self.table).ok_or_else(stale_plan)?.schema();
        let types: Vec<_> = schema.columns.iter().map(|column| column.data_type).collect();
        let mut buffer = collect(self.source, &types, &context)?;
        let values = std::mem::take(&mut buffer.columns);
        let rows = buffer.len();
        check_columns(schema, self.checks, &values, rows, &context)?;
        if let Some(conflict) = self.conflict {
            let table = reader.table(self.table).ok_or_else(stale_plan)?;
            if let Some(guard) = execution.guard.filter(|guard| guard.guards_inserts()) {
                // Before anything is computed from them.
                let obstacles = obstacles(conflict, table, &values, rows);
                if !obstacles.is_empty() {
                    guard.check_obstacles(self.table, &obstacles, conflict.update.is_some())?;
                }
            }
            let upsert = Upsert::run(conflict, table, &values, rows, &context)?;
            upsert.check_updated(self.checks)?;
            if let Some(returning) = self.returning {
                upsert.answer(returning, sink)?;
            }
            let written = upsert.row_count() as u64;
            let change = upsert.into_change(stamp);
            drop(buffer);
            drop(subqueries);
            if !change.is_empty() {
                apply(root, self.table, &change, self.keys, execution)?;
            }
            return Ok(written);
        }
        if let Some(returning) = self.returning {
            answer(returning, &values, rows, &context, sink)?;
        }
        drop(buffer);
        drop(subqueries);
        if rows == 0 {
            return Ok(0);
        }
        let change = addition(root, stamp, self.table, values, rows)?;
        match self.keys {
            None if !execution.guards_inserts() => {
                apply_unguarded(root, self.table, &change, execution.reads)?;
            }
            keys => apply(root, self.table, &change, keys, execution)?,
        }
        Ok(rows as u64)
    }

    /// The row `row`: no columns are built for it, and none of its values is copied before it is stored.
    fn insert_one(
        &self,
        row: &[Expression],
        root: &mut Root,
        stamp: Stamp,
        execution: &Execution<'_>,
    ) -> Result<u64> {
        let mut values: SmallVec<[Value; 8]> = SmallVec::with_capacity(row.len());
        {
            let subqueries = execution.subqueries(self.subqueries, root);
            let context = subqueries.context();
            for expression in row {
                values.push(evaluate_scalar(expression, &context)?);
            }
            if !self.checks.is_empty() {
                self.check_one(&values, &context)?;
            }
        }
        let values: SmallVec<[ValueRef<'_>; 8]> = values.iter().map(Value::as_ref).collect();
        let table = root.table_mut(self.table).ok_or_else(stale_plan)?;
        let schema = table.schema();
        for (ordinal, column) in schema.columns.iter().enumerate() {
            if column.not_null && values[ordinal].is_null() {
                return Err(not_null(schema, ordinal, &values));
            }
        }
        table.check_row_keys(&values)?;
        let id = table.draw_row_ids(1);
        table
            .insert_row(id, &values, stamp)
            .map_err(|duplicate| refused(table, &duplicate, execution.reads))?;
        if let Some(reads) = execution.reads {
            note_keys_of(reads, table, &[id], |_| true);
        }
        Ok(1)
    }

    /// NOT NULL and CHECK for one row.
    fn check_one(&self, row: &[Value], context: &Context<'_>) -> Result<()> {
        let schema = context.root.table(self.table).ok_or_else(stale_plan)?.schema();
        let column = |(definition, value): (&ColumnDefinition, &Value)| {
            Column::repeat(definition.data_type, value.as_ref(), 1)
        };
        let values: Vec<Column> = schema.columns.iter().zip(row).map(column).collect();
        check_columns(schema, self.checks, &values, 1, context)
    }
}

/// Inserts rows given as all columns of the table, by ordinal and of their types, that [`check_columns`] has found to
/// be allowed. On an error `root` has not changed.
pub fn insert_columns(
    root: &mut Root,
    stamp: Stamp,
    table: TableId,
    values: Vec<Column>,
    reads: Option<&ReadSet>,
) -> Result<u64> {
    let rows = values.first().map_or(0, Column::len);
    if rows != 0 {
        let change = addition(root, stamp, table, values, rows)?;
        apply_unguarded(root, table, &change, reads)?;
    }
    Ok(rows as u64)
}

/// 23503 for a row from `first` on that refers to none: what a load asks in its end.
pub fn check_loaded(
    root: &Root,
    table: TableId,
    first: RowId,
    interrupt: &Interrupt,
    reads: Option<&ReadSet>,
) -> Result<()> {
    let child = root.table(table).ok_or_else(stale_plan)?;
    for key in &child.schema().constraints.foreign_keys {
        let parent = root.table(key.table).ok_or_else(stale_plan)?;
        let link = Link::new(key, child, parent).ok_or_else(stale_plan)?;
        let mut from = first;
        while let Some(chunk) = child.chunk_at_or_after(from) {
            interrupt.check()?;
            for slot in chunk.selection().iter().filter(|slot| chunk.row_id(*slot) >= first) {
                check_referred(&link, chunk, slot, reads)?;
            }
            from = RowId(chunk.last().0 + 1);
        }
    }
    Ok(())
}

/// The change that adds rows.
fn addition(
    root: &Root,
    stamp: Stamp,
    table: TableId,
    values: Vec<Column>,
    rows: usize,
) -> Result<TableChange> {
    let table = root.table(table).ok_or_else(stale_plan)?;
    let first = table.draw_row_ids(rows).0;
    let ids = (first..first + rows as u64).map(RowId).collect();
    let stamps = Stamps::One(stamp);
    Ok(TableChange {
        inserted: Some(InsertedRows { ids, values, stamps }),
        ..TableChange::default()
    })
}
