//! INSERT ... ON CONFLICT: which proposed rows are added, which rows that are there are updated instead.
//!
//! Proposed rows are taken in their order. One whose key is free is added; one whose key a row has leads to that row,
//! at most once a statement (21000). Conditions and new values are evaluated for many rows at a time, unless an update
//! can change a key that decides: then row by row, since what it frees or takes counts for the next.

use std::ops::Range;

use hashbrown::HashSet;

use super::check::note_columns;
use super::update::{ChangedRows, whole_row, whole_rows};
use super::{Sink, answer};
use crate::binder::BoundCheck;
use crate::binder::bound::{BoundConflict, ConflictUpdate, Expression};
use crate::error::{Error, Result, SqlState};
use crate::executor::buffer::{Buffer, Reservation, gather_all};
use crate::executor::context::Context;
use crate::executor::expression::{evaluate, evaluate_predicate};
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::change::{InsertedRows, Stamps, TableChange, UpdatedRows};
use crate::storage::column::Column;
use crate::storage::index::{Index, UniqueKey};
use crate::storage::key::KeyRange;
use crate::storage::table::Table;
use crate::storage::{RowId, Stamp};
use crate::types::ValueRef;

/// Proposed rows that are looked at together.
const ROWS_AT_ONCE: usize = 1_024;

/// Bytes that a remembered key or row takes in its table, at its usual load.
const ENTRY_BYTES: usize = 64;

/// What stands in the way of a proposed row.
enum Obstacle {
    None,
    /// A row that was there before the statement.
    Row(RowId),
    /// A row that the statement has written.
    Own,
}

/// Where a written row is found.
#[derive(Clone, Copy)]
enum Written {
    /// Among the added rows.
    Inserted(u32),
    /// Among the updated rows.
    Updated(u32),
}

/// Rows of `table` that have keys of proposed ones, whatever becomes of them.
pub(super) fn obstacles(
    conflict: &BoundConflict,
    table: &Table,
    proposed: &[Column],
    rows: usize,
) -> Vec<RowId> {
    let arbiters = conflict.arbiters.iter().filter_map(|id| table.index(*id));
    let holders = arbiters.flat_map(|index| {
        let key = |row: usize| index.unique_key(|ordinal| proposed[ordinal].get(row));
        (0..rows).filter_map(move |row| index.find_key(&key(row)?))
    });
    holders.collect()
}

/// The rows that a statement proposes, and what becomes of them.
pub(super) struct Upsert<'u, 'm> {
    conflict: &'u BoundConflict,
    /// Whether an update can change a key of an arbiter: then keys of updated rows are among those taken.
    changes_keys: bool,
    table: &'u Table,
    /// All columns of the table.
    proposed: &'u [Column],
    context: &'u Context<'m>,
    /// Keys of the arbiters, by their place, that rows written by the statement have.
    taken: HashSet<(usize, UniqueKey)>,
    /// Rows that it updates.
    touched: HashSet<RowId>,
    /// Of the proposed rows, those that are added.
    inserted: Vec<u32>,
    updated: Vec<RowId>,
    values: Buffer<'u>,
    written: Vec<(u32, Written)>,
    reservation: Reservation<'u>,
}

impl<'u, 'm> Upsert<'u, 'm> {
    /// Decides about every row of `proposed`.
    pub(super) fn run(
        conflict: &'u BoundConflict,
        table: &'u Table,
        proposed: &'u [Column],
        rows: usize,
        context: &'u Context<'m>,
    ) -> Result<Self> {
        let ordinals = conflict.update.as_ref().map_or(&[][..], |update| &update.ordinals);
        let columns = &table.schema().columns;
        let types: Vec<_> = ordinals.iter().map(|&ordinal| columns[ordinal].data_type).collect();
        let covers = |id| {
            let index = table.index(id);
            index.is_some_and(|index| {
                let keys = &index.definition().columns;
                keys.iter().any(|column| ordinals.contains(&column.ordinal))
            })
        };
        let changes_keys = conflict.arbiters.iter().any(|id| covers(*id));
        let mut upsert = Self {
            conflict,
            changes_keys,
            table,
            proposed,
            context,
            taken: HashSet::new(),
            touched: HashSet::new(),
            inserted: Vec::new(),
            updated: Vec::new(),
            values: Buffer::new(&types, context.memory),
            written: Vec::new(),
            reservation: Reservation::new(context.memory),
        };
        let step = if changes_keys { 1 } else { ROWS_AT_ONCE };
        let mut first = 0;
        while first < rows {
            context.interrupt.check()?;
            let last = rows.min(first + step);
            upsert
                .reservation
                .grow((last - first) * ENTRY_BYTES * (1 + conflict.arbiters.len()))?;
            upsert.propose(first..last)?;
            first = last;
        }
        // What was updated behind a row that was added in the same step may stand before it.
        upsert.written.sort_unstable_by_key(|(row, _)| *row);
        Ok(upsert)
    }

