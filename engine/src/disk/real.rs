//! The operating system's disk: [`Disk`] by `std::fs`, and how paths are resolved before they are opened.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
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
        opened.sync_all()
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        create_directory(directory)?;
        match fs::read_dir(directory)?.next() {
            None => Ok(()),
            Some(entry) => entry.and(Err(io::ErrorKind::DirectoryNotEmpty.into())),
        }
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
        // std calls again after a signal, which has not failed a write; a sync that failed is never tried again.
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
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

/// Bytes of a secret that are read; a longer file is none.
const SECRET_BYTES_MAX: usize = 4096;

/// A secret's content, from a file that its owner alone can read. `path` must be [resolved](resolve).
pub fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe without a writer would be waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let message = format!("others may read or change it: its mode is {mode:04o}, not 0600");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let mut bytes = vec![0; SECRET_BYTES_MAX];
    let count = read_full_at(&file, 0, &mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_its_owners_alone() {
        let above = tempfile::tempdir().unwrap();
        let data = above.path().join("outer").join("data");
        create_directory(&data).unwrap();
        create_directory(&data).unwrap();
        assert_eq!((mode(data.parent().unwrap()), mode(&data)), (0o700, 0o700));
        let file = data.join("spg.db");
        RealDisk.create(&file).unwrap();
        assert_eq!(mode(&file), 0o600);

        // A directory that exists keeps its mode; a file in its place is refused.
        fs::set_permissions(&data, fs::Permissions::from_mode(0o750)).unwrap();
        create_directory(&data).unwrap();
        assert_eq!(mode(&data), 0o750);
        assert_eq!(create_directory(&file).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        create_directory(Path::new("")).unwrap();
    }

    #[test]
    fn links_and_what_is_no_file_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        RealDisk.create(&path("file")).unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink(path("absent"), path("dangling")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();

        let error = RealDisk.open(&path("link")).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::LOOP));
        for name in ["link", "dangling", "file"] {
            let error = RealDisk.create(&path(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{name}");
        }
        assert!(!path("absent").exists());
        RealDisk.open(directory.path()).unwrap_err();
        RealDisk.open(&path("socket")).unwrap_err();
        RealDisk.open(Path::new("/dev/null")).unwrap_err();
        assert_eq!(RealDisk.list(directory.path()).unwrap(), ["file"]);
        RealDisk.sync_directory(&path("file")).unwrap_err();
        RealDisk.sync_directory(&path("absent")).unwrap_err();
        RealDisk.sync_directory(Path::new("")).unwrap();
    }

    #[test]
    fn a_secret_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "hush").unwrap();
        for (mode, is_secret) in [(0o600, true), (0o400, true), (0o640, false), (0o602, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = read_secret(&path);
            assert_eq!(read.is_ok_and(|bytes| bytes == b"hush"), is_secret, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(read_secret(&path).unwrap().len(), SECRET_BYTES_MAX);
        symlink(&path, directory.path().join("link")).unwrap();
        read_secret(&directory.path().join("link")).unwrap_err();
        read_secret(directory.path()).unwrap_err();
        read_secret(&directory.path().join("absent")).unwrap_err();
    }

    #[test]
    fn the_same_file_is_the_same_path() {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        let path = |name: &str| base.join(name);
        fs::create_dir(path("data")).unwrap();
        fs::create_dir(path("other")).unwrap();
        symlink(path("data"), path("way")).unwrap();
        symlink("../data/spg.db", path("other/link")).unwrap();
        symlink("link", path("other/link_to_link")).unwrap();
        symlink("loop", path("loop")).unwrap();

        let ways = [
            "data/spg.db",
            "way/spg.db",
            "data/../way/./spg.db",
            "other/link",
            "other/link_to_link",
        ];
        // Before the file is there, and after.
        for _ in 0..2 {
            for way in ways {
                assert_eq!(resolve(&path(way)).unwrap(), path("data/spg.db"), "{way}");
            }
            fs::write(path("data/spg.db"), "").unwrap();
        }
        assert_eq!(Errno::from_io_error(&resolve(&path("loop")).unwrap_err()), Some(Errno::LOOP));
        let missing = resolve(&path("absent/spg.db")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(resolve(&path("absent/..")).is_err() && resolve(Path::new("")).is_err());
        let here = std::env::current_dir().and_then(fs::canonicalize).unwrap();
        assert_eq!(resolve(Path::new("absent.db")).unwrap(), here.join("absent.db"));
    }
}
