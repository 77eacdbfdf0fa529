//! One verification: the segments in order, their headers and marks, their entries, what ties them together.

use std::io;
use std::path::Path;

use super::bytes::{Window, array, has_text, number_32, number_64, sealed_segments, varint};
use super::{Fault, Report};
use crate::audit::Key;
use crate::crypto::blake3::Hasher;
use crate::disk::Disk;
use crate::identity::{ChainState, DatabaseId, hex};

/// Bytes before the first entry.
const FRONT_BYTES: usize = 1536;
/// The least an entry has, and the most.
const LENGTHS: std::ops::RangeInclusive<usize> = 148..=36 << 20;
/// How often a file is looked at again that changed its name or its mark meanwhile.
const ATTEMPTS_MAX: u32 = 5;

type Outcome<T> = Result<T, Box<Fault>>;

/// Where the verification stands.
struct Run<'a> {
    disk: &'a dyn Disk,
    key: Option<&'a Key>,
    expected_head: Option<[u8; 32]>,
    report: Report,
    /// The next entry's sequence and what it names as the hash before; none before the first header.
    next: Option<(u64, [u8; 32])>,
    /// The state before the first entry that is there, if that is not the genesis entry.
    begin: Option<ChainState>,
    /// The states at which files end.
    ends: Vec<ChainState>,
    /// The sequences of Archived entries, and what they name.
    archived: Vec<(u64, ChainState)>,
}

pub(super) fn run(
    disk: &dyn Disk,
    path: &Path,
    key: Option<&Key>,
    expected_head: Option<[u8; 32]>,
) -> Outcome<Report> {
    let report = Report {
        id: DatabaseId([0; 16]),
        entries: 0,
        first_sequence: 0,
        state: ChainState { sequence: 0, head: [0; 32] },
        bytes: 0,
        keyed: false,
        trailing_bytes: 0,
        expected_sequence: None,
    };
    let (next, begin, ends, archived) = (None, None, Vec::new(), Vec::new());
    let mut run = Run { disk, key, expected_head, report, next, begin, ends, archived };
    run.all_files(path)?;
    run.check_archived(path)?;
    if run.report.entries == 0 {
        return fault(Fault::new(path, "there is no entry"));
    }
    if let Some(head) = expected_head
        && run.report.expected_sequence.is_none()
    {
        let found = format!("entries up to {:?}", run.report.state);
        let message = "no entry has the expected head: the chain is another one, or was cut";
        return fault(Fault::new(path, message).with(hex(&head), found));
    }
    Ok(run.report)
}

