//! What a database holds, as text: the same text is the same state, whatever identities rows and tables have.

use std::fmt::Write as _;
use std::path::Path;

use spg_engine::audit::{self, Filter, Kind};
use spg_engine::disk::Disk;
use spg_engine::storage::index::Index;
use spg_engine::storage::sequence::SequenceDefinition;
use spg_engine::storage::table::Table;
use spg_engine::types::format_value;
use spg_engine::{Database, ValueRef};

/// The table that checks write to after a crash: no part of a state.
pub const PROBE: &str = "probe";

/// All tables by name: columns, indexes, rows.
pub fn dump(database: &Database) -> String {
    let root = database.published_root();
    let mut out = String::new();
    for table in root.tables_by_name().filter(|table| &*table.schema().name != PROBE) {
        dump_table(table, &mut out);
    }
    let mut sequences: Vec<String> = root
        .sequences()
        .map(|sequence| {
            let (definition, logged) = (&sequence.definition, sequence.logged);
            let SequenceDefinition { name, start, increment, min, max, cycle, .. } = &**definition;
            format!(
                "sequence {name} {start} {increment} {min} {max} {cycle} {:?}: {} {}\n",
                definition.data_type, logged.value, logged.is_called
            )
        })
        .collect();
    sequences.sort_unstable();
    out + &sequences.concat()
}

fn dump_table(table: &Table, out: &mut String) {
    let schema = table.schema();
    let _ = write!(out, "table {}:", schema.name);
    for column in &schema.columns {
        let null = if column.not_null { " not null" } else { "" };
        let _ = write!(out, " {} {:?}{null} {:?},", column.name, column.data_type, column.default);
        let _ = write!(out, " {:?} {},", column.identity, column.sequences.len());
    }
    out.push('\n');
    for index in &schema.indexes {
        let columns = &index.columns;
        let _ = writeln!(out, "  index {} unique {} {columns:?}", index.name, index.unique);
    }
    let mut rows = Vec::with_capacity(table.row_count());
    for chunk in table.chunks() {
        for slot in (0..chunk.rows()).filter(|slot| chunk.is_live(*slot)) {
            let mut row = String::from("  ");
            for column in chunk.columns() {
                format_value(column.get(slot), &mut row);
                row.push('|');
            }
            rows.push(row);
        }
    }
    rows.sort_unstable();
    for row in rows {
        out.push_str(&row);
        out.push('\n');
    }
}

/// An error if an index is not what its table holds: as many keys as rows, each row's key, and each unique key found.
pub fn check_indexes(database: &Database) -> Result<(), String> {
    let root = database.published_root();
    for table in root.tables() {
        for index in table.indexes() {
            check_index(table, index)
                .map_err(|fault| format!("index {}: {fault}", index.definition().name))?;
        }
    }
    Ok(())
}

fn check_index(table: &Table, index: &Index) -> Result<(), String> {
    if index.len() != table.row_count() {
        return Err(format!("{} keys, {} rows", index.len(), table.row_count()));
    }
    for chunk in table.chunks() {
        for slot in (0..chunk.rows()).filter(|slot| chunk.is_live(*slot)) {
            let definition = index.definition();
            let columns = definition.columns.iter();
            let key: Vec<_> =
                columns.map(|column| chunk.column(column.ordinal).get(slot)).collect();
            let is_found = if definition.unique && !key.contains(&ValueRef::Null) {
                index.get_unique(&key) == Some(chunk.row_id(slot))
            } else {
                index.has_row(chunk, slot)
            };
            if !is_found {
                return Err(format!("no key of row {}: {key:?}", chunk.row_id(slot).0));
            }
        }
    }
    Ok(())
}

/// What the audit log tells was committed: commit and statement, in order. An error if the chain is not right.
pub fn audited_statements(disk: &dyn Disk, path: &Path) -> Result<Vec<(u64, String)>, String> {
    audit::verify(disk, path, None, None).map_err(|fault| format!("the chain: {fault}"))?;
    let list = audit::list(disk, path, Filter::default()).map_err(|error| error.to_string())?;
    let mut statements = Vec::new();
    for entry in list {
        let entry = entry.map_err(|error| error.to_string())?;
        if entry.kind == Kind::Statement {
            statements.push((entry.commit, entry.statement));
        }
    }
    Ok(statements)
}

/// Where two texts part.
pub fn first_difference(expected: &str, found: &str) -> String {
    let mut lines = expected.lines().zip(found.lines());
    match lines.find(|(expected, found)| expected != found) {
        Some((expected, found)) => format!("expected {expected:.200}, found {found:.200}"),
        None => {
            format!("{} lines expected, {} found", expected.lines().count(), found.lines().count())
        }
    }
}
