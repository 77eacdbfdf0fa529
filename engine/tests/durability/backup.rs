//! Backups: whole or none, and what is restored is one commit.

use std::path::Path;
use std::sync::Arc;

use spg_engine::Database;
use spg_engine::audit::Key;
use spg_engine::backup::{Progress, Restore, Restored, Until, restore, write};
use spg_engine::disk::Disk;
use spg_engine::disk::simulated::{Fault, SimulatedDisk};
use spg_engine::durability::Files;
use spg_engine::open_error::OpenError;
use spg_engine::session::Rows;

use crate::support::{AUDITED_LOG, AUDITED_MEMORY, KEEPING, Mode, ok, open, run};

pub(crate) const BACKUP: &str = "/backup";
pub(crate) const RESTORED: &str = "/restored";

/// Makes a backup; answers its commit.
pub(crate) fn back_up(database: &Database, directory: &str) -> Result<u64, String> {
    let mut rows = Rows::default();
    let made = database.administer("backup", &[("directory", directory)], &mut rows);
    made.map_err(|error| error.to_string())?;
    let spg_engine::Value::Int8(commit) = rows.rows[0][0] else { return Err("no number".into()) };
    Ok(commit as u64)
}

fn restore_with(disk: &SimulatedDisk, key: Option<&Key>) -> Result<Restored, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let (source, directory) = (Path::new(BACKUP), Path::new(RESTORED));
    let (archive, until) = (None, Until::End);
    restore(&Restore { from: &disk, source, to: &disk, directory, key, archive, until })
}

/// The files of the restored directory, for a database that is to do only what it is told.
pub(crate) fn restored_files(mode: Mode, key: Option<Key>) -> Files {
    let directory = Path::new(RESTORED);
    Files {
        make_directory: None,
        audit: mode.audit.then(|| directory.join("audit.log")),
        audit_key: key,
        keeper: false,
        wal_segment_bytes: 32 << 10,
        ..Files::in_directory(directory)
    }
}

pub(crate) fn verify(database: &Database) {
    for verb in ["verify", "audit-verify"] {
        if verb == "verify" || database.audit_head().is_some() {
            database.administer(verb, &[], &mut Rows::default()).unwrap();
        }
    }
}

const ALL: &str = "SELECT id, a FROM t ORDER BY id";

/// A database with some rows, some of them behind a checkpoint, and sealed audit segments.
fn some_database(disk: &SimulatedDisk, mode: Mode, key: Option<Key>) -> Arc<Database> {
    let files = Files { audit_key: key, audit_seal_bytes: 1000, keeper: false, ..mode.files() };
    let database = open(disk, &files).unwrap();
    let mut session = database.session();
    ok(&mut session, &["CREATE TABLE t (id SERIAL PRIMARY KEY, a TEXT)", "CREATE INDEX ON t (a)"]);
    for place in 0..8 {
        let texts = [format!("INSERT INTO t (a) VALUES ('row {place}')")];
        ok(&mut session, &texts.each_ref().map(String::as_str));
        if place == 3 {
            ok(&mut session, &["CHECKPOINT"]);
        }
    }
    ok(&mut session, &["DELETE FROM t WHERE id = 2"]);
    database
}

#[test]
fn what_is_restored_is_the_commit_of_the_backup_and_goes_on() {
    for mode in KEEPING {
        for key in [None, Some(Key::new([7; 32]))] {
            if key.is_some() && !mode.audit {
                continue;
            }
            let disk = SimulatedDisk::new();
            let database = some_database(&disk, mode, key.clone());
            let mut session = database.session();
            let before = run(&mut session, ALL);
            let commit = back_up(&database, BACKUP).unwrap();
            assert_eq!(commit, database.published_commit().0);
            ok(&mut session, &["UPDATE t SET a = 'later'", "DROP TABLE t"]);
            drop((session, database));

            let restored = restore_with(&disk, key.as_ref()).unwrap();
            assert_eq!(
                (restored.commit, restored.backup_commit, restored.rows),
                (commit, commit, 7)
            );
            for round in 0..3 {
                let database = open(&disk, &restored_files(mode, key.clone())).unwrap();
                let mut session = database.session();
                verify(&database);
                if round == 0 {
                    assert_eq!(database.published_commit().0, commit, "{mode:?}");
                    assert_eq!(run(&mut session, ALL), before);
                    ok(&mut session, &["INSERT INTO t (a) VALUES ('after')"]);
                }
                let found = run(&mut session, "SELECT a FROM t WHERE a = 'after'");
                assert_eq!(found, "after\nSELECT 1", "{mode:?}");
                if round == 1 {
                    ok(&mut session, &["CHECKPOINT"]);
                }
                verify(&database);
            }
        }
    }
}

