//! Foreign keys between transactions: whoever commits later sees to it that both ends still fit.

use std::sync::Arc;

use spg_engine::Database;
use spg_engine::session::Session;

use crate::support::{check, database, ok, run};

const CONFLICT: &str = "40001: could not serialize access due to concurrent update";
const NOT_PRESENT: &str =
    "23503: insert or update on table \"c\" violates foreign key constraint \"c_x_fkey\"";
const REFERENCED: &str = "23503: update or delete on table \"p\" violates foreign key constraint \"c_x_fkey\" on table \"c\"";

/// Parents 1 and 2 of which a child, 2, refers to the second; the foreign key with its actions.
fn family(action: &str) -> (Arc<Database>, Session, Session) {
    let database = database();
    let (mut a, b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE p (id INT PRIMARY KEY, n INT)");
    ok(&mut a, &format!("CREATE TABLE c (id INT PRIMARY KEY, x INT REFERENCES p {action})"));
    ok(&mut a, "INSERT INTO p VALUES (1, 0), (2, 0)");
    ok(&mut a, "INSERT INTO c VALUES (2, 2)");
    (database, a, b)
}

fn orphans(session: &mut Session) -> String {
    run(
        session,
        "SELECT count(*) FROM c LEFT JOIN p ON c.x = p.id WHERE p.id IS NULL AND c.x IS NOT NULL",
    )
}

#[test]
fn a_child_and_the_end_of_its_parent_do_not_both_commit() {
    for child in ["INSERT INTO c VALUES (1, 1)", "UPDATE c SET x = 1"] {
        for parent in ["DELETE FROM p WHERE id = 1", "UPDATE p SET id = 3 WHERE id = 1"] {
            // The child is later.
            let (_database, mut a, mut b) = family("");
            ok(&mut a, "BEGIN");
            ok(&mut a, child);
            ok(&mut b, parent);
            check(&mut a, "COMMIT", NOT_PRESENT);
            assert_eq!(orphans(&mut a), "0\nSELECT 1");
            // The parent is.
            let (_database, mut a, mut b) = family("");
            ok(&mut a, "BEGIN");
            ok(&mut a, parent);
            ok(&mut b, child);
            check(&mut a, "COMMIT", REFERENCED);
            assert_eq!(orphans(&mut a), "0\nSELECT 1");
            // Both in blocks.
            let (_database, mut a, mut b) = family("");
            ok(&mut a, "BEGIN");
            ok(&mut b, "BEGIN");
            ok(&mut a, parent);
            ok(&mut b, child);
            ok(&mut a, "COMMIT");
            check(&mut b, "COMMIT", NOT_PRESENT);
            assert_eq!(orphans(&mut a), "0\nSELECT 1");
        }
    }
}

#[test]
fn what_would_have_had_to_follow_is_a_conflict() {
    for action in ["ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE SET DEFAULT"] {
        let (_database, mut a, mut b) = family(action);
        ok(&mut a, "BEGIN");
        ok(&mut a, "DELETE FROM p WHERE id = 1");
        ok(&mut b, "INSERT INTO c VALUES (1, 1)");
        check(&mut a, "COMMIT", CONFLICT);
        ok(&mut a, "DELETE FROM p WHERE id = 1");
        assert_eq!(orphans(&mut a), "0\nSELECT 1");
        // A child that a cascade writes is written like any other.
        ok(&mut a, "BEGIN");
        ok(&mut a, "DELETE FROM p WHERE id = 2");
        ok(&mut b, "UPDATE c SET id = 20 WHERE id = 2");
        check(&mut a, "COMMIT", CONFLICT);
    }
    let (_database, mut a, mut b) = family("ON UPDATE CASCADE");
    ok(&mut a, "BEGIN");
    ok(&mut a, "UPDATE p SET id = 10 WHERE id = 1");
    ok(&mut b, "INSERT INTO c VALUES (1, 1)");
    check(&mut a, "COMMIT", CONFLICT);
}

#[test]
fn what_does_not_meet_commits() {
    let (_database, mut a, mut b) = family("ON DELETE CASCADE");
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO c VALUES (1, 1)");
    ok(&mut b, "UPDATE p SET n = 1");
    ok(&mut b, "INSERT INTO p VALUES (3, 0)");
    ok(&mut b, "DELETE FROM p WHERE id = 2");
    ok(&mut a, "COMMIT");
    check(&mut a, "SELECT * FROM c", "1|1\nSELECT 1");
    // A parent that comes and a child that waits for it.
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO p VALUES (4, 0)");
    ok(&mut a, "INSERT INTO c VALUES (4, 4)");
    ok(&mut b, "INSERT INTO c VALUES (3, 3)");
    ok(&mut a, "COMMIT");
    // A key that goes and comes again is there in the end.
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO c VALUES (5, 4)");
    ok(&mut b, "BEGIN");
    ok(&mut b, "DELETE FROM p WHERE id = 4");
    ok(&mut b, "INSERT INTO p VALUES (4, 1)");
    ok(&mut b, "COMMIT");
    ok(&mut a, "COMMIT");
    assert_eq!(orphans(&mut a), "0\nSELECT 1");
}

#[test]
fn definitions_meet_changes() {
    // The foreign key is made while a parent goes, and the other way round.
    let database = database();
    let (mut a, mut b) = (database.session(), database.session());
    ok(&mut a, "CREATE TABLE p (id INT PRIMARY KEY)");
    ok(&mut a, "CREATE TABLE c (x INT)");
    ok(&mut a, "INSERT INTO p VALUES (1)");
    ok(&mut a, "INSERT INTO c VALUES (1)");
    ok(&mut a, "BEGIN");
    ok(&mut a, "ALTER TABLE c ADD FOREIGN KEY (x) REFERENCES p");
    ok(&mut b, "DELETE FROM p");
    check(&mut a, "COMMIT", CONFLICT);
    ok(&mut b, "INSERT INTO p VALUES (1)");
    ok(&mut b, "BEGIN");
    ok(&mut b, "DELETE FROM p");
    ok(&mut a, "ALTER TABLE c ADD FOREIGN KEY (x) REFERENCES p");
    check(&mut b, "COMMIT", REFERENCED);
    // A table that refers to one that goes, and to a key that does.
    ok(&mut a, "CREATE TABLE q (id INT PRIMARY KEY)");
    ok(&mut a, "BEGIN");
    ok(&mut a, "CREATE TABLE d (x INT REFERENCES q)");
    ok(&mut b, "DROP TABLE q");
    check(&mut a, "COMMIT", CONFLICT);
    ok(&mut a, "CREATE TABLE q (id INT PRIMARY KEY)");
    for gone in ["DROP TABLE q", "ALTER TABLE q DROP CONSTRAINT q_pkey", "TRUNCATE q"] {
        ok(&mut a, "INSERT INTO q VALUES (7)");
        ok(&mut a, "BEGIN");
        ok(&mut a, gone);
        ok(&mut b, "BEGIN");
        ok(&mut b, "CREATE TABLE d (x INT REFERENCES q)");
        ok(&mut b, "INSERT INTO d VALUES (7)");
        ok(&mut b, "COMMIT");
        let lost = run(&mut a, "COMMIT");
        assert!(lost.starts_with("40001") || lost.starts_with("23503"), "{gone}: {lost}");
        ok(&mut a, "DROP TABLE d");
        ok(&mut a, "DELETE FROM q");
    }
    // A table emptied while a child comes.
    ok(&mut a, "CREATE TABLE d (x INT REFERENCES q)");
    ok(&mut a, "INSERT INTO q VALUES (7)");
    ok(&mut b, "BEGIN");
    ok(&mut b, "INSERT INTO d VALUES (7)");
    ok(&mut a, "TRUNCATE q, d");
    check(&mut b, "COMMIT", CONFLICT);
}

#[test]
fn loads_and_long_chains() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE s (id INT PRIMARY KEY, parent INT REFERENCES s ON DELETE CASCADE)");
    // Each row refers to the next one, which a later batch brings.
    let batch = |numbers: std::ops::Range<i32>| {
        use spg_engine::storage::column::{Column, ColumnData};
        let parents = numbers.clone().map(|number| number + 1).collect();
        vec![
            Column::new(ColumnData::Int4(numbers.collect())),
            Column::new(ColumnData::Int4(parents)),
        ]
    };
    let load = |session: &mut Session, last: Option<i32>| {
        let mut left: Vec<_> = vec![batch(0..1_000), batch(1_000..2_000)];
        left.reverse();
        let mut closing = last.map(|last| {
            let mut columns = batch(2_000..2_001);
            columns[1] = spg_engine::storage::column::Column::new(
                spg_engine::storage::column::ColumnData::Int4(vec![last]),
            );
            columns
        });
        session.insert_rows("s", &[], &mut || Ok(left.pop().or_else(|| closing.take())))
    };
    let error = load(&mut a, None).unwrap_err().to_string();
    assert!(error.starts_with("23503"), "{error}");
    check(&mut a, "SELECT count(*) FROM s", "0\nSELECT 1");
    assert_eq!(load(&mut a, Some(2_000)).unwrap(), 2_001);
    // A chain is followed link by link.
    ok(&mut a, "CREATE INDEX ON s (parent)");
    ok(&mut a, "DELETE FROM s WHERE id = 2000");
    check(&mut a, "SELECT count(*) FROM s", "0\nSELECT 1");
}
