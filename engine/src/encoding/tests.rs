//! Properties of the encodings: what is written comes back, bytes that were changed or cut are refused or come back as
//! something whole, and a few bytes never ask for much memory.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::storage::change::{InsertedRows, Stamps, TableChange, UpdatedRows};
use crate::storage::column::{Column, ColumnData};
use crate::storage::schema::{
    Alterations, CheckConstraint, ColumnDefinition, Constraints, ForeignKey, Identity, IndexColumn,
    IndexDefinition, ReferentialAction, Schema,
};
use crate::storage::sequence::SequenceId;
use crate::storage::{IndexId, RowId, Stamp, TableId};
use crate::types::datetime::{Date, Interval, Time, Timestamp, TimestampTz};
use crate::types::{DataType, Value, ValueRef};
use std::sync::Arc;

const TYPES: [DataType; 16] = [
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
    DataType::Varchar(None),
    DataType::Varchar(Some(9)),
    DataType::Vector(Some(3)),
    DataType::Vector(Some(5_000)), // one vector a block
];

/// Bytes of memory that a byte read may ask for: a NULL mark stands for eight values of eight bytes, two bytes of row
/// ids for 32 of them.
const BYTES_PER_BYTE: usize = 128;

/// Memory that does not depend on the bytes: fixed parts, and zeros at NULL vectors.
const BYTES_BESIDE: usize = 4_096 + 16 * 20_000;

fn any_value(data_type: DataType) -> BoxedStrategy<Value> {
    let integers = prop_oneof![Just(0), Just(-1), Just(i64::MIN), Just(i64::MAX), any::<i64>()];
    match data_type {
        DataType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Int2 => integers.prop_map(|value| Value::Int2(value as i16)).boxed(),
        DataType::Int4 => integers.prop_map(|value| Value::Int4(value as i32)).boxed(),
        DataType::Int8 => integers.prop_map(Value::Int8).boxed(),
        // Any bits: NaNs of every payload, -0.0.
        DataType::Float4 => any_float4().prop_map(Value::Float4).boxed(),
        DataType::Date => any::<i32>().prop_map(|days| Value::Date(Date(days))).boxed(),
        DataType::Time => any::<i64>().prop_map(|us| Value::Time(Time(us))).boxed(),
        DataType::Timestamp => any::<i64>().prop_map(|us| Value::Timestamp(Timestamp(us))).boxed(),
        DataType::TimestampTz => {
            any::<i64>().prop_map(|us| Value::TimestampTz(TimestampTz(us))).boxed()
        }
        DataType::Interval => any::<(i32, i32, i64)>()
            .prop_map(|(months, days, microseconds)| {
                Value::Interval(Interval { months, days, microseconds })
            })
            .boxed(),
        DataType::Float8 => prop_oneof![Just(1_u64 << 63), Just(f64::NAN.to_bits()), any::<u64>()]
            .prop_map(|bits| Value::Float8(f64::from_bits(bits)))
            .boxed(),
        DataType::Vector(dimensions) => vec(any_float4(), usize::from(dimensions.unwrap()))
            .prop_map(|numbers| Value::Vector(numbers.into()))
            .boxed(),
        _ => prop_oneof![
            8 => "\\PC{0,12}",
            1 => "[a-zä]{200,300}",
            1 => (250..70_000_usize).prop_map(|length| "é".repeat(length)),
        ]
        .prop_map(|text| Value::Text(text.into()))
        .boxed(),
    }
}

fn any_float4() -> impl Strategy<Value = f32> {
    prop_oneof![Just(1_u32 << 31), Just(f32::NAN.to_bits()), any::<u32>()].prop_map(f32::from_bits)
}

/// A column of `rows` rows: without NULLs, with some, with nothing else.
fn any_column(data_type: DataType, rows: usize) -> BoxedStrategy<Column> {
    let null_weight = prop_oneof![Just(0.0), Just(0.3), Just(1.0)];
    null_weight
        .prop_flat_map(move |weight| {
            vec((prop::bool::weighted(weight), any_value(data_type)), rows)
        })
        .prop_map(move |values| {
            let mut column = Column::with_capacity(data_type, values.len());
            for (is_null, value) in &values {
                column.push(if *is_null { ValueRef::Null } else { value.as_ref() });
            }
            column
        })
        .boxed()
}

fn any_typed_column() -> impl Strategy<Value = (DataType, Column)> {
    (prop::sample::select(&TYPES[..]), prop_oneof![Just(0_usize), Just(1), 0..80_usize])
        .prop_flat_map(|(data_type, rows)| {
            let rows = if data_type == DataType::Vector(Some(5_000)) { rows % 3 } else { rows };
            (Just(data_type), any_column(data_type, rows))
        })
}

