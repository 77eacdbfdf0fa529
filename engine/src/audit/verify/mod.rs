//! The offline verifier: reads the files by the byte tables alone and checks all that they say of themselves.
//!
//! It shares no code with what writes and opens the log, but for BLAKE3 and the disk: a mistake in the one is not one in the
//! other. So it has its own table, which must be that of `entry.rs` and `header.rs`:
//!
//! | what | bytes |
//! |---|---|
//! | header | 0 `SPGAUDIT`, 8 version 1 (u32), 12 keyed (u32), 16 identity, 32 first sequence (u64), 40 previous hash, 72 key check, 480 BLAKE3 of 0..480 |
//! | marks at 512 and 1024 | none if the first or last byte is zero; 0 `SPGAMARK`, 8 sequence (u64), 16 hash, 48 end offset (u64), 56 identity, 72 first sequence (u64), 472 (keyed) BLAKE3 of 0..472, 504 `SPGAMEND` |
//! | entries from 1536 on | 0 length L (u32), 4 inverted L, 8 sequence (u64), 16 kind, 40 number (u64), 48 digest, 80 previous hash, L - 32 (keyed) BLAKE3 of 0..L - 32 |
//!
//! It may run while the log is appended to: it then sees a state a moment ago, whose last entry may be incomplete.

mod bytes;
mod run;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Key;
use crate::disk::Disk;
use crate::identity::{ChainState, DatabaseId};

/// What a verification found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The database.
    pub id: DatabaseId,
    /// Entries verified.
    pub entries: u64,
    /// The sequence of the first entry that is there; those before it were archived.
    pub first_sequence: u64,
    /// The last entry.
    pub state: ChainState,
    /// Bytes read.
    pub bytes: u64,
    /// Whether the chain has a key.
    pub keyed: bool,
    /// Bytes of an incomplete entry at the end: it is being written, or was torn by a crash. None of it was verified.
    pub trailing_bytes: u64,
    /// The entry whose hash is the expected head, if one was expected.
    pub expected_sequence: Option<u64>,
}

/// The first thing that is not right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// The entry's sequence, as far as it is known.
    pub entry: Option<u64>,
    /// Bytes from the start of the file.
    pub offset: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    pub expected: Option<String>,
    /// What was found there.
    pub found: Option<String>,
    /// Whether the files could not be read at all, so that nothing is known of them.
    pub is_io: bool,
}

impl Fault {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        let path = path.to_owned();
        let message = message.into();
        Self { path, entry: None, offset: None, message, expected: None, found: None, is_io: false }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        Self { is_io: true, ..Self::new(path, format!("could not be read: {error}")) }
    }

    fn at(self, offset: u64) -> Self {
        Self { offset: Some(offset), ..self }
    }

    fn in_entry(self, sequence: u64) -> Self {
        Self { entry: Some(sequence), ..self }
    }

    fn with(self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), found: Some(found.into()), ..self }
    }
}

impl fmt::Display for Fault {
    /// `audit.log: entry 3: offset 1800: its hash differs: expected 01, found 02`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.path.display())?;
        if let Some(entry) = self.entry {
            write!(formatter, "entry {entry}: ")?;
        }
        if let Some(offset) = self.offset {
            write!(formatter, "offset {offset}: ")?;
        }
        formatter.write_str(&self.message)?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => {
                write!(formatter, ": expected {expected}, found {found}")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

/// Verifies the log at `path` with all its segments. With `expected_head`, one of its entries must have that hash: a head
/// that was kept elsewhere is still in a chain that has grown since.
pub fn verify(
    disk: &dyn Disk,
    path: &Path,
    key: Option<&Key>,
    expected_head: Option<[u8; 32]>,
) -> Result<Report, Box<Fault>> {
    run::run(disk, path, key, expected_head)
}
