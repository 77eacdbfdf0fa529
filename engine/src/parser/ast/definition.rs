//! Definitions of the syntax tree: CREATE and DROP of tables and indexes, TRUNCATE.

use super::sequence::IdentitySpecification;
use super::{Expression, Identifier, ObjectName, TypeName};
use crate::types::Position;

/// CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: ObjectName,
    /// Its columns.
    pub columns: Vec<ColumnSpecification>,
    /// Table constraints, in order.
    pub constraints: Vec<TableConstraint>,
}

/// One column of CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpecification {
    /// Its name.
    pub name: Identifier,
    /// Its type.
    pub type_name: TypeName,
    /// Whether the type was written as SERIAL, BIGSERIAL or SMALLSERIAL.
    pub serial: bool,
    /// DEFAULT.
    pub default: Option<Expression>,
    /// GENERATED ... AS IDENTITY.
    pub identity: Option<IdentitySpecification>,
    /// NOT NULL (Some(true)), NULL (Some(false)) or neither.
    pub not_null: Option<bool>,
    /// PRIMARY KEY and UNIQUE written at the column.
    pub keys: Vec<ColumnKey>,
    /// CHECK written at the column.
    pub checks: Vec<CheckSpecification>,
    /// REFERENCES written at the column.
    pub references: Vec<ColumnReference>,
}

/// PRIMARY KEY or UNIQUE written at a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnKey {
    /// CONSTRAINT name.
    pub constraint_name: Option<Identifier>,
    /// PRIMARY KEY rather than UNIQUE.
    pub primary: bool,
    /// Where it stands.
    pub position: Position,
}

/// CHECK written at a column.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSpecification {
    /// CONSTRAINT name.
    pub constraint_name: Option<Identifier>,
    /// The condition.
    pub condition: Expression,
    /// Where it stands.
    pub position: Position,
}

/// REFERENCES written at a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnReference {
    /// CONSTRAINT name.
    pub constraint_name: Option<Identifier>,
    /// What is referred to.
    pub reference: Reference,
    /// Where it stands.
    pub position: Position,
}

/// REFERENCES table [(columns)] and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The table.
    pub table: ObjectName,
    /// Its columns; empty means its primary key.
    pub columns: Vec<Identifier>,
    /// MATCH FULL.
    pub match_full: bool,
    /// ON DELETE.
    pub on_delete: ReferentialAction,
    /// ON UPDATE.
    pub on_update: ReferentialAction,
}

/// What becomes of rows whose referred row goes, or changes its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferentialAction {
    /// NO ACTION, also where nothing is said.
    NoAction,
    /// RESTRICT.
    Restrict,
    /// CASCADE.
    Cascade,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
}

/// A constraint of a table: `[CONSTRAINT name]` and what it demands.
#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    /// CONSTRAINT name.
    pub name: Option<Identifier>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// Where it stands.
    pub position: Position,
}

/// What a constraint of a table demands.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// PRIMARY KEY (columns) or UNIQUE (columns).
    Key {
        /// PRIMARY KEY rather than UNIQUE.
        primary: bool,
        /// Its columns.
        columns: Vec<Identifier>,
    },
    /// CHECK (condition).
    Check(Expression),
    /// FOREIGN KEY (columns) REFERENCES ...
    Foreign {
        /// Its columns.
        columns: Vec<Identifier>,
        /// What they refer to.
        reference: Reference,
    },
}

/// DROP TABLE, DROP INDEX or DROP SEQUENCE.
#[derive(Clone, Debug, PartialEq)]
pub struct DropObjects {
    /// IF EXISTS.
    pub if_exists: bool,
    /// What to drop.
    pub names: Vec<ObjectName>,
    /// CASCADE rather than RESTRICT.
    pub cascade: bool,
    /// CONCURRENTLY, of an index.
    pub concurrently: bool,
}

/// CREATE INDEX.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// UNIQUE.
    pub unique: bool,
    /// CONCURRENTLY: an index is built beside writers in any case, but this may not stand in a block.
    pub concurrently: bool,
    /// IF NOT EXISTS (which demands a name).
    pub if_not_exists: bool,
    /// Its name; None lets the engine choose `table_column_idx`.
    pub name: Option<Identifier>,
    /// ON table.
    pub table: ObjectName,
    /// (columns).
    pub columns: Vec<IndexColumnSpecification>,
}

/// One column of CREATE INDEX.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexColumnSpecification {
    /// The column.
    pub column: Identifier,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST or LAST, if written.
    pub nulls_first: Option<bool>,
}

/// TRUNCATE \[TABLE\] names.
#[derive(Clone, Debug, PartialEq)]
pub struct Truncate {
    /// The tables.
    pub names: Vec<ObjectName>,
    /// RESTART IDENTITY rather than CONTINUE IDENTITY.
    pub restart_identity: bool,
    /// CASCADE rather than RESTRICT.
    pub cascade: bool,
}