/// Everything there is to see of a column, floats by their bits, what stands at NULLs included.
fn contents(column: &Column) -> Vec<String> {
    (0..column.len())
        .map(|row| {
            let stored = match &column.data {
                ColumnData::Float4(values) => format!("{:x}", values[row].to_bits()),
                ColumnData::Float8(values) => format!("{:x}", values[row].to_bits()),
                ColumnData::Text(values) => values.get(row).to_owned(),
                ColumnData::Vector(values) => {
                    format!(
                        "{:x?}",
                        values.get(row).iter().map(|x| x.to_bits()).collect::<Vec<_>>()
                    )
                }
                ColumnData::Bool(values) => values[row].to_string(),
                ColumnData::Int2(values) => values[row].to_string(),
                ColumnData::Int4(values) => values[row].to_string(),
                ColumnData::Int8(values) => values[row].to_string(),
                ColumnData::Date(values) => format!("{:?}", values[row]),
                ColumnData::Time(values) => format!("{:?}", values[row]),
                ColumnData::Timestamp(values) => format!("{:?}", values[row]),
                ColumnData::TimestampTz(values) => format!("{:?}", values[row]),
                ColumnData::Interval(values) => format!("{:?}", values[row]),
            };
            format!("{}{stored}", if column.is_null(row) { "NULL " } else { "" })
        })
        .collect()
}

fn encoded_column(column: &Column, rows: std::ops::Range<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_column(column, rows, &mut bytes);
    bytes
}

/// What holds of any column that was decoded, whatever the bytes.
fn check_column(column: &Column, data_type: DataType, rows: usize, bytes: usize) {
    assert_eq!(column.len(), rows);
    assert!(
        column.nulls.as_ref().is_none_or(|nulls| nulls.len() == rows && nulls.count_ones() > 0)
    );
    assert!(column.heap_bytes() <= bytes * BYTES_PER_BYTE + BYTES_BESIDE + rows / 7 * 20_000);
    let rebuilt = (0..rows).fold(Column::with_capacity(data_type, rows), |mut rebuilt, row| {
        rebuilt.push(column.get(row));
        rebuilt
    });
    assert_eq!(contents(&rebuilt), contents(column), "zeros at NULLs");
    if let (ColumnData::Vector(vectors), DataType::Vector(dimensions)) = (&column.data, data_type) {
        assert_eq!(vectors.dimensions(), usize::from(dimensions.unwrap()));
    }
}

proptest! {
    #[test]
    fn columns_come_back((data_type, column) in any_typed_column(), cut in any::<(Index, Index)>()) {
        let (start, end) = (cut.0.index(column.len() + 1), cut.1.index(column.len() + 1));
        for rows in [0..column.len(), start.min(end)..start.max(end)] {
            let bytes = encoded_column(&column, rows.clone());
            let mut reader = Reader::new(&bytes);
            let decoded = decode_column(&mut reader, data_type, rows.len()).unwrap();
            prop_assert_eq!(reader.end(), Ok(()));
            prop_assert_eq!(contents(&decoded), &contents(&column)[rows.clone()]);
            check_column(&decoded, data_type, rows.len(), bytes.len());
            prop_assert_eq!(encoded_column(&decoded, 0..rows.len()), bytes);
        }
    }

    #[test]
    fn changed_and_cut_columns_are_refused_or_whole(
        (data_type, column) in any_typed_column(),
        other_type in prop::sample::select(&TYPES[..14]),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
    ) {
        let rows = column.len();
        let mut bytes = encoded_column(&column, 0..rows);
        let cut = cut.index(bytes.len());
        prop_assert!(decode_column(&mut Reader::new(&bytes[..cut]), data_type, rows).is_err());
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        for data_type in [data_type, other_type] {
            if let Ok(decoded) = decode_column(&mut Reader::new(&bytes), data_type, rows) {
                check_column(&decoded, data_type, rows, bytes.len());
            }
        }
    }
}