#[test]
fn what_was_acknowledged_before_it_was_durable_is_in_the_backup() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = some_database(&disk, mode, None);
        let mut session = database.session();
        ok(&mut session, &["SET synchronous_commit = off", "INSERT INTO t (a) VALUES ('last')"]);
        let commit = back_up(&database, BACKUP).unwrap();
        assert_eq!(commit, database.published_commit().0, "{mode:?}");
        let restored = restore_with(&disk, None).unwrap();
        assert_eq!((restored.commit, restored.rows), (commit, 8), "{mode:?}");
    }
}

/// The entry that says what was moved away is in the next backup, although no statement came after it.
#[test]
fn a_backup_after_the_archiving_of_audit_segments_is_restored() {
    for mode in KEEPING.into_iter().filter(|mode| mode.audit) {
        let disk = SimulatedDisk::new();
        let database = some_database(&disk, mode, None);
        let before = run(&mut database.session(), ALL);
        let mut moved = Rows::default();
        let directory = [("directory", "/archive")];
        database.administer("audit-archive", &directory, &mut moved).unwrap();
        assert!(!moved.rows.is_empty(), "{mode:?}");
        back_up(&database, BACKUP).unwrap();
        drop(database);
        restore_with(&disk, None).unwrap();
        let database = open(&disk, &restored_files(mode, None)).unwrap();
        verify(&database);
        assert_eq!(run(&mut database.session(), ALL), before, "{mode:?}");
    }
}

#[test]
fn what_cannot_be_is_refused_and_named() {
    let disk = SimulatedDisk::new();
    let database = some_database(&disk, AUDITED_LOG, None);
    let error = back_up(&database, "/data").unwrap_err();
    assert!(error.starts_with("58P02: /data is not empty"), "{error}");
    for directory in ["", "backup"] {
        assert!(back_up(&database, directory).unwrap_err().starts_with("22023: "));
    }
    let memory = open(&SimulatedDisk::new(), &AUDITED_MEMORY.files()).unwrap();
    assert!(back_up(&memory, BACKUP).unwrap_err().starts_with("55000: "));

    let error = restore_with(&disk, None).unwrap_err();
    assert!(error.to_string().contains("no manifest"), "{error}");
    back_up(&database, BACKUP).unwrap();
    let error = restore_with(&disk, Some(&Key::new([1; 32]))).unwrap_err();
    assert!(error.to_string().contains("has no key"), "{error}");
    disk.replace(Path::new("/restored/other"), b"");
    let error = restore_with(&disk, None).unwrap_err();
    assert!(error.to_string().starts_with("/restored: the directory is not empty"), "{error}");
    assert_eq!(disk.contents(Path::new("/restored/other")), Some(Vec::new()));

    disk.replace(Path::new("/backup/audit.log.00000000000000ff"), b"");
    disk.remove(Path::new("/restored/other")).unwrap();
    let error = restore_with(&disk, None).unwrap_err();
    assert!(error.to_string().contains("does not name this file"), "{error}");
}

