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
        let Constraint::Key(index) = constraint else { continue };
        for (place, key) in index.columns.iter().enumerate() {
            row!(rows;
                DATABASE, PUBLIC, &index.name, DATABASE, PUBLIC, &schema.name,
                &schema.columns[key.ordinal].name, place as i32 + 1, NULL,
            )?;
        }
    }
    Ok(())
}

/// The table and the columns that a constraint looks at.
fn used<'s>(
    schema: &'s Arc<Schema>,
    constraint: &Constraint<'s>,
) -> Vec<(&'s Arc<str>, &'s Arc<str>)> {
    let of_schema = |ordinal: usize| (&schema.name, &schema.columns[ordinal].name);
    match constraint {
        Constraint::Key(index) => index.columns.iter().map(|key| of_schema(key.ordinal)).collect(),
        Constraint::Check(check) => {
            text::condition_columns(schema, &check.condition).into_iter().map(of_schema).collect()
        }
    }
}

pub(super) fn constraint_column_usage(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        for (table, column) in used(schema, &constraint) {
            row!(rows; DATABASE, PUBLIC, table, column, DATABASE, PUBLIC, constraint.name())?;
        }
    }
    Ok(())
}

pub(super) fn constraint_table_usage(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        // PostgreSQL leaves those of CHECK out.
        if !matches!(constraint, Constraint::Check(_)) {
            row!(rows; DATABASE, PUBLIC, &schema.name, DATABASE, PUBLIC, constraint.name())?;
        }
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "what fills a view may fail")]
pub(super) fn referential_constraints(_: &Source<'_>, _: &mut Rows<'_>) -> Result<()> {
    // There is no FOREIGN KEY, so none is listed.
    Ok(())
}
