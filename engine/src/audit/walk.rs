//! Walking over one file of the log: header, marks, every entry's links, and what is known of the entries from elsewhere.

use std::path::Path;
use std::sync::Arc;

use super::entry::Entry;
use super::header::{
    ENTRIES_OFFSET, Header, HeaderFault, MARK_OFFSETS, Mark, SECTOR_BYTES, Sector,
};
use super::key::Key;
use super::links::{Links, Mismatch};
use super::redo::Redo;
use super::scan::{EntryReader, Found, PIECE_BYTES, read_full};
use super::segments::sealed_path;
use crate::disk::{Disk, DiskFile};
use crate::identity::{ChainState, DatabaseId, hex};
use crate::open_error::{OpenError, OpenErrorKind};

/// What is known while the files are walked over, in order.
pub(super) struct Walk<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) path: &'a Path,
    pub(super) id: DatabaseId,
    pub(super) key: Option<&'a Key>,
    pub(super) proven: Option<ChainState>,
    pub(super) redo: Redo<'a>,
    /// What the next entry must continue; none before the first file.
    pub(super) links: Option<Links>,
    /// What the first file that is there continues.
    pub(super) begin: Option<Links>,
    /// The states at which sealed segments end.
    pub(super) ends: Vec<ChainState>,
    /// What Archived entries name.
    pub(super) archived: Vec<(u64, ChainState)>,
    pub(super) done_bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) progress: &'a mut dyn FnMut(u64, u64),
}

/// A file that was walked over up to its end, or to where it stops being right.
pub(super) struct Walked {
    pub(super) file: Arc<dyn DiskFile>,
    /// The sequence of the first entry.
    pub(super) first: u64,
    /// Where the last right entry ends.
    pub(super) end: u64,
    /// The file's length.
    pub(super) file_bytes: u64,
    /// Why the entry at `end` is not right.
    pub(super) stop: Option<Stop>,
    /// The newest mark and its place.
    pub(super) mark: Option<(Mark, usize)>,
    /// The last entry that is known to have been synced ends here.
    pub(super) proven_end: u64,
}

/// Why walking stopped before the file's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The file ends within the entry.
    Incomplete,
    /// No length of an entry stands there.
    NoLength([u8; 8]),
    /// An entry of this length that is not the next.
    Mismatch(u64, Mismatch),
}

