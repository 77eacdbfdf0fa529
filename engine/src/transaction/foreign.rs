//! Foreign keys at commit: what others did to one end since my base against what I did to the other.
//!
//! Each statement has seen to the keys of its own root. So only this can break one: I made rows refer to a table that others
//! changed, or changed keys of a table that others' rows refer to. Where the other end is still my base's, by its pointer,
//! there is nothing to look at.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::error::{Error, Result};
use crate::executor::modify::{check_referred, still_referenced};
use crate::sabotage::{self, Break};
use crate::storage::difference::{Changes, RowDifference};
use crate::storage::reference::{Link, referring};
use crate::storage::root::Root;
use crate::storage::schema::{ForeignKey, ReferentialAction};
use crate::storage::table::Table;
use crate::storage::{RowId, TableId};
use crate::transaction::write_set::WriteSet;

/// 23503 or 40001 if `next`, which carries what led from `base` to `working` on top of `head`, has a row that refers to none.
pub(super) fn check_keys(
    base: &Root,
    working: &Root,
    head: &Root,
    next: &Root,
    writes: &WriteSet,
) -> Result<()> {
    if sabotage::is(Break::ForgetKeys) {
        return Ok(());
    }
    let mut redefined = false;
    for (id, _) in writes.tables() {
        let (before, mine) = (base.table(id), working.table(id));
        let Some(mine) = mine else {
            redefined = true;
            continue;
        };
        if before.is_some_and(|before| Arc::ptr_eq(before, mine)) {
            continue;
        }
        redefined |=
            before.is_none_or(|before| before.schema().structure != mine.schema().structure);
        for key in &mine.schema().constraints.foreign_keys {
            if is_changed(base, head, key.table) {
                check_children(before, mine, next, key)?;
            }
        }
        if let Some(before) = before {
            for (child, key) in referring(next, id) {
                if is_changed(base, head, child) {
                    check_parents(before, mine, next, child, &key)?;
                }
            }
        }
    }
    if redefined { check_definitions(next) } else { Ok(()) }
}

/// Whether others changed a table.
fn is_changed(base: &Root, head: &Root, table: TableId) -> bool {
    match (base.table(table), head.table(table)) {
        (Some(before), Some(after)) => !Arc::ptr_eq(before, after),
        // Before it was there nobody but me had it.
        (None, None) => false,
        _ => true,
    }
}

fn link<'r>(next: &'r Root, child: TableId, key: &'r ForeignKey) -> Result<Link<'r>> {
    let tables = next.table(child).zip(next.table(key.table));
    let link = tables.and_then(|(child, parent)| Link::new(key, child, parent));
    // The table, or the key of it, is gone.
    link.ok_or_else(Error::serialization_update)
}

/// The rows that I made or changed refer to rows that are there.
fn check_children(
    before: Option<&Arc<Table>>,
    mine: &Table,
    next: &Root,
    key: &ForeignKey,
) -> Result<()> {
    let link = link(next, mine.id(), key)?;
    let Some(before) = before else {
        for chunk in link.child.chunks() {
            for slot in chunk.selection().iter() {
                check_referred(&link, chunk, slot, None)?;
            }
        }
        return Ok(());
    };
    let is_old = |other: &Arc<ForeignKey>| other.name == key.name && **other == *key;
    if !before.schema().constraints.foreign_keys.iter().any(is_old) {
        // I looked at the rows that were there against what others have changed.
        return Err(Error::serialization_update());
    }
    for row in Changes::between(before, mine).into_rows() {
        if let RowDifference::Inserted(id) | RowDifference::Updated(id) = row
            && let Some((chunk, slot)) = link.child.find(id)
        {
            check_referred(&link, chunk, slot, None)?;
        }
    }
    Ok(())
}

/// Nobody refers to a key that I took away.
fn check_parents(
    before: &Table,
    mine: &Table,
    next: &Root,
    child: TableId,
    key: &ForeignKey,
) -> Result<()> {
    let link = link(next, child, key)?;
    let mut lost: HashMap<_, RowId> = HashMap::new();
    let mut deleted = Vec::new();
    for row in Changes::between(before, mine).into_rows() {
        let (RowDifference::Deleted(id) | RowDifference::Updated(id)) = row else { continue };
        if let Some(key) = link.key_of(before, id).filter(|key| !link.has(key)) {
            lost.insert(key, id);
            if matches!(row, RowDifference::Deleted(_)) {
                deleted.push(id);
            }
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    let found = link.children(&lost, before, &|_| Ok(()))?;
    let Some((_, row)) = found.first() else { return Ok(()) };
    let action = if deleted.contains(row) { key.on_delete } else { key.on_update };
    Err(match action {
        ReferentialAction::NoAction | ReferentialAction::Restrict => {
            still_referenced(&link, before, *row)
        }
        // What I would have changed with it was not there yet.
        _ => Error::serialization_update(),
    })
}

/// What I redefined or dropped is not what a foreign key of others relies on.
fn check_definitions(next: &Root) -> Result<()> {
    for table in next.tables() {
        for key in &table.schema().constraints.foreign_keys {
            link(next, table.id(), key)?;
        }
    }
    Ok(())
}
