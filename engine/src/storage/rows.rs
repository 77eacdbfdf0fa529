//! The rows of one version of a table: chunks in the persistent map by block of row ids, and a small tail.
//!
//! Invariants: a chunk stands under the block of its first id; chunks do not overlap, and the tail is above them all;
//! none is without live rows. So a dense chunk is found by its key, and any other by the key before.

use std::ops::Bound;
use std::sync::Arc;

use crate::limits::CHUNK_ROWS_MAX;
use crate::storage::change::{InsertedRows, Stamps, UpdatedRows};
use crate::storage::chunk::{Chunk, ColumnSource, block};
use crate::storage::column::Column;
use crate::storage::gauge::Gauge;
use crate::storage::retained::Tally;
use crate::storage::schema::Schema;
use crate::storage::{RowId, Stamp};
use crate::types::ValueRef;

/// A chunk shared by versions; equal when it is the same one, which is what a comparison of versions asks.
#[derive(Clone, Debug)]
pub(super) struct SharedChunk(pub(super) Arc<Chunk>);

impl PartialEq for SharedChunk {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A live chunk of fewer rows than this joins a neighbour when it is rewritten.
const SPARSE_ROWS_MAX: usize = CHUNK_ROWS_MAX / 4;

/// Most rows of two chunks that are joined: some room is left, so that they do not split again at once.
const JOINED_ROWS_MAX: usize = CHUNK_ROWS_MAX * 3 / 4;

#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) chunks: im::OrdMap<RowId, SharedChunk>,
    pub(super) tail: Option<Arc<Chunk>>,
    pub(super) count: usize,
}

impl Rows {
    /// Counts the columns that a newer version has not.
    pub(super) fn retained_beside(&self, newer: Option<&Self>, walk: &mut Tally) {
        let Some(newer) = newer else {
            let mut chunks = self.iter();
            while chunks.next().is_some_and(|chunk| walk.add(chunk.bytes_beside(None))) {}
            return;
        };
        for item in self.chunks.diff(&newer.chunks) {
            let bytes = match item {
                im::ordmap::DiffItem::Add(..) => continue,
                im::ordmap::DiffItem::Remove(_, old) => old.0.bytes_beside(None),
                im::ordmap::DiffItem::Update { old, new } => old.1.0.bytes_beside(Some(&new.1.0)),
            };
            if !walk.add(bytes) {
                return;
            }
        }
        if let Some(tail) = &self.tail
            && !newer.tail.as_ref().is_some_and(|newer| Arc::ptr_eq(tail, newer))
        {
            walk.add(tail.bytes_beside(newer.tail.as_deref()));
        }
    }

    /// The chunk that has `id` if any has, by its key; None is the tail's.
    #[inline]
    fn locate(&self, id: RowId) -> Option<(Option<RowId>, &Chunk)> {
        if let Some(tail) = &self.tail
            && tail.first() <= id
        {
            return Some((None, tail));
        }
        let key = block(id);
        if let Some(chunk) = self.chunks.get(&key) {
            return Some((Some(key), &chunk.0));
        }
        self.chunks.get_prev(&key).map(|(key, chunk)| (Some(*key), &*chunk.0))
    }

