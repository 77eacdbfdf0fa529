//! Making a backup of an open database.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::manifest::{self, File, Manifest};
use super::{AUDIT_NAME, IMAGE_NAME};
use crate::audit::AuditLog;
use crate::checkpoint::{self, ImageHeader, Stop, WriteError};
use crate::durability::journal::Journal;
use crate::error::{Error, Result, SqlState};
use crate::storage::root::{Place, Root};
use crate::wal::Lsn;
use crate::wal::writer::Wal;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it holds.
    pub manifest: Manifest,
    /// Bytes of all files, the manifest's with them.
    pub bytes: u64,
    /// How many files.
    pub files: usize,
    /// How long it took.
    pub took: Duration,
}

/// How far a backup is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes written.
    pub bytes: u64,
    /// About so many there will be: what an image takes is known when it is written.
    pub bytes_total: u64,
}

/// Writes what `pin` pins, and the audit log as far as that goes, into a new directory. Nothing that looks like a backup is
/// left if this fails; `pace` is told after each slice of work how far it is, and its error ends it.
pub fn write(
    journal: &Journal,
    pin: impl FnOnce() -> Arc<Root>,
    directory: &Path,
    pace: &mut dyn FnMut(Progress) -> Result<()>,
) -> Result<Written> {
    let began = Instant::now();
    // Invariant: held before the root is pinned, so that the segment with the root's last entry stays where it is.
    let _places = journal.audit.as_ref().map(AuditLog::hold_places);
    let root = pin();
    let Some(place) = root.place.get().copied() else {
        return Err(Error::new(SqlState::InternalError, "a published commit has no place"));
    };
    journal.sync_audit()?;
    journal.disk.make_directory(directory).map_err(|error| no_directory(directory, &error))?;
    let writing = Writing { journal, directory, place };
    let mut rests = Rests {
        since: Instant::now(),
        progress: Progress { bytes: 0, bytes_total: image_bytes(&root) + audit_bytes(journal) },
        pace,
        stopped: None,
    };
    let written = writing.all(root, &mut rests);
    // Why it was stopped says more than that it was.
    let written = rests.stopped.map_or(written, Err);
    if written.is_err() {
        writing.give_up();
    }
    let (manifest, manifest_bytes) = written?;
    Ok(Written {
        bytes: manifest.files.iter().map(|file| file.bytes).sum::<u64>() + manifest_bytes,
        files: manifest.files.len() + 1,
        manifest,
        took: began.elapsed(),
    })
}

/// A backup that is being made.
struct Writing<'a> {
    journal: &'a Journal,
    directory: &'a Path,
    place: Place,
}

