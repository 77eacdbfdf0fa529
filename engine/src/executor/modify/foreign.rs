//! FOREIGN KEY: what a change of rows leads to in the tables that refer to them, and what must hold at the end of it.
//!
//! A change is made first; then, in the order in which PostgreSQL does it with one row, what it leads to: foreign key by foreign
//! key those who refer to what is gone are looked at, and go too, or refer to something else, and the rows that were written
//! must refer to rows that are there. (PostgreSQL does so row by row, in the order in which they lie; here a statement's rows
//! are one step, and nothing follows from where they lie.) Each of these may be a change that leads to more, which waits for
//! its turn in a queue, so a chain may be as long as it likes. A change that breaks a key is taken back whole: the root before
//! it is kept, which costs copies where foreign keys are, and only there.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use super::key_reads::{note_children, note_referred};
use super::update::ChangedRows;
use super::violation::{mixed_key, not_present, still_referenced};
use super::{Execution, apply_one, stale_plan};
use crate::binder::{bind_column_default, bind_table_checks};
use crate::error::Result;
use crate::executor::buffer::Reservation;
use crate::executor::context::NoSubqueries;
use crate::executor::expression::evaluate;
use crate::executor::read_set::ReadSet;
use crate::storage::batch::Batch;
use crate::storage::change::{Stamps, TableChange, UpdatedRows};
use crate::storage::chunk::Chunk;
use crate::storage::column::Column;
use crate::storage::index::UniqueKey;
use crate::storage::reference::{Link, Referred, Searched, convert, referring};
use crate::storage::root::Root;
use crate::storage::schema::{ForeignKey, ReferentialAction};
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp, TableId};
use crate::types::ValueRef;

/// Bytes that a remembered key or row takes, at the usual load of its table.
const ENTRY_BYTES: usize = 96;

/// Makes a change with all that foreign keys make of it, or none of it.
pub(super) fn apply_with_keys(
    root: &mut Root,
    table: TableId,
    change: &TableChange,
    stamp: Stamp,
    execution: &Execution<'_>,
) -> Result<()> {
    let before = root.clone();
    let reservation = Reservation::new(execution.memory);
    let mut work = Work { root, stamp, execution, reservation, left: VecDeque::new() };
    let result = work.change(table, change).and_then(|()| work.settle());
    if result.is_err() {
        *work.root = before;
    }
    result
}

/// Keys that rows of a table had and have no longer, each with its row.
struct Lost {
    key: Arc<ForeignKey>,
    child: TableId,
    /// The table that is referred to, as it was.
    before: Arc<Table>,
    keys: HashMap<UniqueKey, RowId>,
    /// Whether the rows are gone, rather than changed.
    deleted: bool,
}

/// What is left to do.
enum Task {
    /// What becomes of those who refer to what is lost.
    Follow(Lost),
    /// The rows must refer to rows that are there.
    BeThere(TableId, Arc<ForeignKey>, Vec<RowId>),
}

struct Work<'w, 'e> {
    root: &'w mut Root,
    stamp: Stamp,
    execution: &'w Execution<'e>,
    reservation: Reservation<'w>,
    left: VecDeque<Task>,
}

impl Work<'_, '_> {
    /// Makes one change, and notes what it leads to.
    fn change(&mut self, id: TableId, change: &TableChange) -> Result<()> {
        let before = Arc::clone(self.root.table(id).ok_or_else(stale_plan)?);
        apply_one(self.root, id, change, self.execution)?;
        let after = Arc::clone(self.root.table(id).ok_or_else(stale_plan)?);
        for (child, key) in referring(self.root, id) {
            self.note_lost(&before, &after, change, child, &key)?;
        }
        for key in &before.schema().constraints.foreign_keys {
            let rows = written_rows(key, &before, &after, change);
            if !rows.is_empty() {
                self.reservation.grow(rows.len() * size_of::<RowId>())?;
                self.left.push_back(Task::BeThere(id, Arc::clone(key), rows));
            }
        }
        Ok(())
    }

