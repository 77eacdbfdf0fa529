//! Every byte of a small database's files changed, every file cut everywhere, every file removed: the start is refused with the file
//! and the place, or the state is the very same; never another one, never a panic.
//!
//! One window is stated in README: without an audit log, the last group of a log that was killed is not proven by anything, and a
//! byte changed in it looks like a torn end. Then that group alone is missing.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use spg_engine::disk::simulated::SimulatedDisk;
use spg_proptests::crash::history::answer_of;
use spg_proptests::crash::mode::{MODES, Mode};
use spg_proptests::crash::state::{check_indexes, dump};

/// How the machine was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Closed,
    Killed,
}

/// Files of a small database, and the states that may be found in them.
struct Small {
    mode: Mode,
    left: Left,
    disk: SimulatedDisk,
    state: String,
    /// The state without the last group, where that is the stated window.
    without_last: Option<String>,
}

/// How a file is changed.
#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    Cut(usize),
    Remove,
}

fn small(mode: Mode, left: Left) -> Small {
    let disk = SimulatedDisk::new();
    let database = mode.open(disk.clone()).unwrap();
    let mut session = database.session();
    for text in [
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b TEXT)",
        "CREATE INDEX i ON t (a, b)",
        "INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, NULL, NULL)",
        "CHECKPOINT",
        "CREATE TABLE v (v VECTOR(2))",
        "INSERT INTO v VALUES ('[1,2]')",
        "UPDATE t SET a = a + 1 WHERE id = 2",
    ] {
        let answer = answer_of(&mut session, text);
        assert!(answer.get(5..7) != Some(": "), "{text}: {answer}");
    }
    let before_last = dump(&database);
    answer_of(&mut session, "DELETE FROM t WHERE id = 1");
    let state = dump(&database);
    drop(session);
    let found = match left {
        Left::Closed => {
            database.close().unwrap();
            disk.process_kill()
        }
        Left::Killed => disk.process_kill(),
    };
    let has_window = left == Left::Killed && mode.wal && !mode.audit;
    Small { mode, left, disk: found, state, without_last: has_window.then_some(before_last) }
}

/// Bytes near which something is written, and a few of the zeros between.
fn places(bytes: &[u8]) -> Vec<usize> {
    let is_near = |place: usize| {
        let from = place.saturating_sub(32);
        bytes[from..bytes.len().min(place + 32)].iter().any(|byte| *byte != 0)
    };
    (0..bytes.len()).filter(|place| place.is_multiple_of(61) || is_near(*place)).collect()
}

fn damages(bytes: &[u8]) -> Vec<Damage> {
    let places = places(bytes);
    let flips = places.iter().map(|place| Damage::Flip(*place, 1 << (place % 8)));
    let cuts = places.iter().map(|place| Damage::Cut(*place));
    flips.chain(cuts).chain([Damage::Remove]).collect()
}

impl Small {
    /// What is wrong with what a start does to the changed files.
    fn fault(&self, path: &Path, bytes: &[u8], damage: &Damage) -> Option<String> {
        let disk = self.disk.process_kill();
        let mut changed = bytes.to_vec();
        match damage {
            Damage::Flip(place, bits) => {
                changed[*place] ^= bits;
                disk.replace(path, &changed);
            }
            Damage::Cut(length) => {
                changed.truncate(*length);
                disk.replace(path, &changed);
            }
            Damage::Remove => spg_engine::disk::Disk::remove(&disk, path).unwrap(),
        }
        let opened =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.mode.open(disk.clone())));
        let Ok(opened) = opened else { return Some("panicked".to_owned()) };
        match opened {
            Ok(database) => {
                let found = dump(&database);
                let is_window = is_log(path) && self.without_last.as_ref() == Some(&found);
                let same = found == self.state || is_window;
                let indexes = check_indexes(&database).err();
                (!same).then(|| format!("another state:\n{found}")).or(indexes)
            }
            Err(error) => {
                let fields = error.fields();
                let has_place = fields.offset.is_some() || fields.entry.is_some();
                let is_file = matches!(damage, Damage::Remove) || has_place;
                (!error.kind().is_damage() || !is_file)
                    .then(|| format!("{:?}: {error}", error.kind()))
            }
        }
    }
}

fn is_log(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.contains("wal.log"))
}

fn check(small: &Small) -> usize {
    let contents = |path: PathBuf| (path.clone(), small.disk.contents(&path).unwrap());
    let files: Vec<(PathBuf, Vec<u8>)> = small.disk.paths().into_iter().map(contents).collect();
    let mut jobs: Vec<(&PathBuf, &Vec<u8>, Damage)> = Vec::new();
    for (path, bytes) in &files {
        jobs.extend(damages(bytes).into_iter().map(|damage| (path, bytes, damage)));
    }
    if files.len() == 1 {
        // Where nothing is, a new database begins.
        jobs.retain(|(_, _, damage)| !matches!(damage, Damage::Remove));
    }
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((path, bytes, damage)) =
                    jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    if let Some(fault) = small.fault(path, bytes, damage) {
                        let fault = format!("{damage:?} of {}: {fault}", path.display());
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    let first: Vec<&str> = faults.iter().take(20).map(String::as_str).collect();
    let (mode, left) = (small.mode, small.left);
    assert!(first.is_empty(), "{mode:?} {left:?}: {} faults\n{}", faults.len(), first.join("\n"));
    jobs.len()
}

#[test]
fn no_changed_byte_of_a_closed_database_goes_unseen() {
    let count: usize = MODES.map(|mode| check(&small(mode, Left::Closed))).iter().sum();
    println!("{count} damages");
}

#[test]
fn no_changed_byte_of_a_killed_database_goes_unseen() {
    let count: usize = MODES.map(|mode| check(&small(mode, Left::Killed))).iter().sum();
    println!("{count} damages");
}
