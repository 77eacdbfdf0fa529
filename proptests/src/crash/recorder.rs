//! A disk that keeps a copy of itself before each operation that changes it: one run of a workload gives all of its crashes.
//!
//! What is kept before a write may have some first bytes of it, as after [`SimulatedDisk::crash_at`].

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::disk::{Disk, DiskFile};

/// What must be there after a crash, and what may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The last commit that was acknowledged as durable.
    pub durable: u64,
    /// The last commit that was begun.
    pub attempted: u64,
    /// The highest value of the sequence [`super::workload::DRAWN`] that was answered.
    pub drawn: i64,
}

/// A crash.
#[derive(Clone, Debug)]
pub struct Capture {
    /// How many operations came before.
    pub number: usize,
    /// What was known to the clients.
    pub bounds: Bounds,
    /// The disk.
    pub disk: SimulatedDisk,
}

/// The recording disk. Clones are the same.
#[derive(Clone)]
pub struct Recorder {
    disk: SimulatedDisk,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    bounds: Bounds,
    captures: Vec<Capture>,
    operations: Vec<String>,
    is_stopped: bool,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Recorder of {:?}", self.disk)
    }
}

impl Recorder {
    /// Over a disk, which it changes.
    pub fn new(disk: SimulatedDisk, bounds: Bounds) -> Self {
        let kept = Kept { bounds, ..Kept::default() };
        Self { disk, kept: Arc::new(Mutex::new(kept)) }
    }

    /// What is known to the clients from now on.
    pub fn set_bounds(&self, bounds: Bounds) {
        self.kept().bounds = bounds;
    }

    /// Keeps the disk as it is now.
    pub fn capture(&self) {
        self.before(|| "end".to_owned());
    }

    /// All crashes so far; no more are kept.
    pub fn stop(&self) -> Vec<Capture> {
        let mut kept = self.kept();
        kept.is_stopped = true;
        std::mem::take(&mut kept.captures)
    }

    /// What was done to the disk before the operation `number`: the last of it, a line each.
    pub fn log(&self, number: usize) -> String {
        let kept = self.kept();
        let end = number.saturating_add(1).min(kept.operations.len());
        kept.operations[end.saturating_sub(40)..end].join("\n")
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn before(&self, describe: impl FnOnce() -> String) {
        let mut kept = self.kept();
        if kept.is_stopped {
            return;
        }
        let number = kept.operations.len();
        let capture = Capture { number, bounds: kept.bounds, disk: self.disk.process_kill() };
        kept.captures.push(capture);
        kept.operations.push(format!("{number:>5} {}", describe()));
    }

    fn file(&self, path: &Path, inner: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(RecorderFile { recorder: self.clone(), path: path.to_owned(), inner })
    }
}

impl Disk for Recorder {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, self.disk.open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.before(|| format!("create {}", path.display()));
        Ok(self.file(path, self.disk.create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(|| format!("rename {} to {}", from.display(), to.display()));
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.before(|| format!("remove {}", path.display()));
        self.disk.remove(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.before(|| "sync directory".to_owned());
        self.disk.sync_directory(directory)
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        self.before(|| format!("make directory {}", directory.display()));
        self.disk.make_directory(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(directory)
    }
}

#[derive(Debug)]
struct RecorderFile {
    recorder: Recorder,
    path: PathBuf,
    inner: Box<dyn DiskFile>,
}

impl DiskFile for RecorderFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // None of the write, half of it, some bytes less than all of it.
        let begun = [0, bytes.len() / 2, bytes.len().saturating_sub(9)];
        let begun = begun[self.recorder.kept().operations.len() % begun.len()];
        if begun > 0 {
            self.inner.write_at(offset, &bytes[..begun])?;
        }
        self.recorder.before(|| {
            format!(
                "write {} bytes at {offset} of {} ({begun} begun)",
                bytes.len(),
                self.path.display()
            )
        });
        self.inner.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.recorder.before(|| format!("sync {}", self.path.display()));
        self.inner.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.recorder.before(|| format!("set length {len} of {}", self.path.display()));
        self.inner.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}
