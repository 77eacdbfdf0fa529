//! Opening the log: every link verified, what a power cut took put back, anything else refused.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::chain::Chain;
use super::file::{AuditLog, Sealed, Tail, new_file};
use super::header::Mark;
use super::key::Key;
use super::links::Links;
use super::redo::{Expectation, Redo};
use super::scan::{PIECE_BYTES, read_full};
use super::segments::{Files, find, temporary_path};
use super::tear::{has_unwritten_sector, unexplained};
use super::walk::{Stop, Walk, Walked};
use crate::disk::{Disk, DiskFile, directory_of};
use crate::identity::{ChainState, DatabaseId, hex};
use crate::open_error::{OpenError, OpenErrorKind};

impl AuditLog {
    /// Opens the log at `path` and verifies it from the first segment that is there: every link, every header and mark, and
    /// whatever `expectation` knows. `progress` gets bytes verified and bytes in all.
    ///
    /// Entries that `expectation` has and the files lack are appended. Everything that was not known to be on the disk is
    /// written again and synced before this returns.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        id: DatabaseId,
        key: Option<Key>,
        seal_bytes: u64,
        expectation: &Expectation,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Self, Chain), OpenError> {
        let files = present_files(&*disk, path)?;
        let redo = Redo::new(expectation).map_err(|sequence| {
            let message = "the audit entries that log and image hold are malformed";
            OpenError::new(OpenErrorKind::Damaged, path, message).in_entry(sequence)
        })?;
        let mut walk = Walk {
            disk: &*disk,
            path,
            id,
            key: key.as_ref(),
            proven: expectation.proven,
            redo,
            links: None,
            begin: None,
            ends: Vec::new(),
            archived: Vec::new(),
            done_bytes: 0,
            total_bytes: total_bytes(&*disk, path, &files)?,
            progress,
        };
        let sealed = walk_sealed(&mut walk, &files)?;
        if !files.has_active {
            begin_active(&mut walk)?;
        }
        let mut walked = walk.file(path, None)?;
        let behind = settle(&mut walk, &mut walked, expectation)?;
        check_archived(&walk, &files)?;
        // A name may be seen and not be on the disk yet: entries must not be synced into a file that a power cut takes.
        let mut tail = walk
            .disk
            .sync_directory(directory_of(path))
            .and_then(|()| durable_tail(&walk, walked, behind))
            .map_err(|error| OpenError::io(path, "repair", &error))?;
        // The names as they are now may be those of a process that was killed before it synced them.
        disk.sync_directory(directory_of(path))
            .map_err(|error| OpenError::io(path, "sync the directory of", &error))?;
        tail.sealed = sealed;
        tail.seal_at = seal_bytes;
        let chain = Chain::new(tail.state, key.clone());
        let path = path.to_owned();
        let tail = Mutex::new(tail);
        Ok((Self { disk, path, id, key, seal_bytes, tail, places: Mutex::default() }, chain))
    }
}

/// The files there are; a temporary one, left behind by a crash, is removed unread.
fn present_files(disk: &dyn Disk, path: &Path) -> Result<Files, OpenError> {
    let files =
        find(disk, path).map_err(|error| OpenError::io(path, "list the directory of", &error))?;
    if files.has_temporary {
        let temporary = temporary_path(path);
        disk.remove(&temporary).map_err(|error| OpenError::io(&temporary, "remove", &error))?;
    }
    if !files.has_active && files.sealed.is_empty() {
        return Err(OpenError::new(OpenErrorKind::Missing, path, "the audit log is absent"));
    }
    Ok(files)
}

fn total_bytes(disk: &dyn Disk, path: &Path, files: &Files) -> Result<u64, OpenError> {
    let active = files.has_active.then_some(path);
    let sealed = files.sealed.iter().map(|(_, path)| path.as_path());
    let mut total = 0_u64;
    for path in sealed.chain(active) {
        let bytes = disk.open(path).and_then(|file| file.len());
        let bytes = bytes.map_err(|error| OpenError::io(path, "open", &error))?;
        total = total.saturating_add(bytes);
    }
    Ok(total)
}

