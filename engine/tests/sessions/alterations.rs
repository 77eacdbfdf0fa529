//! ALTER TABLE beside other transactions, and against plans that were made before.

use spg_engine::Value;
use spg_engine::session::{Rows, Session};

use crate::support::{check, database, ok, run};

const CONFLICT: &str = "40001: could not serialize access due to concurrent update";

#[test]
fn of_concurrent_transactions_the_first_to_commit_wins() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (n INT)");
    ok(&mut a, "INSERT INTO t VALUES (1)");
    for alter in [
        "ALTER TABLE t ADD COLUMN x INT DEFAULT 3",
        "ALTER TABLE t DROP COLUMN x",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (n < 100)",
        "ALTER TABLE t DROP CONSTRAINT c",
        "ALTER TABLE t RENAME n TO m",
        "ALTER TABLE t RENAME m TO n",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE u RENAME TO t",
        "ALTER TABLE t ALTER n SET NOT NULL",
    ] {
        let name = if alter.contains("TABLE u") { "u" } else { "t" };
        ok(&mut b, "BEGIN");
        let column = if alter.contains("RENAME m") { "m" } else { "n" };
        ok(&mut b, &format!("UPDATE {name} SET {column} = 4"));
        ok(&mut a, alter);
        check(&mut b, "COMMIT", CONFLICT);
    }
    check(&mut a, "SELECT * FROM t", "1\nSELECT 1");
    // The other way round the block that alters has lost; a statement of its own sees the row.
    ok(&mut a, "BEGIN");
    ok(&mut a, "ALTER TABLE t ADD COLUMN x INT DEFAULT 3");
    ok(&mut b, "INSERT INTO t VALUES (2)");
    check(&mut a, "COMMIT", CONFLICT);
    ok(&mut a, "ALTER TABLE t ADD COLUMN x INT DEFAULT 3");
    check(&mut a, "SELECT * FROM t", "1|3\n2|3\nSELECT 2");
    // Who writes elsewhere, or only reads, is in nobody's way.
    ok(&mut a, "CREATE TABLE other (n INT)");
    ok(&mut b, "BEGIN");
    check(&mut b, "SELECT * FROM t", "1|3\n2|3\nSELECT 2");
    ok(&mut b, "INSERT INTO other VALUES (1)");
    ok(&mut a, "ALTER TABLE t DROP COLUMN n");
    check(&mut b, "SELECT * FROM t", "1|3\n2|3\nSELECT 2");
    check(&mut b, "COMMIT", "COMMIT");
    check(&mut b, "SELECT * FROM t", "3\n3\nSELECT 2");
}

#[test]
fn names_change_hands_within_a_transaction() {
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE one (n INT PRIMARY KEY)");
    ok(&mut a, "CREATE TABLE two (n INT PRIMARY KEY)");
    ok(&mut a, "INSERT INTO one VALUES (1)");
    ok(&mut a, "INSERT INTO two VALUES (2)");
    ok(&mut a, "BEGIN");
    for rename in [
        "ALTER TABLE two RENAME TO three",
        "ALTER TABLE one RENAME TO two",
        "ALTER TABLE three RENAME TO one",
        "ALTER INDEX two_pkey RENAME TO three_pkey",
        "ALTER INDEX one_pkey RENAME TO two_pkey",
        "ALTER INDEX three_pkey RENAME TO one_pkey",
    ] {
        ok(&mut a, rename);
    }
    // So that the commit is carried onto another root.
    ok(&mut b, "CREATE TABLE other (n INT)");
    ok(&mut a, "COMMIT");
    check(&mut a, "SELECT * FROM one", "2\nSELECT 1");
    check(&mut a, "SELECT * FROM two WHERE n = 1", "1\nSELECT 1");
    let duplicate = run(&mut a, "INSERT INTO two VALUES (1)");
    assert!(duplicate.contains("\"two_pkey\""), "{duplicate}");
    // A name that another took meanwhile is not free any more.
    ok(&mut a, "BEGIN");
    ok(&mut a, "ALTER TABLE one RENAME TO three");
    ok(&mut b, "CREATE TABLE three (n INT)");
    check(&mut a, "COMMIT", "42P07: relation \"three\" already exists");
}

#[test]
fn plans_follow_the_schema() {
    let mut session = database().session();
    ok(&mut session, "CREATE TABLE t (a INT, b INT, c INT)");
    ok(&mut session, "INSERT INTO t VALUES (1, 2, 3)");
    let select = session.prepare("SELECT c, a FROM t WHERE c = 7").unwrap();
    let all = session.prepare("SELECT * FROM t").unwrap();
    let insert = session.prepare("INSERT INTO t (a, c) VALUES ($1, $1)").unwrap();
    let run_both = |session: &mut Session, expected: usize| {
        let mut rows = Rows::default();
        session.execute_prepared(&insert, &[Value::Int4(7)], &mut rows).unwrap();
        session.execute_prepared(&select, &[], &mut rows).unwrap();
        let sevens = vec![Value::Int4(7), Value::Int4(7)];
        assert_eq!(rows.rows, vec![sevens; expected]);
    };
    run_both(&mut session, 1);
    ok(&mut session, "ALTER TABLE t DROP COLUMN b");
    run_both(&mut session, 2);
    let error = session.execute_prepared(&all, &[], &mut Rows::default()).unwrap_err();
    assert_eq!(error.to_string(), "0A000: cached plan must not change result type");
    ok(&mut session, "ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'x', ADD CHECK (a < 8)");
    run_both(&mut session, 3);
    ok(&mut session, "BEGIN");
    ok(&mut session, "ALTER TABLE t DROP COLUMN b, ADD COLUMN bb INT");
    run_both(&mut session, 4);
    ok(&mut session, "ROLLBACK");
    run_both(&mut session, 4);
    ok(&mut session, "ALTER TABLE t RENAME a TO d");
    let error = session.execute_prepared(&insert, &[Value::Int4(7)], &mut Rows::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "42703: column \"a\" of relation \"t\" does not exist"
    );
}

#[test]
fn many_rows_take_a_new_column_by_the_chunk() {
    let mut session = database().session();
    ok(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    ok(&mut session, "INSERT INTO t VALUES (0, 0)");
    for doubling in 0..12 {
        ok(&mut session, &format!("INSERT INTO t SELECT id + {}, n FROM t", 1 << doubling));
    }
    ok(&mut session, "DELETE FROM t WHERE id % 7 = 3");
    ok(
        &mut session,
        "ALTER TABLE t ADD COLUMN s TEXT DEFAULT 'one for all', ADD COLUMN k BIGSERIAL",
    );
    ok(&mut session, "UPDATE t SET s = 'mine' WHERE id % 500 = 0");
    ok(&mut session, "ALTER TABLE t DROP COLUMN n");
    ok(&mut session, "DELETE FROM t WHERE id % 2 = 1");
    ok(&mut session, "INSERT INTO t (id) VALUES (10000)");
    check(
        &mut session,
        "SELECT count(*), count(DISTINCT k), min(length(s)), sum(CASE WHEN s = 'mine' THEN 1 ELSE 0 END) FROM t",
        "1757|1757|4|7\nSELECT 1",
    );
}
