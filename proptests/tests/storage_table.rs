//! A table against a `BTreeMap` of rows: changes, refusals, finds, index ranges, differences; old versions stay.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use spg_engine::storage::change::{InsertedRows, Stamps, TableChange, UpdatedRows};
use spg_engine::storage::column::Column;
use spg_engine::storage::difference::{Changes, RowDifference, extract};
use spg_engine::storage::gauge::Gauge;
use spg_engine::storage::key::{KeyBound, KeyRange};
use spg_engine::storage::schema::{
    Alterations, ColumnDefinition, Constraints, IndexColumn, IndexDefinition, Schema,
};
use spg_engine::storage::table::{AddIndexError, Table};
use spg_engine::storage::{IndexId, RowId, Stamp, TableId};
use spg_engine::types::{DataType, Value, ValueRef};

/// (unique key, group, text), each of which may be NULL, and who wrote it.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    key: Option<i32>,
    group: Option<i16>,
    text: Option<String>,
    stamp: u64,
}

type Model = BTreeMap<u64, Row>;

const TYPES: [DataType; 3] = [DataType::Int4, DataType::Int2, DataType::Text];
const BY_KEY: IndexId = IndexId(2);
const BY_GROUP: IndexId = IndexId(3);
const BY_TEXT_GROUP: IndexId = IndexId(4);

fn definition(id: IndexId, columns: &[(usize, bool, bool)], unique: bool) -> Arc<IndexDefinition> {
    Arc::new(IndexDefinition {
        id,
        name: format!("index_{}", id.0).into(),
        columns: columns
            .iter()
            .map(|&(ordinal, descending, nulls_first)| IndexColumn {
                ordinal,
                descending,
                nulls_first,
            })
            .collect(),
        unique,
        constraint: false,
        primary: false,
    })
}

fn schema() -> Arc<Schema> {
    let column = |(place, data_type): (usize, &DataType)| {
        ColumnDefinition::nullable(&format!("c{place}"), *data_type)
    };
    Arc::new(Schema {
        table: TableId(1),
        name: "t".into(),
        columns: TYPES.iter().enumerate().map(column).collect(),
        indexes: vec![
            definition(BY_KEY, &[(0, false, false)], true),
            definition(BY_GROUP, &[(1, true, true)], false),
            definition(BY_TEXT_GROUP, &[(2, true, false), (1, false, true)], false),
        ],
        constraints: Constraints::default(),
        alterations: Alterations::default(),
        structure: 1,
    })
}

fn values(row: &Row) -> [ValueRef<'_>; 3] {
    [
        row.key.map_or(ValueRef::Null, ValueRef::Int4),
        row.group.map_or(ValueRef::Null, ValueRef::Int2),
        row.text.as_deref().map_or(ValueRef::Null, ValueRef::Text),
    ]
}

fn columns(rows: &[(u64, Row)], ordinals: &[usize]) -> Vec<Column> {
    let column = |ordinal: &usize| {
        let mut column = Column::with_capacity(TYPES[*ordinal], rows.len());
        for (_, row) in rows {
            column.push(values(row)[*ordinal]);
        }
        column
    };
    ordinals.iter().map(column).collect()
}

fn ids(rows: &[(u64, Row)]) -> Vec<RowId> {
    rows.iter().map(|(id, _)| RowId(*id)).collect()
}

/// How NULLs and values of one index column compare.
fn compare<T: Ord>(
    left: Option<&T>,
    right: Option<&T>,
    descending: bool,
    nulls_first: bool,
) -> std::cmp::Ordering {
    match (left, right) {
        (Some(left), Some(right)) if descending => right.cmp(left),
        (Some(left), Some(right)) => left.cmp(right),
        (None, None) => std::cmp::Ordering::Equal,
        (None, Some(_)) if nulls_first => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (Some(_), None) if nulls_first => std::cmp::Ordering::Greater,
        (Some(_), None) => std::cmp::Ordering::Less,
    }
}

/// The rows in an index's order.
fn ordered(model: &Model, index: IndexId) -> Vec<(u64, &Row)> {
    let mut rows: Vec<(u64, &Row)> = model.iter().map(|(id, row)| (*id, row)).collect();
    rows.sort_by(|(left_id, left), (right_id, right)| {
        let by_key = if index == BY_KEY {
            compare(left.key.as_ref(), right.key.as_ref(), false, false)
        } else if index == BY_GROUP {
            compare(left.group.as_ref(), right.group.as_ref(), true, true)
        } else {
            compare(left.text.as_ref(), right.text.as_ref(), true, false).then(compare(
                left.group.as_ref(),
                right.group.as_ref(),
                false,
                true,
            ))
        };
        by_key.then(left_id.cmp(right_id))
    });
    rows
}

