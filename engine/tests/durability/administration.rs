//! The operator's verbs: heads, entries, verification, archiving.

use spg_engine::Database;
use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::durability::Files;
use spg_engine::session::Rows;
use spg_engine::types::format_value;

use crate::support::{AUDITED_IMAGE, AUDITED_LOG, AUDITED_MEMORY, LOG, ok, open, path};

fn administer(
    database: &Database,
    verb: &str,
    options: &[(&str, &str)],
) -> Result<Vec<String>, String> {
    let mut rows = Rows::default();
    database.administer(verb, options, &mut rows).map_err(|error| error.to_string())?;
    let line = |row: &Vec<spg_engine::Value>| {
        let texts = row.iter().map(|value| {
            let mut text = String::new();
            format_value(value.as_ref(), &mut text);
            text
        });
        texts.collect::<Vec<_>>().join("|")
    };
    Ok(rows.rows.iter().map(line).collect())
}

#[test]
fn verify_finds_the_files_to_be_what_is_in_memory() {
    for mode in [LOG, AUDITED_LOG, AUDITED_IMAGE, AUDITED_MEMORY] {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b FLOAT8)",
                "CREATE INDEX ON t (a, b)",
                "INSERT INTO t SELECT 1, 'x', 'NaN'::float8",
                "INSERT INTO t VALUES (2, NULL, -0.0), (3, 'y', 1e300)",
                "CHECKPOINT",
                "UPDATE t SET a = 'z' WHERE id = 3",
                "DELETE FROM t WHERE id = 1",
            ],
        );
        for _ in 0..2 {
            let parts = administer(&database, "verify", &[]).unwrap();
            let last = parts.last().unwrap();
            assert_eq!(
                last, "memory|1 tables, 2 rows, 2 indexes agree, as of commit 6",
                "{mode:?}"
            );
        }
        drop((session, database));
        if mode != AUDITED_MEMORY {
            let database = mode.open(&disk).unwrap();
            administer(&database, "verify", &[]).unwrap();
        }
    }
}

/// `audit_verified_sequence` among the figures.
fn verified(database: &Database) -> Option<u64> {
    let figures = database.figures();
    let of = |name: &str| figures.iter().find(|(figure, _)| figure == name).map(|(_, value)| value);
    assert_eq!(of("audit_verified_at").is_some(), of("audit_verified_sequence").is_some());
    of("audit_verified_sequence").map(|value| value.parse().unwrap())
}

/// A start verifies every link, as the verbs do.
#[test]
fn the_last_verification_is_among_the_figures() {
    let disk = SimulatedDisk::new();
    let database = AUDITED_LOG.open(&disk).unwrap();
    let mut session = database.session();
    for verb in ["audit-verify", "verify"] {
        let before = verified(&database).unwrap();
        ok(&mut session, &["CREATE TABLE t (id INT)", "DROP TABLE t"]);
        assert_eq!(verified(&database), Some(before));
        administer(&database, verb, &[]).unwrap();
        assert_eq!(verified(&database), Some(before + 2));
    }
    drop((session, database));
    let database = AUDITED_LOG.open(&disk).unwrap();
    assert_eq!(verified(&database), database.audit_head().map(|head| head.sequence));
    assert_eq!(verified(&LOG.open(&SimulatedDisk::new()).unwrap()), None);
}

#[test]
fn verify_finds_a_changed_byte_in_a_file_that_is_in_use() {
    let disk = SimulatedDisk::new();
    let database = AUDITED_LOG.open(&disk).unwrap();
    ok(
        &mut database.session(),
        &["CREATE TABLE t (id INT)", "CHECKPOINT", "INSERT INTO t VALUES (1)"],
    );
    for name in ["spg.db", "audit.log"] {
        let whole = disk.contents(&path(name)).unwrap();
        let mut changed = whole.clone();
        let place = changed.len() - 40;
        changed[place] ^= 1;
        disk.replace(&path(name), &changed);
        let error = administer(&database, "verify", &[]).unwrap_err();
        assert!(error.starts_with("XX001: ") && error.contains(name), "{error}");
        disk.replace(&path(name), &whole);
        administer(&database, "verify", &[]).unwrap();
    }
}

