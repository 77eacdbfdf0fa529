//! Leaves in the persistent map, and the last one beside it: ascending inserts meet no map at all.

use std::sync::Arc;

use super::leaf::{Leaf, LeafEntry, LeafMap, leaf_after, leaf_before, separator_between};
use crate::storage::RowId;
use crate::storage::gauge::{Counted, Gauge, Token};
use crate::storage::retained::Tally;

/// A leaf that counts in the gauge.
#[derive(Clone, Debug)]
pub(super) struct CountedLeaf<L> {
    pub(super) leaf: L,
    token: Token,
}

/// A leaf shared by versions.
pub(super) type SharedLeaf<L> = Arc<CountedLeaf<L>>;

impl<L: Leaf> CountedLeaf<L> {
    fn new(leaf: L, gauge: &Arc<Gauge>) -> SharedLeaf<L> {
        let token = Token::new(gauge, Counted::Leaf, leaf.bytes());
        Arc::new(Self { leaf, token })
    }

    /// Changes the leaf, copied first if another version has it.
    #[inline]
    fn change<T>(shared: &mut SharedLeaf<L>, change: impl FnOnce(&mut L) -> T) -> T {
        let counted = Arc::make_mut(shared);
        let result = change(&mut counted.leaf);
        counted.token.set_bytes(counted.leaf.bytes());
        result
    }
}

/// A leaf in the map.
#[derive(Clone, Debug)]
pub(super) struct PlacedLeaf<L> {
    pub(super) shared: SharedLeaf<L>,
    /// The row of the leaf's first entry: known before the leaf has come from memory.
    pub(super) first_row: RowId,
}

impl<L: Leaf> PlacedLeaf<L> {
    /// `shared` is not empty.
    fn new(shared: SharedLeaf<L>) -> Self {
        let first_row = shared.leaf.row(0);
        Self { shared, first_row }
    }

    /// [`CountedLeaf::change`]; what it leaves empty has to be taken out of the map.
    fn change<T>(&mut self, change: impl FnOnce(&mut L) -> T) -> T {
        let result = CountedLeaf::change(&mut self.shared, change);
        if self.shared.leaf.len() != 0 {
            self.first_row = self.shared.leaf.row(0);
        }
        result
    }
}

/// Equal when it is the same one, which is what a comparison of versions asks.
impl<L> PartialEq for PlacedLeaf<L> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// Entries (key, row id) in order.
///
/// Invariant: no leaf is empty; the last leaf's entries are above the map's; while the map has leaves, its first
/// separator may be above entries still to come, which then get a leaf of their own.
#[derive(Clone, Debug)]
pub(super) struct Tree<L: Leaf> {
    map: LeafMap<L>,
    last: Option<SharedLeaf<L>>,
    len: usize,
    /// Whether a key is looked for in the leaf of its block first: as long as entries came in order and made blocks
    /// ([`Leaf::is_block`]). No answer depends on it.
    has_blocks: bool,
}

impl<L: Leaf> Tree<L> {
    pub(super) fn new() -> Self {
        Self { map: LeafMap::<L>::new(), last: None, len: 0, has_blocks: true }
    }

    /// Counts the leaves that a newer version has not.
    pub(super) fn retained_beside(&self, newer: Option<&Self>, walk: &mut Tally) {
        let Some(newer) = newer else {
            let leaves = self.map.values().map(|placed| &placed.shared).chain(&self.last);
            let mut bytes = leaves.map(|leaf| leaf.token.bytes());
            while bytes.next().is_some_and(|bytes| walk.add(bytes)) {}
            return;
        };
        for item in self.map.diff(&newer.map) {
            let old = match item {
                im::ordmap::DiffItem::Add(..) => continue,
                im::ordmap::DiffItem::Remove(_, old) => old,
                im::ordmap::DiffItem::Update { old, .. } => old.1,
            };
            if !walk.add(old.shared.token.bytes()) {
                return;
            }
        }
        if let Some(last) = &self.last
            && !newer.last.as_ref().is_some_and(|newer| Arc::ptr_eq(last, newer))
        {
            walk.add(last.token.bytes());
        }
    }

