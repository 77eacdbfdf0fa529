//! What a serializable transaction reads without asking for it: that a key was free, that what a row refers to was there,
//! that nobody referred to what it took away.
//!
//! Where the change stays, the commit finds out by itself. Where it does not, because it was taken back to a savepoint or
//! changed once more, the transaction has still learned by it, from whether the statement failed, how things stood.

use crate::executor::read_set::ReadSet;
use crate::storage::RowId;
use crate::storage::change::TableChange;
use crate::storage::index::UniqueKey;
use crate::storage::key::KeyRange;
use crate::storage::reference::{Link, Searched};
use crate::storage::table::Table;

/// Notes the unique keys that a change, made already, gave to rows.
pub(super) fn note_written(reads: &ReadSet, table: &Table, change: &TableChange) {
    if let Some(inserted) = &change.inserted {
        note_keys_of(reads, table, &inserted.ids, |_| true);
    }
    if let Some(updated) = &change.updated {
        note_keys_of(reads, table, &updated.ids, |ordinal| updated.ordinals.contains(&ordinal));
    }
}

/// Notes the unique keys of rows whose columns include one that is written.
pub(super) fn note_keys_of(
    reads: &ReadSet,
    table: &Table,
    rows: &[RowId],
    is_written: impl Fn(usize) -> bool,
) {
    for index in table.indexes() {
        let definition = index.definition();
        if !definition.unique || !definition.columns.iter().any(|key| is_written(key.ordinal)) {
            continue;
        }
        for (chunk, slot) in rows.iter().filter_map(|row| table.find(*row)) {
            if let Some(key) = index.unique_key(|ordinal| chunk.column(ordinal).get(slot)) {
                reads.note_presence(table.id(), definition.id, &KeyRange::unique(&key));
            }
        }
    }
}

/// Notes that it was asked whether the row is there that another refers to.
pub(super) fn note_referred(reads: &ReadSet, link: &Link<'_>, key: &UniqueKey) {
    reads.note_presence(link.parent.id(), link.key.index, &KeyRange::unique(key));
}

/// Notes where it was asked who refers to a row.
pub(super) fn note_children(reads: &ReadSet, child: &Table, searched: &Searched<'_>) {
    match searched {
        Searched::Keys(index, range) => reads.note_presence(child.id(), *index, range),
        Searched::Rows => reads.note_presence_anywhere(child.id()),
    }
}
