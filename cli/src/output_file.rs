//! A file that is written as a whole: it takes its place when it is finished, and a reader never sees half of it.
//!
//! Links are followed: the file that they lead to is replaced, by a rename beside it, and keeps its mode and, where the
//! system lets it, its owner. What is no regular file (a pipe, a device) cannot be replaced without being lost, so it is
//! written into; so is what standard output and error are.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use spg_engine::{Error, SqlState};

/// Links that are followed to a file that is not there yet; the system's own bound.
const LINKS_MAX: usize = 40;

/// The bits of a mode that say who may do what.
const PERMISSIONS: u32 = 0o777;

/// What a new file may be at most; the umask takes away from it.
const NEW_FILE_MODE: u32 = 0o666;

/// A file that is being written.
pub(crate) struct OutputFile {
    file: File,
    /// Where it is and what it is to replace; None where it is written into.
    unfinished: Option<Unfinished>,
}

/// A file beside the one that it will replace; removed unless it does.
struct Unfinished {
    path: PathBuf,
    target: PathBuf,
}

impl OutputFile {
    /// Begins to write what `path` names.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) if let Some(file) = open_stream(&metadata) => {
                Ok(Self { file, unfinished: None })
            }
            Ok(metadata) if metadata.is_file() => match resolved(path, &metadata) {
                Some(target) => Self::beside(target, Some(&metadata)),
                None => Self::into(path),
            },
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Self::into(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::beside(end_of_links(path)?, None)
            }
            Err(error) => Err(error),
        }
    }

    fn into(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().write(true).open(path)?, unfinished: None })
    }

    fn beside(target: PathBuf, replaced: Option<&Metadata>) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        let path = target.with_file_name(hidden);
        let mode = replaced.map(|metadata| metadata.mode() & PERMISSIONS);
        // Never open to more than what it replaces, not for a moment.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode.unwrap_or(NEW_FILE_MODE))
            .open(&path)?;
        let unfinished = Some(Unfinished { path, target });
        let output = Self { file, unfinished };
        if let Some(replaced) = replaced {
            // Only the superuser can give files away; anybody else's is their own then.
            fchown(&output.file, Some(replaced.uid()), Some(replaced.gid())).ok();
        }
        if let Some(mode) = mode {
            output.file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(output)
    }

    /// Where its bytes go.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// All is written: it takes its place.
    pub(crate) fn finish(self) -> io::Result<()> {
        match &self.unfinished {
            Some(Unfinished { path, target }) => {
                self.file.sync_all()?;
                fs::rename(path, target)
            }
            None => Ok(()),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing left under this name.
        fs::remove_file(&self.path).ok();
    }
}

/// Standard output or error, where that is the file: `/dev/stdout` goes on where others have written, and will.
fn open_stream(metadata: &Metadata) -> Option<File> {
    let streams =
        [io::stdout().as_fd().try_clone_to_owned(), io::stderr().as_fd().try_clone_to_owned()];
    streams
        .into_iter()
        .flatten()
        .map(File::from)
        .find(|stream| stream.metadata().is_ok_and(|stream| is_same(&stream, metadata)))
}

fn is_same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Where the file itself is that `path` leads to; None where no name does, as of an open file that has been removed.
fn resolved(path: &Path, metadata: &Metadata) -> Option<PathBuf> {
    let resolved = fs::canonicalize(path).ok()?;
    let found = fs::metadata(&resolved).ok()?;
    is_same(&found, metadata).then_some(resolved)
}

/// The name at the end of links that lead to nothing yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or_else(|| Path::new("")).join(next);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// 53100 or 58030 for a file that could not be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqlState::DiskFull,
        _ => SqlState::IoError,
    };
    Error::new(class, format!("could not write file \"{}\": {error}", path.display()))
}
