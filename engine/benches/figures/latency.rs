//! What another session's autocommit waits beside CREATE INDEX and beside the COMMIT of a transaction of 1M rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use spg_engine::Value;
use spg_engine::database::Database;

use crate::harness::{
    Discard, ROWS, Random, Report, database, fill, insert_rows, quantile_us, run as execute,
};

pub(crate) fn run(report: &mut Report) {
    let database = database();
    fill(&mut database.session(), ROWS);
    execute(&mut database.session(), "CREATE TABLE other (id INT PRIMARY KEY, x INT)");
    execute(&mut database.session(), "INSERT INTO other VALUES (1, 0)");
    let mut alone = beside(&database, |_| std::thread::sleep(Duration::from_secs(1)));
    report.line("p99 of an autocommit, nothing beside", "us", &mut [quantile_us(&mut alone, 0.99)]);
    let mut samples = beside(&database, |database| {
        execute(&mut database.session(), "CREATE INDEX rows_name ON rows (name)");
        execute(&mut database.session(), "CREATE INDEX rows_score ON rows (score)");
    });
    line(report, "beside CREATE INDEX on 1M rows", &mut samples);
    execute(&mut database.session(), "DROP INDEX rows_name");
    execute(&mut database.session(), "DROP INDEX rows_score");
    let mut samples =
        beside(&database, |database| insert_rows(&mut database.session(), ROWS..2 * ROWS));
    line(report, "beside a transaction of 1M rows", &mut samples);
}

fn line(report: &mut Report, what: &str, samples: &mut [Duration]) {
    report.line(
        &format!("p99 of an autocommit on that table {what}"),
        "ms",
        &mut [quantile_us(samples, 0.99) / 1e3],
    );
    report.line("  longest", "ms", &mut [quantile_us(samples, 1.0) / 1e3]);
}

/// Latencies of autocommits by this thread, on the same table, while `work` runs on another.
fn beside(database: &Arc<Database>, work: impl FnOnce(&Arc<Database>) + Send) -> Vec<Duration> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            work(database);
            done.store(true, Ordering::Release);
        });
        let mut session = database.session();
        let update =
            session.prepare("UPDATE rows SET score = score + 1 WHERE id = $1").expect("prepare");
        let mut random = Random::new(4);
        let mut samples = Vec::new();
        while !done.load(Ordering::Acquire) {
            let start = Instant::now();
            let key = [Value::Int8(random.below(ROWS) as i64)];
            session.execute_prepared(&update, &key, &mut Discard::default()).expect("update");
            samples.push(start.elapsed());
            std::thread::sleep(Duration::from_micros(200));
        }
        samples
    })
}
