//! INSERT: one literal row goes straight into the table, anything else as columns.

use smallvec::SmallVec;

use super::violation::{check_not_null, duplicate_key, not_null};
use super::{Execution, Sink, answer, apply, collect, stale_plan};
use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::expression::evaluate_scalar;
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::change::{InsertedRows, Stamps, TableChange};
use crate::storage::column::Column;
use crate::storage::root::Root;
use crate::storage::schema::Schema;
use crate::storage::{RowId, Stamp, TableId};
use crate::types::{Value, ValueRef};

/// An INSERT.
pub(super) struct Insert<'p> {
    pub(super) table: TableId,
    pub(super) source: &'p Plan,
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
        check_rows(schema, &values)?;
        if let Some(returning) = self.returning {
            answer(returning, &values, rows, &context, sink)?;
        }
        drop(buffer);
        drop(subqueries);
        add_rows(root, stamp, self.table, values, rows)
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
            .map_err(|duplicate| duplicate_key(table.schema(), &duplicate))?;
        Ok(1)
    }
}

/// Inserts rows given as all columns of the table, by ordinal and of their types. On an error `root` has not
/// changed.
pub fn insert_columns(
    root: &mut Root,
    stamp: Stamp,
    table: TableId,
    values: Vec<Column>,
) -> Result<u64> {
    let rows = values.first().map_or(0, Column::len);
    check_rows(root.table(table).ok_or_else(stale_plan)?.schema(), &values)?;
    add_rows(root, stamp, table, values, rows)
}

fn check_rows(schema: &Schema, values: &[Column]) -> Result<()> {
    check_not_null(schema, 0..values.len(), values, |row| {
        values.iter().map(|column| column.get(row)).collect()
    })
}

fn add_rows(
    root: &mut Root,
    stamp: Stamp,
    table_id: TableId,
    values: Vec<Column>,
    rows: usize,
) -> Result<u64> {
    if rows == 0 {
        return Ok(0);
    }
    let table = root.table(table_id).ok_or_else(stale_plan)?;
    let first = table.draw_row_ids(rows).0;
    let ids = (first..first + rows as u64).map(RowId).collect();
    let stamps = Stamps::One(stamp);
    let change = TableChange {
        inserted: Some(InsertedRows { ids, values, stamps }),
        ..TableChange::default()
    };
    apply(root, table_id, &change)?;
    Ok(rows as u64)
}
