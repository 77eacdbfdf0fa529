//! Trees of both kinds of leaf against a `BTreeSet`, through growth, shrinking and kept versions.

use std::collections::BTreeSet;

use super::leaf::Leaf;
use super::*;

/// A sequence of numbers that looks random and is always the same.
fn numbers(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    }
}

fn rows<L: Leaf>(tree: &Tree<L>, start: L::End, end: L::End, reverse: bool) -> Vec<RowId> {
    let mut cursor = tree.cursor(start, end, reverse);
    let mut rows = Vec::new();
    while cursor.next_rows(&mut rows, 100) > 0 {}
    rows
}

/// Grows a tree to thousands of entries and shrinks it again, `key` making keys in their order from numbers.
fn check<L: Leaf>(unique: bool, keys: u64, key: impl Fn(u64) -> L::End, exclusive_end: bool) {
    let gauge = Gauge::new();
    let mut tree: Tree<L> = Tree::new();
    let mut model: BTreeSet<(u64, RowId)> = BTreeSet::new();
    let mut kept = Vec::new();
    let mut next = numbers(keys);
    for step in 0..30_000_u64 {
        let growing = step < 12_000 || (20_000..23_000).contains(&step);
        let number = next(keys);
        let encoded = key(number);
        let encoded = L::start_key(&encoded);
        let first = model.range((number, RowId(0))..).next().filter(|entry| entry.0 == number);
        if next(10) < if growing { 8 } else { 2 } {
            let row = RowId(next(1_000_000));
            let is_free = if unique { first.is_none() } else { !model.contains(&(number, row)) };
            if unique || is_free {
                assert_eq!(tree.insert(encoded, row, unique, &gauge), is_free);
            }
            if is_free {
                model.insert((number, row));
            }
        } else if let Some(entry) = first.copied() {
            if unique {
                assert_eq!(tree.get(encoded), Some(entry.1));
            }
            assert!(tree.remove(encoded, entry.1));
            model.remove(&entry);
        } else {
            assert!(!tree.remove(encoded, RowId(5)));
            assert_eq!(tree.get(encoded), None);
        }
        if step % 5_000 == 4_999 {
            kept.push((tree.clone(), model.clone()));
        }
    }
    kept.push((tree, model));
    for (tree, model) in &kept {
        assert_eq!(tree.len(), model.len());
        for _ in 0..20 {
            let (low, high) = (next(keys), next(keys));
            let end = if exclusive_end { high + 1 } else { high };
            let mut expected: Vec<RowId> = model
                .iter()
                .filter(|(number, _)| (low..=high).contains(number))
                .map(|(_, row)| *row)
                .collect();
            assert_eq!(rows(tree, key(low), key(end), false), expected, "{low}..={high}");
            expected.reverse();
            assert_eq!(rows(tree, key(low), key(end), true), expected, "{low}..={high}");
        }
        assert_eq!(rows(tree, key(0), key(keys), false).len(), model.len());
    }
    drop(kept);
    assert_eq!((gauge.leaves(), gauge.bytes()), (0, 0));
}

#[test]
fn trees_are_sorted_sets() {
    let fixed = |number: u64| number as i64 * 3 - 5_000;
    let bytes = |number: u64| {
        let mut key = KeyBytes::from_slice(&number.to_be_bytes());
        key.extend(std::iter::repeat_n(1, (number % 7 * 90) as usize));
        key
    };
    for (unique, keys) in [(true, 40_000), (true, 3_000), (false, 5_000), (false, 12)] {
        check::<FixedLeaf>(unique, keys, fixed, false);
        check::<BytesLeaf>(unique, keys, bytes, true);
    }
}

#[test]
fn ascending_inserts_leave_full_leaves() {
    let gauge = Gauge::new();
    let mut tree: Tree<FixedLeaf> = Tree::new();
    for number in 0..12_800 {
        assert!(tree.insert(&number, RowId(number as u64), true, &gauge));
    }
    assert_eq!(gauge.leaves(), 100);
    for number in (0..12_800).filter(|number| number % 8 != 0) {
        assert!(tree.remove(&number, RowId(number as u64)));
    }
    assert!(gauge.leaves() <= 40, "{} sparse leaves", gauge.leaves());
}

/// Serial keys as tables have them: gaps, rows in another order than their keys, some deleted and some added again.
#[test]
fn serial_keys_are_found_whatever_happened_to_their_blocks() {
    let gauge = Gauge::new();
    let mut next = numbers(7);
    for (start, gap) in
        [(0, 1), (-3_000, 1), (i64::MIN, 1), (5, 2), (100, 40), (i64::MAX - 60_000, 3)]
    {
        let mut tree: Tree<FixedLeaf> = Tree::new();
        let mut model = std::collections::BTreeMap::new();
        let mut key = start;
        for row in 0..6_000_u64 {
            key = key.saturating_add(1 + next(gap) as i64);
            let row = RowId(if row % 1_000 < 30 { 1_000_000 - row } else { row });
            assert!(tree.insert(&key, row, true, &gauge));
            model.insert(key, row);
            if next(4) == 0 {
                let gone = key.saturating_sub(next(300) as i64);
                let known = model.remove(&gone);
                assert_eq!(tree.get(&gone), known);
                assert_eq!(known.is_some_and(|row| tree.remove(&gone, row)), known.is_some());
                if next(3) == 0 {
                    let again = RowId(2_000_000 + row.0);
                    assert!(tree.insert(&gone, again, true, &gauge));
                    model.insert(gone, again);
                }
            }
        }
        for probe in start.saturating_sub(300)..=key.saturating_add(300) {
            assert_eq!(tree.get(&probe), model.get(&probe).copied(), "{probe}");
        }
    }
}
