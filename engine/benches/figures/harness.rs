//! What every figure shares: a generator of keys, rows, medians, and the table that is printed.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spg_engine::database::{Database, Options};
use spg_engine::session::{RowSink, Rows, Session};
use spg_engine::storage::batch::Batch;
use spg_engine::{Result, Value};

/// Runs of each figure; the median is printed.
pub(crate) const RUNS: usize = 5;

/// Rows of the table that most figures work on.
pub(crate) const ROWS: u64 = 1_000_000;

/// The `SplitMix64` generator: a chain of one multiplication a draw, good enough to pick keys.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A float in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Prints a line a figure.
pub(crate) struct Report {
    out: std::io::Stdout,
}

impl Report {
    pub(crate) fn new() -> Self {
        let mut report = Self { out: std::io::stdout() };
        report.print(&format!("{:<58} {:>14} {:>24}   unit", "figure", "median", "min .. max"));
        report
    }

    /// Prints the median of `samples` and answers it.
    pub(crate) fn line(&mut self, figure: &str, unit: &str, samples: &mut [f64]) -> f64 {
        samples.sort_by(f64::total_cmp);
        let median = samples[samples.len() / 2];
        let spread = format!("{} .. {}", short(samples[0]), short(samples[samples.len() - 1]));
        self.print(&format!("{figure:<58} {:>14} {spread:>24}   {unit}", short(median)));
        median
    }

    /// Prints how SPG stands to a peer.
    pub(crate) fn ratio(&mut self, what: &str, ratio: f64) {
        self.print(&format!("{:<58} {:>14}", format!("  = {what}"), format!("{ratio:.2}x")));
    }

    fn print(&mut self, line: &str) {
        writeln!(self.out, "{line}").expect("standard output takes the report");
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        magnitude if magnitude >= 100_000.0 => format!("{:.0}k", value / 1000.0),
        magnitude if magnitude >= 100.0 => format!("{value:.0}"),
        magnitude if magnitude >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// The 16 characters of name of row `id`.
pub(crate) fn row_name(id: u64) -> String {
    format!("name-{id:011}")
}

/// A new database.
pub(crate) fn database() -> Arc<Database> {
    Database::open(Options::default()).expect("an empty database opens")
}

/// Runs one statement and answers its rows.
pub(crate) fn run(session: &mut Session, text: &str) -> Rows {
    let mut rows = Rows::default();
    session.execute(text, &[], &mut rows).expect(text);
    rows
}

/// `rows(id BIGINT PRIMARY KEY, name TEXT, score DOUBLE PRECISION)` with `count` rows, filled in one transaction.
pub(crate) fn fill(session: &mut Session, count: u64) {
    run(
        session,
        "CREATE TABLE rows (id BIGINT PRIMARY KEY, name TEXT NOT NULL, score DOUBLE PRECISION NOT NULL)",
    );
    insert_rows(session, 0..count);
}

/// Inserts those ids in one transaction by a prepared statement.
pub(crate) fn insert_rows(session: &mut Session, ids: std::ops::Range<u64>) {
    let insert = session.prepare("INSERT INTO rows VALUES ($1, $2, $3)").expect("prepare");
    run(session, "BEGIN");
    for id in ids {
        let parameters = [
            Value::Int8(id as i64),
            Value::Text(Arc::from(row_name(id).as_str())),
            Value::Float8(id as f64 * 0.5),
        ];
        session.execute_prepared(&insert, &parameters, &mut Discard::default()).expect("insert");
    }
    run(session, "COMMIT");
}

/// A sink that looks at every value, as a client would, and keeps none.
#[derive(Default)]
pub(crate) struct Discard {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl RowSink for Discard {
    fn columns(&mut self, _: &[spg_engine::binder::bound::OutputColumn]) -> Result<()> {
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.rows += batch.len() as u64;
        for place in 0..batch.len() {
            for column in 0..batch.columns.len() {
                self.bytes += match batch.value(column, place) {
                    spg_engine::ValueRef::Text(text) => text.len() as u64,
                    other => u64::from(!other.is_null()),
                };
            }
        }
        Ok(())
    }

    fn notice(&mut self, _: &spg_engine::session::Notice) {}
}

/// Calls `operation` until `limit` has passed; answers calls per second.
pub(crate) fn rate(limit: Duration, mut operation: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0u64;
    loop {
        for _ in 0..256 {
            operation();
        }
        calls += 256;
        let spent = start.elapsed();
        if spent >= limit {
            return calls as f64 / spent.as_secs_f64();
        }
    }
}

/// Seconds that `operation` takes.
pub(crate) fn seconds(operation: impl FnOnce()) -> f64 {
    let start = Instant::now();
    operation();
    start.elapsed().as_secs_f64()
}

/// The `quantile` (0..=1) of some durations, in microseconds.
pub(crate) fn quantile_us(samples: &mut [Duration], quantile: f64) -> f64 {
    samples.sort_unstable();
    let place = ((samples.len() - 1) as f64 * quantile).round() as usize;
    samples[place].as_secs_f64() * 1e6
}

/// Resident set size of this process, bytes.
pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc/self/statm");
    let pages: u64 =
        text.split_whitespace().nth(1).and_then(|field| field.parse().ok()).expect("pages");
    pages * 4096
}
