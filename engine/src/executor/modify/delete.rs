//! DELETE: rows found by their ids.

use super::{Execution, Sink, answer, apply, collect, row_ids, stale_plan};
use crate::binder::bound::Expression;
use crate::error::Result;
use crate::planner::plan::Plan;
use crate::storage::change::TableChange;
use crate::storage::column::Column;
use crate::storage::root::Root;
use crate::storage::{Stamp, TableId};

/// A DELETE.
pub(super) struct Delete<'p> {
    pub(super) table: TableId,
    pub(super) source: &'p Plan,
    /// Whether foreign keys have to do with it.
    pub(super) keys: Option<Stamp>,
    pub(super) returning: Option<&'p [Expression]>,
    pub(super) subqueries: &'p [Plan],
}

impl Delete<'_> {
    pub(super) fn run(
        &self,
        root: &mut Root,
        execution: &Execution<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<u64> {
        let reader = &*root;
        let subqueries = execution.subqueries(self.subqueries, reader);
        let context = subqueries.context();
        let table = reader.table(self.table).ok_or_else(stale_plan)?;
        let buffer = collect(self.source, &self.source.types, &context)?;
        let mut deleted = row_ids(&buffer.columns[0]);
        // A join may find a row several times.
        if !deleted.is_sorted_by(|left, right| left < right) {
            deleted.sort_unstable();
            deleted.dedup();
        }
        if deleted.is_empty() {
            return Ok(0);
        }
        if let Some(returning) = self.returning {
            let mut columns = Vec::with_capacity(table.schema().columns.len());
            for (ordinal, definition) in table.schema().columns.iter().enumerate() {
                let mut column = Column::with_capacity(definition.data_type, deleted.len());
                for (chunk, slot) in deleted.iter().filter_map(|&id| table.find(id)) {
                    column.push_from(chunk.column(ordinal), slot);
                }
                columns.push(column);
            }
            answer(returning, &columns, deleted.len(), &context, sink)?;
        }
        drop(buffer);
        drop(subqueries);
        let change = TableChange { deleted, ..TableChange::default() };
        apply(root, self.table, &change, self.keys, execution)?;
        Ok(change.deleted.len() as u64)
    }
}
