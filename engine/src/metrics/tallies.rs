//! What a session has done, counted by itself.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, SqlState};
use crate::parser::ast::Statement;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Queries.
    Selects,
    /// INSERT statements.
    Inserts,
    /// UPDATE statements.
    Updates,
    /// DELETE statements.
    Deletes,
    /// Loads of rows in bulk.
    Copies,
    /// CREATE, ALTER, DROP, TRUNCATE.
    Definitions,
    /// BEGIN to COMMIT, and savepoints.
    TransactionCommands,
    /// SET, SHOW, EXPLAIN, CHECKPOINT.
    Others,
    /// Rows that queries answered.
    RowsRead,
    /// Rows added.
    RowsInserted,
    /// Rows changed.
    RowsUpdated,
    /// Rows taken away.
    RowsDeleted,
    /// Texts that were parsed: none that was kept was the same.
    Parsed,
    /// Blocks that committed.
    BlocksCommitted,
    /// Blocks that were rolled back.
    BlocksRolledBack,
    /// 40001.
    Conflicts,
    /// 40P01.
    Deadlocks,
    /// 55P03.
    LockTimeouts,
}

/// Each with its name in `spg_stats`.
pub const NAMES: [(Tally, &str); COUNT] = [
    (Tally::Selects, "statements_select"),
    (Tally::Inserts, "statements_insert"),
    (Tally::Updates, "statements_update"),
    (Tally::Deletes, "statements_delete"),
    (Tally::Copies, "statements_copy"),
    (Tally::Definitions, "statements_definition"),
    (Tally::TransactionCommands, "statements_transaction"),
    (Tally::Others, "statements_other"),
    (Tally::RowsRead, "rows_read"),
    (Tally::RowsInserted, "rows_inserted"),
    (Tally::RowsUpdated, "rows_updated"),
    (Tally::RowsDeleted, "rows_deleted"),
    (Tally::Parsed, "plan_cache_misses"),
    (Tally::BlocksCommitted, "blocks_committed"),
    (Tally::BlocksRolledBack, "blocks_rolled_back"),
    (Tally::Conflicts, "conflicts"),
    (Tally::Deadlocks, "deadlocks"),
    (Tally::LockTimeouts, "lock_timeouts"),
];

const COUNT: usize = 18;

/// One session's, which it alone writes: a load and a store are enough.
#[derive(Debug, Default)]
pub struct Tallies([AtomicU64; COUNT]);

/// Sums of them, by the order of [`NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals([u64; COUNT]);

impl Tallies {
    /// Counts `count` more.
    #[inline]
    pub fn add(&self, tally: Tally, count: u64) {
        let counter = &self.0[tally as usize];
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// Counts a statement that has ended with so many rows.
    #[inline]
    pub fn add_statement(&self, statement: &Statement, rows: u64) {
        let (kind, counted_rows) = match statement {
            Statement::Query(_) => (Tally::Selects, Some(Tally::RowsRead)),
            Statement::Insert(_) => (Tally::Inserts, Some(Tally::RowsInserted)),
            Statement::Update(_) => (Tally::Updates, Some(Tally::RowsUpdated)),
            Statement::Delete(_) => (Tally::Deletes, Some(Tally::RowsDeleted)),
            Statement::Begin(_)
            | Statement::Commit
            | Statement::Rollback
            | Statement::CommitAndChain
            | Statement::RollbackAndChain
            | Statement::Savepoint(_)
            | Statement::ReleaseSavepoint(_)
            | Statement::RollbackToSavepoint(_)
            | Statement::SetTransaction(_)
            | Statement::SetConstraints(_) => (Tally::TransactionCommands, None),
            Statement::SetSessionCharacteristics(_)
            | Statement::Set(_)
            | Statement::Show(_)
            | Statement::Reset(_)
            | Statement::Discard(_)
            | Statement::Checkpoint
            | Statement::Explain(_) => (Tally::Others, None),
            _ => (Tally::Definitions, None),
        };
        self.add(kind, 1);
        if let Some(counted_rows) = counted_rows {
            self.add(counted_rows, rows);
        }
    }

    /// Counts an error that others have to do with.
    #[cold]
    pub fn add_error(&self, error: &Error) {
        match error.sqlstate() {
            SqlState::SerializationFailure => self.add(Tally::Conflicts, 1),
            SqlState::DeadlockDetected => self.add(Tally::Deadlocks, 1),
            SqlState::LockNotAvailable => self.add(Tally::LockTimeouts, 1),
            _ => {}
        }
    }
}

impl Totals {
    /// Adds one session's.
    pub fn add(&mut self, tallies: &Tallies) {
        for (sum, counter) in self.0.iter_mut().zip(&tallies.0) {
            *sum = sum.wrapping_add(counter.load(Ordering::Relaxed));
        }
    }

    /// Each with its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.iter().map(|(tally, name)| (*name, self.0[*tally as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_place() {
        for (place, (tally, name)) in NAMES.iter().enumerate() {
            assert_eq!(*tally as usize, place, "{name}");
        }
    }
}
