//! Appending groups of records: one write and one sync for each, all or nothing.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::metrics::histogram::Histogram;
use crate::sabotage::{self, Break};
use crate::wal::Lsn;
use crate::wal::record::{ALIGNMENT, HEADER_BYTES, Header, Kind, record_bytes};
use crate::wal::segment::{SEGMENT_HEADER_BYTES, Segment, Segments};

/// Segments kept to be used again; more are removed.
const SPARE_SEGMENTS_MAX: usize = 32;

/// Why a group is not in the log.
#[derive(Debug)]
pub enum WriteError {
    /// Nothing of it is there, and that is durable: writing may go on.
    Refused(io::Error),
    /// Whether it is there is not known: nothing more is written until the database is opened again.
    Unknown(io::Error),
}

/// The log, open for appending.
#[derive(Debug)]
pub struct Wal {
    segments: Segments,
    epoch: u64,
    /// Bytes of new segments.
    segment_bytes: u64,
    tail: Mutex<Tail>,
    ahead: Mutex<Ahead>,
    /// How long groups' syncs took.
    pub sync_times: Histogram,
}

/// Where the log ends.
#[derive(Debug)]
struct Tail {
    segment: Arc<Segment>,
    /// Where the next record goes.
    position: Lsn,
    /// The checksum of the last record.
    checksum: u32,
    /// Whether the last group was an idle record or what opened the log: then nothing is unproven.
    is_proven: bool,
    /// Whether a sync has failed, or what a failed write left behind could not be removed.
    has_failed: bool,
}

/// Segments that the log has not reached, and those it has left behind.
#[derive(Debug, Default)]
struct Ahead {
    ready: VecDeque<Arc<Segment>>,
    /// Where the next segment to be made begins: behind the last that is ready, or that is written to.
    end: Lsn,
    spare: Vec<(PathBuf, u64)>,
    /// What an image covers is before this.
    needed: Lsn,
    /// Segments from this place on are kept, because they are not archived; None archives nothing.
    keep_from: Option<Lsn>,
}

/// Where a log goes on: what recovery found, or the beginning.
#[derive(Debug)]
pub struct Resume {
    /// The segment that the next record goes to.
    pub segment: Segment,
    /// The segments behind it, in order, without a gap.
    pub ready: Vec<Segment>,
    /// Where the next record goes.
    pub position: Lsn,
    /// The checksum of the last record.
    pub checksum: u32,
    /// The last epoch that wrote.
    pub epoch: u64,
}

