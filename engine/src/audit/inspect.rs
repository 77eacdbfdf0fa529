//! What can be said of audit files without verifying them: whether there are any, whose they are, whether anything is in them.

use std::io;
use std::path::Path;

use super::entry::ENTRY_BYTES_MIN;
use super::header::{ENTRIES_OFFSET, Header, Sector};
use super::scan::read_full;
use super::segments::find;
use crate::disk::Disk;
use crate::identity::DatabaseId;

/// What is at an audit log's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// A log with its genesis entry and nothing else: what an interrupted creation leaves.
    Blank,
    /// A log.
    Present,
}

/// What is at `path`.
pub fn presence(disk: &dyn Disk, path: &Path) -> io::Result<Presence> {
    let files = find(disk, path)?;
    if !files.sealed.is_empty() {
        return Ok(Presence::Present);
    }
    if !files.has_active {
        return Ok(Presence::Absent);
    }
    let blank_bytes = ENTRIES_OFFSET.saturating_add(ENTRY_BYTES_MIN as u64);
    let is_blank = disk.open(path)?.len()? == blank_bytes;
    Ok(if is_blank { Presence::Blank } else { Presence::Present })
}

/// The database that the log at `path` says it belongs to; None if its header is not one.
pub fn database_of(disk: &dyn Disk, path: &Path) -> io::Result<Option<DatabaseId>> {
    let mut sector: Sector = [0; size_of::<Sector>()];
    let file = disk.open(path)?;
    if read_full(&*file, 0, &mut sector)? < sector.len() {
        return Ok(None);
    }
    Ok(Header::decode(&sector).ok().map(|header| header.id))
}
