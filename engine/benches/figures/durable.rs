//! What durability costs and how fast it comes back: autocommit inserts against the raw sync of the same disk, with and
//! without audit log; reads beside a checkpoint; replay, image load and chain verification.
//!
//! Files are made in `SPG_BENCH_DIR`, or in the current directory: what is measured is the disk under it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use spg_engine::disk::RealDisk;
use spg_engine::durability::Files;
use spg_engine::{Database, Options, Value, audit};

use crate::harness::{
    Discard, ROWS, RUNS, Random, Report, fill, quantile_us, row_name, run as execute, seconds,
};

/// How long each turn of the insert figures lasts.
const TURN: Duration = Duration::from_secs(1);

/// Rows written by the log that is replayed.
const REPLAYED_ROWS: u64 = 1_000_000;

/// Rows of one of its commits.
const REPLAYED_COMMIT_ROWS: u64 = 100;

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let above =
            std::env::var_os("SPG_BENCH_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let path = above.join(format!("spg-bench-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory for the files");
        Self(path)
    }

    fn all(&self) -> Files {
        Files::in_directory(&self.0)
    }

    fn without_audit(&self) -> Files {
        Files { audit: None, ..self.all() }
    }
}

fn open(files: Files) -> Arc<Database> {
    Database::open_files(&Options::default(), files).expect("the database opens")
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn run(report: &mut Report) {
    inserts(report);
    checkpoint(report);
    replay(report);
    image(report);
}

/// Overwrites 512 bytes after 512 bytes of a file of zeros, syncing each: answers how many a second.
fn raw_syncs(file: &File) -> f64 {
    let bytes = [7_u8; 512];
    let began = Instant::now();
    let mut count = 0_u64;
    while began.elapsed() < TURN {
        file.write_all_at(&bytes, count % 16_384 * 512).expect("write");
        file.sync_data().expect("sync");
        count += 1;
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// A prepared single-row insert after the other: answers how many a second.
fn durable_inserts(database: &Arc<Database>, next: &mut i64) -> f64 {
    let mut session = database.session();
    let insert = session.prepare("INSERT INTO rows VALUES ($1, $2, $3)").expect("prepare");
    let began = Instant::now();
    let mut count = 0_u64;
    while began.elapsed() < TURN {
        *next += 1;
        let name = Value::Text(Arc::from(row_name(*next as u64).as_str()));
        let parameters = [Value::Int8(*next), name, Value::Float8(0.5)];
        session.execute_prepared(&insert, &parameters, &mut Discard::default()).expect("insert");
        count += 1;
    }
    count as f64 / began.elapsed().as_secs_f64()
}

fn inserts(report: &mut Report) {
    let scratch = Scratch::new("inserts");
    let with_audit = Scratch::new("audited");
    let raw_path = scratch.0.join("raw");
    let raw = OpenOptions::new().write(true).create(true).truncate(true).open(raw_path);
    let raw = raw.expect("a file for raw syncs");
    raw.write_all_at(&vec![0; 8 << 20], 0).expect("zeros");
    raw.sync_all().expect("sync");
    let databases = [open(scratch.without_audit()), open(with_audit.all())];
    for database in &databases {
        fill(&mut database.session(), 1);
    }
    let (mut next, mut next_audited) = (1, 1);
    let (mut raws, mut logs, mut audits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        raws.push(raw_syncs(&raw));
        logs.push(durable_inserts(&databases[0], &mut next));
        audits.push(durable_inserts(&databases[1], &mut next_audited));
    }
    let raw = report.line("raw sync of 512 overwritten bytes", "/s", &mut raws);
    let log = report.line("durable autocommit INSERT, log, 1 thread", "/s", &mut logs);
    report.ratio("of raw sync", log / raw);
    let audited = report.line("the same, log and audit log", "/s", &mut audits);
    report.ratio("audit on / off", audited / log);
    for threads in [8, 32, 64] {
        let (mut logs, mut audits) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            logs.push(threaded_inserts(&databases[0], threads, &mut next));
            audits.push(threaded_inserts(&databases[1], threads, &mut next_audited));
        }
        let what = format!("durable autocommit INSERT, log, {threads} threads");
        let log = report.line(&what, "/s", &mut logs);
        let audited = report.line("the same, log and audit log", "/s", &mut audits);
        report.ratio("audit on / off", audited / log);
    }
}

/// Inserts of several threads at once: how many a second together.
fn threaded_inserts(database: &Arc<Database>, threads: i64, next: &mut i64) -> f64 {
    let from = *next + 1;
    *next += threads * 10_000_000;
    let began = Instant::now();
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let spawn =
            |thread: i64| scope.spawn(move || insert_until(database, from + thread * 10_000_000));
        let handles: Vec<_> = (0..threads).map(spawn).collect();
        handles.into_iter().map(|handle| handle.join().expect("a thread inserts")).collect()
    });
    counts.iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64()
}

fn insert_until(database: &Arc<Database>, from: i64) -> u64 {
    let mut session = database.session();
    let insert = session.prepare("INSERT INTO rows VALUES ($1, $2, $3)").expect("prepare");
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < TURN {
        let id = from + count;
        let name = Value::Text(Arc::from(row_name(id as u64).as_str()));
        let parameters = [Value::Int8(id), name, Value::Float8(0.5)];
        session.execute_prepared(&insert, &parameters, &mut Discard::default()).expect("insert");
        count += 1;
    }
    count as u64
}

