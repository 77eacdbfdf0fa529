//! Up to [`CHUNK_ROWS_MAX`] rows of one table, column by column.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::limits::{CHUNK_ROWS_MAX, TAIL_BYTES_MAX, TAIL_ROWS_MAX};
use crate::storage::batch::Selection;
use crate::storage::bitmap::Bitmap;
use crate::storage::change::{Stamps, UpdatedRows};
use crate::storage::column::Column;
use crate::storage::gauge::{Counted, Gauge, Token};
use crate::storage::schema::Schema;
use crate::storage::{RowId, Stamp};
use crate::types::{DataType, Value, ValueRef};

/// Rows in row-id order; a row's place is its slot. Deleted rows keep their slot until the chunk is rewritten.
#[derive(Clone, Debug)]
pub struct Chunk {
    first: RowId,
    rows: usize,
    /// Row ids less `first`; None when slot n has row `first` + n.
    offsets: Option<Arc<Vec<u32>>>,
    /// Slots that are not deleted; None when none is.
    live: Option<Bitmap>,
    live_rows: usize,
    stamps: Stamps,
    /// In the chunk itself for narrow tables: one cache line less to wait for.
    columns: SmallVec<[Arc<StoredColumn>; 6]>,
    token: Token,
}

/// A column that counts in the gauge.
#[derive(Clone, Debug)]
pub(super) struct StoredColumn {
    column: Column,
    token: Token,
}

impl StoredColumn {
    fn new(column: Column, gauge: &Arc<Gauge>) -> Arc<Self> {
        let token = Token::new(gauge, Counted::Column, column.heap_bytes());
        Arc::new(Self { column, token })
    }

    /// Changes the column, copied first with room for `rows` more if another version has it.
    #[inline]
    fn change(shared: &mut Arc<Self>, rows: usize, change: impl FnOnce(&mut Column)) {
        if Arc::strong_count(shared) != 1 {
            *shared = Self::new(shared.column.clone_with_room(rows), shared.token.gauge());
        }
        let stored =
            Arc::get_mut(shared).expect("no other version has the copy, and nothing is weak");
        change(&mut stored.column);
        stored.token.set_bytes(stored.column.heap_bytes());
    }
}

/// Where a column of a reshaped table comes from.
#[derive(Debug)]
pub(super) enum ColumnSource {
    /// The column that had this ordinal.
    Kept(usize),
    /// One value for all rows; the columns made of it so far, by their length.
    Added { value: Value, data_type: DataType, made: Vec<Option<Arc<StoredColumn>>> },
}

impl ColumnSource {
    /// A column that rows do not have yet.
    pub(super) fn added(schema: &Schema, ordinal: usize) -> Self {
        let (value, data_type) =
            (schema.missing(ordinal).clone(), schema.columns[ordinal].data_type);
        Self::Added { value, data_type, made: vec![None; CHUNK_ROWS_MAX + 1] }
    }
}

/// The first id of the block of ids that `id` is in: what the map of chunks is keyed by.
#[inline]
pub(super) fn block(id: RowId) -> RowId {
    RowId(id.0 - id.0 % CHUNK_ROWS_MAX as u64)
}

impl Chunk {
    /// Bytes of those of its columns that another version has not.
    pub(super) fn bytes_beside(&self, other: Option<&Self>) -> usize {
        let is_shared = |ordinal: usize, column: &Arc<StoredColumn>| {
            let theirs = other.and_then(|other| other.columns.get(ordinal));
            theirs.is_some_and(|theirs| Arc::ptr_eq(theirs, column))
        };
        let own =
            self.columns.iter().enumerate().filter(|(place, column)| !is_shared(*place, column));
        own.map(|(_, column)| column.token.bytes()).sum()
    }

    /// Number of slots, deleted rows included.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of rows that are not deleted.
    pub fn live_rows(&self) -> usize {
        self.live_rows
    }

    /// The lowest row id, live or not.
    pub fn first(&self) -> RowId {
        self.first
    }

