//! SERIALIZABLE: what one transaction reads nobody has changed by its commit.

use spg_engine::storage::column::Column;
use spg_engine::types::ValueRef;
use spg_engine::{DataType, Session};

use crate::support::{check, database, fails, number, ok, run};

const REFUSED: &str =
    "40001: could not serialize access due to read/write dependencies among transactions";

fn begin(session: &mut Session) {
    ok(session, "BEGIN ISOLATION LEVEL SERIALIZABLE");
}

/// Two sessions over a table with ids 1 to 9, each with a group of its third and a value of 10.
fn two() -> (Session, Session) {
    let database = database();
    let (mut a, b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, g INT, n INT)");
    ok(&mut a, "CREATE INDEX t_g ON t (g)");
    let values: Vec<String> = (1..=9).map(|id| format!("({id}, {}, 10)", (id - 1) / 3)).collect();
    ok(&mut a, &format!("INSERT INTO t VALUES {}", values.join(", ")));
    (a, b)
}

/// What A reads, what B then does and commits, and whether A, having written row 9, may commit.
#[track_caller]
fn reads_against(read: &str, change: &str, may_commit: bool) {
    let (mut a, mut b) = two();
    begin(&mut a);
    ok(&mut a, read);
    ok(&mut a, "UPDATE t SET n = 11 WHERE id = 9");
    ok(&mut b, change);
    let expected = if may_commit { "COMMIT" } else { REFUSED };
    assert_eq!(run(&mut a, "COMMIT"), expected, "{read} / {change}");
    let n = if may_commit { 11 } else { 10 };
    assert_eq!(number(&mut b, "SELECT n FROM t WHERE id = 9"), n);
}

#[test]
fn a_key_is_what_was_read_of_a_table() {
    let read = "SELECT n FROM t WHERE id = 1";
    reads_against(read, "UPDATE t SET n = 0 WHERE id = 1", false);
    reads_against(read, "DELETE FROM t WHERE id = 1", false);
    reads_against(read, "UPDATE t SET id = 10 WHERE id = 1", false);
    reads_against(read, "UPDATE t SET n = 0 WHERE id = 2", true);
    reads_against(read, "INSERT INTO t VALUES (10, 0, 0)", true);
}

#[test]
fn a_key_that_is_not_there_is_read_as_well() {
    let read = "SELECT n FROM t WHERE id = 10";
    reads_against(read, "INSERT INTO t VALUES (10, 0, 0)", false);
    reads_against(read, "UPDATE t SET id = 10 WHERE id = 1", false);
    reads_against(read, "INSERT INTO t VALUES (11, 0, 0)", true);
}

#[test]
fn a_run_of_keys_has_no_phantom() {
    let read = "SELECT sum(n) FROM t WHERE id BETWEEN 1 AND 3";
    reads_against(read, "DELETE FROM t WHERE id = 2", false);
    reads_against(read, "UPDATE t SET id = 0 WHERE id = 3", false);
    reads_against(read, "UPDATE t SET n = 0 WHERE id = 4", true);
    let read = "SELECT count(*) FROM t WHERE g = 0";
    reads_against(read, "INSERT INTO t VALUES (10, 0, 0)", false);
    reads_against(read, "INSERT INTO t VALUES (10, 7, 0)", true);
    reads_against(read, "INSERT INTO t VALUES (10, NULL, 0)", true);
    reads_against(read, "UPDATE t SET g = 0 WHERE id = 8", false);
    reads_against(read, "UPDATE t SET g = 1 WHERE id = 8", true);
}

#[test]
fn a_whole_table_has_none_either() {
    for read in ["SELECT sum(n) FROM t", "SELECT id FROM t ORDER BY n LIMIT 1", "SELECT * FROM t"] {
        reads_against(read, "INSERT INTO t VALUES (10, 0, 0)", false);
        reads_against(read, "UPDATE t SET n = 0 WHERE id = 4", false);
        reads_against(read, "CREATE TABLE other (a INT)", true);
        reads_against(read, "CREATE INDEX t_n ON t (n)", true);
    }
}

#[test]
fn a_table_that_was_read_and_is_gone_or_emptied() {
    for change in ["TRUNCATE u", "DROP TABLE u"] {
        let (mut a, mut b) = two();
        ok(&mut a, "CREATE TABLE u (id INT PRIMARY KEY)");
        ok(&mut a, "INSERT INTO u VALUES (1)");
        begin(&mut a);
        ok(&mut a, "SELECT * FROM u WHERE id = 2");
        ok(&mut a, "UPDATE t SET n = 11 WHERE id = 9");
        ok(&mut b, change);
        check(&mut a, "COMMIT", REFUSED);
    }
}

