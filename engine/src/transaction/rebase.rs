//! Carrying a transaction's working root from its base onto a later root.
//!
//! Table by table: what only one side changed is taken by pointer. Where both changed rows of a table, the smaller
//! change is applied to the other's tree, after [`validate`] found no row that both changed. Indexes come with the tree
//! that has them: rows of the other side are added to them as they are applied.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::executor::modify::duplicate_key;
use crate::limits::SMALL_STATEMENT_ROWS_MAX;
use crate::storage::change::TableChange;
use crate::storage::difference::{difference, extract};
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::transaction::validate;
use crate::transaction::write_set::WriteSet;

/// `working`, a successor of `base`, as a successor of `head`: 40001 for a conflict, 23505 for a key that `head` has by
/// now, 42P07 for a name.
pub fn rebase(base: &Root, working: &Root, head: &Root, writes: &WriteSet) -> Result<Root> {
    let mut next = head.clone();
    // Removals first, so that a name that I freed and gave again is free.
    for (id, _) in writes.tables() {
        if base.table(id).is_some() && working.table(id).is_none() && next.drop_table(id).is_none()
        {
            return Err(Error::serialization_delete());
        }
    }
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
        check_index_names(Some(base), mine, &next)?;
        let merged = merge(base, mine, theirs, rows)?;
        next.replace_table(merged);
    }
    Ok(next)
}

/// 42P07 if an index that I made has a name that has been taken since.
fn check_index_names(base: Option<&Arc<Table>>, mine: &Table, next: &Root) -> Result<()> {
    for index in &mine.schema().indexes {
        if base.is_none_or(|base| base.schema().index(index.id).is_none()) {
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
) -> Result<Arc<Table>> {
    if Arc::ptr_eq(base, theirs) {
        return Ok(Arc::clone(mine));
    }
    let (base_schema, my_schema, their_schema) = (base.schema(), mine.schema(), theirs.schema());
    let i_replaced = my_schema.structure != base_schema.structure;
    let they_replaced = their_schema.structure != base_schema.structure;
    let i_added = validate::added_indexes(base_schema, my_schema).next().is_some();
    let they_added = validate::added_indexes(base_schema, their_schema).next().is_some();
    if they_replaced || they_added && (i_added || i_replaced) {
        return Err(Error::serialization_update());
    }
    if i_replaced {
        return Ok(without_dropped_indexes(Table::clone(mine), base, theirs));
    }
    if i_added {
        return my_tree(base, mine, theirs);
    }
    if they_added || rows <= SMALL_STATEMENT_ROWS_MAX as u64 {
        return their_tree(base, mine, theirs);
    }
    let their_rows = difference(base, theirs);
    if their_rows.len() as u64 > rows {
        return their_tree(base, mine, theirs);
    }
    validate::check_rows_of_others(base, &their_rows, mine)?;
    let merged = applied(mine, &extract(base, theirs, &their_rows))?;
    Ok(without_dropped_indexes(merged, base, theirs))
}

/// My version with others' changes applied to it.
fn my_tree(base: &Arc<Table>, mine: &Arc<Table>, theirs: &Arc<Table>) -> Result<Arc<Table>> {
    let their_rows = difference(base, theirs);
    validate::check_rows_of_others(base, &their_rows, mine)?;
    let merged = applied(mine, &extract(base, theirs, &their_rows))?;
    Ok(without_dropped_indexes(merged, base, theirs))
}

/// Others' version with my changes applied to it.
fn their_tree(base: &Arc<Table>, mine: &Arc<Table>, theirs: &Arc<Table>) -> Result<Arc<Table>> {
    let my_rows = difference(base, mine);
    validate::check_rows(base, &my_rows, theirs)?;
    let merged = applied(theirs, &extract(base, mine, &my_rows))?;
    Ok(without_dropped_indexes(merged, base, mine))
}

fn applied(table: &Arc<Table>, change: &TableChange) -> Result<Table> {
    let mut table = Table::clone(table);
    table.apply(change).map_err(|duplicate| duplicate_key(table.schema(), &duplicate))?;
    Ok(table)
}

/// `merged` without the indexes of `base` that `other` dropped.
fn without_dropped_indexes(mut merged: Table, base: &Table, other: &Table) -> Arc<Table> {
    for index in validate::added_indexes(other.schema(), base.schema()) {
        if merged.schema().index(index.id).is_some() {
            merged.drop_index(index.id);
        }
    }
    Arc::new(merged)
}
