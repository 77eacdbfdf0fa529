//! Constraints, and the columns that they are about.

use std::sync::Arc;

use crate::error::Result;
use crate::storage::schema::Schema;
use crate::system::rows::{Cell, Rows};
use crate::system::source::{Constraint, DATABASE, Source};
use crate::system::{oid, row, text};

const NULL: Cell<'static> = Cell::Null;
const PUBLIC: &str = "public";

/// NOT NULL goes by a name that PostgreSQL makes of the numbers of schema, table and column.
fn not_nulls(schema: &Arc<Schema>) -> impl Iterator<Item = (String, &Arc<str>)> {
    let table = oid::table(schema.table);
    let columns = schema.columns.iter().enumerate().filter(|(_, column)| column.not_null);
    columns.map(move |(ordinal, column)| {
        (format!("2200_{table}_{}_not_null", ordinal + 1), &column.name)
    })
}

pub(super) fn table_constraints(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        let kind = constraint.kind_name();
        let nulls_distinct = (kind == "UNIQUE").then_some("YES");
        row!(rows;
            DATABASE, PUBLIC, constraint.name(), DATABASE, PUBLIC, &schema.name, kind, "NO", "NO", "YES",
            nulls_distinct,
        )?;
    }
    for table in source.tables() {
        let schema = table.schema();
        for (name, _) in not_nulls(schema) {
            row!(rows;
                DATABASE, PUBLIC, name, DATABASE, PUBLIC, &schema.name, "CHECK", "NO", "NO", "YES", NULL,
            )?;
        }
    }
    Ok(())
}

pub(super) fn check_constraints(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (_, constraint) in source.constraints() {
        if let Constraint::Check(check) = constraint {
            row!(rows; DATABASE, PUBLIC, &check.name, format!("({})", text::condition(&check.condition)))?;
        }
    }
    for table in source.tables() {
        for (name, column) in not_nulls(table.schema()) {
            let clause = format!("{} IS NOT NULL", text::name(column));
            row!(rows; DATABASE, PUBLIC, name, clause)?;
        }
    }
    Ok(())
}

pub(super) fn key_column_usage(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        for (place, (ordinal, unique)) in
            key_columns(source, schema, &constraint)?.iter().enumerate()
        {
            row!(rows;
                DATABASE, PUBLIC, constraint.name(), DATABASE, PUBLIC, &schema.name,
                &schema.columns[*ordinal].name, place as i32 + 1, *unique,
            )?;
        }
    }
    Ok(())
}

/// The ordinals of a key's columns; those of a foreign key each with the place of what it refers to in the unique key.
fn key_columns(
    source: &Source<'_>,
    schema: &Schema,
    constraint: &Constraint<'_>,
) -> Result<Vec<(usize, Option<i32>)>> {
    Ok(match constraint {
        Constraint::Key(index) => index.columns.iter().map(|key| (key.ordinal, None)).collect(),
        Constraint::Check(_) => Vec::new(),
        Constraint::Foreign(key) => {
            let link = source.link(schema, key)?;
            let unique = &link.parent_index().columns;
            let place = |ordinal: usize| {
                unique.iter().position(|key| key.ordinal == ordinal).map(|place| place as i32 + 1)
            };
            link.child_ordinals().zip(link.parent_ordinals().map(place)).collect()
        }
    })
}

/// The table and the columns that a constraint looks at; those referred to by a foreign key.
fn used<'s>(
    source: &Source<'s>,
    schema: &'s Schema,
    constraint: &Constraint<'s>,
) -> Result<(&'s Schema, Vec<usize>)> {
    Ok(match constraint {
        Constraint::Key(index) => (schema, index.columns.iter().map(|key| key.ordinal).collect()),
        Constraint::Check(check) => (schema, text::condition_columns(schema, &check.condition)),
        Constraint::Foreign(key) => {
            let link = source.link(schema, key)?;
            (link.parent.schema(), link.parent_ordinals().collect())
        }
    })
}

pub(super) fn constraint_column_usage(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        let (table, columns) = used(source, schema, &constraint)?;
        for ordinal in columns {
            let column = &table.columns[ordinal].name;
            row!(rows; DATABASE, PUBLIC, &table.name, column, DATABASE, PUBLIC, constraint.name())?;
        }
    }
    Ok(())
}

pub(super) fn constraint_table_usage(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        // PostgreSQL leaves those of CHECK out.
        if !matches!(constraint, Constraint::Check(_)) {
            let (table, _) = used(source, schema, &constraint)?;
            row!(rows; DATABASE, PUBLIC, &table.name, DATABASE, PUBLIC, constraint.name())?;
        }
    }
    Ok(())
}

pub(super) fn referential_constraints(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        let Constraint::Foreign(key) = constraint else { continue };
        let link = source.link(schema, key)?;
        // A unique index that is no constraint has no name here.
        let unique = Some(link.parent_index()).filter(|index| index.constraint);
        row!(rows;
            DATABASE, PUBLIC, &key.name, unique.map(|_| DATABASE), unique.map(|_| PUBLIC),
            unique.map(|index| &index.name), if key.match_full { "FULL" } else { "NONE" },
            text::action(key.on_update), text::action(key.on_delete),
        )?;
    }
    Ok(())
}
