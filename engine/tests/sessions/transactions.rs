//! Several sessions against each other: who wins, who gets which error, what each sees.

use crate::support::{check, database, fails, notices, number, ok, run};

#[test]
fn autocommit_and_own_writes() {
    let database = database();
    let mut a = database.session();
    check(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)", "CREATE TABLE");
    check(&mut a, "INSERT INTO t VALUES (1, 10), (2, 20)", "INSERT 0 2");
    check(&mut a, "UPDATE t SET n = n + 1 WHERE id = 1 RETURNING n", "11\nUPDATE 1");
    check(
        &mut a,
        "INSERT INTO t VALUES (1, 0)",
        "23505: duplicate key value violates unique constraint \"t_pkey\"",
    );
    check(&mut a, "SELECT id, n FROM t ORDER BY id", "1|11\n2|20\nSELECT 2");
    check(&mut a, "DELETE FROM t WHERE id = 3", "DELETE 0");
    check(&mut a, "DELETE FROM t WHERE id = 2", "DELETE 1");
    check(&mut a, "SELECT count(*) FROM t", "1\nSELECT 1");
}

#[test]
fn a_block_sees_its_snapshot_and_its_own_writes() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    ok(&mut a, "INSERT INTO t VALUES (1, 10)");
    ok(&mut a, "BEGIN");
    // The snapshot is taken at the first query, not at BEGIN.
    ok(&mut b, "INSERT INTO t VALUES (2, 20)");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 2);
    ok(&mut b, "INSERT INTO t VALUES (3, 30)");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 2);
    ok(&mut a, "INSERT INTO t VALUES (4, 40)");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 3);
    assert_eq!(number(&mut b, "SELECT count(*) FROM t"), 3);
    check(&mut a, "COMMIT", "COMMIT");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 4);
    assert_eq!(number(&mut b, "SELECT count(*) FROM t"), 4);
}

#[test]
fn first_committer_wins() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    ok(&mut a, "INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)");
    let cases = [
        ("UPDATE t SET n = 0 WHERE id = 1", "UPDATE t SET n = 1 WHERE id = 1", "update"),
        ("UPDATE t SET n = 0 WHERE id = 1", "DELETE FROM t WHERE id = 1", "delete"),
        ("DELETE FROM t WHERE id = 2", "UPDATE t SET n = 5 WHERE id = 2", "update"),
        ("DELETE FROM t WHERE id = 2", "DELETE FROM t WHERE id = 2", "delete"),
    ];
    for (mine, theirs, word) in cases {
        ok(&mut a, "BEGIN");
        ok(&mut a, mine);
        ok(&mut b, theirs);
        let expected = format!("40001: could not serialize access due to concurrent {word}");
        check(&mut a, "COMMIT", &expected);
        check(&mut a, "SELECT 1", "1\nSELECT 1");
    }
}

#[test]
fn writes_to_other_rows_are_rebased() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    ok(&mut a, "CREATE INDEX ON t (n)");
    for id in 0..600 {
        ok(&mut a, &format!("INSERT INTO t VALUES ({id}, {id})"));
    }
    ok(&mut a, "BEGIN");
    ok(&mut a, "UPDATE t SET n = 1000 WHERE id = 5");
    ok(&mut a, "DELETE FROM t WHERE id = 6");
    ok(&mut a, "INSERT INTO t VALUES (1001, 7)");
    ok(&mut b, "UPDATE t SET n = 2000 WHERE id = 7");
    ok(&mut b, "DELETE FROM t WHERE id = 300");
    ok(&mut b, "INSERT INTO t VALUES (1002, 7)");
    check(&mut a, "COMMIT", "COMMIT");
    check(&mut b, "SELECT id FROM t WHERE n = 7 ORDER BY id", "1001\n1002\nSELECT 2");
    check(&mut b, "SELECT id FROM t WHERE n >= 1000 ORDER BY n", "5\n7\nSELECT 2");
    assert_eq!(number(&mut b, "SELECT count(*) FROM t"), 600);
}

