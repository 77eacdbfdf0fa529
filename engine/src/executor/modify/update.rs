//! UPDATE: new values of some columns for rows found by their ids.

use hashbrown::HashSet;

use super::violation::check_not_null;
use super::{Execution, Sink, answer, apply, collect, row_ids, stale_plan};
use crate::binder::bound::Expression;
use crate::error::Result;
use crate::planner::plan::Plan;
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
        check_not_null(table.schema(), self.ordinals.iter().copied(), &values, |row| {
            self.whole_row(table, ids[row], &values, row)
        })?;
        if ids.is_empty() {
            return Ok(0);
        }
        if let Some(returning) = self.returning {
            let columns = self.whole_rows(table, &ids, &values);
            answer(returning, &columns, ids.len(), &context, sink)?;
        }
        drop(buffer);
        drop(subqueries);
        let rows = ids.len() as u64;
        let stamps = Stamps::One(stamp);
        let updated = UpdatedRows { ids, ordinals: self.ordinals.to_vec(), values, stamps };
        let change = TableChange { updated: Some(updated), ..TableChange::default() };
        apply(root, self.table, &change)?;
        Ok(rows)
    }

    /// One row as it will be.
    fn whole_row<'v>(
        &self,
        table: &'v Table,
        id: RowId,
        values: &'v [Column],
        row: usize,
    ) -> Vec<ValueRef<'v>> {
        (0..table.schema().columns.len())
            .map(|ordinal| match self.ordinals.iter().position(|assigned| *assigned == ordinal) {
                Some(place) => values[place].get(row),
                None => table
                    .find(id)
                    .map_or(ValueRef::Null, |(chunk, slot)| chunk.column(ordinal).get(slot)),
            })
            .collect()
    }

    /// All columns of the rows as they will be.
    fn whole_rows(&self, table: &Table, ids: &[RowId], values: &[Column]) -> Vec<Column> {
        let schema = table.schema();
        let mut columns = Vec::with_capacity(schema.columns.len());
        for (ordinal, definition) in schema.columns.iter().enumerate() {
            if let Some(place) = self.ordinals.iter().position(|assigned| *assigned == ordinal) {
                columns.push(values[place].clone());
                continue;
            }
            let mut column = Column::with_capacity(definition.data_type, ids.len());
            for (chunk, slot) in ids.iter().filter_map(|&id| table.find(id)) {
                column.push_from(chunk.column(ordinal), slot);
            }
            columns.push(column);
        }
        columns
    }
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
