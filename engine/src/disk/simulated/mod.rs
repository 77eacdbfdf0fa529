//! A disk in memory that crashes, fails and fills up on demand: what durability is tested on.
//!
//! What was written and what was synced are kept apart, for each file and for each name. Mutating operations (create,
//! rename, remove, directory sync, directory making, write, sync, `set_len`) are numbered from 0; reads too if [`SimulatedDisk::count_reads`] says so.
//! A crash test runs a workload once, asks [`SimulatedDisk::operations`], and runs it again with [`SimulatedDisk::crash_at`]
//! each number; [`SimulatedDisk::power_cut`] and [`SimulatedDisk::process_kill`] then give the disk that is found afterwards.
//!
//! A power cut leaves, decided by its seed:
//! - what was synced, unless it was written again since;
//! - of every unit written since (512 bytes or 4 KiB), what was synced or what was written, the last or one before;
//! - of every file, the length that was synced or one it had since; what was never written is zeros;
//! - of every created, renamed or removed name whose directory was not synced since, the old state or the new.
//!
//! A failed sync loses what it should have written: reads still show it, and no later sync makes it durable unless it is written
//! again, as on Linux. Paths are plain keys; directories need not be made.

mod content;
mod faults;
mod file;
mod names;
mod random;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use faults::Fault;

use super::{Disk, DiskFile, check_same_directory, directory_of};
use faults::{Faults, Operation, Verdict};
use file::{Cut, File};
use names::{Names, SharedFile};
use random::Chances;

/// Longer files are refused with EFBIG, so that a wild offset does not take the memory.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    names: Names,
    faults: Faults,
}

/// Takes a lock; a test that panicked while holding it has its own message.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tests do to the disk.
impl SimulatedDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    fn with_names(names: Names) -> Self {
        Self { state: Arc::new(Mutex::new(State { names, faults: Faults::default() })) }
    }

    /// How many operations were counted so far: the number of the next one.
    pub fn operations(&self) -> u64 {
        lock(&self.state).faults.operation_count
    }

    /// Whether reads (open, list, read, length) are counted, and so can fail. They are not at first.
    pub fn count_reads(&self, counted: bool) {
        lock(&self.state).faults.counts_reads = counted;
    }

    /// The operation with this number, and every one after it, reads included, fails as if the machine were gone. Of a
    /// write some first bytes may have been written; anything else has not happened.
    pub fn crash_at(&self, number: u64) {
        lock(&self.state).faults.crash_at = Some(number);
    }

    /// Whether the crash has happened.
    pub fn has_crashed(&self) -> bool {
        lock(&self.state).faults.has_crashed
    }

    /// The operation with this number fails; those after it do not. Several may be planned.
    pub fn fail_at(&self, number: u64, fault: Fault) {
        lock(&self.state).faults.planned.insert(number, fault);
    }

    /// Limits the sum of all files' lengths: a write beyond it writes what fits and fails with ENOSPC. None lifts it.
    pub fn limit_bytes(&self, bytes_max: Option<u64>) {
        lock(&self.state).faults.bytes_max = bytes_max;
    }

    /// The disk after a power cut now: the same for the same seed, without faults, counting from 0. This one stays as it is.
    #[must_use]
    pub fn power_cut(&self, seed: u64) -> Self {
        let mut chances = Chances::new(seed);
        let cut = Cut::draw(&mut chances);
        Self::with_names(lock(&self.state).names.cut(&cut, &mut chances))
    }

    /// The disk after the process was killed now: all that was written is there, what was not synced still is not; without
    /// faults, counting from 0. This one stays as it is.
    #[must_use]
    pub fn process_kill(&self) -> Self {
        Self::with_names(lock(&self.state).names.copy())
    }

    /// A file's bytes as a process would read them.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = lock(&self.state);
        state.names.get(path).map(|file| lock(file).written().to_bytes())
    }

    /// Puts other bytes in a file's place, durable at once, not counted. It need not have existed; open handles keep the old.
    pub fn replace(&self, path: &Path, bytes: &[u8]) {
        lock(&self.state).names.put_durable(path, File::durable(bytes));
    }

    /// All files' paths, sorted.
    pub fn paths(&self) -> Vec<PathBuf> {
        lock(&self.state).names.iter().map(|(path, _)| path.to_path_buf()).collect()
    }

    /// The last operations, a line each, for a failing test to print.
    pub fn log(&self) -> String {
        lock(&self.state).faults.to_string()
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SimulatedDisk after:\n{}", self.log())
    }
}

