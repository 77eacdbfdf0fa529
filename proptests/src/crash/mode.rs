//! Which files a database has, with bounds so small that every file is changed, sealed and used again within a few commits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spg_engine::disk::Disk;
use spg_engine::durability::Files;
use spg_engine::open_error::OpenError;
use spg_engine::{Database, Options};

/// Which files a database has beside its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// An audit log.
    pub audit: bool,
    /// A write-ahead log.
    pub wal: bool,
}

/// An image per commit.
pub const IMAGE: Mode = Mode { audit: false, wal: false };
/// An image per commit, and an audit log.
pub const AUDITED_IMAGE: Mode = Mode { audit: true, wal: false };
/// An image and a log.
pub const LOG: Mode = Mode { audit: false, wal: true };
/// All files.
pub const AUDITED_LOG: Mode = Mode { audit: true, wal: true };

/// All that keep data.
pub const MODES: [Mode; 4] = [IMAGE, AUDITED_IMAGE, LOG, AUDITED_LOG];

/// A file of every test's directory.
pub fn path(name: &str) -> PathBuf {
    Path::new("/data").join(name)
}

/// The audit log's path.
pub fn audit_path() -> PathBuf {
    path("audit.log")
}

impl Mode {
    /// Its files: the smallest segments there can be, audit files sealed after a few entries, no thread.
    pub fn files(self) -> Files {
        Files {
            db: Some(path("spg.db")),
            audit: self.audit.then(audit_path),
            wal: self.wal.then(|| path("wal.log")),
            wal_segment_bytes: 16 << 10,
            audit_seal_bytes: 6 << 10,
            keeper: false,
            ..Files::default()
        }
    }

    /// Opens the database on a disk.
    pub fn open(self, disk: impl Disk + 'static) -> Result<Arc<Database>, OpenError> {
        Database::open_on(Arc::new(disk), &Options::default(), &self.files(), Vec::new())
    }
}
