//! Reading the log from a known record on, and finding its end: torn, or damaged.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::io;
use std::path::{Path, PathBuf};

use crate::open_error::{OpenError, OpenErrorKind};
use crate::wal::Lsn;
use crate::wal::record::{ALIGNMENT, HEADER_BYTES, Header, Kind, record_bytes};
use crate::wal::segment::{Segment, Segments, damaged};
use crate::wal::writer::Resume;

/// A record that is as it was written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: &'a [u8],
}

/// What a log was found to hold.
#[derive(Debug)]
pub struct Scanned {
    /// Where it goes on.
    pub resume: Resume,
    /// The first record of its last group: from there on, what is read may not be on the disk yet.
    pub last_group: Lsn,
    /// The segments before the last one that the last group is in.
    pub spanned: Vec<Segment>,
    /// The kind of its last record; None if there was none.
    pub last_kind: Option<Kind>,
    /// Bytes behind the end that belong to no commit: begun and never acknowledged, or left by an earlier use of the segment.
    pub torn_bytes: u64,
    /// Whether a record was begun there.
    pub is_torn: bool,
    /// Records that were read.
    pub records: u64,
    /// Bytes of records that were read.
    pub bytes: u64,
    /// Segments before the first that was needed.
    pub obsolete: Vec<Lsn>,
}

/// Where a scan stops and how far it may go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// The record to begin with; None is the first of the first segment.
    pub from: Option<Lsn>,
    /// The operator's choice: nothing from here on counts.
    pub to: Option<Lsn>,
}

/// What a scan holds while it reads.
struct Scan<'a> {
    segments: &'a Segments,
    starts: Vec<Lsn>,
    segment: Segment,
    spanned: Vec<Segment>,
    bytes: Vec<u8>,
    position: Lsn,
    previous: Option<u32>,
    epoch: u64,
    last_group: Lsn,
    last_kind: Option<Kind>,
    records: u64,
    read_bytes: u64,
}

