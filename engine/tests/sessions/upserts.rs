//! ON CONFLICT under contention: every increment counts once, whichever way the statement takes.

use std::fmt::Write as _;
use std::thread;

use crate::support::{check, database, number, ok, run};

/// Small statements run under the writer lock; large ones without it, and are tried again; blocks get 40001.
#[test]
fn no_increment_is_lost_and_no_key_doubled() {
    const ROUNDS: i64 = 12;
    let database = database();
    ok(&mut database.session(), "CREATE TABLE t (id INT PRIMARY KEY, n BIGINT NOT NULL)");
    let upsert = |rows: usize| {
        let mut sql = "INSERT INTO t VALUES ".to_owned();
        for id in 0..rows {
            write!(sql, "{}({id}, 1)", if id > 0 { ", " } else { "" }).unwrap();
        }
        sql + " ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n"
    };
    let (small, large) = (upsert(10), upsert(2_000));
    let done = |rows: usize| format!("INSERT 0 {rows}");
    thread::scope(|scope| {
        for is_large in [false, true, true] {
            let (sql, rows) = if is_large { (&large, 2_000) } else { (&small, 10) };
            let database = &database;
            scope.spawn(move || {
                let mut session = database.session();
                for _ in 0..ROUNDS {
                    check(&mut session, sql, &done(rows));
                }
            });
        }
        scope.spawn(|| {
            let mut session = database.session();
            for _ in 0..ROUNDS {
                loop {
                    ok(&mut session, "BEGIN");
                    check(&mut session, &small, &done(10));
                    match run(&mut session, "COMMIT").as_str() {
                        "COMMIT" => break,
                        other => assert!(other.starts_with("40001"), "{other}"),
                    }
                }
            }
        });
    });
    let mut session = database.session();
    assert_eq!(number(&mut session, "SELECT count(*) FROM t"), 2_000);
    assert_eq!(number(&mut session, "SELECT count(DISTINCT id) FROM t"), 2_000);
    let expected = ROUNDS * (2 * 10 + 2 * 2_000);
    assert_eq!(number(&mut session, "SELECT sum(n) FROM t"), expected);
    assert_eq!(number(&mut session, "SELECT min(n) FROM t WHERE id < 10"), ROUNDS * 4);
}