    /// The highest row id, live or not.
    pub fn last(&self) -> RowId {
        self.row_id(self.rows - 1)
    }

    /// The id of the row in `slot`.
    #[inline]
    pub fn row_id(&self, slot: usize) -> RowId {
        match &self.offsets {
            None => RowId(self.first.0 + slot as u64),
            Some(offsets) => RowId(self.first.0 + u64::from(offsets[slot])),
        }
    }

    /// The slot of a live row.
    #[inline]
    pub fn slot(&self, id: RowId) -> Option<usize> {
        let offset = id.0.checked_sub(self.first.0)?;
        let slot = match &self.offsets {
            None => usize::try_from(offset).ok().filter(|slot| *slot < self.rows)?,
            Some(offsets) => offsets.binary_search(&u32::try_from(offset).ok()?).ok()?,
        };
        self.is_live(slot).then_some(slot)
    }

    /// Whether the row in `slot` is not deleted.
    #[inline]
    pub fn is_live(&self, slot: usize) -> bool {
        self.live.as_ref().is_none_or(|live| live.get(slot))
    }

    /// Who wrote the row in `slot`.
    #[inline]
    pub fn stamp(&self, slot: usize) -> Stamp {
        self.stamps.get(slot)
    }

    /// A column, one value a slot.
    #[inline]
    pub fn column(&self, ordinal: usize) -> &Column {
        &self.columns[ordinal].column
    }

    /// Its columns by ordinal.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|stored| &stored.column)
    }

    /// The slots that are not deleted.
    pub fn selection(&self) -> Selection {
        match &self.live {
            None => Selection::All(self.rows),
            Some(live) => Selection::Rows(live.iter_ones().map(|slot| slot as u32).collect()),
        }
    }

    /// Bytes of its columns.
    pub(super) fn column_bytes(&self) -> usize {
        self.columns.iter().map(|stored| stored.token.bytes()).sum()
    }

    /// Whether both hold the same column, not only equal ones, at this place.
    pub(super) fn shares_column(&self, other: &Self, ordinal: usize) -> bool {
        match (self.columns.get(ordinal), other.columns.get(ordinal)) {
            (Some(column), Some(others)) => Arc::ptr_eq(column, others),
            _ => false,
        }
    }

    /// The same rows with other columns.
    pub(super) fn reshaped(&self, sources: &mut [ColumnSource], gauge: &Arc<Gauge>) -> Self {
        let rows = self.rows;
        let column = |source: &mut ColumnSource| match source {
            ColumnSource::Kept(ordinal) => Arc::clone(&self.columns[*ordinal]),
            ColumnSource::Added { value, data_type, made } => {
                let repeat = || Column::repeat(*data_type, value.as_ref(), rows);
                Arc::clone(made[rows].get_or_insert_with(|| StoredColumn::new(repeat(), gauge)))
            }
        };
        Self { columns: sources.iter_mut().map(column).collect(), ..self.clone() }
    }

    /// Whether both have the same ids in the same slots; unsure is no.
    pub(super) fn has_slots_of(&self, other: &Self) -> bool {
        let same_offsets = match (&self.offsets, &other.offsets) {
            (None, None) => true,
            (Some(offsets), Some(others)) => Arc::ptr_eq(offsets, others),
            _ => false,
        };
        self.first == other.first && self.rows == other.rows && same_offsets
    }

    /// Whether the same slots are live in both.
    pub(super) fn has_live_slots_of(&self, other: &Self) -> bool {
        self.live_rows == other.live_rows
            && (0..self.rows).all(|slot| self.is_live(slot) == other.is_live(slot))
    }

    /// Whether deleted rows take half of it.
    pub(super) fn is_sparse(&self) -> bool {
        self.live_rows * 2 <= self.rows
    }
}

