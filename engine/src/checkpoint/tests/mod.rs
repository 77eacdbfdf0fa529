//! Images: what was written comes back; what was changed, cut, lengthened or swapped is refused.

mod damage;
mod failures;
mod round_trips;

use std::path::Path;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index as Place;

use super::*;
use crate::disk::Disk as _;
use crate::disk::simulated::{Fault, SimulatedDisk};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::storage::change::{InsertedRows, Stamps, TableChange, UpdatedRows};
use crate::storage::column::Column;
use crate::storage::key::KeyRange;
use crate::storage::root::Root;
use crate::storage::schema::{
    Alterations, ColumnDefinition, Constraints, IndexColumn, IndexDefinition, Schema,
};
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp, TableId};
use crate::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};
use crate::types::{DataType, Value, ValueRef};

const ID: DatabaseId = DatabaseId([0x5A; 16]);

fn path() -> &'static Path {
    Path::new("data/spg.db")
}

fn header(root: &Root) -> ImageHeader {
    ImageHeader {
        id: ID,
        epoch: 3,
        commit: root.commit,
        lsn: 4_096,
        time_us: 1_700_000_000_000_000,
        audit: Some(ChainState { sequence: 17, head: [9; 32] }),
        entries_first: 16,
        entries: b"two entries".to_vec(),
        counters: root.shared().counters(),
    }
}

fn written(root: &Root) -> (SimulatedDisk, WrittenImage) {
    let disk = SimulatedDisk::new();
    let image = write(&disk, path(), root, &header(root), &mut |_| Ok(())).unwrap();
    install(&disk, path()).unwrap();
    (disk, image)
}

fn loaded(disk: &SimulatedDisk) -> Result<LoadedImage, OpenError> {
    load(disk, path(), Some(ID), &mut |_| {}, &|| Ok(()))
}

fn refused(disk: &SimulatedDisk, bytes: &[u8]) -> OpenError {
    disk.replace(path(), bytes);
    loaded(disk).expect_err("a changed image")
}

const TYPES: [DataType; 14] = [
    DataType::Date,
    DataType::Time,
    DataType::Timestamp,
    DataType::TimestampTz,
    DataType::Interval,
    DataType::Bool,
    DataType::Int2,
    DataType::Int4,
    DataType::Int8,
    DataType::Float4,
    DataType::Float8,
    DataType::Text,
    DataType::Varchar(Some(3_000)),
    DataType::Vector(Some(700)),
];

/// A value that is the same for the same seed.
fn value(data_type: DataType, seed: u64) -> Value {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7;
    if mixed.is_multiple_of(5) {
        return Value::Null;
    }
    match data_type {
        DataType::Bool => Value::Bool(mixed.is_multiple_of(2)),
        DataType::Int2 => Value::Int2(mixed as i16),
        DataType::Int4 => Value::Int4(mixed as i32),
        DataType::Int8 => Value::Int8(mixed as i64),
        DataType::Float4 => Value::Float4(f32::from_bits(mixed as u32)),
        DataType::Float8 => Value::Float8(f64::from_bits(mixed << 7)),
        DataType::Date => Value::Date(Date(mixed as i32)),
        DataType::Time => Value::Time(Time(mixed as i64 % 86_400_000_000)),
        DataType::Timestamp => Value::Timestamp(Timestamp(mixed as i64)),
        DataType::TimestampTz => Value::TimestampTz(TimestampTz(-(mixed as i64))),
        DataType::Interval => Value::Interval(Interval {
            months: mixed as i32 % 100,
            days: 3,
            microseconds: mixed as i64,
        }),
        DataType::Vector(dimensions) => {
            Value::Vector(vec![mixed as f32; usize::from(dimensions.unwrap())].into())
        }
        _ => {
            let length = if mixed % 41 == 1 { 3_000 } else { mixed % 30 };
            Value::Text("a".repeat(length as usize).into())
        }
    }
}

/// What is done to one table, in order.
#[derive(Clone, Debug)]
enum Step {
    /// Rows, and ids drawn and not used before them.
    Insert(usize, u64),
    /// Every n-th row from a place on, so many.
    Delete(usize, usize, usize),
    Update(usize, usize),
}

