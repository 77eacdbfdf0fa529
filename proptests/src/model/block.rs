//! The model's transaction blocks: what one started from and what it made of it, its savepoints, its locks, its log.

use std::collections::BTreeSet;

use super::locks::Lock;
use super::session::{Outcome, failure, tag};
use super::state::{RowChange, State};
use crate::generator::{Level, Statement, TableName};

/// An open transaction block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) level: Level,
    /// None until the first statement that reads or writes: only then the block takes its snapshot.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) savepoints: Vec<Savepoint>,
    /// What it has locked before its commit.
    pub(super) locks: Vec<Lock>,
    /// Rows that ON CONFLICT added because their keys were free, and by which indexes.
    pub(super) proposed: BTreeSet<(u64, Option<usize>)>,
    pub(super) failed: bool,
    /// Whether a statement has changed something, or might have: no rollback to a savepoint forgets it.
    pub(super) has_written: bool,
    /// Its statements and what they answered.
    pub(super) log: Vec<(Statement, Outcome)>,
}

/// What a block started from, and what it made of it.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) base: State,
    pub(super) work: State,
}

/// What a rollback to a savepoint goes back to.
#[derive(Clone, Debug)]
pub(super) struct Savepoint {
    name: usize,
    snapshot: Option<Snapshot>,
    locks: usize,
}

impl Block {
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            snapshot: None,
            savepoints: Vec::new(),
            locks: Vec::new(),
            proposed: BTreeSet::new(),
            failed: false,
            has_written: false,
            log: Vec::new(),
        }
    }

    /// A statement has failed: only a rollback helps, and what was locked since the last savepoint is free at once.
    pub(super) fn fail(&mut self) {
        self.failed = true;
        self.locks.truncate(self.savepoints.last().map_or(0, |savepoint| savepoint.locks));
    }

    pub(super) fn savepoint(&mut self, name: usize) -> Outcome {
        let (snapshot, locks) = (self.snapshot.clone(), self.locks.len());
        self.savepoints.push(Savepoint { name, snapshot, locks });
        tag("SAVEPOINT")
    }

    pub(super) fn release(&mut self, name: usize) -> Outcome {
        let Some(place) = self.place(name) else { return failure("3B001") };
        self.savepoints.truncate(place);
        tag("RELEASE")
    }

    pub(super) fn rollback_to(&mut self, name: usize) -> Outcome {
        let Some(place) = self.place(name) else { return failure("3B001") };
        self.savepoints.truncate(place + 1);
        let savepoint = &self.savepoints[place];
        // A snapshot taken since stays: only what was made of it is undone.
        self.snapshot = match (&savepoint.snapshot, self.snapshot.take()) {
            (Some(before), _) => Some(before.clone()),
            (None, Some(taken)) => Some(Snapshot { work: taken.base.clone(), base: taken.base }),
            (None, None) => None,
        };
        self.locks.truncate(savepoint.locks);
        self.failed = false;
        tag("ROLLBACK")
    }

    /// The newest savepoint of the name.
    pub(super) fn place(&self, name: usize) -> Option<usize> {
        self.savepoints.iter().rposition(|savepoint| savepoint.name == name)
    }

    /// The tables that its statements name, and those that a change of them has to look at.
    pub(super) fn tables(&self) -> BTreeSet<TableName> {
        let Some(Snapshot { base, .. }) = &self.snapshot else { return BTreeSet::new() };
        let mut found = BTreeSet::new();
        for (statement, _) in &self.log {
            let text = statement.to_string();
            // No literal has such a text in it.
            let is_named = |table: &&TableName| text.contains(&format!(" {table}"));
            found.extend(base.tables.keys().filter(is_named));
            if !matches!(statement, Statement::Query(_) | Statement::Lock(_))
                && !base.schema.keys.is_empty()
            {
                found.extend(base.tables.keys());
            }
        }
        found
    }
}

impl Savepoint {
    /// The statement that goes back to it.
    pub(super) fn rollback(&self) -> Statement {
        Statement::RollbackTo(self.name)
    }
}

impl Snapshot {
    /// Whether a row that is changed was changed by a commit since.
    pub(super) fn has_lost(&self, committed: &State, changes: &[RowChange]) -> bool {
        changes.iter().any(|change| {
            let (before, now) =
                (&self.base.tables[&change.table], &committed.tables[&change.table]);
            let stamp = before.stamp(change.id);
            stamp.is_some()
                && (stamp != now.stamp(change.id) || before.incarnation != now.incarnation)
        })
    }
}