/// Why the next record does not count.
enum Stop {
    /// There is none that is whole.
    Bad(&'static str),
    /// The operator said so.
    Told,
}

/// Reads the records of `range` and finds the end of the log. A place that is not as it was written, though a later group
/// proves that it was durable, is an error; what was begun behind the last group is left for [`clean`].
pub fn scan(
    segments: &Segments,
    range: Range,
    on_record: &mut dyn FnMut(&Path, Record<'_>) -> Result<(), OpenError>,
) -> Result<Scanned, OpenError> {
    let listed = segments.list();
    let starts =
        listed.map_err(|error| OpenError::io(segments.directory(), "list the segments", &error))?;
    let first = first_segment(segments, &starts, range.from)?;
    let (obsolete, starts) = starts.split_at(first);
    let start = starts.first().copied().unwrap_or_default();
    let segment = segments.open(start)?;
    let position = range.from.unwrap_or_else(|| segment.first_record());
    let mut scan = Scan {
        segments,
        starts: starts.to_vec(),
        bytes: read_all(&segment)?,
        segment,
        spanned: Vec::new(),
        position,
        previous: None,
        epoch: 0,
        last_group: position,
        last_kind: None,
        records: 0,
        read_bytes: 0,
    };
    let torn_bytes = loop {
        match scan.step(range.to, on_record)? {
            None => {}
            Some(Stop::Told) => break scan.written_behind(),
            Some(Stop::Bad(what)) => {
                scan.refuse_damage(what)?;
                break scan.written_behind();
            }
        }
    };
    scan.finish(torn_bytes, obsolete.to_vec())
}

/// The place in `starts` of the segment that holds `from`.
fn first_segment(
    segments: &Segments,
    starts: &[Lsn],
    from: Option<Lsn>,
) -> Result<usize, OpenError> {
    let Some(from) = from else {
        return if starts.is_empty() { Err(no_segment(segments, Lsn(0))) } else { Ok(0) };
    };
    let place = starts.partition_point(|start| *start <= from);
    place.checked_sub(1).ok_or_else(|| no_segment(segments, from))
}

fn no_segment(segments: &Segments, lsn: Lsn) -> OpenError {
    OpenError::new(
        OpenErrorKind::Missing,
        &segments.prefix,
        format!("the log has no segment that holds {lsn}, where the image ends"),
    )
    .with_hint("put the log's segments back beside the image, or restore both from one backup")
}

pub(super) fn read_all(segment: &Segment) -> Result<Vec<u8>, OpenError> {
    // Invariant: the header's length was checked against the file's and the bound on segments.
    let mut bytes = vec![0; segment.bytes as usize];
    let read = segment.file.read_at(0, &mut bytes);
    match read {
        Ok(read) if read == bytes.len() => Ok(bytes),
        Ok(read) => Err(damaged(&segment.path, "the segment is cut short").at(read as u64)),
        Err(error) => Err(OpenError::io(&segment.path, "read it", &error)),
    }
}

impl Scan<'_> {
    /// Reads one record.
    fn step(
        &mut self,
        to: Option<Lsn>,
        on_record: &mut dyn FnMut(&Path, Record<'_>) -> Result<(), OpenError>,
    ) -> Result<Option<Stop>, OpenError> {
        if to.is_some_and(|to| self.position >= to) {
            return Ok(Some(Stop::Told));
        }
        let offset = self.segment.offset(self.position) as usize;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let Some((header, checksum)) = Header::read(self.segments.id, rest) else {
            return Ok(Some(Stop::Bad("a record")));
        };
        if header.lsn != self.position {
            return Ok(Some(Stop::Bad("a record of this place")));
        }
        if header.epoch < self.epoch {
            return Ok(Some(Stop::Bad("a record of this epoch")));
        }
        if self.previous.is_some_and(|previous| previous != header.previous) {
            return Ok(Some(Stop::Bad("a record that follows the one before")));
        }
        let Some(payload) = header.payload(rest) else {
            return Ok(Some(Stop::Bad("the payload of a record")));
        };
        on_record(&self.segment.path, Record { header, payload })?;
        let bytes = record_bytes(payload.len()) as u64;
        self.previous = Some(checksum);
        self.epoch = header.epoch;
        self.last_group = header.group;
        self.last_kind = Some(header.kind);
        self.records = self.records.saturating_add(1);
        self.read_bytes = self.read_bytes.saturating_add(bytes);
        self.position = Lsn(self.position.0.saturating_add(bytes));
        if header.kind == Kind::Switch {
            self.enter_next()?;
        }
        Ok(None)
    }

    fn enter_next(&mut self) -> Result<(), OpenError> {
        let next = self.segments.open(self.segment.end())?;
        self.bytes = read_all(&next)?;
        self.position = next.first_record();
        self.spanned.retain(|segment| segment.end() > self.last_group);
        self.spanned.push(std::mem::replace(&mut self.segment, next));
        Ok(())
    }

    /// An error if a record behind this place proves that it was durable.
    fn refuse_damage(&self, what: &str) -> Result<(), OpenError> {
        let mut proof =
            self.proof_in(&self.segment, &self.bytes, self.segment.offset(self.position));
        for start in self.starts.iter().filter(|start| **start > self.segment.start) {
            if proof.is_some() {
                break;
            }
            let segment = self.segments.open(*start)?;
            let bytes = read_all(&segment)?;
            proof = self.proof_in(&segment, &bytes, segment.offset(segment.first_record()));
        }
        let Some((path, lsn)) = proof else { return Ok(()) };
        Err(damaged(&self.segment.path, "the log is damaged: what stood here was durable")
            .at(self.segment.offset(self.position))
            .with_values(
                format!("{what} at {}, as the group at {lsn} in {} proves", self.position, path.display()),
                self.found(),
            )
            .with_hint(format!(
                "restore the files from a backup; or give up all commits from here on with --recover-to {}",
                self.position
            )))
    }

    /// The bytes that stand where a record was expected.
    fn found(&self) -> String {
        let offset = self.segment.offset(self.position) as usize;
        let end = self.bytes.len().min(offset.saturating_add(HEADER_BYTES));
        crate::identity::hex(self.bytes.get(offset..end).unwrap_or_default())
    }

    /// A record of a later group than any that this place could be part of.
    fn proof_in(&self, segment: &Segment, bytes: &[u8], from: u64) -> Option<(PathBuf, Lsn)> {
        let mut offset = (from as usize).next_multiple_of(ALIGNMENT);
        while let Some(rest) = bytes.get(offset..).filter(|rest| rest.len() >= HEADER_BYTES) {
            if let Some((header, _)) = Header::read(self.segments.id, rest)
                && segment.offset(header.lsn) == offset as u64
                && header.lsn > self.position
                && header.epoch >= self.epoch
                && header.group > self.position
            {
                return Some((segment.path.clone(), header.lsn));
            }
            offset = offset.saturating_add(ALIGNMENT);
        }
        None
    }

    /// The segment from the position on.
    fn rest(&self) -> &[u8] {
        let offset = self.segment.offset(self.position) as usize;
        self.bytes.get(offset..).unwrap_or_default()
    }

    /// Bytes up to the last that is not zero behind the end, in this segment, unless an earlier use of it left them.
    fn written_behind(&self) -> u64 {
        let rest = self.rest();
        let earlier = Header::read(self.segments.id, rest)
            .is_some_and(|(header, _)| header.lsn < self.position && header.epoch <= self.epoch);
        if earlier {
            return 0;
        }
        rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last as u64).saturating_add(1))
    }