    /// Bytes of its leaves.
    pub(super) fn bytes(&self) -> usize {
        let placed: usize = self.map.values().map(|placed| placed.shared.token.bytes()).sum();
        placed + self.last.as_ref().map_or(0, |last| last.token.bytes())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether (key, row) belongs to the last leaf.
    #[inline]
    fn is_last(&self, last: &L, key: &L::Key, row: RowId) -> bool {
        (last.key(0), last.row(0)) <= (key, row) || self.map.is_empty()
    }

    /// The row of a key that occurs once.
    #[inline]
    pub(super) fn get(&self, key: &L::Key) -> Option<RowId> {
        let last = &self.last.as_ref()?.leaf;
        if self.is_last(last, key, RowId(u64::MAX)) {
            return last.row_of(key);
        }
        // One plain lookup instead of the two of `leaf_at`.
        if self.has_blocks
            && let Some((separator, found)) = L::block_at(&self.map, key)
            && let Some(row) = L::row_behind(separator, found, key)
        {
            return Some(row);
        }
        let (separator, found) = L::leaf_at(&self.map, key, RowId(u64::MAX))?;
        L::row_behind(separator, found, key)
    }

    /// Whether the entry is there.
    pub(super) fn contains(&self, key: &L::Key, row: RowId) -> bool {
        let Some(last) = &self.last else { return false };
        if (last.leaf.key(0), last.leaf.row(0)) <= (key, row) {
            return last.leaf.search(key, row).is_ok();
        }
        L::leaf_at(&self.map, key, row)
            .is_some_and(|(_, found)| found.shared.leaf.search(key, row).is_ok())
    }

    /// Adds an entry that is not there; false, and nothing changed, if `unique` and the key is there.
    #[inline]
    pub(super) fn insert(
        &mut self,
        key: &L::Key,
        row: RowId,
        unique: bool,
        gauge: &Arc<Gauge>,
    ) -> bool {
        let Some(last) = &self.last else {
            let mut leaf = L::new();
            leaf.insert(0, key, row);
            self.last = Some(CountedLeaf::new(leaf, gauge));
            self.len += 1;
            return true;
        };
        // Where a unique key's entry with the highest row id belongs, there all do: see `separator_between`.
        let sought = if unique { RowId(u64::MAX) } else { row };
        let inserted = if self.is_last(&last.leaf, key, sought) {
            self.insert_into_last(key, row, unique, gauge)
        } else {
            self.insert_into_map(key, row, sought, unique, gauge)
        };
        self.len += usize::from(inserted);
        inserted
    }

    #[inline]
    fn insert_into_last(
        &mut self,
        key: &L::Key,
        row: RowId,
        unique: bool,
        gauge: &Arc<Gauge>,
    ) -> bool {
        let shared = self.last.as_mut().expect("the caller saw the last leaf");
        let last = &shared.leaf;
        let count = last.len();
        let above = (last.key(count - 1), last.row(count - 1)) < (key, row);
        if unique && if above { last.key(count - 1) == key } else { last.row_of(key).is_some() } {
            return false;
        }
        let place = if above { count } else { last.search(key, row).unwrap_or_else(|at| at) };
        if last.has_room() && !(above && last.ends_before(key)) {
            CountedLeaf::change(shared, |leaf| leaf.insert(place, key, row));
        } else {
            self.split_last(place, key, row, gauge);
        }
        true
    }

    /// The last leaf, full or the end of a block, goes to the map: whole if the new entry is behind it, else its lower half.
    #[cold]
    fn split_last(&mut self, place: usize, key: &L::Key, row: RowId, gauge: &Arc<Gauge>) {
        let mut lower = self.last.take().expect("the caller saw the last leaf");
        let count = lower.leaf.len();
        let upper = if place == count {
            let mut upper = L::new();
            upper.insert(0, key, row);
            upper
        } else {
            CountedLeaf::change(&mut lower, |lower| split_around(lower, place, key, row))
        };
        if Arc::get_mut(&mut lower).is_some() {
            CountedLeaf::change(&mut lower, Leaf::shrink_to_fit);
        }
        let separator = match self.map.get_max() {
            None => L::separator_above(None, lower.leaf.key(0)),
            Some((_, before)) => separator_between(&before.shared.leaf, &lower.leaf),
        };
        self.has_blocks &= place == count && lower.leaf.is_block(&separator);
        self.map.insert(separator, PlacedLeaf::new(lower));
        self.last = Some(CountedLeaf::new(upper, gauge));
    }

    fn insert_into_map(
        &mut self,
        key: &L::Key,
        row: RowId,
        sought: RowId,
        unique: bool,
        gauge: &Arc<Gauge>,
    ) -> bool {
        let Some((separator, found)) = L::leaf_at(&self.map, key, sought) else {
            let mut leaf = L::new();
            leaf.insert(0, key, row);
            self.map.insert(L::lowest(), PlacedLeaf::new(CountedLeaf::new(leaf, gauge)));
            return true;
        };
        if unique && found.shared.leaf.row_of(key).is_some() {
            return false;
        }
        let separator = separator.clone();
        let placed = self.map.get_mut(&separator).expect("the leaf was just found");
        let leaf = &placed.shared.leaf;
        let place = leaf.search(key, row).unwrap_or_else(|at| at);
        if leaf.has_room() {
            placed.change(|leaf| leaf.insert(place, key, row));
            return true;
        }
        let upper = if place == leaf.len() {
            let mut upper = L::new();
            upper.insert(0, key, row);
            upper
        } else {
            placed.change(|lower| split_around(lower, place, key, row))
        };
        let separator = separator_between(&placed.shared.leaf, &upper);
        self.map.insert(separator, PlacedLeaf::new(CountedLeaf::new(upper, gauge)));
        self.has_blocks = false;
        true
    }

    /// Removes an entry; whether it was there.
    pub(super) fn remove(&mut self, key: &L::Key, row: RowId) -> bool {
        let Some(last) = &mut self.last else { return false };
        if (last.leaf.key(0), last.leaf.row(0)) <= (key, row) {
            let Ok(place) = last.leaf.search(key, row) else { return false };
            CountedLeaf::change(last, |leaf| leaf.remove(place));
            if last.leaf.len() == 0 {
                self.last =
                    self.map.get_max().map(|(separator, _)| separator.clone()).map(|separator| {
                        self.map.remove(&separator).expect("the leaf was just found").shared
                    });
            }
        } else {
            let Some((separator, found)) = L::leaf_at(&self.map, key, row) else { return false };
            let Ok(place) = found.shared.leaf.search(key, row) else { return false };
            let separator = separator.clone();
            let placed = self.map.get_mut(&separator).expect("the leaf was just found");
            placed.change(|leaf| leaf.remove(place));
            if placed.shared.leaf.len() < L::ENTRIES_MAX / 4 {
                self.merge(&separator);
            }
        }
        self.len -= 1;
        true
    }

    /// A sparse leaf goes if empty, else joins a neighbour where both fit with room to spare.
    #[cold]
    fn merge(&mut self, separator: &L::Separator) {
        let sparse = &self.map.get(separator).expect("the leaf was just changed").shared.leaf;
        if sparse.len() == 0 {
            self.map.remove(separator);
            return;
        }
        let next = leaf_after(&self.map, separator)
            .filter(|(_, next)| fit(sparse, &next.shared.leaf))
            .map(|(next, _)| (separator.clone(), next.clone()));
        let pair = next.or_else(|| {
            leaf_before(&self.map, separator)
                .filter(|(_, before)| fit(&before.shared.leaf, sparse))
                .map(|(before, _)| (before.clone(), separator.clone()))
        });
        if let Some((lower, upper)) = pair {
            let upper = self.map.remove(&upper).expect("the leaf was just found");
            let lower = self.map.get_mut(&lower).expect("the leaf was just found");
            lower.change(|leaf| leaf.append(&upper.shared.leaf));
            self.has_blocks = false;
        }
    }

    /// A walk over the run from `start` to `end`.
    pub(super) fn cursor(&self, start: L::End, end: L::End, reverse: bool) -> TreeCursor<'_, L> {
        let key = L::start_key(if reverse { &end } else { &start });
        let row = RowId(if reverse { u64::MAX } else { 0 });
        let first = match &self.last {
            None => None,
            Some(last) if self.is_last(&last.leaf, key, row) => Some(At::Last(&last.leaf)),
            Some(_) => match L::leaf_at(&self.map, key, row) {
                Some(entry) => Some(At::map(entry)),
                None if reverse => None,
                None => self.map.get_min().map(|(separator, placed)| At::map((separator, placed))),
            },
        };
        let mut cursor = TreeCursor { tree: self, start, end, reverse, at: None, from: 0, to: 0 };
        cursor.enter(first);
        cursor
    }
}