/// What makes and changes chunks; all of it copies what other versions share.
impl Chunk {
    pub(super) fn new(schema: &Schema, gauge: &Arc<Gauge>) -> Self {
        let column = |data_type| StoredColumn::new(Column::with_capacity(data_type, 0), gauge);
        Self {
            first: RowId(0),
            rows: 0,
            offsets: None,
            live: None,
            live_rows: 0,
            stamps: Stamps::One(Stamp(0)),
            columns: schema.columns.iter().map(|definition| column(definition.data_type)).collect(),
            token: Token::new(gauge, Counted::Chunk, 0),
        }
    }

    /// Rows that nobody has an older version of: ascending ids, at least one, whose span fits 32 bits; a value of
    /// each column for each.
    pub(super) fn restore(ids: &[RowId], columns: Vec<Column>, gauge: &Arc<Gauge>) -> Self {
        let (first, last) = (ids[0], ids[ids.len() - 1]);
        let is_dense = last.0 - first.0 == ids.len() as u64 - 1;
        let offsets = || Arc::new(ids.iter().map(|id| (id.0 - first.0) as u32).collect());
        Self {
            first,
            rows: ids.len(),
            offsets: (!is_dense).then(offsets),
            live: None,
            live_rows: ids.len(),
            stamps: Stamps::One(Stamp(0)),
            columns: columns.into_iter().map(|column| StoredColumn::new(column, gauge)).collect(),
            token: Token::new(gauge, Counted::Chunk, 0),
        }
    }

    /// Whether it may grow by a row with a higher id: a dense chunk ends with its block of ids, so that dense chunks
    /// are found without a search; a sparse one takes more blocks until it is half full.
    #[inline]
    pub(super) fn takes(&self, id: RowId) -> bool {
        self.rows == 0
            || self.rows < CHUNK_ROWS_MAX
                && (block(id) == block(self.last())
                    || self.offsets.is_some()
                        && self.rows < CHUNK_ROWS_MAX / 2
                        && u32::try_from(id.0 - self.first.0).is_ok())
    }

    /// Whether a tail of this size is too large to be copied for every insert.
    pub(super) fn is_large_tail(&self) -> bool {
        self.rows >= TAIL_ROWS_MAX || self.column_bytes() >= TAIL_BYTES_MAX
    }