#[derive(Clone, Debug)]
struct TablePlan {
    types: Vec<DataType>,
    /// Ordinals of key columns, and whether unique.
    indexes: Vec<(Vec<Place>, bool)>,
    steps: Vec<Step>,
}

fn any_plan() -> impl Strategy<Value = Vec<TablePlan>> {
    let gap = prop_oneof![3 => Just(0_u64), 1 => 1..600_u64, 1 => Just(1 << 34)];
    let step = prop_oneof![
        3 => (1..700_usize, gap).prop_map(|(rows, gap)| Step::Insert(rows, gap)),
        2 => (0..5_000_usize, 1..4_usize, 1..600_usize)
            .prop_map(|(start, stride, rows)| Step::Delete(start, stride, rows)),
        1 => (0..5_000_usize, 1..90_usize).prop_map(|(start, rows)| Step::Update(start, rows)),
    ];
    let table = (
        vec(prop::sample::select(&TYPES[..]), 0..5),
        vec((vec(any::<Place>(), 1..3), any::<bool>()), 0..3),
        vec(step, 0..6),
    );
    vec(table, 0..4).prop_map(|tables| {
        tables
            .into_iter()
            .map(|(types, indexes, steps)| TablePlan { types, indexes, steps })
            .collect()
    })
}

/// The schema of a plan; the first column is a unique number. Unique indexes of the plan have it as their last column.
fn schema(root: &Root, place: usize, plan: &TablePlan) -> Schema {
    let types: Vec<DataType> =
        std::iter::once(DataType::Int8).chain(plan.types.iter().copied()).collect();
    let column = |(place, data_type): (usize, &DataType)| ColumnDefinition {
        not_null: place == 0,
        default: (place == 1).then(|| "NULL".into()),
        ..ColumnDefinition::nullable(&format!("c{place}"), *data_type)
    };
    let ordered: Vec<usize> = (0..types.len()).filter(|place| !types[*place].is_vector()).collect();
    let table = root.shared().draw_table_id();
    let keys = std::iter::once((vec![0], true)).chain(plan.indexes.iter().map(|(keys, unique)| {
        let mut keys: Vec<usize> = keys.iter().map(|key| *key.get(&ordered)).collect();
        keys.extend(unique.then_some(0));
        (keys, *unique)
    }));
    let index = |(number, (keys, unique)): (usize, (Vec<usize>, bool))| {
        let column = |ordinal| IndexColumn {
            ordinal,
            descending: number % 2 == 1,
            nulls_first: number % 3 == 1,
        };
        Arc::new(IndexDefinition {
            id: root.shared().draw_index_id(),
            name: format!("t{place}_{number}").into(),
            columns: keys.into_iter().map(column).collect(),
            unique,
            constraint: number == 0,
            primary: number == 0,
        })
    };
    Schema {
        table,
        name: format!("t{place}").into(),
        columns: types.iter().enumerate().map(column).collect(),
        indexes: keys.enumerate().map(index).collect(),
        constraints: Constraints::default(),
        alterations: Alterations::default(),
        structure: root.shared().draw_schema_version(),
    }
}

fn columns(schema: &Schema, ids: &[RowId], salt: u64) -> Vec<Column> {
    let column = |(ordinal, definition): (usize, &ColumnDefinition)| {
        let mut column = Column::with_capacity(definition.data_type, ids.len());
        for id in ids {
            let seed = id.0 * 16 + ordinal as u64 + salt;
            let value = if ordinal == 0 {
                Value::Int8((id.0 as i64).wrapping_mul(if salt == 1 { -7 } else { 3 }))
            } else {
                value(definition.data_type, seed)
            };
            column.push(value.as_ref());
        }
        column
    };
    schema.columns.iter().enumerate().map(column).collect()
}

fn live_ids(table: &Table) -> Vec<RowId> {
    let ids = |chunk: &crate::storage::chunk::Chunk| {
        chunk.selection().iter().map(|slot| chunk.row_id(slot)).collect::<Vec<_>>()
    };
    table.chunks().flat_map(ids).collect()
}

