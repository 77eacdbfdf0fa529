//! What differs between two versions of a table, and the change that carries it to a third.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::storage::change::{InsertedRows, Stamps, TableChange, UpdatedRows};
use crate::storage::chunk::Chunk;
use crate::storage::column::Column;
use crate::storage::rows::SharedChunk;
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp};

/// One row that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowDifference {
    /// Only the new version has it.
    Inserted(RowId),
    /// Both have it, written by different writers.
    Updated(RowId),
    /// Only the old version has it.
    Deleted(RowId),
}

impl RowDifference {
    /// The row.
    pub fn id(self) -> RowId {
        match self {
            Self::Inserted(id) | Self::Updated(id) | Self::Deleted(id) => id,
        }
    }
}

/// What differs between two versions of a table. Shared chunks are skipped by pointer: the cost follows the size of the
/// change.
#[derive(Debug)]
pub struct Changes<'a> {
    /// Chunks with the same ids in the same slots.
    pairs: Vec<ChunkPair<'a>>,
    /// Rows of all other chunks, by row id.
    rows: Vec<RowDifference>,
}

/// A chunk of two versions: what updates and deletes leave. A deleted row that comes back has its chunk rewritten, so none
/// of these rows is anywhere else.
#[derive(Debug)]
struct ChunkPair<'a> {
    key: RowId,
    old: &'a SharedChunk,
    new: &'a SharedChunk,
}

impl<'a> Changes<'a> {
    /// From `old` to `new`.
    pub fn between(old: &'a Table, new: &'a Table) -> Self {
        let (mut old_chunks, mut new_chunks): (Vec<&Chunk>, Vec<&Chunk>) = (Vec::new(), Vec::new());
        let mut pairs = Vec::new();
        for item in old.rows.chunks.diff(&new.rows.chunks) {
            match item {
                im::ordmap::DiffItem::Add(_, added) => new_chunks.push(&added.0),
                im::ordmap::DiffItem::Remove(_, removed) => old_chunks.push(&removed.0),
                im::ordmap::DiffItem::Update { old: (key, old), new: (_, new) }
                    if old.0.has_slots_of(&new.0) =>
                {
                    pairs.push(ChunkPair { key: *key, old, new });
                }
                im::ordmap::DiffItem::Update { old, new } => {
                    old_chunks.push(&old.1.0);
                    new_chunks.push(&new.1.0);
                }
            }
        }
        let same_tail = match (&old.rows.tail, &new.rows.tail) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        if !same_tail {
            old_chunks.extend(old.rows.tail.as_deref());
            new_chunks.extend(new.rows.tail.as_deref());
        }
        Self { pairs, rows: merge(live_rows(&old_chunks), live_rows(&new_chunks)) }
    }

    /// How many rows differ at least.
    pub fn least_rows(&self) -> usize {
        self.pairs.len() + self.rows.len()
    }

    /// Whether any row differs.
    pub fn has_rows(&self) -> bool {
        let differs = |pair: &ChunkPair<'_>| pair.differences().next().is_some();
        !self.rows.is_empty() || self.pairs.iter().any(differs)
    }

    /// Rows that differ, by row id.
    ///
    /// A row that only moved, from the tail to a chunk or by compaction, has kept its stamp and does not differ.
    pub fn into_rows(self) -> Vec<RowDifference> {
        let mut rows = self.rows;
        for pair in &self.pairs {
            rows.extend(pair.differences());
        }
        rows.sort_unstable_by_key(|difference| difference.id());
        rows
    }

    /// Takes over, by pointer, the chunks in which rows were updated, none deleted, no indexed column changed, and that
    /// are in `table` as they are in the old version. Answers the rows that are left.
    pub(super) fn hand_over(mut self, table: &mut Table) -> Vec<RowDifference> {
        self.pairs.retain(|pair| !pair.hand_over(table));
        self.into_rows()
    }
}

impl ChunkPair<'_> {
    fn differences(&self) -> impl Iterator<Item = RowDifference> {
        let (old, new) = (&self.old.0, &self.new.0);
        (0..new.rows()).filter_map(|slot| {
            let difference = match (old.is_live(slot), new.is_live(slot)) {
                (true, true) if old.stamp(slot) != new.stamp(slot) => RowDifference::Updated,
                (true, false) => RowDifference::Deleted,
                (false, true) => RowDifference::Inserted,
                _ => return None,
            };
            Some(difference(new.row_id(slot)))
        })
    }

    fn hand_over(&self, table: &mut Table) -> bool {
        let (old, new) = (&self.old.0, &self.new.0);
        let is_update = old.has_live_slots_of(new);
        let is_there = table.rows.chunks.get(&self.key).is_some_and(|chunk| chunk == self.old);
        let is_indexed = |ordinal: usize| {
            !old.shares_column(new, ordinal)
                && table.indexes().iter().any(|index| index.covers_any(&[ordinal]))
        };
        if !is_update || !is_there || (0..table.schema().columns.len()).any(is_indexed) {
            return false;
        }
        table.rows.chunks.insert(self.key, self.new.clone());
        true
    }
}

