//! Row locks and READ COMMITTED with sessions that run at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use spg_engine::Database;

use crate::support::{check, database, number, ok, run};

const WORKERS: usize = 16;
const JOBS: i64 = 400;

/// Waits until so many sessions wait for locks.
fn await_waiters(database: &Arc<Database>, count: usize) {
    while database.locks().snapshot().iter().filter(|lock| !lock.granted).count() < count {
        thread::yield_now();
    }
}

/// At each level: every job is taken once, and nobody fails or waits.
#[test]
fn a_queue_of_skip_locked_workers_takes_each_job_once() {
    for level in ["READ COMMITTED", "REPEATABLE READ"] {
        let database = database();
        let mut session = database.session();
        ok(&mut session, "CREATE TABLE jobs (id INT PRIMARY KEY, state INT, runs INT)");
        ok(&mut session, "CREATE INDEX ON jobs (state, id)");
        for id in 0..JOBS {
            ok(&mut session, &format!("INSERT INTO jobs VALUES ({id}, 0, 0)"));
        }
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    let mut worker = database.session();
                    // A wait would end it.
                    ok(&mut worker, "SET lock_timeout = '20s'");
                    while taken.load(Ordering::Relaxed) < JOBS as usize {
                        ok(&mut worker, &format!("BEGIN ISOLATION LEVEL {level}"));
                        let job = ok(
                            &mut worker,
                            "SELECT id FROM jobs WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
                        );
                        if let Some((id, _)) = job.split_once('\n') {
                            let done =
                                format!("UPDATE jobs SET state = 1, runs = runs + 1 WHERE id = {id}");
                            check(&mut worker, &done, "UPDATE 1");
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                        ok(&mut worker, "COMMIT");
                    }
                });
            }
        });
        let done = number(&mut session, "SELECT count(*) FROM jobs WHERE state = 1 AND runs = 1");
        assert_eq!(done, JOBS, "{level}");
        assert!(database.locks().snapshot().is_empty());
    }
}

/// Read, then write what was read plus one: lost if anybody came between. Both ways to write it that READ COMMITTED offers.
#[test]
fn no_update_is_lost_at_read_committed_and_nobody_fails() {
    const TURNS: i64 = 60;
    let database = database();
    let mut session = database.session();
    ok(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, x INT)");
    ok(&mut session, "INSERT INTO t VALUES (1, 0), (2, 0)");
    thread::scope(|scope| {
        for worker in 0..8 {
            let database = &database;
            scope.spawn(move || {
                let mut session = database.session();
                for turn in 0..TURNS {
                    ok(&mut session, "BEGIN ISOLATION LEVEL READ COMMITTED");
                    if (worker + turn) % 2 == 0 {
                        check(&mut session, "UPDATE t SET x = x + 1 WHERE id = 1", "UPDATE 1");
                    } else {
                        let seen = number(&mut session, "SELECT x FROM t WHERE id = 1 FOR UPDATE");
                        let update = format!("UPDATE t SET x = {} WHERE id = 1", seen + 1);
                        check(&mut session, &update, "UPDATE 1");
                    }
                    ok(&mut session, "COMMIT");
                    check(&mut session, "UPDATE t SET x = x + 1 WHERE id = 2", "UPDATE 1");
                }
            });
        }
    });
    assert_eq!(number(&mut session, "SELECT x FROM t WHERE id = 1"), 8 * TURNS);
    assert_eq!(number(&mut session, "SELECT x FROM t WHERE id = 2"), 8 * TURNS);
}

/// Among 64 contending writers nobody is passed by another more than a few times: counted, not timed.
#[test]
fn sixty_four_writers_of_one_row_take_turns() {
    const WRITERS: usize = 64;
    const TURNS: usize = 4;
    let database = database();
    let mut session = database.session();
    ok(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, x INT)");
    ok(&mut session, "INSERT INTO t VALUES (1, 0)");
    let done = AtomicUsize::new(0);
    let passed_max = AtomicUsize::new(0);
    ok(&mut session, "BEGIN");
    ok(&mut session, "SELECT x FROM t WHERE id = 1 FOR UPDATE");
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut session = database.session();
                for _ in 0..TURNS {
                    ok(&mut session, "BEGIN ISOLATION LEVEL READ COMMITTED");
                    let before = done.load(Ordering::SeqCst);
                    ok(&mut session, "UPDATE t SET x = x + 1 WHERE id = 1");
                    let passed = done.fetch_add(1, Ordering::SeqCst) - before;
                    passed_max.fetch_max(passed, Ordering::SeqCst);
                    ok(&mut session, "COMMIT");
                }
            });
        }
        await_waiters(&database, WRITERS);
        ok(&mut session, "COMMIT");
    });
    assert_eq!(number(&mut session, "SELECT x FROM t"), (WRITERS * TURNS) as i64);
    let passed_max = passed_max.into_inner();
    assert!(passed_max <= 3 * WRITERS, "{passed_max} others went first");
}

/// Nobody who holds a lock, or waits for one, keeps anything after he is gone.
#[test]
fn a_cancel_and_a_session_that_ends_free_everything() {
    let database = database();
    let mut session = database.session();
    ok(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, x INT)");
    ok(&mut session, "INSERT INTO t VALUES (1, 0)");
    ok(&mut session, "BEGIN ISOLATION LEVEL READ COMMITTED");
    ok(&mut session, "UPDATE t SET x = 1");
    ok(&mut session, "SELECT pg_advisory_lock(1)");
    let mut waiter = database.session();
    let canceller = waiter.canceller();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            check(
                &mut waiter,
                "UPDATE t SET x = 2",
                "57014: canceling statement due to user request",
            );
            ended.store(true, Ordering::SeqCst);
        });
        await_waiters(&database, 1);
        let since = Instant::now();
        canceller.cancel();
        while !ended.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        assert!(since.elapsed() < Duration::from_millis(500), "{:?}", since.elapsed());
    });
    thread::scope(|scope| {
        let holder = session;
        scope.spawn(|| check(&mut waiter, "UPDATE t SET x = 2", "UPDATE 1"));
        await_waiters(&database, 1);
        drop(holder);
    });
    assert!(run(&mut waiter, "SELECT pg_try_advisory_lock(1)").starts_with('t'));
    drop(waiter);
    assert!(database.locks().snapshot().is_empty());
}