#[test]
fn joins_and_subqueries_read_what_they_look_up() {
    let join = "SELECT a.n FROM t a JOIN t b ON b.id = a.g + 1 WHERE a.id = 4";
    reads_against(join, "UPDATE t SET n = 0 WHERE id = 2", false);
    let subquery = "SELECT 1 WHERE EXISTS (SELECT 1 FROM t WHERE id = 2)";
    reads_against(subquery, "UPDATE t SET n = 0 WHERE id = 2", false);
    reads_against(subquery, "UPDATE t SET n = 0 WHERE id = 3", true);
    // Values that a subquery gives are compared row by row, or looked up.
    let values = "SELECT n FROM t WHERE id IN (SELECT g FROM t WHERE id = 4)";
    reads_against(values, "UPDATE t SET g = 2 WHERE id = 4", false);
}

#[test]
fn changes_read_as_well() {
    reads_against("UPDATE t SET n = n + 1 WHERE g = 0", "INSERT INTO t VALUES (10, 0, 0)", false);
    reads_against("DELETE FROM t WHERE id = 10", "INSERT INTO t VALUES (10, 0, 0)", false);
    // The key was there, so nothing was added; it is gone now.
    let nothing = "INSERT INTO t VALUES (1, 0, 0) ON CONFLICT DO NOTHING";
    reads_against(nothing, "DELETE FROM t WHERE id = 1", false);
    reads_against(nothing, "DELETE FROM t WHERE id = 2", true);
}

#[test]
fn what_a_failed_statement_gave_away_was_read() {
    let (mut a, mut b) = two();
    begin(&mut a);
    ok(&mut a, "SAVEPOINT s");
    fails(&mut a, "INSERT INTO t VALUES (1, 0, 0)", "23505");
    ok(&mut a, "ROLLBACK TO s");
    ok(&mut a, "UPDATE t SET n = 11 WHERE id = 9");
    ok(&mut b, "DELETE FROM t WHERE id = 1");
    check(&mut a, "COMMIT", REFUSED);
}

#[test]
fn what_a_savepoint_read_stays_read() {
    let (mut a, mut b) = two();
    begin(&mut a);
    ok(&mut a, "SAVEPOINT s");
    ok(&mut a, "SET TRANSACTION READ ONLY");
    ok(&mut a, "SELECT n FROM t WHERE id = 1");
    ok(&mut a, "ROLLBACK TO s");
    ok(&mut a, "UPDATE t SET n = 11 WHERE id = 9");
    ok(&mut b, "UPDATE t SET n = 0 WHERE id = 1");
    check(&mut a, "COMMIT", REFUSED);
}

#[test]
fn write_skew() {
    let (mut a, mut b) = two();
    for session in [&mut a, &mut b] {
        begin(session);
        assert_eq!(number(session, "SELECT sum(n) FROM t WHERE id IN (1, 2)"), 20);
    }
    ok(&mut a, "UPDATE t SET n = -5 WHERE id = 1");
    ok(&mut b, "UPDATE t SET n = -5 WHERE id = 2");
    check(&mut a, "COMMIT", "COMMIT");
    check(&mut b, "COMMIT", REFUSED);
}

#[test]
fn two_writers_of_a_row_are_told_so() {
    let (mut a, mut b) = two();
    for session in [&mut a, &mut b] {
        begin(session);
        ok(session, "UPDATE t SET n = n + 1 WHERE id = 1");
    }
    check(&mut b, "COMMIT", "COMMIT");
    check(&mut a, "COMMIT", "40001: could not serialize access due to concurrent update");
}

#[test]
fn a_key_seen_free_and_taken_is_no_duplicate() {
    let (mut a, mut b) = two();
    begin(&mut a);
    assert_eq!(number(&mut a, "SELECT count(*) FROM t WHERE id = 10"), 0);
    ok(&mut a, "INSERT INTO t VALUES (10, 0, 0)");
    ok(&mut b, "INSERT INTO t VALUES (10, 0, 1)");
    check(&mut a, "COMMIT", REFUSED);
    // Who has not looked learns of the key.
    begin(&mut a);
    ok(&mut a, "INSERT INTO t VALUES (11, 0, 0)");
    ok(&mut b, "INSERT INTO t VALUES (11, 0, 1)");
    fails(&mut a, "COMMIT", "23505");
}

