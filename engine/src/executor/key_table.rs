//! Numbers keys: what groups, joins, DISTINCT and set operations hash by. Equality is that of GROUP BY: NULL equals
//! NULL, NaN equals NaN, -0 equals 0.

use std::hash::{BuildHasher, Hasher};

use hashbrown::hash_map::{Entry, HashMap};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::error::Result;
use crate::executor::buffer::Buffer;
use crate::executor::memory::MemoryBudget;
use crate::storage::batch::ColumnRef;
use crate::storage::column::{Column, ColumnData};
use crate::types::DataType;

/// No number: the key is not in the table, or holds a NULL where that never matches.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Bytes that a table takes for a key beside the key's own columns, at its usual load.
const ENTRY_BYTES: usize = 24;

/// Distinct keys, numbered in the order in which they came.
pub(super) struct KeyTable<'a> {
    keys: Buffer<'a>,
    numbers: Numbers,
    hasher: DefaultHashBuilder,
}

enum Numbers {
    /// One key column of integers.
    Integers { by_value: HashMap<i64, u32>, null: Option<u32> },
    /// Anything else: hash and number.
    Any(HashTable<(u64, u32)>),
}

impl<'a> KeyTable<'a> {
    pub(super) fn new(types: &[DataType], memory: &'a MemoryBudget) -> Self {
        let numbers = match types {
            [data_type] if data_type.is_integer() => {
                Numbers::Integers { by_value: HashMap::new(), null: None }
            }
            _ => Numbers::Any(HashTable::new()),
        };
        Self { keys: Buffer::new(types, memory), numbers, hasher: DefaultHashBuilder::default() }
    }

