//! Full segments: those that end with a record that says so, and are written no more. An archive has nothing else.
//!
//! A copy in an archive is as long as the segment and has its records at the same places; what stood behind the last one is a
//! hole of zeros in it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use crate::disk::DiskFile;
use crate::open_error::OpenError;
use crate::wal::Lsn;
use crate::wal::reader::{Record, read_all};
use crate::wal::record::{Header, Kind, record_bytes};
use crate::wal::segment::{Segment, Segments, damaged};

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// The record that the next one must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its checksum.
    pub checksum: u32,
    /// Its epoch.
    pub epoch: u64,
}

/// How far a full segment was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadFull {
    /// Behind the last record that was read.
    pub end: Lsn,
    /// Where the log goes on; None if the reading was stopped.
    pub next: Option<Lsn>,
}

/// What takes records; it may stop the reading behind one.
pub type OnRecord<'a> = &'a mut dyn FnMut(&Path, Record<'_>) -> Result<ControlFlow<()>, OpenError>;

/// Reads the full segment at `start` from a record on (None: its first). Each record must follow the one before it, the first
/// the one that `link` names; anything that is not as it was written is an error.
pub fn read(
    segments: &Segments,
    start: Lsn,
    from: Option<Lsn>,
    link: &mut Option<Link>,
    on_record: OnRecord<'_>,
) -> Result<ReadFull, OpenError> {
    let segment = segments.open(start)?;
    let bytes = read_all(&segment)?;
    let mut position = from.unwrap_or_else(|| segment.first_record());
    loop {
        let rest = bytes.get(segment.offset(position) as usize..).unwrap_or_default();
        let read = Header::read(segments.id, rest).filter(|(header, _)| header.lsn == position);
        let whole =
            read.and_then(|(header, checksum)| Some((header, checksum, header.payload(rest)?)));
        let Some((header, checksum, payload)) = whole else {
            return Err(not_whole(&segment, position, rest));
        };
        if let Some(link) = link.filter(|link| !follows(&header, *link)) {
            return Err(damaged(&segment.path, "a record does not follow the one before")
                .at(segment.offset(position))
                .with_values(
                    format!("one behind checksum {:08x}, epoch {}", link.checksum, link.epoch),
                    format!("one behind checksum {:08x}, epoch {}", header.previous, header.epoch),
                ));
        }
        *link = Some(Link { checksum, epoch: header.epoch });
        position = Lsn(position.0.saturating_add(record_bytes(payload.len()) as u64));
        let flow = on_record(&segment.path, Record { header, payload })?;
        if flow.is_break() {
            return Ok(ReadFull { end: position, next: None });
        }
        if header.kind == Kind::Switch {
            return Ok(ReadFull { end: position, next: Some(segment.end()) });
        }
    }
}

fn follows(header: &Header, link: Link) -> bool {
    header.previous == link.checksum && header.epoch >= link.epoch
}

fn not_whole(segment: &Segment, position: Lsn, found: &[u8]) -> OpenError {
    let shown = found.get(..found.len().min(16)).unwrap_or_default();
    damaged(&segment.path, "the full segment is not as it was written")
        .at(segment.offset(position))
        .with_values(format!("a record at {position}"), crate::identity::hex(shown))
}

/// Copies a full segment into an archive, where it is whole and durable before it has its name; one that is there already
/// must be the same.
pub fn copy(from: &Segments, start: Lsn, archive: &Segments) -> Result<(), OpenError> {
    let mut link = None;
    let read = read(from, start, None, &mut link, &mut |_, _| Ok(ControlFlow::Continue(())))?;
    let source = from.open(start)?;
    let used = source.offset(read.end);
    let target = archive.path(start);
    let io = |error: io::Error| OpenError::io(&target, "archive", &error);
    let names = archive.disk.list(archive.directory()).map_err(io)?;
    if names.iter().any(|name| Some(name.as_os_str()) == target.file_name()) {
        let present = archive.open(start)?;
        if !is_same(&*source.file, &*present.file, used).map_err(io)? {
            return Err(OpenError::new(
                crate::open_error::OpenErrorKind::Foreign,
                &target,
                "the archive has another segment of this name: another history of the database",
            )
            .with_hint("give each history an archive of its own; the log keeps its segments"));
        }
        return archive.disk.sync_directory(archive.directory()).map_err(io);
    }
    write(&source, used, archive, &target).map_err(io)
}

fn write(source: &Segment, used: u64, archive: &Segments, target: &Path) -> io::Result<()> {
    archive.remove_unfinished()?;
    let unfinished = archive.unfinished_path();
    let file = archive.disk.create(&unfinished)?;
    let written = pieces(used, |offset, length| {
        let mut piece = vec![0; length];
        if source.file.read_at(offset, &mut piece)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(offset, &piece).map(|()| true)
    });
    let written = written.and_then(|_| file.set_len(source.bytes)).and_then(|()| file.sync());
    if let Err(error) = written {
        // The space it took may be the last.
        let _ = archive.disk.remove(&unfinished);
        return Err(error);
    }
    archive.disk.rename(&unfinished, target)?;
    archive.disk.sync_directory(archive.directory())
}

fn is_same(left: &dyn DiskFile, right: &dyn DiskFile, bytes: u64) -> io::Result<bool> {
    pieces(bytes, |offset, length| {
        let (mut a, mut b) = (vec![0; length], vec![0; length]);
        let whole =
            left.read_at(offset, &mut a)? == length && right.read_at(offset, &mut b)? == length;
        Ok(whole && a == b)
    })
}

/// Goes over the first `bytes` of a file in pieces, as long as `each` answers true; whether it always did.
fn pieces(bytes: u64, mut each: impl FnMut(u64, usize) -> io::Result<bool>) -> io::Result<bool> {
    let mut offset = 0_u64;
    while offset < bytes {
        let length = bytes.saturating_sub(offset).min(PIECE_BYTES as u64);
        if !each(offset, length as usize)? {
            return Ok(false);
        }
        offset = offset.saturating_add(length);
    }
    Ok(true)
}
