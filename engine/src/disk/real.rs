//! The operating system's disk: [`Disk`] by `std::fs`, and how paths are resolved before they are opened.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Disk, DiskFile, check_same_directory, directory_of};

/// Owner alone.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Symbolic links followed in one path before it counts as a loop, as Linux has it.
const LINKS_MAX: usize = 40;

/// The operating system's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = no_follow().read(true).write(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(RealFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = no_follow().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check_same_directory(from, to)?;
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let flags = OFlags::DIRECTORY.bits() as i32;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(named(directory))?;
        uninterrupted(|| opened.sync_all())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(named(directory))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name());
            }
        }
        names.sort();
        Ok(names)
    }
}

/// An open file of the operating system.
#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_full_at(&self.0, offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // Goes on after a short write and after a signal.
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // A signal that interrupts fdatasync has not failed a write: this is no retry of a failed sync.
        uninterrupted(|| self.0.sync_data())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        uninterrupted(|| self.0.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// How every file is opened: never through a symbolic link in the last component, never inherited by a child process
/// (std sets `O_CLOEXEC`), and for its owner alone if that makes it.
pub(super) fn no_follow() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE_MODE).custom_flags(OFlags::NOFOLLOW.bits() as i32);
    options
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_full_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0_usize;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(count) => done = done.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Calls again what a signal interrupted.
fn uninterrupted(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// The directory of a name without one is the current one.
fn named(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() { Path::new(".") } else { directory }
}

/// Makes a directory for its owner alone, and those above it that are missing, durably. One that exists is left as it is.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut above = named(path);
    while !above.try_exists()? {
        missing.push(above);
        above = named(directory_of(above));
    }
    for directory in missing.into_iter().rev() {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => outcome?,
        }
        RealDisk.sync_directory(directory_of(directory))?;
    }
    if fs::metadata(named(path))?.is_dir() { Ok(()) } else { Err(Errno::NOTDIR.into()) }
}

/// The one path of a file that need not exist yet: its directory's canonical path and its name; for a symbolic link that
/// of its target. The same file reached in different ways is the same path, which locks and [`Disk::open`] rely on.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
        let directory = fs::canonicalize(named(directory_of(&path)))?;
        let Some(name) = path.file_name() else { return Err(Errno::INVAL.into()) };
        let place = directory.join(name);
        match fs::read_link(&place) {
            // A link whose target does not exist yet; a relative one starts at the link's directory.
            Ok(target) => path = directory.join(target),
            Err(_) => return Ok(place),
        }
    }
    Err(Errno::LOOP.into())
}
