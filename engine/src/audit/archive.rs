//! Moving sealed segments to another directory, so that a start verifies only what is left.
//!
//! The order is: what may go ([`AuditLog::archivable`]), a durable Archived entry that names it ([`super::Draft::archived`]),
//! then the move. Between the last two a crash leaves segments that may be absent but are not: the next archiving takes them.
//! The other way round it would leave a log that begins in the middle without a reason.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::file::AuditLog;
use super::scan::{PIECE_BYTES, read_full};
use super::segments::temporary_path;
use crate::disk::{Disk, DiskFile, directory_of};
use crate::identity::ChainState;

impl AuditLog {
    /// The last entry of the newest sealed segment: everything up to it may be archived.
    pub fn archivable(&self) -> Option<ChainState> {
        self.tail().sealed.last().map(|segment| segment.last)
    }

    /// Moves the sealed segments that end with `last` or before into another directory, the oldest first, and answers where
    /// they are now. Each is whole and synced there before it goes here. The caller has a durable Archived entry that names
    /// `last`, and calls this one at a time; appending goes on meanwhile. After an error it may be called again.
    pub fn archive(&self, directory: &Path, last: ChainState) -> io::Result<Vec<PathBuf>> {
        let _places = self.hold_places();
        let sealed = self.tail().sealed.clone();
        let mut moved = Vec::new();
        for segment in sealed.iter().filter(|segment| segment.last.sequence <= last.sequence) {
            let name = segment.path.file_name().unwrap_or_default();
            let target = directory.join(name);
            self.copy_segment(&segment.path, &target, name)
                .map_err(|error| with_path(&target, &error))?;
            self.disk
                .remove(&segment.path)
                .and_then(|()| self.disk.sync_directory(directory_of(&segment.path)))
                .map_err(|error| with_path(&segment.path, &error))?;
            self.tail().sealed.retain(|other| other.path != segment.path);
            moved.push(target);
        }
        Ok(moved)
    }

    /// Copies a segment, unless the same bytes are there already from a time before.
    fn copy_segment(&self, source: &Path, target: &Path, name: &OsStr) -> io::Result<()> {
        if source == target {
            let message = "segments are archived into another directory";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let disk = &*self.disk;
        let from = disk.open(source)?;
        let names = disk.list(directory_of(target))?;
        if names.iter().any(|present| present == name) {
            return if is_same(&*from, &*disk.open(target)?)? {
                disk.sync_directory(directory_of(target))
            } else {
                Err(io::ErrorKind::AlreadyExists.into())
            };
        }
        let temporary = temporary_path(target);
        if names.iter().any(|present| Some(present.as_os_str()) == temporary.file_name()) {
            disk.remove(&temporary)?;
        }
        copy(disk, &*from, &temporary)?;
        disk.rename(&temporary, target)?;
        disk.sync_directory(directory_of(target))
    }
}

fn copy(disk: &dyn Disk, from: &dyn DiskFile, target: &Path) -> io::Result<()> {
    let to = disk.create(target)?;
    let (mut offset, mut piece) = (0_u64, vec![0; PIECE_BYTES]);
    loop {
        let count = read_full(from, offset, &mut piece)?;
        if count == 0 {
            return to.sync();
        }
        to.write_at(offset, piece.get(..count).unwrap_or_default())?;
        offset = offset.saturating_add(count as u64);
    }
}

fn is_same(left: &dyn DiskFile, right: &dyn DiskFile) -> io::Result<bool> {
    if left.len()? != right.len()? {
        return Ok(false);
    }
    let (mut offset, mut pieces) = (0_u64, [vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]]);
    let [left_piece, right_piece] = &mut pieces;
    loop {
        let count = read_full(left, offset, left_piece)?;
        if count != read_full(right, offset, right_piece)? {
            return Ok(false);
        }
        if left_piece.get(..count) != right_piece.get(..count) {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
        offset = offset.saturating_add(count as u64);
    }
}

fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
