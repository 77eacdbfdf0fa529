//! Constraints, and what depends on what.

use super::{BOOL, INT4, NAME, OID, TEXT};
use crate::error::Result;
use crate::storage::schema::{ReferentialAction, Schema};
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

/// What a row of `pg_constraint` says of one kind of constraint alone.
struct Shown {
    kind: &'static str,
    index: i64,
    columns: String,
    condition: Option<String>,
    reference: Option<Reference>,
}

/// The other end of a foreign key, and what becomes of its rows.
struct Reference {
    table: i64,
    columns: String,
    on_update: &'static str,
    on_delete: &'static str,
    matching: &'static str,
}

pub(super) fn constraints(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (schema, constraint) in source.constraints() {
        let Shown { kind, index, columns, condition, reference } =
            shown(source, schema, &constraint)?;
        let other = |text: fn(&Reference) -> &'static str| reference.as_ref().map_or(" ", text);
        row!(rows;
            oid::constraint(schema, &constraint), constraint.name(), oid::namespace(Namespace::Public), kind, false, false, true,
            oid::table(schema.table), 0_i64, index, 0_i64, reference.as_ref().map_or(0, |other| other.table),
            other(|other| other.on_update), other(|other| other.on_delete), other(|other| other.matching),
            true, 0, kind != "c", columns, reference.as_ref().map(|other| other.columns.as_str()),
            NULL, NULL, NULL, NULL, NULL, condition,
        )?;
    }
    Ok(())
}

fn shown(source: &Source<'_>, schema: &Schema, constraint: &Constraint<'_>) -> Result<Shown> {
    Ok(match constraint {
        Constraint::Key(index) => Shown {
            kind: if index.primary { "p" } else { "u" },
            index: oid::index(index.id),
            columns: column_numbers(index.columns.iter().map(|key| key.ordinal)),
            condition: None,
            reference: None,
        },
        Constraint::Check(check) => Shown {
            kind: "c",
            index: 0,
            columns: column_numbers(text::condition_columns(schema, &check.condition).into_iter()),
            condition: Some(text::condition(&check.condition)),
            reference: None,
        },
        Constraint::Foreign(key) => {
            let link = source.link(schema, key)?;
            let reference = Reference {
                table: oid::table(key.table),
                columns: column_numbers(link.parent_ordinals()),
                on_update: letter(key.on_update),
                on_delete: letter(key.on_delete),
                matching: if key.match_full { "f" } else { "s" },
            };
            Shown {
                kind: "f",
                index: oid::index(key.index),
                columns: column_numbers(link.child_ordinals()),
                condition: None,
                reference: Some(reference),
            }
        }
    })
}

fn letter(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "a",
        ReferentialAction::Restrict => "r",
        ReferentialAction::Cascade => "c",
        ReferentialAction::SetNull => "n",
        ReferentialAction::SetDefault => "d",
    }
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
