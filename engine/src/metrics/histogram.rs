//! How often something took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each doubling of the time: a quantile is at most a quarter too large.
const STEPS: usize = 4;

/// Doublings of a microsecond: up to 12 days.
const DOUBLINGS: usize = 40;

const BUCKETS: usize = STEPS * DOUBLINGS;

/// Times by how long they were. Any thread adds without waiting.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

/// What a [`Histogram`] had counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// By bucket: the longest time that belongs to it, in microseconds, and how many.
    pub buckets: Vec<(u64, u64)>,
    /// All of them together, in microseconds.
    pub sum_us: u64,
    /// The longest, in microseconds.
    pub max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            sum_us: AtomicU64::new(0),
            max_us: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts one.
    pub fn add(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(microseconds)].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(microseconds, Ordering::Relaxed);
        self.max_us.fetch_max(microseconds, Ordering::Relaxed);
    }

    /// [`Self::add`] where nobody else adds at the same time: no instruction waits for another core.
    pub fn add_alone(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let add = |counter: &AtomicU64, value: u64| {
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
        };
        add(&self.counts[bucket(microseconds)], 1);
        add(&self.sum_us, microseconds);
        if microseconds > self.max_us.load(Ordering::Relaxed) {
            self.max_us.store(microseconds, Ordering::Relaxed);
        }
    }

    /// What was counted until now; buckets without any are left out.
    pub fn times(&self) -> Times {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).enumerate();
        let buckets = counts.filter(|(_, count)| *count != 0);
        Times {
            buckets: buckets.map(|(place, count)| (longest(place), count)).collect(),
            sum_us: self.sum_us.load(Ordering::Relaxed),
            max_us: self.max_us.load(Ordering::Relaxed),
        }
    }
}

impl Times {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The time in microseconds that `share` of them (0 to 1) do not exceed; 0 if there are none.
    pub fn quantile_us(&self, share: f64) -> u64 {
        let wanted = (share * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0, |(longest, _)| (*longest).min(self.max_us))
    }

    /// The mean in microseconds; 0 if there are none.
    pub fn mean_us(&self) -> u64 {
        self.sum_us.checked_div(self.count()).unwrap_or(0)
    }
}

/// Where a time is counted: 0 to 3 each by itself, then four to a doubling.
fn bucket(microseconds: u64) -> usize {
    let Some(doubling) = microseconds.checked_ilog2().filter(|doubling| *doubling >= 2) else {
        return microseconds as usize;
    };
    let step = (microseconds >> (doubling - 2)) as usize & (STEPS - 1);
    (STEPS * (doubling as usize - 1) + step).min(BUCKETS - 1)
}

/// The longest time of a bucket, in microseconds.
fn longest(place: usize) -> u64 {
    if place < STEPS {
        return place as u64;
    }
    let (doubling, step) = (place / STEPS + 1, place % STEPS);
    (((STEPS + step + 1) as u64) << (doubling - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_the_bucket_that_ends_behind_it() {
        for microseconds in (0..5_000).chain([1 << 20, (1 << 30) - 1, 1 << 40]) {
            let place = bucket(microseconds);
            assert!(microseconds <= longest(place), "{microseconds} in {place}");
            assert!(place == 0 || microseconds > longest(place - 1), "{microseconds} in {place}");
            assert!(longest(place) as f64 <= microseconds as f64 * 1.25 + 1.0, "{microseconds}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_those_of_what_was_added() {
        let (histogram, alone) = (Histogram::default(), Histogram::default());
        assert_eq!(histogram.times().quantile_us(0.5), 0);
        for microseconds in 1..=1_000 {
            histogram.add(Duration::from_micros(microseconds));
            alone.add_alone(Duration::from_micros(microseconds));
        }
        assert_eq!(alone.times(), histogram.times());
        let times = histogram.times();
        assert_eq!((times.count(), times.max_us, times.mean_us()), (1_000, 1_000, 500));
        for (share, exact) in [(0.5, 500), (0.9, 900), (0.99, 990), (1.0, 1_000)] {
            let found = times.quantile_us(share);
            assert!(exact <= found && found <= exact + exact / 4, "{share}: {found}");
        }
    }
}
