//! Ending statements and transactions that take too long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{check, database, fails, notices, number, ok, run};
use spg_engine::session::{Notice, RowSink, Session, Timeout};
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
    use spg_engine::executor::interrupt::{Deadline, Interrupt};
    use spg_engine::transaction::writer_lock::WriterLock;
    let lock = WriterLock::new(());
    let _held = lock.lock(None, &Interrupt::default()).unwrap();
    let started = Instant::now();
    let error = lock.lock(Some(Duration::from_millis(30)), &Interrupt::default()).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::LockNotAvailable);
    assert!(started.elapsed() >= Duration::from_millis(30));
    let over = Deadline { at: Instant::now(), timeout: Timeout::Statement };
    let late = Interrupt::new(std::sync::Arc::default(), Some(over));
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
    // What the client has sent already is not run outside of the block.
    fails(&mut a, "INSERT INTO t VALUES (6000)", "25P02");
    check(&mut a, "COMMIT", "ROLLBACK");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
    // The setting was made in the transaction and went with it.
    check(&mut a, "SHOW idle_in_transaction_session_timeout", "1h\nSHOW");
    ok(&mut a, "BEGIN");
    ok(&mut a, "DELETE FROM t");
    let now = Instant::now();
    assert_eq!(a.expire(now), None);
    assert_eq!(a.expire(now + Duration::from_hours(2)), Some(Timeout::Idle));
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
    assert_eq!(a.expire(now + Duration::from_hours(2)), None);
}

#[test]
fn a_transaction_expires_idle_or_not() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    with_rows(&mut a);
    let now = Instant::now();
    let after = |minutes| now + Duration::from_mins(minutes);
    for (setting, timeout, name) in [
        ("transaction_timeout", Timeout::Transaction, "transaction timeout"),
        ("max_snapshot_age", Timeout::SnapshotAge, "the age of its snapshot (max_snapshot_age)"),
    ] {
        let code = timeout.sqlstate().code();
        let said = format!("{code}: terminating transaction due to {name}");
        ok(&mut a, &format!("SET {setting} = '10min'"));
        // It counts from the beginning, whatever is done meanwhile.
        ok(&mut a, "BEGIN ISOLATION LEVEL REPEATABLE READ");
        ok(&mut a, "DELETE FROM t WHERE id = 1");
        let first = a.deadline().unwrap();
        assert!(first.at >= after(10) && first.timeout == timeout);
        std::thread::sleep(Duration::from_millis(2));
        ok(&mut a, "SELECT 1 FROM t");
        assert_eq!(a.deadline(), Some(first));
        assert_eq!(a.expire(after(9)), None);
        assert_eq!(a.expire(first.at), Some(timeout));
        assert_eq!(number(&mut b, "SELECT count(*) FROM t"), 1_000);
        // A running statement is ended too, in a block and alone.
        ok(&mut a, "BEGIN");
        ok(&mut a, &format!("SET LOCAL {setting} = '40ms'"));
        check(&mut a, ENDLESS, &said);
        fails(&mut a, "SELECT 1", "25P02");
        check(&mut a, "ROLLBACK", "ROLLBACK");
        ok(&mut a, &format!("SET {setting} = '40ms'"));
        check(&mut a, ENDLESS, &said);
        ok(&mut a, &format!("RESET {setting}"));
        assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
    }
}

/// At READ COMMITTED each statement sees a version of its own, and keeps it until the next only if it has changed something.
#[test]
fn a_snapshot_s_age_begins_anew_with_each_statement_of_read_committed() {
    let database = database();
    let mut a = database.session();
    with_rows(&mut a);
    ok(&mut a, "SET max_snapshot_age = '10min'");
    ok(&mut a, "BEGIN ISOLATION LEVEL READ COMMITTED");
    assert_eq!(a.deadline().map(|deadline| deadline.timeout), Some(Timeout::Idle));
    ok(&mut a, "SELECT 1 FROM t");
    // Between two statements it keeps nothing.
    assert_eq!(a.deadline().map(|deadline| deadline.timeout), Some(Timeout::Idle));
    fails(&mut a, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "25001");
    for statement in ["ROLLBACK", "BEGIN ISOLATION LEVEL READ COMMITTED", "SAVEPOINT s"] {
        ok(&mut a, statement);
    }
    ok(&mut a, "DELETE FROM t WHERE id = -1");
    assert_eq!(a.deadline().map(|deadline| deadline.timeout), Some(Timeout::Idle));
    // But for what its own changes rest on.
    ok(&mut a, "DELETE FROM t WHERE id = 1");
    let first = a.deadline().unwrap();
    assert_eq!(first.timeout, Timeout::SnapshotAge);
    std::thread::sleep(Duration::from_millis(2));
    ok(&mut a, "SELECT 1 FROM t");
    assert!(a.deadline().unwrap().at > first.at);
    ok(&mut a, "ROLLBACK TO s");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1_000);
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
