//! Somebody with access to the files changes them so that every checksum is right. What finds it:
//!
//! | attack | all files | image and log | image and audit log |
//! |---|---|---|---|
//! | an audit entry edited, removed, repeated; two exchanged; the last ones cut off | start refused | - | start refused |
//! | image, log or audit log of another database | start refused | start refused | start refused |
//! | image of a forked history (checksums and hash recomputed) | start refused: no entry names it | not found | start refused |
//! | log of a forked history (records rewritten, CRCs recomputed) | start refused: the chain | not found | - |
//! | audit log of a forked history | start refused: the log, the image | - | start refused |
//! | image from an older copy | nothing is lost: the log goes on from it | the same | start refused: the chain goes on |
//! | log from an older copy | start refused | start refused: the image's record is not there | - |
//! | audit log from an older copy | start refused: proven entries are missing | - | start refused |
//! | all files of a forked history: the whole chain recomputed | an expected head | not found | an expected head |
//! | all files from an older copy | an expected head | not found | an expected head |
//!
//! A fork is a copy of the same database (its identity, its history) that went on with another statement: what an attacker gets who
//! recomputes every checksum, hash and link with the program itself. A row of the table is a test below.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use spg_engine::audit;
use spg_engine::disk::Disk;
use spg_engine::disk::simulated::SimulatedDisk;
use spg_proptests::crash::history::answer_of;
use spg_proptests::crash::mode::{AUDITED_IMAGE, AUDITED_LOG, LOG, Mode, audit_path};
use spg_proptests::crash::state::dump;

const IMAGE_FILES: &str = "/data/spg.db";
const LOG_FILES: &str = "/data/wal.log";
const AUDIT_FILES: &str = "/data/audit.log";
const ALL_FILES: &str = "/data/";

/// Where the entries of an audit file begin.
const ENTRIES_OFFSET: usize = 1536;

/// A database in order, and what an attacker has.
struct Scene {
    mode: Mode,
    disk: SimulatedDisk,
    state: String,
    head: Option<[u8; 32]>,
    older: SimulatedDisk,
    fork: SimulatedDisk,
    other: SimulatedDisk,
}

/// Runs statements and closes the database; answers its state and the chain's head.
fn work(mode: Mode, disk: &SimulatedDisk, texts: &[&str]) -> (String, Option<[u8; 32]>) {
    let database = mode.open(disk.clone()).unwrap();
    let mut session = database.session();
    for text in texts {
        let answer = answer_of(&mut session, text);
        assert!(answer.get(5..7) != Some(": "), "{text}: {answer}");
    }
    drop(session);
    database.close().unwrap();
    (dump(&database), database.audit_head().map(|state| state.head))
}

const BEGINNING: [&str; 3] = [
    "CREATE TABLE account (id INT PRIMARY KEY, owner TEXT, amount INT)",
    "INSERT INTO account VALUES (1, 'alice', 100), (2, 'bob', 100)",
    "UPDATE account SET amount = amount + 1 WHERE id = 2",
];

/// So that two commits are missing in an older copy: a single one is redone from the image.
const LAST: &str = "UPDATE account SET owner = 'robert' WHERE id = 2";

impl Scene {
    fn new(mode: Mode) -> Self {
        let (disk, other) = (SimulatedDisk::new(), SimulatedDisk::new());
        work(mode, &disk, &BEGINNING);
        work(mode, &other, &BEGINNING);
        let (older, fork) = (disk.process_kill(), disk.process_kill());
        let go_on = |amount: u32| format!("UPDATE account SET amount = {amount} WHERE id = 1");
        work(mode, &other, &[&go_on(300), LAST]);
        work(mode, &fork, &[&go_on(999), LAST]);
        let (state, head) = work(mode, &disk, &[&go_on(300), LAST]);
        Self { mode, disk, state, head, older, fork, other }
    }

    /// The files whose paths begin with `prefix` are those of `from`.
    fn taken_from(&self, from: &SimulatedDisk, prefix: &str) -> SimulatedDisk {
        let disk = self.disk.process_kill();
        let is_meant = |path: &std::path::Path| path.to_str().unwrap().starts_with(prefix);
        for path in disk.paths().iter().filter(|path| is_meant(path)) {
            disk.remove(path).unwrap();
        }
        for path in from.paths().iter().filter(|path| is_meant(path)) {
            disk.replace(path, &from.contents(path).unwrap());
        }
        disk
    }

    #[track_caller]
    fn refused(&self, disk: &SimulatedDisk) {
        match self.mode.open(disk.clone()) {
            Ok(database) => panic!("{:?}: taken:\n{}", self.mode, dump(&database)),
            Err(error) => assert!(error.kind().is_damage(), "{:?}: {error}", self.mode),
        }
    }