    fn finish(mut self, torn_bytes: u64, obsolete: Vec<Lsn>) -> Result<Scanned, OpenError> {
        self.spanned.retain(|segment| segment.end() > self.last_group);
        // Behind an orderly end nothing was begun.
        let is_torn = self.last_kind != Some(Kind::Close) && Header::is_begun(self.rest());
        let mut ready = Vec::new();
        let mut end = self.segment.end();
        // Behind a gap nothing follows: what lies there was removed in part.
        while self.starts.contains(&end) {
            let segment = self.segments.open(end)?;
            end = segment.end();
            ready.push(segment);
        }
        Ok(Scanned {
            resume: Resume {
                segment: self.segment,
                ready,
                position: self.position,
                checksum: self.previous.unwrap_or(0),
                epoch: self.epoch,
            },
            last_group: self.last_group,
            spanned: self.spanned,
            last_kind: self.last_kind,
            torn_bytes,
            is_torn,
            records: self.records,
            bytes: self.read_bytes,
            obsolete,
        })
    }
}

/// Makes the disk hold what was read: the segments' names, which may be seen before they are durable, and the last group, which
/// the page cache may show though it never reached the disk.
pub fn secure(segments: &Segments, scanned: &Scanned) -> io::Result<()> {
    segments.disk.sync_directory(segments.directory())?;
    let position = scanned.resume.position;
    for segment in scanned.spanned.iter().chain([&scanned.resume.segment]) {
        let from = scanned.last_group.max(segment.first_record()).min(position);
        let end = segment.end().min(position);
        let mut bytes = vec![0; end.0.saturating_sub(from.0) as usize];
        let read = segment.file.read_at(segment.offset(from), &mut bytes)?;
        if read != bytes.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the segment became shorter"));
        }
        segment.file.write_at(segment.offset(from), &bytes)?;
        segment.file.sync()?;
    }
    Ok(())
}

/// Writes zeros over what was begun behind the end, and makes that durable.
pub fn clean(scanned: &Scanned) -> io::Result<()> {
    let segment = &scanned.resume.segment;
    let position = scanned.resume.position;
    let behind = segment.end().0.saturating_sub(position.0).min(scanned.torn_bytes);
    segment.file.write_at(segment.offset(position), &vec![0; behind as usize])?;
    segment.file.sync()?;
    for ready in &scanned.resume.ready {
        let from = ready.offset(ready.first_record());
        let mut bytes = vec![0; ready.bytes.saturating_sub(from) as usize];
        ready.file.read_at(from, &mut bytes)?;
        if Header::is_begun(&bytes) {
            ready.file.write_at(from, &vec![0; bytes.len()])?;
            ready.file.sync()?;
        }
    }
    Ok(())
}

/// Whether nothing was ever written to the segment that begins at `start`.
pub fn is_blank(segments: &Segments, start: Lsn) -> Result<bool, OpenError> {
    let segment = segments.open(start)?;
    let bytes = read_all(&segment)?;
    let first = segment.offset(segment.first_record()) as usize;
    Ok(bytes.get(first..).unwrap_or_default().iter().all(|byte| *byte == 0))
}
