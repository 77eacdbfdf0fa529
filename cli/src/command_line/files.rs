//! The options that name a database's files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options that name a database's files.
#[derive(Debug, Default, Args)]
pub(crate) struct FileArguments {
    /// Open DIR/spg.db, DIR/audit.log and DIR/wal.log in this process, without a server; made if none is there
    #[arg(long, global = true, value_name = "DIR", conflicts_with_all = ["db", "audit_log", "wal"])]
    pub(crate) data_dir: Option<PathBuf>,

    /// Open this image in this process; without --wal it is written anew with every commit
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,

    /// Open this audit log in this process; alone it is one of a database in memory
    #[arg(long = "audit", id = "audit_log", global = true, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,

    /// Open this write-ahead log, whose segments are FILE.NUMBER, in this process; needs --db
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) wal: Option<PathBuf>,

    /// The secret of a keyed audit chain: a file of 32 bytes or 64 hexadecimal digits that only its owner can read
    #[arg(long = "audit-key-file", visible_alias = "key-file", global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// What the audit log keeps of the parameters of statements that are run by this command [default: on]
    #[arg(long, global = true, value_enum, value_name = "WHAT")]
    pub(crate) audit_parameters: Option<AuditParameters>,
}

/// What the audit log keeps of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditParameters {
    /// Their values
    On,
    /// A digest
    Digest,
}