    /// It opens, with another state: nothing in the files can tell. An expected head does.
    #[track_caller]
    fn only_an_expected_head_tells(&self, disk: &SimulatedDisk) {
        if self.mode.audit {
            audit::verify(disk, &audit_path(), None, None).unwrap();
            let fault = audit::verify(disk, &audit_path(), None, self.head).unwrap_err();
            assert!(!fault.is_io, "{fault}");
        }
        let database = self.mode.open(disk.clone()).unwrap();
        assert_ne!(dump(&database), self.state, "the attack changed nothing");
    }
}

#[test]
fn an_untouched_copy_opens() {
    for mode in [AUDITED_LOG, LOG, AUDITED_IMAGE] {
        let scene = Scene::new(mode);
        let database = mode.open(scene.disk.process_kill()).unwrap();
        assert_eq!(dump(&database), scene.state);
        if mode.audit {
            audit::verify(&scene.disk, &audit_path(), None, scene.head).unwrap();
        }
    }
}

#[test]
fn changed_entries_are_refused() {
    for mode in [AUDITED_LOG, AUDITED_IMAGE] {
        let scene = Scene::new(mode);
        let bytes = scene.disk.contents(&audit_path()).unwrap();
        let mut entries: Vec<Vec<u8>> = Vec::new();
        let mut rest = &bytes[ENTRIES_OFFSET..];
        while let Some(length) = rest.first_chunk::<4>() {
            let (entry, behind) = rest.split_at(u32::from_le_bytes(*length) as usize);
            entries.push(entry.to_vec());
            rest = behind;
        }
        assert!(entries.len() >= 5);
        let attack = |entries: &[Vec<u8>]| {
            let disk = scene.disk.process_kill();
            disk.replace(&audit_path(), &[&bytes[..ENTRIES_OFFSET], &entries.concat()].concat());
            scene.refused(&disk);
        };
        for place in 0..entries.len() {
            let mut edited = entries.clone();
            let middle = edited[place].len() / 2;
            edited[place][middle] ^= 0x20;
            attack(&edited);
            let mut fewer = entries.clone();
            fewer.remove(place);
            attack(&fewer);
            let mut more = entries.clone();
            more.insert(place, entries[place].clone());
            attack(&more);
            let mut cut = entries.clone();
            cut.truncate(place);
            attack(&cut);
            if place > 0 {
                let mut exchanged = entries.clone();
                exchanged.swap(place - 1, place);
                attack(&exchanged);
            }
        }
    }
}

#[test]
fn a_file_of_another_database_is_refused() {
    for (mode, files) in [
        (AUDITED_LOG, &[IMAGE_FILES, LOG_FILES, AUDIT_FILES][..]),
        (LOG, &[IMAGE_FILES, LOG_FILES]),
        (AUDITED_IMAGE, &[IMAGE_FILES, AUDIT_FILES]),
    ] {
        let scene = Scene::new(mode);
        for prefix in files {
            scene.refused(&scene.taken_from(&scene.other, prefix));
        }
    }
}

#[test]
fn a_file_of_a_forked_history_is_refused_where_there_is_an_audit_log() {
    let scene = Scene::new(AUDITED_LOG);
    for prefix in [IMAGE_FILES, LOG_FILES, AUDIT_FILES] {
        scene.refused(&scene.taken_from(&scene.fork, prefix));
    }
    let scene = Scene::new(AUDITED_IMAGE);
    for prefix in [IMAGE_FILES, AUDIT_FILES] {
        scene.refused(&scene.taken_from(&scene.fork, prefix));
    }
}

#[test]
fn without_an_audit_log_a_forked_image_is_not_found() {
    let scene = Scene::new(LOG);
    scene.only_an_expected_head_tells(&scene.taken_from(&scene.fork, IMAGE_FILES));
}

#[test]
fn a_file_from_an_older_copy_is_refused() {
    for (mode, files) in [
        (AUDITED_LOG, &[LOG_FILES, AUDIT_FILES][..]),
        (AUDITED_IMAGE, &[IMAGE_FILES, AUDIT_FILES]),
        (LOG, &[LOG_FILES]),
    ] {
        let scene = Scene::new(mode);
        for prefix in files {
            scene.refused(&scene.taken_from(&scene.older, prefix));
        }
    }
}

#[test]
fn an_older_image_is_what_the_log_goes_on_from() {
    // The log still has what the image lacks, so nothing is lost.
    for mode in [AUDITED_LOG, LOG] {
        let scene = Scene::new(mode);
        let database = mode.open(scene.taken_from(&scene.older, IMAGE_FILES)).unwrap();
        assert_eq!(dump(&database), scene.state);
    }
}

#[test]
fn a_whole_history_that_was_recomputed_is_found_by_an_expected_head_alone() {
    for mode in [AUDITED_LOG, LOG, AUDITED_IMAGE] {
        let scene = Scene::new(mode);
        scene.only_an_expected_head_tells(&scene.taken_from(&scene.fork, ALL_FILES));
        scene.only_an_expected_head_tells(&scene.taken_from(&scene.older, ALL_FILES));
    }
}
