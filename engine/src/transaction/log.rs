//! What makes commits durable: a log that takes groups of records. A database in memory has nothing to write.

use std::sync::Arc;

use crate::error::Result;
use crate::storage::change::TableChange;
use crate::storage::difference::{Changes, extract};
use crate::storage::root::Root;
use crate::storage::table::Table;
use crate::storage::{CommitNumber, TableId};

/// One commit, as the log is asked to keep it. It names the roots before and after and computes nothing until asked.
#[derive(Debug)]
pub struct Record {
    before: Arc<Root>,
    after: Arc<Root>,
    statements: Vec<Arc<str>>,
}

/// What a commit did to one table.
#[derive(Debug)]
pub enum TableEffect {
    /// The table is new, or its schema, its indexes or all its rows were replaced: this is the whole of it now.
    Replaced(Arc<Table>),
    /// The table is gone.
    Dropped(TableId),
    /// Rows changed.
    Changed(TableId, TableChange),
}

impl Record {
    /// A record of the step from `before` to `after`.
    pub fn new(before: Arc<Root>, after: Arc<Root>, statements: Vec<Arc<str>>) -> Self {
        Self { before, after, statements }
    }

    /// The commit's number.
    pub fn commit(&self) -> CommitNumber {
        self.after.commit
    }

    /// The root after it.
    pub(super) fn after(&self) -> &Arc<Root> {
        &self.after
    }

    /// Texts of the statements in order; empty unless [`CommitLog::keeps_statements`].
    pub fn statements(&self) -> &[Arc<str>] {
        &self.statements
    }

    /// What it did, table by table in the order of their identities. Costs as much as the change is large.
    pub fn effects(&self) -> Vec<TableEffect> {
        let mut effects = Vec::new();
        for table in self.before.tables() {
            if self.after.table(table.id()).is_none() {
                effects.push(TableEffect::Dropped(table.id()));
            }
        }
        for table in self.after.tables() {
            match self.before.table(table.id()) {
                Some(before) if Arc::ptr_eq(before, table) => {}
                Some(before) if before.schema() == table.schema() => {
                    let change =
                        extract(before, table, &Changes::between(before, table).into_rows());
                    effects.push(TableEffect::Changed(table.id(), change));
                }
                _ => effects.push(TableEffect::Replaced(Arc::clone(table))),
            }
        }
        effects
    }
}

/// Keeps commits. Called by one thread at a time, with commits in order.
pub trait CommitLog: Send + Sync + std::fmt::Debug {
    /// Makes the records durable, all of them before it returns. After an error none of them is.
    fn write(&self, records: &[Record]) -> Result<()>;

    /// Whether records shall carry the texts of their statements.
    fn keeps_statements(&self) -> bool {
        false
    }
}

/// The log of a database in memory: nothing to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryLog;

impl CommitLog for MemoryLog {
    fn write(&self, _records: &[Record]) -> Result<()> {
        Ok(())
    }
}