#[test]
fn a_large_block_is_rebased_over_many_small_commits() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    for start in (0..6_000).step_by(500) {
        let rows: Vec<String> = (start..start + 500).map(|id| format!("({id}, 0)")).collect();
        ok(&mut a, &format!("INSERT INTO t VALUES {}", rows.join(", ")));
    }
    ok(&mut a, "BEGIN");
    check(&mut a, "UPDATE t SET n = 1 WHERE id < 5000", "UPDATE 5000");
    for id in 5_000..5_100 {
        ok(&mut b, &format!("UPDATE t SET n = 2 WHERE id = {id}"));
    }
    check(&mut a, "COMMIT", "COMMIT");
    assert_eq!(number(&mut b, "SELECT sum(n) FROM t"), 5_200);
    ok(&mut a, "BEGIN");
    ok(&mut a, "UPDATE t SET n = 3 WHERE id < 5000");
    ok(&mut b, "UPDATE t SET n = 4 WHERE id = 4999");
    fails(&mut a, "COMMIT", "40001");
    assert_eq!(number(&mut b, "SELECT sum(n) FROM t"), 5_203);
}

#[test]
fn a_key_taken_meanwhile_is_found_at_commit() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE)");
    ok(&mut a, "INSERT INTO t VALUES (1, 1), (2, 2)");
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (3, 30)");
    ok(&mut b, "INSERT INTO t VALUES (4, 30)");
    check(&mut a, "COMMIT", "23505: duplicate key value violates unique constraint \"t_u_key\"");
    // A key that the other side gave up is free.
    ok(&mut a, "BEGIN");
    ok(&mut a, "DELETE FROM t WHERE id = 1");
    ok(&mut a, "INSERT INTO t VALUES (5, 1)");
    ok(&mut b, "UPDATE t SET u = 31 WHERE id = 4");
    check(&mut a, "COMMIT", "COMMIT");
    check(&mut b, "SELECT id, u FROM t ORDER BY id", "2|2\n4|31\n5|1\nSELECT 3");
}

#[test]
fn indexes_come_and_go_beside_writers() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    ok(&mut a, "INSERT INTO t VALUES (1, 1), (2, 2)");
    // The index is built, rows come, the index catches up.
    ok(&mut a, "BEGIN");
    ok(&mut a, "CREATE INDEX i ON t (n)");
    ok(&mut b, "INSERT INTO t VALUES (3, 7)");
    ok(&mut b, "UPDATE t SET n = 8 WHERE id = 1");
    check(&mut a, "COMMIT", "COMMIT");
    check(&mut a, "SELECT id FROM t WHERE n > 6 ORDER BY n", "3\n1\nSELECT 2");
    // Rows are written, an index comes, the rows are put into it.
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (4, 9)");
    ok(&mut b, "CREATE UNIQUE INDEX u ON t (n)");
    check(&mut a, "COMMIT", "COMMIT");
    fails(&mut a, "INSERT INTO t VALUES (5, 9)", "23505");
    // An index goes while rows are written.
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (6, 10)");
    ok(&mut b, "DROP INDEX u");
    check(&mut a, "COMMIT", "COMMIT");
    check(&mut a, "INSERT INTO t VALUES (7, 10)", "INSERT 0 1");
    let message = "23505: could not create unique index \"t_n_idx\"";
    check(&mut a, "CREATE UNIQUE INDEX ON t (n)", message);
    // Both sides made one: the later builds again outside a block, and conflicts inside one.
    ok(&mut a, "BEGIN");
    ok(&mut a, "CREATE INDEX x ON t (id, n)");
    ok(&mut b, "CREATE INDEX y ON t (n, id)");
    fails(&mut a, "COMMIT", "40001");
}

#[test]
fn definitions_conflict_with_what_they_undo() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    for theirs in ["DROP TABLE t", "TRUNCATE t"] {
        ok(&mut a, "CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY)");
        ok(&mut a, "BEGIN");
        ok(&mut a, "INSERT INTO t VALUES (1)");
        ok(&mut b, theirs);
        fails(&mut a, "COMMIT", "40001");
        ok(&mut a, "CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY)");
        ok(&mut a, "BEGIN");
        ok(&mut a, theirs);
        ok(&mut b, "INSERT INTO t VALUES (2)");
        // What goes with the table goes; what is truncated are the rows that were seen.
        if theirs == "TRUNCATE t" {
            fails(&mut a, "COMMIT", "40001");
        } else {
            check(&mut a, "COMMIT", "COMMIT");
        }
    }
    check(&mut a, "SELECT * FROM t", "2\nSELECT 1");
    ok(&mut a, "BEGIN");
    ok(&mut a, "CREATE TABLE same (id INT)");
    ok(&mut b, "CREATE TABLE same (id TEXT)");
    check(&mut a, "COMMIT", "42P07: relation \"same\" already exists");
    ok(&mut a, "BEGIN");
    ok(&mut a, "DROP TABLE same");
    ok(&mut a, "CREATE TABLE same (id INT)");
    ok(&mut b, "CREATE TABLE other (id TEXT)");
    check(&mut a, "COMMIT", "COMMIT");
    check(&mut b, "INSERT INTO same VALUES (1)", "INSERT 0 1");
}