/// Point reads for a while: the slowest of a hundred and of a thousand.
fn read_latencies(database: &Arc<Database>, ends: &AtomicBool, least: Duration) -> (f64, f64, f64) {
    let mut session = database.session();
    let read = session.prepare("SELECT name FROM rows WHERE id = $1").expect("prepare");
    let mut random = Random::new(9);
    let mut samples = Vec::new();
    let began = Instant::now();
    while began.elapsed() < least || !ends.load(Ordering::Relaxed) {
        let key = [Value::Int8(random.below(ROWS) as i64)];
        let one = Instant::now();
        session.execute_prepared(&read, &key, &mut Discard::default()).expect("read");
        samples.push(one.elapsed());
    }
    let rate = samples.len() as f64 / began.elapsed().as_secs_f64();
    (quantile_us(&mut samples, 0.99), quantile_us(&mut samples, 0.999), rate)
}

fn checkpoint(report: &mut Report) {
    let scratch = Scratch::new("checkpoint");
    let database = open(Files { checkpoint_wal_bytes: u64::MAX, ..scratch.without_audit() });
    let mut writer = database.session();
    fill(&mut writer, ROWS);
    let (mut alone, mut beside, mut took) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS as i64 {
        alone.push(read_latencies(&database, &AtomicBool::new(true), TURN).0);
        execute(&mut writer, &format!("UPDATE rows SET score = 0 WHERE id = {run}"));
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                took.push(seconds(|| database.checkpoint().expect("checkpoint")));
                ends.store(true, Ordering::Relaxed);
            });
            beside.push(read_latencies(&database, &ends, Duration::ZERO).0);
        });
    }
    let alone = report.line("point reads alone, p99", "us", &mut alone);
    let beside = report.line("point reads beside CHECKPOINT of 1M rows, p99", "us", &mut beside);
    report.ratio("beside / alone", beside / alone);
    report.line("that CHECKPOINT", "s", &mut took);
}

/// What a killed process leaves is made by leaving the database open and copying its files.
fn copy(from: &Path, to: &Scratch) {
    for entry in std::fs::read_dir(from).expect("the directory").flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "lock") {
            std::fs::copy(entry.path(), to.0.join(entry.file_name())).expect("copy");
        }
    }
}

fn replay(report: &mut Report) {
    let scratch = Scratch::new("replay");
    let never = Duration::from_hours(24);
    let files = || Files {
        checkpoint_wal_bytes: u64::MAX,
        checkpoint_interval: never,
        wal_segment_bytes: 16 << 20,
        ..scratch.without_audit()
    };
    let database = open(files());
    let mut session = database.session();
    fill(&mut session, 0);
    execute(&mut session, "SET synchronous_commit = off");
    let insert = session.prepare("INSERT INTO rows VALUES ($1, $2, $3)").expect("prepare");
    for commit in 0..REPLAYED_ROWS / REPLAYED_COMMIT_ROWS {
        execute(&mut session, "BEGIN");
        for place in 0..REPLAYED_COMMIT_ROWS {
            let id = commit * REPLAYED_COMMIT_ROWS + place;
            let name = Value::Text(Arc::from(row_name(id).as_str()));
            let parameters = [Value::Int8(id as i64), name, Value::Float8(0.5)];
            session
                .execute_prepared(&insert, &parameters, &mut Discard::default())
                .expect("insert");
        }
        execute(&mut session, "COMMIT");
    }
    execute(&mut session, "SET synchronous_commit = on");
    execute(&mut session, "DELETE FROM rows WHERE id = 0");
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let killed = Scratch::new("killed");
        copy(&scratch.0, &killed);
        let files = Files { audit: None, checkpoint_wal_bytes: u64::MAX, ..killed.all() };
        let mut opened = None;
        let spent = seconds(|| opened = Some(open(files)));
        rates.push(REPLAYED_ROWS as f64 / spent);
        let mut session = opened.expect("it was opened").session();
        let count = execute(&mut session, "SELECT count(*) FROM rows").rows;
        assert_eq!(count, [[Value::Int8(REPLAYED_ROWS as i64 - 1)]], "everything was replayed");
    }
    report.line("replay of a log, commits of 100 rows", "rows/s", &mut rates);
}

fn image(report: &mut Report) {
    let scratch = Scratch::new("image");
    {
        let database = open(scratch.all());
        let mut session = database.session();
        fill(&mut session, ROWS);
        for id in 0..20_000 {
            execute(&mut session, "BEGIN");
            execute(&mut session, &format!("UPDATE rows SET score = 1 WHERE id = {id}"));
            execute(&mut session, "SET LOCAL synchronous_commit = off");
            execute(&mut session, "COMMIT");
        }
    }
    let image_bytes = std::fs::metadata(scratch.0.join("spg.db")).expect("the image").len();
    let (mut rows, mut bytes, mut verified) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut opened = None;
        let spent = seconds(|| opened = Some(open(scratch.all())));
        rows.push(ROWS as f64 / spent);
        bytes.push(image_bytes as f64 / 1e6 / spent);
        drop(opened);
        let path = scratch.0.join("audit.log");
        let length = std::fs::metadata(&path).expect("the audit log").len();
        let spent = seconds(|| {
            audit::verify(&RealDisk, &path, None, None).expect("the chain verifies");
        });
        verified.push(length as f64 / 1e6 / spent);
    }
    report.line("open from an image of 1M rows, key and all", "rows/s", &mut rows);
    report.line("the same", "MB/s", &mut bytes);
    report.line("audit chain verified", "MB/s", &mut verified);
}
