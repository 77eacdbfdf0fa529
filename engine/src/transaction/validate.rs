//! First committer wins: a row, a table or a name that someone else changed since my base is a conflict.
//!
//! A row changed when its stamp changed or it is gone. So no history is kept: the base, my version and theirs say it all.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::storage::difference::RowDifference;
use crate::storage::root::Root;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp};

fn stamp(table: &Table, id: RowId) -> Option<Stamp> {
    table.find(id).map(|(chunk, slot)| chunk.stamp(slot))
}

/// 40001 if `other`, a version beside the one that `differences` lead to from `base`, changed any of their rows as well.
pub fn check_rows(base: &Table, differences: &[RowDifference], other: &Table) -> Result<()> {
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