impl State {
    /// Counts an operation that either happens or fails.
    fn begin(&mut self, operation: Operation, path: &Arc<Path>) -> io::Result<()> {
        match self.faults.next(operation, path) {
            Verdict::Proceed => Ok(()),
            Verdict::Fail(error) | Verdict::Part(_, error) => Err(error),
        }
    }

    /// Bytes that files may still grow by.
    fn room(&self) -> Option<u64> {
        let bytes_max = self.faults.bytes_max?;
        let used: u64 = self.names.iter().map(|(_, file)| lock(file).written().len()).sum();
        Some(bytes_max.saturating_sub(used))
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let path: Arc<Path> = Arc::from(path);
        let mut state = lock(&self.state);
        state.begin(Operation::Open, &path)?;
        let file = state.names.get(&path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), path, file }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let path: Arc<Path> = Arc::from(path);
        let mut state = lock(&self.state);
        state.begin(Operation::Create, &path)?;
        if state.names.get(&path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.names.create(&path);
        Ok(Box::new(SimulatedFile { disk: self.clone(), path, file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check_same_directory(from, to)?;
        let mut state = lock(&self.state);
        state.begin(Operation::Rename, &Arc::from(to))?;
        if state.names.rename(from, to) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.begin(Operation::Remove, &Arc::from(path))?;
        if state.names.remove(path) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.begin(Operation::SyncDirectory, &Arc::from(directory))?;
        state.names.sync(directory);
        Ok(())
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.begin(Operation::MakeDirectory, &Arc::from(directory))?;
        if state.names.iter().any(|(path, _)| path.starts_with(directory)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let mut state = lock(&self.state);
        state.begin(Operation::List, &Arc::from(directory))?;
        let paths = state.names.iter().map(|(path, _)| path);
        let inside = paths.filter(|path| directory_of(path) == directory);
        Ok(inside.filter_map(|path| path.file_name()).map(OsString::from).collect())
    }
}

/// An open file of a [`SimulatedDisk`].
struct SimulatedFile {
    disk: SimulatedDisk,
    /// Its name when it was opened.
    path: Arc<Path>,
    file: SharedFile,
}

impl fmt::Debug for SimulatedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SimulatedFile({})", self.path.display())
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.disk.state);
        state.begin(Operation::Read { offset, len: buffer.len() }, &self.path)?;
        Ok(lock(&self.file).written().read(offset, buffer))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = lock(&self.disk.state);
        let operation = Operation::Write { offset, len: bytes.len() };
        let (part, outcome) = match state.faults.next(operation, &self.path) {
            Verdict::Proceed => (bytes.len(), Ok(())),
            Verdict::Fail(error) => return Err(error),
            Verdict::Part(part, error) => (part, Err(error)),
        };
        if offset.saturating_add(part as u64) > FILE_BYTES_MAX {
            return Err(Fault::FileTooLarge.error());
        }
        let room = state.room();
        let mut file = lock(&self.file);
        let fits = match room {
            Some(room) => file.written().len().saturating_add(room).saturating_sub(offset),
            None => u64::MAX,
        };
        if fits < part as u64 {
            file.write(offset, &bytes[..fits as usize]);
            return Err(Fault::StorageFull.error());
        }
        file.write(offset, &bytes[..part]);
        outcome
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.disk.state);
        let outcome = state.begin(Operation::Sync, &self.path);
        let mut file = lock(&self.file);
        match outcome {
            Ok(()) => file.sync(),
            // A crash is no answer: the pages are still to be written, or not, by the power cut that follows.
            Err(_) if state.faults.has_crashed => {}
            Err(_) => file.fail_sync(),
        }
        outcome
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = lock(&self.disk.state);
        state.begin(Operation::SetLen { len }, &self.path)?;
        if len > FILE_BYTES_MAX {
            return Err(Fault::FileTooLarge.error());
        }
        let room = state.room().unwrap_or(u64::MAX);
        let mut file = lock(&self.file);
        if len.saturating_sub(file.written().len()) > room {
            return Err(Fault::StorageFull.error());
        }
        file.set_len(len);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = lock(&self.disk.state);
        state.begin(Operation::Len, &self.path)?;
        Ok(lock(&self.file).written().len())
    }
}
