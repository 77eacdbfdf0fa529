//! The leaves of an index: many entries, ordered by key and row id, in one piece of memory.

use std::borrow::Borrow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};

use super::tree::SharedLeaf;
use crate::storage::RowId;

/// Entries of an integer leaf: 2 KiB, copied in about 50 ns.
const FIXED_ENTRIES_MAX: usize = 128;

/// Entries of a byte leaf.
const BYTES_ENTRIES_MAX: usize = 64;

/// Key bytes beyond which a byte leaf takes no further entry.
const BYTES_LEAF_BYTES_MAX: usize = 8 << 10;

/// The persistent map of an index's leaves.
pub(super) type LeafMap<L> = im::OrdMap<<L as Leaf>::Separator, SharedLeaf<L>>;

/// A leaf's separator and the leaf, borrowed from the map.
pub(super) type LeafEntry<'m, L> = (&'m <L as Leaf>::Separator, &'m SharedLeaf<L>);

/// A sorted run of (key, row id), without duplicates.
pub(super) trait Leaf: Clone + std::fmt::Debug {
    /// A key.
    type Key: Ord + ?Sized;
    /// An owned end of a run of keys.
    type End: Clone;
    /// What the map orders leaves by: not above the leaf's entries, above those of the leaf before.
    type Separator: Clone + Ord + std::fmt::Debug;

    /// Most entries of a leaf.
    const ENTRIES_MAX: usize;

    fn new() -> Self;
    fn len(&self) -> usize;
    fn key(&self, place: usize) -> &Self::Key;
    fn row(&self, place: usize) -> RowId;
    fn extend_rows(&self, places: std::ops::Range<usize>, rows: &mut Vec<RowId>);
    fn insert(&mut self, place: usize, key: &Self::Key, row: RowId);
    fn remove(&mut self, place: usize);
    fn split_off(&mut self, place: usize) -> Self;
    fn append(&mut self, other: &Self);
    fn shrink_to_fit(&mut self);
    /// Whether it takes one entry more.
    fn has_room(&self) -> bool;
    /// Bytes of the leaf, what it owns included.
    fn bytes(&self) -> usize;
    fn separator(key: &Self::Key, row: RowId) -> Self::Separator;
    /// A separator not above any entry.
    fn lowest() -> Self::Separator;
    /// The last leaf of the map whose separator is not above (key, row).
    fn leaf_at<'m>(
        map: &'m LeafMap<Self>,
        key: &Self::Key,
        row: RowId,
    ) -> Option<LeafEntry<'m, Self>>;

    /// The first entry not below `start`.
    fn run_start(&self, start: &Self::End) -> usize;
    /// The first entry beyond `end`.
    fn run_end(&self, end: &Self::End) -> usize;
    /// A key that no entry of a run from `start` is below.
    fn start_key(start: &Self::End) -> &Self::Key;

    /// The place of (key, row), or where it belongs.
    #[inline]
    fn search(&self, key: &Self::Key, row: RowId) -> Result<usize, usize> {
        let place = partition(self.len(), |place| match self.key(place).cmp(key) {
            Ordering::Less => true,
            Ordering::Equal => self.row(place) < row,
            Ordering::Greater => false,
        });
        let found = place < self.len() && self.row(place) == row && self.key(place) == key;
        if found { Ok(place) } else { Err(place) }
    }

    /// The row of an entry with this key: of the only one, if it is unique.
    #[inline]
    fn row_of(&self, key: &Self::Key) -> Option<RowId> {
        let place = partition(self.len(), |place| self.key(place) < key);
        (place < self.len() && self.key(place) == key).then(|| self.row(place))
    }

    /// [`Self::row_of`] in the leaf that stands under `separator`.
    #[inline]
    fn row_behind(&self, _separator: &Self::Separator, key: &Self::Key) -> Option<RowId> {
        self.row_of(key)
    }
}

/// A separator of `upper` from `lower`, the leaf before it.
///
/// It has row id 0 unless both have the key. So in an index where a key occurs once, an entry of that key belongs to
/// this leaf whatever its row id, also when the entry the separator was made from is gone: the leaf where (key,
/// highest row id) belongs has the key if any has.
pub(super) fn separator_between<L: Leaf>(lower: &L, upper: &L) -> L::Separator {
    let shared = lower.key(lower.len() - 1) == upper.key(0);
    L::separator(upper.key(0), if shared { upper.row(0) } else { RowId(0) })
}

