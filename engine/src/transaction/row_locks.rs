//! Which rows and keys a change needs locked, and what looks at locks: statements at READ COMMITTED, statements that run on
//! `pending`, and commits.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::executor::modify::ChangeGuard;
use crate::limits::INTERRUPT_CHECK_ROWS;
use crate::locks::{LockOwner, Mode, Object, Patience, Scope};
use crate::storage::change::TableChange;
use crate::storage::difference::{Changes, RowDifference};
use crate::storage::index::{Index, UniqueKey};
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::storage::{IndexId, RowId, TableId};
use crate::transaction::foreign_locks::{Parents, have_children_come};
use crate::transaction::heads::{Heads, Outcome};
use crate::transaction::validate::stamp;
use crate::transaction::write_set::WriteSet;
use crate::types::ValueRef;

/// What a change of one table needs locked.
#[derive(Debug)]
struct Wanted {
    table: TableId,
    /// Rows that it updates or deletes.
    rows: Vec<(RowId, Mode)>,
    /// Keys of unique indexes that it adds. What rows it refers to [`Parents`] has.
    keys: Vec<(IndexId, UniqueKey)>,
}

impl Wanted {
    /// Of a change that is about to be made to `table`.
    fn of_change(table: &Table, change: &TableChange) -> Self {
        let mut wanted = Self::of_rows_and_keys(table, change);
        wanted.add_holders(table);
        wanted
    }

    /// Of rows that have keys of proposed ones.
    fn of_obstacles(table: TableId, rows: &[RowId], may_update: bool) -> Self {
        let mode = if may_update { Mode::NoKeyUpdate } else { Mode::Presence };
        Self { table, rows: rows.iter().map(|id| (*id, mode)).collect(), keys: Vec::new() }
    }

    fn of_rows_and_keys(table: &Table, change: &TableChange) -> Self {
        let rows = change.deleted.iter().map(|id| (*id, Mode::Remove)).collect();
        let mut wanted = Self { table: table.id(), rows, keys: Vec::new() };
        if let Some(inserted) = &change.inserted {
            for place in 0..inserted.ids.len() {
                wanted.add_keys(table, |ordinal| inserted.values[ordinal].get(place));
            }
        }
        if let Some(updated) = &change.updated {
            let is_written = |ordinal: usize| updated.ordinals.iter().position(|o| *o == ordinal);
            for (place, id) in updated.ids.iter().enumerate() {
                let Some((chunk, slot)) = table.find(*id) else { continue };
                let old = |ordinal| chunk.column(ordinal).get(slot);
                let new = |ordinal| match is_written(ordinal) {
                    Some(column) => updated.values[column].get(place),
                    None => old(ordinal),
                };
                let mode = wanted.add_changed_keys(table, old, new);
                wanted.rows.push((*id, mode));
            }
        }
        wanted
    }

    /// Of the difference that `mine` makes to `base`.
    fn of_difference(base: &Table, mine: &Table) -> Self {
        let mut wanted = Self { table: base.id(), rows: Vec::new(), keys: Vec::new() };
        for difference in Changes::between(base, mine).into_rows() {
            match difference {
                RowDifference::Deleted(id) => wanted.rows.push((id, Mode::Remove)),
                RowDifference::Inserted(id) => {
                    let Some((chunk, slot)) = mine.find(id) else { continue };
                    wanted.add_keys(mine, |ordinal| chunk.column(ordinal).get(slot));
                }
                RowDifference::Updated(id) => {
                    let (Some(old), Some(new)) = (base.find(id), mine.find(id)) else { continue };
                    let mode = wanted.add_changed_keys(
                        mine,
                        |ordinal| old.0.column(ordinal).get(old.1),
                        |ordinal| new.0.column(ordinal).get(new.1),
                    );
                    wanted.rows.push((id, mode));
                }
            }
        }
        wanted
    }