    fn arbiters(&self) -> impl Iterator<Item = (usize, &'u Index)> + use<'u, 'm> {
        let table = self.table;
        let arbiters = self.conflict.arbiters.iter().enumerate();
        arbiters.filter_map(move |(place, id)| Some((place, table.index(*id)?)))
    }

    fn propose(&mut self, rows: Range<usize>) -> Result<()> {
        let mut conflicts = Vec::new();
        for row in rows {
            match self.obstacle(row) {
                Obstacle::None => {
                    let proposed = self.proposed;
                    self.take_keys(|ordinal| proposed[ordinal].get(row));
                    self.written.push((row as u32, Written::Inserted(self.inserted.len() as u32)));
                    self.inserted.push(row as u32);
                }
                Obstacle::Row(id) if self.conflict.update.is_some() => {
                    conflicts.push((row as u32, id));
                }
                Obstacle::Own if self.conflict.update.is_some() => return Err(second_time()),
                Obstacle::Row(_) | Obstacle::Own => {}
            }
        }
        match &self.conflict.update {
            Some(update) if !conflicts.is_empty() => self.update(update, &conflicts),
            _ => Ok(()),
        }
    }

    fn obstacle(&self, row: usize) -> Obstacle {
        for (place, index) in self.arbiters() {
            let Some(key) = index.unique_key(|ordinal| self.proposed[ordinal].get(row)) else {
                continue;
            };
            if let Some(reads) = self.context.reads {
                let (table, id, range) =
                    (self.table.id(), index.definition().id, KeyRange::unique(&key));
                match self.conflict.update {
                    // Its condition, or its new values, look at the row.
                    Some(_) => reads.note_keys(table, id, &range),
                    None => reads.note_presence(table, id, &range),
                }
            }
            let there = index.find_key(&key);
            if self.taken.contains(&(place, key)) {
                return Obstacle::Own;
            }
            // A row whose keys were changed and that has this one no longer is in nobody's way.
            if let Some(id) = there.filter(|id| !self.changes_keys || !self.touched.contains(id)) {
                return Obstacle::Row(id);
            }
        }
        Obstacle::None
    }

