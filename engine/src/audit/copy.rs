//! A copy of the log up to one of its entries, made while it is appended to.
//!
//! Sealed segments before the entry are copied whole; the file that has it becomes the copy's active file, which ends behind
//! it and has no marks: they may name entries that the copy lacks. Every link is followed, so that damage is found when
//! there is still something else to copy.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{AuditLog, Sealed};
use super::header::{ENTRIES_OFFSET, Header, SECTOR_BYTES};
use super::scan::{EntryReader, Found, PIECE_BYTES, read_full};
use super::segments::sealed_path;
use crate::crypto::blake3::Hasher;
use crate::disk::DiskFile;
use crate::disk::appender::Appender;
use crate::identity::ChainState;

/// A file of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of it.
    pub hash: [u8; 32],
}

/// A file that is copied from.
struct Source {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where its last entry ends.
    end: u64,
    /// Its last entry, if it is sealed.
    last: Option<ChainState>,
}

/// A file that is written, and hashed on the way.
struct Target<'a> {
    file: Appender,
    gathered: Vec<u8>,
    hasher: Hasher,
    pace: &'a mut dyn FnMut(usize) -> io::Result<()>,
}

impl AuditLog {
    /// Copies the log, up to and with the entry `until`, to an active file at `target` and sealed segments beside it; each
    /// is synced, their names are not. The caller [holds the places](AuditLog::hold_places), and did so before `until` was
    /// the last entry. `pace` is called with the bytes of each piece, and
    /// its error ends the copying.
    pub fn copy_until(
        &self,
        until: ChainState,
        target: &Path,
        pace: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> io::Result<Vec<Copied>> {
        let mut copied = Vec::new();
        for source in self.sources()? {
            let is_whole = source.last.is_some_and(|last| last.sequence <= until.sequence);
            let within = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", source.path.display()))
            };
            copied.push(self.copy(&source, is_whole, until, target, pace).map_err(within)?);
            if !is_whole {
                break;
            }
        }
        Ok(copied)
    }

    /// About what a copy has: a little more, as entries come that are not copied.
    pub fn bytes(&self) -> io::Result<u64> {
        Ok(self.sources()?.iter().map(|source| source.end).sum())
    }

    /// All files as they are at one moment; an open one stays the same under whatever name.
    fn sources(&self) -> io::Result<Vec<Source>> {
        let (sealed, active) = {
            let tail = self.tail();
            let (path, file) = (self.path.clone(), Arc::clone(&tail.file));
            (tail.sealed.clone(), Source { path, file, end: tail.end, last: None })
        };
        let mut sources = Vec::with_capacity(sealed.len().saturating_add(1));
        // Opened when appending may go on: their places are held.
        for Sealed { path, last } in sealed {
            let file: Arc<dyn DiskFile> = Arc::from(self.disk.open(&path)?);
            let end = file.len()?;
            sources.push(Source { path, file, end, last: Some(last) });
        }
        sources.push(active);
        Ok(sources)
    }

    fn copy(
        &self,
        source: &Source,
        is_whole: bool,
        until: ChainState,
        target: &Path,
        pace: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> io::Result<Copied> {
        let mut beginning = vec![0; ENTRIES_OFFSET as usize];
        read_full(&*source.file, 0, &mut beginning)?;
        let sector = beginning.first_chunk::<SECTOR_BYTES>();
        let header = sector.and_then(|sector| Header::decode(sector).ok());
        let header = header.ok_or_else(|| invalid("its header is not as it was written"))?;
        let path = if is_whole {
            sealed_path(target, header.links.next)
        } else {
            beginning.get_mut(SECTOR_BYTES..).unwrap_or_default().fill(0);
            target.to_owned()
        };
        let written = |error: io::Error| {
            io::Error::new(error.kind(), format!("could not write {}: {error}", path.display()))
        };
        let file = self.disk.create(&path).map_err(written)?;
        let (gathered, hasher) = (Vec::new(), Hasher::new());
        let mut copy = Target { file: Appender::new(file), gathered, hasher, pace };
        copy.append(&beginning).map_err(written)?;
        let mut links = header.links;
        let mut reader = EntryReader::new(Arc::clone(&source.file), ENTRIES_OFFSET, source.end);
        while links.next <= until.sequence {
            let bytes = match reader.read()? {
                Found::Entry(bytes) => bytes,
                Found::End if is_whole => break,
                _ => return Err(invalid(&format!("entry {} is not there", links.next))),
            };
            let at = links.next;
            links.follow(bytes, self.key.as_ref()).map_err(|mismatch| {
                invalid(&format!(
                    "entry {at}: {}: expected {}",
                    mismatch.message, mismatch.expected
                ))
            })?;
            copy.append(bytes).map_err(written)?;
        }
        let expected = if is_whole { source.last } else { Some(until) };
        if links.state() != expected {
            return Err(invalid("its last entry is not the one that it should be"));
        }
        let (bytes, hash) = copy.finish().map_err(written)?;
        Ok(Copied { path, bytes, hash })
    }
}

impl Target<'_> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.gathered);
        self.file.append(&self.gathered)?;
        let bytes = self.gathered.len();
        self.gathered.clear();
        (self.pace)(bytes)
    }

    fn finish(mut self) -> io::Result<(u64, [u8; 32])> {
        self.flush()?;
        self.file.sync()?;
        Ok((self.file.length(), self.hasher.finalize().into()))
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
