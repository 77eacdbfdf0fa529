//! The archive of the log, and points in time: every commit of it can be gone back to, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spg_engine::Database;
use spg_engine::backup::{Restore, Restored, Until, restore};
use spg_engine::disk::Disk;
use spg_engine::disk::simulated::{Fault, SimulatedDisk};
use spg_engine::durability::Files;
use spg_engine::open_error::{OpenError, OpenErrorKind};

use crate::backup::{BACKUP, RESTORED, back_up, restored_files, verify};
use crate::support::{AUDITED_LOG, LOG, Mode, ok, open, path, run};

const ARCHIVE: &str = "/archive";
const ALL: &str = "SELECT id, length(a), b FROM t ORDER BY id";

fn files(mode: Mode) -> Files {
    Files {
        archive: Some(PathBuf::from(ARCHIVE)),
        keeper: false,
        wal_segment_bytes: 16 << 10,
        ..mode.files()
    }
}

fn restore_until(disk: &SimulatedDisk, until: Until) -> Result<Restored, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    restore(&Restore {
        from: &disk,
        source: Path::new(BACKUP),
        to: &disk,
        directory: Path::new(RESTORED),
        key: None,
        archive: Some(Path::new(ARCHIVE)),
        until,
    })
}

fn segments(disk: &SimulatedDisk, directory: &str) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| {
        path.starts_with(directory)
            && path.file_name().unwrap().to_str().unwrap().starts_with("wal.log.0")
    };
    disk.paths().into_iter().filter(is_segment).collect()
}

/// A commit and the state that it left.
type Moment = (u64, String);

/// Commits of all sizes, with checkpoints between: some segments are used again.
fn write_history(database: &Arc<Database>, rounds: usize) -> Vec<Moment> {
    let mut session = database.session();
    let mut moments = Vec::new();
    for round in 0..rounds {
        let length = [10, 900, 5000, 40_000][round % 4];
        ok(
            &mut session,
            &[
                &format!("INSERT INTO t (a, b) SELECT repeat('x', {length}), {round}"),
                "BEGIN",
                "UPDATE t SET b = b + 1",
                &format!("DELETE FROM t WHERE id = {}", round / 2),
                "COMMIT",
            ],
        );
        if round % 5 == 4 {
            ok(&mut session, &["CHECKPOINT"]);
        }
        moments.push((database.published_commit().0, run(&mut session, ALL)));
    }
    moments
}

/// A database with an archive, and a backup of it.
fn begin(disk: &SimulatedDisk, mode: Mode) -> Arc<Database> {
    let database = open(disk, &files(mode)).unwrap();
    let mut session = database.session();
    ok(&mut session, &["CREATE TABLE t (id SERIAL PRIMARY KEY, a TEXT, b INT)"]);
    write_history(&database, 2);
    back_up(&database, BACKUP).unwrap();
    database
}

#[test]
fn every_commit_can_be_gone_back_to() {
    for mode in [LOG, AUDITED_LOG] {
        let disk = SimulatedDisk::new();
        let database = begin(&disk, mode);
        let mut moments = write_history(&database, 7);
        database.archive().unwrap();
        drop(database);
        // A restart is part of the history.
        let database = open(&disk, &files(mode)).unwrap();
        moments.extend(write_history(&database, 7));
        drop(database);
        assert!(segments(&disk, ARCHIVE).len() > 10);
        let mut times = Vec::new();
        for (place, (commit, state)) in moments.iter().enumerate() {
            let disk = disk.process_kill();
            let restored = restore_until(&disk, Until::Commit(*commit)).unwrap();
            assert_eq!(restored.commit, *commit);
            check(&disk, mode, state, place % 4 == 0);
            times.push(restored.time_us);
        }
        for (place, time_us) in times.iter().enumerate() {
            let (commit, state) = &moments[place];
            let disk = disk.process_kill();
            let restored = restore_until(&disk, Until::Time(*time_us)).unwrap();
            assert_eq!((restored.commit, restored.time_us), (*commit, *time_us));
            check(&disk, mode, state, false);
            let disk = disk.power_cut(0);
            disk.paths().iter().filter(|path| path.starts_with(RESTORED)).for_each(|path| {
                disk.remove(path).unwrap();
            });
            match restore_until(&disk, Until::Time(time_us - 1)) {
                Ok(restored) => assert!(restored.commit < *commit),
                Err(error) => panic!("{error}"),
            }
        }
        let (last, state) = moments.last().unwrap();
        for until in [Until::End, Until::Time(i64::MAX)] {
            let disk = disk.process_kill();
            let restored = restore_until(&disk, until).unwrap();
            // Closing commits where sequences stand.
            assert!((*last..=last + 1).contains(&restored.commit) && restored.is_end_of_archive);
            check(&disk, mode, state, true);
        }
        let error = restore_until(&disk, Until::Commit(last + 9)).unwrap_err().to_string();
        assert!(error.contains("found commits up to"), "{error}");
        for until in [Until::Commit(1), Until::Time(0)] {
            let error = restore_until(&disk, until).unwrap_err();
            assert_eq!(error.kind(), OpenErrorKind::Usage, "{error}");
        }
        assert!(!disk.paths().iter().any(|path| path.starts_with(RESTORED)));
    }
}