    /// The chunk and slot of a live row.
    #[inline]
    pub(super) fn find(&self, id: RowId) -> Option<(&Chunk, usize)> {
        let (_, chunk) = self.locate(id)?;
        Some((chunk, chunk.slot(id)?))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Chunk> {
        self.chunks.values().map(|chunk| &*chunk.0).chain(self.tail.as_deref())
    }

    pub(super) fn at_or_after(&self, id: RowId) -> Option<&Chunk> {
        if let Some((_, chunk)) = self.locate(id)
            && id <= chunk.last()
        {
            return Some(chunk);
        }
        match self.chunks.range((Bound::Excluded(id), Bound::Unbounded)).next() {
            Some((_, chunk)) => Some(&chunk.0),
            None => self.tail.as_deref().filter(|tail| id <= tail.last()),
        }
    }

    fn chunk_mut(&mut self, key: Option<RowId>) -> &mut Chunk {
        let shared = match key {
            Some(key) => &mut self.chunks.get_mut(&key).expect("the chunk was just found").0,
            None => self.tail.as_mut().expect("the tail was just found"),
        };
        Arc::make_mut(shared)
    }

    /// The chunk of `ids[0]` and the slots in it of the ids from there on, while they ascend.
    fn run(&self, ids: &[RowId]) -> (Option<RowId>, &Chunk, Vec<u32>) {
        let (key, chunk) = self.locate(ids[0]).expect("the row to change exists");
        let mut slots: Vec<u32> = Vec::new();
        for id in ids {
            let Some(slot) = chunk.slot(*id).map(|slot| slot as u32) else { break };
            if slots.last().is_some_and(|last| *last >= slot) {
                break;
            }
            slots.push(slot);
        }
        assert!(!slots.is_empty(), "the row to change exists");
        (key, chunk, slots)
    }

    pub(super) fn update(&mut self, updated: &UpdatedRows) {
        let mut place = 0;
        while place < updated.ids.len() {
            let (key, _, slots) = self.run(&updated.ids[place..]);
            self.chunk_mut(key).update(&slots, updated, place);
            place += slots.len();
        }
    }

    pub(super) fn delete(&mut self, ids: &[RowId]) {
        let mut rest = ids;
        while !rest.is_empty() {
            let (key, chunk, slots) = self.run(rest);
            if slots.len() == chunk.live_rows() {
                match key {
                    Some(key) => drop(self.chunks.remove(&key)),
                    None => self.tail = None,
                }
            } else {
                let chunk = self.chunk_mut(key);
                chunk.delete(&slots);
                let is_sparse = chunk.is_sparse();
                if let Some(key) = key.filter(|_| is_sparse) {
                    self.compact(key);
                }
            }
            self.count -= slots.len();
            rest = &rest[slots.len()..];
        }
    }

    /// Rewrites a chunk without its deleted rows, together with a neighbour if few rows are left.
    #[cold]
    fn compact(&mut self, key: RowId) {
        let chunk = self.chunks.remove(&key).expect("the chunk was just changed").0;
        let rows = chunk.live_rows();
        let joins = |(key, neighbour): (&RowId, &SharedChunk)| {
            (rows < SPARSE_ROWS_MAX && rows + neighbour.0.live_rows() <= JOINED_ROWS_MAX)
                .then_some(*key)
        };
        let next = self.chunks.range((Bound::Excluded(key), Bound::Unbounded)).next();
        let neighbour = next.and_then(joins).or_else(|| self.chunks.get_prev(&key).and_then(joins));
        let pieces = match neighbour.and_then(|key| self.chunks.remove(&key)) {
            Some(neighbour) => Chunk::rewrite(&[&chunk, &neighbour.0]),
            None => Chunk::rewrite(&[&chunk]),
        };
        self.put(pieces);
    }

    fn put(&mut self, chunks: Vec<Chunk>) {
        for chunk in chunks {
            self.chunks.insert(block(chunk.first()), SharedChunk(Arc::new(chunk)));
        }
    }

    /// The same rows with other columns.
    pub(super) fn reshaped(&self, sources: &mut [ColumnSource], gauge: &Arc<Gauge>) -> Self {
        let mut reshape = |chunk: &Chunk| Arc::new(chunk.reshaped(sources, gauge));
        let chunks = self.chunks.iter().map(|(key, chunk)| (*key, SharedChunk(reshape(&chunk.0))));
        let chunks = chunks.collect();
        Self { chunks, tail: self.tail.as_deref().map(reshape), count: self.count }
    }

    /// Moves the tail to the chunks: into the last one if it fits or they share a block of ids.
    pub(super) fn seal(&mut self) {
        let Some(mut tail) = self.tail.take() else { return };
        if let Some((key, last)) = self.chunks.get_max()
            && (last.0.live_rows() + tail.live_rows() <= CHUNK_ROWS_MAX
                || block(last.0.last()) == block(tail.first()))
        {
            let key = *key;
            let pieces = Chunk::rewrite(&[&last.0, &tail]);
            self.chunks.remove(&key);
            self.put(pieces);
        } else if tail.is_sparse() {
            self.put(Chunk::rewrite(&[&tail]));
        } else {
            if let Some(tail) = Arc::get_mut(&mut tail) {
                tail.shrink_to_fit();
            }
            self.chunks.insert(block(tail.first()), SharedChunk(tail));
        }
    }

    /// The tail, ready for a row above all others. One that other versions share stays small; one that this version
    /// owns grows to a chunk.
    #[inline]
    fn open_tail(&mut self, id: RowId, schema: &Schema, gauge: &Arc<Gauge>) -> &mut Chunk {
        if let Some(tail) = &self.tail {
            let is_shared = Arc::strong_count(tail) != 1;
            if !tail.takes(id) || is_shared && tail.is_large_tail() {
                self.seal();
            }
        }
        Arc::make_mut(self.tail.get_or_insert_with(|| Arc::new(Chunk::new(schema, gauge))))
    }

    /// Whether `id` is above all rows, deleted ones that still have a slot included.
    #[inline]
    pub(super) fn is_above(&self, id: RowId) -> bool {
        match &self.tail {
            Some(tail) => tail.last() < id,
            None => self.chunks.get_max().is_none_or(|(_, chunk)| chunk.0.last() < id),
        }
    }

    /// Adds one row; false, and nothing done, if its id is not above all others.
    #[inline]
    pub(super) fn push(
        &mut self,
        id: RowId,
        values: &[ValueRef<'_>],
        stamp: Stamp,
        schema: &Schema,
        gauge: &Arc<Gauge>,
    ) -> bool {
        if !self.is_above(id) {
            return false;
        }
        self.open_tail(id, schema, gauge).push(id, values, stamp);
        self.count += 1;
        true
    }

    pub(super) fn insert(&mut self, inserted: &InsertedRows, schema: &Schema, gauge: &Arc<Gauge>) {
        let ids = &inserted.ids;
        let mut place = 0;
        while place < ids.len() && !self.is_above(ids[place]) {
            place += self.insert_between(inserted, place, schema, gauge);
        }
        while place < ids.len() {
            let tail = self.open_tail(ids[place], schema, gauge);
            let of_block =
                ids[place..].iter().take_while(|id| block(**id) == block(ids[place])).count();
            let count = of_block.min(CHUNK_ROWS_MAX - tail.rows());
            tail.append(ids, &inserted.values, place..place + count, &inserted.stamps);
            place += count;
        }
        self.count += ids.len();
    }

    /// Adds rows above all others that nobody has an older version of: as a chunk of their own, or, where they share a
    /// block of ids with those before, behind them in the tail.
    pub(super) fn restore(
        &mut self,
        ids: Vec<RowId>,
        values: Vec<Column>,
        schema: &Schema,
        gauge: &Arc<Gauge>,
    ) {
        let (first, last) = (ids[0], ids[ids.len() - 1]);
        let before = match &self.tail {
            Some(tail) => Some(tail.last()),
            None => self.chunks.get_max().map(|(_, chunk)| chunk.0.last()),
        };
        let is_apart = before.is_none_or(|before| block(before) < block(first));
        if is_apart && u32::try_from(last.0 - first.0).is_ok() {
            self.seal();
            self.count += ids.len();
            self.put(vec![Chunk::restore(&ids, values, gauge)]);
        } else {
            let inserted = InsertedRows { ids, values, stamps: Stamps::One(Stamp(0)) };
            self.insert(&inserted, schema, gauge);
        }
    }

    /// Adds the rows from `place` on that are of one block, below the end of the chunks; returns how many.
    fn insert_between(
        &mut self,
        inserted: &InsertedRows,
        place: usize,
        schema: &Schema,
        gauge: &Arc<Gauge>,
    ) -> usize {
        let ids = &inserted.ids[place..];
        self.seal();
        let target = self.locate(ids[0]).and_then(|(key, _)| key);
        let count = ids.iter().take_while(|id| block(**id) == block(ids[0])).count();
        let mut run = Chunk::new(schema, gauge);
        run.append(&inserted.ids, &inserted.values, place..place + count, &inserted.stamps);
        let pieces = match target.and_then(|key| self.chunks.remove(&key)) {
            Some(target) => Chunk::rewrite(&[&target.0, &run]),
            None => Chunk::rewrite(&[&run]),
        };
        self.put(pieces);
        count
    }
}
