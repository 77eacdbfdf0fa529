//! The verifier's own reading: files in pieces, numbers out of bytes, the names of segments.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskFile, directory_of};

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 20;

/// A file read from the front, of which some bytes are at hand.
pub(super) struct Window {
    file: Box<dyn DiskFile>,
    /// Where the bytes at hand begin.
    start: u64,
    bytes: Vec<u8>,
    /// Of which so many were used.
    used: usize,
}

impl Window {
    pub(super) fn new(file: Box<dyn DiskFile>) -> Self {
        Self { file, start: 0, bytes: Vec::new(), used: 0 }
    }

    /// The place in the file.
    pub(super) fn offset(&self) -> u64 {
        self.start.saturating_add(self.used as u64)
    }

    /// At least `count` bytes from the place on if the file has them, and whatever else is at hand.
    pub(super) fn look(&mut self, count: usize) -> io::Result<&[u8]> {
        let mut at_hand = self.bytes.len().saturating_sub(self.used);
        if at_hand < count {
            self.start = self.offset();
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        while at_hand < count {
            // Grows by pieces that were read, never by what a length says.
            self.bytes.resize(at_hand.saturating_add(PIECE_BYTES), 0);
            let from = self.start.saturating_add(at_hand as u64);
            let room = self.bytes.get_mut(at_hand..).unwrap_or_default();
            let read = match self.file.read_at(from, room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read,
            };
            at_hand = at_hand.saturating_add(*read.as_ref().unwrap_or(&0));
            self.bytes.truncate(at_hand);
            if read? == 0 {
                break;
            }
        }
        Ok(self.bytes.get(self.used..).unwrap_or_default())
    }

    /// Goes on behind `count` bytes that were looked at.
    pub(super) fn skip(&mut self, count: usize) {
        self.used = self.used.saturating_add(count).min(self.bytes.len());
    }

    /// Some bytes of the file wherever the place is, read anew.
    pub(super) fn read_again(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        match self.file.read_at(offset, into)? {
            count if count == into.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Four bytes as a number; 0 where there are none.
pub(super) fn number_32(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array(bytes, offset))
}

/// Eight bytes as a number; 0 where there are none.
pub(super) fn number_64(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array(bytes, offset))
}

/// `N` bytes; zeros where there are none.
pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let behind = bytes.get(offset..).unwrap_or_default();
    behind.first_chunk::<N>().copied().unwrap_or([0; N])
}

/// Takes a varint from the front.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..10_u32 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(first & 0x7f);
        value |= bits.checked_shl(place.saturating_mul(7))?;
        if first & 0x80 == 0 {
            return (place < 9 || bits < 2).then_some(value);
        }
    }
    None
}

/// Takes a text of `length` bytes from the front; whether it was there and is UTF-8.
pub(super) fn has_text(bytes: &mut &[u8], length: u64) -> bool {
    let Some((text, rest)) =
        usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length))
    else {
        return false;
    };
    *bytes = rest;
    std::str::from_utf8(text).is_ok()
}

/// The sealed segments beside `path`, by the first sequence that their names say.
pub(super) fn sealed_segments(disk: &dyn Disk, path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut segments = Vec::new();
    for name in disk.list(directory_of(path))? {
        let name = name.to_string_lossy();
        let Some((front, digits)) = name.rsplit_once('.') else { continue };
        if front == own
            && digits.len() == 16
            && digits.chars().all(|digit| digit.is_ascii_digit() || matches!(digit, 'a'..='f'))
            && let Ok(first) = u64::from_str_radix(digits, 16)
        {
            segments.push((first, path.with_file_name(&*name)));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}