fn any_schema() -> impl Strategy<Value = Schema> {
    let identity =
        prop::sample::select(vec![None, Some(Identity::Always), Some(Identity::ByDefault)]);
    let owned = vec(any::<u64>().prop_map(SequenceId), 0..3);
    let column = (
        prop::sample::select(&TYPES[..15]),
        any::<bool>(),
        prop::option::of("[a-z ]{0,9}"),
        (owned, identity),
    );
    let key = (any::<Index>(), any::<bool>(), any::<bool>());
    let index = (vec(key, 1..4), any::<bool>(), any::<bool>());
    let checks = vec("[a-z ]{0,9}", 0..3);
    (vec(column, 0..6), vec(index, 0..4), checks, any::<(u64, u64)>()).prop_map(
        |(columns, indexes, checks, ids)| {
            let columns: Vec<_> = columns
                .into_iter()
                .enumerate()
                .map(|(place, (data_type, not_null, default, owned))| ColumnDefinition {
                    name: format!("c{place}").into(),
                    data_type,
                    not_null,
                    default: default.map(Arc::from),
                    identity: owned.1.filter(|_| !owned.0.is_empty()),
                    sequences: owned.0,
                })
                .collect();
            let ordered: Vec<usize> =
                (0..columns.len()).filter(|place| !columns[*place].data_type.is_vector()).collect();
            let indexes = indexes.into_iter().enumerate().filter(|_| !ordered.is_empty()).map(
                |(place, (keys, unique, constraint))| {
                    let columns = keys.into_iter().map(|(ordinal, descending, nulls_first)| {
                        IndexColumn { ordinal: *ordinal.get(&ordered), descending, nulls_first }
                    });
                    Arc::new(IndexDefinition {
                        id: IndexId((ids.0 >> 1) + 1 + place as u64),
                        name: format!("grün {place}").into(),
                        columns: columns.collect(),
                        unique,
                        constraint,
                        primary: place == 1,
                    })
                },
            );
            let indexes = indexes.collect();
            let check = |(place, condition): (usize, String)| CheckConstraint {
                name: format!("check {place}").into(),
                condition: condition.into(),
            };
            let foreign_key = |(place, column): (usize, u64)| {
                Arc::new(ForeignKey {
                    name: format!("foreign {place}").into(),
                    table: TableId(ids.0),
                    index: IndexId(ids.1),
                    columns: vec![(column, ids.1), (column, 3)],
                    match_full: place == 0,
                    on_delete: ReferentialAction::Cascade,
                    on_update: ReferentialAction::SetDefault,
                })
            };
            let alterations = alterations(&columns, ids);
            let schema_numbers: Vec<u64> = match alterations.numbers.as_slice() {
                [] => (0..columns.len() as u64).collect(),
                numbers => numbers.to_vec(),
            };
            let referring = schema_numbers.into_iter().take((ids.1 % 3) as usize);
            let foreign_keys = referring.enumerate().map(foreign_key).collect();
            let checks = checks.into_iter().enumerate().map(check).collect();
            Schema {
                table: TableId(ids.0 >> 1),
                name: "t".into(),
                columns,
                indexes,
                constraints: Constraints { checks, foreign_keys },
                alterations,
                structure: ids.1,
            }
        },
    )
}

/// What ALTER TABLE may have left, of some kinds.
fn alterations(columns: &[ColumnDefinition], ids: (u64, u64)) -> Alterations {
    let numbered: Vec<u64> = (0..columns.len() as u64).map(|number| number * 3 + 1).collect();
    match ids.0 % 4 {
        0 => Alterations::default(),
        _ if columns.is_empty() => Alterations { contents: Some(ids.1), ..Alterations::default() },
        _ => Alterations {
            contents: (ids.0 % 4 == 2).then_some(ids.1),
            missing: columns
                .iter()
                .zip(&numbered)
                .filter(|(column, _)| column.data_type == DataType::Int4)
                .map(|(_, number)| (*number, Value::Int4(ids.1 as i32)))
                .collect(),
            numbers: numbered,
        },
    }
}

fn encoded_schema(schema: &Schema) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_schema(schema, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn schemas_come_back(schema in any_schema(), changes in vec((any::<Index>(), any::<u8>()), 1..4)) {
        let mut bytes = encoded_schema(&schema);
        let mut reader = Reader::new(&bytes);
        let decoded = decode_schema(&mut reader).unwrap();
        prop_assert_eq!(&decoded, &schema);
        prop_assert_eq!(reader.end(), Ok(()));
        for cut in 0..bytes.len() {
            prop_assert!(decode_schema(&mut Reader::new(&bytes[..cut])).is_err());
        }
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(schema) = decode_schema(&mut Reader::new(&bytes)) {
            prop_assert_eq!(decode_schema(&mut Reader::new(&encoded_schema(&schema))), Ok(schema));
        }
    }
}

#[test]
fn another_version_of_a_schema_is_named() {
    let error = decode_schema(&mut Reader::new(&[7, 0, 0])).unwrap_err();
    assert_eq!(error.to_string(), "expected version 1 to 3 of a schema before at byte 1, found 7");
}

