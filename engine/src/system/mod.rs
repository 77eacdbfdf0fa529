//! Tables that nobody stores: `information_schema`, `pg_catalog`, and SPG's own `spg_*`.
//!
//! Each is a [`View`]: a name, columns, and a function that fills in rows from a root and, for what is not in a root,
//! from the database that is [`live`]. The binder finds a view where a table's name is looked up, under a table id of
//! its own ([`TableId::is_system`]), so everything between binder and executor takes it for a table without indexes;
//! only the scan differs (`executor/system_scan.rs`). Rows are of the statement's snapshot as far as they follow from a
//! root; what is live is read when the statement asks for it.
//!
//! Reading order: [`live`] is what a session is asked for, [`source`] walks relations, [`rows`] collects rows; then a
//! folder for each schema. [`oid`] numbers things as PostgreSQL would, [`text`] writes definitions, [`function`] are the
//! functions that go with the views.

pub mod function;
pub mod live;
pub mod oid;
pub mod rows;
pub mod source;
pub mod text;

mod information_schema;
mod pg_catalog;

use std::sync::{Arc, LazyLock};

use crate::error::Result;
use crate::storage::TableId;
use crate::storage::schema::{Alterations, ColumnDefinition, Constraints, Schema};
use crate::system::rows::Rows;
use crate::system::source::Source;
use crate::types::DataType;

/// The schemas that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// What everybody makes.
    Public,
    /// `pg_catalog`, searched before public where a name has no schema.
    Catalog,
    /// `information_schema`.
    Information,
}

/// What a view would be in PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A catalog: a table there.
    Catalog,
    /// A view.
    View,
}

/// A table that is made when it is asked for.
#[derive(Debug)]
pub struct View {
    /// Its schema.
    pub namespace: Namespace,
    /// Its name.
    pub name: &'static str,
    /// What it would be in PostgreSQL.
    pub kind: Kind,
    columns: &'static [(&'static str, DataType)],
    fill: fn(&Source<'_>, &mut Rows<'_>) -> Result<()>,
}

/// A type `name` of PostgreSQL, which is TEXT here.
const NAME: DataType = DataType::Text;
/// A type `oid` of PostgreSQL, which is BIGINT here.
const OID: DataType = DataType::Int8;
/// A type `character_data` of the information schema.
const CHARACTERS: DataType = DataType::Varchar(None);
const TEXT: DataType = DataType::Text;
const BOOL: DataType = DataType::Bool;
const INT2: DataType = DataType::Int2;
const INT4: DataType = DataType::Int4;
const INT8: DataType = DataType::Int8;
const FLOAT4: DataType = DataType::Float4;
const FLOAT8: DataType = DataType::Float8;
const TIMESTAMPTZ: DataType = DataType::TimestampTz;

/// What a row of `$rows` holds, each value as whatever becomes a cell.
macro_rules! row {
    ($rows:expr; $($value:expr),* $(,)?) => {
        $rows.add(&[$($crate::system::rows::Cell::from($value)),*])
    };
}
use row;

/// All views with the shapes that the binder sees.
static ALL: LazyLock<Vec<(&'static View, Arc<Schema>)>> = LazyLock::new(|| {
    let groups = [information_schema::VIEWS, pg_catalog::VIEWS];
    let views = groups.iter().flat_map(|views| views.iter());
    views.enumerate().map(|(place, view)| (view, shape(view, place))).collect()
});

fn shape(view: &View, place: usize) -> Arc<Schema> {
    let column =
        |(name, data_type): &(&'static str, DataType)| ColumnDefinition::nullable(name, *data_type);
    Arc::new(Schema {
        table: TableId::system(place),
        name: Arc::from(view.name),
        columns: view.columns.iter().map(column).collect(),
        indexes: Vec::new(),
        constraints: Constraints::default(),
        structure: 0,
        alterations: Alterations::default(),
    })
}

/// The view that `[schema.]name` means. Without a schema `pg_catalog` is searched, as it is before public.
pub fn find(schema: Option<&str>, name: &str) -> Option<(&'static View, &'static Arc<Schema>)> {
    let namespace = match schema {
        None if name.starts_with("pg_") || name.starts_with("spg_") => Namespace::Catalog,
        Some("pg_catalog") => Namespace::Catalog,
        Some("information_schema") => Namespace::Information,
        None | Some(_) => return None,
    };
    let is_meant =
        |(view, _): &&(&'static View, _)| view.namespace == namespace && view.name == name;
    ALL.iter().find(is_meant).map(|(view, schema)| (*view, schema))
}

/// The view of this identity.
pub fn view(id: TableId) -> Option<&'static View> {
    ALL.get(id.system_place()?).map(|(view, _)| *view)
}

/// All views with their shapes.
pub fn all() -> impl Iterator<Item = (&'static View, &'static Arc<Schema>)> {
    ALL.iter().map(|(view, schema)| (*view, schema))
}

/// The schema of a table, or of a view.
pub fn namespace_of(id: TableId) -> Namespace {
    view(id).map_or(Namespace::Public, |view| view.namespace)
}

impl Namespace {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 3] = [Self::Information, Self::Catalog, Self::Public];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Catalog => "pg_catalog",
            Self::Information => "information_schema",
        }
    }
}

impl View {
    /// Puts its rows into `rows`.
    pub fn fill(&self, source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
        (self.fill)(source, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_postgresql_finds_them() {
        assert!(find(None, "pg_class").is_some());
        assert!(find(Some("pg_catalog"), "pg_class").is_some());
        assert!(find(Some("information_schema"), "tables").is_some());
        assert!(find(None, "tables").is_none());
        assert!(find(Some("public"), "pg_class").is_none());
        assert!(find(Some("pg_catalog"), "tables").is_none());
    }

    #[test]
    fn no_view_and_no_column_is_there_twice() {
        for (place, (view, schema)) in all().enumerate() {
            let found = find(Some(view.namespace.name()), view.name).expect("it is there");
            assert_eq!(found.1.table, TableId::system(place), "{} is there twice", view.name);
            for (ordinal, column) in schema.columns.iter().enumerate() {
                assert_eq!(schema.ordinal(&column.name), Some(ordinal), "{}", view.name);
            }
        }
    }
}