    fn take_keys<'v>(&mut self, value: impl Fn(usize) -> ValueRef<'v>) {
        for (place, index) in self.arbiters() {
            if let Some(key) = index.unique_key(&value) {
                self.taken.insert((place, key));
            }
        }
    }

    /// Updates those of the rows that the condition holds for; `conflicts` are proposed rows and what they met.
    fn update(&mut self, update: &ConflictUpdate, conflicts: &[(u32, RowId)]) -> Result<()> {
        let columns = self.both_rows(update, conflicts);
        let selection = Selection::All(conflicts.len());
        let mut batch = Batch { columns: columns.into_iter().collect(), selection };
        let holds = match &update.filter {
            Some(filter) => evaluate_predicate(filter, &batch, self.context)?,
            None => Selection::All(conflicts.len()),
        };
        let mut holds = holds.iter().peekable();
        let mut kept = Vec::with_capacity(conflicts.len());
        for (place, (row, id)) in conflicts.iter().enumerate() {
            if self.touched.contains(id) {
                return Err(second_time());
            }
            if holds.next_if_eq(&place).is_some() {
                let number = self.updated.len() as u32;
                self.touched.insert(*id);
                self.written.push((*row, Written::Updated(number)));
                self.updated.push(*id);
                kept.push(place as u32);
            }
        }
        let rows = kept.len();
        batch.selection = Selection::Rows(kept);
        let values = update
            .values
            .iter()
            .map(|value| evaluate(value, &batch, self.context))
            .collect::<Result<Vec<_>>>()?;
        self.values.append_columns(&values, &Selection::All(rows))?;
        if self.changes_keys {
            for number in self.updated.len() - rows..self.updated.len() {
                let row = whole_row(
                    self.table,
                    &update.ordinals,
                    self.updated[number],
                    &self.values.columns,
                    number,
                );
                let row: Vec<_> = row.iter().map(|value| value.to_value()).collect();
                self.take_keys(|ordinal| row[ordinal].as_ref());
            }
        }
        Ok(())
    }

    /// The columns that the update's expressions refer to: of the rows that are there, then of those proposed.
    fn both_rows(&self, update: &ConflictUpdate, conflicts: &[(u32, RowId)]) -> Vec<ColumnRef<'u>> {
        let columns = &self.table.schema().columns;
        let mut used = vec![false; columns.len() * 2];
        for expression in update.values.iter().chain(&update.filter) {
            note_columns(expression, &mut used);
        }
        let proposed: Vec<u32> = conflicts.iter().map(|(row, _)| *row).collect();
        let column = |place: usize| {
            let ordinal = place % columns.len();
            let mut column = Column::with_capacity(columns[ordinal].data_type, 0);
            if used[place] && place < columns.len() {
                for (chunk, slot) in conflicts.iter().filter_map(|(_, id)| self.table.find(*id)) {
                    column.push_from(chunk.column(ordinal), slot);
                }
            } else if used[place] {
                column = self.proposed[ordinal].gather(&proposed);
            }
            ColumnRef::owned(column)
        };
        (0..used.len()).map(column).collect()
    }

    /// How many rows are added or updated.
    pub(super) fn row_count(&self) -> usize {
        self.written.len()
    }

    /// 23502 or 23514 for a row that an update would make what it must not be.
    pub(super) fn check_updated(&self, checks: &[BoundCheck]) -> Result<()> {
        let Some(update) = &self.conflict.update else { return Ok(()) };
        let (ordinals, values) = (&update.ordinals, &self.values.columns);
        let changed = ChangedRows { table: self.table, ordinals, ids: &self.updated, values };
        changed.check(checks, self.context)
    }

    /// Gives RETURNING to `sink`: the rows as they will be, in the order in which they were proposed.
    pub(super) fn answer(&self, returning: &[Expression], sink: &mut Sink<'_>) -> Result<()> {
        let mut columns = gather_all(self.proposed, &self.inserted);
        if let Some(update) = &self.conflict.update {
            let updated =
                whole_rows(self.table, &update.ordinals, &self.updated, &self.values.columns);
            for (column, more) in columns.iter_mut().zip(&updated) {
                column.append(more, 0..self.updated.len());
            }
        }
        let inserted = self.inserted.len() as u32;
        let places: Vec<u32> = self
            .written
            .iter()
            .map(|(_, written)| match written {
                Written::Inserted(place) => *place,
                Written::Updated(place) => inserted + place,
            })
            .collect();
        answer(returning, &gather_all(&columns, &places), places.len(), self.context, sink)
    }

    /// The change of the table: rows to update, rows to add.
    pub(super) fn into_change(self, stamp: Stamp) -> TableChange {
        let mut change = TableChange::default();
        if let Some(update) = &self.conflict.update
            && !self.updated.is_empty()
        {
            change.updated = Some(UpdatedRows {
                ids: self.updated,
                ordinals: update.ordinals.clone(),
                values: self.values.columns,
                stamps: Stamps::One(stamp),
            });
        }
        if !self.inserted.is_empty() {
            let first = self.table.draw_row_ids(self.inserted.len()).0;
            change.inserted = Some(InsertedRows {
                ids: (first..first + self.inserted.len() as u64).map(RowId).collect(),
                values: gather_all(self.proposed, &self.inserted),
                stamps: Stamps::One(stamp),
            });
        }
        change
    }
}

#[cold]
fn second_time() -> Error {
    Error::new(
        SqlState::CardinalityViolation,
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
    )
    .with_hint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
}