/// Splits a full leaf in half and adds an entry at `place` of the whole; returns the upper half.
fn split_around<L: Leaf>(lower: &mut L, place: usize, key: &L::Key, row: RowId) -> L {
    let half = lower.len() / 2;
    let mut upper = lower.split_off(half);
    if place <= half {
        lower.insert(place, key, row);
    } else {
        upper.insert(place - half, key, row);
    }
    upper
}

/// Whether two leaves make one that is at most three quarters full.
fn fit<L: Leaf>(lower: &L, upper: &L) -> bool {
    lower.len() + upper.len() <= L::ENTRIES_MAX * 3 / 4 && lower.has_room() && upper.has_room()
}

/// A leaf of the tree.
enum At<'a, L: Leaf> {
    Map(&'a L::Separator, &'a L),
    Last(&'a L),
}

impl<'a, L: Leaf> At<'a, L> {
    fn map((separator, placed): LeafEntry<'a, L>) -> Self {
        Self::Map(separator, &placed.shared.leaf)
    }
}

impl<L: Leaf> Clone for At<'_, L> {
    fn clone(&self) -> Self {
        match self {
            Self::Map(separator, leaf) => Self::Map(separator, leaf),
            Self::Last(leaf) => Self::Last(leaf),
        }
    }
}

/// Where a walk stands: a leaf, and the entries of it that belong to the run and were not yielded.
#[derive(Clone)]
pub(super) struct TreeCursor<'a, L: Leaf> {
    tree: &'a Tree<L>,
    start: L::End,
    end: L::End,
    reverse: bool,
    at: Option<At<'a, L>>,
    from: usize,
    to: usize,
}