#[test]
fn a_changed_byte_in_any_file_is_refused_and_named() {
    for key in [None, Some(Key::new([7; 32]))] {
        let disk = SimulatedDisk::new();
        drop(some_database(&disk, AUDITED_LOG, key.clone()));
        let database =
            open(&disk, &Files { audit_key: key.clone(), keeper: false, ..AUDITED_LOG.files() })
                .unwrap();
        back_up(&database, BACKUP).unwrap();
        let paths = disk.paths();
        let files: Vec<_> = paths.iter().filter(|path| path.starts_with(BACKUP)).collect();
        assert!(files.len() > 4, "{files:?}");
        for path in files {
            let whole = disk.contents(path).unwrap();
            for place in (0..whole.len()).step_by(if key.is_some() { 97 } else { 7 }) {
                let mut changed = whole.clone();
                changed[place] ^= 1 << (place % 8);
                disk.replace(path, &changed);
                let error = restore_with(&disk, key.as_ref()).unwrap_err();
                let text = error.to_string();
                assert!(text.starts_with(&path.display().to_string()), "{place}: {text}");
                assert!(text.contains("expected") && text.contains("found"), "{place}: {text}");
                assert!(error.kind().is_damage(), "{text}");
            }
            for changed in [&whole[..whole.len() - 1], &[&whole[..], b"x"].concat()] {
                disk.replace(path, changed);
                let text = restore_with(&disk, key.as_ref()).unwrap_err().to_string();
                assert!(text.starts_with(&path.display().to_string()), "{text}");
            }
            disk.replace(path, &whole);
        }
        assert!(!disk.paths().iter().any(|path| path.starts_with(RESTORED)));
        restore_with(&disk, key.as_ref()).unwrap();
    }
}

/// Restores what may be a backup: it is the whole one, or none.
fn check_whole_or_none(disk: &SimulatedDisk, before: &str, number: u64) -> bool {
    if let Err(error) = restore_with(disk, None) {
        assert!(error.kind().is_damage(), "{number}: {error}");
        return false;
    }
    let database = open(disk, &restored_files(AUDITED_LOG, None)).unwrap();
    verify(&database);
    assert_eq!(run(&mut database.session(), ALL), before, "{number}");
    true
}

#[test]
fn a_backup_is_whole_or_none_wherever_it_was_cut_off() {
    let (mut whole, mut none) = (0, 0);
    for number in 0.. {
        let disk = SimulatedDisk::new();
        let database = some_database(&disk, AUDITED_LOG, None);
        let before = run(&mut database.session(), ALL);
        disk.crash_at(disk.operations() + number);
        let made = back_up(&database, BACKUP);
        for cut in [disk.process_kill(), disk.power_cut(number), disk.power_cut(number + 1000)] {
            // The database itself is as it was.
            let own = open(&cut, &Files { keeper: false, ..AUDITED_LOG.files() }).unwrap();
            assert_eq!(run(&mut own.session(), ALL), before, "{number}");
            drop(own);
            if check_whole_or_none(&cut, &before, number) { whole += 1 } else { none += 1 }
        }
        if made.is_ok() {
            break;
        }
    }
    assert!(whole >= 3 && none > 60, "{whole} whole, {none} none");
}

#[test]
fn a_backup_that_fails_names_the_file_and_leaves_nothing_like_one() {
    let disk = SimulatedDisk::new();
    let database = some_database(&disk, AUDITED_LOG, None);
    let first = disk.operations();
    back_up(&database, BACKUP).unwrap();
    let operations = disk.operations() - first;
    assert!(operations > 30, "{operations}");
    let faults = [Fault::StorageFull, Fault::InputOutput, Fault::ShortWrite];
    for (number, fault) in (0..operations).flat_map(|number| faults.map(|fault| (number, fault))) {
        let disk = SimulatedDisk::new();
        let database = some_database(&disk, AUDITED_LOG, None);
        disk.fail_at(disk.operations() + number, fault);
        let Err(error) = back_up(&database, BACKUP) else {
            panic!("{number}: {fault:?} was not seen\n{}", disk.log());
        };
        let state = if fault == Fault::InputOutput { "58030: " } else { "53100: " };
        if number > 0 {
            assert!(error.starts_with(state) && error.contains(BACKUP), "{number}: {error}");
        }
        let left = disk.paths();
        assert!(!left.iter().any(|path| path.starts_with(BACKUP)), "{number}: {left:?}");
        // The first operation syncs the database's own audit log, after which nothing is written any more.
        if database.refusal().is_none() {
            ok(&mut database.session(), &["INSERT INTO t (a) VALUES ('after')"]);
            back_up(&database, "/another").unwrap();
        }
    }
}

