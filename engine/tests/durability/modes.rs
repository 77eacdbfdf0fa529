//! Every mode over restarts in order.

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::durability::Files;

use crate::support::{
    AUDITED_IMAGE, AUDITED_LOG, AUDITED_MEMORY, IMAGE, KEEPING, LOG, ok, open, run,
};

#[test]
fn what_is_committed_is_there_after_a_restart() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        {
            let database = mode.open(&disk).unwrap();
            let mut session = database.session();
            ok(
                &mut session,
                &[
                    "CREATE TABLE u (id INT PRIMARY KEY, name TEXT NOT NULL, n BIGINT DEFAULT 7)",
                    "INSERT INTO u VALUES (1, 'alice'), (2, 'bob'), (3, 'carol')",
                    "BEGIN",
                    "UPDATE u SET n = 8 WHERE id = 2",
                    "SAVEPOINT s",
                    "DELETE FROM u",
                    "ROLLBACK TO s",
                    "DELETE FROM u WHERE id = 1",
                    "COMMIT",
                    "CREATE INDEX by_name ON u (name)",
                    "CREATE TABLE gone (a INT)",
                    "DROP TABLE gone",
                    "CREATE TABLE v (v VECTOR(3))",
                    "INSERT INTO v VALUES ('[1,2,3]'), (NULL)",
                    "BEGIN",
                    "INSERT INTO u VALUES (9, 'nobody')",
                    "ROLLBACK",
                ],
            );
        }
        for round in 0..3 {
            let database = mode.open(&disk).unwrap();
            let mut session = database.session();
            let expected = "2|bob|8\n3|carol|7\nSELECT 2";
            assert_eq!(
                run(&mut session, "SELECT * FROM u ORDER BY id"),
                expected,
                "{mode:?} {round}"
            );
            assert_eq!(run(&mut session, "SELECT * FROM v"), "[1,2,3]\n\nSELECT 2");
            assert_eq!(run(&mut session, "SELECT id FROM u WHERE name = 'carol'"), "3\nSELECT 1");
            let duplicate = run(&mut session, "INSERT INTO u VALUES (2, 'x')");
            assert!(duplicate.starts_with("23505"), "{duplicate}");
            ok(&mut session, &["INSERT INTO u VALUES (50, 'new')", "DELETE FROM u WHERE id = 50"]);
            if round == 1 {
                ok(&mut session, &["CHECKPOINT"]);
            }
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    for mode in KEEPING {
        let mut disk = SimulatedDisk::new();
        for round in 0..20_i32 {
            let database = mode.open(&disk).unwrap();
            let mut session = database.session();
            if round == 0 {
                ok(&mut session, &["CREATE TABLE t (id INT PRIMARY KEY)"]);
            }
            let expected = format!("{round}\nSELECT 1");
            assert_eq!(run(&mut session, "SELECT count(*) FROM t"), expected, "{mode:?}");
            ok(&mut session, &[&format!("INSERT INTO t VALUES ({round})")]);
            if round % 5 == 4 {
                ok(&mut session, &["CHECKPOINT"]);
            }
            disk = if round % 2 == 0 { disk.process_kill() } else { disk.power_cut(round as u64) };
        }
    }
}

#[test]
fn a_large_commit_goes_in_parts() {
    let disk = SimulatedDisk::new();
    let database = AUDITED_LOG.open(&disk).unwrap();
    let mut session = database.session();
    ok(&mut session, &["CREATE TABLE t (id INT PRIMARY KEY, a TEXT)"]);
    let values: Vec<String> =
        (0..5_000).map(|id| format!("({id}, 'a text that takes some bytes {id}')")).collect();
    ok(&mut session, &[&format!("INSERT INTO t VALUES {}", values.join(", "))]);
    ok(&mut session, &["UPDATE t SET a = a || '!' WHERE id < 3000"]);
    let killed = disk.power_cut(1);
    let database = AUDITED_LOG.open(&killed).unwrap();
    let answer = run(&mut database.session(), "SELECT count(*), count(DISTINCT a), max(a) FROM t");
    assert_eq!(answer, "5000|5000|a text that takes some bytes 999!\nSELECT 1");
}

#[test]
fn receipts_name_the_commit_and_the_head() {
    let disk = SimulatedDisk::new();
    let database = AUDITED_LOG.open(&disk).unwrap();
    let mut session = database.session();
    assert_eq!(run(&mut session, "SHOW spg.last_receipt"), "\nSHOW");
    ok(&mut session, &["CREATE TABLE t (id INT)"]);
    let receipt = session.last_receipt().unwrap();
    assert_eq!((receipt.commit.0, receipt.chain), (1, database.audit_head()));
    let shown = run(&mut session, "SHOW spg.last_receipt");
    assert_eq!(shown, format!("{receipt}\nSHOW"));
    assert_eq!(shown.len(), "1 \nSHOW".len() + 64);
}

#[test]
fn a_log_and_an_audit_log_can_be_added() {
    let disk = SimulatedDisk::new();
    for (place, mode) in [IMAGE, AUDITED_IMAGE, AUDITED_LOG, AUDITED_LOG].into_iter().enumerate() {
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        if place == 0 {
            ok(&mut session, &["CREATE TABLE t (id INT)"]);
        }
        ok(&mut session, &["INSERT INTO t VALUES (1)"]);
        let expected = format!("{}\nSELECT 1", place + 1);
        assert_eq!(run(&mut session, "SELECT count(*) FROM t"), expected);
    }
    for mode in [IMAGE, AUDITED_IMAGE, LOG] {
        let error = mode.open(&disk).unwrap_err();
        assert!(error.to_string().contains("was not given"), "{error}");
    }
}

#[test]
fn memory_with_an_audit_log_goes_on_with_the_chain() {
    let disk = SimulatedDisk::new();
    let mut heads = Vec::new();
    for _ in 0..3 {
        let database = AUDITED_MEMORY.open(&disk).unwrap();
        let mut session = database.session();
        ok(&mut session, &["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]);
        heads.push(database.audit_head().unwrap().sequence);
    }
    assert_eq!(heads, [3, 6, 9], "opened empty, CREATE, INSERT each time");
}

#[test]
fn a_log_that_was_added_and_not_written_to_opens_again() {
    let disk = SimulatedDisk::new();
    let database = AUDITED_IMAGE.open(&disk).unwrap();
    ok(&mut database.session(), &["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]);
    drop(database);
    for _ in 0..3 {
        let database = AUDITED_LOG.open(&disk).unwrap();
        assert_eq!(run(&mut database.session(), "SELECT id FROM t"), "1\nSELECT 1");
    }
}

#[test]
fn a_crash_while_a_log_is_added_loses_nothing() {
    let whole = SimulatedDisk::new();
    let database = AUDITED_IMAGE.open(&whole).unwrap();
    ok(&mut database.session(), &["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]);
    drop(database);
    let mut number = 0;
    loop {
        let disk = whole.process_kill();
        let files = Files { keeper: false, ..AUDITED_LOG.files() };
        disk.crash_at(number);
        let opened = open(&disk, &files);
        let has_crashed = disk.has_crashed();
        drop(opened);
        let cut = disk.power_cut(number);
        for _ in 0..2 {
            // What is made anew is made of whole files.
            let database = open(&cut, &files).unwrap_or_else(|error| panic!("{number}: {error}"));
            assert_eq!(run(&mut database.session(), "SELECT id FROM t"), "1\nSELECT 1");
        }
        if !has_crashed {
            break;
        }
        number += 1;
    }
    assert!(number > 20, "{number} operations");
}