fn run(table: &Table, index: IndexId, range: &KeyRange, reverse: bool, batch: usize) -> Vec<u64> {
    let mut cursor = table.index(index).expect("the index exists").range(range, reverse);
    let mut rows = Vec::new();
    if batch == 0 {
        rows.extend(cursor);
    } else {
        while cursor.next_rows(&mut rows, batch) > 0 {}
    }
    rows.into_iter().map(|row| row.0).collect()
}

fn check_run<'m>(
    table: &Table,
    index: IndexId,
    range: &KeyRange,
    expected: impl Iterator<Item = (u64, &'m Row)>,
) {
    let mut expected: Vec<u64> = expected.map(|(id, _)| id).collect();
    assert_eq!(run(table, index, range, false, 0), expected, "{range:?}");
    assert_eq!(run(table, index, range, false, 37), expected, "{range:?}");
    expected.reverse();
    assert_eq!(run(table, index, range, true, 0), expected, "{range:?}");
    assert_eq!(run(table, index, range, true, 50), expected, "{range:?}");
}

fn check_indexes(table: &Table, model: &Model, probes: &[(i32, i32)]) {
    for index in [BY_KEY, BY_GROUP, BY_TEXT_GROUP] {
        check_run(table, index, &KeyRange::all(), ordered(model, index).into_iter());
    }
    let schema = table.schema();
    let definition = |index| &**table.index(index).expect("the index exists").definition();
    for &(low, high) in probes {
        let range = KeyRange::between(
            schema,
            definition(BY_KEY),
            &[],
            KeyBound::Included(ValueRef::Int4(low)),
            KeyBound::Excluded(ValueRef::Int4(high)),
        );
        let within = |row: &Row| row.key.is_some_and(|key| low <= key && key < high);
        check_run(
            table,
            BY_KEY,
            &range,
            ordered(model, BY_KEY).into_iter().filter(|(_, row)| within(row)),
        );
        let expected = model.iter().find(|(_, row)| row.key == Some(low)).map(|(id, _)| RowId(*id));
        assert_eq!(
            table.index(BY_KEY).expect("the index exists").get_unique(&[ValueRef::Int4(low)]),
            expected
        );
        let (low, high) = ((low % 20) as i16, (high % 20) as i16);
        let range = KeyRange::between(
            schema,
            definition(BY_GROUP),
            &[],
            KeyBound::Excluded(ValueRef::Int2(low)),
            KeyBound::Unbounded,
        );
        let within = |row: &Row| row.group.is_some_and(|group| low < group);
        check_run(
            table,
            BY_GROUP,
            &range,
            ordered(model, BY_GROUP).into_iter().filter(|(_, row)| within(row)),
        );
        let text = format!("text {low}");
        let range = KeyRange::between(
            schema,
            definition(BY_TEXT_GROUP),
            &[ValueRef::Text(&text)],
            KeyBound::Unbounded,
            KeyBound::Included(ValueRef::Int2(high)),
        );
        let within = |row: &Row| {
            row.text.as_ref() == Some(&text) && row.group.is_some_and(|group| group <= high)
        };
        check_run(
            table,
            BY_TEXT_GROUP,
            &range,
            ordered(model, BY_TEXT_GROUP).into_iter().filter(|(_, row)| within(row)),
        );
    }
    for (index, prefix) in [
        (BY_KEY, vec![ValueRef::Null]),
        (BY_GROUP, vec![ValueRef::Int2(3)]),
        (BY_TEXT_GROUP, vec![ValueRef::Text("text 7")]),
        (BY_TEXT_GROUP, vec![ValueRef::Null]),
        (BY_TEXT_GROUP, vec![ValueRef::Text("text 7"), ValueRef::Null]),
    ] {
        let range = KeyRange::prefix(schema, definition(index), &prefix);
        let columns = &definition(index).columns;
        let matches = |row: &Row| {
            prefix.iter().zip(columns).all(|(value, column)| values(row)[column.ordinal] == *value)
        };
        let expected = ordered(model, index).into_iter().filter(|(_, row)| matches(row));
        check_run(table, index, &range, expected);
    }
}

fn owned(table: &Table, id: u64) -> Option<(Vec<Value>, u64)> {
    let (chunk, slot) = table.find(RowId(id))?;
    assert_eq!(chunk.row_id(slot), RowId(id));
    let values = (0..TYPES.len()).map(|ordinal| chunk.column(ordinal).get(slot).to_value());
    Some((values.collect(), chunk.stamp(slot).0))
}