    /// Number of distinct keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys by number.
    pub(super) fn keys(&self) -> &Buffer<'a> {
        &self.keys
    }

    /// Appends the number of the key in each of the `rows` rows of dense `columns`; new keys get the next numbers.
    pub(super) fn insert(
        &mut self,
        columns: &[ColumnRef<'_>],
        rows: usize,
        found: &mut Vec<u32>,
    ) -> Result<()> {
        let before = self.keys.len();
        found.reserve(rows);
        match &mut self.numbers {
            Numbers::Integers { by_value, null } => {
                let column = &columns[0];
                let mut next = before as u32;
                let mut fresh = Vec::new();
                each_integer(column, rows, |row, value| {
                    let number = match value {
                        None => {
                            *null.get_or_insert_with(|| fresh_number(&mut next, &mut fresh, row))
                        }
                        Some(value) => match by_value.entry(value) {
                            Entry::Occupied(entry) => *entry.get(),
                            Entry::Vacant(entry) => {
                                *entry.insert(fresh_number(&mut next, &mut fresh, row))
                            }
                        },
                    };
                    found.push(number);
                });
                if !fresh.is_empty() {
                    let selection = crate::storage::batch::Selection::Rows(fresh);
                    self.keys.append_columns(columns, &selection)?;
                }
            }
            Numbers::Any(table) => {
                for row in 0..rows {
                    let hash = hash_row(&self.hasher, columns, row);
                    let keys = &self.keys;
                    let same = |entry: &(u64, u32)| {
                        entry.0 == hash && equal_rows(&keys.columns, entry.1 as usize, columns, row)
                    };
                    if let Some((_, number)) = table.find(hash, same) {
                        found.push(*number);
                        continue;
                    }
                    let number = keys.len() as u32;
                    self.keys.push_row(columns, row)?;
                    table.insert_unique(hash, (hash, number), |entry| entry.0);
                    found.push(number);
                }
            }
        }
        self.keys.reserve((self.keys.len() - before) * ENTRY_BYTES)
    }

    /// Appends the number of the key in each of the `rows` rows of dense `columns`, [`NO_KEY`] where it has none;
    /// with `nulls_match` false also where a key column is NULL.
    pub(super) fn find(
        &self,
        columns: &[ColumnRef<'_>],
        rows: usize,
        nulls_match: bool,
        found: &mut Vec<u32>,
    ) {
        found.reserve(rows);
        match &self.numbers {
            Numbers::Integers { by_value, null } => {
                let null = null.filter(|_| nulls_match).unwrap_or(NO_KEY);
                each_integer(&columns[0], rows, |_, value| {
                    found.push(
                        value.map_or(null, |value| by_value.get(&value).copied().unwrap_or(NO_KEY)),
                    );
                });
            }
            Numbers::Any(table) => {
                for row in 0..rows {
                    if !nulls_match && columns.iter().any(|column| column.is_null(row)) {
                        found.push(NO_KEY);
                        continue;
                    }
                    let hash = hash_row(&self.hasher, columns, row);
                    let same = |entry: &(u64, u32)| {
                        let number = entry.1 as usize;
                        entry.0 == hash && equal_rows(&self.keys.columns, number, columns, row)
                    };
                    found.push(table.find(hash, same).map_or(NO_KEY, |entry| entry.1));
                }
            }
        }
    }
}

fn fresh_number(next: &mut u32, fresh: &mut Vec<u32>, row: usize) -> u32 {
    let number = *next;
    *next += 1;
    fresh.push(row as u32);
    number
}

/// Calls `visit` with each row's integer, None where NULL.
fn each_integer(column: &Column, rows: usize, mut visit: impl FnMut(usize, Option<i64>)) {
    macro_rules! each {
        ($values:expr) => {
            match &column.nulls {
                None => {
                    for (row, &value) in $values[..rows].iter().enumerate() {
                        visit(row, Some(i64::from(value)));
                    }
                }
                Some(nulls) => {
                    for (row, &value) in $values[..rows].iter().enumerate() {
                        visit(row, (!nulls.get(row)).then_some(i64::from(value)));
                    }
                }
            }
        };
    }
    match &column.data {
        ColumnData::Int2(values) => each!(values),
        ColumnData::Int4(values) => each!(values),
        ColumnData::Int8(values) => each!(values),
        _ => unreachable!("the table was made for an integer key"),
    }
}

fn hash_row(hasher: &DefaultHashBuilder, columns: &[ColumnRef<'_>], row: usize) -> u64 {
    let mut state = hasher.build_hasher();
    for column in columns {
        column.get(row).hash_into(&mut state);
    }
    state.finish()
}

fn equal_rows(keys: &[Column], number: usize, columns: &[ColumnRef<'_>], row: usize) -> bool {
    keys.iter().zip(columns).all(|(key, column)| key.get(number).equals(column.get(row)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Value, ValueRef};

    fn column(data_type: DataType, values: &[Value]) -> ColumnRef<'static> {
        let mut column = Column::with_capacity(data_type, values.len());
        for value in values {
            column.push(value.as_ref());
        }
        ColumnRef::owned(column)
    }

    #[test]
    fn keys_are_numbered_as_they_come() {
        let memory = MemoryBudget::default();
        let nan = Value::Float8(f64::NAN);
        let cases = [
            (
                DataType::Int4,
                vec![Value::Int4(7), Value::Null, Value::Int4(7), Value::Null, Value::Int4(8)],
            ),
            (
                DataType::Float8,
                vec![nan.clone(), Value::Float8(0.0), nan, Value::Float8(-0.0), Value::Null],
            ),
        ];
        let expected = [vec![0, 1, 0, 1, 2], vec![0, 1, 0, 1, 2]];
        for ((data_type, values), expected) in cases.into_iter().zip(expected) {
            let mut table = KeyTable::new(&[data_type], &memory);
            let columns = [column(data_type, &values)];
            let mut found = Vec::new();
            table.insert(&columns, values.len(), &mut found).unwrap();
            assert_eq!(found, expected);
            assert_eq!(table.len(), 3);
            found.clear();
            table.find(&columns, values.len(), true, &mut found);
            assert_eq!(found, expected);
            found.clear();
            table.find(&columns, values.len(), false, &mut found);
            for (value, number) in values.iter().zip(&found) {
                assert_eq!(*number == NO_KEY, value.is_null());
            }
        }
        assert_eq!(memory.used_bytes(), 0);
    }

    #[test]
    fn memory_is_counted() {
        let memory = MemoryBudget::new(1_000);
        let mut table = KeyTable::new(&[DataType::Text], &memory);
        let mut texts = Column::with_capacity(DataType::Text, 100);
        (0..100).for_each(|number| texts.push(ValueRef::Text(&format!("key number {number}"))));
        let error = table.insert(&[ColumnRef::owned(texts)], 100, &mut Vec::new()).unwrap_err();
        assert_eq!(error.sqlstate(), crate::SqlState::OutOfMemory);
    }
}