impl Walk<'_> {
    /// Walks over a file. `named_first` is what the name of a sealed segment says.
    pub(super) fn file(
        &mut self,
        path: &Path,
        named_first: Option<u64>,
    ) -> Result<Walked, OpenError> {
        let file: Arc<dyn DiskFile> = match self.disk.open(path) {
            Ok(file) => Arc::from(file),
            Err(error) => return Err(OpenError::io(path, "open", &error)),
        };
        let file_bytes = file.len().map_err(|error| OpenError::io(path, "read", &error))?;
        let links = self.header(path, &*file, named_first)?;
        let mark = self.marks(path, &*file, links.next)?;
        let mut walked = Walked {
            file,
            first: links.next,
            end: ENTRIES_OFFSET,
            file_bytes,
            stop: None,
            mark,
            proven_end: ENTRIES_OFFSET,
        };
        self.entries(path, &mut walked)?;
        Ok(walked)
    }

    fn entries(&mut self, path: &Path, walked: &mut Walked) -> Result<(), OpenError> {
        let Some(mut links) = self.links else { return Ok(()) };
        let file = Arc::clone(&walked.file);
        let mut reader = EntryReader::new(file, ENTRIES_OFFSET, walked.file_bytes);
        let mut reported = ENTRIES_OFFSET;
        walked.stop = loop {
            walked.end = reader.offset();
            self.links = Some(links);
            if walked.end.saturating_sub(reported) >= PIECE_BYTES as u64 {
                self.report(walked.end.saturating_sub(reported));
                reported = walked.end;
            }
            let found = reader.read().map_err(|error| OpenError::io(path, "read", &error))?;
            let bytes = match found {
                Found::End => break None,
                Found::Incomplete => break Some(Stop::Incomplete),
                Found::NoLength(prefix) => break Some(Stop::NoLength(prefix)),
                Found::Entry(bytes) => bytes,
            };
            match links.follow(bytes, self.key) {
                Err(mismatch) => break Some(Stop::Mismatch(bytes.len() as u64, mismatch)),
                Ok(entry) => self.entry(path, walked, bytes, &entry)?,
            }
        };
        self.report(walked.end.saturating_sub(reported));
        Ok(())
    }

    /// Compares an entry that is linked with what is known of it. `walked.end` is where it begins.
    fn entry(
        &mut self,
        path: &Path,
        walked: &mut Walked,
        bytes: &[u8],
        entry: &Entry<'_>,
    ) -> Result<(), OpenError> {
        let end = walked.end.saturating_add(bytes.len() as u64);
        let tampered = |message: &str| {
            OpenError::new(OpenErrorKind::Tampered, path, message).in_entry(entry.sequence)
        };
        if let Some(redo) = self.redo.entry(entry.sequence)
            && redo != bytes
        {
            let same = redo.iter().zip(bytes).take_while(|(left, right)| left == right).count();
            let shown = |bytes: &[u8]| {
                hex(bytes.get(same..).unwrap_or_default().get(..16).unwrap_or_default())
            };
            return Err(tampered("the entry is not the one that log and image hold")
                .at(walked.end.saturating_add(same as u64))
                .with_values(shown(redo), shown(bytes)));
        }
        if let Some(proven) = self.proven.filter(|proven| proven.sequence == entry.sequence) {
            if proven.head != entry.hash {
                return Err(tampered("the entry is not the one that was synced here")
                    .at(walked.end)
                    .with_values(hex(&proven.head), hex(&entry.hash)));
            }
            walked.proven_end = walked.proven_end.max(end);
        }
        if let Some((mark, place)) = walked.mark.filter(|(mark, _)| mark.end == end) {
            if mark.state != entry.state() {
                let offset = MARK_OFFSETS.get(place).copied().unwrap_or_default();
                return Err(tampered("the file's mark names another entry")
                    .at(offset)
                    .with_values(hex(&entry.hash), hex(&mark.state.head)));
            }
            walked.proven_end = walked.proven_end.max(end);
        }
        if let Some(last) = entry.archived() {
            self.archived.push((entry.sequence, last));
        }
        Ok(())
    }

    /// Checks the header and takes over what the file continues.
    fn header(
        &mut self,
        path: &Path,
        file: &dyn DiskFile,
        named_first: Option<u64>,
    ) -> Result<Links, OpenError> {
        let header = Header::decode(&read_sector(path, file, 0)?);
        let header = header.map_err(|fault| header_error(path, &fault))?;
        let differs = |kind, offset, message: &str, expected: String, found: String| {
            let error = OpenError::new(kind, path, message).at(offset);
            Err(error.with_values(expected, found))
        };
        if header.id != self.id {
            let (expected, found) = (self.id.to_string(), header.id.to_string());
            let message = "the file belongs to another database";
            return differs(OpenErrorKind::Foreign, 16, message, expected, found);
        }
        if !header.is_key(self.key) {
            let message = match (header.keyed, self.key) {
                (true, None) => "the audit log has a key, none was given",
                (false, _) => "the audit log has no key, one was given",
                (true, Some(_)) => "the audit log has another key than the one given",
            };
            return Err(OpenError::new(OpenErrorKind::Usage, path, message));
        }
        let expected = self.links.unwrap_or(header.links);
        if named_first.is_some_and(|first| first != header.links.next) {
            let named = sealed_path(self.path, header.links.next).display().to_string();
            let message = "the segment's name is not that of its first entry";
            let found = path.display().to_string();
            return differs(OpenErrorKind::Tampered, 32, message, named, found);
        }
        if expected.next != header.links.next {
            let (expected, found) = (expected.next.to_string(), header.links.next.to_string());
            let message = "the file's first entry is not the one that follows the segment before";
            return differs(OpenErrorKind::Tampered, 32, message, expected, found);
        }
        let genesis = Links::genesis(self.id);
        let expected = if expected.next == 0 { genesis } else { expected };
        if expected != header.links {
            let (expected, found) = (hex(&expected.previous), hex(&header.links.previous));
            let message = "the file does not follow the segment before";
            return differs(OpenErrorKind::Tampered, 40, message, expected, found);
        }
        if self.begin.is_none() {
            self.begin = Some(header.links);
            self.check_begin(path, header.links)?;
        }
        self.links = Some(header.links);
        Ok(header.links)
    }

    /// Holds what the first file continues against what is known of the entry before.
    fn check_begin(&mut self, path: &Path, begin: Links) -> Result<(), OpenError> {
        let Some(state) = begin.state() else { return Ok(()) };
        let redo = self.redo.entry(state.sequence).and_then(|bytes| Entry::decode(bytes).ok());
        let known = redo.map(|entry| entry.state());
        let proven = self.proven.filter(|proven| proven.sequence == state.sequence);
        for known in [known, proven].into_iter().flatten() {
            if known.head != state.head {
                let message = "the file does not follow the entry that log and image hold";
                return Err(OpenError::new(OpenErrorKind::Tampered, path, message)
                    .at(40)
                    .in_entry(state.sequence)
                    .with_values(hex(&known.head), hex(&state.head)));
            }
        }
        Ok(())
    }

    /// The newest mark and its place.
    fn marks(
        &self,
        path: &Path,
        file: &dyn DiskFile,
        first: u64,
    ) -> Result<Option<(Mark, usize)>, OpenError> {
        let mut newest: Option<(Mark, usize)> = None;
        for (place, offset) in MARK_OFFSETS.into_iter().enumerate() {
            let sector = read_sector(path, file, offset)?;
            let mark = Mark::decode(&sector, self.id, first, self.key).map_err(|error| {
                OpenError::new(OpenErrorKind::Tampered, path, "the mark is not right")
                    .at(offset.saturating_add(error.offset as u64))
                    .with_values(error.expected, "other bytes")
            })?;
            let is_newer = |mark: &Mark| newest.is_none_or(|(other, _)| other.end < mark.end);
            if let Some(mark) = mark.filter(is_newer) {
                newest = Some((mark, place));
            }
        }
        Ok(newest)
    }

    fn report(&mut self, bytes: u64) {
        self.done_bytes = self.done_bytes.saturating_add(bytes);
        (self.progress)(self.done_bytes, self.total_bytes);
    }
}

