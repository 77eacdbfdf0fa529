//! The model's data: one version of the database.

use std::collections::{BTreeMap, BTreeSet};

use spg_engine::Value;

use super::value::compare;
use crate::generator::TableName;

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
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) table: TableName,
    pub(super) columns: Vec<usize>,
    pub(super) unique: bool,
}

/// One version of the database.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) tables: BTreeMap<TableName, Table>,
    pub(super) indexes: BTreeMap<usize, Index>,
}

impl State {
    /// Whether some key of `table` is taken twice.
    pub(super) fn has_duplicates(&self, table: TableName) -> bool {
        let primary = std::iter::once([0].as_slice());
        let unique = self.indexes.values().filter(|index| index.unique && index.table == table);
        primary
            .chain(unique.map(|index| index.columns.as_slice()))
            .any(|columns| self.has_duplicate_keys(table, columns))
    }

    /// Whether two rows of `table` have equal values, none NULL, in `columns`.
    pub(super) fn has_duplicate_keys(&self, table: TableName, columns: &[usize]) -> bool {
        let rows: Vec<&Row> = self.tables[&table].rows.values().collect();
        let equal = |left: &Row, right: &Row| {
            columns.iter().all(|&column| {
                let (left, right) = (&left.values[column], &right.values[column]);
                !left.is_null() && !right.is_null() && compare(left, right).is_eq()
            })
        };
        let behind = |place: usize| rows[place + 1..].iter();
        rows.iter().enumerate().any(|(place, left)| behind(place).any(|right| equal(left, right)))
    }

    /// The commit of what a transaction made of `base`: `self` with its changes, or the SQLSTATE that refuses it.
    pub(super) fn merge(
        &self,
        base: &Self,
        work: &Self,
        written: &BTreeSet<(TableName, u64)>,
    ) -> Result<Self, &'static str> {
        let mut merged = self.clone();
        for (name, table) in &mut merged.tables {
            let (before, after) = (&base.tables[name], &work.tables[name]);
            let inserted = after.rows.keys().filter(|id| !before.rows.contains_key(id));
            let ids: Vec<u64> = written
                .iter()
                .filter(|(of, _)| of == name)
                .map(|(_, id)| *id)
                .chain(inserted.copied())
                .collect();
            if !ids.is_empty() && table.incarnation != before.incarnation {
                return Err("40001");
            }
            for id in ids {
                let stamp = |table: &Table| table.rows.get(&id).map(|row| row.stamp);
                if stamp(before) != stamp(table) {
                    return Err("40001");
                }
                match after.rows.get(&id) {
                    Some(row) => drop(table.rows.insert(id, row.clone())),
                    None => drop(table.rows.remove(&id)),
                }
            }
        }
        merged
            .indexes
            .retain(|name, _| work.indexes.contains_key(name) || !base.indexes.contains_key(name));
        let made = work.indexes.iter().filter(|(name, _)| !base.indexes.contains_key(name));
        merged.indexes.extend(made.map(|(name, index)| (*name, index.clone())));
        let duplicates = merged.tables.keys().any(|name| merged.has_duplicates(*name));
        if duplicates { Err("23505") } else { Ok(merged) }
    }
}