    fn add_keys<'v>(&mut self, table: &Table, value: impl Fn(usize) -> ValueRef<'v>) {
        for index in unique_indexes(table) {
            self.keys.extend(index.unique_key(&value).map(|key| (index.definition().id, key)));
        }
    }

    /// Notes the keys that a row gets by an update; answers how the row has to be locked for it.
    fn add_changed_keys<'v>(
        &mut self,
        table: &Table,
        old: impl Fn(usize) -> ValueRef<'v>,
        new: impl Fn(usize) -> ValueRef<'v>,
    ) -> Mode {
        let mut mode = Mode::NoKeyUpdate;
        for index in unique_indexes(table) {
            let (before, after) = (index.unique_key(&old), index.unique_key(&new));
            if before != after {
                mode = Mode::Remove;
                self.keys.extend(after.map(|key| (index.definition().id, key)));
            }
        }
        mode
    }

    /// Notes the rows that have the keys which it adds: whether those are taken is known when nobody is about to take these
    /// rows away.
    fn add_holders(&mut self, table: &Table) {
        let holder = |(index, key): &(IndexId, UniqueKey)| table.index(*index)?.find_key(key);
        self.rows.extend(self.keys.iter().filter_map(holder).map(|row| (row, Mode::Presence)));
    }

    fn objects(&self) -> impl Iterator<Item = (Object, Mode)> {
        let rows = self.rows.iter().map(|(id, mode)| (Object::Row(self.table, *id), *mode));
        let keys = self.keys.iter().map(|(index, key)| {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            (Object::Key(self.table, *index, hasher.finish()), Mode::Update)
        });
        rows.chain(keys)
    }

    /// Whether any of it is not in `after` as it is in `before`, or the table has another shape by now.
    fn has_changed(&self, before: &Arc<Table>, after: Option<&Arc<Table>>) -> bool {
        let Some(after) = after else { return true };
        if Arc::ptr_eq(before, after) {
            return false;
        }
        if before.schema().structure != after.schema().structure {
            return true;
        }
        let key_row = |table: &Table, index: IndexId, key: &UniqueKey| {
            table.index(index).and_then(|index| index.find_key(key))
        };
        // A row that was not there is the transaction's own.
        let row_changed = |(id, _): &(RowId, Mode)| {
            let seen = stamp(before, *id);
            seen.is_some() && seen != stamp(after, *id)
        };
        let key_changed = |(index, key): &(IndexId, UniqueKey)| {
            key_row(before, *index, key) != key_row(after, *index, key)
        };
        self.rows.iter().any(row_changed) || self.keys.iter().any(key_changed)
    }
}

fn unique_indexes(table: &Table) -> impl Iterator<Item = &Index> {
    table.indexes().iter().filter(|index| index.definition().unique)
}

/// The commit after which a statement has to run again, on a later root: one that changed what it has now locked.
pub type Restart = RefCell<Option<Arc<Outcome>>>;

/// READ COMMITTED: before rows are changed, and keys added, they are locked until the end of the transaction.
#[derive(Clone, Copy)]
pub struct LockingGuard<'a> {
    /// The root that the statement sees, its transaction's own changes aside.
    pub base: &'a Root,
    /// Where later commits are.
    pub heads: &'a Heads,
    /// The session's locks.
    pub locks: &'a LockOwner,
    /// How long to wait.
    pub patience: Patience<'a>,
    /// Set where the statement has to run again.
    pub restart: &'a Restart,
}

impl LockingGuard<'_> {
    fn lock(&self, objects: impl Iterator<Item = (Object, Mode)>) -> Result<()> {
        for (place, (object, mode)) in objects.enumerate() {
            if place % INTERRUPT_CHECK_ROWS == 0 {
                self.patience.interrupt.check()?;
            }
            let is_held = mode != Mode::Presence;
            let before = if is_held { 0 } else { self.locks.transaction_count() };
            self.locks.lock(object, mode, Scope::Transaction, &self.patience)?;
            if !is_held {
                // Whoever takes the row away from now on is later than this statement.
                self.locks.release_since(before, object, mode);
            }
        }
        Ok(())
    }

    /// The statement has to run again behind `outcome`.
    fn restart(&self, outcome: Arc<Outcome>) -> Result<()> {
        self.restart.replace(Some(outcome));
        Err(Error::serialization_update())
    }
}