impl<'a, L: Leaf> TreeCursor<'a, L> {
    fn leaf(&self) -> Option<&'a L> {
        match self.at {
            Some(At::Map(_, leaf) | At::Last(leaf)) => Some(leaf),
            None => None,
        }
    }

    fn enter(&mut self, at: Option<At<'a, L>>) {
        self.at = at;
        (self.from, self.to) = match self.leaf() {
            Some(leaf) => (leaf.run_start(&self.start), leaf.run_end(&self.end)),
            None => (0, 0),
        };
        if self.from > self.to {
            (self.at, self.from, self.to) = (None, 0, 0); // an empty run: its end is below its start
        }
    }

    /// Goes to the next leaf in the walk's direction unless the run ended in this one.
    fn advance(&mut self, leaf: &L) {
        let next = if self.reverse {
            let goes_on = leaf.run_start(&self.start) == 0;
            self.at.clone().filter(|_| goes_on).and_then(|at| self.before(&at))
        } else {
            let goes_on = leaf.run_end(&self.end) == leaf.len();
            self.at.clone().filter(|_| goes_on).and_then(|at| self.after(&at))
        };
        self.enter(next);
    }

    fn after(&self, at: &At<'a, L>) -> Option<At<'a, L>> {
        match at {
            At::Last(_) => None,
            At::Map(separator, _) => match leaf_after(&self.tree.map, separator) {
                Some(entry) => Some(At::map(entry)),
                None => self.tree.last.as_ref().map(|last| At::Last(&last.leaf)),
            },
        }
    }

    fn before(&self, at: &At<'a, L>) -> Option<At<'a, L>> {
        let entry = match at {
            At::Last(_) => self.tree.map.get_max().map(|(separator, placed)| (separator, placed)),
            At::Map(separator, _) => leaf_before(&self.tree.map, separator),
        };
        entry.map(At::map)
    }

    /// The next row.
    #[inline]
    pub(super) fn next_row(&mut self) -> Option<RowId> {
        loop {
            let leaf = self.leaf()?;
            if self.from < self.to {
                let place = if self.reverse {
                    self.to -= 1;
                    self.to
                } else {
                    self.from += 1;
                    self.from - 1
                };
                return Some(leaf.row(place));
            }
            self.advance(leaf);
        }
    }

    /// Passes over all further rows, a leaf at a time, if they are no more than `max`; returns how many fewer they are.
    pub(super) fn pass(&mut self, max: usize) -> Option<usize> {
        let mut left = max;
        while let Some(leaf) = self.leaf() {
            left = left.checked_sub(self.to - self.from)?;
            self.advance(leaf);
        }
        Some(left)
    }

    /// Appends up to `max` rows; returns how many.
    pub(super) fn next_rows(&mut self, rows: &mut Vec<RowId>, max: usize) -> usize {
        let before = rows.len();
        while rows.len() - before < max {
            let Some(leaf) = self.leaf() else { break };
            let count = (self.to - self.from).min(max - (rows.len() - before));
            if count == 0 {
                self.advance(leaf);
            } else if self.reverse {
                rows.extend((self.to - count..self.to).rev().map(|place| leaf.row(place)));
                self.to -= count;
            } else {
                leaf.extend_rows(self.from..self.from + count, rows);
                self.from += count;
            }
        }
        rows.len() - before
    }
}
