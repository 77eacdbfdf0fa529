//! Which files a database has, and what of them is there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::audit::Key;
use crate::disk::{Disk, directory_of};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::transaction::executed::AuditPolicy;
use crate::wal::Lsn;
use crate::wal::segment::{SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// Bytes of the log after which a checkpoint begins.
pub const CHECKPOINT_WAL_BYTES_DEFAULT: u64 = 256 << 20;

/// Time after which a checkpoint begins, if anything was written.
pub const CHECKPOINT_INTERVAL_DEFAULT: Duration = Duration::from_mins(5);

/// How far an archive of the log may be behind.
pub const ARCHIVE_INTERVAL_DEFAULT: Duration = Duration::from_mins(1);

/// Bytes of an audit file after which it is sealed.
pub const AUDIT_SEAL_BYTES_DEFAULT: u64 = 256 << 20;

/// The files of a database, and how they are kept.
#[derive(Clone, Debug)]
pub struct Files {
    /// A directory to make, for its owner alone, unless it is there.
    pub make_directory: Option<PathBuf>,
    /// The image.
    pub db: Option<PathBuf>,
    /// The audit log.
    pub audit: Option<PathBuf>,
    /// The write-ahead log: what the names of its segments begin with.
    pub wal: Option<PathBuf>,
    /// Bytes of a new segment of the log.
    pub wal_segment_bytes: u64,
    /// What the audit log keeps of parameters.
    pub audit_policy: AuditPolicy,
    /// What the audit chain is keyed with.
    pub audit_key: Option<Key>,
    /// Bytes of an audit file after which it is sealed.
    pub audit_seal_bytes: u64,
    /// Bytes of the log after which a checkpoint begins.
    pub checkpoint_wal_bytes: u64,
    /// Time after which a checkpoint begins.
    pub checkpoint_interval: Duration,
    /// Where full segments of the log are copied to before they are used again.
    pub archive: Option<PathBuf>,
    /// The archive is at most this far behind.
    pub archive_interval: Duration,
    /// The operator's choice: give up what the log holds from here on.
    pub recover_to: Option<Lsn>,
    /// Whether a thread keeps the files in shape. Without it the caller is left to make segments ready, to prove the last
    /// group, to begin checkpoints, and to have written what was acknowledged before it is durable: then what is done to the
    /// disk follows from the statements alone, and a test can repeat it.
    pub keeper: bool,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            make_directory: None,
            db: None,
            audit: None,
            wal: None,
            wal_segment_bytes: SEGMENT_BYTES_DEFAULT,
            audit_policy: AuditPolicy::Parameters,
            audit_key: None,
            audit_seal_bytes: AUDIT_SEAL_BYTES_DEFAULT,
            checkpoint_wal_bytes: CHECKPOINT_WAL_BYTES_DEFAULT,
            checkpoint_interval: CHECKPOINT_INTERVAL_DEFAULT,
            archive: None,
            archive_interval: ARCHIVE_INTERVAL_DEFAULT,
            recover_to: None,
            keeper: true,
        }
    }
}

impl Files {
    /// The files of a data directory: `spg.db`, `audit.log`, `wal.log`.
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            make_directory: Some(directory.to_owned()),
            db: Some(directory.join("spg.db")),
            audit: Some(directory.join("audit.log")),
            wal: Some(directory.join("wal.log")),
            ..Self::default()
        }
    }

    /// Whether there is any.
    pub fn is_any(&self) -> bool {
        self.db.is_some() || self.audit.is_some() || self.wal.is_some()
    }

    /// The paths, in the order of the command line.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.db.iter().chain(&self.audit).chain(&self.wal)
    }

    /// An error if they make no sense together.
    pub fn check(&self) -> Result<(), OpenError> {
        let usage =
            |path: &Path, message: &str| OpenError::new(OpenErrorKind::Usage, path, message);
        if let (Some(wal), None) = (&self.wal, &self.db) {
            return Err(usage(
                wal,
                "a write-ahead log without a database image keeps nothing that can be opened again",
            )
            .with_hint("give the image's path, DB, too"));
        }
        if let (Some(archive), None) = (&self.archive, &self.wal) {
            return Err(usage(archive, "an archive needs a write-ahead log to be filled from")
                .with_hint("give the log's path, WAL, too"));
        }
        if let (Some(archive), Some(wal)) = (&self.archive, &self.wal)
            && archive == directory_of(wal)
        {
            return Err(usage(archive, "the log cannot be archived to where it is")
                .with_hint("give a directory of its own, best on another disk"));
        }
        let paths: Vec<&PathBuf> = self.paths().collect();
        for (place, path) in paths.iter().enumerate() {
            if paths.iter().skip(place.saturating_add(1)).any(|other| other == path) {
                return Err(usage(path, "the same path is given twice")
                    .with_hint("give each file a path of its own"));
            }
        }
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.wal_segment_bytes) {
            let path = self.wal.as_deref().unwrap_or(Path::new("wal"));
            return Err(usage(path, "segments of the log cannot have that size").with_values(
                format!("{SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX} bytes"),
                format!("{} bytes", self.wal_segment_bytes),
            ));
        }
        Ok(())
    }

    /// The paths as the disk knows them: links followed, so that the same files are the same paths.
    pub fn resolved(mut self) -> Result<Self, OpenError> {
        let files = [&mut self.db, &mut self.audit, &mut self.wal, &mut self.archive];
        for path in files.into_iter().flatten() {
            *path = crate::disk::real::resolve(path).map_err(|error| {
                OpenError::io(path, "find its directory", &error)
                    .with_hint("make the directory, or give another path")
            })?;
        }
        Ok(self)
    }
}

/// Whether a file is there.
pub(super) fn exists(disk: &Arc<dyn Disk>, path: &Path) -> Result<bool, OpenError> {
    match disk.open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(OpenError::io(path, "open it", &error)),
    }
}