#[test]
fn a_directory_that_was_not_finished_is_no_database() {
    let (mut whole, mut none) = (0, 0);
    for number in 0.. {
        let disk = SimulatedDisk::new();
        let database = some_database(&disk, AUDITED_LOG, None);
        let before = run(&mut database.session(), ALL);
        back_up(&database, BACKUP).unwrap();
        drop(database);
        let files = restored_files(AUDITED_LOG, None);
        disk.crash_at(disk.operations() + number);
        let made = restore_with(&disk, None);
        let cut = disk.power_cut(number);
        let is_begun = cut.paths().iter().any(|path| path.starts_with(RESTORED));
        match open(&cut, &files) {
            // Nothing of it is there: a new database is made.
            Ok(database) if !is_begun => assert_eq!(database.published_commit().0, 0),
            Ok(database) => {
                assert_eq!(run(&mut database.session(), ALL), before, "{number}");
                verify(&database);
                whole += 1;
            }
            Err(error) => {
                assert!(error.kind().is_damage(), "{number}: {error}");
                none += 1;
            }
        }
        if made.is_ok() {
            break;
        }
    }
    assert!(whole >= 1 && none > 5, "{whole} whole, {none} none");
}

#[test]
fn a_backup_can_be_cancelled_in_any_slice() {
    let disk = SimulatedDisk::new();
    let database = some_database(&disk, AUDITED_LOG, None);
    let mut session = database.session();
    let journal = database.journal().unwrap();
    let cancelled = || spg_engine::Error::new(spg_engine::SqlState::QueryCanceled, "cancelled");
    let mut slices = 0;
    loop {
        let asked = std::cell::Cell::new(0);
        let mut check = |_| {
            asked.set(asked.get() + 1);
            if asked.get() > slices { Err(cancelled()) } else { Ok(()) }
        };
        let made = write(journal, || database.published_root(), Path::new(BACKUP), &mut check);
        let Err(error) = made else { break };
        assert_eq!(error.sqlstate(), spg_engine::SqlState::QueryCanceled, "{error}");
        assert!(!disk.paths().iter().any(|path| path.starts_with(BACKUP)));
        slices += 1;
    }
    ok(&mut session, &["INSERT INTO t (a) VALUES ('after')"]);
    assert!(slices > 3, "{slices}");
    restore_with(&disk, None).unwrap();
}

#[test]
fn a_backup_tells_how_far_it_is() {
    let disk = SimulatedDisk::new();
    let database = some_database(&disk, AUDITED_LOG, None);
    let mut session = database.session();
    let rows: Vec<String> = (0..20_000).map(|n| format!("('{n:0>60}')")).collect();
    ok(&mut session, &[&format!("INSERT INTO t (a) VALUES {}", rows.join(", "))]);
    let mut told: Vec<Progress> = Vec::new();
    let mut pace = |progress| {
        told.push(progress);
        Ok(())
    };
    let journal = database.journal().unwrap();
    let made = write(journal, || database.published_root(), Path::new(BACKUP), &mut pace).unwrap();
    assert!(told.len() > 5 && told.is_sorted_by_key(|progress| progress.bytes), "{told:?}");
    assert!(told.iter().all(|progress| progress.bytes <= progress.bytes_total), "{told:?}");
    let last = told.last().unwrap();
    assert!(made.bytes - last.bytes < 2_000 && last.bytes_total - last.bytes < 2_000, "{last:?}");
    let expected = told[0].bytes_total;
    assert!((made.bytes * 3 / 4..made.bytes * 4 / 3).contains(&expected), "{expected}: {made:?}");

    let notices = |directory, progress| {
        let mut sink = Rows::default();
        let options = [("directory", directory), ("progress", progress)];
        database.session().administer("backup", &options, &mut sink).map(|_| sink.notices)
    };
    let told = notices("/on", "on").unwrap();
    assert!(!told.is_empty() && told.iter().all(|notice| notice.severity == "INFO"), "{told:?}");
    let numbers = told[0].message.split_once(' ').unwrap();
    assert!(numbers.0.parse::<u64>().unwrap() <= numbers.1.parse().unwrap(), "{told:?}");
    assert_eq!(notices("/off", "off").unwrap(), []);
    assert!(notices("/maybe", "maybe").unwrap_err().to_string().starts_with("22023"));
}