    /// Adds a row above all others.
    pub(super) fn push(&mut self, id: RowId, values: &[ValueRef<'_>], stamp: Stamp) {
        self.push_head(id, stamp);
        for (stored, value) in self.columns.iter_mut().zip(values) {
            StoredColumn::change(stored, 1, |column| column.push(*value));
        }
    }

    /// Adds the rows `places` of `values` above all others.
    pub(super) fn append(
        &mut self,
        ids: &[RowId],
        values: &[Column],
        places: Range<usize>,
        stamps: &Stamps,
    ) {
        for place in places.clone() {
            self.push_head(ids[place], stamps.get(place));
        }
        for (stored, more) in self.columns.iter_mut().zip(values) {
            StoredColumn::change(stored, places.len(), |column| {
                column.append(more, places.clone());
            });
        }
    }

    #[inline]
    fn push_head(&mut self, id: RowId, stamp: Stamp) {
        if self.rows == 0 {
            self.first = id;
            self.stamps = Stamps::One(stamp);
        }
        let offset = id.0 - self.first.0;
        if let Some(offsets) = &mut self.offsets {
            Arc::make_mut(offsets).push(offset as u32);
        } else if offset != self.rows as u64 {
            let offsets = (0..self.rows as u32).chain([offset as u32]).collect();
            self.offsets = Some(Arc::new(offsets));
        }
        self.stamps.push(self.rows, stamp);
        if let Some(live) = &mut self.live {
            live.push(true);
        }
        self.rows += 1;
        self.live_rows += 1;
    }

    /// Overwrites the rows `slots` (ascending) with the values from `first` on.
    pub(super) fn update(&mut self, slots: &[u32], updated: &UpdatedRows, first: usize) {
        for (ordinal, values) in updated.ordinals.iter().zip(&updated.values) {
            StoredColumn::change(&mut self.columns[*ordinal], 0, |column| {
                column.set_run(slots, values, first);
            });
        }
        for (place, slot) in slots.iter().enumerate() {
            self.stamps.set(*slot as usize, self.rows, updated.stamps.get(first + place));
        }
    }

    /// Deletes the rows `slots`.
    pub(super) fn delete(&mut self, slots: &[u32]) {
        let live = self.live.get_or_insert_with(|| Bitmap::ones(self.rows));
        for slot in slots {
            live.set(*slot as usize, false);
        }
        self.live_rows -= slots.len();
    }

    /// Gives back spare capacity of columns that no other version has.
    pub(super) fn shrink_to_fit(&mut self) {
        for stored in &mut self.columns {
            if Arc::strong_count(stored) == 1 {
                StoredColumn::change(stored, 0, Column::shrink_to_fit);
            }
        }
    }

    /// The live rows of one chunk, or of two whose ids may interleave, as chunks in order: as few as blocks allow.
    pub(super) fn rewrite(sources: &[&Self]) -> Vec<Self> {
        let mut picks: Vec<Pick> = sources
            .iter()
            .enumerate()
            .flat_map(|(source, chunk)| {
                chunk
                    .selection()
                    .iter()
                    .map(move |slot| (chunk.row_id(slot), source, slot))
                    .collect::<Vec<_>>()
            })
            .collect();
        picks.sort_unstable();
        let mut pieces = Vec::new();
        let mut rest = picks.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_length(rest));
            pieces.push(Self::gather(sources, piece));
            rest = after;
        }
        pieces
    }

    /// A new chunk of some rows of `sources`, in the order of their ids.
    fn gather(sources: &[&Self], picks: &[Pick]) -> Self {
        let gauge = sources[0].token.gauge();
        let mut chunk = Self {
            first: RowId(0),
            rows: 0,
            offsets: None,
            live: None,
            live_rows: 0,
            stamps: Stamps::One(Stamp(0)),
            columns: SmallVec::with_capacity(sources[0].columns.len()),
            token: Token::new(gauge, Counted::Chunk, 0),
        };
        for (id, source, slot) in picks {
            chunk.push_head(*id, sources[*source].stamp(*slot));
        }
        let runs: Vec<&[Pick]> = picks
            .chunk_by(|(_, source, slot), (_, next_source, next_slot)| {
                source == next_source && slot + 1 == *next_slot
            })
            .collect();
        for ordinal in 0..sources[0].columns.len() {
            let mut column = sources[0].column(ordinal).empty_like(picks.len());
            for run in &runs {
                let (_, source, slot) = run[0];
                column.append(sources[source].column(ordinal), slot..slot + run.len());
            }
            chunk.columns.push(StoredColumn::new(column, gauge));
        }
        chunk.shrink_to_fit();
        chunk
    }
}

/// A row's id, the chunk it is in, and its slot there.
type Pick = (RowId, usize, usize);

/// How many of `picks` the next chunk takes: whole blocks of ids.
fn piece_length(picks: &[Pick]) -> usize {
    let first = picks[0].0;
    let mut length = 0;
    for of_block in picks.chunk_by(|(id, ..), (next, ..)| block(*id) == block(*next)) {
        let (last, ..) = of_block[of_block.len() - 1];
        let fits =
            length + of_block.len() <= CHUNK_ROWS_MAX && u32::try_from(last.0 - first.0).is_ok();
        if length > 0 && !fits {
            break;
        }
        length += of_block.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_blocks_that_fit() {
        let picks = |ids: &[Range<u64>]| -> Vec<Pick> {
            ids.iter().cloned().flatten().map(|id| (RowId(id), 0, 0)).collect()
        };
        for (ids, expected) in [
            (vec![0..256, 256..272], 256),
            (vec![10..20, 300..400, 600..700], 210),
            (vec![0..1, 1 << 33..(1 << 33) + 5], 1),
            (vec![200..300, 512..700], 100),
            (vec![5..6, 700..900, 900..1000], 69),
        ] {
            assert_eq!(piece_length(&picks(&ids)), expected, "{ids:?}");
        }
    }
}