/// Sealed segments were synced before they got their names: nothing in them may differ.
fn walk_sealed(walk: &mut Walk<'_>, files: &Files) -> Result<Vec<Sealed>, OpenError> {
    let mut sealed = Vec::new();
    for (first, path) in &files.sealed {
        let walked = walk.file(path, Some(*first))?;
        if let Some(stop) = &walked.stop {
            return Err(stop_error(path, walk, &walked, stop));
        }
        check_mark_reached(path, &walked)?;
        let Some(last) = walk.links.and_then(|links| links.state()) else { continue };
        if last.sequence < *first {
            let message = "the sealed segment has no entry";
            return Err(OpenError::new(OpenErrorKind::Tampered, path, message).in_entry(*first));
        }
        walk.ends.push(last);
        sealed.push(Sealed { path: path.clone(), last });
    }
    Ok(sealed)
}

/// The process ended between the two renamings of a seal: the next file is begun again.
fn begin_active(walk: &mut Walk<'_>) -> Result<(), OpenError> {
    let Some(links) = walk.links else { return Ok(()) };
    if let Some(proven) = walk.proven.filter(|proven| proven.sequence >= links.next) {
        let message = "the file is absent, but entries in it were synced";
        return Err(OpenError::new(OpenErrorKind::Missing, walk.path, message)
            .in_entry(links.next)
            .with_values(format!("entries up to {}", proven.sequence), "no file"));
    }
    new_file(walk.disk, walk.path, walk.id, walk.key, links, &[])
        .and_then(|_| walk.disk.rename(&temporary_path(walk.path), walk.path))
        .map_err(|error| OpenError::io(walk.path, "create", &error))
}

/// Decides what the end of the active file means: refuses, or answers the entries that belong behind `walked.end`. Whatever
/// else stands there is to be cut.
fn settle<'a>(
    walk: &mut Walk<'a>,
    walked: &mut Walked,
    expectation: &Expectation,
) -> Result<&'a [u8], OpenError> {
    let path = walk.path;
    check_mark_reached(path, walked).map_err(|error| match &walked.stop {
        Some(stop) => stop_error(path, walk, walked, stop),
        None => error,
    })?;
    let Some(mut links) = walk.links else { return Ok(&[]) };
    check_proven_reached(walk, walked, links)?;
    if let Some(stop) = &walked.stop {
        explain_stop(walk, walked, stop, links, expectation)?;
    } else if !expectation.standalone {
        check_explained(walk, links, expectation)?;
    }
    if let Some(first) = walk.redo.next().filter(|first| *first > links.next) {
        let message = "entries are in none of audit log, log and image";
        return Err(OpenError::new(OpenErrorKind::Damaged, path, message)
            .at(walked.end)
            .in_entry(links.next)
            .with_values(format!("entry {}", links.next), format!("entry {first}")));
    }
    let next = links.next;
    let behind = walk.redo.follow(&mut links, walk.key).map_err(|mismatch| {
        let message =
            format!("the entries that log and image hold do not follow: {}", mismatch.message);
        OpenError::new(OpenErrorKind::Tampered, path, message)
            .at(walked.end)
            .in_entry(next)
            .with_values(mismatch.expected, mismatch.found)
    })?;
    walk.links = Some(links);
    Ok(behind)
}

/// A mark was written after a sync: what it names must be there.
fn check_mark_reached(path: &Path, walked: &Walked) -> Result<(), OpenError> {
    match walked.mark {
        Some((mark, _)) if walked.proven_end < mark.end => {
            let message = "the file ends before an entry that was synced";
            Err(OpenError::new(OpenErrorKind::Tampered, path, message)
                .at(walked.end)
                .in_entry(mark.state.sequence)
                .with_values(
                    format!("entries up to offset {}", mark.end),
                    format!("up to offset {}", walked.end),
                ))
        }
        _ => Ok(()),
    }
}