fn expected(row: &Row) -> (Vec<Value>, u64) {
    (values(row).iter().map(|value| value.to_value()).collect(), row.stamp)
}

/// Rows by scan, by step-wise walk and by find, the sizes of chunks, and every index entry.
fn check_rows(table: &Table, model: &Model, id_end: u64) {
    assert_eq!(table.row_count(), model.len());
    let scanned: Vec<u64> = table
        .chunks()
        .flat_map(|chunk| {
            chunk.selection().iter().map(|slot| chunk.row_id(slot).0).collect::<Vec<_>>()
        })
        .collect();
    assert!(scanned.iter().eq(model.keys()), "scan {scanned:?}");
    let (mut stepped, mut next) = (Vec::new(), RowId(0));
    while let Some(chunk) = table.chunk_at_or_after(next) {
        assert!(chunk.live_rows() > 0 && chunk.rows() <= 256 && chunk.last() >= next);
        stepped.extend(chunk.selection().iter().map(|slot| chunk.row_id(slot).0));
        next = RowId(chunk.last().0 + 1);
    }
    assert_eq!(stepped, scanned);
    for id in 0..id_end {
        assert_eq!(owned(table, id), model.get(&id).map(expected), "row {id}");
    }
    for index in table.indexes() {
        assert_eq!(index.len(), model.len());
    }
}

fn difference_of(old: &Model, new: &Model) -> Vec<RowDifference> {
    let mut all: Vec<u64> = old.keys().chain(new.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    let compare = |id| match (old.get(&id), new.get(&id)) {
        (None, Some(_)) => Some(RowDifference::Inserted(RowId(id))),
        (Some(_), None) => Some(RowDifference::Deleted(RowId(id))),
        (Some(old), Some(new)) if old.stamp != new.stamp => Some(RowDifference::Updated(RowId(id))),
        _ => None,
    };
    all.into_iter().filter_map(compare).collect()
}

/// One step of a history; numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    Insert { count: usize, gap: u64, by_row: bool, keys: u64 },
    InsertBelow { count: usize },
    Update { start: usize, every: usize, count: usize, text: bool, keys: bool },
    Delete { start: usize, every: usize, count: usize },
    Keep,
    Forget,
    Jump { from: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![1..4_usize, 1..700_usize];
    prop_oneof![
        6 => (count.clone(), 0..3_u64, any::<bool>(), any::<u64>())
            .prop_map(|(count, gap, by_row, keys)| Step::Insert { count, gap, by_row, keys }),
        2 => (1..40_usize).prop_map(|count| Step::InsertBelow { count }),
        4 => (any::<usize>(), 1..5_usize, count.clone(), any::<bool>(), any::<bool>()).prop_map(
            |(start, every, count, text, keys)| Step::Update { start, every, count, text, keys }),
        4 => (any::<usize>(), 1..5_usize, count)
            .prop_map(|(start, every, count)| Step::Delete { start, every, count }),
        2 => Just(Step::Keep),
        1 => Just(Step::Forget),
        2 => any::<usize>().prop_map(|from| Step::Jump { from }),
    ]
}

struct World {
    table: Table,
    model: Model,
    kept: Vec<(Table, Model)>,
    next_id: u64,
    next_stamp: u64,
    unused: Vec<u64>,
}

fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value ^ value >> 29
}

impl World {
    fn new(gauge: &Arc<Gauge>) -> Self {
        Self {
            table: Table::new(schema(), gauge),
            model: Model::new(),
            kept: Vec::new(),
            next_id: 0,
            next_stamp: 1,
            unused: Vec::new(),
        }
    }

    fn row(&self, seed: u64) -> Row {
        let pick = mix(seed);
        Row {
            key: (!pick.is_multiple_of(16)).then_some((pick >> 8) as i32 % 20_000),
            group: (!pick.is_multiple_of(7)).then_some((pick >> 40) as i16 % 20),
            text: match pick % 9 {
                0 => None,
                1 => Some("a long text ".repeat((pick >> 20) as usize % 40)),
                _ => Some(format!("text {}", (pick >> 44) % 20)),
            },
            stamp: self.next_stamp,
        }
    }

    fn pick(&self, start: usize, every: usize, count: usize) -> Vec<u64> {
        let start = start % self.model.len().max(1);
        self.model.keys().skip(start).step_by(every).take(count).copied().collect()
    }