/// What a check has looked at counts as read, whether or not what it was for is still there at the end.
#[test]
fn checks_of_keys_have_read() {
    for (mine, theirs) in [
        ("INSERT INTO t VALUES (10, 0, 0)", "INSERT INTO t VALUES (10, 0, 1)"),
        ("UPDATE t SET id = 10 WHERE id = 1", "UPDATE t SET id = 10 WHERE id = 2"),
        ("INSERT INTO child VALUES (12)", "DELETE FROM t WHERE id = 12"),
        ("DELETE FROM t WHERE id = 12", "INSERT INTO child VALUES (12)"),
        ("DELETE FROM t WHERE id = 12", "INSERT INTO indexed VALUES (12)"),
        ("COPY", "DELETE FROM t WHERE id = 12"),
    ] {
        let (mut a, mut b) = two();
        ok(&mut b, "INSERT INTO t VALUES (12, 5, 5)");
        ok(&mut b, "CREATE TABLE child (t INT REFERENCES t)");
        ok(&mut b, "CREATE TABLE indexed (t INT PRIMARY KEY REFERENCES t)");
        begin(&mut a);
        ok(&mut a, "SAVEPOINT s");
        if mine == "COPY" {
            let mut batch = Some(vec![Column::repeat(DataType::Int4, ValueRef::Int4(12), 1)]);
            a.insert_rows("child", &[], &mut || Ok(batch.take())).unwrap();
        } else {
            ok(&mut a, mine);
        }
        ok(&mut a, "ROLLBACK TO s");
        ok(&mut a, "UPDATE t SET n = n + 1 WHERE id = 1");
        ok(&mut b, theirs);
        assert_eq!(run(&mut a, "COMMIT"), REFUSED, "{mine} / {theirs}");
    }
}

/// Only whether a row is there matters to who refers to it.
#[test]
fn what_a_key_check_has_not_looked_at_may_change() {
    let (mut a, mut b) = two();
    ok(&mut b, "CREATE TABLE child (t INT PRIMARY KEY REFERENCES t)");
    begin(&mut a);
    ok(&mut a, "INSERT INTO child VALUES (1)");
    ok(&mut b, "UPDATE t SET n = n + 1 WHERE id = 1");
    ok(&mut b, "INSERT INTO t VALUES (11, 0, 0)");
    check(&mut a, "COMMIT", "COMMIT");
}

#[test]
fn who_writes_nothing_never_fails() {
    for begin in [
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
        "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
    ] {
        let (mut a, mut b) = two();
        ok(&mut a, begin);
        assert_eq!(number(&mut a, "SELECT sum(n) FROM t"), 90);
        ok(&mut b, "UPDATE t SET n = n + 1");
        assert_eq!(number(&mut a, "SELECT sum(n) FROM t"), 90);
        check(&mut a, "COMMIT", "COMMIT");
    }
}

#[test]
fn a_statement_of_its_own_never_fails() {
    let (mut a, mut b) = two();
    ok(&mut a, "SET default_transaction_isolation = 'serializable'");
    check(&mut a, "SHOW transaction_isolation", "serializable\nSHOW");
    ok(&mut a, "INSERT INTO t SELECT x.id * 1000 + y.id * 100 + z.id, 5, 0 FROM t x, t y, t z");
    ok(&mut a, "INSERT INTO t SELECT x.id + 100000, 6, 0 FROM t x WHERE x.g = 5");
    for _ in 0..3 {
        ok(&mut b, "UPDATE t SET n = n + 1 WHERE id = 1");
        check(&mut a, "UPDATE t SET n = n + 1 WHERE g >= 0", "UPDATE 1467");
    }
    assert_eq!(number(&mut a, "SELECT n FROM t WHERE id = 1"), 16);
}

#[test]
fn more_keys_than_are_remembered_are_the_whole_table() {
    let (mut a, mut b) = two();
    ok(&mut a, "CREATE TABLE big (id INT PRIMARY KEY)");
    let values: Vec<String> = (0..40_000).map(|id| format!("({})", id * 2)).collect();
    ok(&mut a, &format!("INSERT INTO big VALUES {}", values.join(", ")));
    begin(&mut a);
    let lookup = a.prepare("SELECT id FROM big WHERE id = $1").unwrap();
    for id in 0..40_000 {
        let mut rows = spg_engine::session::Rows::default();
        a.execute_prepared(&lookup, &[spg_engine::Value::Int4(id * 2)], &mut rows).unwrap();
    }
    ok(&mut a, "UPDATE t SET n = 11 WHERE id = 9");
    ok(&mut b, "INSERT INTO big VALUES (1000001)");
    check(&mut a, "COMMIT", REFUSED);
}
