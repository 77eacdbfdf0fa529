//! The leaves of an index: many entries, ordered by key and row id, in one piece of memory.

use std::cmp::Ordering;
use std::ops::Bound;

use super::tree::PlacedLeaf;
use crate::storage::RowId;

/// The persistent map of an index's leaves.
pub(super) type LeafMap<L> = im::OrdMap<<L as Leaf>::Separator, PlacedLeaf<L>>;

/// A leaf's separator and the leaf, borrowed from the map.
pub(super) type LeafEntry<'m, L> = (&'m <L as Leaf>::Separator, &'m PlacedLeaf<L>);

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
    /// A separator with row id 0 that is above the key `below` and not above `key`.
    fn separator_above(below: Option<&Self::Key>, key: &Self::Key) -> Self::Separator;
    /// A separator not above any entry.
    fn lowest() -> Self::Separator;
    /// The last leaf of the map whose separator is not above (key, row).
    fn leaf_at<'m>(
        map: &'m LeafMap<Self>,
        key: &Self::Key,
        row: RowId,
    ) -> Option<LeafEntry<'m, Self>>;

    /// Whether its keys are all of one block (a fixed part of the domain of keys, which may be at most as many as a leaf
    /// takes), and `separator` is where that begins.
    fn is_block(&self, _separator: &Self::Separator) -> bool {
        false
    }

    /// Whether its block ends before `key`, which is above all its keys, and it is full enough to end with its block.
    fn ends_before(&self, _key: &Self::Key) -> bool {
        false
    }

    /// The leaf whose separator is where the block of `key` begins.
    fn block_at<'m>(_map: &'m LeafMap<Self>, _key: &Self::Key) -> Option<LeafEntry<'m, Self>> {
        None
    }

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
    fn row_behind(
        _separator: &Self::Separator,
        placed: &PlacedLeaf<Self>,
        key: &Self::Key,
    ) -> Option<RowId> {
        placed.shared.leaf.row_of(key)
    }
}

/// A separator of `upper` from `lower`, the leaf before it.
///
/// It has row id 0 unless both have the key. So in an index where a key occurs once, an entry of that key belongs to
/// this leaf whatever its row id, also when the entry the separator was made from is gone: the leaf where (key,
/// highest row id) belongs has the key if any has.
pub(super) fn separator_between<L: Leaf>(lower: &L, upper: &L) -> L::Separator {
    let below = lower.key(lower.len() - 1);
    if below == upper.key(0) {
        return L::separator(upper.key(0), upper.row(0));
    }
    L::separator_above(Some(below), upper.key(0))
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
pub(super) fn partition(len: usize, before: impl Fn(usize) -> bool) -> usize {
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
