//! What views are made of: the relations of a root, views among them.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::storage::reference::Link;
use crate::storage::root::Root;
use crate::storage::schema::{CheckConstraint, ForeignKey, IndexDefinition, Schema};
use crate::storage::table::Table;
use crate::system::live::Live;
use crate::system::{Kind, Namespace, all};

/// The name of the one database that there is.
pub const DATABASE: &str = "spg";

/// Where rows come from.
pub struct Source<'s> {
    /// The statement's version of the database.
    pub root: &'s Root,
    /// What is not in a root.
    pub live: &'s dyn Live,
}

/// A table, or a view.
#[derive(Clone, Copy)]
pub struct Relation<'s> {
    /// Its schema.
    pub namespace: Namespace,
    /// Its shape.
    pub schema: &'s Arc<Schema>,
    /// What a view would be in PostgreSQL; None is a table.
    pub kind: Option<Kind>,
    /// The table, if it is one.
    pub table: Option<&'s Arc<Table>>,
}

/// A constraint of a table.
#[derive(Clone, Copy)]
pub enum Constraint<'s> {
    /// PRIMARY KEY or UNIQUE, by its index.
    Key(&'s Arc<IndexDefinition>),
    /// CHECK.
    Check(&'s CheckConstraint),
    /// FOREIGN KEY.
    Foreign(&'s ForeignKey),
}

impl<'s> Source<'s> {
    /// The tables in name order.
    pub fn tables(&self) -> impl Iterator<Item = &'s Arc<Table>> {
        self.root.tables_by_name()
    }

    /// The tables, then the views.
    pub fn relations(&self) -> impl Iterator<Item = Relation<'s>> {
        let table = |table: &'s Arc<Table>| Relation {
            namespace: Namespace::Public,
            schema: table.schema(),
            kind: None,
            table: Some(table),
        };
        let views = all().map(|(view, schema)| Relation {
            namespace: view.namespace,
            schema,
            kind: Some(view.kind),
            table: None,
        });
        self.tables().map(table).chain(views)
    }

    /// The constraints of all tables that have names of their own.
    pub fn constraints(&self) -> impl Iterator<Item = (&'s Arc<Schema>, Constraint<'s>)> {
        self.tables().flat_map(|table| {
            let schema = table.schema();
            constraints_of(schema).map(move |constraint| (schema, constraint))
        })
    }

    /// A foreign key with the tables at its ends.
    pub fn link(&self, schema: &Schema, key: &'s ForeignKey) -> Result<Link<'s>> {
        let tables = self.root.table(schema.table).zip(self.root.table(key.table));
        let link = tables.and_then(|(child, parent)| Link::new(key, child, parent));
        let message = "a foreign key refers to what is not there";
        link.ok_or_else(|| Error::new(SqlState::InternalError, message))
    }
}

/// A table's constraints in the order of PostgreSQL's `\d`: keys, checks, foreign keys.
pub fn constraints_of(schema: &Arc<Schema>) -> impl Iterator<Item = Constraint<'_>> {
    let keys = schema.indexes.iter().filter(|index| index.constraint).map(Constraint::Key);
    let checks = schema.constraints.checks.iter().map(Constraint::Check);
    let foreign = schema.constraints.foreign_keys.iter().map(|key| Constraint::Foreign(key));
    keys.chain(checks).chain(foreign)
}

impl<'s> Constraint<'s> {
    /// Its name.
    pub fn name(&self) -> &'s Arc<str> {
        match self {
            Self::Key(index) => &index.name,
            Self::Check(check) => &check.name,
            Self::Foreign(key) => &key.name,
        }
    }

    /// What the information schema calls its kind.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Key(index) if index.primary => "PRIMARY KEY",
            Self::Key(_) => "UNIQUE",
            Self::Check(_) => "CHECK",
            Self::Foreign(_) => "FOREIGN KEY",
        }
    }
}