#[test]
fn definitions_are_transactional() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE kept (id INT)");
    ok(&mut a, "INSERT INTO kept VALUES (1)");
    ok(&mut a, "BEGIN");
    ok(&mut a, "CREATE TABLE made (id INT)");
    ok(&mut a, "INSERT INTO made VALUES (1)");
    ok(&mut a, "TRUNCATE kept");
    ok(&mut a, "DROP TABLE kept");
    fails(&mut a, "SELECT * FROM kept", "42P01");
    check(&mut a, "ROLLBACK", "ROLLBACK");
    check(&mut a, "SELECT * FROM kept", "1\nSELECT 1");
    fails(&mut a, "SELECT * FROM made", "42P01");
}

#[test]
fn savepoints_nest_and_shadow() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY)");
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (1)");
    check(&mut a, "SAVEPOINT s", "SAVEPOINT");
    ok(&mut a, "INSERT INTO t VALUES (2)");
    ok(&mut a, "SAVEPOINT s");
    ok(&mut a, "INSERT INTO t VALUES (3)");
    fails(&mut a, "INSERT INTO t VALUES (3)", "23505");
    fails(&mut a, "SELECT 1", "25P02");
    fails(&mut a, "SAVEPOINT t", "25P02");
    check(&mut a, "ROLLBACK TO s", "ROLLBACK");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 2);
    ok(&mut a, "INSERT INTO t VALUES (4)");
    ok(&mut a, "ROLLBACK TO s");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 2);
    check(&mut a, "RELEASE s", "RELEASE");
    check(&mut a, "ROLLBACK TO SAVEPOINT s", "ROLLBACK");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1);
    check(&mut a, "RELEASE SAVEPOINT nope", "3B001: savepoint \"nope\" does not exist");
    check(&mut a, "ROLLBACK TO s", "ROLLBACK");
    check(&mut a, "COMMIT", "COMMIT");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 1);
    check(&mut a, "SAVEPOINT s", "25P01: SAVEPOINT can only be used in transaction blocks");
}

#[test]
fn a_failed_block_commits_nothing() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY)");
    for failing in ["SELECT 1 / 0", "SELEC", "SELECT * FROM nowhere", "INSERT INTO t VALUES (1)"] {
        ok(&mut a, "BEGIN");
        ok(&mut a, "INSERT INTO t VALUES (1)");
        run(&mut a, failing);
        check(
            &mut a,
            "SELECT 1",
            "25P02: current transaction is aborted, commands ignored until end of transaction block",
        );
        check(&mut a, "COMMIT", "ROLLBACK");
        assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 0);
    }
}

#[test]
fn a_statement_that_fails_halfway_changes_nothing() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)");
    ok(&mut a, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
    for failing in [
        "INSERT INTO t VALUES (4, 4), (5, 5), (1, 1)",
        "INSERT INTO t VALUES (4, 4), (5, NULL)",
        "UPDATE t SET id = 2 WHERE id <> 2",
        "UPDATE t SET n = 10 / (id - 3)",
    ] {
        run(&mut a, failing);
        check(&mut a, "SELECT id, n FROM t ORDER BY id", "1|1\n2|2\n3|3\nSELECT 3");
        ok(&mut a, "BEGIN");
        ok(&mut a, "SAVEPOINT s");
        run(&mut a, failing);
        ok(&mut a, "ROLLBACK TO s");
        check(&mut a, "SELECT id, n FROM t ORDER BY id", "1|1\n2|2\n3|3\nSELECT 3");
        ok(&mut a, "COMMIT");
    }
    check(&mut a, "UPDATE t SET id = id + 1", "UPDATE 3");
}

