//! Tables, views, sequences, schemata.

use super::yes;
use crate::error::Result;
use crate::storage::schema::Identity;
use crate::storage::sequence::SequenceId;
use crate::system::information_schema::columns::numeric;
use crate::system::rows::{Cell, Rows};
use crate::system::source::{DATABASE, Source};
use crate::system::{Kind, Namespace, row};

const NULL: Cell<'static> = Cell::Null;

pub(super) fn tables(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations() {
        let kind = if relation.kind == Some(Kind::View) { "VIEW" } else { "BASE TABLE" };
        row!(rows;
            DATABASE, relation.namespace.name(), &relation.schema.name, kind, NULL, NULL, NULL, NULL, NULL,
            yes(relation.kind.is_none()), "NO", NULL,
        )?;
    }
    Ok(())
}

pub(super) fn views(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations().filter(|relation| relation.kind == Some(Kind::View)) {
        row!(rows;
            DATABASE, relation.namespace.name(), &relation.schema.name, NULL, "NONE", "NO", "NO", "NO", "NO", "NO",
        )?;
    }
    Ok(())
}

pub(super) fn schemata(_: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for namespace in Namespace::ALL {
        let owner = if namespace == Namespace::Public { "pg_database_owner" } else { DATABASE };
        row!(rows; DATABASE, namespace.name(), owner, NULL, NULL, NULL, NULL)?;
    }
    Ok(())
}

pub(super) fn sequences(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    // Those of identity columns belong to their columns, and are no sequences by themselves.
    let mut inner: Vec<SequenceId> = Vec::new();
    for table in source.tables() {
        let identities = table.schema().columns.iter().filter(|column| {
            matches!(column.identity, Some(Identity::Always | Identity::ByDefault))
        });
        inner.extend(identities.filter_map(|column| column.sequences.first()));
    }
    for sequence in source.root.sequences().filter(|sequence| !inner.contains(&sequence.id())) {
        let definition = &sequence.definition;
        let (precision, _, _) = numeric(definition.data_type);
        row!(rows;
            DATABASE, "public", &definition.name, definition.data_type.sql_name(), precision, 2, 0,
            definition.start.to_string(), definition.min.to_string(), definition.max.to_string(),
            definition.increment.to_string(), yes(definition.cycle),
        )?;
    }
    Ok(())
}
