//! Runs of an index's keys put together: whether a row's key lies in any of them.
//!
//! Runs that overlap or touch become one, so reading the same keys again, or one after the other, takes no more memory.

use std::collections::BTreeMap;

use crate::storage::chunk::Chunk;
use crate::storage::index::{Index, Key};
use crate::storage::key::{KeyBytes, KeyRange, Run};

/// Bytes that a run takes beside its keys' own: its place in the tree, at the usual load.
const RUN_BYTES: usize = 32;

/// Some of one index's keys.
#[derive(Debug, Default)]
pub struct KeySet {
    is_all: bool,
    nulls: bool,
    /// Integer keys: first to last, both included.
    fixed: Runs<i64>,
    /// Byte keys: first to end, the end excluded.
    bytes: Runs<KeyBytes>,
}

impl KeySet {
    /// Adds a run.
    pub fn insert(&mut self, range: &KeyRange) {
        match &range.run {
            Run::All => self.is_all = true,
            Run::Fixed { keys, nulls } => {
                self.nulls |= *nulls;
                if let Some((first, last)) = keys {
                    // The integers next to it touch it.
                    self.fixed.insert(*first, *last, |key| key.saturating_add(1));
                }
            }
            Run::Bytes { start, end } => {
                if start < end {
                    self.bytes.insert(start.clone(), end.clone(), KeyBytes::clone);
                }
            }
        }
    }

    /// Whether the key of the row in `slot` of `chunk` is among them; `index` has the keys' definition.
    pub fn contains_row(&self, index: &Index, chunk: &Chunk, slot: usize) -> bool {
        self.is_all || self.contains(&key_of(index, (chunk, slot)))
    }

    /// Whether a row has come to one of them, or left one, where it is another in `after` than in `before`.
    pub fn tells_apart(
        &self,
        index: &Index,
        before: (&Chunk, usize),
        after: (&Chunk, usize),
    ) -> bool {
        let (before, after) = (key_of(index, before), key_of(index, after));
        before != after && (self.contains(&before) || self.contains(&after))
    }

    fn contains(&self, key: &Key) -> bool {
        match key {
            _ if self.is_all => true,
            Key::Null => self.nulls,
            Key::Fixed(key) => self.fixed.around(key).is_some_and(|last| key <= last),
            Key::Bytes { bytes, .. } => self.bytes.around(bytes).is_some_and(|end| bytes < end),
        }
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let fixed = self.fixed.0.len() * (RUN_BYTES + 2 * size_of::<i64>());
        let spilled = |key: &KeyBytes| if key.spilled() { key.capacity() } else { 0 };
        let ends = self.bytes.0.iter().map(|(start, end)| spilled(start) + spilled(end));
        fixed + self.bytes.0.len() * (RUN_BYTES + 2 * size_of::<KeyBytes>()) + ends.sum::<usize>()
    }
}

fn key_of(index: &Index, (chunk, slot): (&Chunk, usize)) -> Key {
    index.key(|ordinal| chunk.column(ordinal).get(slot))
}

/// Disjoint runs by where they start.
#[derive(Debug)]
struct Runs<K>(BTreeMap<K, K>);

impl<K> Default for Runs<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Runs<K> {
    /// Adds a run; one that starts at `touching` its end, or before, is joined to it.
    fn insert(&mut self, mut start: K, mut end: K, touching: impl Fn(&K) -> K) {
        if let Some((before, its_end)) = self.0.range(..=&start).next_back()
            && start <= touching(its_end)
        {
            if end <= *its_end {
                return;
            }
            start = before.clone();
        }
        while let Some((inner, its_end)) = self.0.range(&start..=&touching(&end)).next() {
            let inner = inner.clone();
            end = end.max(its_end.clone());
            self.0.remove(&inner);
        }
        self.0.insert(start, end);
    }

    /// The end of the run that starts last at or before `key`.
    fn around(&self, key: &K) -> Option<&K> {
        self.0.range(..=key).next_back().map(|(_, end)| end)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn fixed(first: i64, last: i64) -> KeyRange {
        KeyRange { run: Run::Fixed { keys: Some((first, last)), nulls: false } }
    }

    fn bytes(start: u8, end: u8) -> KeyRange {
        let key = |byte| KeyBytes::from_slice(&[byte]);
        KeyRange { run: Run::Bytes { start: key(start), end: key(end) } }
    }

    proptest! {
        #[test]
        fn it_has_the_keys_of_its_runs_and_no_others(
            runs in prop::collection::vec((0_u8..40, 0_u8..10), 0..20)
        ) {
            let (mut set, mut closed, mut open) =
                (KeySet::default(), BTreeSet::new(), BTreeSet::new());
            for (start, length) in runs {
                set.insert(&fixed(i64::from(start), i64::from(start + length)));
                set.insert(&bytes(start, start + length));
                closed.extend(start..=start + length);
                open.extend(start..start + length);
            }
            for key in 0..60 {
                let number = i64::from(key);
                let found = set.fixed.around(&number).is_some_and(|last| number <= *last);
                prop_assert_eq!(found, closed.contains(&key), "{}", key);
                let text = KeyBytes::from_slice(&[key]);
                let found = set.bytes.around(&text).is_some_and(|end| text < *end);
                prop_assert_eq!(found, open.contains(&key), "{}", key);
            }
            let gaps = |keys: &BTreeSet<u8>| keys.iter().filter(|key| !keys.contains(&(**key + 1))).count();
            prop_assert_eq!(set.fixed.0.len(), gaps(&closed));
            prop_assert_eq!(set.bytes.0.len(), gaps(&open));
        }
    }

    #[test]
    fn keys_at_the_ends_of_the_integers() {
        let mut set = KeySet::default();
        set.insert(&fixed(i64::MAX, i64::MAX));
        set.insert(&fixed(i64::MIN, i64::MIN));
        set.insert(&fixed(i64::MAX - 1, i64::MAX));
        assert_eq!(set.fixed.0.len(), 2);
        assert_eq!(set.bytes(), 2 * (RUN_BYTES + 16));
    }
}
