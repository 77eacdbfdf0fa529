//! Whether two roots hold the same database, and whether indexes hold what their tables hold.

use std::sync::Arc;

use crate::error::Result;
use crate::executor::interrupt::Interrupt;
use crate::storage::chunk::Chunk;
use crate::storage::index::Index;
use crate::storage::root::Root;
use crate::storage::sequence::Sequence;
use crate::storage::table::Table;
use crate::types::ValueRef;

/// What differs between what the files give and what is in memory; None if nothing does.
pub(super) fn difference(
    of_files: &Root,
    in_memory: &Root,
    interrupt: &Interrupt,
) -> Result<Option<String>> {
    let names = |root: &Root| root.tables().map(|table| table.id()).collect::<Vec<_>>();
    if names(of_files) != names(in_memory) {
        return Ok(Some("the files hold other tables than memory".to_owned()));
    }
    let mut difference = sequence_difference(of_files, in_memory);
    for (table, memory) in of_files.tables().zip(in_memory.tables()) {
        if difference.is_none() {
            difference = table_difference(table, memory, interrupt)?;
        }
    }
    Ok(difference)
}

fn sequence_difference(of_files: &Root, in_memory: &Root) -> Option<String> {
    let ids = |root: &Root| root.sequences().map(Sequence::id).collect::<Vec<_>>();
    if ids(of_files) != ids(in_memory) {
        return Some("the files hold other sequences than memory".to_owned());
    }
    let mut pairs = of_files.sequences().zip(in_memory.sequences());
    let (_, memory) = pairs.find(|(sequence, memory)| {
        let place = |sequence: &Sequence| (sequence.logged.value, sequence.logged.is_called);
        sequence.definition != memory.definition || place(sequence) != place(memory)
    })?;
    let name = &memory.definition.name;
    Some(format!("sequence \"{name}\" is defined otherwise in the files, or stands elsewhere"))
}

fn table_difference(
    table: &Arc<Table>,
    memory: &Arc<Table>,
    interrupt: &Interrupt,
) -> Result<Option<String>> {
    let name = &memory.schema().name;
    if !same_schema(table, memory) {
        return Ok(Some(format!("table \"{name}\" is defined otherwise in the files")));
    }
    if table.row_count() != memory.row_count() {
        return Ok(Some(format!(
            "table \"{name}\" has {} rows in the files, {} in memory",
            table.row_count(),
            memory.row_count()
        )));
    }
    for chunk in memory.chunks() {
        interrupt.check()?;
        let mut slots = live_slots(chunk);
        if let Some(slot) = slots.find(|slot| !has_same_row(table, chunk, *slot)) {
            let id = chunk.row_id(slot).0;
            return Ok(Some(format!("table \"{name}\", row {id}: the files hold another")));
        }
    }
    Ok(None)
}

/// Whether a table has the row of another's chunk, with the same values.
fn has_same_row(table: &Table, chunk: &Chunk, slot: usize) -> bool {
    table.find(chunk.row_id(slot)).is_some_and(|(other, other_slot)| {
        (0..table.schema().columns.len()).all(|ordinal| {
            same_value(chunk.column(ordinal).get(slot), other.column(ordinal).get(other_slot))
        })
    })
}

/// All of the schema but the number of its structure, which a start may draw anew.
fn same_schema(table: &Table, memory: &Table) -> bool {
    let (schema, other) = (table.schema(), memory.schema());
    schema.name == other.name
        && schema.columns == other.columns
        && schema.indexes == other.indexes
        && schema.constraints == other.constraints
}

fn live_slots(chunk: &Chunk) -> impl Iterator<Item = usize> {
    (0..chunk.rows()).filter(|slot| chunk.is_live(*slot))
}

/// Equal to the bit: NaN is itself, and zeros have signs.
fn same_value(left: ValueRef<'_>, right: ValueRef<'_>) -> bool {
    match (left, right) {
        (ValueRef::Float4(left), ValueRef::Float4(right)) => left.to_bits() == right.to_bits(),
        (ValueRef::Float8(left), ValueRef::Float8(right)) => left.to_bits() == right.to_bits(),
        (ValueRef::Vector(left), ValueRef::Vector(right)) => left
            .iter()
            .map(|number| number.to_bits())
            .eq(right.iter().map(|number| number.to_bits())),
        _ => left == right,
    }
}

/// What an index holds otherwise than its table; None if each has exactly the keys of the rows.
pub(super) fn index_fault(root: &Root, interrupt: &Interrupt) -> Result<Option<String>> {
    for table in root.tables() {
        for index in table.indexes() {
            let fault = fault_of(index, table, interrupt)?;
            if fault.is_some() {
                return Ok(fault);
            }
        }
    }
    Ok(None)
}

fn fault_of(index: &Index, table: &Table, interrupt: &Interrupt) -> Result<Option<String>> {
    let name = &index.definition().name;
    if index.len() != table.row_count() {
        return Ok(Some(format!(
            "index \"{name}\" has {} keys, its table {} rows",
            index.len(),
            table.row_count()
        )));
    }
    for chunk in table.chunks() {
        interrupt.check()?;
        if let Some(slot) = live_slots(chunk).find(|slot| !index.has_row(chunk, *slot)) {
            return Ok(Some(format!("index \"{name}\" lacks row {}", chunk.row_id(slot).0)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, Options};
    use crate::session::Rows;

    #[test]
    fn every_part_of_a_schema_is_compared() {
        let database = Database::open(Options::default()).unwrap();
        let mut session = database.session();
        session
            .execute("CREATE TABLE t (id INT PRIMARY KEY, i INT)", &[], &mut Rows::default())
            .unwrap();
        for alteration in [
            "ADD CHECK (id > 0)",
            "ADD FOREIGN KEY (i) REFERENCES t",
            "ADD UNIQUE (i)",
            "ALTER i SET DEFAULT 1",
            "ALTER i SET NOT NULL",
            "RENAME i TO j",
            "RENAME TO u",
        ] {
            let before = database.published_root();
            let sql = format!("ALTER TABLE t {alteration}");
            session.execute(&sql, &[], &mut Rows::default()).unwrap();
            let after = database.published_root();
            let same = difference(&after, &after, &Interrupt::default()).unwrap();
            assert_eq!(same, None);
            let found = difference(&before, &after, &Interrupt::default()).unwrap();
            assert!(found.is_some(), "{alteration}");
        }
    }
}
