//! What a table looks like: columns, keys, index definitions. Immutable once made; a change makes a new one.

use std::sync::Arc;

use crate::storage::{IndexId, TableId};
use crate::types::DataType;

/// A table's shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The table.
    pub table: TableId,
    /// Its name.
    pub name: Arc<str>,
    /// Its columns by ordinal.
    pub columns: Vec<ColumnDefinition>,
    /// Its indexes, in the order in which they were made.
    pub indexes: Vec<Arc<IndexDefinition>>,
    /// Drawn anew when rows or columns change wholesale (TRUNCATE, column or constraint changes), not when an index
    /// comes or goes: a write set made on another structure conflicts (40001).
    pub structure: u64,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: Arc<str>,
    /// Its type with modifier.
    pub data_type: DataType,
    /// NOT NULL, written or from a primary key.
    pub not_null: bool,
    /// DEFAULT as canonical SQL text; None is NULL.
    pub default: Option<Arc<str>>,
}

/// One index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDefinition {
    /// Its identity.
    pub id: IndexId,
    /// Its name, unique among tables and indexes.
    pub name: Arc<str>,
    /// Its key columns in order.
    pub columns: Vec<IndexColumn>,
    /// Whether keys without NULL are unique.
    pub unique: bool,
    /// Whether it belongs to a PRIMARY KEY or UNIQUE constraint (then DROP INDEX is 2BP01).
    pub constraint: bool,
    /// Whether it is the primary key.
    pub primary: bool,
}

/// One column of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexColumn {
    /// The column's ordinal.
    pub ordinal: usize,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

impl Schema {
    /// Ordinal of the column called `name`.
    pub fn ordinal(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// The index `id`.
    pub fn index(&self, id: IndexId) -> Option<&Arc<IndexDefinition>> {
        self.indexes.iter().find(|index| index.id == id)
    }
}
