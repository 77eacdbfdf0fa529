//! A leaf of integer keys.

use std::cell::Cell;
use std::cmp::Ordering;
use std::hint::black_box;

use equivalent::{Comparable, Equivalent};

use super::leaf::{Leaf, LeafEntry, LeafMap};
use super::tree::PlacedLeaf;
use crate::storage::RowId;

/// Entries of an integer leaf: 2 KiB, copied in about 50 ns.
const FIXED_ENTRIES_MAX: usize = 128;

/// The first key of the block of keys that `key` is in.
#[inline]
fn block(key: i64) -> i64 {
    key & !(FIXED_ENTRIES_MAX as i64 - 1)
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

    fn separator_above(below: Option<&i64>, key: &i64) -> Self::Separator {
        let block = block(*key);
        let separates = below.is_none_or(|below| *below < block);
        (if separates { block } else { *key }, RowId(0))
    }

    fn is_block(&self, separator: &Self::Separator) -> bool {
        *separator == (block(self.keys[self.len - 1]), RowId(0))
    }

    #[inline]
    fn ends_before(&self, key: &i64) -> bool {
        self.len >= FIXED_ENTRIES_MAX / 2 && block(self.keys[self.len - 1]) != block(*key)
    }

    #[inline]
    fn block_at<'m>(map: &'m LeafMap<Self>, key: &i64) -> Option<LeafEntry<'m, Self>> {
        map.get_key_value(&Exactly((block(*key), RowId(0))))
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

    /// A run of keys without gaps often begins with the separator, and their rows are a run too. Separator and first row
    /// are at hand, so the row is known before the leaf has come from memory, and whoever looks the row up does not
    /// wait: that the leaf says the same is left to the processor's prediction. The black box keeps the compiler from
    /// answering the leaf's number instead, since both are equal there.
    #[inline]
    fn row_behind(separator: &(i64, RowId), placed: &PlacedLeaf<Self>, key: &i64) -> Option<RowId> {
        let leaf = &placed.shared.leaf;
        let place = key.wrapping_sub(separator.0) as usize;
        if leaf.keys.get(place) == Some(key) && place < leaf.len {
            let expected = placed.first_row.0.wrapping_add(place as u64);
            let ahead = black_box(expected);
            let row = leaf.rows[place];
            return Some(if row == expected { RowId(ahead) } else { unexpected(row) });
        }
        leaf.row_of(key)
    }

    #[inline]
    fn row_of(&self, key: &i64) -> Option<RowId> {
        let place = self.serial_place(*key).unwrap_or_else(|| self.below(*key));
        (place < self.len && self.keys[place] == *key).then(|| RowId(self.rows[place]))
    }
}

/// A call, so that a branch decides and not a conditional move, which would wait.
#[cold]
fn unexpected(row: u64) -> RowId {
    RowId(row)
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
