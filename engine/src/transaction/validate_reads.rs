//! Whether a serializable transaction would read the same if it ran now.
//!
//! Commits are then equivalent to transactions that ran alone, one after the other, in the order of their commits: what one
//! read at its base is, at its commit, what everybody before it left behind. A version of a table that is still the base's is
//! seen by its pointer; of another only the chunks that differ are looked at, and whether a changed row was read is asked of
//! its keys, before and after. A check of a key, unique or foreign, has read which rows have it and nothing else of them.

use std::collections::BTreeMap;

use crate::error::{Error, Result, SqlState};
use crate::executor::read_set::{KeyReads, ReadSet, TableReads};
use crate::storage::difference::{Changes, RowDifference};
use crate::storage::key_set::KeySet;
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::storage::{IndexId, RowId};

/// What of a read set is held against what others have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// All of it.
    All,
    /// Without what checks of keys have looked at: one of them has an answer of its own to what others have changed.
    RowsOnly,
}

/// 40001 if anything that was read as of `base` is another in `head`, a later root.
pub fn check_reads(base: &Root, head: &Root, reads: &ReadSet, held: Held) -> Result<()> {
    for (id, read) in reads.reads().tables() {
        // A table that I made has no reader but me.
        let Some(before) = base.table(id) else { continue };
        let Some(after) = head.table(id) else { return Err(changed(before)) };
        if std::sync::Arc::ptr_eq(before, after) {
            continue;
        }
        if before.schema().structure != after.schema().structure
            || is_changed(before, after, read, held)
        {
            return Err(changed(before));
        }
    }
    Ok(())
}

fn is_changed(before: &Table, after: &Table, read: &TableReads, held: Held) -> bool {
    let changes = Changes::between(before, after);
    match read {
        TableReads::Whole => changes.has_rows(),
        TableReads::Keys(KeyReads { rows, presence, presence_anywhere }) => {
            if *presence_anywhere && held == Held::All {
                return changes.has_rows();
            }
            let keys = [rows, if held == Held::All { presence } else { &BTreeMap::new() }];
            // Runs of an index that was not there stand for rows that are not known by them.
            if keys.iter().flat_map(|sets| sets.keys()).any(|index| before.index(*index).is_none())
            {
                return changes.has_rows();
            }
            changes.into_rows().into_iter().any(|row| was_read(before, after, row, keys))
        }
    }
}

/// Whether a row that differs had, or has now, a key that was looked for: among those whose rows were read, or among those
/// whose presence was asked.
fn was_read(
    before: &Table,
    after: &Table,
    row: RowDifference,
    [rows, presence]: [&BTreeMap<IndexId, KeySet>; 2],
) -> bool {
    let in_version = |sets: &BTreeMap<IndexId, KeySet>, version: &Table, row: RowId| {
        let Some((chunk, slot)) = version.find(row) else { return false };
        let has_key = |(id, keys): (&IndexId, &KeySet)| {
            before.index(*id).is_none_or(|index| keys.contains_row(index, chunk, slot))
        };
        sets.iter().any(has_key)
    };
    let moved = |row: RowId| {
        let Some((old, new)) = before.find(row).zip(after.find(row)) else { return true };
        let is_told = |(id, keys): (&IndexId, &KeySet)| {
            before.index(*id).is_none_or(|index| keys.tells_apart(index, old, new))
        };
        presence.iter().any(is_told)
    };
    let in_either =
        |version, row| in_version(rows, version, row) || in_version(presence, version, row);
    match row {
        RowDifference::Inserted(id) => in_either(after, id),
        RowDifference::Deleted(id) => in_either(before, id),
        RowDifference::Updated(id) => {
            in_version(rows, before, id) || in_version(rows, after, id) || moved(id)
        }
    }
}

#[cold]
fn changed(table: &Table) -> Error {
    Error::new(
        SqlState::SerializationFailure,
        "could not serialize access due to read/write dependencies among transactions",
    )
    .with_detail(format!(
        "Rows of table \"{}\" that this transaction has read, or looked for in vain, were changed by another that committed first.",
        table.schema().name
    ))
    .with_hint("The transaction might succeed if retried.")
}
