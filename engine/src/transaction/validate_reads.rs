//! Whether a serializable transaction would read the same if it ran now.
//!
//! Commits are then equivalent to transactions that ran alone, one after the other, in the order of their commits: what one
//! read at its base is, at its commit, what everybody before it left behind. A version of a table that is still the base's is
//! seen by its pointer; of another only the chunks that differ are looked at, and whether a changed row was read is asked of
//! its keys, before and after.

use std::collections::BTreeMap;

use crate::error::{Error, Result, SqlState};
use crate::executor::read_set::{ReadSet, TableReads};
use crate::storage::difference::{Changes, RowDifference};
use crate::storage::key_set::KeySet;
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::storage::{IndexId, RowId};

/// 40001 if anything that was read as of `base` is another in `head`, a later root.
pub fn check_reads(base: &Root, head: &Root, reads: &ReadSet) -> Result<()> {
    for (id, read) in reads.reads().tables() {
        // A table that I made has no reader but me.
        let Some(before) = base.table(id) else { continue };
        let Some(after) = head.table(id) else { return Err(changed(before)) };
        if std::sync::Arc::ptr_eq(before, after) {
            continue;
        }
        if before.schema().structure != after.schema().structure || is_changed(before, after, read)
        {
            return Err(changed(before));
        }
    }
    Ok(())
}

fn is_changed(before: &Table, after: &Table, read: &TableReads) -> bool {
    let changes = Changes::between(before, after);
    match read {
        TableReads::Whole => changes.has_rows(),
        TableReads::Keys(indexes) => {
            // Runs of an index that was not there stand for rows that are not known by them.
            if indexes.keys().any(|index| before.index(*index).is_none()) {
                return changes.has_rows();
            }
            changes.into_rows().into_iter().any(|row| was_read(before, after, row, indexes))
        }
    }
}

/// Whether a row that differs had, or has now, a key that was looked for.
fn was_read(
    before: &Table,
    after: &Table,
    row: RowDifference,
    indexes: &BTreeMap<IndexId, KeySet>,
) -> bool {
    let in_version = |version: &Table, row: RowId| {
        let Some((chunk, slot)) = version.find(row) else { return false };
        let has_key = |(id, keys): (&IndexId, &KeySet)| {
            before.index(*id).is_none_or(|index| keys.contains_row(index, chunk, slot))
        };
        indexes.iter().any(has_key)
    };
    match row {
        RowDifference::Inserted(id) => in_version(after, id),
        RowDifference::Deleted(id) => in_version(before, id),
        RowDifference::Updated(id) => in_version(before, id) || in_version(after, id),
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
