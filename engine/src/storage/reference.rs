//! Foreign keys between versions of two tables: which key a row refers to, which rows refer to a key.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::error::Result;
use crate::storage::chunk::Chunk;
use crate::storage::index::{Index, UniqueKey};
use crate::storage::key::KeyRange;
use crate::storage::root::Root;
use crate::storage::schema::{ForeignKey, IndexDefinition, Schema};
use crate::storage::table::Table;
use crate::storage::{IndexId, RowId, TableId};
use crate::types::{DataType, ValueRef};

/// A foreign key between a version of its table and one of the table that it refers to.
#[derive(Debug)]
pub struct Link<'a> {
    /// The foreign key.
    pub key: &'a ForeignKey,
    /// The table that refers.
    pub child: &'a Table,
    /// The table that is referred to.
    pub parent: &'a Table,
    /// Its unique index.
    index: &'a Index,
    /// The ordinals of the referring columns, each with that of the column referred to.
    columns: Vec<(usize, usize)>,
}

/// What a row refers to.
#[derive(Debug, PartialEq)]
pub enum Referred {
    /// Nothing: a column is NULL.
    Nothing,
    /// Some columns are NULL where MATCH FULL allows all or none.
    Mixed,
    /// The row with this key, if there is one.
    Key(UniqueKey),
    /// What the other column's type cannot hold, so no row.
    Nowhere,
}

/// Where rows are looked for that refer to others.
#[derive(Debug)]
pub enum Searched<'s> {
    /// Some keys of an index.
    Keys(IndexId, &'s KeyRange),
    /// All rows, some at a time.
    Rows,
}

impl<'a> Link<'a> {
    /// None if the tables are not as the foreign key has them.
    pub fn new(key: &'a ForeignKey, child: &'a Table, parent: &'a Table) -> Option<Self> {
        let index = parent.index(key.index)?;
        let ordinals = |(own, others): &(u64, u64)| {
            let own = child.schema().ordinal_of_number(*own)?;
            Some((own, parent.schema().ordinal_of_number(*others)?))
        };
        let columns = key.columns.iter().map(ordinals).collect::<Option<Vec<_>>>()?;
        Some(Self { key, child, parent, index, columns })
    }

