//! The subcommands of `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::moment::parse_moment;
use super::parse;

/// The subcommands of `audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify every link of the chain: exit status 0 if all is as it was written, 1 with the place if not
    Verify {
        /// An audit log to verify as it is, with its sealed segments, without the database
        file: Option<PathBuf>,
        /// A head that was kept elsewhere, 64 hexadecimal digits, and must be in the chain
        #[arg(long, value_name = "HEX", value_parser = parse::head)]
        expect_head: Option<String>,
    },
    /// Print where the chain stands: keep it elsewhere, and nobody can recompute the chain unseen
    Head,
    /// Print entries, the oldest first
    List(Filter),
    /// Move sealed segments to a directory (of the server's machine, if it is a server's), after an entry that says so
    Archive {
        /// Where to; it must exist. That of a server is one of its machine, and its path is absolute
        directory: PathBuf,
    },
}

/// Which entries `audit list` prints.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Entries from this time on: 2026-11-22, 2026-11-22T16:05:00 or 2026-11-22T16:05:00.5+01:00; UTC without a zone
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) since: Option<i64>,

    /// Entries before this time
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) until: Option<i64>,

    /// Entries of this commit and later ones
    #[arg(long, value_name = "N")]
    pub(crate) from_commit: Option<u64>,

    /// Entries of this commit and earlier ones
    #[arg(long, value_name = "N")]
    pub(crate) to_commit: Option<u64>,

    /// Entries with this in the statement's text, in the same case
    #[arg(long, value_name = "TEXT")]
    pub(crate) contains: Option<String>,

    /// Entries by this user
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// Entries by this application
    #[arg(long, value_name = "NAME")]
    pub(crate) application: Option<String>,

    /// At most so many entries, the oldest
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,

    /// At most so many entries, the newest
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    pub(crate) last: Option<usize>,
}