fn carry_out(table: &mut Table, step: &Step) {
    let schema = Arc::clone(table.schema());
    let mut change = TableChange::default();
    let live = live_ids(table);
    match step {
        Step::Insert(rows, gap) => {
            table.draw_row_ids(*gap as usize);
            let first = table.draw_row_ids(*rows);
            let ids: Vec<RowId> = (first.0..first.0 + *rows as u64).map(RowId).collect();
            let values = columns(&schema, &ids, 0);
            change.inserted = Some(InsertedRows { ids, values, stamps: Stamps::One(Stamp(1)) });
        }
        Step::Delete(start, stride, rows) if !live.is_empty() => {
            let start = start % live.len();
            change.deleted = live[start..].iter().copied().step_by(*stride).take(*rows).collect();
        }
        Step::Update(start, rows) if !live.is_empty() => {
            let start = start % live.len();
            let ids: Vec<RowId> = live[start..].iter().copied().step_by(2).take(*rows).collect();
            let values = columns(&schema, &ids, 1);
            let ordinals = (0..schema.columns.len()).collect();
            change.updated =
                Some(UpdatedRows { ids, ordinals, values, stamps: Stamps::One(Stamp(2)) });
        }
        Step::Delete(..) | Step::Update(..) => {}
    }
    table.apply(&change).expect("keys begin with a number of their own");
}

fn database(plans: &[TablePlan]) -> Root {
    let mut root = Root::empty();
    for (place, plan) in plans.iter().enumerate() {
        let id = root.create_table(schema(&root, place, plan));
        for step in &plan.steps {
            carry_out(root.table_mut(id).unwrap(), step);
        }
    }
    root.commit = CommitNumber(42);
    root
}

/// A value whose equality is that of its bits.
fn bits(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Float4(value) => Value::Int4(value.to_bits() as i32),
        ValueRef::Float8(value) => Value::Int8(value.to_bits() as i64),
        ValueRef::Vector(values) => {
            Value::Vector(values.iter().map(|value| value + 0.0).collect::<Vec<_>>().into())
        }
        other => other.to_value(),
    }
}

fn rows(table: &Table) -> Vec<(RowId, Vec<Value>)> {
    let row = |id: RowId| {
        let (chunk, slot) = table.find(id).expect("a live row is found");
        (id, chunk.columns().map(|column| bits(column.get(slot))).collect())
    };
    live_ids(table).into_iter().map(row).collect()
}

fn assert_same(found: &Root, expected: &Root) {
    assert_eq!(found.commit, expected.commit);
    let names = |root: &Root| root.tables_by_name().map(|table| table.id()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    assert_eq!(found.tables().count(), expected.tables().count());
    for (found, expected) in found.tables().zip(expected.tables()) {
        assert_eq!(found.schema(), expected.schema());
        assert_eq!(found.row_count(), expected.row_count());
        assert_eq!(found.next_row_id(), expected.next_row_id());
        assert_eq!(rows(found), rows(expected));
        for (index, original) in found.indexes().iter().zip(expected.indexes()) {
            for reverse in [false, true] {
                let ids = index.range(&KeyRange::all(), reverse).collect::<Vec<_>>();
                assert_eq!(ids.len(), found.row_count());
                assert_eq!(ids, original.range(&KeyRange::all(), reverse).collect::<Vec<_>>());
            }
        }
    }
}

/// Two tables of few rows: everything an image has, in a few hundred bytes.
fn small() -> Root {
    let plan = |types: &[DataType], steps: &[Step]| TablePlan {
        types: types.to_vec(),
        indexes: Vec::new(),
        steps: steps.to_vec(),
    };
    let types = [
        DataType::Bool,
        DataType::Int2,
        DataType::Int4,
        DataType::Float4,
        DataType::Float8,
        DataType::Text,
        DataType::Varchar(Some(9)),
        DataType::Vector(Some(2)),
    ];
    let mut root = database(&[
        plan(&types, &[Step::Insert(3, 0), Step::Insert(2, 9)]),
        plan(&[], &[]),
        plan(&[DataType::Text], &[Step::Insert(4, 1)]),
    ]);
    let deleted = TableChange { deleted: vec![RowId(1)], ..TableChange::default() };
    let id = root.table_by_name("t0").unwrap().id();
    root.table_mut(id).unwrap().apply(&deleted).unwrap();
    root
}
