//! Constraints, and what depends on what.

use super::{BOOL, INT4, NAME, OID, TEXT};
use crate::error::Result;
use crate::system::rows::{Cell, Rows};
use crate::system::source::{Constraint, Source};
use crate::system::{Namespace, oid, row, text};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

pub(super) const CONSTRAINT: &[(&str, DataType)] = &[
    ("oid", OID),
    ("conname", NAME),
    ("connamespace", OID),
    ("contype", TEXT),
    ("condeferrable", BOOL),
    ("condeferred", BOOL),
    ("convalidated", BOOL),
    ("conrelid", OID),
    ("contypid", OID),
    ("conindid", OID),
    ("conparentid", OID),
    ("confrelid", OID),
    ("confupdtype", TEXT),
    ("confdeltype", TEXT),
    ("confmatchtype", TEXT),
    ("conislocal", BOOL),
    ("coninhcount", INT4),
    ("connoinherit", BOOL),
    ("conkey", TEXT),
    ("confkey", TEXT),
    ("conpfeqop", TEXT),
    ("conppeqop", TEXT),
    ("conffeqop", TEXT),
    ("confdelsetcols", TEXT),
    ("conexclop", TEXT),
    ("conbin", TEXT),
];

/// Columns as PostgreSQL writes an array of their numbers.
fn column_numbers(ordinals: impl Iterator<Item = usize>) -> String {
    let numbers = ordinals.map(|ordinal| (ordinal + 1).to_string());
    format!("{{{}}}", numbers.collect::<Vec<_>>().join(","))
}

pub(super) fn constraints(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        let (kind, index, columns, condition) = match constraint {
            Constraint::Key(index) => {
                let columns = column_numbers(index.columns.iter().map(|key| key.ordinal));
                let kind = if index.primary { "p" } else { "u" };
                (kind, oid::index(index.id), columns, None)
            }
            Constraint::Check(check) => {
                let columns = text::condition_columns(schema, &check.condition);
                (
                    "c",
                    0,
                    column_numbers(columns.into_iter()),
                    Some(text::condition(&check.condition)),
                )
            }
        };
        row!(rows;
            oid::constraint(schema, &constraint), constraint.name(), oid::namespace(Namespace::Public), kind, false, false, true,
            oid::table(schema.table), 0_i64, index, 0_i64, 0_i64, " ", " ", " ", true, 0, kind != "c", columns,
            NULL, NULL, NULL, NULL, NULL, NULL, condition,
        )?;
    }
    Ok(())
}

/// Sequences that columns own.
pub(super) fn dependencies(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for table in source.tables() {
        let schema = table.schema();
        for (ordinal, column) in schema.columns.iter().enumerate() {
            let kind = if column.identity.is_some() { "i" } else { "a" };
            for id in &column.sequences {
                row!(rows;
                    oid::PG_CLASS, oid::sequence(*id), 0, oid::PG_CLASS, oid::table(schema.table),
                    ordinal as i32 + 1, kind,
                )?;
            }
        }
    }
    Ok(())
}
