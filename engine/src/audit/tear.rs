//! What a power cut explains at the end of a file: bytes that are missing, and 512-byte sectors that were not written.
//!
//! A sector that was not written shows as it was before. Behind the end of the file as it was last synced that is zeros, and
//! in the sector that this end lies in, the old bytes and then zeros. So where it is known what was to be written, a sector
//! may be right up to some byte and zero from there on. Where that is not known, only an entry that was cut off by the
//! file's end, or into which a sector without any byte but zeros reaches, is held for torn. Anything else was changed.

use std::io;

use super::header::SECTOR_BYTES;
use super::scan::{PIECE_BYTES, read_full};
use crate::disk::DiskFile;

/// The bits of an offset that say where in its sector it is.
const SECTOR_MASK: u64 = SECTOR_BYTES as u64 - 1;

/// Bytes shown of a difference.
const SHOWN_BYTES: usize = 16;

/// A difference that no power cut explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where in the file.
    pub(super) offset: u64,
    /// Some bytes from there on as they should be; none behind the end.
    pub(super) expected: Vec<u8>,
    /// As they are.
    pub(super) found: Vec<u8>,
}

/// Compares the file's bytes in `start..end` with those that were to be written at `start`.
pub(super) fn unexplained(
    file: &dyn DiskFile,
    start: u64,
    end: u64,
    written: &[u8],
) -> io::Result<Option<Difference>> {
    let mut rest = written;
    let mut pieces = Pieces::new(file, start, end);
    while let Some((offset, sector)) = pieces.next()? {
        let (expected, after) = rest.split_at(sector.len().min(rest.len()));
        rest = after;
        let same = expected.iter().zip(sector).take_while(|(left, right)| left == right).count();
        let tail = sector.get(same..).unwrap_or_default();
        let is_behind = sector.len() > expected.len();
        if is_behind || tail.iter().any(|byte| *byte != 0) {
            let shown = |bytes: &[u8]| bytes.iter().skip(same).take(SHOWN_BYTES).copied().collect();
            let offset = offset.saturating_add(same as u64);
            let (expected, found) = (shown(expected), shown(sector));
            return Ok(Some(Difference { offset, expected, found }));
        }
    }
    Ok(None)
}

/// Whether a sector of zeros reaches into `start..end`.
pub(super) fn has_unwritten_sector(file: &dyn DiskFile, start: u64, end: u64) -> io::Result<bool> {
    let mut pieces = Pieces::new(file, start, end);
    while let Some((_, sector)) = pieces.next()? {
        if sector.iter().all(|byte| *byte == 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a range of a file and hands it out cut at the file's sectors.
struct Pieces<'f> {
    file: &'f dyn DiskFile,
    offset: u64,
    end: u64,
    buffer: Vec<u8>,
    place: usize,
}

impl<'f> Pieces<'f> {
    fn new(file: &'f dyn DiskFile, offset: u64, end: u64) -> Self {
        Self { file, offset, end, buffer: Vec::new(), place: 0 }
    }

    /// The next sector's bytes within the range, and where they begin.
    fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        if self.place == self.buffer.len() {
            let left = self.end.saturating_sub(self.offset).min(PIECE_BYTES as u64);
            self.buffer.resize(left as usize, 0);
            let read = read_full(self.file, self.offset, &mut self.buffer)?;
            self.buffer.truncate(read);
            self.place = 0;
        }
        let ahead = self.buffer.len().saturating_sub(self.place);
        if ahead == 0 {
            return Ok(None);
        }
        let within = (self.offset & SECTOR_MASK) as usize;
        let length = SECTOR_BYTES.saturating_sub(within).min(ahead);
        let (offset, place) = (self.offset, self.place);
        self.offset = offset.saturating_add(length as u64);
        self.place = place.saturating_add(length);
        Ok(self.buffer.get(place..self.place).map(|sector| (offset, sector)))
    }
}
