//! What of the daemon's command line is about files.

use std::ffi::OsString;

use clap::Args;

/// What of the command line is about files. Empty variables are unset, so values are read here, not by clap.
#[derive(Debug, Args)]
pub(crate) struct FileWords {
    /// The database's image; without WAL the whole of it is written with each commit
    #[arg(env = "SPG_DB")]
    pub(crate) db: Option<OsString>,

    /// The audit log
    #[arg(env = "SPG_AUDIT")]
    pub(crate) audit: Option<OsString>,

    /// The write-ahead log: what the names of its segments begin with
    #[arg(env = "SPG_WAL")]
    pub(crate) wal: Option<OsString>,

    /// Directory of spg.db, audit.log and wal.log; a position with another path, or -, beats its file
    #[arg(long, env = "SPG_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<OsString>,

    /// Bytes of a segment of the write-ahead log [default: 4MB]
    #[arg(long, env = "SPG_WAL_SEGMENT_SIZE", value_name = "SIZE")]
    pub(crate) wal_segment_size: Option<String>,

    /// Bytes of write-ahead log after which a checkpoint begins [default: 256MB]
    #[arg(long, env = "SPG_CHECKPOINT_WAL_SIZE", value_name = "SIZE")]
    pub(crate) checkpoint_wal_size: Option<String>,

    /// Seconds after which a checkpoint begins, if anything was written [default: 300]
    #[arg(long, env = "SPG_CHECKPOINT_INTERVAL", value_name = "SECONDS")]
    pub(crate) checkpoint_interval: Option<String>,

    /// Bytes of the audit log after which it is sealed, so that it can be archived, and a new file begun [default: 256MB]
    #[arg(long, env = "SPG_AUDIT_SEGMENT_SIZE", value_name = "SIZE")]
    pub(crate) audit_segment_size: Option<String>,

    /// Whether the audit log keeps parameters, or only a digest of them: on, digest [default: on]
    #[arg(long, env = "SPG_AUDIT_PARAMETERS", value_name = "WHAT")]
    pub(crate) audit_parameters: Option<String>,

    /// File of the key of the audit chain: 32 bytes or 64 hexadecimal digits, mode 0600, apart from the database's files
    #[arg(long, env = "SPG_AUDIT_KEY_FILE", value_name = "FILE")]
    pub(crate) audit_key_file: Option<OsString>,

    /// Directory to which full segments of the write-ahead log are copied before they are used again: what a backup is
    /// brought forward with, to any commit
    #[arg(long, env = "SPG_ARCHIVE_DIR", value_name = "DIR")]
    pub(crate) archive_dir: Option<OsString>,

    /// Seconds that the archive may be behind, if anything was committed [default: 60]
    #[arg(long, env = "SPG_ARCHIVE_INTERVAL", value_name = "SECONDS")]
    pub(crate) archive_interval: Option<String>,

    /// Give up everything that the write-ahead log holds from this place on, where it is damaged
    #[arg(long, value_name = "LSN")]
    pub(crate) recover_to: Option<String>,
}