#[test]
fn entries_are_listed_and_verified_against_a_head() {
    let disk = SimulatedDisk::new();
    let database = AUDITED_LOG.open(&disk).unwrap();
    let mut session = database.session();
    session.set_actor("ann", "127.0.0.1:9");
    ok(
        &mut session,
        &[
            "SET application_name = 'shop'",
            "CREATE TABLE t (id INT, a TEXT)",
            "BEGIN",
            "INSERT INTO t VALUES (1, 'x')",
            "UPDATE t SET a = 'y' WHERE id = 7",
            "SAVEPOINT s",
            "DELETE FROM t",
            "ROLLBACK TO s",
            "INSERT INTO t VALUES (2, 'y')",
            "COMMIT",
        ],
    );
    let insert = session.prepare("INSERT INTO t VALUES ($1, $2)").unwrap();
    let parameters = [spg_engine::Value::Int4(3), spg_engine::Value::Null];
    session.execute_prepared(&insert, &parameters, &mut Rows::default()).unwrap();
    let entries = administer(&database, "audit-list", &[("user", "ann")]).unwrap();
    let told: Vec<Vec<&str>> = entries.iter().map(|entry| entry.split('|').collect()).collect();
    let shown: Vec<String> = told
        .iter()
        .map(|entry| {
            [entry[2], entry[3], entry[5], entry[6], entry[7], entry[8], entry[9]].join("|")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "1|statement|shop|127.0.0.1:9|1|CREATE TABLE t (id INT, a TEXT)|",
            "2|statement|shop|127.0.0.1:9|1|INSERT INTO t VALUES (1, 'x')|",
            "2|statement|shop|127.0.0.1:9|1|INSERT INTO t VALUES (2, 'y')|",
            "3|statement|shop|127.0.0.1:9|1|INSERT INTO t VALUES ($1, $2)|'3', NULL",
        ]
    );
    let some = administer(
        &database,
        "audit-list",
        &[("contains", "INSERT"), ("to_commit", "2"), ("limit", "1")],
    );
    assert_eq!(some.unwrap().len(), 1);
    let head = told[1][11];
    let verified = administer(&database, "audit-verify", &[("expect_head", head)]).unwrap();
    assert!(verified[0].ends_with("|f|2"), "{verified:?}");
    let wrong = "00".repeat(32);
    let error = administer(&database, "audit-verify", &[("expect_head", &wrong)]).unwrap_err();
    assert!(error.starts_with("XX001: "), "{error}");
    for (verb, options, sqlstate) in [
        ("audit-verify", ("expect_head", "12"), "22023"),
        ("audit-list", ("limit", "x"), "22023"),
        ("audit-head", ("limit", "1"), "22023"),
        ("audit-archive", ("directory", "relative"), "22023"),
        ("nothing", ("a", "b"), "42883"),
    ] {
        let error = administer(&database, verb, &[options]).unwrap_err();
        assert!(error.starts_with(sqlstate), "{error}");
    }
}

#[test]
fn sealed_segments_are_archived_and_the_rest_verifies() {
    let disk = SimulatedDisk::new();
    let files = Files { audit_seal_bytes: 4_000, ..AUDITED_LOG.files() };
    let database = open(&disk, &files).unwrap();
    let mut session = database.session();
    ok(&mut session, &["CREATE TABLE t (id INT)"]);
    for id in 0..40 {
        ok(&mut session, &[&format!("INSERT INTO t VALUES ({id})")]);
    }
    let moved = administer(&database, "audit-archive", &[("directory", "/archive")]).unwrap();
    assert!(moved.len() > 1 && moved[0].starts_with("/archive/audit.log."), "{moved:?}");
    administer(&database, "audit-verify", &[]).unwrap();
    administer(&database, "verify", &[]).unwrap();
    drop((session, database));
    let database = open(&disk, &files).unwrap();
    let verified = administer(&database, "audit-verify", &[]).unwrap();
    assert!(!verified[0].split('|').nth(1).unwrap().eq("0"), "{verified:?}");
}
