//! Carrying a transaction's working root from its base onto a later root.
//!
//! Table by table: what only one side changed is taken by pointer. Where both changed rows of a table, the smaller
//! change is applied to the other's tree, after [`validate`] found no row that both changed. Indexes come with the tree
//! that has them: rows of the other side are added to them as they are applied.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::executor::modify::duplicate_key;
use crate::limits::SMALL_STATEMENT_ROWS_MAX;
use crate::storage::TableId;
use crate::storage::change::TableChange;
use crate::storage::difference::{Changes, extract};
use crate::storage::root::Root;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::sequence::Sequence;
use crate::storage::table::{DuplicateKey, Table};
use crate::transaction::foreign::check_keys;
use crate::transaction::validate;
use crate::transaction::write_set::WriteSet;
use crate::types::Value;

/// `working`, a successor of `base`, as a successor of `head`: 40001 for a conflict, 23505 for a key that `head` has by
/// now, 42P07 for a name.
pub fn rebase(base: &Root, working: &Root, head: &Root, writes: &WriteSet) -> Result<Root> {
    let mut next = head.clone();
    // Removals first, so that a name that I freed and gave again is free.
    for (id, _) in writes.tables() {
        let Some(base) = base.table(id) else { continue };
        match working.table(id) {
            Some(mine) => {
                free_changed_names(&mut next, base.schema(), mine.schema());
                free_index_names(&mut next, base, mine);
            }
            None if next.drop_table(id).is_none() => return Err(Error::serialization_delete()),
            None => {}
        }
    }
    rebase_sequences(base, working, head, &mut next, writes)?;
    for (id, rows) in writes.tables() {
        let Some(mine) = working.table(id) else { continue };
        let Some(base) = base.table(id) else {
            validate::check_name_is_free(&next, &mine.schema().name)?;
            check_index_names(None, mine, &next)?;
            next.replace_table(Arc::clone(mine));
            continue;
        };
        if Arc::ptr_eq(base, mine) {
            continue;
        }
        let theirs = head.table(id).ok_or_else(Error::serialization_delete)?;
        if mine.schema().name != base.schema().name {
            validate::check_name_is_free(&next, &mine.schema().name)?;
        }
        check_index_names(Some(base), mine, &next)?;
        let merged = merge(base, mine, theirs, rows, writes)?;
        next.replace_table(merged);
    }
    check_keys(base, working, head, &next, writes)?;
    Ok(next)
}

/// The sequences that I made, changed, restarted or dropped. Of two who do so the first to commit wins.
fn rebase_sequences(
    base_root: &Root,
    working: &Root,
    head: &Root,
    next: &mut Root,
    writes: &WriteSet,
) -> Result<()> {
    // Removals first, so that a name that I freed and gave again is free.
    for id in writes.sequences() {
        let Some(base) = base_root.sequence(id) else { continue };
        let Some(theirs) = next.sequence(id) else { return Err(Error::serialization_delete()) };
        if theirs.definition.version != base.definition.version {
            return Err(Error::serialization_update());
        }
        if working.sequence(id).is_none() {
            // Somebody may have made a DEFAULT that draws from it meanwhile.
            if next.schema_version != base_root.schema_version {
                return Err(Error::serialization_update());
            }
            next.drop_sequence(id);
        }
    }
    // The other way round: a DEFAULT of mine may draw from one that is gone.
    let is_defined = |(id, _): (TableId, u64)| {
        let schema = |root: &Root| root.table(id).map(|table| Arc::clone(table.schema()));
        schema(working).is_some_and(|mine| schema(base_root).as_ref() != Some(&mine))
    };
    let is_gone = |sequence: &Sequence| head.sequence(sequence.id()).is_none();
    if base_root.sequences().any(is_gone) && writes.tables().any(is_defined) {
        return Err(Error::serialization_update());
    }
    for id in writes.sequences() {
        let Some(mine) = working.sequence(id) else { continue };
        if base_root.sequence(id).is_none() {
            validate::check_name_is_free(next, &mine.definition.name)?;
        }
        next.replace_sequence(mine.clone());
    }
    Ok(())
}

/// Takes away the names that I gave up for others.
fn free_changed_names(next: &mut Root, base: &Schema, mine: &Schema) {
    if base.name != mine.name {
        next.free_name(&base.name, base.table);
    }
    for index in &base.indexes {
        if mine.index(index.id).is_some_and(|mine| mine.name != index.name) {
            next.free_name(&index.name, base.table);
        }
    }
}

