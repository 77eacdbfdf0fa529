//! Reading a file's entries in order, in pieces, as they stand: whether they are right is for [`super::links`] to say.

use std::io;
use std::sync::Arc;

use super::entry::entry_length;
use crate::disk::DiskFile;

/// Bytes read at once.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// Reads entries from a place in a file on.
#[derive(Debug)]
pub(super) struct EntryReader {
    file: Arc<dyn DiskFile>,
    /// Where reading ends: the file's length when it began.
    end: u64,
    /// Where the next entry begins.
    offset: u64,
    buffer: Vec<u8>,
    /// The place in `buffer` that `offset` is at.
    place: usize,
}

/// What stands at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'b> {
    /// Bytes that say they are an entry.
    Entry(&'b [u8]),
    /// The file's end.
    End,
    /// An entry that the file ends within.
    Incomplete,
    /// Eight bytes that are no length of an entry.
    NoLength([u8; 8]),
}

impl EntryReader {
    /// From `offset` to `end`.
    pub(super) fn new(file: Arc<dyn DiskFile>, offset: u64, end: u64) -> Self {
        Self { file, end, offset, buffer: Vec::new(), place: 0 }
    }

    /// Where the next entry begins: behind the one that [`EntryReader::read`] answered last.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next entry; anything but an entry stays where it is.
    pub(super) fn read(&mut self) -> io::Result<Found<'_>> {
        if self.offset >= self.end {
            return Ok(Found::End);
        }
        self.fill(8)?;
        let Some(prefix) = self.ahead().first_chunk::<8>() else { return Ok(Found::Incomplete) };
        let Some(length) = entry_length(*prefix) else { return Ok(Found::NoLength(*prefix)) };
        self.fill(length)?;
        let start = self.place;
        let end = start.saturating_add(length);
        if end > self.buffer.len() {
            return Ok(Found::Incomplete);
        }
        self.place = end;
        self.offset = self.offset.saturating_add(length as u64);
        Ok(Found::Entry(self.buffer.get(start..end).unwrap_or_default()))
    }

    fn ahead(&self) -> &[u8] {
        self.buffer.get(self.place..).unwrap_or_default()
    }

    /// Sees to it that `wanted` bytes lie ahead, or all there are. The buffer grows by what the file has, not by what a length
    /// says.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let ahead = self.ahead().len();
        if ahead >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.place);
        self.place = 0;
        let from = self.offset.saturating_add(ahead as u64);
        let left = usize::try_from(self.end.saturating_sub(from)).unwrap_or(usize::MAX);
        let more = wanted.saturating_sub(ahead).max(PIECE_BYTES).min(left);
        self.buffer.resize(ahead.saturating_add(more), 0);
        let read = read_full(&*self.file, from, self.buffer.get_mut(ahead..).unwrap_or_default())?;
        self.buffer.truncate(ahead.saturating_add(read));
        Ok(())
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_full(file: &dyn DiskFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0_usize;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(offset.saturating_add(done as u64), rest) {
            Ok(0) => break,
            Ok(count) => done = done.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
