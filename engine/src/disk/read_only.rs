//! The operating system's disk for who only looks: files are opened to read, and nothing is ever changed.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::real::{RealDisk, read_full_at};
use super::{Disk, DiskFile};

/// The operating system's files, read only: a copy on a medium or of an owner that lets nobody write is good enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOnlyDisk;

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "opened to read only"))
}

impl Disk for ReadOnlyDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        // Opening a pipe to read would wait for a writer.
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(ReadOnlyFile(file)))
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn make_directory(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        RealDisk.list(directory)
    }
}

#[derive(Debug)]
struct ReadOnlyFile(File);

impl DiskFile for ReadOnlyFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_full_at(&self.0, offset, buffer)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        refused()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn it_reads_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), "12345").unwrap();
        fs::set_permissions(path("a"), fs::Permissions::from_mode(0o400)).unwrap();
        symlink(path("a"), path("link")).unwrap();

        let file = ReadOnlyDisk.open(&path("a")).unwrap();
        let mut three = [0; 3];
        assert_eq!((file.len().unwrap(), file.read_at(2, &mut three).unwrap()), (5, 3));
        assert_eq!(&three, b"345");
        assert_eq!(ReadOnlyDisk.list(directory.path()).unwrap(), ["a"]);

        assert!(
            file.write_at(0, b"x").is_err() && file.set_len(0).is_err() && file.sync().is_err()
        );
        assert!(ReadOnlyDisk.create(&path("b")).is_err());
        assert!(ReadOnlyDisk.rename(&path("a"), &path("b")).is_err());
        assert!(ReadOnlyDisk.remove(&path("a")).is_err());
        assert!(ReadOnlyDisk.sync_directory(directory.path()).is_err());
        assert!(
            ReadOnlyDisk.open(&path("link")).is_err()
                && ReadOnlyDisk.open(directory.path()).is_err()
        );
        assert_eq!(fs::read(path("a")).unwrap(), b"12345");
    }
}