    /// Whether the model has two rows with one key.
    fn is_unique(model: &Model) -> bool {
        let mut keys: Vec<i32> = model.values().filter_map(|row| row.key).collect();
        keys.sort_unstable();
        keys.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// Applies a change both ways; a refusal must leave everything as it was.
    fn apply(&mut self, change: &TableChange, next: Model) {
        self.next_stamp += 1;
        match self.table.apply(change) {
            Ok(()) => {
                assert!(Self::is_unique(&next));
                self.model = next;
            }
            Err(duplicate) => {
                assert!(!Self::is_unique(&next));
                assert_eq!(duplicate.index.id, BY_KEY);
                check_rows(&self.table, &self.model, self.next_id);
                check_indexes(&self.table, &self.model, &[(5, 9)]);
            }
        }
    }

    fn insert(&mut self, ids: Vec<u64>, by_row: bool, seed: u64) {
        let mut rows: Vec<(u64, Row)> = Vec::new();
        for id in ids {
            let mut row = self.row(id ^ seed);
            // Most batches must succeed, so a key that is taken becomes NULL; one in eight keeps it.
            let taken = self
                .model
                .values()
                .chain(rows.iter().map(|(_, row)| row))
                .any(|other| other.key == row.key);
            if taken && !seed.is_multiple_of(8) {
                row.key = None;
            }
            rows.push((id, row));
        }
        if by_row {
            for (id, row) in rows {
                let stamp = Stamp(row.stamp);
                match self.table.insert_row(RowId(id), &values(&row), stamp) {
                    Ok(()) => drop(self.model.insert(id, row)),
                    Err(duplicate) => {
                        assert_eq!(duplicate.values, [values(&row)[0].to_value()]);
                        assert!(self.model.values().any(|other| other.key == row.key));
                    }
                }
            }
            self.next_stamp += 1;
            return;
        }
        let stamps = Stamps::One(Stamp(self.next_stamp));
        let inserted =
            InsertedRows { ids: ids_of(&rows), values: columns(&rows, &[0, 1, 2]), stamps };
        let change = TableChange { inserted: Some(inserted), ..TableChange::default() };
        let mut next = self.model.clone();
        next.extend(rows);
        self.apply(&change, next);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Insert { count, gap, by_row, keys } => {
                let mut new = Vec::new();
                for place in 0..count as u64 {
                    let skip =
                        if gap > 0 && mix(place ^ keys).is_multiple_of(40) { gap * 90 } else { 0 };
                    self.unused.extend(self.next_id..self.next_id + skip);
                    self.next_id += skip + 1;
                    new.push(self.next_id - 1);
                }
                self.insert(new, by_row, keys);
            }
            Step::InsertBelow { count } => {
                let at = self.unused.len().saturating_sub(count);
                let new = self.unused.split_off(at);
                if !new.is_empty() {
                    self.insert(new, count == 1, 1);
                }
            }
            Step::Update { start, every, count, text, keys } => {
                self.update(&self.pick(start, every, count), text, keys);
            }
            Step::Delete { start, every, count } => {
                let deleted = self.pick(start, every, count);
                let mut next = self.model.clone();
                for id in &deleted {
                    next.remove(id);
                }
                let deleted = deleted.into_iter().map(RowId).collect();
                self.apply(&TableChange { deleted, ..TableChange::default() }, next);
            }
            Step::Keep => self.kept.push((self.table.clone(), self.model.clone())),
            Step::Forget => drop(self.kept.pop()),
            Step::Jump { from } => self.jump(from),
        }
    }

    fn update(&mut self, picked: &[u64], text: bool, keys: bool) {
        if picked.is_empty() {
            return;
        }
        let mut ordinals = vec![1];
        ordinals.extend(text.then_some(2));
        ordinals.extend(keys.then_some(0));
        // Keys move on by one row: unique only because removals come before additions.
        let moved: Vec<Option<i32>> = picked.iter().map(|id| self.model[id].key).collect();
        let mut next = self.model.clone();
        let mut rows = Vec::new();
        for (place, id) in picked.iter().enumerate() {
            let fresh = self.row(id ^ self.next_stamp << 32);
            let row = next.get_mut(id).expect("the row was picked from the model");
            row.group = fresh.group;
            row.stamp = self.next_stamp;
            if text {
                row.text = fresh.text;
            }
            if keys {
                row.key = moved[(place + 1) % moved.len()];
            }
            rows.push((*id, row.clone()));
        }
        let stamps = Stamps::One(Stamp(self.next_stamp));
        let values = columns(&rows, &ordinals);
        let updated = UpdatedRows { ids: ids_of(&rows), ordinals, values, stamps };
        self.apply(&TableChange { updated: Some(updated), ..TableChange::default() }, next);
    }

