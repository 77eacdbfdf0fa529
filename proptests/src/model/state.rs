//! The model's data: one version of the database.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use spg_engine::Value;

use super::foreign::broken_keys;
use super::value::{compare, row_order};
use crate::generator::{Schema, TableName};

/// SQLSTATEs: which of several faults is met first is nobody's promise.
pub(super) type Codes = BTreeSet<&'static str>;

/// One version of a row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Drawn by whoever wrote it: equal stamps are the same version.
    pub(super) stamp: u64,
    /// One for each column.
    pub(super) values: Vec<Value>,
}

/// One version of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// By row id.
    pub(super) rows: BTreeMap<u64, Row>,
    /// Drawn anew by TRUNCATE.
    pub(super) incarnation: u64,
}

/// An index: of interest only where it is unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) table: TableName,
    pub(super) columns: Vec<usize>,
    pub(super) unique: bool,
}

/// One version of the database.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) schema: Rc<Schema>,
    pub(super) tables: BTreeMap<TableName, Table>,
    pub(super) indexes: BTreeMap<usize, Index>,
}

/// What became of a row: it was added, changed, or is gone.
#[derive(Clone, Debug)]
pub(super) struct RowChange {
    pub(super) table: TableName,
    pub(super) id: u64,
    pub(super) old: Option<Vec<Value>>,
    pub(super) new: Option<Vec<Value>>,
}

impl State {
    /// The columns of each unique key of a table: of the primary key, and of unique indexes by their number.
    pub(super) fn unique_keys(&self, table: TableName) -> Vec<(Option<usize>, &[usize])> {
        let unique = self.indexes.iter().filter(|(_, index)| index.unique && index.table == table);
        let unique = unique.map(|(name, index)| (Some(*name), index.columns.as_slice()));
        std::iter::once((None, self.schema.primary(table))).chain(unique).collect()
    }

    /// Whether some key of `table` is taken twice.
    pub(super) fn has_duplicates(&self, table: TableName) -> bool {
        let mut keys = self.unique_keys(table).into_iter();
        keys.any(|(_, columns)| self.has_duplicate_keys(table, columns))
    }

    /// Whether two rows of `table` have equal values, none NULL, in `columns`.
    pub(super) fn has_duplicate_keys(&self, table: TableName, columns: &[usize]) -> bool {
        !self.duplicates(table, columns).is_empty()
    }

    /// The rows of `table` that have equal values, none NULL, in `columns`: pair by pair.
    fn duplicates(&self, table: TableName, columns: &[usize]) -> Vec<[u64; 2]> {
        let rows: Vec<(&u64, &Row)> = self.tables[&table].rows.iter().collect();
        let equal = |left: &Row, right: &Row| {
            columns.iter().all(|&column| {
                let (left, right) = (&left.values[column], &right.values[column]);
                !left.is_null() && !right.is_null() && compare(left, right).is_eq()
            })
        };
        let behind = |place: usize| rows[place + 1..].iter();
        let pairs = rows.iter().enumerate();
        let pairs = pairs.flat_map(|(place, left)| behind(place).map(move |right| (left, right)));
        pairs
            .filter(|((_, left), (_, right))| equal(left, right))
            .map(|((left, _), (right, _))| [**left, **right])
            .collect()
    }

    /// What leads to `later` from `self`.
    pub(super) fn changes(&self, later: &Self) -> Vec<RowChange> {
        let mut changes = Vec::new();
        for (name, before) in &self.tables {
            let after = &later.tables[name];
            let ids: BTreeSet<u64> = before.rows.keys().chain(after.rows.keys()).copied().collect();
            for id in ids.into_iter().filter(|id| before.stamp(*id) != after.stamp(*id)) {
                let values = |table: &Table| table.rows.get(&id).map(|row| row.values.clone());
                let (old, new) = (values(before), values(after));
                changes.push(RowChange { table: *name, id, old, new });
            }
        }
        changes
    }

    /// Whether `later` has other rows in one of the tables.
    pub(super) fn has_changed(&self, later: &Self, tables: &BTreeSet<TableName>) -> bool {
        self.changes(later).iter().any(|change| tables.contains(&change.table))
    }

    /// Whether the tables hold the same, whatever ids their rows have.
    pub(super) fn holds_the_same(&self, other: &Self) -> bool {
        self.tables.iter().all(|(name, table)| {
            let rows = |table: &Table| -> Vec<Vec<Value>> {
                table.rows.values().map(|row| row.values.clone()).collect()
            };
            same_bag(rows(table), rows(&other.tables[name]))
        })
    }

    /// The commit of what a transaction made of `base`: `self` with its changes, or the SQLSTATEs that refuse it.
    pub(super) fn merge(
        &self,
        base: &Self,
        work: &Self,
        proposed: &BTreeSet<(u64, Option<usize>)>,
    ) -> Result<Self, Codes> {
        let mut merged = self.clone();
        let mut codes = Codes::new();
        let changes = base.changes(work);
        for &RowChange { table: name, id, .. } in &changes {
            let table = merged.tables.get_mut(&name).expect("tables stay");
            let before = &base.tables[&name];
            if table.incarnation != before.incarnation || before.stamp(id) != table.stamp(id) {
                codes.insert("40001");
            }
            match work.tables[&name].rows.get(&id) {
                Some(row) => drop(table.rows.insert(id, row.clone())),
                None => drop(table.rows.remove(&id)),
            }
        }
        merged
            .indexes
            .retain(|name, _| work.indexes.contains_key(name) || !base.indexes.contains_key(name));
        let made = work.indexes.iter().filter(|(name, _)| !base.indexes.contains_key(name));
        merged.indexes.extend(made.map(|(name, index)| (*name, index.clone())));
        for name in merged.tables.keys() {
            for (index, columns) in merged.unique_keys(*name) {
                // Who has found the key free, and said what to do where it is not, is to look again.
                let is_proposed = |row: &u64| proposed.contains(&(*row, index));
                let pairs = merged.duplicates(*name, columns).into_iter();
                codes.extend(
                    pairs.map(|pair| if pair.iter().any(is_proposed) { "40001" } else { "23505" }),
                );
            }
        }
        codes.extend(broken_keys(&merged, &changes));
        if codes.is_empty() { Ok(merged) } else { Err(codes) }
    }
}

impl Table {
    /// Who wrote a row.
    pub(super) fn stamp(&self, id: u64) -> Option<u64> {
        self.rows.get(&id).map(|row| row.stamp)
    }
}

/// Whether two lists of rows are the same in some order.
pub(super) fn same_bag(mut left: Vec<Vec<Value>>, mut right: Vec<Vec<Value>>) -> bool {
    left.sort_by(|left, right| row_order(left, right));
    right.sort_by(|left, right| row_order(left, right));
    let same = |(left, right): (&Vec<Value>, &Vec<Value>)| row_order(left, right).is_eq();
    left.len() == right.len() && left.iter().zip(&right).all(same)
}