fn check_proven_reached(
    walk: &mut Walk<'_>,
    walked: &Walked,
    links: Links,
) -> Result<(), OpenError> {
    let Some(proven) = walk.proven.filter(|proven| proven.sequence >= links.next) else {
        return Ok(());
    };
    if let Some(stop) = &walked.stop {
        return Err(stop_error(walk.path, walk, walked, stop));
    }
    let message = "the file ends before an entry that was synced";
    Err(OpenError::new(OpenErrorKind::Tampered, walk.path, message)
        .at(walked.end)
        .in_entry(links.next)
        .with_values(
            format!("entries up to {}", proven.sequence),
            links.next.checked_sub(1).map_or("none".to_owned(), |last| format!("up to {last}")),
        ))
}

/// All entries are right; there must not be more of them than log and image know of.
fn check_explained(
    walk: &Walk<'_>,
    links: Links,
    expectation: &Expectation,
) -> Result<(), OpenError> {
    let proven = expectation.proven.map_or(0, |proven| proven.sequence);
    let explained = walk.redo.last().map_or(proven, |last| last.max(proven));
    match links.state() {
        Some(state) if state.sequence > explained && !expectation.goes_on => {
            let message = format!(
                "has entries up to {}, but log and image know only of those up to {explained}: \
                 commits that were acknowledged are missing from them",
                state.sequence
            );
            Err(OpenError::new(OpenErrorKind::Damaged, walk.path, message)
                .in_entry(explained.saturating_add(1)))
        }
        _ => Ok(()),
    }
}

/// The entry at `walked.end` is not right and was not known to be synced: is that what a power cut leaves behind?
fn explain_stop(
    walk: &mut Walk<'_>,
    walked: &Walked,
    stop: &Stop,
    links: Links,
    expectation: &Expectation,
) -> Result<(), OpenError> {
    let (path, file) = (walk.path, &*walked.file);
    let read_error = |error: io::Error| OpenError::io(path, "read", &error);
    if let Some(written) = walk.redo.from(links.next) {
        let difference = unexplained(file, walked.end, walked.file_bytes, written);
        let Some(difference) = difference.map_err(read_error)? else { return Ok(()) };
        let message = if difference.expected.is_empty() {
            "bytes stand behind the last entry that log and image hold"
        } else {
            "the entry is not the one that log and image hold"
        };
        return Err(OpenError::new(OpenErrorKind::Tampered, path, message)
            .at(difference.offset)
            .in_entry(entry_at(written, links.next, difference.offset.saturating_sub(walked.end)))
            .with_values(hex(&difference.expected), hex(&difference.found)));
    }
    if expectation.standalone && is_torn(walked, stop).map_err(read_error)? {
        return Ok(());
    }
    Err(stop_error(path, walk, walked, stop))
}

/// Which of the entries in `written` a byte belongs to, the first having sequence `first`.
fn entry_at(written: &[u8], first: u64, offset: u64) -> u64 {
    let (mut rest, mut sequence, mut end) = (written, first, 0_u64);
    while let Some(length) =
        rest.first_chunk().and_then(|prefix| super::entry::entry_length(*prefix))
    {
        end = end.saturating_add(length as u64);
        if end > offset {
            break;
        }
        sequence = sequence.saturating_add(1);
        rest = rest.get(length..).unwrap_or_default();
    }
    sequence
}

fn is_torn(walked: &Walked, stop: &Stop) -> io::Result<bool> {
    let entry_end = match stop {
        Stop::Incomplete => return Ok(true),
        Stop::NoLength(_) => walked.end.saturating_add(8),
        Stop::Mismatch(length, _) => walked.end.saturating_add(*length),
    };
    has_unwritten_sector(&*walked.file, walked.end, entry_end.min(walked.file_bytes))
}

