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
use crate::storage::difference::{Changes, extract};
use crate::storage::root::Root;
use crate::storage::schema::IndexDefinition;
use crate::storage::table::Table;
use crate::transaction::validate;
use crate::transaction::write_set::WriteSet;

/// `working`, a successor of `base`, as a successor of `head`: 40001 for a conflict, 23505 for a key that `head` has by
/// now, 42P07 for a name.
pub fn rebase(base: &Root, working: &Root, head: &Root, writes: &WriteSet) -> Result<Root> {
    let mut next = head.clone();
    // Removals first, so that a name that I freed and gave again is free.
    for (id, _) in writes.tables() {
        let Some(base) = base.table(id) else { continue };
        match working.table(id) {
            Some(mine) => free_index_names(&mut next, base, mine),
            None if next.drop_table(id).is_none() => return Err(Error::serialization_delete()),
            None => {}
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
        return Ok(Arc::new(without_dropped_indexes(mine, base, theirs)));
    }
    if !i_added && (they_added || rows <= SMALL_STATEMENT_ROWS_MAX as u64) {
        return their_tree(base, mine, theirs);
    }
    let changes = Changes::between(base, theirs);
    if !i_added && changes.least_rows() as u64 > rows {
        return their_tree(base, mine, theirs);
    }
    my_tree(base, mine, theirs, changes)
}

/// My version with others' changes applied to it.
fn my_tree(
    base: &Arc<Table>,
    mine: &Arc<Table>,
    theirs: &Arc<Table>,
    changes: Changes<'_>,
) -> Result<Arc<Table>> {
    let mut indexed = without_dropped_indexes(mine, base, theirs);
    let rows = indexed.take_chunks(changes);
    validate::check_rows_of_others(base, &rows, mine)?;
    applied(indexed, &extract(base, theirs, &rows))
}

/// Others' version with my changes applied to it.
fn their_tree(base: &Arc<Table>, mine: &Arc<Table>, theirs: &Arc<Table>) -> Result<Arc<Table>> {
    let my_rows = Changes::between(base, mine).into_rows();
    validate::check_rows(base, &my_rows, theirs)?;
    let indexed = without_dropped_indexes(theirs, base, mine);
    applied(indexed, &extract(base, mine, &my_rows))
}

/// `table` with `change`: 23505 for a key that it has, 54000 for one that an index made meanwhile cannot hold.
fn applied(mut table: Table, change: &TableChange) -> Result<Arc<Table>> {
    table.check_keys(change)?;
    table.apply(change).map_err(|duplicate| duplicate_key(table.schema(), &duplicate))?;
    Ok(Arc::new(table))
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
