//! Whole statements: row locks, restarts, conflicts and commits of sessions side by side.

use std::sync::Arc;

use shuttle::thread;
use spg_engine::session::{Rows, Session};
use spg_engine::{Database, Options, Result, SqlState, Value};

use crate::broken::break_as_asked;
use crate::explore;

const SESSIONS: usize = 3;

fn run(session: &mut Session, text: &str) -> Result<Vec<Vec<Value>>> {
    let mut rows = Rows::default();
    session.execute(text, &[], &mut rows).map(|_| rows.rows)
}

fn number(session: &mut Session, text: &str) -> i64 {
    match run(session, text).unwrap().as_slice() {
        [row] => match row.as_slice() {
            [Value::Int8(number)] => *number,
            other => panic!("{text}: {other:?}"),
        },
        other => panic!("{text}: {other:?}"),
    }
}

/// A table with two rows of 0.
fn database() -> Arc<Database> {
    let database = Database::open(Options::default()).unwrap();
    let mut session = database.session();
    run(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, n BIGINT)").unwrap();
    run(&mut session, "INSERT INTO t VALUES (1, 0), (2, 0)").unwrap();
    database
}

/// Runs statements as one transaction until it commits; answers how often it did not.
fn transact(session: &mut Session, level: &str, texts: &[&str]) -> usize {
    for attempt in 0.. {
        run(session, &format!("BEGIN ISOLATION LEVEL {level}")).unwrap();
        let done = texts.iter().try_for_each(|text| run(session, text).map(drop));
        let error = match done.and_then(|()| run(session, "COMMIT").map(drop)) {
            Ok(()) => return attempt,
            Err(error) => error,
        };
        let may_retry = [SqlState::SerializationFailure, SqlState::DeadlockDetected];
        assert!(may_retry.contains(&error.sqlstate()), "{error}");
        let _ = run(session, "ROLLBACK");
        thread::yield_now();
    }
    unreachable!("attempts do not end")
}

/// Everybody adds one to both rows, half of them the other way round.
fn count(level: &'static str) {
    break_as_asked();
    let database = database();
    let mut threads = Vec::new();
    for place in 0..SESSIONS {
        let database = Arc::clone(&database);
        threads.push(thread::spawn(move || {
            let mut session = database.session();
            let texts = [1, 2].map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id}"));
            let mut texts = [texts[0].as_str(), texts[1].as_str()];
            if place == 0 {
                texts.reverse();
            }
            transact(&mut session, level, &texts);
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let mut session = database.session();
    let total = number(&mut session, "SELECT sum(n)::BIGINT FROM t");
    assert_eq!(total, 2 * SESSIONS as i64, "an update is lost");
    assert_eq!(number(&mut session, "SELECT count(*) FROM spg_locks"), 0);
}

#[test]
fn no_update_is_lost_at_read_committed() {
    explore(|| count("READ COMMITTED"));
}

#[test]
fn no_update_is_lost_at_repeatable_read() {
    explore(|| count("REPEATABLE READ"));
}

/// Everybody makes the one row larger that is not, if the other is not either: serially only one does.
fn skew() {
    break_as_asked();
    let database = database();
    let mut threads = Vec::new();
    for id in 1..=2 {
        let database = Arc::clone(&database);
        threads.push(thread::spawn(move || {
            let mut session = database.session();
            let text = format!("UPDATE t SET n = 1 WHERE id = {id} AND (SELECT sum(n) FROM t) = 0");
            transact(&mut session, "SERIALIZABLE", &[&text]);
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let total = number(&mut database.session(), "SELECT sum(n)::BIGINT FROM t");
    assert_eq!(total, 1, "both have seen the other's row before");
}

#[test]
fn serializable_transactions_run_one_after_the_other() {
    explore(skew);
}
