//! A leaf of byte keys.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

use super::leaf::{Leaf, LeafEntry, LeafMap, partition};
use crate::storage::RowId;

/// Entries of a byte leaf.
const BYTES_ENTRIES_MAX: usize = 64;

/// Key bytes beyond which a byte leaf takes no further entry.
const BYTES_LEAF_BYTES_MAX: usize = 8 << 10;

/// A leaf of byte keys.
#[derive(Debug)]
pub(super) struct BytesLeaf {
    len: usize,
    /// End of each key in `bytes`.
    ends: [u32; BYTES_ENTRIES_MAX],
    rows: [u64; BYTES_ENTRIES_MAX],
    /// The keys back to back.
    bytes: Vec<u8>,
}

impl Clone for BytesLeaf {
    /// Leaves room for one more key: a leaf is copied to be written.
    fn clone(&self) -> Self {
        let mut bytes =
            Vec::with_capacity(self.bytes.len() + self.bytes.len() / self.len.max(1) + 8);
        bytes.extend_from_slice(&self.bytes);
        Self { len: self.len, ends: self.ends, rows: self.rows, bytes }
    }
}

impl BytesLeaf {
    #[inline]
    fn start(&self, place: usize) -> usize {
        if place == 0 { 0 } else { self.ends[place - 1] as usize }
    }
}

impl Leaf for BytesLeaf {
    type Key = [u8];
    type End = super::KeyBytes;
    type Separator = BytesSeparator;

    const ENTRIES_MAX: usize = BYTES_ENTRIES_MAX;

    fn new() -> Self {
        Self {
            len: 0,
            ends: [0; BYTES_ENTRIES_MAX],
            rows: [0; BYTES_ENTRIES_MAX],
            bytes: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn key(&self, place: usize) -> &[u8] {
        &self.bytes[self.start(place)..self.ends[place] as usize]
    }

    #[inline]
    fn row(&self, place: usize) -> RowId {
        RowId(self.rows[place])
    }

    fn extend_rows(&self, places: std::ops::Range<usize>, rows: &mut Vec<RowId>) {
        rows.extend(self.rows[places].iter().map(|row| RowId(*row)));
    }

    fn insert(&mut self, place: usize, key: &[u8], row: RowId) {
        let start = self.start(place);
        if self.bytes.capacity() < self.bytes.len() + key.len() {
            self.bytes.reserve_exact(key.len().max(self.bytes.len() / 4));
        }
        if place == self.len {
            self.bytes.extend_from_slice(key);
        } else {
            self.bytes.splice(start..start, key.iter().copied());
        }
        self.ends.copy_within(place..self.len, place + 1);
        self.rows.copy_within(place..self.len, place + 1);
        self.len += 1;
        self.rows[place] = row.0;
        self.ends[place] = start as u32;
        for end in &mut self.ends[place..self.len] {
            *end += key.len() as u32;
        }
    }

    fn remove(&mut self, place: usize) {
        let (start, end) = (self.start(place), self.ends[place] as usize);
        self.bytes.drain(start..end);
        self.ends.copy_within(place + 1..self.len, place);
        self.rows.copy_within(place + 1..self.len, place);
        self.len -= 1;
        for later in &mut self.ends[place..self.len] {
            *later -= (end - start) as u32;
        }
    }

    fn split_off(&mut self, place: usize) -> Self {
        let mut upper = Self::new();
        let start = self.start(place);
        upper.len = self.len - place;
        upper.bytes = self.bytes.split_off(start);
        upper.rows[..upper.len].copy_from_slice(&self.rows[place..self.len]);
        for (end, old) in upper.ends.iter_mut().zip(&self.ends[place..self.len]) {
            *end = old - start as u32;
        }
        self.len = place;
        self.bytes.shrink_to_fit();
        upper
    }

    fn append(&mut self, other: &Self) {
        let shift = self.bytes.len() as u32;
        let len = self.len + other.len;
        self.bytes.extend_from_slice(&other.bytes);
        self.rows[self.len..len].copy_from_slice(&other.rows[..other.len]);
        for (end, old) in self.ends[self.len..len].iter_mut().zip(&other.ends) {
            *end = old + shift;
        }
        self.len = len;
    }

    fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    fn has_room(&self) -> bool {
        self.len < BYTES_ENTRIES_MAX && (self.bytes.len() < BYTES_LEAF_BYTES_MAX || self.len < 2)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity()
    }

    fn separator(key: &[u8], row: RowId) -> BytesSeparator {
        BytesSeparator { key: Arc::from(key), row }
    }

    fn separator_above(_below: Option<&[u8]>, key: &[u8]) -> BytesSeparator {
        Self::separator(key, RowId(0))
    }

    fn lowest() -> BytesSeparator {
        BytesSeparator { key: Arc::default(), row: RowId(0) }
    }

    fn leaf_at<'m>(map: &'m LeafMap<Self>, key: &[u8], row: RowId) -> Option<LeafEntry<'m, Self>> {
        map.get_prev::<dyn Separates + '_>(&(key, row))
    }

    fn run_start(&self, start: &Self::End) -> usize {
        partition(self.len, |place| self.key(place) < start.as_slice())
    }

    fn run_end(&self, end: &Self::End) -> usize {
        partition(self.len, |place| self.key(place) < end.as_slice())
    }

    fn start_key(start: &Self::End) -> &[u8] {
        start
    }
}

/// A separator of byte leaves; shared, so that copying a map node does not copy it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BytesSeparator {
    key: Arc<[u8]>,
    row: RowId,
}

/// What a [`BytesSeparator`] compares by: lets the map be searched for a borrowed key.
pub(super) trait Separates {
    fn parts(&self) -> (&[u8], RowId);
}

impl Separates for BytesSeparator {
    fn parts(&self) -> (&[u8], RowId) {
        (&self.key, self.row)
    }
}

impl Separates for (&[u8], RowId) {
    fn parts(&self) -> (&[u8], RowId) {
        *self
    }
}

impl<'a> Borrow<dyn Separates + 'a> for BytesSeparator {
    fn borrow(&self) -> &(dyn Separates + 'a) {
        self
    }
}

impl PartialEq for dyn Separates + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Separates + '_ {}

impl PartialOrd for dyn Separates + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Separates + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}
