//! Point reads by key, prepared, over 1M rows, by one and two threads.

use std::sync::Barrier;
use std::time::Duration;

use rusqlite::Connection;
use spg_engine::Value;

use crate::harness::{Discard, ROWS, RUNS, Random, Report, database, fill, rate, row_name};

const SELECT: &str = "SELECT name, score FROM rows WHERE id = $1";
const LIMIT: Duration = Duration::from_millis(1500);

pub(crate) fn run(report: &mut Report) {
    let database = database();
    fill(&mut database.session(), ROWS);
    for threads in [1, 2] {
        let mut ours = Vec::new();
        let mut sqlite = Vec::new();
        let mut lmdb = Vec::new();
        for _ in 0..RUNS {
            ours.push(race(threads, |seed| {
                let mut session = database.session();
                let select = session.prepare(SELECT).expect("prepare");
                let mut random = Random::new(seed);
                let mut sink = Discard::default();
                move || {
                    let key = [Value::Int8(random.below(ROWS) as i64)];
                    session.execute_prepared(&select, &key, &mut sink).expect("read");
                    std::hint::black_box(sink.bytes);
                }
            }));
            lmdb.extend(peer(&[
                "read-lmdb",
                "/tmp/spg-bench-peers",
                "short",
                &threads.to_string(),
            ]));
        }
        for _ in 0..3 {
            sqlite.push(race(threads, |seed| {
                let connection = sqlite_filled();
                let mut random = Random::new(seed);
                move || {
                    let mut statement = connection
                        .prepare_cached("SELECT name, score FROM rows WHERE id = ?1")
                        .expect("prepare");
                    let mut rows = statement.query([random.below(ROWS) as i64]).expect("query");
                    let row = rows.next().expect("step").expect("a row");
                    let name = row.get_ref(0).expect("name").as_str().expect("text").len();
                    let score: f64 = row.get(1).expect("score");
                    std::hint::black_box((name, score));
                }
            }));
        }
        let spg =
            report.line(&format!("point read, {threads} thread(s): SPG"), "reads/s", &mut ours);
        let peer = report.line(
            &format!("point read, {threads} thread(s): SQLite :memory:"),
            "reads/s",
            &mut sqlite,
        );
        report.ratio("SPG / SQLite", spg / peer);
        if !lmdb.is_empty() {
            let peer = report.line(
                &format!("point read, {threads} thread(s): LMDB, a transaction per read"),
                "reads/s",
                &mut lmdb,
            );
            report.ratio("SPG / LMDB", spg / peer);
        }
    }
}

fn sqlite_filled() -> Connection {
    let connection = Connection::open_in_memory().expect("open");
    connection
        .execute_batch(
            "CREATE TABLE rows(id INTEGER PRIMARY KEY, name TEXT NOT NULL, score REAL NOT NULL); BEGIN",
        )
        .expect("create");
    {
        let mut insert =
            connection.prepare("INSERT INTO rows VALUES(?1, ?2, ?3)").expect("prepare");
        for id in 0..ROWS {
            insert.execute((id as i64, row_name(id), id as f64 * 0.5)).expect("insert");
        }
    }
    connection.execute_batch("COMMIT").expect("commit");
    connection
}

/// Runs an operation made by `make` on each thread at once; answers all their calls per second.
fn race<F: FnMut()>(threads: usize, make: impl Fn(u64) -> F + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (barrier, make) = (&barrier, &make);
                scope.spawn(move || {
                    let mut operation = make(thread as u64);
                    for _ in 0..20_000 {
                        operation();
                    }
                    barrier.wait();
                    rate(LIMIT, operation)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("worker")).sum()
    })
}

/// One figure of the peers' own program, if `SPG_PEERS` names it.
fn peer(arguments: &[&str]) -> Option<f64> {
    let program = std::env::var_os("SPG_PEERS")?;
    let output = std::process::Command::new(program)
        .args(arguments)
        .args([&ROWS.to_string(), "1.5"])
        .output()
        .expect("SPG_PEERS names a program that runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let after = text.split("\"per_s\":").nth(1)?;
    after
        .trim_start()
        .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == 'e' || c == '+'))
        .next()?
        .parse()
        .ok()
}