impl Writing<'_> {
    /// Answers the manifest and its length.
    fn all(&self, root: Arc<Root>, rests: &mut Rests<'_>) -> Result<(Manifest, u64)> {
        let mut files = vec![self.image(&root, rests)?];
        let commit = root.commit.0;
        drop(root);
        files.extend(self.audit(rests)?);
        self.sync_names()?;
        self.manifest(commit, files)
    }

    fn image(&self, root: &Root, rests: &mut Rests<'_>) -> Result<File> {
        let path = self.directory.join(IMAGE_NAME);
        let header = ImageHeader {
            id: self.journal.id,
            epoch: self.journal.wal.as_ref().map_or(0, Wal::epoch),
            commit: root.commit,
            lsn: self.place.lsn,
            time_us: self.place.time_us,
            audit: self.place.chain,
            entries_first: 0,
            entries: Vec::new(),
            counters: root.shared().counters(),
        };
        let disk = &*self.journal.disk;
        let written = checkpoint::write(disk, &path, root, &header, &mut |bytes| {
            rests.rest(bytes).map_err(|_| Stop)
        });
        let written = written.and_then(|written| {
            checkpoint::install(disk, &path)?;
            Ok(written)
        });
        let written = written.map_err(|error| not_written_image(&error))?;
        rests.progress.bytes_total = written.bytes + audit_bytes(self.journal);
        Ok(File { name: IMAGE_NAME.to_owned(), bytes: written.bytes, hash: written.file_hash })
    }

    fn audit(&self, rests: &mut Rests<'_>) -> Result<Vec<File>> {
        let (Some(log), Some(until)) = (&self.journal.audit, self.place.chain) else {
            return Ok(Vec::new());
        };
        let target = self.directory.join(AUDIT_NAME);
        let copied = log.copy_until(until, &target, &mut |bytes| rests.rest(bytes));
        let copied = copied.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::new(
                SqlState::DataCorrupted,
                format!("the audit log cannot be copied: {error}"),
            ),
            kind => failed(kind, error.to_string()),
        })?;
        let files = copied.into_iter().map(|file| File {
            name: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: file.bytes,
            hash: file.hash,
        });
        Ok(files.collect())
    }

    /// Invariant: everything else is durable under its name before this is called.
    fn manifest(&self, commit: u64, files: Vec<File>) -> Result<(Manifest, u64)> {
        let manifest = Manifest {
            id: self.journal.id,
            commit,
            lsn: Lsn(self.place.lsn),
            time_us: self.place.time_us,
            chain: self.place.chain,
            is_keyed: self.place.chain.is_some() && self.journal.key().is_some(),
            files,
        };
        let key = self.journal.key().as_ref().filter(|_| manifest.is_keyed);
        let text = manifest.encode(key);
        let path = self.directory.join(manifest::NAME);
        let unfinished = checkpoint::new_path(&path);
        let disk = &*self.journal.disk;
        disk.create(&unfinished)
            .and_then(|file| {
                file.write_at(0, text.as_bytes())?;
                file.sync()
            })
            .and_then(|()| disk.rename(&unfinished, &path))
            .map_err(|error| not_written(&path, &error))?;
        self.sync_names()?;
        Ok((manifest, text.len() as u64))
    }

    fn sync_names(&self) -> Result<()> {
        let synced = self.journal.disk.sync_directory(self.directory);
        synced.map_err(|error| {
            failed(error.kind(), format!("could not sync {}: {error}", self.directory.display()))
        })
    }

    /// Removes what there is, the manifest first: what is left of it is no backup, whatever else fails.
    fn give_up(&self) {
        let disk = &*self.journal.disk;
        let remove = |name: &Path| {
            let path = self.directory.join(name);
            if let Err(error) = disk.remove(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                log::warn!("{}: left behind by a backup that failed: {error}", path.display());
            }
        };
        remove(Path::new(manifest::NAME));
        for name in disk.list(self.directory).unwrap_or_default() {
            remove(Path::new(&name));
        }
        // What was removed may come back after a power cut, but for a manifest it was never finished.
        let _ = disk.sync_directory(self.directory);
    }
}

/// What happens between two slices of work.
struct Rests<'a> {
    since: Instant,
    progress: Progress,
    pace: &'a mut dyn FnMut(Progress) -> Result<()>,
    /// Why the work was stopped.
    stopped: Option<Error>,
}

impl Rests<'_> {
    /// Rests as long as was worked since the last rest, in which `bytes` were written: half of a core.
    fn rest(&mut self, bytes: usize) -> io::Result<()> {
        self.progress.bytes += bytes as u64;
        self.progress.bytes_total = self.progress.bytes_total.max(self.progress.bytes);
        if let Err(error) = (self.pace)(self.progress) {
            self.stopped = Some(error);
            return Err(io::ErrorKind::Interrupted.into());
        }
        thread::sleep(self.since.elapsed());
        self.since = Instant::now();
        Ok(())
    }
}

/// About what an image of `root` takes: values are written as wide as they are in memory.
fn image_bytes(root: &Root) -> u64 {
    root.tables().map(|table| table.heap_bytes() as u64).sum()
}

/// About what a copy of the audit log takes; none where that cannot be told, which copying it will say.
fn audit_bytes(journal: &Journal) -> u64 {
    journal.audit.as_ref().and_then(|log| log.bytes().ok()).unwrap_or(0)
}

fn no_directory(directory: &Path, error: &io::Error) -> Error {
    let shown = directory.display();
    if error.kind() == io::ErrorKind::DirectoryNotEmpty {
        return Error::new(SqlState::DuplicateFile, format!("{shown} is not empty"))
            .with_hint("Give a directory that is not there yet; each backup has its own.");
    }
    failed(error.kind(), format!("could not make the directory {shown}: {error}"))
}

fn not_written(path: &Path, error: &io::Error) -> Error {
    failed(error.kind(), format!("could not write {}: {error}", path.display()))
}

fn not_written_image(error: &WriteError) -> Error {
    match error {
        WriteError::Io { path, doing, error } => {
            failed(error.kind(), format!("could not {doing} {}: {error}", path.display()))
        }
        WriteError::Stopped => failed(io::ErrorKind::Interrupted, error.to_string()),
    }
}

/// 53100 or 58030, with the file in the message.
fn failed(kind: io::ErrorKind, message: String) -> Error {
    let is_full = matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let state = if is_full { SqlState::DiskFull } else { SqlState::IoError };
    Error::new(state, message).with_hint(
        "The backup was given up, and what was written of it removed; nothing else was touched.",
    )
}
