//! What statements cost: `spg_stat_statements`, and the log's slow statements.
//!
//! A prepared statement counts by itself, in [`Counters`] that only its session writes. They are added up by normalized text
//! when somebody looks, and kept in [`Statistics`] when the prepared statement goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::parser::normalize;
use crate::system::live::StatementState;

/// Locks among which normalized texts are divided.
const SHARDS: usize = 16;

/// Texts that a shard keeps; the one that was executed least makes room.
const SHARD_TEXTS_MAX: usize = 64;

/// Bytes of a normalized text that are kept.
const TEXT_BYTES_MAX: usize = 1_024;

/// A statement that takes less on average is timed one time in [`SAMPLE`] only: a clock costs more than its share of it.
const ALWAYS_TIMED_NS: u64 = 20_000;

/// Of statements that are short.
const SAMPLE: u64 = 16;

/// The first executions are timed all.
const FIRST_CALLS: u64 = 16;

/// Bytes of a statement's text in the log.
const LOGGED_BYTES_MAX: usize = 4_096;

/// The executions of one prepared statement. Written by its session alone, so a load and a store are enough.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Its text.
    pub(super) text: Arc<str>,
    /// Its number among the session's.
    pub(super) number: u64,
    statistics: Arc<Statistics>,
    calls: AtomicU64,
    rows: AtomicU64,
    failures: AtomicU64,
    timed_calls: AtomicU64,
    timed_ns: AtomicU64,
    max_ns: AtomicU64,
}

/// All that has been counted under one normalized text.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    calls: u64,
    rows: u64,
    failures: u64,
    timed_calls: u64,
    timed_ns: u64,
    max_ns: u64,
}

/// What prepared statements that are gone have counted, by normalized text.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    shards: [Mutex<HashMap<String, Totals>>; SHARDS],
}

fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}

impl Counters {
    pub(super) fn new(text: &Arc<str>, number: u64, statistics: &Arc<Statistics>) -> Self {
        Self {
            text: Arc::clone(text),
            number,
            statistics: Arc::clone(statistics),
            calls: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            timed_calls: AtomicU64::new(0),
            timed_ns: AtomicU64::new(0),
            max_ns: AtomicU64::new(0),
        }
    }

    /// An execution begins; answers when, if it is to be timed.
    #[inline]
    pub(super) fn begin(&self, is_timed: bool) -> Option<Instant> {
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls.wrapping_add(1), Ordering::Relaxed);
        let is_timed = is_timed
            || calls < FIRST_CALLS
            || calls.is_multiple_of(SAMPLE)
            || self.timed_ns.load(Ordering::Relaxed)
                >= self.timed_calls.load(Ordering::Relaxed) * ALWAYS_TIMED_NS;
        is_timed.then(Instant::now)
    }

    /// It has ended: with so many rows, or failed. Answers how long it took, if it was timed.
    #[inline]
    pub(super) fn end(&self, began: Option<Instant>, rows: Option<u64>) -> Option<Duration> {
        match rows {
            Some(0) => {}
            Some(rows) => add(&self.rows, rows),
            None => add(&self.failures, 1),
        }
        let elapsed = began?.elapsed();
        let nanoseconds = elapsed.as_nanos() as u64;
        add(&self.timed_calls, 1);
        add(&self.timed_ns, nanoseconds);
        if nanoseconds > self.max_ns.load(Ordering::Relaxed) {
            self.max_ns.store(nanoseconds, Ordering::Relaxed);
        }
        Some(elapsed)
    }

    fn totals(&self) -> Totals {
        Totals {
            calls: self.calls.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            timed_calls: self.timed_calls.load(Ordering::Relaxed),
            timed_ns: self.timed_ns.load(Ordering::Relaxed),
            max_ns: self.max_ns.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        let totals = self.totals();
        if totals.calls != 0 {
            self.statistics.keep(normalize(&self.text, TEXT_BYTES_MAX), totals);
        }
    }
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.rows += other.rows;
        self.failures += other.failures;
        self.timed_calls += other.timed_calls;
        self.timed_ns += other.timed_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }
}

/// FNV-1a: the same number for the same text at every start.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The number of a normalized text.
fn query_id(text: &str) -> i64 {
    hash(text) as i64
}

impl Counters {
    /// The number under which it is counted.
    pub(super) fn query_id(&self) -> i64 {
        query_id(&normalize(&self.text, TEXT_BYTES_MAX))
    }
}