impl Run<'_> {
    /// Sealed segments, then the active file. One that is sealed meanwhile is found under its new name.
    fn all_files(&mut self, path: &Path) -> Outcome<()> {
        for attempt in 0..ATTEMPTS_MAX {
            let next = self.next.map(|(sequence, _)| sequence);
            let segments = sealed_segments(self.disk, path);
            let segments = segments.map_err(|error| Box::new(Fault::io(path, &error)))?;
            let ahead = segments.iter().filter(|(first, _)| next.is_none_or(|next| *first >= next));
            for (first, segment) in ahead {
                let window = self.open(segment)?;
                self.file(segment, window, Some(*first))?;
                if self.report.trailing_bytes > 0 {
                    let message = "the sealed segment ends within an entry";
                    let next = self.next.map_or(0, |(sequence, _)| sequence);
                    return fault(Fault::new(segment, message).in_entry(next));
                }
            }
            let window = match self.disk.open(path) {
                Ok(file) => Window::new(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if attempt < ATTEMPTS_MAX.saturating_sub(1) {
                        continue;
                    }
                    let message = "the file is absent; if the process ended while it sealed a \
                                   segment, the next start makes it again";
                    return fault(Fault::new(path, message));
                }
                Err(error) => return fault(Fault::io(path, &error)),
            };
            if self.is_ahead(path, &window)? && attempt < ATTEMPTS_MAX.saturating_sub(1) {
                continue;
            }
            return self.file(path, window, None);
        }
        Ok(())
    }

    fn open(&self, path: &Path) -> Outcome<Window> {
        let file = self.disk.open(path).map_err(|error| Box::new(Fault::io(path, &error)))?;
        Ok(Window::new(file))
    }

    /// Whether the active file begins behind the next entry: another was sealed since the directory was listed.
    fn is_ahead(&self, path: &Path, window: &Window) -> Outcome<bool> {
        let Some((next, _)) = self.next else { return Ok(false) };
        let mut first = [0; 8];
        match window.read_again(32, &mut first) {
            Ok(()) => Ok(u64::from_le_bytes(first) > next),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => fault(Fault::io(path, &error)),
        }
    }

    fn file(&mut self, path: &Path, mut window: Window, named: Option<u64>) -> Outcome<()> {
        let io = |error: io::Error| Box::new(Fault::io(path, &error));
        let front = window.look(FRONT_BYTES).map_err(io)?;
        let Some(front) = front.first_chunk::<FRONT_BYTES>().copied() else {
            let message = "the file ends before its first entry";
            return fault(Fault::new(path, message).at(front.len() as u64));
        };
        window.skip(FRONT_BYTES);
        let first = self.header(path, &front, named)?;
        let marks = self.marks(path, &window, &front, first)?;
        self.entries(path, &mut window, &marks)?;
        self.report.bytes = self.report.bytes.saturating_add(window.offset());
        for mark in marks {
            if mark.end > window.offset() {
                let message = "the file ends before an entry that was synced";
                return fault(
                    Fault::new(path, message)
                        .at(window.offset())
                        .in_entry(mark.state.sequence)
                        .with(mark.end.to_string(), window.offset().to_string()),
                );
            }
        }
        if self.next.is_some_and(|(next, _)| next > first) {
            self.ends.push(self.report.state);
        } else if named.is_some() {
            return fault(Fault::new(path, "the sealed segment has no entry").in_entry(first));
        }
        Ok(())
    }

    /// Checks the header and answers the first entry's sequence.
    fn header(&mut self, path: &Path, front: &[u8], named: Option<u64>) -> Outcome<u64> {
        let wrong = |offset, message: &str, expected: String, found: String| {
            fault(Fault::new(path, message).at(offset).with(expected, found))
        };
        let (checked, checksum): ([u8; 480], [u8; 32]) = (array(front, 0), array(front, 480));
        if !checked.starts_with(b"SPGAUDIT") {
            return wrong(0, "not an audit log", "SPGAUDIT".into(), hex(&array::<8>(front, 0)));
        }
        if number_32(front, 8) != 1 {
            let found = number_32(front, 8).to_string();
            return wrong(8, "the format is not known", "1".into(), found);
        }
        let computed: [u8; 32] = Hasher::new().update(&checked).finalize().into();
        if computed != checksum {
            return wrong(480, "the header's checksum differs", hex(&computed), hex(&checksum));
        }
        let (keyed, id) = (number_32(front, 12) == 1, DatabaseId(array(front, 16)));
        let (first, previous) = (number_64(front, 32), array(front, 40));
        match (keyed, self.key) {
            (true, None) => return fault(Fault::new(path, "the chain has a key, none was given")),
            (false, Some(_)) => {
                return fault(Fault::new(path, "the chain has no key, one was given"));
            }
            (true, Some(key)) => {
                let check: [u8; 32] = Hasher::new_keyed(key.bytes())
                    .update(b"SPG audit key")
                    .update(&id.0)
                    .finalize()
                    .into();
                if check != array(front, 72) {
                    return fault(Fault::new(path, "the chain has another key"));
                }
            }
            (false, None) => {}
        }
        if named.is_some_and(|named| named != first) {
            let named = named.unwrap_or_default().to_string();
            return wrong(32, "the name says another first entry", named, first.to_string());
        }
        let genesis: [u8; 32] = Hasher::new_derive_key("SPG audit log version 1: genesis")
            .update(&id.0)
            .finalize()
            .into();
        match self.next {
            Some((next, _)) if next != first => {
                let message = "entries between this file and the one before are absent";
                return wrong(32, message, next.to_string(), first.to_string());
            }
            Some((_, expected)) if expected != previous => {
                let message = "the file does not follow the one before";
                return wrong(40, message, hex(&expected), hex(&previous));
            }
            Some(_) if id != self.report.id => {
                let message = "the file belongs to another database";
                return wrong(16, message, self.report.id.to_string(), id.to_string());
            }
            None if first == 0 && previous != genesis => {
                let message = "the chain does not begin with this database";
                return wrong(40, message, hex(&genesis), hex(&previous));
            }
            None => {
                let before = first.checked_sub(1);
                self.begin = before.map(|sequence| ChainState { sequence, head: previous });
                (self.report.id, self.report.keyed) = (id, keyed);
                self.report.first_sequence = first;
            }
            Some(_) => {}
        }
        self.next = Some((first, previous));
        Ok(first)
    }

    /// Checks both marks. One that is being written now is read again.
    fn marks(&self, path: &Path, window: &Window, front: &[u8], first: u64) -> Outcome<Vec<Mark>> {
        let mut marks = Vec::new();
        for offset in [512_usize, 1024] {
            let mut sector: [u8; 512] = array(front, offset);
            let mut attempts = 0_u32;
            while has_mark(&sector) && !self.is_mark(&sector, first) {
                if attempts == ATTEMPTS_MAX {
                    let message = "the mark is not right";
                    return fault(Fault::new(path, message).at(offset as u64));
                }
                attempts = attempts.saturating_add(1);
                let read = window.read_again(offset as u64, &mut sector);
                read.map_err(|error| Box::new(Fault::io(path, &error)))?;
            }
            if has_mark(&sector) {
                let head = array(&sector, 16);
                let state = ChainState { sequence: number_64(&sector, 8), head };
                marks.push(Mark { offset: offset as u64, state, end: number_64(&sector, 48) });
            }
        }
        Ok(marks)
    }

    fn is_mark(&self, sector: &[u8; 512], first: u64) -> bool {
        sector.starts_with(b"SPGAMARK")
            && sector.ends_with(b"SPGAMEND")
            && self.hash(&array::<472>(sector, 0)) == array(sector, 472)
            && array(sector, 56) == self.report.id.0
            && number_64(sector, 72) == first
    }

    fn entries(&mut self, path: &Path, window: &mut Window, marks: &[Mark]) -> Outcome<()> {
        loop {
            let offset = window.offset();
            let at_hand = window.look(8).map_err(|error| Box::new(Fault::io(path, &error)))?;
            if at_hand.is_empty() {
                return Ok(());
            }
            if at_hand.len() < 8 {
                self.report.trailing_bytes = at_hand.len() as u64;
                return Ok(());
            }
            let (length, inverted) = (number_32(at_hand, 0), number_32(at_hand, 4));
            let next = self.next.map_or(0, |(sequence, _)| sequence);
            let length = length as usize;
            if inverted != !(length as u32) || !LENGTHS.contains(&length) {
                let expected = "a length and its inverse";
                let no_entry = Fault::new(path, "no entry begins here").at(offset).in_entry(next);
                return fault(no_entry.with(expected, hex(&array::<8>(at_hand, 0))));
            }
            let at_hand = window.look(length).map_err(|error| Box::new(Fault::io(path, &error)))?;
            let Some(entry) = at_hand.get(..length) else {
                self.report.trailing_bytes = at_hand.len() as u64;
                return Ok(());
            };
            self.entry(path, offset, entry)?;
            let end = offset.saturating_add(length as u64);
            if let Some(mark) = marks.iter().find(|mark| mark.end == end)
                && mark.state != self.report.state
            {
                let (expected, found) = (hex(&self.report.state.head), hex(&mark.state.head));
                let other = Fault::new(path, "the mark names another entry").at(mark.offset);
                return fault(other.in_entry(next).with(expected, found));
            }
            window.skip(length);
        }
    }

    /// Checks one entry and goes on behind it.
    fn entry(&mut self, path: &Path, offset: u64, entry: &[u8]) -> Outcome<()> {
        let Some((next, previous)) = self.next else { return Ok(()) };
        let wrong = |field: u64, message: &str, expected: String, found: String| {
            let place = offset.saturating_add(field);
            fault(Fault::new(path, message).at(place).in_entry(next).with(expected, found))
        };
        if number_64(entry, 8) != next {
            let found = number_64(entry, 8).to_string();
            return wrong(8, "the entry's sequence differs", next.to_string(), found);
        }
        if array(entry, 80) != previous {
            let message = "the entry does not follow the one before";
            return wrong(80, message, hex(&previous), hex(&array::<32>(entry, 80)));
        }
        let (hashed, stored) = entry.split_at(entry.len().saturating_sub(32));
        let (computed, stored) = (self.hash(hashed), array(stored, 0));
        if computed != stored {
            return wrong(0, "the entry's hash differs", hex(&computed), hex(&stored));
        }
        if !has_form(hashed, next) {
            return wrong(16, "the entry is malformed", "an entry".into(), "other bytes".into());
        }
        let state = ChainState { sequence: next, head: computed };
        if entry.get(16) == Some(&4) {
            let last = ChainState { sequence: number_64(entry, 40), head: array(entry, 48) };
            self.archived.push((next, last));
        }
        if self.expected_head == Some(computed) {
            self.report.expected_sequence = Some(next);
        }
        self.report.entries = self.report.entries.saturating_add(1);
        self.report.state = state;
        self.next = Some((next.saturating_add(1), computed));
        Ok(())
    }

    /// What is absent before the first file must have been archived under the hash that the file continues.
    fn check_archived(&self, path: &Path) -> Outcome<()> {
        let Some(begin) = self.begin else { return Ok(()) };
        let covers = |last: &&(u64, ChainState)| last.1.sequence >= begin.sequence;
        let Some((sequence, last)) = self.archived.iter().find(covers) else {
            let message = "entries before the first file are absent and were not archived";
            let expected = "entry 0, or an archived entry";
            let found = format!("entry {}", self.report.first_sequence);
            let absent = Fault::new(path, message).in_entry(begin.sequence);
            return fault(absent.with(expected, found));
        };
        let known = self.ends.iter().chain([&begin]).find(|end| end.sequence == last.sequence);
        if known != Some(last) {
            let message = "the entry names another archived entry than was there";
            let found = known.map_or("none".to_owned(), |known| hex(&known.head));
            let other = Fault::new(path, message).in_entry(*sequence);
            return fault(other.with(hex(&last.head), found));
        }
        Ok(())
    }

    fn hash(&self, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = match self.key {
            None => Hasher::new(),
            Some(key) => Hasher::new_keyed(key.bytes()),
        };
        hasher.update(bytes).finalize().into()
    }
}