/// The restored database shows a state, and goes on.
fn check(disk: &SimulatedDisk, mode: Mode, state: &str, is_thorough: bool) {
    let database = open(disk, &restored_files(mode, None)).unwrap();
    let mut session = database.session();
    assert_eq!(run(&mut session, ALL), state);
    if !is_thorough {
        return;
    }
    verify(&database);
    ok(&mut session, &["INSERT INTO t (a, b) VALUES ('after', -1)", "CHECKPOINT"]);
    let state = run(&mut session, ALL);
    drop((session, database));
    let database = open(disk, &restored_files(mode, None)).unwrap();
    assert_eq!(run(&mut database.session(), ALL), state);
    verify(&database);
}

#[test]
fn a_gap_is_refused_with_the_commits_that_are_missing() {
    let disk = SimulatedDisk::new();
    let database = begin(&disk, AUDITED_LOG);
    let first = database.published_commit().0;
    let moments = write_history(&database, 12);
    database.archive().unwrap();
    drop(database);
    let archived = segments(&disk, ARCHIVE);
    let end = restore_until(&disk.process_kill(), Until::End).unwrap();
    let last = moments.last().unwrap().0;
    assert!(end.commit >= last, "{end:?}");
    let mut gaps = 0;
    for (place, missing) in archived.iter().enumerate() {
        let disk = disk.process_kill();
        disk.remove(missing).unwrap();
        let Err(error) = restore_until(&disk, Until::End) else {
            // Before the backup, or the last.
            assert!(place < 3 || place + 1 == archived.len(), "{place}");
            continue;
        };
        let text = error.to_string();
        assert!(error.kind().is_damage(), "{text}");
        // The first one is known by what it should hold only.
        let is_named = text.starts_with(&missing.display().to_string());
        assert!(is_named || text.starts_with("/archive: ") && gaps == 0, "{text}");
        assert!(text.contains("the archive has a gap"), "{text}");
        gaps += 1;
        let Some((_, commits)) = text.split_once("commits ") else { continue };
        let mut words = commits.split(' ');
        let from: u64 = words.next().unwrap().parse().unwrap();
        assert!(from > first, "{text}");
        // Up to the gap everything can be restored.
        let restored = restore_until(&disk, Until::Commit(from - 1)).unwrap();
        assert_eq!(restored.commit, from - 1);
    }
    assert!(gaps > 5, "{gaps}");
    for path in archived {
        disk.remove(&path).unwrap();
    }
    let error = restore_until(&disk, Until::End).unwrap_err().to_string();
    assert!(error.contains("no segment of a log"), "{error}");
}

#[test]
fn a_changed_byte_in_the_archive_is_refused() {
    let disk = SimulatedDisk::new();
    let database = begin(&disk, AUDITED_LOG);
    write_history(&database, 3);
    database.archive().unwrap();
    drop(database);
    for path in segments(&disk, ARCHIVE).into_iter().skip(3) {
        let whole = disk.contents(&path).unwrap();
        // Behind its last record a copy has nothing but zeros, which are not read.
        let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
        for place in (0..used).step_by(997) {
            let mut changed = whole.clone();
            changed[place] ^= 4;
            disk.replace(&path, &changed);
            let error = restore_until(&disk, Until::End).unwrap_err();
            assert!(error.kind().is_damage(), "{error}");
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        }
        disk.replace(&path, &whole);
    }
    assert!(!disk.paths().iter().any(|path| path.starts_with(RESTORED)));
    restore_until(&disk, Until::End).unwrap();
}

