//! Sequences under contention: whichever way a statement takes, every value is drawn once.

use std::collections::BTreeSet;
use std::thread;

use crate::support::{check, database, ok, run};

#[test]
fn every_value_is_drawn_once() {
    const ROUNDS: usize = 60;
    let database = database();
    let mut session = database.session();
    ok(&mut session, "CREATE SEQUENCE s");
    ok(&mut session, "CREATE TABLE t (id BIGINT DEFAULT nextval('s') PRIMARY KEY, n INT UNIQUE)");
    let values_of = |answer: &str| -> Vec<i64> {
        answer.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let drawn: Vec<i64> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let database = &database;
                scope.spawn(move || {
                    let mut session = database.session();
                    let mut drawn = Vec::new();
                    for round in 0..ROUNDS {
                        // Under the writer lock; without it; in a block; and where the statement fails.
                        let statement = match worker {
                            0 => "INSERT INTO t DEFAULT VALUES RETURNING id",
                            1 => "SELECT nextval('s') FROM (VALUES (1), (2), (3)) v",
                            2 => "INSERT INTO t (n) VALUES (7) RETURNING id",
                            _ => {
                                ok(&mut session, "BEGIN");
                                "INSERT INTO t DEFAULT VALUES RETURNING id"
                            }
                        };
                        let answer = run(&mut session, statement);
                        if worker == 2 && round > 0 {
                            assert!(answer.starts_with("23505"), "{answer}");
                        }
                        drawn.extend(values_of(&answer));
                        if worker == 3 {
                            check(&mut session, "COMMIT", "COMMIT");
                        }
                    }
                    drawn
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(drawn.len(), ROUNDS * 5 + 1);
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), drawn.len(), "a value came twice");
    let next = values_of(&run(&mut session, "SELECT nextval('s')"))[0];
    assert_eq!(next as usize, ROUNDS * 6 + 1, "nothing was left out");
}

#[test]
fn of_two_who_change_a_sequence_the_first_wins() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE SEQUENCE s");
    for mine in ["ALTER SEQUENCE s INCREMENT 2", "DROP SEQUENCE s"] {
        ok(&mut a, "BEGIN");
        ok(&mut a, mine);
        ok(&mut b, "ALTER SEQUENCE s INCREMENT 3");
        check(&mut a, "COMMIT", "40001: could not serialize access due to concurrent update");
    }
    // A DEFAULT that was made meanwhile draws from it, or draws from one that is gone.
    ok(&mut a, "BEGIN");
    ok(&mut a, "DROP SEQUENCE s");
    ok(&mut b, "CREATE TABLE t (id INT DEFAULT nextval('s'))");
    check(&mut a, "COMMIT", "40001: could not serialize access due to concurrent update");
    ok(&mut b, "DROP TABLE t");
    ok(&mut a, "BEGIN");
    ok(&mut a, "CREATE TABLE t (id INT DEFAULT nextval('s'))");
    ok(&mut b, "DROP SEQUENCE s");
    check(&mut a, "COMMIT", "40001: could not serialize access due to concurrent update");
    // Drawing is no change.
    ok(&mut b, "CREATE SEQUENCE s");
    ok(&mut a, "BEGIN");
    ok(&mut a, "ALTER SEQUENCE s MAXVALUE 50");
    ok(&mut b, "SELECT nextval('s')");
    ok(&mut a, "COMMIT");
    check(&mut b, "SELECT nextval('s')", "2\nSELECT 1");
}
