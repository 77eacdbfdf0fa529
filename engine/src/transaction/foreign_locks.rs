//! Foreign keys as locks see them: who refers to a row keeps it from being deleted, and its key from being changed, until the
//! end of the transaction (FOR KEY SHARE); who deletes a row sees those who came to refer to it meanwhile.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::error::Result;
use crate::executor::interrupt::Interrupt;
use crate::locks::{Mode, Object};
use crate::sabotage::{self, Break};
use crate::storage::change::TableChange;
use crate::storage::difference::{Changes, RowDifference};
use crate::storage::index::UniqueKey;
use crate::storage::reference::{Link, Referred, referring};
use crate::storage::root::Root;
use crate::storage::schema::ForeignKey;
use crate::storage::table::Table;
use crate::storage::{IndexId, RowId, TableId};

/// A key that a row refers to: of which table, by which index.
type Key = (TableId, IndexId, UniqueKey);

/// The rows that changed rows refer to.
#[derive(Debug, Default)]
pub(super) struct Parents {
    /// In the order in which they were met; a key without a row breaks its foreign key, or has come meanwhile.
    found: Vec<(Key, Option<RowId>)>,
    seen: HashSet<Key>,
}

impl Parents {
    /// Of a change that is about to be made to `table` of `root`.
    pub(super) fn of_change(root: &Root, table: &Table, change: &TableChange) -> Self {
        let mut parents = Self::default();
        for link in links(root, table) {
            if let Some(inserted) = &change.inserted {
                for place in 0..inserted.ids.len() {
                    let value = |ordinal: usize| inserted.values[ordinal].get(place);
                    parents.add(&link, link.referred_by(value));
                }
            }
            let Some(updated) = &change.updated else { continue };
            if !link.child_ordinals().any(|ordinal| updated.ordinals.contains(&ordinal)) {
                continue;
            }
            for (place, id) in updated.ids.iter().enumerate() {
                let Some((chunk, slot)) = table.find(*id) else { continue };
                let value = |ordinal| match updated.ordinals.iter().position(|o| *o == ordinal) {
                    Some(column) => updated.values[column].get(place),
                    None => chunk.column(ordinal).get(slot),
                };
                parents.add(&link, link.referred_by(value));
            }
        }
        parents
    }

    /// Of the difference that `mine`, a table of `root`, makes to `base`.
    pub(super) fn of_difference(root: &Root, base: &Table, mine: &Table) -> Self {
        let mut parents = Self::default();
        if mine.schema().constraints.foreign_keys.is_empty() {
            return parents;
        }
        let written =
            Changes::between(base, mine).into_rows().into_iter().filter_map(|row| match row {
                RowDifference::Inserted(id) | RowDifference::Updated(id) => mine.find(id),
                RowDifference::Deleted(_) => None,
            });
        let written: Vec<_> = written.collect();
        for link in links(root, mine) {
            for (chunk, slot) in &written {
                parents.add(&link, link.referred(chunk, *slot));
            }
        }
        parents
    }

    fn add(&mut self, link: &Link<'_>, referred: Referred) {
        let Referred::Key(key) = referred else { return };
        let row = link.find(&key);
        let key = (link.parent.id(), link.key.index, key);
        if self.seen.insert(key.clone()) && !sabotage::is(Break::ForgetParents) {
            self.found.push((key, row));
        }
    }

    /// What has to be locked, and how.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Object, Mode)> {
        let rows = self.found.iter().filter_map(|((table, ..), row)| Some((*table, (*row)?)));
        rows.map(|(table, row)| (Object::Row(table, row), Mode::KeyShare))
    }

    /// Whether one has gone in `newest`, or come, that was there in `base`, or was not.
    pub(super) fn have_changed(&self, base: &Root, newest: &Root) -> bool {
        self.found.iter().any(|((table, index, key), row)| {
            let (before, after) = (base.table(*table), newest.table(*table));
            if before.zip(after).is_some_and(|(before, after)| Arc::ptr_eq(before, after)) {
                return false;
            }
            let find = |table: Option<&Arc<Table>>| table?.index(*index)?.find_key(key);
            let (before, after) = (find(before), find(after));
            match row {
                // One that is not in the base is the transaction's own.
                Some(row) => before == Some(*row) && after != Some(*row),
                None => before.is_none() && after.is_some(),
            }
        })
    }
}

/// The foreign keys of a table of `root`.
fn links<'r>(root: &'r Root, table: &'r Table) -> impl Iterator<Item = Link<'r>> {
    let keys = table.schema().constraints.foreign_keys.iter();
    keys.filter_map(|key| Link::new(key, table, root.table(key.table)?))
}

/// Whether rows refer in `newest` to what a change of `table` takes away, that did not in `base`. The rows that it deletes
/// are locked, so no more come.
pub(super) fn have_children_come(
    [base, newest]: [&Root; 2],
    table: &Table,
    change: &TableChange,
    interrupt: &Interrupt,
) -> Result<bool> {
    if change.deleted.is_empty() && change.updated.is_none() {
        return Ok(false);
    }
    for (child, key) in referring(newest, table.id()) {
        let (before, after) = (base.table(child), newest.table(child));
        if before.zip(after).is_some_and(|(before, after)| Arc::ptr_eq(before, after)) {
            continue;
        }
        let lost = lost_keys(after, table, &key, change);
        if lost.is_empty() {
            continue;
        }
        let children = |version: Option<&Arc<Table>>| -> Result<HashSet<RowId>> {
            let link = version.and_then(|version| Link::new(&key, version, table));
            let Some(link) = link else { return Ok(HashSet::new()) };
            let found = link.children(&lost, table, &|_| interrupt.check())?;
            Ok(found.into_iter().map(|(child, _)| child).collect())
        };
        if !children(after)?.is_subset(&children(before)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Keys that rows of `table` have, and have no longer after the change.
fn lost_keys(
    child: Option<&Arc<Table>>,
    table: &Table,
    key: &ForeignKey,
    change: &TableChange,
) -> HashMap<UniqueKey, RowId> {
    let Some(link) = child.and_then(|child| Link::new(key, child, table)) else {
        return HashMap::new();
    };
    let mut rows = change.deleted.clone();
    if let Some(updated) = &change.updated
        && link.parent_ordinals().any(|ordinal| updated.ordinals.contains(&ordinal))
    {
        rows.extend(&updated.ids);
    }
    rows.into_iter().filter_map(|row| Some((link.key_of(table, row)?, row))).collect()
}
