//! The whole-root image: one file that holds a database as of one commit.
//!
//! All numbers are little-endian; "varint", "bytes", schemas, row ids and columns are [`crate::encoding`]'s.
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 8 | `SPGIMAGE` |
//! | 8 | 4 | format version: 1 |
//! | 12 | 4 | 0 |
//! | 16 | | blocks, back to back; the file ends with the last |
//!
//! A block:
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 8 | bytes of its payload |
//! | 8 | 4 | kind: 1 header, 2 table, 3 rows, 4 trailer, 5 sequences |
//! | 12 | 4 | CRC-32C of the block's offset in the file (8 bytes), its first 12 bytes, and the payload |
//! | 16 | | payload |
//!
//! The header is first:
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 16 | database id |
//! | 16 | 8 each | epoch, commit, LSN, time in microseconds since 1970 |
//! | 48 | 1 | 1 if there is an audit chain, else 0 |
//! | 49 | 8, 32 | its sequence and head; zeros without one |
//! | 89 | 8 each | next relation id, next schema version, sequence of the first audit entry |
//! | 113 | | audit entries (bytes) |
//!
//! A table is its schema, next row id and number of rows (varints); the blocks of rows up to the next table are its
//! rows by row id. A block of rows is runs of rows, back to back:
//!
//! | part | meaning |
//! |---|---|
//! | varint | bit 0: whether ids are listed; above it the number of rows, at most 256 |
//! | ids | listed: row ids; otherwise the first as a varint, the others follow it without gaps |
//! | columns | of the table by ordinal |
//!
//! A block of sequences, if there are any, stands before the tables: sequences, back to back.
//!
//! The trailer ends the file: number of tables, of rows, of blocks with itself (8 bytes each), and BLAKE3 (32) of the
//! file before the trailer.
//!
//! An image is written beside the one it replaces as `<path>.new` ([`write()`]), synced, and renamed over it
//! ([`install`]): so under its name there is always a whole one. [`load`] believes nothing before its checksum, and
//! answers nothing before the hash of the whole.

mod format;
mod load;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::identity::{ChainState, DatabaseId};
use crate::storage::CommitNumber;
pub use crate::storage::root::Counters;

pub use load::{LoadedImage, Progress, load};
pub use write::{Stop, WriteError, WrittenImage, install, remove_stale, write};

/// What an image says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// The database.
    pub id: DatabaseId,
    /// The start of the database in which it was written.
    pub epoch: u64,
    /// The commit it is the state of.
    pub commit: CommitNumber,
    /// Where replay of the write-ahead log starts.
    pub lsn: u64,
    /// When it was written: microseconds since 1970.
    pub time_us: i64,
    /// Where the audit chain stands after the commit; that much is synced in the audit file, or is in `entries`.
    pub audit: Option<ChainState>,
    /// Sequence of the first of `entries`.
    pub entries_first: u64,
    /// Audit entries, encoded, that the audit file may not have yet: those of the image's own commit where no log has
    /// them.
    pub entries: Vec<u8>,
    /// Where the database's counters stand, at or after the commit.
    pub counters: Counters,
}

/// The name under which an image is written before it replaces the one at `path`.
pub fn new_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
