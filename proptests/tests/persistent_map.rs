//! The persistent map against `BTreeMap`: what storage builds on, reverse ranges beyond 100,000 keys and `diff` included.

use std::collections::BTreeMap;
use std::ops::Bound;

use im::ordmap::DiffItem;
use proptest::prelude::*;

/// Keys of the base map: three levels of nodes and more.
const KEYS: u64 = 120_000;

/// Even numbers below twice `KEYS`, so that probes fall on keys and between them.
fn base() -> (im::OrdMap<u64, u64>, BTreeMap<u64, u64>) {
    let entries = || (0..KEYS).map(|key| (key * 2, key));
    (entries().collect(), entries().collect())
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, u64),
    Remove(u64),
    RemoveRun(u64, u64),
    GetMut(u64, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS * 2 + 10;
    prop_oneof![
        4 => (key.clone(), any::<u64>()).prop_map(|(key, value)| Step::Insert(key, value)),
        4 => key.clone().prop_map(Step::Remove),
        2 => (key.clone(), 1..2_000_u64).prop_map(|(key, count)| Step::RemoveRun(key, count)),
        2 => (key, any::<u64>()).prop_map(|(key, value)| Step::GetMut(key, value)),
    ]
}

fn take(map: &mut im::OrdMap<u64, u64>, model: &mut BTreeMap<u64, u64>, step: &Step) {
    match *step {
        Step::Insert(key, value) => assert_eq!(map.insert(key, value), model.insert(key, value)),
        Step::Remove(key) => assert_eq!(map.remove(&key), model.remove(&key)),
        Step::RemoveRun(start, count) => {
            for key in start..start + count {
                assert_eq!(map.remove(&key), model.remove(&key));
            }
        }
        Step::GetMut(key, value) => {
            let (found, expected) = (map.get_mut(&key), model.get_mut(&key));
            assert_eq!(found, expected);
            if let (Some(found), Some(expected)) = (found, expected) {
                (*found, *expected) = (value, value);
            }
        }
    }
}

fn difference(old: &BTreeMap<u64, u64>, new: &BTreeMap<u64, u64>) -> Vec<(u64, Option<u64>)> {
    let mut differences: Vec<(u64, Option<u64>)> = old
        .iter()
        .filter(|(key, value)| new.get(*key) != Some(*value))
        .map(|(key, _)| (*key, new.get(key).copied()))
        .chain(
            new.iter()
                .filter(|(key, _)| !old.contains_key(*key))
                .map(|(key, value)| (*key, Some(*value))),
        )
        .collect();
    differences.sort_unstable();
    differences
}

fn check_neighbours(map: &im::OrdMap<u64, u64>, model: &BTreeMap<u64, u64>, key: u64) {
    assert_eq!(map.get(&key), model.get(&key));
    assert_eq!(map.get_prev(&key), model.range(..=key).next_back());
    assert_eq!(map.get_next(&key), model.range(key..).next());
    let above = (Bound::Excluded(key), Bound::Unbounded);
    assert_eq!(map.range(above).next(), model.range(above).next());
    let below = (Bound::Unbounded, Bound::Excluded(key));
    assert_eq!(map.range(below).next_back(), model.range(below).next_back());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_sorted_map(
        steps in prop::collection::vec(step(), 1..60),
        probes in prop::collection::vec((0..KEYS * 2 + 10, 0..KEYS), 30),
    ) {
        let (mut map, mut model) = base();
        let (old_map, old_model) = (map.clone(), model.clone());
        for step in &steps {
            take(&mut map, &mut model, step);
        }
        prop_assert!(map.iter().eq(model.iter()));
        prop_assert!(map.iter().rev().eq(model.iter().rev()));
        prop_assert!(old_map.iter().rev().eq(old_model.iter().rev()), "an old version changed");
        prop_assert_eq!(map.get_min().map(|(key, _)| key), model.keys().next());
        prop_assert_eq!(map.get_max().map(|(key, _)| key), model.keys().next_back());
        for (start, length) in probes {
            check_neighbours(&map, &model, start);
            let range = start..start + length;
            prop_assert!(map.range(range.clone()).eq(model.range(range.clone())));
            prop_assert!(map.range(range.clone()).rev().eq(model.range(range).rev()));
        }
        let found: Vec<(u64, Option<u64>)> = old_map
            .diff(&map)
            .map(|item| match item {
                DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => {
                    (*key, Some(*value))
                }
                DiffItem::Remove(key, _) => (*key, None),
            })
            .collect();
        prop_assert_eq!(found, difference(&old_model, &model));
    }
}
