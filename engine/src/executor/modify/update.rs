//! UPDATE: new values of some columns for rows found by their ids.

use hashbrown::HashSet;

use super::check::NewRows;
use super::{Execution, Sink, answer, apply, collect, row_ids, stale_plan};
use crate::binder::BoundCheck;
use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::planner::plan::Plan;
use crate::storage::batch::ColumnRef;
use crate::storage::change::{Stamps, TableChange, UpdatedRows};
use crate::storage::column::Column;
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp, TableId};
use crate::types::ValueRef;

/// An UPDATE.
pub(super) struct Update<'p> {
    pub(super) table: TableId,
    pub(super) source: &'p Plan,
    pub(super) ordinals: &'p [usize],
    pub(super) checks: &'p [BoundCheck],
    /// Whether foreign keys have to do with it.
    pub(super) keys: Option<Stamp>,
    pub(super) returning: Option<&'p [Expression]>,
    pub(super) subqueries: &'p [Plan],
}

impl Update<'_> {
    pub(super) fn run(
        &self,
        root: &mut Root,
        stamp: Stamp,
        execution: &Execution<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<u64> {
        let reader = &*root;
        let subqueries = execution.subqueries(self.subqueries, reader);
        let context = subqueries.context();
        let table = reader.table(self.table).ok_or_else(stale_plan)?;
        let mut buffer = collect(self.source, &self.source.types, &context)?;
        if let Some(rows) = first_of_each(&row_ids(&buffer.columns[0])) {
            buffer.keep(&rows)?;
        }
        let mut values = std::mem::take(&mut buffer.columns);
        let ids = row_ids(&values.remove(0));
        let changed = ChangedRows { table, ordinals: self.ordinals, ids: &ids, values: &values };
        changed.check(self.checks, &context)?;
        if ids.is_empty() {
            return Ok(0);
        }
        if let Some(returning) = self.returning {
            let columns = whole_rows(table, self.ordinals, &ids, &values);
            answer(returning, &columns, ids.len(), &context, sink)?;
        }
        drop(buffer);
        drop(subqueries);
        let rows = ids.len() as u64;
        let stamps = Stamps::One(stamp);
        let updated = UpdatedRows { ids, ordinals: self.ordinals.to_vec(), values, stamps };
        let change = TableChange { updated: Some(updated), ..TableChange::default() };
        apply(root, self.table, &change, self.keys, execution)?;
        Ok(rows)
    }
}

/// Rows that are there with new values of some columns.
pub(super) struct ChangedRows<'r> {
    pub(super) table: &'r Table,
    /// The columns that are written.
    pub(super) ordinals: &'r [usize],
    pub(super) ids: &'r [RowId],
    /// A column for each of the ordinals, a row for each of the ids.
    pub(super) values: &'r [Column],
}

impl ChangedRows<'_> {
    /// 23502 or 23514 for the first row that would not be allowed.
    pub(super) fn check(&self, checks: &[BoundCheck], context: &Context<'_>) -> Result<()> {
        let Self { table, ordinals, ids, values } = *self;
        let rows = NewRows { schema: table.schema(), ordinals, values, rows: ids.len() };
        let stored = |ordinal| ColumnRef::owned(stored_values(table, ordinal, ids));
        let row = |row| whole_row(table, ordinals, ids[row], values, row);
        rows.check(checks, context, stored, row)
    }
}

/// One column of rows that are there.
fn stored_values(table: &Table, ordinal: usize, ids: &[RowId]) -> Column {
    let data_type = table.schema().columns[ordinal].data_type;
    let mut column = Column::with_capacity(data_type, ids.len());
    for (chunk, slot) in ids.iter().filter_map(|&id| table.find(id)) {
        column.push_from(chunk.column(ordinal), slot);
    }
    column
}

/// One row as it will be: `values`, in which it is the `row`-th, are those of `ordinals`.
pub(super) fn whole_row<'v>(
    table: &'v Table,
    ordinals: &[usize],
    id: RowId,
    values: &'v [Column],
    row: usize,
) -> Vec<ValueRef<'v>> {
    (0..table.schema().columns.len())
        .map(|ordinal| match ordinals.iter().position(|assigned| *assigned == ordinal) {
            Some(place) => values[place].get(row),
            None => table
                .find(id)
                .map_or(ValueRef::Null, |(chunk, slot)| chunk.column(ordinal).get(slot)),
        })
        .collect()
}

/// All columns of the rows as they will be.
pub(super) fn whole_rows(
    table: &Table,
    ordinals: &[usize],
    ids: &[RowId],
    values: &[Column],
) -> Vec<Column> {
    let column = |ordinal| match ordinals.iter().position(|assigned| *assigned == ordinal) {
        Some(place) => values[place].clone(),
        None => stored_values(table, ordinal, ids),
    };
    (0..table.schema().columns.len()).map(column).collect()
}

/// Where each row first comes, if one comes twice: a join may find it several times, and then any one counts.
fn first_of_each(ids: &[RowId]) -> Option<Vec<u32>> {
    if ids.is_sorted_by(|left, right| left < right) {
        return None;
    }
    let mut seen = HashSet::with_capacity(ids.len());
    let first: Vec<u32> =
        (0..ids.len() as u32).filter(|&place| seen.insert(ids[place as usize])).collect();
    (first.len() < ids.len()).then_some(first)
}
