//! The only place that touches files: what the engine asks of a disk, and the disks there are.
//!
//! [`Disk`] and [`DiskFile`] are the seam: the operations durability rests on and no others, so that a test can let each of
//! them fail or be the last one before the power goes. [`real`] is the operating system's disk, [`read_only`] the same for
//! who only looks, [`simulated`] the one of tests, [`lock`] keeps a second process out, [`appender`] writes a long file so that
//! others get the disk in between.
//!
//! What is assumed of the medium: a write is on it after [`DiskFile::sync`] returned; before that any of its 512-byte
//! sectors may be on it or not. A name is on it after [`Disk::sync_directory`] of its directory returned. Renaming replaces
//! whole or not at all. What was synced stays as it was until it is written again.

pub mod appender;
pub mod lock;
pub mod read_only;
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

    /// Makes a directory for its owner alone, and those above it that are missing, durably; one that is there is taken
    /// if nothing is in it, and is [`io::ErrorKind::DirectoryNotEmpty`] otherwise.
    fn make_directory(&self, directory: &Path) -> io::Result<()>;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(file: &dyn DiskFile) -> Vec<u8> {
        let mut bytes = vec![0; file.len().unwrap() as usize + 1];
        let count = file.read_at(0, &mut bytes).unwrap();
        bytes.truncate(count);
        bytes
    }

    fn kind_of<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
        result.err().map(|error| error.kind())
    }

    /// What every disk does, in an empty directory.
    fn check_files(disk: &dyn Disk, directory: &Path) {
        let [a, b, absent] = ["a", "b", "absent"].map(|name| directory.join(name));
        assert_eq!(kind_of(disk.open(&a)), Some(io::ErrorKind::NotFound));
        assert_eq!(disk.list(directory).unwrap(), Vec::<OsString>::new());

        let file = disk.create(&b).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_at(3, b"xyz").unwrap();
        file.write_at(0, b"12345").unwrap();
        file.write_at(0, b"").unwrap();
        file.sync().unwrap();
        disk.sync_directory(directory).unwrap();
        assert_eq!(read_all(&*file), b"12345z");
        assert_eq!(read_all(&*disk.open(&b).unwrap()), b"12345z");
        let mut two = [0; 2];
        assert_eq!(file.read_at(4, &mut two).unwrap(), 2);
        assert_eq!(&two, b"5z");
        assert_eq!(file.read_at(5, &mut two).unwrap(), 1);
        assert_eq!(file.read_at(6, &mut two).unwrap(), 0);
        assert_eq!(file.read_at(100, &mut two).unwrap(), 0);
        assert_eq!(file.read_at(0, &mut []).unwrap(), 0);

        file.set_len(2).unwrap();
        file.set_len(9000).unwrap();
        assert_eq!((file.len().unwrap(), file.is_empty().unwrap()), (9000, false));
        let bytes = read_all(&*file);
        assert!(bytes.starts_with(b"12") && bytes[2..].iter().all(|byte| *byte == 0));
        assert_eq!(bytes.len(), 9000);
        file.write_at(4094, b"page").unwrap();
        file.set_len(4097).unwrap();
        assert!(read_all(&*file).ends_with(b"\0pag"));

        assert_eq!(kind_of(disk.create(&b)), Some(io::ErrorKind::AlreadyExists));
        disk.create(&a).unwrap().write_at(0, b"new").unwrap();
        assert_eq!(disk.list(directory).unwrap(), ["a", "b"]);
        disk.rename(&a, &b).unwrap();
        assert_eq!(disk.list(directory).unwrap(), ["b"]);
        assert_eq!(read_all(&*disk.open(&b).unwrap()), b"new");
        assert_eq!(file.len().unwrap(), 4097, "a replaced file lives while it is open");
        disk.rename(&b, &b).unwrap();
        assert_eq!(kind_of(disk.rename(&absent, &b)), Some(io::ErrorKind::NotFound));
        let elsewhere = directory.join("below").join("b");
        assert_eq!(kind_of(disk.rename(&b, &elsewhere)), Some(io::ErrorKind::InvalidInput));
        disk.remove(&b).unwrap();
        assert_eq!(kind_of(disk.remove(&b)), Some(io::ErrorKind::NotFound));
        assert_eq!(disk.list(directory).unwrap(), Vec::<OsString>::new());
    }

    #[test]
    fn a_real_disk_keeps_files() {
        let directory = tempfile::tempdir().unwrap();
        check_files(&RealDisk, directory.path());
    }

    #[test]
    fn a_simulated_disk_keeps_files() {
        check_files(&simulated::SimulatedDisk::new(), Path::new("/data"));
    }
}