/// Takes the indexes of `base` that I dropped out of the table's version in `next`.
fn free_index_names(next: &mut Root, base: &Arc<Table>, mine: &Arc<Table>) {
    let Some(theirs) = next.table(base.id()) else { return };
    let dropped = |index: &Arc<IndexDefinition>| theirs.schema().index(index.id).is_some();
    if validate::added_indexes(mine.schema(), base.schema()).any(dropped) {
        let without = without_dropped_indexes(theirs, base, mine);
        next.replace_table(Arc::new(without));
    }
}

/// 42P07 if an index that I made has a name that has been taken since.
fn check_index_names(base: Option<&Arc<Table>>, mine: &Table, next: &Root) -> Result<()> {
    for index in &mine.schema().indexes {
        let named =
            |base: &Arc<Table>| base.schema().index(index.id).map(|base| Arc::clone(&base.name));
        if base.and_then(named).as_ref() != Some(&index.name) {
            validate::check_name_is_free(next, &index.name)?;
        }
    }
    Ok(())
}

/// One table that I changed, on top of what others made of it; `rows` of it were written by me at most.
fn merge(
    base: &Arc<Table>,
    mine: &Arc<Table>,
    theirs: &Arc<Table>,
    rows: u64,
    writes: &WriteSet,
) -> Result<Arc<Table>> {
    if Arc::ptr_eq(base, theirs) {
        return Ok(Arc::clone(mine));
    }
    let (base_schema, my_schema, their_schema) = (base.schema(), mine.schema(), theirs.schema());
    let i_replaced = my_schema.structure != base_schema.structure;
    let they_replaced = their_schema.structure != base_schema.structure;
    let i_added = validate::added_indexes(base_schema, my_schema).next().is_some();
    let they_added = validate::added_indexes(base_schema, their_schema).next().is_some();
    // What I made of its columns and constraints I made of the rows that I saw, and no others are what I truncated.
    if they_replaced || i_replaced || they_added && i_added {
        return Err(Error::serialization_update());
    }
    if !i_added && (they_added || rows <= SMALL_STATEMENT_ROWS_MAX as u64) {
        return their_tree(base, mine, theirs, writes);
    }
    let changes = Changes::between(base, theirs);
    if !i_added && changes.least_rows() as u64 > rows {
        return their_tree(base, mine, theirs, writes);
    }
    my_tree(base, mine, theirs, changes, writes)
}

/// My version with others' changes applied to it.
fn my_tree(
    base: &Arc<Table>,
    mine: &Arc<Table>,
    theirs: &Arc<Table>,
    changes: Changes<'_>,
    writes: &WriteSet,
) -> Result<Arc<Table>> {
    let mut indexed = without_dropped_indexes(mine, base, theirs);
    let rows = indexed.take_chunks(changes);
    validate::check_rows_of_others(base, &rows, mine)?;
    applied(indexed, &extract(base, theirs, &rows), mine, writes)
}

/// Others' version with my changes applied to it.
fn their_tree(
    base: &Arc<Table>,
    mine: &Arc<Table>,
    theirs: &Arc<Table>,
    writes: &WriteSet,
) -> Result<Arc<Table>> {
    let my_rows = Changes::between(base, mine).into_rows();
    validate::check_rows(base, &my_rows, theirs)?;
    let indexed = without_dropped_indexes(theirs, base, mine);
    applied(indexed, &extract(base, mine, &my_rows), mine, writes)
}

/// `table` with `change`: 23505 for a key that it has, 40001 if I added the row because ON CONFLICT found the key free, 54000
/// for one that an index made meanwhile cannot hold.
fn applied(
    mut table: Table,
    change: &TableChange,
    mine: &Table,
    writes: &WriteSet,
) -> Result<Arc<Table>> {
    table.check_keys(change)?;
    match table.apply(change) {
        Ok(()) => Ok(Arc::new(table)),
        Err(duplicate) if is_proposed(mine, writes, &duplicate) => {
            Err(Error::serialization_update())
        }
        Err(duplicate) => Err(duplicate_key(table.schema(), &duplicate)),
    }
}

/// Whether the key that both took is mine by ON CONFLICT.
fn is_proposed(mine: &Table, writes: &WriteSet, duplicate: &DuplicateKey) -> bool {
    let Some(index) = mine.index(duplicate.index.id) else { return false };
    let key: Vec<_> = duplicate.values.iter().map(Value::as_ref).collect();
    let row = index.get_unique(&key);
    row.is_some_and(|row| writes.has_proposed(mine.id(), duplicate.index.id, row))
}

/// `table` without the indexes of `base` that `other` dropped: before rows are added, which those would refuse.
fn without_dropped_indexes(table: &Table, base: &Table, other: &Table) -> Table {
    let mut table = Table::clone(table);
    for index in validate::added_indexes(other.schema(), base.schema()) {
        if table.schema().index(index.id).is_some() {
            table.drop_index(index.id);
        }
    }
    table
}