/// The leaf after the one of `separator`.
pub(super) fn leaf_after<'m, L: Leaf>(
    map: &'m LeafMap<L>,
    separator: &L::Separator,
) -> Option<LeafEntry<'m, L>> {
    map.range::<_, L::Separator>((Bound::Excluded(separator), Bound::<&L::Separator>::Unbounded))
        .next()
}

/// The leaf before the one of `separator`.
pub(super) fn leaf_before<'m, L: Leaf>(
    map: &'m LeafMap<L>,
    separator: &L::Separator,
) -> Option<LeafEntry<'m, L>> {
    map.range::<_, L::Separator>((Bound::<&L::Separator>::Unbounded, Bound::Excluded(separator)))
        .next_back()
}

/// The first of `0..len` that is not `before`; all that are stand in front.
#[inline]
fn partition(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = usize::midpoint(low, high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Keys of one cache line.
const LINE_KEYS: usize = 8;

/// A leaf of integer keys.
#[derive(Clone, Debug)]
pub(super) struct FixedLeaf {
    len: usize,
    keys: [i64; FIXED_ENTRIES_MAX],
    rows: [u64; FIXED_ENTRIES_MAX],
}

impl FixedLeaf {
    /// How many keys are below `key`. A binary search would wait for one cache line after the other; here the first
    /// key of every line is asked for at once, then the keys of one line.
    #[inline]
    fn below(&self, key: i64) -> usize {
        let keys = &self.keys[..self.len];
        let lines: usize =
            keys.iter().step_by(LINE_KEYS).map(|first| usize::from(*first < key)).sum();
        let start = lines.saturating_sub(1) * LINE_KEYS;
        let line = &keys[start..keys.len().min(start + LINE_KEYS)];
        start + line.iter().map(|other| usize::from(*other < key)).sum::<usize>()
    }

    /// Where `key` is, if it is where a run of keys without gaps has it: the serial keys of most tables.
    #[inline]
    fn serial_place(&self, key: i64) -> Option<usize> {
        let place = usize::try_from(key.wrapping_sub(self.keys[0])).ok()?;
        (place < self.len && self.keys[place] == key).then_some(place)
    }
}

impl Leaf for FixedLeaf {
    type Key = i64;
    type End = i64;
    type Separator = (i64, RowId);

    const ENTRIES_MAX: usize = FIXED_ENTRIES_MAX;

    fn new() -> Self {
        Self { len: 0, keys: [0; FIXED_ENTRIES_MAX], rows: [0; FIXED_ENTRIES_MAX] }
    }

    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn key(&self, place: usize) -> &i64 {
        &self.keys[place]
    }

    #[inline]
    fn row(&self, place: usize) -> RowId {
        RowId(self.rows[place])
    }

    fn extend_rows(&self, places: std::ops::Range<usize>, rows: &mut Vec<RowId>) {
        rows.extend(self.rows[places].iter().map(|row| RowId(*row)));
    }

    #[inline]
    fn insert(&mut self, place: usize, key: &i64, row: RowId) {
        self.keys.copy_within(place..self.len, place + 1);
        self.rows.copy_within(place..self.len, place + 1);
        self.keys[place] = *key;
        self.rows[place] = row.0;
        self.len += 1;
    }

    fn remove(&mut self, place: usize) {
        self.keys.copy_within(place + 1..self.len, place);
        self.rows.copy_within(place + 1..self.len, place);
        self.len -= 1;
    }

    fn split_off(&mut self, place: usize) -> Self {
        let mut upper = Self::new();
        upper.len = self.len - place;
        upper.keys[..upper.len].copy_from_slice(&self.keys[place..self.len]);
        upper.rows[..upper.len].copy_from_slice(&self.rows[place..self.len]);
        self.len = place;
        upper
    }

    fn append(&mut self, other: &Self) {
        let len = self.len + other.len;
        self.keys[self.len..len].copy_from_slice(&other.keys[..other.len]);
        self.rows[self.len..len].copy_from_slice(&other.rows[..other.len]);
        self.len = len;
    }

    fn shrink_to_fit(&mut self) {}

    fn has_room(&self) -> bool {
        self.len < FIXED_ENTRIES_MAX
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn separator(key: &i64, row: RowId) -> Self::Separator {
        (*key, row)
    }

    fn lowest() -> Self::Separator {
        (i64::MIN, RowId(0))
    }

    #[inline]
    fn leaf_at<'m>(map: &'m LeafMap<Self>, key: &i64, row: RowId) -> Option<LeafEntry<'m, Self>> {
        // Where it met none, the highest separator of all stands for none.
        let probe = Probe { sought: (*key, row), met: Cell::new((i64::MAX, RowId(u64::MAX))) };
        let between = map.get(&probe);
        debug_assert!(between.is_none(), "a probe equals no separator");
        // What it met last is not there any more if the leaf that began a node of the map is gone.
        let met = map.get_key_value(&Exactly(probe.met.get()));
        met.filter(|(separator, _)| **separator <= probe.sought)
            .or_else(|| map.get_prev(&probe.sought))
    }

    fn run_start(&self, start: &i64) -> usize {
        self.keys[..self.len].partition_point(|key| key < start)
    }

    fn run_end(&self, end: &i64) -> usize {
        self.keys[..self.len].partition_point(|key| key <= end)
    }

    fn start_key(start: &i64) -> &i64 {
        start
    }

    #[inline]
    fn search(&self, key: &i64, row: RowId) -> Result<usize, usize> {
        if let Some(place) = self.serial_place(*key).filter(|place| self.rows[*place] == row.0) {
            return Ok(place);
        }
        let first = self.below(*key);
        let equal = self.keys[first..self.len].partition_point(|other| other == key);
        self.rows[first..first + equal]
            .binary_search(&row.0)
            .map(|place| first + place)
            .map_err(|place| first + place)
    }

    /// A run of keys without gaps often begins with the separator, which is at hand: then only the key's own cache line
    /// and its row's are waited for, both at once.
    #[inline]
    fn row_behind(&self, separator: &(i64, RowId), key: &i64) -> Option<RowId> {
        let place = key.wrapping_sub(separator.0) as usize;
        if self.keys.get(place) == Some(key) && place < self.len {
            return Some(RowId(self.rows[place]));
        }
        self.row_of(key)
    }

    #[inline]
    fn row_of(&self, key: &i64) -> Option<RowId> {
        let place = self.serial_place(*key).unwrap_or_else(|| self.below(*key));
        (place < self.len && self.keys[place] == *key).then(|| RowId(self.rows[place]))
    }
}

/// Finds the last separator not above `sought`: it compares as if it stood right behind it and remembers the last one that
/// it went past. The map's own search for a neighbour builds two cursors and allocates; this is a plain lookup.
struct Probe {
    sought: (i64, RowId),
    /// Invariant: not above `sought` once it met any.
    met: Cell<(i64, RowId)>,
}

/// A separator as one number of the same order: compared without a branch.
#[inline]
fn wide((key, row): (i64, RowId)) -> i128 {
    i128::from(key) << 64 | i128::from(row.0)
}

impl Equivalent<(i64, RowId)> for Probe {
    fn equivalent(&self, _separator: &(i64, RowId)) -> bool {
        false
    }
}

impl Comparable<(i64, RowId)> for Probe {
    #[inline]
    fn compare(&self, separator: &(i64, RowId)) -> Ordering {
        let goes_past = wide(*separator) <= wide(self.sought);
        // A binary search goes past ever higher ones, and a node's are not below those on the way to it.
        self.met.set(if goes_past { *separator } else { self.met.get() });
        if goes_past { Ordering::Greater } else { Ordering::Less }
    }
}

/// A separator that is in the map.
struct Exactly((i64, RowId));

impl Equivalent<(i64, RowId)> for Exactly {
    fn equivalent(&self, separator: &(i64, RowId)) -> bool {
        self.0 == *separator
    }
}

impl Comparable<(i64, RowId)> for Exactly {
    #[inline]
    fn compare(&self, separator: &(i64, RowId)) -> Ordering {
        wide(self.0).cmp(&wide(*separator))
    }
}

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
