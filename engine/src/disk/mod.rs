//! The only place that touches files: what the engine asks of a disk, and the disks there are.
//!
//! [`Disk`] and [`DiskFile`] are the seam: the operations durability rests on and no others, so that a test can let each of
//! them fail or be the last one before the power goes. [`real`] is the operating system's disk, [`simulated`] the one of
//! tests, [`lock`] keeps a second process out.
//!
//! What is assumed of the medium: a write is on it after [`DiskFile::sync`] returned; before that any of its 512-byte
//! sectors may be on it or not. A name is on it after [`Disk::sync_directory`] of its directory returned. Renaming replaces
//! whole or not at all. What was synced stays as it was until it is written again.

pub mod lock;
pub mod real;
pub mod simulated;

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::Path;

pub use lock::FileLock;
pub use real::RealDisk;

/// A place for files.
pub trait Disk: Send + Sync + Debug {
    /// Opens an existing file to read and write. Never follows a symbolic link in the last component.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes a file that must not exist yet, readable and writable by its owner alone. Never follows a symbolic link.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name in the same directory, replacing what has it. Only within one directory is there
    /// one [`Disk::sync_directory`] that makes it durable, so another is refused.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes names in a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Names of the files in a directory, sorted.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
}

/// The directory a file is in: what [`Disk::sync_directory`] must be given after the file was made, renamed or removed.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Renaming from one directory to another is refused by all disks.
fn check_same_directory(from: &Path, to: &Path) -> io::Result<()> {
    if directory_of(from) == directory_of(to) {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot rename into another directory"))
    }
}

/// An open file. All methods take `&self`: who may write when is the caller's to order.
pub trait DiskFile: Send + Sync + Debug {
    /// Reads up to `buffer.len()` bytes from `offset` on; fewer only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error any part of them may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable, and the file's length.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// The file's length.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}
