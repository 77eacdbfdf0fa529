//! `pg_class` and what shows parts of it.

use hashbrown::HashMap;

use super::{BOOL, FLOAT4, INT2, INT4, NAME, OID, TEXT};
use crate::error::Result;
use crate::storage::sequence::{Sequence, SequenceId};
use crate::system::rows::{Cell, Rows};
use crate::system::source::{Constraint, DATABASE, Source, constraints_of};
use crate::system::{Kind, Namespace, oid, row};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

/// Bytes of a page, in which PostgreSQL counts sizes.
const PAGE_BYTES: usize = 8_192;

pub(super) const CLASS: &[(&str, DataType)] = &[
    ("oid", OID),
    ("relname", NAME),
    ("relnamespace", OID),
    ("reltype", OID),
    ("reloftype", OID),
    ("relowner", OID),
    ("relam", OID),
    ("relfilenode", OID),
    ("reltablespace", OID),
    ("relpages", INT4),
    ("reltuples", FLOAT4),
    ("relallvisible", INT4),
    ("reltoastrelid", OID),
    ("relhasindex", BOOL),
    ("relisshared", BOOL),
    ("relpersistence", TEXT),
    ("relkind", TEXT),
    ("relnatts", INT2),
    ("relchecks", INT2),
    ("relhasrules", BOOL),
    ("relhastriggers", BOOL),
    ("relhassubclass", BOOL),
    ("relrowsecurity", BOOL),
    ("relforcerowsecurity", BOOL),
    ("relispopulated", BOOL),
    ("relreplident", TEXT),
    ("relispartition", BOOL),
    ("relrewrite", OID),
    ("relfrozenxid", OID),
    ("relminmxid", OID),
    ("relacl", TEXT),
    ("reloptions", TEXT),
    ("relpartbound", TEXT),
];

/// What of a relation differs from the others.
struct Class<'a> {
    number: i64,
    name: &'a str,
    namespace: Namespace,
    access_method: i64,
    pages: i32,
    tuples: f32,
    has_index: bool,
    kind: &'static str,
    columns: i16,
    checks: i16,
    /// Foreign keys at one of their ends, which are triggers in PostgreSQL.
    has_triggers: bool,
}

pub(super) fn classes(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations() {
        let schema = relation.schema;
        let checks = constraints_of(schema).filter(|one| matches!(one, Constraint::Check(_)));
        let size = relation.table.filter(|_| rows.is_wanted(PAGES));
        let class = Class {
            number: oid::table(schema.table),
            name: &schema.name,
            namespace: relation.namespace,
            access_method: if relation.kind == Some(Kind::View) { 0 } else { oid::HEAP },
            pages: size.map_or(0, |table| table.heap_bytes().div_ceil(PAGE_BYTES) as i32),
            tuples: relation.table.map_or(-1.0, |table| table.row_count() as f32),
            has_index: !schema.indexes.is_empty(),
            kind: if relation.kind == Some(Kind::View) { "v" } else { "r" },
            columns: schema.columns.len() as i16,
            checks: checks.count() as i16,
            has_triggers: !schema.constraints.foreign_keys.is_empty()
                || !source.root.children(schema.table).is_empty(),
        };
        add(&class, rows)?;
        for index in &schema.indexes {
            let class = Class {
                number: oid::index(index.id),
                name: &index.name,
                access_method: oid::BTREE,
                pages: 0,
                has_index: false,
                kind: "i",
                columns: index.columns.len() as i16,
                checks: 0,
                has_triggers: false,
                ..class
            };
            add(&class, rows)?;
        }
    }
    for sequence in source.root.sequences() {
        let class = Class {
            number: oid::sequence(sequence.id()),
            name: &sequence.definition.name,
            namespace: Namespace::Public,
            access_method: 0,
            pages: 1,
            tuples: 1.0,
            has_index: false,
            kind: "S",
            columns: 3,
            checks: 0,
            has_triggers: false,
        };
        add(&class, rows)?;
    }
    Ok(())
}

/// The ordinal of `relpages`, which costs a walk over the table.
const PAGES: usize = 9;

fn add(class: &Class<'_>, rows: &mut Rows<'_>) -> Result<()> {
    let identity = if class.kind == "r" { "d" } else { "n" };
    row!(rows;
        class.number, class.name, oid::namespace(class.namespace), 0_i64, 0_i64, oid::ROLE, class.access_method,
        class.number, 0_i64, class.pages, class.tuples, 0, 0_i64, class.has_index, false, "p", class.kind,
        class.columns, class.checks, class.kind == "v", class.has_triggers, false, false, false, true, identity, false, 0_i64,
        0_i64, 0_i64, NULL, NULL, NULL,
    )
}

pub(super) fn namespaces(_: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for namespace in Namespace::ALL {
        row!(rows; oid::namespace(namespace), namespace.name(), oid::ROLE, NULL)?;
    }
    Ok(())
}

pub(super) fn tables(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations().filter(|relation| relation.kind != Some(Kind::View)) {
        let has_indexes = !relation.schema.indexes.is_empty();
        row!(rows;
            relation.namespace.name(), &relation.schema.name, DATABASE, NULL, has_indexes, false, false, false,
        )?;
    }
    Ok(())
}

pub(super) fn views(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for relation in source.relations().filter(|relation| relation.kind == Some(Kind::View)) {
        row!(rows; relation.namespace.name(), &relation.schema.name, DATABASE, NULL)?;
    }
    Ok(())
}

pub(super) fn sequences(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for sequence in source.root.sequences() {
        let definition = &sequence.definition;
        row!(rows;
            oid::sequence(sequence.id()), oid::data_type(definition.data_type), definition.start,
            definition.increment, definition.max, definition.min, definition.cache, definition.cycle,
        )?;
    }
    Ok(())
}

pub(super) fn sequence_states(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for sequence in source.root.sequences() {
        let definition = &sequence.definition;
        row!(rows;
            "public", &definition.name, DATABASE, definition.data_type.sql_name(), definition.start, definition.min,
            definition.max, definition.increment, definition.cycle, definition.cache, last_value(sequence),
        )?;
    }
    Ok(())
}

/// Where each stands: the value that was drawn last or, if it was not called yet, the one that is drawn next; and the column
/// that owns it.
pub(super) fn sequence_positions(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    let mut owners: HashMap<SequenceId, (&str, &str, bool)> = HashMap::new();
    for schema in source.root.tables().map(|table| table.schema()) {
        for column in &schema.columns {
            for (place, id) in column.sequences.iter().enumerate() {
                let is_identity = place == 0 && column.identity.is_some();
                owners.insert(*id, (&schema.name, &column.name, is_identity));
            }
        }
    }
    for sequence in source.root.sequences() {
        let (value, is_called) = sequence.state.position();
        let owner = owners.get(&sequence.id());
        row!(rows;
            "public", &sequence.definition.name, value, is_called, owner.map(|owner| owner.0),
            owner.map(|owner| owner.1), owner.is_some_and(|owner| owner.2),
        )?;
    }
    Ok(())
}

/// The value that was drawn last, if one was.
fn last_value(sequence: &Sequence) -> Option<i64> {
    let (value, is_called) = sequence.state.position();
    is_called.then_some(value)
}
