//! Rows of a table as batches: a chunk's columns borrowed, or rows from all over gathered.

use smallvec::SmallVec;

use crate::error::{Error, Result, SqlState};
use crate::planner::plan::TableOutput;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::chunk::Chunk;
use crate::storage::column::{Column, ColumnData};
use crate::storage::index::Index;
use crate::storage::root::Root;
use crate::storage::schema::IndexDefinition;
use crate::storage::table::Table;
use crate::storage::{IndexId, RowId, TableId};

/// The table of a plan.
pub(super) fn table(root: &Root, id: TableId) -> Result<&Table> {
    root.table(id).map(AsRef::as_ref).ok_or_else(stale_plan)
}

/// An index of a plan, with its definition.
pub(super) fn index(table: &Table, id: IndexId) -> Result<(&Index, &IndexDefinition)> {
    let definition = table.schema().index(id).ok_or_else(stale_plan)?;
    Ok((table.index(id).ok_or_else(stale_plan)?, definition))
}

/// A plan is only run on roots of the schema version that it was made for.
#[cold]
fn stale_plan() -> Error {
    Error::new(SqlState::InternalError, "the plan was made for another schema version")
}

/// Rows of one chunk; its columns are borrowed.
pub(super) fn chunk_batch<'a>(
    output: &TableOutput,
    chunk: &'a Chunk,
    selection: Selection,
) -> Batch<'a> {
    let mut columns: SmallVec<[ColumnRef<'a>; 8]> =
        output.ordinals.iter().map(|&ordinal| ColumnRef::Borrowed(chunk.column(ordinal))).collect();
    if output.row_id {
        let ids = (0..chunk.rows()).map(|slot| chunk.row_id(slot).0 as i64).collect();
        columns.push(ColumnRef::owned(Column::new(ColumnData::Int8(ids))));
    }
    Batch { columns, selection }
}

/// The rows `ids`, in that order; those that are not there are left out.
pub(super) fn fetch<'a>(output: &TableOutput, table: &'a Table, ids: &[RowId]) -> Batch<'a> {
    let places: Vec<(&'a Chunk, usize)> = ids.iter().filter_map(|&id| table.find(id)).collect();
    let Some(&(first, slot)) = places.first() else {
        return gathered_batch(output, table, &places);
    };
    if places.len() == 1 && !output.row_id {
        return chunk_batch(output, first, Selection::One(slot as u32));
    }
    if places.iter().all(|(chunk, _)| std::ptr::eq(*chunk, first)) {
        let rows = places.iter().map(|(_, slot)| *slot as u32).collect();
        return chunk_batch(output, first, Selection::Rows(rows));
    }
    gathered_batch(output, table, &places)
}

fn gathered_batch<'a>(
    output: &TableOutput,
    table: &Table,
    places: &[(&Chunk, usize)],
) -> Batch<'a> {
    Batch::computed(gather(output, table, places), places.len())
}

/// The output's columns of rows in chunks.
pub(super) fn gather(
    output: &TableOutput,
    table: &Table,
    places: &[(&Chunk, usize)],
) -> Vec<Column> {
    let mut columns = Vec::with_capacity(output.ordinals.len() + usize::from(output.row_id));
    for &ordinal in &output.ordinals {
        let data_type = table.schema().columns[ordinal].data_type;
        let mut column = Column::with_capacity(data_type, places.len());
        for (chunk, slot) in places {
            column.push_from(chunk.column(ordinal), *slot);
        }
        columns.push(column);
    }
    if output.row_id {
        let ids = places.iter().map(|(chunk, slot)| chunk.row_id(*slot).0 as i64).collect();
        columns.push(Column::new(ColumnData::Int8(ids)));
    }
    columns
}
