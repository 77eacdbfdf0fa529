//! First committer wins: a row, a table or a name that someone else changed since my base is a conflict.
//!
//! A row changed when its stamp changed or it is gone. So no history is kept: the base, my version and theirs say it all.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::executor::modify::ChangeGuard;
use crate::limits::SMALL_STATEMENT_ROWS_MAX;
use crate::sabotage::{self, Break};
use crate::storage::change::TableChange;
use crate::storage::difference::RowDifference;
use crate::storage::root::Root;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp, TableId};
use crate::transaction::heads::Heads;

/// Who wrote the row's version in a table's version; None if it is not there.
pub fn stamp(table: &Table, id: RowId) -> Option<Stamp> {
    table.find(id).map(|(chunk, slot)| chunk.stamp(slot))
}

/// 40001 if `other`, a version beside the one that `differences` lead to from `base`, changed any of their rows as well.
pub fn check_rows(base: &Table, differences: &[RowDifference], other: &Table) -> Result<()> {
    if sabotage::is(Break::LoseUpdates) {
        return Ok(());
    }
    for difference in differences {
        let (RowDifference::Updated(id) | RowDifference::Deleted(id)) = *difference else {
            continue;
        };
        match stamp(other, id) {
            None => return Err(Error::serialization_delete()),
            stamp_there if stamp_there != stamp(base, id) => {
                return Err(Error::serialization_update());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Looks, before a statement changes rows, whether one of them was changed since `base` by a commit that everybody sees: then
/// the transaction cannot commit any more, and trying again need not wait for anybody.
#[derive(Clone, Copy)]
pub struct Conflicts<'a> {
    /// Where the transaction started from.
    pub base: &'a Root,
    /// What has been published since.
    pub heads: &'a Heads,
}

impl ChangeGuard for Conflicts<'_> {
    fn check(&self, _: &Root, table: TableId, change: &TableChange) -> Result<()> {
        // A table of its own nobody else has.
        let Some(before) = self.base.table(table) else { return Ok(()) };
        let published = self.heads.snapshot();
        let Some(after) = published.table(table) else { return Err(Error::serialization_delete()) };
        if Arc::ptr_eq(before, after) {
            return Ok(());
        }
        if before.schema().structure != after.schema().structure {
            return Err(Error::serialization_update());
        }
        let updated = change.updated.iter().flat_map(|updated| &updated.ids);
        // The rest is looked at when it commits.
        for id in change.deleted.iter().chain(updated).take(SMALL_STATEMENT_ROWS_MAX) {
            let Some(stamp_before) = stamp(before, *id) else { continue };
            match stamp(after, *id) {
                None => return Err(Error::serialization_delete()),
                Some(stamp_after) if stamp_after != stamp_before => {
                    return Err(Error::serialization_update());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// The same seen from the other side, for the words: `theirs` are others' differences, `mine` is my version. Whether a row
/// was updated or deleted first is theirs to say.
pub fn check_rows_of_others(base: &Table, theirs: &[RowDifference], mine: &Table) -> Result<()> {
    for difference in theirs {
        let (id, error): (RowId, fn() -> Error) = match *difference {
            RowDifference::Inserted(_) => continue,
            RowDifference::Updated(id) => (id, Error::serialization_update),
            RowDifference::Deleted(id) => (id, Error::serialization_delete),
        };
        if stamp(mine, id) != stamp(base, id) {
            return Err(error());
        }
    }
    Ok(())
}

/// 42P07 if a name that I gave to a table or an index has been taken since.
pub fn check_name_is_free(head: &Root, name: &str) -> Result<()> {
    if head.has_relation(name) {
        return Err(Error::new(
            SqlState::DuplicateTable,
            format!("relation \"{name}\" already exists"),
        ));
    }
    Ok(())
}

/// The indexes of `new` that `old` has not.
pub fn added_indexes<'a>(
    old: &'a Schema,
    new: &'a Schema,
) -> impl Iterator<Item = &'a Arc<IndexDefinition>> {
    new.indexes.iter().filter(|index| old.index(index.id).is_none())
}