impl Statistics {
    fn keep(&self, text: String, totals: Totals) {
        let shard = &self.shards[hash(&text) as usize % SHARDS];
        // A count that is half changed is a count all the same.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = shard.get_mut(&text) {
            kept.add(&totals);
            return;
        }
        if shard.len() >= SHARD_TEXTS_MAX {
            let least = shard.iter().min_by_key(|(_, totals)| totals.calls);
            if let Some(least) = least.map(|(text, _)| text.clone()) {
                shard.remove(&least);
            }
        }
        shard.insert(text, totals);
    }

    /// All that was counted, by normalized text, those of `live` statements added.
    pub(super) fn states(&self, live: &[Arc<Counters>]) -> Vec<StatementState> {
        let mut all: HashMap<String, Totals> = HashMap::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            all.extend(shard);
        }
        for counters in live {
            let totals = counters.totals();
            if totals.calls != 0 {
                all.entry(normalize(&counters.text, TEXT_BYTES_MAX)).or_default().add(&totals);
            }
        }
        let mut states: Vec<StatementState> =
            all.into_iter().map(|(text, totals)| state(text, &totals)).collect();
        states.sort_unstable_by(|left, right| left.text.cmp(&right.text));
        states
    }
}

fn state(text: String, totals: &Totals) -> StatementState {
    let milliseconds = |nanoseconds: f64| nanoseconds / 1e6;
    let mean = totals.timed_ns as f64 / totals.timed_calls.max(1) as f64;
    StatementState {
        id: query_id(&text),
        text,
        calls: totals.calls as i64,
        rows: totals.rows as i64,
        failures: totals.failures as i64,
        timed_calls: totals.timed_calls as i64,
        total_ms: milliseconds(mean * totals.calls as f64),
        mean_ms: milliseconds(mean),
        max_ms: milliseconds(totals.max_ns as f64),
    }
}

/// Says in the log that a statement of session `pid` was slow: its text, which has no parameter's value in it, on one line.
#[cold]
pub(super) fn log_slow(pid: i32, text: &str, elapsed: Duration) {
    let milliseconds = elapsed.as_secs_f64() * 1_000.0;
    let cut = text.floor_char_boundary(LOGGED_BYTES_MAX);
    let shown: String = text[..cut]
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    let more = if cut < text.len() { "..." } else { "" };
    log::info!("pid: {pid}  duration: {milliseconds:.3} ms  statement: {shown}{more}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(statistics: &Arc<Statistics>, text: &str, calls: u64) -> Arc<Counters> {
        let counters = Arc::new(Counters::new(&Arc::from(text), 1, statistics));
        for _ in 0..calls {
            let began = counters.begin(false);
            counters.end(began, Some(2));
        }
        counters
    }

    #[test]
    fn counts_of_one_shape_are_added_up_and_outlive_their_statement() {
        let statistics = Arc::new(Statistics::default());
        drop(run(&statistics, "SELECT 1", 3));
        let live = run(&statistics, "SELECT 2", 4);
        live.end(live.begin(false), None);
        let states = statistics.states(std::slice::from_ref(&live));
        assert_eq!(states.len(), 1, "{states:?}");
        let state = &states[0];
        assert_eq!((state.text.as_str(), state.calls, state.rows), ("SELECT $1", 8, 14));
        assert_eq!((state.failures, state.timed_calls), (1, 8));
        assert!(state.max_ms >= state.mean_ms && state.mean_ms > 0.0, "{state:?}");
    }

    #[test]
    fn short_statements_are_timed_now_and_then() {
        let statistics = Arc::new(Statistics::default());
        let counters = Counters::new(&Arc::from("x"), 1, &statistics);
        let timed = (0..1_616).filter(|_| {
            let began = counters.begin(false);
            // As if it had taken no time at all.
            if began.is_some() {
                add(&counters.timed_calls, 1);
            }
            began.is_some()
        });
        assert_eq!(timed.count(), 116);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let statistics = Arc::new(Statistics::default());
        drop(run(&statistics, "often", 5));
        for number in 0..5_000 {
            drop(run(&statistics, &format!("SELECT column_{number}"), 1));
        }
        let states = statistics.states(&[]);
        assert!(states.len() <= SHARDS * SHARD_TEXTS_MAX, "{}", states.len());
        assert!(states.iter().any(|state| state.text == "often"));
        let long = "x".repeat(TEXT_BYTES_MAX * 2);
        drop(run(&statistics, &long, 9));
        assert!(statistics.states(&[]).iter().all(|state| state.text.len() <= TEXT_BYTES_MAX));
    }
}
