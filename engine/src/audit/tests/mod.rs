//! The log as a whole: what comes back, what is refused, what a crash leaves.

mod attacks;
mod crashes;
mod decoders;
mod repairs;
mod round_trip;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::disk::simulated::SimulatedDisk;
use crate::identity::{ChainState, DatabaseId};
use crate::open_error::OpenError;

const ID: DatabaseId = DatabaseId(*b"a database's id!");
const OTHER_ID: DatabaseId = DatabaseId(*b"another's own id");
const NEVER: u64 = u64::MAX;

fn path() -> &'static Path {
    Path::new("/data/audit.log")
}

/// A log on a simulated disk, and everything that was appended to it.
struct Fixture {
    disk: SimulatedDisk,
    id: DatabaseId,
    key: Option<Key>,
    seal_bytes: u64,
    log: AuditLog,
    chain: Chain,
    /// Every entry's bytes and the state after it; the place is the sequence.
    entries: Vec<Vec<u8>>,
    states: Vec<ChainState>,
}

impl Fixture {
    fn new(id: DatabaseId, key: Option<Key>, seal_bytes: u64) -> Self {
        let disk = SimulatedDisk::new();
        let shared = Arc::new(disk.clone());
        let (log, chain) =
            AuditLog::create(shared, path(), id, key.clone(), 1, seal_bytes).unwrap();
        let states = vec![chain.state()];
        let genesis = disk.contents(path()).unwrap().split_off(1536);
        Self { disk, id, key, seal_bytes, log, chain, entries: vec![genesis], states }
    }

    /// Some statements, synced after every second.
    fn of_statements(count: u64, key: Option<Key>, seal_bytes: u64) -> Self {
        let mut fixture = Self::new(ID, key, seal_bytes);
        for number in 1..=count {
            fixture.append(&[draft(number, &text(number))]);
            if number % 2 == 0 {
                fixture.log.sync().unwrap();
            }
        }
        fixture
    }

    fn append(&mut self, drafts: &[Draft<'_>]) {
        let mut group = Vec::new();
        for draft in drafts {
            let start = group.len();
            self.states.push(self.chain.append(draft, &mut group));
            self.entries.push(group[start..].to_vec());
        }
        self.log.append(&group, self.chain.state()).unwrap();
    }

    /// What log and image know: `proven` entries synced, the entries from `redo_first` on.
    fn expectation(&self, proven: u64, redo_first: u64) -> Expectation {
        Expectation {
            proven: Some(self.states[proven as usize]),
            redo_first,
            redo: self.entries[redo_first as usize..].concat(),
            ..Expectation::default()
        }
    }

    fn last(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    fn open(&self, disk: &SimulatedDisk, expectation: &Expectation) -> Result<AuditLog, OpenError> {
        open(disk, self.id, self.key.clone(), self.seal_bytes, expectation)
    }

    /// Every file and its bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(&self.disk)
    }
}

fn files(disk: &SimulatedDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = disk.paths().into_iter();
    paths.map(|path| (path.clone(), disk.contents(&path).unwrap())).collect()
}

fn disk_of(files: &[(PathBuf, Vec<u8>)]) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    for (path, bytes) in files {
        disk.replace(path, bytes);
    }
    disk
}

fn open(
    disk: &SimulatedDisk,
    id: DatabaseId,
    key: Option<Key>,
    seal_bytes: u64,
    expectation: &Expectation,
) -> Result<AuditLog, OpenError> {
    let disk = Arc::new(disk.clone());
    let opened =
        AuditLog::open(disk, path(), id, key, seal_bytes, expectation, &mut |done, total| {
            assert!(done <= total, "{done} of {total}");
        });
    opened.map(|(log, chain)| {
        assert_eq!(log.state(), chain.state());
        log
    })
}

fn text(number: u64) -> String {
    format!("INSERT INTO t VALUES ({number}, '{}')", "x".repeat(number as usize * 37 % 300))
}

fn draft(commit: u64, text: &str) -> Draft<'_> {
    let draft = Draft::statement(commit, 1_700_000_000_000_000 + commit as i64, text, [7; 32]);
    Draft { user: "alice", application: "shop", peer: "127.0.0.1:9", ..draft }
}

/// The entries behind the header and marks, of all files in order.
fn entry_bytes(disk: &SimulatedDisk) -> Vec<u8> {
    let mut files = files(disk);
    // The active file is the last one.
    files.sort_by_key(|(file, _)| (file == path(), file.clone()));
    files.iter().flat_map(|(_, bytes)| bytes[1536..].to_vec()).collect()
}