#[test]
fn what_cannot_be_archived_is_kept_and_commits_go_on() {
    let disk = SimulatedDisk::new();
    let database = begin(&disk, AUDITED_LOG);
    let before = segments(&disk, "/data");
    let taken = Path::new(ARCHIVE).join(before[0].file_name().unwrap());
    disk.replace(&taken, b"something else");
    let moments = write_history(&database, 10);
    let error = database.archive().unwrap_err().to_string();
    assert!(error.starts_with(&taken.display().to_string()), "{error}");
    let status = database.archive_status().unwrap();
    assert_eq!((status.failures, status.failure.as_ref()), (1, Some(&error)));
    ok(&mut database.session(), &["CHECKPOINT"]);
    let kept = segments(&disk, "/data");
    assert!(before.iter().all(|path| kept.contains(path)), "{kept:?}");
    assert!(kept.len() > before.len() + 5, "{kept:?}");

    disk.remove(&taken).unwrap();
    database.archive().unwrap();
    let status = database.archive_status().unwrap();
    assert_eq!((status.failures, status.failure), (1, None));
    assert_eq!(
        Some(status.position),
        database
            .wal_position()
            .map(|place| { spg_engine::wal::Lsn(place.0 / (16 << 10) * (16 << 10)) })
    );
    write_history(&database, 4);
    let left = segments(&disk, "/data");
    assert!(kept.iter().any(|path| !left.contains(path)), "none was used again: {left:?}");
    drop(database);
    let (last, state) = moments.last().unwrap();
    assert_eq!(restore_until(&disk, Until::Commit(*last)).unwrap().commit, *last);
    check(&disk, AUDITED_LOG, state, true);
}

#[test]
fn an_archive_that_cannot_be_written_is_told_at_the_start() {
    let whole = SimulatedDisk::new();
    drop(begin(&whole, LOG));
    let first = whole.process_kill();
    drop(open(&first, &files(LOG)).unwrap());
    let mut told = 0;
    for number in 0..first.operations() {
        let disk = whole.process_kill();
        disk.fail_at(number, Fault::InputOutput);
        let Ok(database) = open(&disk, &files(LOG)) else { continue };
        let status = database.archive_status().unwrap();
        assert_eq!(status.failures, u64::from(status.failure.is_some()));
        told += status.failures;
        if status.failures == 0 {
            continue;
        }
        database.archive().unwrap();
        assert_eq!(database.archive_status().unwrap().failure, None);
    }
    assert!(told > 0, "nothing was written at the start");
}

#[test]
fn archiving_may_fail_or_be_cut_off_anywhere() {
    let whole = SimulatedDisk::new();
    let database = begin(&whole, AUDITED_LOG);
    write_history(&database, 2);
    drop(database);
    let run_with = |plan: &dyn Fn(&SimulatedDisk, u64)| {
        let disk = whole.process_kill();
        let database = open(&disk, &files(AUDITED_LOG)).unwrap();
        let (last, state) = write_history(&database, 4).pop().unwrap();
        let before = disk.operations();
        plan(&disk, before);
        let _ = database.archive();
        let operations = disk.operations() - before;
        (disk, database, operations, last, state)
    };
    let operations = run_with(&|_, _| {}).2;
    assert!(operations > 20, "{operations}");
    for number in 0..operations {
        // One that fails is tried again, and nothing is missing.
        for fault in [Fault::StorageFull, Fault::InputOutput] {
            let plan = |disk: &SimulatedDisk, now| disk.fail_at(now + number, fault);
            let (disk, database, _, last, state) = run_with(&plan);
            if database.refusal().is_none() {
                ok(&mut database.session(), &["CHECKPOINT"]);
                database.archive().unwrap();
            }
            drop(database);
            let mut files = files(AUDITED_LOG);
            let database = open(&disk, &files).unwrap();
            database.archive().unwrap();
            drop(database);
            assert_eq!(restore_until(&disk, Until::Commit(last)).unwrap().commit, last);
            files = restored_files(AUDITED_LOG, None);
            assert_eq!(run(&mut open(&disk, &files).unwrap().session(), ALL), state);
        }
        let plan = |disk: &SimulatedDisk, now| disk.crash_at(now + number);
        let (disk, database, _, last, state) = run_with(&plan);
        let cut = disk.power_cut(number);
        drop(database);
        let database = open(&cut, &files(AUDITED_LOG)).unwrap();
        assert_eq!(run(&mut database.session(), ALL), state);
        drop(database);
        assert_eq!(restore_until(&cut, Until::Commit(last)).unwrap().commit, last);
        check(&cut, AUDITED_LOG, &state, true);
    }
}