#[test]
fn warnings_and_modes() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT)");
    let warned = notices(&mut a, "COMMIT");
    assert_eq!(warned[0].message, "there is no transaction in progress");
    assert_eq!((warned[0].severity, warned[0].sqlstate.code()), ("WARNING", "25P01"));
    assert_eq!(notices(&mut a, "ROLLBACK")[0].sqlstate.code(), "25P01");
    ok(&mut a, "BEGIN READ ONLY");
    assert_eq!(notices(&mut a, "BEGIN")[0].sqlstate.code(), "25001");
    check(
        &mut a,
        "INSERT INTO t VALUES (1)",
        "25006: cannot execute INSERT in a read-only transaction",
    );
    ok(&mut a, "ROLLBACK");
    for level in ["read committed", "read uncommitted"] {
        ok(&mut a, &format!("BEGIN ISOLATION LEVEL {level}"));
        check(&mut a, "SHOW transaction_isolation", &format!("{level}\nSHOW"));
        ok(&mut a, "COMMIT");
        check(&mut a, "SHOW transaction_isolation", "repeatable read\nSHOW");
    }
    check(&mut a, "START TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION");
    check(&mut a, "END", "COMMIT");
    ok(&mut a, "SET default_transaction_read_only = on");
    fails(&mut a, "CREATE TABLE u (id INT)", "25006");
    ok(&mut a, "BEGIN READ WRITE");
    ok(&mut a, "INSERT INTO t VALUES (1)");
    ok(&mut a, "COMMIT");
}

#[test]
fn a_row_that_is_lost_already_is_said_at_once() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    let updated = "40001: could not serialize access due to concurrent update";
    let deleted = "40001: could not serialize access due to concurrent delete";
    for (theirs, mine, expected) in [
        ("UPDATE t SET n = 1 WHERE id = 1", "UPDATE t SET n = 2 WHERE id = 1", updated),
        ("UPDATE t SET n = 1 WHERE id = 1", "DELETE FROM t", updated),
        ("DELETE FROM t WHERE id = 1", "UPDATE t SET n = 2 RETURNING id", deleted),
        ("DELETE FROM t WHERE id = 1", "DELETE FROM t WHERE n = 0", deleted),
        (
            "UPDATE t SET n = 1 WHERE id = 1",
            "INSERT INTO t VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = excluded.n",
            updated,
        ),
        ("TRUNCATE t", "UPDATE t SET n = 2 WHERE id = 2", updated),
        ("DROP TABLE t", "UPDATE t SET n = 2 WHERE id = 2", deleted),
        ("UPDATE t SET n = 1 WHERE id = 1", "UPDATE t SET n = 2 WHERE id = 2", "UPDATE 1"),
        ("INSERT INTO t VALUES (3, 0)", "UPDATE t SET n = 2", "UPDATE 2"),
    ] {
        ok(&mut a, "DROP TABLE IF EXISTS t");
        ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
        ok(&mut a, "INSERT INTO t VALUES (1, 0), (2, 0)");
        ok(&mut a, "BEGIN");
        ok(&mut a, "SELECT * FROM t");
        ok(&mut a, "SAVEPOINT s");
        ok(&mut b, theirs);
        check(&mut a, mine, expected);
        // Who gives the row up goes on.
        ok(&mut a, "ROLLBACK TO s");
        assert_eq!(number(&mut a, "SELECT sum(n) FROM t"), 0);
        check(&mut a, "COMMIT", "COMMIT");
    }
}

#[test]
fn large_autocommit_statements_do_not_conflict() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    for start in (0..3_000).step_by(500) {
        let rows: Vec<String> = (start..start + 500).map(|id| format!("({id}, 0)")).collect();
        ok(&mut a, &format!("INSERT INTO t VALUES {}", rows.join(", ")));
    }
    std::thread::scope(|scope| {
        for session in [&mut a, &mut b] {
            scope.spawn(move || {
                for _ in 0..10 {
                    check(session, "UPDATE t SET n = n + 1", "UPDATE 3000");
                }
            });
        }
    });
    assert_eq!(number(&mut a, "SELECT sum(n) FROM t"), 60_000);
    assert_eq!(number(&mut a, "SELECT min(n) FROM t"), 20);
}