    fn note_lost(
        &mut self,
        before: &Arc<Table>,
        after: &Table,
        change: &TableChange,
        child: TableId,
        key: &Arc<ForeignKey>,
    ) -> Result<()> {
        let referring = if child == after.id() {
            after
        } else {
            self.root.table(child).ok_or_else(stale_plan)?
        };
        let link = Link::new(key, referring, after).ok_or_else(stale_plan)?;
        let mut deleted = HashMap::new();
        for row in &change.deleted {
            deleted.extend(link.key_of(before, *row).map(|key| (key, *row)));
        }
        let mut updated = HashMap::new();
        if let Some(rows) = &change.updated
            && link.parent_ordinals().any(|ordinal| rows.ordinals.contains(&ordinal))
        {
            for row in &rows.ids {
                let old = link.key_of(before, *row);
                if old != link.key_of(after, *row) {
                    updated.extend(old.map(|key| (key, *row)));
                }
            }
        }
        for (keys, deleted) in [(deleted, true), (updated, false)] {
            if !keys.is_empty() {
                self.reservation.grow(keys.len() * ENTRY_BYTES)?;
                let (key, before) = (Arc::clone(key), Arc::clone(before));
                self.left.push_back(Task::Follow(Lost { key, child, before, keys, deleted }));
            }
        }
        Ok(())
    }

    /// Does what is left until nothing is.
    fn settle(&mut self) -> Result<()> {
        while let Some(task) = self.left.pop_front() {
            match task {
                Task::Follow(lost) => self.follow(&lost)?,
                Task::BeThere(child, key, rows) => self.check_there(child, &key, &rows)?,
            }
        }
        Ok(())
    }

    fn follow(&mut self, lost: &Lost) -> Result<()> {
        let action = if lost.deleted { lost.key.on_delete } else { lost.key.on_update };
        match action {
            ReferentialAction::NoAction => self.check_gone(lost),
            ReferentialAction::Restrict => self.check_free(lost, &lost.keys),
            ReferentialAction::Cascade if lost.deleted => self.delete_children(lost),
            ReferentialAction::SetDefault => {
                self.update_children(lost, action)?;
                self.check_gone(lost)
            }
            ReferentialAction::Cascade | ReferentialAction::SetNull => {
                self.update_children(lost, action)
            }
        }
    }

    /// 23503 if a row refers to what is lost and not there again.
    fn check_gone(&self, lost: &Lost) -> Result<()> {
        let link = self.link(lost)?;
        let gone = lost.keys.iter().filter(|(key, _)| !link.has(key));
        let gone = gone.map(|(key, row)| (key.clone(), *row)).collect();
        self.check_free(lost, &gone)
    }

    fn check_there(&self, child: TableId, key: &ForeignKey, rows: &[RowId]) -> Result<()> {
        let child = self.root.table(child).ok_or_else(stale_plan)?;
        let parent = self.root.table(key.table).ok_or_else(stale_plan)?;
        let link = Link::new(key, child, parent).ok_or_else(stale_plan)?;
        for (chunk, slot) in rows.iter().filter_map(|row| child.find(*row)) {
            check_referred(&link, chunk, slot, self.execution.reads)?;
        }
        Ok(())
    }

    fn link<'l>(&'l self, lost: &'l Lost) -> Result<Link<'l>> {
        let child = self.root.table(lost.child).ok_or_else(stale_plan)?;
        let parent = self.root.table(lost.before.id()).ok_or_else(stale_plan)?;
        Link::new(&lost.key, child, parent).ok_or_else(stale_plan)
    }