/// Distinct row ids: in runs, scattered, at the end of what there can be.
fn any_ids() -> impl Strategy<Value = Vec<RowId>> {
    let start = prop_oneof![0..500_u64, Just(ROW_ID_END - 90), 0..ROW_ID_END - 90];
    vec((start, 1..90_u64), 0..4).prop_map(|runs| {
        let ids: std::collections::BTreeSet<_> =
            runs.iter().flat_map(|(start, length)| *start..start + length).map(RowId).collect();
        ids.into_iter().collect()
    })
}

fn any_change() -> impl Strategy<Value = (Schema, TableChange)> {
    (any_schema(), any_ids(), any_ids(), any_ids(), any::<[bool; 4]>()).prop_flat_map(
        |(schema, mut deleted, mut updated, inserted, [has_updated, has_inserted, turned, few])| {
            updated.retain(|id| !deleted.contains(id));
            if turned {
                deleted.reverse();
                let middle = updated.len() / 2;
                updated.rotate_left(middle);
            }
            let mut ordinals: Vec<usize> = (0..schema.columns.len()).rev().collect();
            ordinals.truncate(if few { 1 } else { 9 });
            let columns = |ordinals: &[usize], rows| -> Vec<BoxedStrategy<Column>> {
                let types = ordinals.iter().map(|ordinal| schema.columns[*ordinal].data_type);
                types.map(|data_type| any_column(data_type, rows)).collect()
            };
            let all: Vec<usize> = (0..schema.columns.len()).collect();
            let updated_values = columns(&ordinals, updated.len());
            let inserted_values = columns(&all, inserted.len());
            let stamps = Stamps::One(Stamp(7));
            (Just(schema), updated_values, inserted_values).prop_map(
                move |(schema, new, values)| {
                    let updated = UpdatedRows {
                        ids: updated.clone(),
                        ordinals: ordinals.clone(),
                        values: new,
                        stamps: stamps.clone(),
                    };
                    let inserted =
                        InsertedRows { ids: inserted.clone(), values, stamps: stamps.clone() };
                    let change = TableChange {
                        deleted: deleted.clone(),
                        updated: has_updated.then_some(updated),
                        inserted: has_inserted.then_some(inserted),
                    };
                    (schema, change)
                },
            )
        },
    )
}

fn encoded_change(change: &TableChange) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_change(change, &mut bytes);
    bytes
}

/// All of a change but its stamps.
fn parts(change: &TableChange) -> impl PartialEq + std::fmt::Debug {
    let all = |columns: &[Column]| columns.iter().map(contents).collect::<Vec<_>>();
    (
        change.deleted.clone(),
        change
            .updated
            .as_ref()
            .map(|rows| (rows.ids.clone(), rows.ordinals.clone(), all(&rows.values))),
        change.inserted.as_ref().map(|rows| (rows.ids.clone(), all(&rows.values))),
    )
}

