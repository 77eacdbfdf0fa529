//! Constraints and ALTER TABLE over restarts: what was refused before is refused behind a log, behind an image, after a kill.

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::session::{Rows, Session};

use crate::support::{KEEPING, ok, run};

fn check(session: &mut Session) {
    let refused = run(session, "INSERT INTO t VALUES (0, 'a')");
    assert!(refused.starts_with("23514") && refused.contains("\"t_a_check\""), "{refused}");
    let refused = run(session, "UPDATE t SET b = 'no' WHERE a = 1");
    assert!(refused.starts_with("23514") && refused.contains("\"odd name\""), "{refused}");
}

#[test]
fn constraints_hold_after_a_restart() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE TABLE t (a INT CHECK (t.a > 0), b TEXT, CONSTRAINT \"odd name\" CHECK (b LIKE 'a%' OR b IS NULL))",
                "INSERT INTO t VALUES (1, 'a')",
            ],
        );
        check(&mut session);
        drop(session);
        drop(database);
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        check(&mut session);
        ok(&mut session, &["INSERT INTO t VALUES (2, NULL)", "CHECKPOINT"]);
        for left in [disk.process_kill(), disk.power_cut(3)] {
            let database = mode.open(&left).unwrap();
            check(&mut database.session());
            let verified = database.administer("verify", &[], &mut Rows::default());
            assert!(verified.is_ok(), "{verified:?}");
        }
    }
}

const ALTERED: &str = "1|3|a|1|x\n2|3|b|2|x\n3|9|NULL|3|y\n4|3|d|4|NULL\nSELECT 4";

fn check_altered(session: &mut Session) {
    let rows = run(
        session,
        "SELECT id, coalesce(n, 0), coalesce(t, 'NULL'), k, coalesce(w, 'NULL') FROM two ORDER BY id",
    );
    assert_eq!(rows, ALTERED);
    assert_eq!(run(session, "SELECT id FROM two WHERE k = 3"), "3\nSELECT 1");
    let refused = run(session, "UPDATE two SET n = 100");
    assert!(refused.starts_with("23514") && refused.contains("\"small\""), "{refused}");
    let refused = run(session, "INSERT INTO two (id, k) VALUES (9, 4)");
    assert!(refused.starts_with("23505") && refused.contains("\"two_k\""), "{refused}");
    let refused = run(session, "INSERT INTO two (id) VALUES (NULL)");
    assert!(refused.starts_with("23502"), "{refused}");
}

#[test]
fn alterations_are_replayed() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE TABLE one (gone INT, id INT, t TEXT, PRIMARY KEY (id))",
                "INSERT INTO one VALUES (0, 1, 'a'), (0, 2, 'b')",
                "ALTER TABLE one ADD COLUMN m INT DEFAULT 3 CHECK (m < 50), ADD COLUMN k SERIAL CONSTRAINT two_k UNIQUE",
                "BEGIN",
                "INSERT INTO one (id, m) VALUES (3, 8)",
                "ALTER TABLE one DROP COLUMN gone, ADD COLUMN w TEXT DEFAULT 'x'",
                "UPDATE one SET m = m + 1, w = 'y' WHERE id = 3",
                "ALTER TABLE one RENAME COLUMN m TO n",
                "ALTER TABLE one RENAME CONSTRAINT one_m_check TO small",
                "ALTER TABLE one RENAME TO two",
                "CREATE INDEX one ON two (t)",
                "COMMIT",
                "ALTER TABLE two ALTER w DROP DEFAULT",
                "INSERT INTO two (id, t) VALUES (4, 'd')",
                "ALTER TABLE two DROP CONSTRAINT one_pkey",
            ],
        );
        check_altered(&mut session);
        for left in [disk.process_kill(), disk.power_cut(3)] {
            let database = mode.open(&left).unwrap();
            check_altered(&mut database.session());
            let verified = database.administer("verify", &[], &mut Rows::default());
            assert!(verified.is_ok(), "{verified:?}");
        }
        ok(&mut session, &["CHECKPOINT", "UPDATE two SET t = t"]);
        let left = disk.process_kill();
        let database = mode.open(&left).unwrap();
        check_altered(&mut database.session());
    }
}

#[test]
fn foreign_keys_hold_after_a_restart() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE TABLE p (gone INT, id BIGINT PRIMARY KEY)",
                "CREATE TABLE c (gone INT, id INT PRIMARY KEY, x INT REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE)",
                "INSERT INTO p VALUES (0, 1), (0, 2), (0, 3)",
                "INSERT INTO c VALUES (0, 1, 1), (0, 2, 2), (0, 3, 2)",
                "ALTER TABLE p DROP COLUMN gone",
                "ALTER TABLE c DROP COLUMN gone",
                "UPDATE p SET id = 20 WHERE id = 2",
                "DELETE FROM p WHERE id = 1",
            ],
        );
        let check = |session: &mut Session| {
            assert_eq!(run(session, "SELECT * FROM c ORDER BY id"), "2|20\n3|20\nSELECT 2");
            let refused = run(session, "INSERT INTO c VALUES (4, 1)");
            assert!(refused.starts_with("23503") && refused.contains("\"c_x_fkey\""), "{refused}");
            ok(session, &["BEGIN", "DELETE FROM p"]);
            assert_eq!(run(session, "SELECT * FROM c"), "SELECT 0");
            ok(session, &["ROLLBACK"]);
        };
        check(&mut session);
        for left in [disk.process_kill(), disk.power_cut(3)] {
            let database = mode.open(&left).unwrap();
            check(&mut database.session());
            let verified = database.administer("verify", &[], &mut Rows::default());
            assert!(verified.is_ok(), "{verified:?}");
        }
        ok(&mut session, &["CHECKPOINT", "INSERT INTO p VALUES (9)"]);
        let database = mode.open(&disk.process_kill()).unwrap();
        check(&mut database.session());
    }
}

