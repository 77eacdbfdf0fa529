//! Files of every released format open forever. `SPG_WRITE_FIXTURES=1` writes those of today's into `tests/fixtures` anew, which
//! is only for a format that was never released.

use std::path::{Path, PathBuf};

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::durability::Files;

use crate::support::{AUDITED_LOG, ok, open, path, run};

/// A database as a killed process left it: an image of commit 3, behind it a log of three more commits.
const VERSION_1: &str = "tests/fixtures/data-v1";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(VERSION_1)
}

fn files() -> Files {
    Files { wal_segment_bytes: 16 << 10, ..AUDITED_LOG.files() }
}

fn write_version_1() {
    let disk = SimulatedDisk::new();
    let database = open(&disk, &files()).unwrap();
    let mut session = database.session();
    session.set_actor("ann", "127.0.0.1:1");
    ok(
        &mut session,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b BIGINT, c SMALLINT, d REAL, e FLOAT8, f BOOL, v VECTOR(2))",
            "CREATE INDEX by_a ON t (a DESC, b)",
            "INSERT INTO t VALUES (1, 'one', 1, 1, 1.5, 2.5, true, '[1,2]'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
            "CHECKPOINT",
            "UPDATE t SET a = 'zwei' WHERE id = 2",
            "BEGIN",
            "INSERT INTO t (id, a) VALUES (3, 'drei')",
            "DELETE FROM t WHERE id = 1",
            "COMMIT",
            "CREATE TABLE u (n INT DEFAULT 7)",
        ],
    );
    let killed = disk.process_kill();
    std::fs::create_dir_all(directory()).unwrap();
    for file in killed.paths() {
        let name = file.file_name().unwrap();
        std::fs::write(directory().join(name), killed.contents(&file).unwrap()).unwrap();
    }
}

#[test]
fn version_1_opens() {
    if std::env::var_os("SPG_WRITE_FIXTURES").is_some() {
        write_version_1();
    }
    let disk = SimulatedDisk::new();
    for entry in std::fs::read_dir(directory()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        disk.replace(&path(name.to_str().unwrap()), &std::fs::read(entry.path()).unwrap());
    }
    for _ in 0..2 {
        let database = open(&disk, &files()).unwrap();
        let mut session = database.session();
        assert_eq!(run(&mut session, "SELECT * FROM t"), "2|zwei||||||\n3|drei||||||\nSELECT 2");
        assert_eq!(run(&mut session, "SELECT id FROM t WHERE a = 'drei'"), "3\nSELECT 1");
        let duplicate = run(&mut session, "INSERT INTO t (id) VALUES (2)");
        assert!(duplicate.starts_with("23505"), "{duplicate}");
        ok(&mut session, &["INSERT INTO u DEFAULT VALUES", "DELETE FROM u"]);
        let mut rows = spg_engine::session::Rows::default();
        database.administer("verify", &[], &mut rows).unwrap();
        rows.rows.clear();
        database.administer("audit-list", &[("user", "ann")], &mut rows).unwrap();
        assert_eq!(rows.rows.len(), 7, "each statement that changed something");
    }
}