/// Whether a mark was written to its end: before it is, its place is filled with zeros.
fn has_mark(sector: &[u8; 512]) -> bool {
    sector.first() != Some(&0) && sector.last() != Some(&0)
}

/// A mark that is right in itself.
struct Mark {
    /// Where it stands.
    offset: u64,
    state: ChainState,
    end: u64,
}

/// Whether the parts of an entry, its hash aside, are what the table says and fill it.
fn has_form(entry: &[u8], sequence: u64) -> bool {
    let [kind, parameters, zeros @ ..] = array::<8>(entry, 16);
    if kind > 4 || (kind == 0) != (sequence == 0) || zeros != [0; 6] {
        return false;
    }
    let mut rest = entry.get(112..).unwrap_or_default();
    for _ in 0..4 {
        match varint(&mut rest) {
            Some(length) if has_text(&mut rest, length) => {}
            _ => return false,
        }
    }
    match parameters {
        0 => rest.is_empty(),
        1 => has_parameters(rest),
        2 => rest.len() == 32,
        _ => false,
    }
}

fn has_parameters(mut rest: &[u8]) -> bool {
    let Some(count) = varint(&mut rest) else { return false };
    for _ in 0..count {
        match varint(&mut rest) {
            Some(0) => {}
            Some(length) if has_text(&mut rest, length.saturating_sub(1)) => {}
            _ => return false,
        }
    }
    rest.is_empty()
}

fn fault<T>(fault: Fault) -> Outcome<T> {
    Err(Box::new(fault))
}
