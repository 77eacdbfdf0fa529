//! Writing an image: block after block of a root that the caller holds, with a pause after each.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::format::{
    BLOCK_BYTES, Kind, Trailer, block_header, encode_header, encode_trailer, prologue,
};
use super::{ImageHeader, new_path};
use crate::crypto::blake3::Hasher;
use crate::disk::appender::Appender;
use crate::disk::{Disk, directory_of};
use crate::encoding::{encode_column, encode_row_ids, encode_schema, encode_sequence, put_varint};
use crate::sabotage::{self, Break};
use crate::storage::RowId;
use crate::storage::chunk::Chunk;
use crate::storage::column::{Column, ColumnData};
use crate::storage::root::Root;
use crate::storage::table::Table;

/// An image that was written and synced under its new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenImage {
    /// BLAKE3 of the file before its trailer.
    pub hash: [u8; 32],
    /// BLAKE3 of the whole file.
    pub file_hash: [u8; 32],
    /// Length of the file.
    pub bytes: u64,
    /// Rows of all tables.
    pub rows: u64,
}

/// The answer of a pause that ends the writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Why there is no new image. The old one is untouched.
#[derive(Debug)]
pub enum WriteError {
    /// The disk refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was not possible ("write", "sync").
        doing: &'static str,
        /// Its answer.
        error: io::Error,
    },
    /// The pause said so.
    Stopped,
}

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, doing, error } => {
                write!(formatter, "{}: could not {doing}: {error}", path.display())
            }
            Self::Stopped => formatter.write_str("stopped"),
        }
    }
}

impl std::error::Error for WriteError {}

/// An error of the disk at `path`.
fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |error| WriteError::Io { path, doing, error }
}

/// Removes what a crash left of an image that was being written for `path`; it is never read. Whether there was any.
pub fn remove_stale(disk: &dyn Disk, path: &Path) -> Result<bool, WriteError> {
    let stale = new_path(path);
    match disk.remove(&stale) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(&stale, "remove")(error)),
    }
}

/// Writes and syncs the image of `root` as `<path>.new`, which [`install`] then puts in the place of `path`.
///
/// `pace` is called after every block with the bytes it took, about 128 KiB; between two calls stands about half a
/// millisecond of work (a value larger than a block is written whole). It may sleep, so that others get the
/// processor, or stop it. What was written is removed if this fails.
pub fn write(
    disk: &dyn Disk,
    path: &Path,
    root: &Root,
    header: &ImageHeader,
    pace: &mut dyn FnMut(usize) -> Result<(), Stop>,
) -> Result<WrittenImage, WriteError> {
    debug_assert_eq!(header.commit, root.commit, "the header is the root's");
    remove_stale(disk, path)?;
    let path = new_path(path);
    let file = disk.create(&path).map_err(failed(&path, "create"))?;
    let mut writer = Writer {
        path: &path,
        file: Appender::new(file),
        pace,
        hasher: Hasher::new(),
        totals: Trailer::default(),
    };
    let written = writer.image(root, header);
    if written.is_err() {
        drop(writer);
        // Best effort: the next opening removes what is left.
        let _ = disk.remove(&path);
    }
    written
}

/// Puts the image that was written for `path` in its place. After an error either may be there.
pub fn install(disk: &dyn Disk, path: &Path) -> Result<(), WriteError> {
    let new = new_path(path);
    disk.rename(&new, path).map_err(failed(&new, "rename"))?;
    let directory = directory_of(path);
    if sabotage::is(Break::SkipDirectorySync) {
        return Ok(());
    }
    disk.sync_directory(directory).map_err(failed(directory, "sync the directory"))
}

struct Writer<'a> {
    path: &'a Path,
    file: Appender,
    pace: &'a mut dyn FnMut(usize) -> Result<(), Stop>,
    hasher: Hasher,
    totals: Trailer,
}

