//! A disk whose reads fail once the verb that reads has to end: what verifies and lists files asks nobody by itself.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::executor::interrupt::Interrupt;

/// Another disk, for as long as `interrupt` lets it be read. Whoever gets the error asks `interrupt` for the reason.
#[derive(Debug)]
pub(super) struct InterruptibleDisk {
    /// The files.
    pub(super) disk: Arc<dyn Disk>,
    /// What ends reading.
    pub(super) interrupt: Arc<Interrupt>,
}

impl Disk for InterruptibleDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let (file, interrupt) = (self.disk.open(path)?, Arc::clone(&self.interrupt));
        Ok(Box::new(InterruptibleFile { file, interrupt }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path)
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

#[derive(Debug)]
struct InterruptibleFile {
    file: Box<dyn DiskFile>,
    interrupt: Arc<Interrupt>,
}

impl DiskFile for InterruptibleFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // Not `Interrupted`, after which readers try again.
        self.interrupt.check().map_err(|error| io::Error::other(error.to_string()))?;
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