impl ChangeGuard for LockingGuard<'_> {
    fn check(&self, root: &Root, table: TableId, change: &TableChange) -> Result<()> {
        let Some(current) = root.table(table) else { return Ok(()) };
        // A table of its own nobody else has.
        let own = self.base.table(table).map(|before| (before, Wanted::of_change(current, change)));
        let parents = Parents::of_change(root, current, change);
        let objects = own.iter().flat_map(|(_, wanted)| wanted.objects());
        self.lock(objects.chain(parents.objects()))?;
        let (newest, outcome) = self.heads.newest(&self.patience)?;
        let has_changed = own
            .is_some_and(|(before, own)| own.has_changed(before, newest.table(table)))
            || parents.have_changed(self.base, &newest)
            || have_children_come([self.base, &newest], current, change, self.patience.interrupt)?;
        if has_changed { self.restart(outcome) } else { Ok(()) }
    }

    fn check_obstacles(&self, table: TableId, rows: &[RowId], may_update: bool) -> Result<()> {
        let Some(before) = self.base.table(table) else { return Ok(()) };
        let wanted = Wanted::of_obstacles(table, rows, may_update);
        self.lock(wanted.objects())?;
        let (newest, outcome) = self.heads.newest(&self.patience)?;
        if wanted.has_changed(before, newest.table(table)) { self.restart(outcome) } else { Ok(()) }
    }

    fn guards_inserts(&self) -> bool {
        true
    }
}

/// A statement on `pending`, under the writer lock: it must not change what others have locked, nor wait for it there.
pub struct PendingGuard<'a> {
    /// The session's locks.
    pub locks: &'a LockOwner,
    /// Set to a lock that somebody else has: it is to be waited for without the writer lock.
    pub blocked: &'a Cell<Option<(Object, Mode)>>,
}

impl PendingGuard<'_> {
    fn check_free(&self, objects: impl Iterator<Item = (Object, Mode)>) -> Result<()> {
        let blocked = self.locks.first_blocked(objects);
        if blocked.is_some() {
            self.blocked.set(blocked);
            return Err(Error::serialization_update());
        }
        Ok(())
    }
}

impl ChangeGuard for PendingGuard<'_> {
    fn check(&self, root: &Root, table: TableId, change: &TableChange) -> Result<()> {
        if !self.locks.locks().concern_commits() {
            return Ok(());
        }
        let Some(current) = root.table(table) else { return Ok(()) };
        let (wanted, parents) =
            (Wanted::of_change(current, change), Parents::of_change(root, current, change));
        self.check_free(wanted.objects().chain(parents.objects()))
    }

    fn check_obstacles(&self, table: TableId, rows: &[RowId], may_update: bool) -> Result<()> {
        if !self.locks.locks().concern_commits() {
            return Ok(());
        }
        self.check_free(Wanted::of_obstacles(table, rows, may_update).objects())
    }

    fn guards_inserts(&self) -> bool {
        self.locks.locks().concern_commits()
    }
}

/// The first lock of somebody else that a commit of `working` has to wait for.
pub fn first_foreign_lock(
    base: &Root,
    working: &Root,
    writes: &WriteSet,
    locks: &LockOwner,
) -> Option<(Object, Mode)> {
    if !locks.locks().concern_commits() {
        return None;
    }
    writes.tables().find_map(|(id, _)| {
        let (base, mine) = (base.table(id)?, working.table(id)?);
        let is_same = Arc::ptr_eq(base, mine);
        if is_same || base.schema().structure != mine.schema().structure {
            return None;
        }
        let parents = Parents::of_difference(working, base, mine);
        locks.first_blocked(Wanted::of_difference(base, mine).objects().chain(parents.objects()))
    })
}
