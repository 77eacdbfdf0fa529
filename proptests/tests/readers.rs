//! Readers on real threads during commits see whole transactions, never one older than what they saw before.

#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use spg_engine::Value;
use spg_engine::database::{Database, Options};
use spg_engine::session::{Rows, Session};

const ACCOUNTS: i64 = 400;
const BALANCE: i64 = 100;
const TRANSFERS: u64 = 1_500;
const READERS: usize = 2;

#[test]
fn transfers_keep_the_sum_for_every_reader() {
    let database = Database::open(Options::default()).unwrap();
    let mut session = Arc::clone(&database).session();
    run(&mut session, "CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)");
    run(&mut session, "CREATE TABLE progress (transfers INT NOT NULL)");
    run(&mut session, "INSERT INTO progress VALUES (0)");
    let rows: Vec<String> = (0..ACCOUNTS).map(|id| format!("({id}, {BALANCE})")).collect();
    run(&mut session, &format!("INSERT INTO account VALUES {}", rows.join(", ")));
    let done = AtomicBool::new(false);
    let looks = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            let session = Arc::clone(&database).session();
            let (done, looks) = (&done, &looks);
            scope.spawn(move || read(session, reader, done, looks));
        }
        transfer(&mut session);
        // Readers that have not been scheduled yet still get their look at a database that changes no more.
        done.store(true, Ordering::Release);
    });
    assert!(looks.load(Ordering::Relaxed) >= READERS as u64, "nobody has read anything");
    assert_eq!(numbers(&mut session, "SELECT transfers FROM progress"), [TRANSFERS as i64]);
}

/// Moves money between two accounts and counts it, in one transaction each; every seventh is rolled back.
fn transfer(session: &mut Session) {
    let mut seed = 7_u64;
    for number in 0..TRANSFERS {
        let mut draw = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let (from, to, amount) = (draw(ACCOUNTS as u64), draw(ACCOUNTS as u64), draw(50));
        if number % 7 == 3 {
            run(session, "BEGIN");
            run(session, &format!("UPDATE account SET balance = balance - 1000 WHERE id = {from}"));
            run(session, "ROLLBACK");
        }
        run(session, "BEGIN");
        run(session, &format!("UPDATE account SET balance = balance - {amount} WHERE id = {from}"));
        run(session, &format!("UPDATE account SET balance = balance + {amount} WHERE id = {to}"));
        run(session, "UPDATE progress SET transfers = transfers + 1");
        run(session, "COMMIT");
    }
}

fn read(mut session: Session, reader: usize, done: &AtomicBool, looks: &AtomicU64) {
    let mut latest = 0;
    loop {
        let last_look = done.load(Ordering::Acquire);
        let both = "SELECT sum(balance), min(transfers), count(*) FROM account CROSS JOIN progress";
        let [sum, transfers, count] = numbers(&mut session, both)[..] else {
            panic!("three numbers")
        };
        assert_eq!((sum, count), (ACCOUNTS * BALANCE, ACCOUNTS), "half a transaction was seen");
        assert!(transfers >= latest, "{transfers} transfers seen after {latest}");
        latest = transfers;
        // A block sees one version, however long it lasts.
        if reader == 0 {
            run(&mut session, "BEGIN");
            let first = numbers(&mut session, "SELECT transfers FROM progress");
            assert!(first[0] >= latest);
            let sum = numbers(&mut session, "SELECT sum(balance) FROM account");
            assert_eq!(sum, [ACCOUNTS * BALANCE]);
            assert_eq!(numbers(&mut session, "SELECT transfers FROM progress"), first);
            run(&mut session, "COMMIT");
            latest = first[0];
        }
        looks.fetch_add(1, Ordering::Relaxed);
        if last_look {
            return;
        }
    }
}

#[test]
fn writers_on_threads_lose_no_update() {
    const WRITERS: i64 = 4;
    const ROUNDS: i64 = 150;
    let database = Database::open(Options::default()).unwrap();
    let mut session = Arc::clone(&database).session();
    run(&mut session, "CREATE TABLE counter (id INT PRIMARY KEY, n INT)");
    run(&mut session, "INSERT INTO counter VALUES (1, 0), (2, 0)");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let session = Arc::clone(&database).session();
            scope.spawn(move || count(session, writer, ROUNDS));
        }
    });
    // id 1 by statements alone, id 2 by blocks that are tried again after 40001.
    let expected = [1, WRITERS * ROUNDS, 2, WRITERS * ROUNDS];
    let rows = numbers(&mut session, "SELECT id, n FROM counter ORDER BY id");
    assert_eq!(rows, expected);
}

fn count(mut session: Session, writer: i64, rounds: i64) {
    for round in 0..rounds {
        run(&mut session, "UPDATE counter SET n = n + 1 WHERE id = 1");
        loop {
            run(&mut session, "BEGIN");
            // An error of the statement ends the block as an error of COMMIT does.
            let update = "UPDATE counter SET n = n + 1 WHERE id = 2";
            let mut rows = Rows::default();
            let updated = session.execute(update, &[], &mut rows).map(|_| ());
            let ended =
                updated.and_then(|()| session.execute("COMMIT", &[], &mut rows).map(|_| ()));
            match ended {
                Ok(()) => break,
                Err(error) => {
                    assert_eq!(error.sqlstate().code(), "40001", "writer {writer}, round {round}");
                }
            }
            run(&mut session, "ROLLBACK");
        }
    }
}

fn run(session: &mut Session, sql: &str) -> Rows {
    let mut rows = Rows::default();
    session.execute(sql, &[], &mut rows).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows
}

fn numbers(session: &mut Session, sql: &str) -> Vec<i64> {
    let number = |value: &Value| match value {
        Value::Int4(value) => i64::from(*value),
        Value::Int8(value) => *value,
        other => panic!("{other:?} is no number"),
    };
    run(session, sql).rows.iter().flatten().map(number).collect()
}
