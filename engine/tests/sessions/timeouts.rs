//! Ending statements and transactions that take too long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{check, database, fails, notices, number, ok, run};
use spg_engine::session::{Notice, RowSink, Session};
use spg_engine::storage::batch::Batch;
use spg_engine::{Options, Result, SqlState};

/// Enough rows that a product of three of these tables never ends.
fn with_rows(session: &mut Session) {
    ok(session, "CREATE TABLE t (id INT PRIMARY KEY)");
    let rows: Vec<String> = (0..1_000).map(|id| format!("({id})")).collect();
    ok(session, &format!("INSERT INTO t VALUES {}", rows.join(", ")));
}

const ENDLESS: &str = "SELECT count(*) FROM t a, t b, t c WHERE a.id + b.id + c.id = -1";

#[test]
fn statement_timeout_and_cancel() {
    let database = database();
    let mut a = database.session();
    with_rows(&mut a);
    ok(&mut a, "SET statement_timeout = '50ms'");
    check(&mut a, ENDLESS, "57014: canceling statement due to statement timeout");
    ok(&mut a, "SET statement_timeout = 0");
    let canceller = a.canceller();
    // A cancel while nothing runs does nothing.
    canceller.cancel();
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                canceller.cancel();
                std::thread::yield_now();
            }
        });
        check(&mut a, ENDLESS, "57014: canceling statement due to user request");
        done.store(true, Ordering::Relaxed);
    });
}

/// Nothing that a session does holds the writer lock for long, so the lock is asked directly.
#[test]
fn lock_timeout_ends_a_wait_for_the_writer_lock() {
    use spg_engine::executor::interrupt::Interrupt;
    use spg_engine::transaction::writer_lock::WriterLock;
    let lock = WriterLock::new(());
    let _held = lock.lock(None, &Interrupt::default()).unwrap();
    let started = Instant::now();
    let error = lock.lock(Some(Duration::from_millis(30)), &Interrupt::default()).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::LockNotAvailable);
    assert!(started.elapsed() >= Duration::from_millis(30));
    let late = Interrupt::new(std::sync::Arc::default(), Some(Instant::now()));
    assert_eq!(lock.lock(None, &late).unwrap_err().sqlstate(), SqlState::QueryCanceled);
}

#[test]
fn an_idle_transaction_expires() {
    let database = database();
    let mut a = database.session();
    with_rows(&mut a);
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (5000)");
    ok(&mut a, "SET idle_in_transaction_session_timeout = '1ms'");
    std::thread::sleep(Duration::from_millis(5));
    fails(&mut a, "SELECT 1", "25P03");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
    // The setting was made in the transaction and went with it.
    check(&mut a, "SHOW idle_in_transaction_session_timeout", "1h\nSHOW");
    ok(&mut a, "BEGIN");
    ok(&mut a, "DELETE FROM t");
    let now = Instant::now();
    assert!(!a.expire_if_idle(now));
    assert!(a.expire_if_idle(now + Duration::from_hours(2)));
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
    assert!(!a.expire_if_idle(now + Duration::from_hours(2)));
}

/// A sink that refuses.
struct Refusing;

impl RowSink for Refusing {
    fn columns(&mut self, _: &[spg_engine::binder::bound::OutputColumn]) -> Result<()> {
        Ok(())
    }

    fn batch(&mut self, _: &Batch<'_>) -> Result<()> {
        Err(spg_engine::Error::new(SqlState::ConnectionFailure, "gone"))
    }

    fn notice(&mut self, _: &Notice) {}
}

#[test]
fn an_error_of_the_sink_ends_a_read_and_not_a_commit() {
    let database = database();
    let mut a = database.session();
    with_rows(&mut a);
    let error = a.execute("SELECT * FROM t", &[], &mut Refusing).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::ConnectionFailure);
    ok(&mut a, "BEGIN");
    ok(&mut a, "DELETE FROM t WHERE id = 1");
    assert!(a.execute("SELECT * FROM t", &[], &mut Refusing).is_err());
    fails(&mut a, "SELECT 1", "25P02");
    check(&mut a, "COMMIT", "ROLLBACK");
}

#[test]
fn memory_limits_stop_growth_and_nothing_else() {
    let database = spg_engine::Database::open(Options {
        memory_limit_bytes: Some(200_000),
        ..Options::default()
    })
    .unwrap();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, x TEXT)");
    let full = (0..100_000).find_map(|id| {
        let answer = run(&mut a, &format!("INSERT INTO t VALUES ({id}, '{}')", "x".repeat(100)));
        (answer != "INSERT 0 1").then_some(answer)
    });
    assert_eq!(full.as_deref(), Some("53200: out of memory"));
    fails(&mut a, "UPDATE t SET x = ''", "53200");
    fails(&mut a, "CREATE INDEX ON t (x)", "53200");
    assert!(number(&mut a, "SELECT count(*) FROM t") > 100);
    ok(&mut a, "DELETE FROM t WHERE id < 10");
    ok(&mut a, "TRUNCATE t");
    check(&mut a, "INSERT INTO t VALUES (1, 'x')", "INSERT 0 1");
    ok(&mut a, "SET spg.statement_memory = '64kB'");
    let row = format!("('{}')", "x".repeat(5_000));
    let many = vec![row.as_str(); 100].join(", ");
    fails(&mut a, &format!("SELECT * FROM (VALUES {many}) v ORDER BY 1"), "53200");
}

#[test]
fn settings_follow_the_transaction() {
    let database = database();
    let mut a = database.session();
    assert_eq!(
        notices(&mut a, "SET LOCAL application_name = 'x'")[0].message,
        "SET LOCAL can only be used in transaction blocks"
    );
    check(&mut a, "SHOW application_name", "\nSHOW");
    ok(&mut a, "BEGIN");
    ok(&mut a, "SET application_name = 'one'");
    ok(&mut a, "SAVEPOINT s");
    ok(&mut a, "SET LOCAL application_name = 'two'");
    check(&mut a, "SHOW application_name", "two\nSHOW");
    ok(&mut a, "ROLLBACK TO s");
    check(&mut a, "SHOW application_name", "one\nSHOW");
    ok(&mut a, "ROLLBACK");
    check(&mut a, "SHOW application_name", "\nSHOW");
    fails(&mut a, "SET nothing = 1", "42704");
    fails(&mut a, "SHOW nothing", "42704");
    ok(&mut a, "RESET ALL");
    assert!(ok(&mut a, "SHOW ALL").contains("transaction_isolation|repeatable read|"));
}

#[test]
fn one_statement_grows_by_no_more_than_the_limit_leaves() {
    let options = Options { memory_limit_bytes: Some(4 << 20), ..Options::default() };
    let database = spg_engine::Database::open(options).unwrap();
    let mut a = database.session();
    with_rows(&mut a);
    ok(&mut a, "CREATE TABLE large (x INT, y INT)");
    let text = "INSERT INTO large SELECT a.id, b.id FROM t AS a CROSS JOIN t AS b";
    fails(&mut a, text, "53200");
    assert!(database.gauge().bytes() < 4 << 20);
    assert_eq!(number(&mut a, "SELECT count(*) FROM t AS a CROSS JOIN t AS b"), 1_000_000);
}