/// A group that is being gathered: dropped without [`Group::write`] it never was.
#[derive(Debug)]
pub struct Group<'a> {
    wal: &'a Wal,
    tail: MutexGuard<'a, Tail>,
    /// The first record's place.
    start: Lsn,
    segment: Arc<Segment>,
    position: Lsn,
    checksum: u32,
    /// Bytes from `buffered_from` to `position`.
    buffer: Vec<u8>,
    buffered_from: Lsn,
    /// What has been written: where from, how many bytes.
    written: Vec<(Arc<Segment>, Lsn, usize)>,
    /// Segments that the group has entered.
    entered: Vec<Arc<Segment>>,
    only_idle: bool,
    /// Whether it has nothing but parts: they may be durable without what comes next.
    only_parts: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wal {
    /// Goes on where `resume` says, in a new epoch; nothing is written yet.
    pub fn resume(segments: Segments, resume: Resume, segment_bytes: u64) -> Self {
        let end = resume.ready.last().unwrap_or(&resume.segment).end();
        let tail = Tail {
            segment: Arc::new(resume.segment),
            position: resume.position,
            checksum: resume.checksum,
            is_proven: false,
            has_failed: false,
        };
        let ready = resume.ready.into_iter().map(Arc::new).collect();
        Self {
            segments,
            epoch: resume.epoch.saturating_add(1),
            segment_bytes,
            tail: Mutex::new(tail),
            ahead: Mutex::new(Ahead { ready, end, ..Ahead::default() }),
            sync_times: Histogram::default(),
        }
    }

    /// Where and how its segments are.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The epoch it writes in.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where the next record goes.
    pub fn position(&self) -> Lsn {
        lock(&self.tail).position
    }

    /// Begins a group; others wait until it is written or dropped.
    pub fn begin(&self) -> Result<Group<'_>, WriteError> {
        let tail = lock(&self.tail);
        if tail.has_failed {
            return Err(WriteError::Unknown(io::Error::other("an earlier sync of the log failed")));
        }
        Ok(Group {
            wal: self,
            start: tail.position,
            segment: Arc::clone(&tail.segment),
            position: tail.position,
            checksum: tail.checksum,
            buffer: Vec::new(),
            buffered_from: tail.position,
            written: Vec::new(),
            entered: Vec::new(),
            only_idle: true,
            only_parts: true,
            tail,
        })
    }

    /// Proves what has been written last, unless that is proven: called when nothing has happened for a while.
    pub fn write_idle(&self) -> Result<(), WriteError> {
        if lock(&self.tail).is_proven {
            return Ok(());
        }
        let mut group = self.begin()?;
        group.append(Kind::Idle, &[])?;
        group.write()
    }

    /// Makes the next segment ready, so that no commit waits for it and a full disk shows before a record is half written.
    pub fn prepare(&self) -> io::Result<()> {
        let mut ahead = lock(&self.ahead);
        if ahead.ready.is_empty() {
            let segment = self.make(&mut ahead)?;
            ahead.ready.push_back(Arc::new(segment));
        }
        Ok(())
    }

    /// Makes the segment behind all there are. Invariant: each place of the log is made once, whoever needs it first.
    fn make(&self, ahead: &mut Ahead) -> io::Result<Segment> {
        let segment = self
            .reuse(ahead)
            .map_or_else(|| self.segments.create(ahead.end, self.segment_bytes), Ok)?;
        ahead.end = segment.end();
        Ok(segment)
    }

    fn reuse(&self, ahead: &mut Ahead) -> Option<Segment> {
        while let Some((path, bytes)) = ahead.spare.pop() {
            if bytes == self.segment_bytes
                && let Ok(segment) = self.segments.recycle(&path, ahead.end, bytes)
            {
                return Some(segment);
            }
            let _ = self.segments.disk.remove(&path);
        }
        None
    }

    /// Ends the segment that is written to, unless it has no record: what is in it can be archived. Whether it did.
    pub fn end_segment(&self) -> Result<bool, WriteError> {
        let mut group = self.begin()?;
        if group.position == group.segment.first_record() {
            return Ok(false);
        }
        group.switch()?;
        group.write()?;
        Ok(true)
    }

    /// Where the segment begins that is written to; those before it are full.
    pub fn current_segment(&self) -> Lsn {
        lock(&self.tail).segment.start
    }

    /// From now on segments from `place` on are kept, even if an image covers them; those before it that one covers may be
    /// used again.
    pub fn keep_from(&self, place: Lsn) -> io::Result<()> {
        let needed = {
            let mut ahead = lock(&self.ahead);
            ahead.keep_from = Some(place);
            ahead.needed
        };
        self.release(needed)
    }

    /// Segments that end before `needed` may be used again: an image covers them.
    pub fn release(&self, needed: Lsn) -> io::Result<()> {
        let current = self.current_segment();
        let starts = self.segments.list()?;
        let mut ahead = lock(&self.ahead);
        ahead.needed = ahead.needed.max(needed);
        // Invariant: a segment is used again, or removed, only after the archive has it.
        let needed = ahead.keep_from.map_or(ahead.needed, |kept| kept.min(ahead.needed));
        for pair in starts.windows(2) {
            let [start, next] = *pair else { continue };
            let path = self.segments.path(start);
            if next > needed
                || start >= current
                || ahead.spare.iter().any(|(spare, _)| *spare == path)
            {
                continue;
            }
            if ahead.spare.len() < SPARE_SEGMENTS_MAX {
                ahead.spare.push((path, next.0 - start.0));
            } else {
                self.segments.disk.remove(&path)?;
            }
        }
        Ok(())
    }
}