    /// Compares with a kept version both ways, and carries that version here by the extracted change.
    fn jump(&mut self, from: usize) {
        if self.kept.is_empty() {
            return;
        }
        let (old, old_model) = self.kept[from % self.kept.len()].clone();
        let differences = difference(&old, &self.table);
        assert_eq!(differences, difference_of(&old_model, &self.model));
        assert_eq!(difference(&self.table, &old), difference_of(&self.model, &old_model));
        let mut carried = old.clone();
        let change = extract(&old, &self.table, &differences);
        carried.apply(&change).expect("the new version's keys are unique");
        assert_eq!(difference(&carried, &self.table), []);
        check_rows(&carried, &self.model, self.next_id);
        self.carry_beside(&old, &old_model, &differences, from);
        self.table = carried;
    }

    /// Carries a third version, in which other rows than `differences` were written, to here: by whole chunks where they can
    /// be taken over, and row by row. Both must agree.
    fn carry_beside(
        &mut self,
        old: &Table,
        old_model: &Model,
        differences: &[RowDifference],
        from: usize,
    ) {
        let mut third = old.clone();
        third.drop_index(BY_GROUP);
        third.drop_index(BY_TEXT_GROUP);
        let is_free = |id: &u64| !differences.iter().any(|difference| difference.id().0 == *id);
        let rows: Vec<(u64, Row)> = old_model
            .iter()
            .filter(|(id, _)| (*id / 64) as usize % 3 == from % 3 && is_free(id))
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        if !rows.is_empty() {
            self.next_stamp += 1;
            let stamps = Stamps::One(Stamp(self.next_stamp));
            let values = columns(&rows, &[1]);
            let updated = UpdatedRows { ids: ids_of(&rows), ordinals: vec![1], values, stamps };
            third
                .apply(&TableChange { updated: Some(updated), ..TableChange::default() })
                .expect("no key changes");
        }
        let mut by_rows = third.clone();
        by_rows
            .apply(&extract(old, &self.table, differences))
            .expect("the keys are those of the new version");
        let rest = third.take_chunks(Changes::between(old, &self.table));
        third
            .apply(&extract(old, &self.table, &rest))
            .expect("the keys are those of the new version");
        assert_eq!(difference(&by_rows, &third), []);
        assert_eq!(by_rows.row_count(), third.row_count());
    }
}

fn difference(old: &Table, new: &Table) -> Vec<RowDifference> {
    Changes::between(old, new).into_rows()
}

use ids as ids_of;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_a_map_of_rows(
        steps in prop::collection::vec(step(), 1..40),
        probes in prop::collection::vec((0..20_000_i32, 0..20_000_i32), 3),
    ) {
        let gauge = Gauge::new();
        let mut world = World::new(&gauge);
        for step in &steps {
            world.take(step);
        }
        check_rows(&world.table, &world.model, world.next_id);
        check_indexes(&world.table, &world.model, &probes);
        for (table, model) in &world.kept {
            check_rows(table, model, world.next_id);
            check_indexes(table, model, &probes[..1]);
        }
        let mut built = world.table.clone();
        let mut bare = built.clone();
        for index in [BY_KEY, BY_GROUP, BY_TEXT_GROUP] {
            built.drop_index(index);
        }
        for index in bare.schema().indexes.clone() {
            built.add_index(index, &mut || Ok(())).unwrap();
        }
        check_indexes(&built, &world.model, &probes[..1]);
        let again = definition(IndexId(9), &[(1, false, false)], true);
        let repeated = {
            let mut groups: Vec<i16> = world.model.values().filter_map(|row| row.group).collect();
            groups.sort_unstable();
            groups.windows(2).any(|pair| pair[0] == pair[1])
        };
        match bare.add_index(again, &mut || Ok(())) {
            Ok(()) => prop_assert!(!repeated),
            Err(AddIndexError::Duplicate(_)) => prop_assert!(repeated),
            Err(AddIndexError::Stopped(error)) => panic!("{error}"),
        }
        let live = world.table.chunks().count();
        world.kept.clear();
        drop((built, bare));
        prop_assert_eq!(gauge.chunks(), live);
        drop(world);
        prop_assert_eq!((gauge.chunks(), gauge.leaves(), gauge.bytes()), (0, 0, 0));
    }
}