/// Two databases that were restored from one backup have commits of the same numbers, at the same places.
#[test]
fn a_backup_does_not_go_on_in_the_archive_of_a_sibling() {
    let disk = SimulatedDisk::new();
    drop(begin(&disk, LOG));
    restore_until(&disk, Until::End).unwrap();
    let mut restored = restored_files(LOG, None);
    let grow = |database: &Arc<Database>, row: &str| {
        let text = format!("INSERT INTO t (a, b) VALUES ('{row}', 1)");
        ok(&mut database.session(), &[&text, &text, &text]);
    };
    let mut siblings = Vec::new();
    for (archive, row) in [("/archive-2", "a"), ("/archive-3", "b")] {
        let disk = disk.process_kill();
        restored.archive = Some(PathBuf::from(archive));
        let database = open(&disk, &restored).unwrap();
        grow(&database, row);
        back_up(&database, "/backup-2").unwrap();
        grow(&database, row);
        drop(database);
        siblings.push(disk);
    }
    let restore_from = |disk: &SimulatedDisk, archive: &str| {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        restore(&Restore {
            from: &disk,
            source: Path::new("/backup-2"),
            to: &disk,
            directory: Path::new("/again"),
            key: None,
            archive: Some(Path::new(archive)),
            until: Until::End,
        })
    };
    for path in segments(&siblings[1], "/archive-3") {
        siblings[0].replace(&path, &siblings[1].contents(&path).unwrap());
    }
    let error = restore_from(&siblings[0], "/archive-3").unwrap_err();
    assert!(error.to_string().contains("another history"), "{error}");
    let restored = restore_from(&siblings[0], "/archive-2").unwrap();
    // Closing commits where sequences stand.
    assert!((3..=4).contains(&(restored.commit - restored.backup_commit)), "{restored:?}");
}

#[test]
fn an_archive_is_one_history() {
    let disk = SimulatedDisk::new();
    let database = begin(&disk, AUDITED_LOG);
    let moments = write_history(&database, 4);
    drop(database);
    restore_until(&disk, Until::Commit(moments[1].0)).unwrap();
    let just_restored = disk.process_kill();
    let mut restored = restored_files(AUDITED_LOG, None);
    restored.archive = Some(PathBuf::from(ARCHIVE));
    let error = open(&disk, &restored).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Foreign, "{error}");
    assert!(error.to_string().contains("another history"), "{error}");
    restored.archive = Some(PathBuf::from("/archive-2"));
    let database = open(&disk, &restored).unwrap();
    ok(&mut database.session(), &["INSERT INTO t (a, b) VALUES ('after', -1)"]);
    database.archive().unwrap();
    drop(database);
    assert!(!segments(&disk, "/archive-2").is_empty());

    // Nor when it has gone further than the archive: what both have is not the same.
    let restored = just_restored;
    let mut files_of_restored = restored_files(AUDITED_LOG, None);
    (files_of_restored.archive, files_of_restored.wal_segment_bytes) = (None, 16 << 10);
    let database = open(&restored, &files_of_restored).unwrap();
    let mut session = database.session();
    let last = segments(&restored, ARCHIVE).pop().unwrap();
    let is_beyond = |own: &PathBuf| own.file_name() > last.file_name();
    while segments(&restored, RESTORED).into_iter().filter(is_beyond).count() < 4 {
        ok(&mut session, &["INSERT INTO t (a, b) SELECT repeat('y', 1000), -2"]);
    }
    // Closing it in order would have its segments used again.
    let restored = restored.process_kill();
    drop((session, database));
    files_of_restored.archive = Some(PathBuf::from(ARCHIVE));
    let error = open(&restored, &files_of_restored).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Foreign, "{error}");

    // Nor may another database use it.
    let elsewhere = SimulatedDisk::new();
    for path in segments(&disk, ARCHIVE) {
        elsewhere.replace(&path, &disk.contents(&path).unwrap());
    }
    let error = open(&elsewhere, &files(AUDITED_LOG)).unwrap_err();
    assert!(error.to_string().contains("another database"), "{error}");
    let beside = Files { archive: Some(PathBuf::from("/data")), ..files(AUDITED_LOG) };
    let error = open(&disk, &beside).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Usage, "{error}");
    let no_log = Files { wal: None, archive: Some(path("archive")), ..AUDITED_LOG.files() };
    let error = open(&SimulatedDisk::new(), &no_log).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Usage, "{error}");
}