/// The error of an entry that is not right, compared with the one that log and image hold, if they do.
fn stop_error(path: &Path, walk: &Walk<'_>, walked: &Walked, stop: &Stop) -> OpenError {
    let next = walk.links.map_or(0, |links| links.next);
    let error = |message: &str, offset: u64, expected: String, found: String| {
        OpenError::new(OpenErrorKind::Tampered, path, message)
            .at(walked.end.saturating_add(offset))
            .in_entry(next)
            .with_values(expected, found)
    };
    match stop {
        Stop::Incomplete => {
            let left = walked.file_bytes.saturating_sub(walked.end);
            let found = format!("{left} bytes to the end of the file");
            error("the entry is incomplete", 0, "a whole entry".to_owned(), found)
        }
        Stop::NoLength(prefix) => {
            let expected = "a length and its inverse".to_owned();
            error("no entry begins here", 0, expected, hex(prefix))
        }
        Stop::Mismatch(_, mismatch) => error(
            mismatch.message,
            mismatch.offset,
            mismatch.expected.clone(),
            mismatch.found.clone(),
        ),
    }
}

/// What is absent before the first file must have been archived, and what was archived must be what was there.
fn check_archived(walk: &Walk<'_>, files: &Files) -> Result<(), OpenError> {
    let Some(begin) = walk.begin.and_then(|begin| begin.state()) else { return Ok(()) };
    let path = files.sealed.first().map_or(walk.path, |(_, path)| path);
    let covering = walk.archived.iter().find(|(_, last)| last.sequence >= begin.sequence);
    let Some((sequence, last)) = covering else {
        let message =
            "segments before this file are absent, and no entry says that they were archived";
        return Err(OpenError::new(OpenErrorKind::Tampered, path, message)
            .in_entry(begin.sequence)
            .with_values(
                "entry 0 or an archived entry",
                format!("entry {}", begin.sequence.saturating_add(1)),
            ));
    };
    let known = std::iter::once(&begin).chain(&walk.ends);
    let known = known.clone().find(|state| state.sequence == last.sequence);
    if known.is_none_or(|known| known.head != last.head) {
        let message = "the entry names another archived entry than the one that precedes this file";
        let found = known.map_or("none".to_owned(), |known| hex(&known.head));
        return Err(OpenError::new(OpenErrorKind::Tampered, path, message)
            .in_entry(*sequence)
            .with_values(hex(&last.head), found));
    }
    Ok(())
}

/// Writes again what is not known to be on the disk, and what belongs behind it; cuts, and syncs.
fn durable_tail(walk: &Walk<'_>, walked: Walked, behind: &[u8]) -> io::Result<Tail> {
    let Walked { file, first, end, file_bytes, mark, proven_end, .. } = walked;
    let state = walk.links.and_then(|links| links.state());
    let state = state.unwrap_or(ChainState { sequence: 0, head: [0; 32] });
    let whole_end = end.saturating_add(behind.len() as u64);
    if proven_end < whole_end || whole_end < file_bytes {
        rewrite(&*file, proven_end, end)?;
        file.write_at(end, behind)?;
        file.set_len(whole_end)?;
        file.sync()?;
    }
    let mut tail = Tail::synced(file, first, Mark { state, end: whole_end });
    match mark {
        Some((mark, place)) => {
            tail.marked = mark.state.sequence;
            tail.mark_place = 1_usize.saturating_sub(place);
        }
        // Before the first entry: so the next append writes a mark.
        None => tail.marked = first.saturating_sub(1),
    }
    Ok(tail)
}

/// Writes the file's bytes over themselves: a read may be answered by a cache that the disk never got.
fn rewrite(file: &dyn DiskFile, start: u64, end: u64) -> io::Result<()> {
    let (mut offset, mut buffer) = (start, Vec::new());
    while offset < end {
        let count = end.saturating_sub(offset).min(PIECE_BYTES as u64);
        buffer.resize(count as usize, 0);
        if read_full(file, offset, &mut buffer)? < buffer.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(offset, &buffer)?;
        offset = offset.saturating_add(count);
    }
    Ok(())
}
