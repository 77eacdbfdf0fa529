//! CREATE, DROP and TRUNCATE: what is chosen, what is refused, in PostgreSQL's words.

use spg_engine::session::{Rows, Session};

use crate::support::{check, database, notices, ok};

/// Runs the statements, each with its answer.
#[track_caller]
fn script(session: &mut Session, steps: &[(&str, &str)]) {
    for (text, expected) in steps {
        check(session, text, expected);
    }
}

#[test]
fn names_that_are_chosen() {
    let mut a = database().session();
    ok(&mut a, "CREATE TABLE t_a_idx (x INT)");
    ok(
        &mut a,
        "CREATE TABLE t (a INT UNIQUE, b INT, c INT, UNIQUE (a, b), CONSTRAINT mine UNIQUE (c), PRIMARY KEY (b, a))",
    );
    ok(&mut a, "CREATE INDEX ON t (a)");
    ok(&mut a, "CREATE INDEX ON t (a DESC)");
    script(
        &mut a,
        &[
            ("DROP INDEX t_a_idx1, t_a_idx2", "DROP INDEX"),
            (
                "DROP INDEX t_a_b_key",
                "2BP01: cannot drop index t_a_b_key because constraint t_a_b_key on table t requires it",
            ),
            (
                "DROP INDEX t_a_key",
                "2BP01: cannot drop index t_a_key because constraint t_a_key on table t requires it",
            ),
            (
                "DROP INDEX mine",
                "2BP01: cannot drop index mine because constraint mine on table t requires it",
            ),
            (
                "DROP INDEX t_pkey",
                "2BP01: cannot drop index t_pkey because constraint t_pkey on table t requires it",
            ),
            (
                "INSERT INTO t VALUES (NULL, 1, 1)",
                "23502: null value in column \"a\" of relation \"t\" violates not-null constraint",
            ),
            ("CREATE TABLE u (a INT PRIMARY KEY UNIQUE)", "CREATE TABLE"),
            ("DROP INDEX u_a_key", "42704: index \"u_a_key\" does not exist"),
        ],
    );
}

#[test]
fn what_is_refused() {
    let mut a = database().session();
    ok(&mut a, "CREATE TABLE t (a INT PRIMARY KEY, v VECTOR(3))");
    ok(&mut a, "INSERT INTO t VALUES (1, '[1,2,3]'), (2, '[1,2,3]')");
    let wide: Vec<String> = (0..1_601).map(|column| format!("c{column} INT")).collect();
    let keys = (0..33).map(|column| format!("c{column}")).collect::<Vec<_>>().join(", ");
    let wide = format!("CREATE TABLE wide ({})", wide.join(", "));
    let long_key = format!("CREATE INDEX ON t ({keys})");
    script(
        &mut a,
        &[
            ("CREATE TABLE t (b INT)", "42P07: relation \"t\" already exists"),
            ("CREATE TABLE t_pkey (b INT)", "42P07: relation \"t_pkey\" already exists"),
            ("CREATE TABLE u (b INT, b INT)", "42701: column \"b\" specified more than once"),
            (
                "CREATE TABLE u (b INT PRIMARY KEY, c INT PRIMARY KEY)",
                "42P16: multiple primary keys for table \"u\" are not allowed",
            ),
            (
                "CREATE TABLE u (b INT, PRIMARY KEY (x))",
                "42703: column \"x\" named in key does not exist",
            ),
            (
                "CREATE TABLE u (b INT, PRIMARY KEY (b, b))",
                "42701: column \"b\" appears twice in primary key constraint",
            ),
            (
                "CREATE TABLE u (b VECTOR(2) UNIQUE)",
                "42704: data type vector has no default operator class for access method \"btree\"",
            ),
            (
                "CREATE TABLE u (b VECTOR)",
                "0A000: a column of type vector without dimensions is not supported",
            ),
            (
                "CREATE TABLE u (b INT DEFAULT 'x'::text)",
                "42804: column \"b\" is of type integer but default expression is of type text",
            ),
            ("CREATE TABLE s.u (b INT)", "3F000: schema \"s\" does not exist"),
            (&wide, "54011: tables can have at most 1600 columns"),
            (&long_key, "54011: cannot use more than 32 columns in an index"),
            ("CREATE INDEX ON t (x)", "42703: column \"x\" does not exist"),
            ("CREATE INDEX ON nope (x)", "42P01: relation \"nope\" does not exist"),
            ("CREATE INDEX ON t_pkey (a)", "42809: cannot create index on relation \"t_pkey\""),
            ("CREATE INDEX t ON t (a)", "42P07: relation \"t\" already exists"),
            (
                "CREATE INDEX ON t (v)",
                "42704: data type vector has no default operator class for access method \"btree\"",
            ),
            ("DROP TABLE t_pkey", "42809: \"t_pkey\" is not a table"),
            ("DROP INDEX t", "42809: \"t\" is not an index"),
            ("DROP TABLE t, nope", "42P01: table \"nope\" does not exist"),
            ("DROP INDEX nope", "42704: index \"nope\" does not exist"),
            ("TRUNCATE t, nope", "42P01: relation \"nope\" does not exist"),
            ("TRUNCATE t_pkey", "42809: \"t_pkey\" is not a table"),
            ("SELECT count(*) FROM t", "2\nSELECT 1"),
            ("TRUNCATE t", "TRUNCATE TABLE"),
            ("SELECT count(*) FROM t", "0\nSELECT 1"),
            ("DROP TABLE t, t", "DROP TABLE"),
        ],
    );
}

#[test]
fn what_is_only_noticed() {
    let mut a = database().session();
    ok(&mut a, "CREATE TABLE t (a INT)");
    ok(&mut a, "CREATE INDEX i ON t (a)");
    let noticed = [
        ("CREATE TABLE IF NOT EXISTS t (b INT)", "relation \"t\" already exists, skipping"),
        ("CREATE INDEX IF NOT EXISTS i ON t (a)", "relation \"i\" already exists, skipping"),
        ("DROP TABLE IF EXISTS nope", "table \"nope\" does not exist, skipping"),
        ("DROP INDEX IF EXISTS nope", "index \"nope\" does not exist, skipping"),
    ];
    for (text, message) in noticed {
        let told = notices(&mut a, text);
        assert_eq!((told.len(), told[0].severity), (1, "NOTICE"), "{text}");
        assert_eq!(told[0].message, message);
    }
    ok(&mut a, "SET client_min_messages = warning");
    assert!(notices(&mut a, "DROP TABLE IF EXISTS nope").is_empty());
}

#[test]
fn a_unique_index_names_the_key_it_cannot_have() {
    let mut a = database().session();
    ok(&mut a, "CREATE TABLE t (a INT, b TEXT)");
    ok(&mut a, "INSERT INTO t VALUES (1, 'x'), (1, 'y'), (1, 'x')");
    let error =
        a.execute("CREATE UNIQUE INDEX u ON t (a, b)", &[], &mut Rows::default()).unwrap_err();
    assert_eq!(error.message(), "could not create unique index \"u\"");
    assert_eq!(error.fields().detail.as_deref(), Some("Key (a, b)=(1, x) is duplicated."));
    assert_eq!(error.fields().constraint.as_deref(), Some("u"));
    ok(&mut a, "CREATE INDEX u ON t (a, b)");
    check(&mut a, "SELECT b FROM t WHERE a = 1 ORDER BY b", "x\nx\ny\nSELECT 3");
}