impl Group<'_> {
    /// The most bytes that a record's payload may have.
    pub fn payload_bytes_max(&self) -> usize {
        let room = self.segment.bytes.min(self.wal.segment_bytes) - SEGMENT_HEADER_BYTES;
        // Behind every record there is room for the one that ends the segment.
        room as usize - 2 * HEADER_BYTES - ALIGNMENT
    }

    /// Adds a record (its payload in pieces, at most [`Self::payload_bytes_max`] together); answers where it begins.
    pub fn append(&mut self, kind: Kind, payload: &[&[u8]]) -> Result<Lsn, WriteError> {
        let bytes = record_bytes(payload.iter().map(|piece| piece.len()).sum());
        let needed = (bytes + HEADER_BYTES) as u64;
        if self.position.0 + needed > self.segment.end().0 {
            self.switch()?;
        }
        assert!(
            self.position.0 + needed <= self.segment.end().0,
            "payloads are cut to fit a segment"
        );
        self.only_idle &= kind == Kind::Idle;
        self.only_parts &= kind == Kind::Part;
        Ok(self.put(kind, payload))
    }

    fn put(&mut self, kind: Kind, payload: &[&[u8]]) -> Lsn {
        let lsn = self.position;
        let payload_bytes = payload.iter().map(|piece| piece.len()).sum::<usize>();
        let header = Header {
            payload_bytes: payload_bytes as u32,
            epoch: self.wal.epoch,
            lsn,
            group: self.start,
            previous: self.checksum,
            kind,
            payload_checksum: payload
                .iter()
                .fold(0, |sum, piece| crc32c::crc32c_append(sum, piece)),
        };
        self.checksum = header.write(self.wal.segments.id, payload, &mut self.buffer);
        self.position = Lsn(lsn.0 + record_bytes(payload_bytes) as u64);
        lsn
    }

    /// Goes on in the next segment, which is there and durable before a record says that it is.
    fn switch(&mut self) -> Result<(), WriteError> {
        let next = {
            let mut ahead = lock(&self.wal.ahead);
            match ahead.ready.pop_front() {
                Some(next) => Ok(next),
                None => self.wal.make(&mut ahead).map(Arc::new),
            }
        };
        let next = match next {
            Ok(next) => next,
            Err(error) => return Err(self.take_back(error)),
        };
        self.put(Kind::Switch, &[]);
        self.entered.push(Arc::clone(&next));
        self.flush()?;
        self.position = next.first_record();
        self.buffered_from = self.position;
        self.segment = next;
        Ok(())
    }

    /// Writes what is gathered and syncs it.
    fn flush(&mut self) -> Result<(), WriteError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let offset = self.segment.offset(self.buffered_from);
        self.written.push((Arc::clone(&self.segment), self.buffered_from, self.buffer.len()));
        if let Err(error) = self.segment.file.write_at(offset, &self.buffer) {
            return Err(self.take_back(error));
        }
        if let Err(error) = self.sync() {
            // The kernel may have dropped what it could not write: a second sync would succeed and mean nothing.
            self.tail.has_failed = true;
            return Err(WriteError::Unknown(error));
        }
        self.buffer.clear();
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if sabotage::is(Break::AcknowledgeBeforeSync) {
            return Ok(());
        }
        let began = Instant::now();
        let synced = self.segment.file.sync();
        self.wal.sync_times.add(began.elapsed());
        if sabotage::is(Break::RetrySync) {
            synced.or_else(|_| self.segment.file.sync())
        } else {
            synced
        }
    }

    /// Removes what was written, durably: the group never was.
    fn take_back(&mut self, error: io::Error) -> WriteError {
        for (segment, from, bytes) in std::mem::take(&mut self.written) {
            let zeros = vec![0; bytes];
            let removed = segment
                .file
                .write_at(segment.offset(from), &zeros)
                .and_then(|()| segment.file.sync());
            if let Err(second) = removed {
                self.tail.has_failed = true;
                return WriteError::Unknown(io::Error::new(
                    second.kind(),
                    format!("{error}; and what was written could not be removed: {second}"),
                ));
            }
        }
        let mut ahead = lock(&self.wal.ahead);
        while let Some(segment) = self.entered.pop() {
            ahead.ready.push_front(segment);
        }
        WriteError::Refused(error)
    }

    /// Once so many bytes are gathered, makes them durable as a group of their own, and goes on with the next: for the parts
    /// of a commit, which count for nothing without its end. Other records could no longer be taken back if the end cannot be
    /// written, so a group that has any is written in one.
    pub fn write_through(&mut self, gathered_bytes: usize) -> Result<(), WriteError> {
        if self.buffer.len() < gathered_bytes || !self.only_parts {
            return Ok(());
        }
        self.flush()?;
        self.settle();
        self.start = self.position;
        self.buffered_from = self.position;
        Ok(())
    }

    /// What is written is where the log ends now.
    fn settle(&mut self) {
        self.tail.segment = Arc::clone(&self.segment);
        self.tail.position = self.position;
        self.tail.checksum = self.checksum;
        self.tail.is_proven = self.only_idle;
        self.written.clear();
        self.entered.clear();
    }

    /// Makes the group durable. After an error none of its records counts.
    pub fn write(mut self) -> Result<(), WriteError> {
        self.flush()?;
        self.settle();
        Ok(())
    }
}

impl Drop for Group<'_> {
    /// A group that is given up goes on where it began: what it wrote, if anything, is taken back.
    fn drop(&mut self) {
        if !self.entered.is_empty() && !self.tail.has_failed {
            let _ = self.take_back(io::Error::other("the group was given up"));
        }
    }
}