/// Id and writer of the live rows of chunks in order.
fn live_rows<'a>(chunks: &'a [&'a Chunk]) -> impl Iterator<Item = (RowId, Stamp)> + 'a {
    chunks.iter().flat_map(|chunk| {
        (0..chunk.rows())
            .filter(|slot| chunk.is_live(*slot))
            .map(|slot| (chunk.row_id(slot), chunk.stamp(slot)))
    })
}

fn merge(
    old: impl Iterator<Item = (RowId, Stamp)>,
    new: impl Iterator<Item = (RowId, Stamp)>,
) -> Vec<RowDifference> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    let mut differences = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return differences,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let old_row = if order.is_le() { old.next() } else { None };
        let new_row = if order.is_ge() { new.next() } else { None };
        match (old_row, new_row) {
            (Some((id, _)), None) => differences.push(RowDifference::Deleted(id)),
            (None, Some((id, _))) => differences.push(RowDifference::Inserted(id)),
            (Some((id, old)), Some((_, new))) if old != new => {
                differences.push(RowDifference::Updated(id));
            }
            _ => {}
        }
    }
}

/// The change that makes `differences`, which are all or some of those between `old` and `new`, in another version
/// that has the same rows there as `old`. Columns that both versions share are left out of the updates.
pub fn extract(old: &Table, new: &Table, differences: &[RowDifference]) -> TableChange {
    let (mut deleted, mut updated, mut inserted) = (Vec::new(), Vec::new(), Vec::new());
    for difference in differences {
        match difference {
            RowDifference::Deleted(id) => deleted.push(*id),
            RowDifference::Updated(id) => updated.push(*id),
            RowDifference::Inserted(id) => inserted.push(*id),
        }
    }
    let columns = new.schema().columns.len();
    TableChange {
        deleted,
        updated: (!updated.is_empty()).then(|| {
            let ordinals = changed_ordinals(old, new, &updated);
            let (values, stamps) = read(new, &updated, &ordinals);
            UpdatedRows { ids: updated, ordinals, values, stamps }
        }),
        inserted: (!inserted.is_empty()).then(|| {
            let ordinals: Vec<usize> = (0..columns).collect();
            let (values, stamps) = read(new, &inserted, &ordinals);
            InsertedRows { ids: inserted, values, stamps }
        }),
    }
}

/// The columns that are not the same ones, slot for slot, in the chunks of all of these rows.
fn changed_ordinals(old: &Table, new: &Table, ids: &[RowId]) -> Vec<usize> {
    let mut same: Vec<usize> = (0..new.schema().columns.len()).collect();
    for id in ids {
        let (old_chunk, old_slot) = find(old, *id);
        let (new_chunk, new_slot) = find(new, *id);
        same.retain(|ordinal| old_slot == new_slot && old_chunk.shares_column(new_chunk, *ordinal));
        if same.is_empty() {
            break;
        }
    }
    (0..new.schema().columns.len()).filter(|ordinal| !same.contains(ordinal)).collect()
}

fn find(table: &Table, id: RowId) -> (&Chunk, usize) {
    table.find(id).expect("the rows that differ are in their versions")
}

/// Some columns of some rows, and who wrote the rows.
fn read(table: &Table, ids: &[RowId], ordinals: &[usize]) -> (Vec<Column>, Stamps) {
    let schema = table.schema();
    let mut values: Vec<Column> = ordinals
        .iter()
        .map(|ordinal| Column::with_capacity(schema.columns[*ordinal].data_type, ids.len()))
        .collect();
    let mut stamps = Vec::with_capacity(ids.len());
    for id in ids {
        let (chunk, slot) = find(table, *id);
        stamps.push(chunk.stamp(slot));
        for (column, ordinal) in values.iter_mut().zip(ordinals) {
            column.push_from(chunk.column(*ordinal), slot);
        }
    }
    (values, Stamps::Each(stamps))
}
