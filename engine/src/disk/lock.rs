//! The lock file beside a database file: keeps a second opener out and says who holds it.
//!
//! The lock is the operating system's (`flock`), which goes with the process however it ends; the file's text only tells
//! the second opener whom to look for. The file is **left in place** when the lock is dropped: between somebody's opening it and
//! locking it, it could be removed and made anew, and two processes would each hold a lock, on different files.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::real::{no_follow, read_full_at};
use crate::open_error::{OpenError, OpenErrorKind};

/// How long a lock is waited for whose holder cannot be found: it is ending, or has not written its name yet.
const WAIT_MAX: Duration = Duration::from_millis(500);
const WAIT_STEP: Duration = Duration::from_millis(5);

/// Bytes of a lock file that are read.
const HOLDER_BYTES_MAX: usize = 256;

/// A lock on a database file, held until dropped.
#[derive(Debug)]
pub struct FileLock {
    /// Holds the lock.
    _file: File,
    path: PathBuf,
}

impl FileLock {
    /// Locks `<path>.lock`. `path` must be [resolved](super::real::resolve). [`OpenErrorKind::Locked`] names who has it.
    pub fn acquire(path: &Path) -> Result<Self, OpenError> {
        let lock_path = lock_path(path);
        let file = no_follow()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|error| OpenError::io(&lock_path, "open the lock file", &error))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => {
                    return Err(OpenError::io(&lock_path, "lock", &error));
                }
                Err(TryLockError::WouldBlock) => {
                    let holder = holder(&file);
                    if begin.elapsed() >= WAIT_MAX || is_running(&holder) {
                        return Err(locked(path, &lock_path, &holder));
                    }
                    thread::sleep(WAIT_STEP);
                }
            }
        }
        let written = file.set_len(0).and_then(|()| file.write_all_at(own_name().as_bytes(), 0));
        if let Err(error) = written {
            // The lock is held all the same; on a full disk the database must still open.
            log::warn!("{}: could not write who holds it: {error}", lock_path.display());
        }
        Ok(Self { _file: file, path: lock_path })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cold]
fn locked(path: &Path, lock_path: &Path, holder: &str) -> OpenError {
    let holder = if holder.is_empty() { "another process" } else { holder };
    let message = format!("in use by {holder}, which holds {}", lock_path.display());
    OpenError::new(OpenErrorKind::Locked, path, message)
        .with_hint("stop that process, or open another database")
}

/// `process 42 (spg-server) since 2026-11-22 15:09:56 UTC`
fn own_name() -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    let program = program.as_deref().and_then(Path::file_name).unwrap_or("unknown".as_ref());
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let process = std::process::id();
    format!("process {process} ({}) since {now}\n", program.to_string_lossy())
}

/// What the holder wrote; nothing that a terminal would take for a command.
fn holder(file: &File) -> String {
    let mut bytes = [0; HOLDER_BYTES_MAX];
    let count = read_full_at(file, 0, &mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default());
    text.lines().next().unwrap_or_default().replace(char::is_control, "?")
}

/// Whether the process that a holder's text names is there.
fn is_running(holder: &str) -> bool {
    let process = holder.strip_prefix("process ").and_then(|rest| rest.split(' ').next());
    let process = process.and_then(|number| number.parse::<u32>().ok());
    process.is_some_and(|process| Path::new("/proc").join(process.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::real::resolve;
    use super::*;

    /// A directory with a file `spg.db`.
    fn database() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spg.db");
        fs::write(&path, "").unwrap();
        let path = resolve(&path).unwrap();
        (directory, path)
    }

    #[test]
    fn a_second_opener_is_refused_at_once_and_told_who_has_it() {
        let (_directory, path) = database();
        let lock = FileLock::acquire(&path).unwrap();
        assert_eq!(lock.path(), lock_path(&path));
        assert_eq!(fs::metadata(lock.path()).unwrap().permissions().mode() & 0o777, 0o600);

        let begin = Instant::now();
        let error = FileLock::acquire(&path).unwrap_err();
        assert!(begin.elapsed() < WAIT_MAX, "the holder is running: nothing to wait for");
        assert_eq!((error.kind(), &error.fields().path), (OpenErrorKind::Locked, &path));
        let holder = own_name();
        let holder = holder.split(" since ").next().unwrap();
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        let message = error.to_string();
        assert!(message.contains(&format!("in use by {holder} since 2")), "{message}");
        assert!(message.contains("spg.db.lock"), "{message}");

        drop(lock);
        let left = fs::metadata(lock_path(&path)).unwrap();
        let lock = FileLock::acquire(&path).unwrap();
        assert!(left.len() > 0, "the file stays when the lock goes");
        FileLock::acquire(&path).unwrap_err();
        drop(lock);
    }

    #[test]
    fn links_lead_to_the_same_lock() {
        let (directory, path) = database();
        let way = directory.path().join("way");
        symlink(directory.path(), &way).unwrap();
        symlink(&path, directory.path().join("link")).unwrap();
        let _lock = FileLock::acquire(&path).unwrap();
        for other in [way.join("spg.db"), directory.path().join("link"), way.join("link")] {
            let error = FileLock::acquire(&resolve(&other).unwrap()).unwrap_err();
            assert_eq!(error.kind(), OpenErrorKind::Locked, "{}", other.display());
        }
    }

    #[test]
    fn each_holder_writes_its_own_name() {
        let (_directory, path) = database();
        fs::write(lock_path(&path), "process 1 (before) since long ago\n".repeat(10)).unwrap();
        let _lock = FileLock::acquire(&path).unwrap();
        let text = fs::read_to_string(lock_path(&path)).unwrap();
        let own = own_name();
        assert_eq!(text.split(" since ").next(), own.split(" since ").next());
        assert_eq!(text.lines().count(), 1);
    }

    /// The lock, held by nobody who can be found.
    fn held_by(path: &Path, text: &str) -> File {
        let file = File::create(lock_path(path)).unwrap();
        file.write_all_at(text.as_bytes(), 0).unwrap();
        file.lock().unwrap();
        file
    }

    #[test]
    fn a_holder_that_is_gone_is_waited_for_a_moment() {
        for text in ["", "process 4294967295 (gone) since then", "\u{1b}[2J\u{7}beep"] {
            let (_directory, path) = database();
            let held = held_by(&path, text);
            let begin = Instant::now();
            let error = FileLock::acquire(&path).unwrap_err();
            assert!(begin.elapsed() >= WAIT_MAX);
            assert_eq!(error.kind(), OpenErrorKind::Locked);
            assert!(!error.to_string().contains(char::is_control), "{error}");

            // Whether it goes before or after the first look, the next one gets the lock.
            thread::scope(|scope| {
                let next = scope.spawn(|| FileLock::acquire(&path));
                drop(held);
                next.join().unwrap().unwrap();
            });
        }
    }

    #[test]
    fn a_lock_file_that_is_a_link_is_refused() {
        let (directory, path) = database();
        let target = directory.path().join("target");
        symlink(&target, lock_path(&path)).unwrap();
        assert_eq!(FileLock::acquire(&path).unwrap_err().kind(), OpenErrorKind::Io);
        assert!(!target.exists());
    }
}