fn ids_bytes(change: &TableChange) -> usize {
    let updated = change.updated.as_ref().map_or(0, |rows| rows.ids.capacity());
    let inserted = change.inserted.as_ref().map_or(0, |rows| rows.ids.capacity());
    8 * (change.deleted.capacity() + updated + inserted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn changes_come_back(
        (schema, change) in any_change(),
        cuts in vec(any::<Index>(), 20),
        mutations in vec((any::<Index>(), any::<u8>()), 30),
    ) {
        let bytes = encoded_change(&change);
        let mut reader = Reader::new(&bytes);
        let decoded = decode_change(&mut reader, &schema).unwrap();
        prop_assert_eq!(reader.end(), Ok(()));
        prop_assert_eq!(parts(&decoded), parts(&change));
        if let Some(rows) = &decoded.inserted {
            prop_assert!(matches!(rows.stamps, Stamps::One(Stamp(0))));
        }
        for cut in cuts {
            let cut = cut.index(bytes.len());
            prop_assert!(decode_change(&mut Reader::new(&bytes[..cut]), &schema).is_err());
        }
        for (place, byte) in mutations {
            let mut mutated = bytes.clone();
            mutated[place.index(bytes.len())] = byte;
            let Ok(decoded) = decode_change(&mut Reader::new(&mutated), &schema) else { continue };
            prop_assert!(ids_bytes(&decoded) <= mutated.len() * BYTES_PER_BYTE);
            let again = encoded_change(&decoded);
            let again = decode_change(&mut Reader::new(&again), &schema).unwrap();
            prop_assert_eq!(parts(&again), parts(&decoded));
        }
    }
}

/// Bytes of a change that the encoder would not write.
fn refused(schema: &Schema, build: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    build(&mut bytes);
    decode_change(&mut Reader::new(&bytes), schema).unwrap_err().to_string()
}

fn two_integers() -> Schema {
    let column = |name: &str| ColumnDefinition::nullable(name, DataType::Int4);
    Schema {
        table: TableId(1),
        name: "t".into(),
        columns: vec![column("a"), column("b")],
        indexes: Vec::new(),
        constraints: Constraints::default(),
        alterations: Alterations::default(),
        structure: 0,
    }
}

#[test]
fn inconsistent_changes_are_refused() {
    let schema = two_integers();
    let ids = |ids: &[u64], bytes: &mut Vec<u8>| {
        encode_row_ids(&ids.iter().copied().map(RowId).collect::<Vec<_>>(), bytes);
    };
    let twice = refused(&schema, |bytes| {
        bytes.push(1);
        ids(&[4, 9, 4], bytes);
    });
    assert!(twice.contains("row ids before, each once"), "{twice}");
    let both = refused(&schema, |bytes| {
        bytes.push(3);
        ids(&[4], bytes);
        ids(&[3, 4], bytes);
    });
    assert!(both.contains("updated rows before that are not deleted too"), "{both}");
    for (ordinals, number) in [([1, 1], 1), ([0, 2], 2)] {
        let error = refused(&schema, |bytes| {
            bytes.push(2);
            ids(&[4], bytes);
            bytes.extend([2, ordinals[0], ordinals[1]]);
        });
        assert!(
            error.contains("each once") && error.contains(&format!("found {number}")),
            "{error}"
        );
    }
    let turned = refused(&schema, |bytes| {
        bytes.push(4);
        ids(&[4, 3], bytes);
    });
    assert!(turned.contains("ascending"), "{turned}");
    assert!(refused(&schema, |bytes| bytes.push(8)).contains("flags"));
}

#[test]
fn a_few_bytes_never_ask_for_much() {
    let schema = two_integers();
    // A count of 2^40 rows, deleted as one run.
    let mut bytes = vec![1];
    put_varint(&mut bytes, 1 << 40);
    bytes.extend([1, 30]);
    assert!(decode_change(&mut Reader::new(&bytes), &schema).is_err());
    for data_type in TYPES {
        for flags in 0..16 {
            let bytes = [flags, 0xFF, 0xFF, 0xFF];
            assert!(decode_column(&mut Reader::new(&bytes), data_type, 1 << 40).is_err());
        }
    }
}

#[test]
fn null_vectors_are_stored_where_they_would_take_much_memory() {
    let data_type = DataType::Vector(Some(16_000));
    let mut column = Column::with_capacity(data_type, 0);
    (0..300).for_each(|_| column.push(ValueRef::Null));
    let bytes = encoded_column(&column, 0..300);
    assert!(bytes.len() < 50);
    let decoded = decode_column(&mut Reader::new(&bytes), data_type, 300).unwrap();
    assert!(decoded.heap_bytes() < 200 && decoded.len() == 300 && decoded.is_null(299));
    // A stored chunk is not above the bound: its column has its dimensions.
    let bytes = encoded_column(&column, 0..256);
    let decoded = decode_column(&mut Reader::new(&bytes), data_type, 256).unwrap();
    assert_eq!(decoded.get(0), ValueRef::Null);
    assert!(matches!(&decoded.data, ColumnData::Vector(vectors) if vectors.dimensions() == 16_000));
    column.set(7, ValueRef::Vector(&vec![1.5; 16_000]));
    let mut bytes = encoded_column(&column, 0..300);
    assert!(bytes.len() > 300 * 64_000);
    let decoded = decode_column(&mut Reader::new(&bytes), data_type, 300).unwrap();
    assert_eq!(contents(&decoded), contents(&column));
    bytes[0] &= !2;
    assert!(decode_column(&mut Reader::new(&bytes), data_type, 300).is_err());
}

#[test]
fn a_single_row_takes_two_bytes_beside_its_value() {
    for (data_type, value, bytes) in [
        (DataType::Int4, Value::Int4(7), 4),
        (DataType::Bool, Value::Bool(true), 1),
        (DataType::Text, Value::Text("alice".into()), 5),
        (DataType::Text, Value::Null, 0),
        (DataType::Float8, Value::Null, 0),
        (DataType::Vector(Some(3)), Value::Vector([1.0; 3].into()), 12),
    ] {
        let column = Column::repeat(data_type, value.as_ref(), 1);
        assert!(encoded_column(&column, 0..1).len() <= bytes + 2, "{data_type}");
    }
}
