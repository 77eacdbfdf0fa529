//! The operator's verbs are ended as statements are: by a cancel, and by `statement_timeout`.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use spg_engine::binder::bound::OutputColumn;
use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::disk::{Disk, DiskFile};
use spg_engine::session::{Canceller, Notice, RowSink, Rows};
use spg_engine::storage::batch::Batch;
use spg_engine::{Database, Options, Session, SqlState};

use crate::support::{AUDITED_LOG, ok, run};

/// What happens at a read: what is left to count down, and then what to do.
type Trap = (usize, Box<dyn FnMut() + Send>);

/// A disk that does something at one of the reads to come.
#[derive(Clone, Default)]
struct TrappedDisk {
    disk: SimulatedDisk,
    trap: Arc<Mutex<Option<Trap>>>,
}

impl std::fmt::Debug for TrappedDisk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.disk.fmt(formatter)
    }
}

impl TrappedDisk {
    /// Does `act` at the read after `reads` others, once.
    fn set(&self, reads: usize, act: impl FnMut() + Send + 'static) {
        *self.trap.lock().unwrap() = Some((reads, Box::new(act)));
    }

    /// Whether nothing was done yet; nothing will be.
    fn take(&self) -> bool {
        self.trap.lock().unwrap().take().is_some()
    }
}

impl Disk for TrappedDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let (file, trap) = (self.disk.open(path)?, Arc::clone(&self.trap));
        Ok(Box::new(TrappedFile { file, trap }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let (file, trap) = (self.disk.create(path)?, Arc::clone(&self.trap));
        Ok(Box::new(TrappedFile { file, trap }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.disk.sync_directory(directory)
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        self.disk.make_directory(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(directory)
    }
}

struct TrappedFile {
    file: Box<dyn DiskFile>,
    trap: Arc<Mutex<Option<Trap>>>,
}

impl std::fmt::Debug for TrappedFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.file.fmt(formatter)
    }
}

impl DiskFile for TrappedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut trap = self.trap.lock().unwrap();
        match &mut *trap {
            Some((0, act)) => {
                act();
                *trap = None;
            }
            Some((reads, _)) => *reads -= 1,
            None => {}
        }
        drop(trap);
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

/// A database of some thousand rows in an image and in a log of several segments, each with its audit entries.
fn some_database(disk: &TrappedDisk) -> Arc<Database> {
    let database = Database::open_on(
        Arc::new(disk.clone()),
        &Options::default(),
        &AUDITED_LOG.files(),
        Vec::new(),
    )
    .unwrap();
    let mut session = database.session();
    let rows: Vec<String> = (1..=2000).map(|id| format!("({id}, '{}')", "x".repeat(500))).collect();
    let insert = format!("INSERT INTO t VALUES {}", rows.join(", "));
    ok(&mut session, &["CREATE TABLE t (id INT PRIMARY KEY, a TEXT)", &insert, "CHECKPOINT"]);
    for n in 0..40 {
        let filler = "y".repeat(3000);
        ok(&mut session, &[&format!("UPDATE t SET a = '{filler}' WHERE id = {}", n + 1)]);
    }
    database
}

fn state(session: &mut Session, verb: &str) -> Option<SqlState> {
    session.administer(verb, &[], &mut Rows::default()).err().map(|error| error.sqlstate())
}

const VERBS: [&str; 3] = ["verify", "audit-verify", "audit-list"];

#[test]
fn a_cancel_at_any_read_ends_what_reads_files() {
    let disk = TrappedDisk::default();
    let database = some_database(&disk);
    let mut session = database.session();
    for verb in VERBS {
        let mut reads = 0;
        loop {
            let canceller = session.canceller();
            disk.set(reads, move || canceller.cancel());
            let state = state(&mut session, verb);
            if disk.take() {
                assert_eq!(state, None, "{verb}");
                break;
            }
            // A cancel at the last read of all may come when nothing is left to be asked for.
            if state.is_some() {
                assert_eq!(state, Some(SqlState::QueryCanceled), "{verb}, read {reads}");
            }
            assert!(state.is_some() || reads > 0, "{verb}");
            reads += 1;
        }
        assert!(reads > if verb == "verify" { 8 } else { 1 }, "{verb}: {reads}");
        assert_eq!(run(&mut session, "SELECT count(*) FROM t"), "2000\nSELECT 1");
    }
}

#[test]
fn statement_timeout_ends_what_reads_files_but_no_backup() {
    let disk = TrappedDisk::default();
    let database = some_database(&disk);
    let mut session = database.session();
    ok(&mut session, &["SET statement_timeout = '1ms'"]);
    for verb in VERBS {
        disk.set(0, || thread::sleep(Duration::from_millis(2)));
        let error = session.administer(verb, &[], &mut Rows::default()).unwrap_err();
        assert_eq!(error.message(), "canceling statement due to statement timeout", "{verb}");
    }
    disk.set(0, || thread::sleep(Duration::from_millis(2)));
    session.administer("backup", &[("directory", "/backup")], &mut Rows::default()).unwrap();
}

/// Cancels as soon as the columns are told.
struct CancelAtColumns(Canceller);

impl RowSink for CancelAtColumns {
    fn columns(&mut self, _: &[OutputColumn]) -> spg_engine::Result<()> {
        self.0.cancel();
        Ok(())
    }

    fn batch(&mut self, _: &Batch<'_>) -> spg_engine::Result<()> {
        Ok(())
    }

    fn notice(&mut self, _: &Notice) {}
}

#[test]
fn a_cancel_ends_the_comparison_of_indexes_in_memory() {
    let database = Database::open(Options::default()).unwrap();
    let mut session = database.session();
    ok(&mut session, &["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]);
    let mut sink = CancelAtColumns(session.canceller());
    let error = session.administer("verify", &[], &mut sink).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::QueryCanceled);
    assert_eq!(state(&mut session, "verify"), None);
}