/// A table with two constraints of one name could not be read again: every way to one is refused, and what one statement
/// drops and adds anew is replayed.
#[test]
fn names_of_constraints_are_replayed() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE TABLE t (id INT CONSTRAINT pk PRIMARY KEY, u INT, v INT, c SERIAL, CONSTRAINT k CHECK (u > 0))",
                "CREATE INDEX plain ON t (v)",
                "INSERT INTO t VALUES (1, 1, 1), (2, 2, 1)",
            ],
        );
        for (statement, sqlstate) in [
            ("ALTER TABLE t ADD CONSTRAINT k UNIQUE (u)", "42710"),
            (
                "ALTER TABLE t ADD COLUMN b INT CONSTRAINT q CHECK (b > 0) CONSTRAINT q UNIQUE",
                "42710",
            ),
            ("ALTER TABLE t ADD CONSTRAINT q UNIQUE (u), ADD CONSTRAINT q CHECK (u > 0)", "42710"),
            ("CREATE TABLE s (a INT CONSTRAINT q UNIQUE CONSTRAINT q CHECK (a > 0))", "42710"),
            ("ALTER INDEX pk RENAME TO k", "42710"),
            ("ALTER TABLE t RENAME CONSTRAINT k TO pk", "42710"),
        ] {
            let refused = run(&mut session, statement);
            assert!(refused.starts_with(sqlstate), "{statement}: {refused}");
        }
        ok(
            &mut session,
            &[
                "ALTER INDEX plain RENAME TO k",
                "ALTER TABLE t ADD CONSTRAINT t_pkey CHECK (u > 0)",
                "ALTER TABLE t DROP CONSTRAINT pk, ADD PRIMARY KEY (id)",
                "ALTER TABLE t DROP CONSTRAINT t_pkey1, ADD CONSTRAINT t_pkey1 PRIMARY KEY (id, u)",
                "ALTER TABLE t DROP COLUMN c, ADD COLUMN c SERIAL, ADD CONSTRAINT plain UNIQUE (u)",
                "CREATE SEQUENCE name",
                "BEGIN",
                "DROP SEQUENCE name",
                "CREATE TABLE name (a INT)",
                "COMMIT",
                "INSERT INTO name VALUES (1)",
            ],
        );
        let check = |session: &mut Session| {
            assert_eq!(run(session, "SELECT id, c FROM t ORDER BY id"), "1|1\n2|2\nSELECT 2");
            assert_eq!(run(session, "SELECT a FROM name"), "1\nSELECT 1");
            let names = run(session, "SELECT conname FROM pg_constraint ORDER BY 1");
            assert_eq!(names, "k\nplain\nt_pkey\nt_pkey1\nSELECT 4");
        };
        check(&mut session);
        for left in [disk.process_kill(), disk.power_cut(3)] {
            let database = mode.open(&left).unwrap();
            check(&mut database.session());
            let verified = database.administer("verify", &[], &mut Rows::default());
            assert!(verified.is_ok(), "{verified:?}");
        }
        ok(
            &mut session,
            &["CHECKPOINT", "INSERT INTO t VALUES (3, 3, 3)", "DELETE FROM t WHERE id = 3"],
        );
        check(&mut mode.open(&disk.process_kill()).unwrap().session());
    }
}

#[test]
fn identity_columns_that_come_and_go_are_replayed() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE TABLE i (id INT GENERATED ALWAYS AS IDENTITY, a INT NOT NULL, b INT GENERATED ALWAYS AS IDENTITY)",
                "INSERT INTO i (a) VALUES (1)",
                "ALTER TABLE i ALTER b DROP IDENTITY, ALTER a ADD GENERATED ALWAYS AS IDENTITY (START 10)",
                "ALTER TABLE i ALTER id RESTART WITH 20 SET GENERATED BY DEFAULT",
                "ALTER TABLE i ALTER b ADD GENERATED BY DEFAULT AS IDENTITY (START 30)",
                "INSERT INTO i DEFAULT VALUES",
            ],
        );
        let kept = "1|1|1\n20|10|30\nSELECT 2";
        for left in [disk.process_kill(), disk.power_cut(3)] {
            let database = mode.open(&left).unwrap();
            let mut session = database.session();
            assert_eq!(run(&mut session, "SELECT * FROM i ORDER BY id"), kept);
            ok(&mut session, &["INSERT INTO i (id) VALUES (50)"]);
            let refused = run(&mut session, "INSERT INTO i (a) VALUES (50)");
            assert!(refused.starts_with("428C9"), "{refused}");
            let sequences = run(&mut session, "SELECT sequencename FROM pg_sequences ORDER BY 1");
            assert_eq!(sequences, "i_a_seq\ni_b_seq\ni_id_seq\nSELECT 3");
            let verified = database.administer("verify", &[], &mut Rows::default());
            assert!(verified.is_ok(), "{verified:?}");
        }
    }
}
