//! A disk whose files can be read and written until Ctrl-C: what works on files for long asks nobody by itself, and clears up
//! behind an error.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use spg_engine::disk::{Disk, DiskFile};

use crate::interrupt::Interrupt;

/// Another disk, for as long as nobody asks for an end. What is removed or listed then is what clearing up takes.
#[derive(Debug)]
pub(crate) struct EndableDisk<D> {
    /// The files.
    pub(crate) disk: D,
    /// What ends it.
    pub(crate) interrupt: Interrupt,
}

fn check(interrupt: &Interrupt) -> io::Result<()> {
    // Not `Interrupted`, after which it would be tried again.
    interrupt.check().map_err(|error| io::Error::other(error.to_string()))
}

impl<D: Disk> EndableDisk<D> {
    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(EndableFile { file, interrupt: self.interrupt.clone() })
    }
}

impl<D: Disk> Disk for EndableDisk<D> {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.file(file))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        check(&self.interrupt)?;
        self.disk.create(path).map(|file| self.file(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check(&self.interrupt)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.disk.sync_directory(directory)
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        check(&self.interrupt)?;
        self.disk.make_directory(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(directory)
    }
}

#[derive(Debug)]
struct EndableFile {
    file: Box<dyn DiskFile>,
    interrupt: Interrupt,
}

impl DiskFile for EndableFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        check(&self.interrupt)?;
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        check(&self.interrupt)?;
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