impl Writer<'_> {
    fn image(&mut self, root: &Root, header: &ImageHeader) -> Result<WrittenImage, WriteError> {
        self.append(&prologue())?;
        self.block(Kind::Header, &encode_header(header))?;
        let mut sequences = Vec::new();
        for sequence in root.sequences() {
            encode_sequence(sequence, &mut sequences);
        }
        if !sequences.is_empty() {
            self.block(Kind::Sequences, &sequences)?;
        }
        for table in root.tables() {
            self.table(table)?;
        }
        let hash = *self.hasher.finalize().as_bytes();
        self.totals.hash = hash;
        self.totals.blocks += 1;
        let trailer = encode_trailer(&self.totals);
        self.append(&block_header(Kind::Trailer, self.file.length(), &trailer))?;
        self.append(&trailer)?;
        self.file.sync().map_err(failed(self.path, "sync"))?;
        let file_hash = *self.hasher.finalize().as_bytes();
        Ok(WrittenImage { hash, file_hash, bytes: self.file.length(), rows: self.totals.rows })
    }

    fn table(&mut self, table: &Table) -> Result<(), WriteError> {
        let mut payload = Vec::new();
        encode_schema(table.schema(), &mut payload);
        put_varint(&mut payload, table.next_row_id().0);
        put_varint(&mut payload, table.row_count() as u64);
        self.block(Kind::Table, &payload)?;
        self.totals.tables += 1;
        self.totals.rows += table.row_count() as u64;
        payload.clear();
        for chunk in table.chunks() {
            let selection = chunk.selection();
            let slots: Vec<u32> = selection.iter().map(|slot| slot as u32).collect();
            for run in runs(chunk, &slots) {
                encode_rows(chunk, &slots[run], &mut payload);
                if payload.len() >= BLOCK_BYTES {
                    self.block(Kind::Rows, &payload)?;
                    payload.clear();
                    // A large value is not kept for the rest of the image.
                    payload.shrink_to(4 * BLOCK_BYTES);
                }
            }
        }
        if payload.is_empty() { Ok(()) } else { self.block(Kind::Rows, &payload) }
    }

    /// Appends a block, then pauses.
    fn block(&mut self, kind: Kind, payload: &[u8]) -> Result<(), WriteError> {
        let header = block_header(kind, self.file.length(), payload);
        self.append(&header)?;
        self.append(payload)?;
        self.totals.blocks += 1;
        (self.pace)(header.len() + payload.len()).map_err(|Stop| WriteError::Stopped)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.hasher.update(bytes);
        self.file.append(bytes).map_err(failed(self.path, "write"))
    }
}

/// The live rows of a chunk in runs of about a block at most; mostly there is one.
fn runs(chunk: &Chunk, slots: &[u32]) -> Vec<Range<usize>> {
    let bytes: usize = chunk.columns().map(Column::heap_bytes).sum();
    if bytes <= 2 * BLOCK_BYTES {
        return std::iter::once(0..slots.len()).collect();
    }
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (place, slot) in slots.iter().enumerate() {
        bytes += chunk.columns().map(|column| value_bytes(column, *slot as usize)).sum::<usize>();
        if bytes >= BLOCK_BYTES {
            runs.push(start..place + 1);
            (start, bytes) = (place + 1, 0);
        }
    }
    if start < slots.len() {
        runs.push(start..slots.len());
    }
    runs
}

/// About what a value takes in the image.
fn value_bytes(column: &Column, slot: usize) -> usize {
    match &column.data {
        ColumnData::Text(texts) => texts.get(slot).len(),
        ColumnData::Vector(vectors) if !column.is_null(slot) => vectors.dimensions() * 4,
        _ => 8,
    }
}

/// Appends a run of rows: some live slots of a chunk.
fn encode_rows(chunk: &Chunk, slots: &[u32], out: &mut Vec<u8>) {
    let (first, last) = (slots[0] as usize, slots[slots.len() - 1] as usize);
    let (first_id, last_id) = (chunk.row_id(first), chunk.row_id(last));
    let is_listed = last_id.0 - first_id.0 != slots.len() as u64 - 1;
    put_varint(out, (slots.len() as u64) << 1 | u64::from(is_listed));
    if is_listed {
        let ids: Vec<RowId> = slots.iter().map(|slot| chunk.row_id(*slot as usize)).collect();
        encode_row_ids(&ids, out);
    } else {
        put_varint(out, first_id.0);
    }
    let has_gaps = last - first != slots.len() - 1;
    for column in chunk.columns() {
        if has_gaps {
            encode_column(&column.gather(slots), 0..slots.len(), out);
        } else {
            encode_column(column, first..last + 1, out);
        }
    }
}