    /// The rows that refer to what is lost, each once, with the row that they refer to.
    fn children(
        &self,
        lost: &Lost,
        keys: &HashMap<UniqueKey, RowId>,
    ) -> Result<Vec<(RowId, RowId)>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let link = self.link(lost)?;
        let search = |searched: Searched<'_>| {
            if let Some(reads) = self.execution.reads {
                note_children(reads, link.child, &searched);
            }
            self.execution.interrupt.check()
        };
        let mut found = link.children(keys, &lost.before, &search)?;
        found.sort_unstable();
        Ok(found)
    }

    /// 23503 if a row refers to one of `keys`, which are lost.
    fn check_free(&self, lost: &Lost, keys: &HashMap<UniqueKey, RowId>) -> Result<()> {
        match self.children(lost, keys)?.first() {
            None => Ok(()),
            Some((_, row)) => Err(still_referenced(&self.link(lost)?, &lost.before, *row)),
        }
    }

    fn delete_children(&mut self, lost: &Lost) -> Result<()> {
        let deleted: Vec<RowId> =
            self.children(lost, &lost.keys)?.into_iter().map(|(child, _)| child).collect();
        if deleted.is_empty() {
            return Ok(());
        }
        self.reservation.grow(deleted.len() * size_of::<RowId>())?;
        self.change(lost.child, &TableChange { deleted, ..TableChange::default() })
    }

    fn update_children(&mut self, lost: &Lost, action: ReferentialAction) -> Result<()> {
        let children = self.children(lost, &lost.keys)?;
        if children.is_empty() {
            return Ok(());
        }
        let link = self.link(lost)?;
        let ordinals: Vec<usize> = link.child_ordinals().collect();
        let mut values = Vec::with_capacity(ordinals.len());
        for (own, others) in link.child_ordinals().zip(link.parent_ordinals()) {
            values.push(self.new_values(&link, action, own, others, &children)?);
        }
        let ids: Vec<RowId> = children.into_iter().map(|(child, _)| child).collect();
        let table = Arc::clone(self.root.table(lost.child).ok_or_else(stale_plan)?);
        let checks = bind_table_checks(self.root, table.schema())?;
        let changed =
            ChangedRows { table: &table, ordinals: &ordinals, ids: &ids, values: &values };
        changed.check(&checks, &self.execution.context(self.root, &NoSubqueries))?;
        let stamps = Stamps::One(self.stamp);
        let updated = UpdatedRows { ids, ordinals, values, stamps };
        self.reservation.grow(updated.ids.len() * ENTRY_BYTES)?;
        let change = TableChange { updated: Some(updated), ..TableChange::default() };
        self.change(lost.child, &change)
    }

    /// What the column `own` of `children` becomes.
    fn new_values(
        &self,
        link: &Link<'_>,
        action: ReferentialAction,
        own: usize,
        others: usize,
        children: &[(RowId, RowId)],
    ) -> Result<Column> {
        let definition = &link.child.schema().columns[own];
        let data_type = definition.data_type;
        if action == ReferentialAction::SetDefault {
            let default = bind_column_default(self.root, definition)?;
            let batch = Batch::computed(Vec::new(), children.len());
            let context = self.execution.context(self.root, &NoSubqueries);
            return Ok(evaluate(&default, &batch, &context)?.into_owned());
        }
        let mut column = Column::with_capacity(data_type, children.len());
        for (_, row) in children {
            let value = match link.parent.find(*row) {
                Some((chunk, slot)) if action == ReferentialAction::Cascade => {
                    let value = chunk.column(others).get(slot);
                    convert(value, data_type)
                        .ok_or_else(|| crate::error::Error::out_of_range(data_type.sql_name()))?
                }
                _ => ValueRef::Null,
            };
            column.push(value);
        }
        Ok(column)
    }
}

/// The rows that a change gave other values of a foreign key's columns, or made. One that is written with the values it had is
/// not looked at, as in PostgreSQL: what follows from the same statement may change them before its turn comes.
fn written_rows(
    key: &ForeignKey,
    before: &Table,
    after: &Table,
    change: &TableChange,
) -> Vec<RowId> {
    let mut rows = Vec::new();
    if let Some(inserted) = &change.inserted {
        rows.extend(&inserted.ids);
    }
    if let Some(updated) = &change.updated {
        let is_of_key = |ordinal: &usize| {
            let number = after.schema().number(*ordinal);
            key.columns.iter().any(|(own, _)| *own == number)
        };
        let ordinals: Vec<usize> =
            updated.ordinals.iter().copied().filter(|ordinal| is_of_key(ordinal)).collect();
        let is_changed = |row: &RowId| {
            let (Some(old), Some(new)) = (before.find(*row), after.find(*row)) else {
                return true;
            };
            let mut values = ordinals.iter().map(|ordinal| {
                (old.0.column(*ordinal).get(old.1), new.0.column(*ordinal).get(new.1))
            });
            values.any(|(old, new)| old != new)
        };
        if !ordinals.is_empty() {
            rows.extend(updated.ids.iter().filter(|row| is_changed(row)));
        }
    }
    rows
}

/// 23503 for a row that refers to none.
pub fn check_referred(
    link: &Link<'_>,
    chunk: &Chunk,
    slot: usize,
    reads: Option<&ReadSet>,
) -> Result<()> {
    let referred = link.referred(chunk, slot);
    if let (Referred::Key(key), Some(reads)) = (&referred, reads) {
        note_referred(reads, link, key);
    }
    match referred {
        Referred::Nothing => Ok(()),
        Referred::Key(key) if link.has(&key) => Ok(()),
        Referred::Mixed => Err(mixed_key(link)),
        Referred::Key(_) | Referred::Nowhere => Err(not_present(link, chunk, slot)),
    }
}