    /// The ordinals of the referring columns.
    pub fn child_ordinals(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|(own, _)| *own)
    }

    /// The ordinals of the columns referred to, in the order of the referring ones.
    pub fn parent_ordinals(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|(_, others)| *others)
    }

    /// The unique index by which the rows referred to are found.
    pub fn parent_index(&self) -> &'a Arc<IndexDefinition> {
        self.index.definition()
    }

    /// What a row of the child refers to.
    pub fn referred(&self, chunk: &Chunk, slot: usize) -> Referred {
        self.referred_by(|ordinal| chunk.column(ordinal).get(slot))
    }

    /// What a row refers to whose value at an ordinal is `value`.
    pub fn referred_by<'v>(&self, value: impl Fn(usize) -> ValueRef<'v>) -> Referred {
        let nulls = self.columns.iter().filter(|(own, _)| value(*own).is_null()).count();
        if nulls > 0 {
            let is_mixed = self.key.match_full && nulls < self.columns.len();
            return if is_mixed { Referred::Mixed } else { Referred::Nothing };
        }
        let types = &self.parent.schema().columns;
        let converted = |(own, others): &(usize, usize)| {
            let value = convert(value(*own), types[*others].data_type)?;
            Some((*others, value))
        };
        let Some(values) = self.columns.iter().map(converted).collect::<Option<Vec<_>>>() else {
            return Referred::Nowhere;
        };
        let of = |ordinal: usize| {
            let found = values.iter().find(|(others, _)| *others == ordinal);
            found.map_or(ValueRef::Null, |(_, value)| *value)
        };
        self.index.unique_key(of).map_or(Referred::Nowhere, Referred::Key)
    }

    /// Whether the parent has a row with this key.
    pub fn has(&self, key: &UniqueKey) -> bool {
        self.find(key).is_some()
    }

    /// The row of the parent with this key.
    pub fn find(&self, key: &UniqueKey) -> Option<RowId> {
        self.index.find_key(key)
    }

    /// The key of a row of a version of the parent; None if it has NULLs or the version other columns.
    pub fn key_of(&self, version: &Table, row: RowId) -> Option<UniqueKey> {
        let (chunk, slot) = version.find(row)?;
        let schema = self.parent.schema();
        // The version may have other columns before those of the key.
        let ordinals: Vec<(usize, usize)> = self
            .parent_ordinals()
            .map(|ordinal| {
                Some((ordinal, version.schema().ordinal_of_number(schema.number(ordinal))?))
            })
            .collect::<Option<_>>()?;
        let of = |ordinal: usize| {
            let found = ordinals.iter().find(|(present, _)| *present == ordinal);
            found.map_or(ValueRef::Null, |(_, there)| chunk.column(*there).get(slot))
        };
        self.index.unique_key(of)
    }

    /// The rows of the child that refer to one of `keys`, each with the row that had the key in `before`, a version of
    /// the parent. `search` is told beforehand where it looks, and may stop it.
    pub fn children(
        &self,
        keys: &HashMap<UniqueKey, RowId>,
        before: &Table,
        search: &dyn Fn(Searched<'_>) -> Result<()>,
    ) -> Result<Vec<(RowId, RowId)>> {
        match self.child_index() {
            Some(index) => self.children_by_index(index, keys, before, search),
            None => self.children_by_scan(keys, search),
        }
    }

    /// An index of the child that begins with the referring columns, in any order.
    fn child_index(&self) -> Option<&Index> {
        self.child.indexes().iter().find(|index| {
            let columns = &index.definition().columns;
            columns.len() >= self.columns.len()
                && columns[..self.columns.len()]
                    .iter()
                    .all(|column| self.child_ordinals().any(|own| own == column.ordinal))
                && self
                    .child_ordinals()
                    .all(|own| columns[..self.columns.len()].iter().any(|key| key.ordinal == own))
        })
    }

    fn children_by_index(
        &self,
        index: &Index,
        keys: &HashMap<UniqueKey, RowId>,
        before: &Table,
        search: &dyn Fn(Searched<'_>) -> Result<()>,
    ) -> Result<Vec<(RowId, RowId)>> {
        let mut rows: Vec<RowId> = keys.values().copied().collect();
        rows.sort_unstable();
        let (parent, child) = (self.parent.schema(), self.child.schema());
        let mut found = Vec::new();
        for row in rows {
            let Some((chunk, slot)) = before.find(row) else { continue };
            let value = |column: &crate::storage::schema::IndexColumn| {
                let (_, others) = self.columns.iter().find(|(own, _)| *own == column.ordinal)?;
                let there = before.schema().ordinal_of_number(parent.number(*others))?;
                convert(chunk.column(there).get(slot), child.columns[column.ordinal].data_type)
            };
            let columns = index.definition().columns[..self.columns.len()].iter();
            let Some(prefix) = columns.map(value).collect::<Option<Vec<_>>>() else { continue };
            let range = KeyRange::prefix(child, index.definition(), &prefix);
            search(Searched::Keys(index.definition().id, &range))?;
            found.extend(index.range(&range, false).map(|child| (child, row)));
        }
        Ok(found)
    }

    fn children_by_scan(
        &self,
        keys: &HashMap<UniqueKey, RowId>,
        search: &dyn Fn(Searched<'_>) -> Result<()>,
    ) -> Result<Vec<(RowId, RowId)>> {
        let mut found = Vec::new();
        // No rows have been looked for, too.
        search(Searched::Rows)?;
        for chunk in self.child.chunks() {
            search(Searched::Rows)?;
            for slot in chunk.selection().iter() {
                if let Referred::Key(key) = self.referred(chunk, slot)
                    && let Some(row) = keys.get(&key)
                {
                    found.push((chunk.row_id(slot), *row));
                }
            }
        }
        Ok(found)
    }
}

/// A value as one of the other column's type; None for an integer that it cannot hold. The types are the same but for
/// the width of integers.
pub fn convert(value: ValueRef<'_>, target: DataType) -> Option<ValueRef<'_>> {
    let integer = match value {
        ValueRef::Int2(value) => i64::from(value),
        ValueRef::Int4(value) => i64::from(value),
        ValueRef::Int8(value) => value,
        other => return Some(other),
    };
    match target {
        DataType::Int2 => i16::try_from(integer).ok().map(ValueRef::Int2),
        DataType::Int4 => i32::try_from(integer).ok().map(ValueRef::Int4),
        _ => Some(ValueRef::Int8(integer)),
    }
}

/// The foreign keys that refer to a table, each with the table that has it.
pub fn referring(root: &Root, table: TableId) -> Vec<(TableId, Arc<ForeignKey>)> {
    let mut found = Vec::new();
    for child in root.children(table).iter().filter_map(|child| root.table(*child)) {
        let keys = child.schema().constraints.foreign_keys.iter();
        let of_table = keys.filter(|key| key.table == table);
        found.extend(of_table.map(|key| (child.id(), Arc::clone(key))));
    }
    found
}

/// Whether a table refers to others or is referred to.
pub fn is_linked(root: &Root, schema: &Schema) -> bool {
    !schema.constraints.foreign_keys.is_empty() || !root.children(schema.table).is_empty()
}

/// The tables whose rows a change of this one may change too.
pub fn reachable(root: &Root, table: TableId) -> Vec<TableId> {
    let mut found = vec![table];
    let mut place = 0;
    while place < found.len() {
        for (child, _) in referring(root, found[place]) {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        place += 1;
    }
    found.remove(0);
    found
}
