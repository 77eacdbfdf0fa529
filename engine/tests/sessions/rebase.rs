//! Definitions that commit on top of what others committed meanwhile.

use super::support::{check, database, fails, ok};

#[test]
fn names_of_dropped_indexes_are_free_again() {
    let database = database();
    let (a, b) = (&mut database.session(), &mut database.session());
    ok(a, "CREATE TABLE t (id INT)");
    ok(a, "CREATE TABLE u (id INT)");
    ok(a, "CREATE TABLE v (id INT)");
    ok(a, "CREATE INDEX i ON t (id)");
    ok(a, "BEGIN");
    ok(a, "DROP INDEX i");
    ok(a, "CREATE INDEX i ON t (id)");
    ok(b, "INSERT INTO v VALUES (1)");
    check(a, "COMMIT", "COMMIT");
    // Two tables exchange the names of their indexes.
    ok(a, "CREATE INDEX j ON u (id)");
    ok(a, "BEGIN");
    ok(a, "DROP INDEX i, j");
    ok(a, "CREATE INDEX j ON t (id)");
    ok(a, "CREATE INDEX i ON u (id)");
    ok(b, "INSERT INTO v VALUES (1)");
    check(a, "COMMIT", "COMMIT");
    fails(a, "CREATE TABLE i ()", "42P07");
    fails(a, "CREATE TABLE j ()", "42P07");
    ok(a, "DROP INDEX i");
    ok(a, "DROP INDEX j");
}

#[test]
fn a_dropped_unique_index_refuses_nothing() {
    let database = database();
    let (a, b) = (&mut database.session(), &mut database.session());
    ok(a, "CREATE TABLE t (id INT)");
    ok(a, "CREATE UNIQUE INDEX i ON t (id)");
    ok(a, "INSERT INTO t VALUES (1)");
    ok(a, "BEGIN");
    ok(a, "DROP INDEX i");
    ok(a, "INSERT INTO t VALUES (1)");
    ok(b, "INSERT INTO t VALUES (2)");
    check(a, "COMMIT", "COMMIT");
}

#[test]
fn an_index_made_meanwhile_refuses_keys_too_large_for_it() {
    let database = database();
    let (a, b) = (&mut database.session(), &mut database.session());
    ok(a, "CREATE TABLE t (x TEXT)");
    ok(a, "BEGIN");
    ok(a, &format!("INSERT INTO t VALUES ('{}')", "x".repeat(9000)));
    ok(b, "CREATE INDEX i ON t (x)");
    fails(a, "COMMIT", "54000");
}
