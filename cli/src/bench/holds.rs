//! How long the writer lock was held while the load ran, warm-up included: two answers of `spg_latencies`, one less the other.

use std::collections::BTreeMap;

use spg_engine::Value;
use spg_engine::session::Rows;

use crate::failure::Outcome;
use crate::target::Target;

const QUERY: &str = "SELECT up_to_us, count FROM spg_latencies WHERE name = 'writer_hold'";

/// How often the lock was held: by the longest of a bucket, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Holds(BTreeMap<i64, i64>);

impl Holds {
    /// Since the database was opened.
    pub(super) fn of(target: &mut Target) -> Outcome<Self> {
        let mut rows = Rows::default();
        target.execute(QUERY, &mut rows)?;
        let bucket = |row: &Vec<Value>| match row.as_slice() {
            [Value::Int8(longest), Value::Int8(count)] => Some((*longest, *count)),
            _ => None,
        };
        Ok(Self(rows.rows.iter().filter_map(bucket).collect()))
    }

    /// Without those that were counted before.
    pub(super) fn since(mut self, before: &Self) -> Self {
        for (longest, count) in &mut self.0 {
            *count -= before.0.get(longest).copied().unwrap_or_default();
        }
        self
    }

    /// The time in microseconds that `share` of them (0 to 1) did not exceed.
    pub(super) fn quantile_us(&self, share: f64) -> Option<u64> {
        let all: i64 = self.0.values().sum();
        let wanted = (share * all as f64).ceil() as i64;
        let mut seen = 0;
        let found = self.0.iter().find(|(_, count)| {
            seen += **count;
            all > 0 && seen >= wanted
        });
        found.map(|(longest, _)| *longest as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_before_does_not_count() {
        let before = Holds(BTreeMap::from([(1, 10), (1_000, 90)]));
        let after = Holds(BTreeMap::from([(1, 108), (9, 1), (1_000, 91)]));
        let between = after.since(&before);
        let quantile = |share| between.quantile_us(share);
        assert_eq!([0.5, 0.98, 0.99, 1.0].map(quantile), [1, 1, 9, 1_000].map(Some));
        assert_eq!(Holds::default().quantile_us(0.99), None);
    }
}
