//! What a worker has counted.

use std::time::Duration;

use spg_wire::ErrorFields;

use crate::bench::histogram::Histogram;
use crate::bench::statement::Statement;

/// Counts of one worker.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Nanoseconds of each operation that went well.
    pub(super) latencies: Histogram,
    /// How many each of the clients did, once they have ended.
    pub(super) of_clients: Vec<u64>,
    /// Errors that were answered, conflicts included.
    pub(super) errors: u64,
    /// Conflicts (40001, 40P01), after which the operation was done again.
    pub(super) conflicts: u64,
    /// The first error that was no conflict.
    pub(super) first_error: Option<String>,
}

impl Tally {
    /// An operation went well.
    #[inline]
    pub(super) fn done(&mut self, latency: Duration) {
        self.latencies.add(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The server answered with an error.
    pub(super) fn failed(&mut self, is_conflict: bool, fields: &ErrorFields) {
        self.errors += 1;
        if is_conflict {
            self.conflicts += 1;
        } else {
            self.first_error.get_or_insert_with(|| fields.to_string());
        }
    }

    /// A statement answered or changed another number of rows than it had to.
    pub(super) fn wrong(&mut self, statement: &Statement, rows: u64) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| {
            format!("{rows} rows where {} had to be: {}", statement.rows, statement.text)
        });
    }

    /// Errors that were no conflicts.
    pub(super) fn failures(&self) -> u64 {
        self.errors - self.conflicts
    }

    /// Adds what `other` has counted.
    pub(super) fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        self.of_clients.extend(other.of_clients);
        self.errors += other.errors;
        self.conflicts += other.conflicts;
        if self.first_error.is_none() {
            self.first_error = other.first_error;
        }
    }

    /// The fewest that one of the clients did, the median, the most.
    pub(super) fn spread(&self) -> [u64; 3] {
        let mut counts = self.of_clients.clone();
        counts.sort_unstable();
        let at = |place: usize| counts.get(place).copied().unwrap_or_default();
        [at(0), at(counts.len() / 2), counts.last().copied().unwrap_or_default()]
    }

    /// Forgets what was counted in the warm-up; an error stays.
    pub(super) fn restart(&mut self) {
        self.latencies.clear();
        self.conflicts = 0;
        self.errors = u64::from(self.first_error.is_some());
    }
}