fn read_sector(path: &Path, file: &dyn DiskFile, offset: u64) -> Result<Sector, OpenError> {
    let mut sector = [0; SECTOR_BYTES];
    let read = read_full(file, offset, &mut sector);
    let read = read.map_err(|error| OpenError::io(path, "read", &error))?;
    if read < SECTOR_BYTES {
        // The file got its name only after its first sectors were synced: no power cut takes them.
        let message = "the file ends before its first entry";
        return Err(OpenError::new(OpenErrorKind::Tampered, path, message)
            .at(offset.saturating_add(read as u64)));
    }
    Ok(sector)
}

fn header_error(path: &Path, fault: &HeaderFault) -> OpenError {
    let error = |kind, message: &str| OpenError::new(kind, path, message);
    match fault {
        HeaderFault::Magic => error(OpenErrorKind::Tampered, "not an audit log").at(0),
        HeaderFault::Version(version) => {
            error(OpenErrorKind::Version, "the audit log's format is not known")
                .at(8)
                .with_values("1", version.to_string())
        }
        HeaderFault::Checksum(computed, stored) => {
            error(OpenErrorKind::Tampered, "the header's checksum differs")
                .at(480)
                .with_values(hex(computed), hex(stored))
        }
        HeaderFault::Field(fault) => error(OpenErrorKind::Tampered, "the header is not right")
            .at(fault.offset as u64)
            .with_values(fault.expected, "other bytes"),
    }
}
