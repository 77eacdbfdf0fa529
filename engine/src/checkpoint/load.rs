//! Loading an image: one thread reads, checks and hashes; another decodes into tables; then all build indexes.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::ImageHeader;
use super::format::{
    BLOCK_HEADER_BYTES, Kind, MAGIC, PROLOGUE_BYTES, Trailer, VERSION, block_checksum,
    decode_header, decode_trailer,
};
use crate::crypto::blake3::Hasher;
use crate::disk::{Disk, DiskFile};
use crate::encoding::{
    DecodeError, ROW_ID_END, Reader, decode_column, decode_row_ids, decode_schema, decode_sequence,
};
use crate::error;
use crate::identity::{DatabaseId, hex};
use crate::open_error::{OpenError, OpenErrorKind};
use crate::storage::RowId;
use crate::storage::index::{AddIndexError, Index};
use crate::storage::restore::RestoredTable;
use crate::storage::root::{Counters, Root};
use crate::storage::schema::IndexDefinition;

/// An image in memory.
#[derive(Debug)]
pub struct LoadedImage {
    /// What it says of itself.
    pub header: ImageHeader,
    /// The database.
    pub root: Root,
    /// BLAKE3 of the file before its trailer.
    pub hash: [u8; 32],
    /// Length of the file.
    pub bytes: u64,
    /// Rows of all tables.
    pub rows: u64,
}

/// How far loading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Indexes built, once all bytes are read.
    pub indexes: usize,
    /// Indexes to build; 0 until all bytes are read.
    pub indexes_total: usize,
}

/// What may stop the building of indexes.
pub(super) type Check<'a> = dyn Fn() -> error::Result<()> + Sync + 'a;

/// Blocks that may wait to be decoded.
const BLOCKS_AHEAD: usize = 4;

/// Threads that build indexes, at most: each takes memory to sort in.
const INDEX_THREADS_MAX: usize = 4;

/// A block whose checksum is right.
struct Block {
    kind: Kind,
    /// Where its payload begins in the file.
    offset: u64,
    payload: Vec<u8>,
}

/// Loads the image at `path`, of the database `expect_id` if that is known.
///
/// All of its checksums and its hash are verified before anything is answered. `progress` is called after every block
/// and every index; `check`, which may stop it, every few thousand rows while indexes are built.
pub fn load(
    disk: &dyn Disk,
    path: &Path,
    expect_id: Option<DatabaseId>,
    progress: &mut dyn FnMut(Progress),
    check: &Check<'_>,
) -> Result<LoadedImage, OpenError> {
    let file = disk.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            OpenError::new(OpenErrorKind::Missing, path, "the image is not there")
        }
        _ => OpenError::io(path, "open", &error),
    })?;
    let bytes = file.len().map_err(|error| OpenError::io(path, "ask the length of", &error))?;
    let mut source = Source { path, file: &*file, bytes, offset: 0, hasher: Hasher::new() };
    source.prologue()?;
    let header = source.header(expect_id)?;
    let mut decoder = Decoder::new(path, &header);
    let (trailer, trailer_offset) = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
        let decoding = scope.spawn(|| decoder.take_all(receiver));
        let read = source.blocks(&sender, progress);
        drop(sender); // which ends the decoding
        let decoded = decoding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read.and_then(|read| decoded.map(|()| read))
    })?;
    decoder.check_totals(&trailer, trailer_offset)?;
    let indexes = build_indexes(path, &decoder.tables, bytes, progress, check)?;
    let rows = trailer.rows;
    let root = decoder.finish(indexes);
    Ok(LoadedImage { header, root, hash: trailer.hash, bytes, rows })
}

fn damaged(path: &Path, offset: u64, message: impl Into<String>) -> OpenError {
    OpenError::new(OpenErrorKind::Damaged, path, message)
        .at(offset)
        .with_hint("restore the image from a copy")
}

/// An error in a payload that begins at `offset`.
fn malformed(path: &Path, offset: u64, error: &DecodeError) -> OpenError {
    let offset = offset.saturating_add(error.offset as u64);
    let found = error.found.map_or_else(|| "other bytes".to_owned(), |found| found.to_string());
    damaged(path, offset, "the image is malformed").with_values(error.expected, found)
}

/// The file, read from its start.
struct Source<'a> {
    path: &'a Path,
    file: &'a dyn DiskFile,
    bytes: u64,
    offset: u64,
    hasher: Hasher,
}

impl Source<'_> {
    fn left(&self) -> u64 {
        self.bytes.saturating_sub(self.offset)
    }

    /// Reads exactly as many bytes as `buffer` has.
    fn read(&mut self, buffer: &mut [u8]) -> Result<(), OpenError> {
        let read = if buffer.len() as u64 > self.left() {
            self.left() as usize
        } else {
            self.file
                .read_at(self.offset, buffer)
                .map_err(|error| OpenError::io(self.path, "read", &error).at(self.offset))?
        };
        if read < buffer.len() {
            let expected = format!("{} bytes", buffer.len());
            return Err(damaged(self.path, self.offset, "the image is cut off")
                .with_values(expected, read.to_string()));
        }
        self.offset = self.offset.saturating_add(read as u64);
        Ok(())
    }

    fn prologue(&mut self) -> Result<(), OpenError> {
        let mut bytes = [0; PROLOGUE_BYTES];
        self.read(&mut bytes)?;
        self.hasher.update(&bytes);
        let mut reader = Reader::new(&bytes);
        let fields = reader.array().and_then(|magic| Ok((magic, reader.u32()?, reader.u32()?)));
        let (magic, version, rest): ([u8; 8], u32, u32) =
            fields.map_err(|error| malformed(self.path, 0, &error))?;
        if magic != MAGIC {
            return Err(damaged(self.path, 0, "this is no image of SPG")
                .with_values(hex(&MAGIC), hex(&magic)));
        }
        if version != VERSION {
            let message = "the image's format version is not known";
            return Err(OpenError::new(OpenErrorKind::Version, self.path, message)
                .at(8)
                .with_values(VERSION.to_string(), version.to_string())
                .with_hint("use the release that wrote it, or a newer one"));
        }
        if rest != 0 {
            return Err(
                damaged(self.path, 12, "the image is malformed").with_values("0", rest.to_string())
            );
        }
        Ok(())
    }

    fn header(&mut self, expect_id: Option<DatabaseId>) -> Result<ImageHeader, OpenError> {
        let block = self.block()?;
        if block.kind != Kind::Header {
            return Err(self.misplaced(&block, "a header"));
        }
        let header = decode_header(&mut Reader::new(&block.payload))
            .map_err(|error| malformed(self.path, block.offset, &error))?;
        match expect_id {
            Some(id) if id != header.id => {
                let message = "the image belongs to another database";
                Err(OpenError::new(OpenErrorKind::Foreign, self.path, message)
                    .at(block.offset)
                    .with_values(id.to_string(), header.id.to_string()))
            }
            _ => Ok(header),
        }
    }

    fn misplaced(&self, block: &Block, expected: &str) -> OpenError {
        let start = block.offset.saturating_sub(BLOCK_HEADER_BYTES as u64);
        damaged(self.path, start, "a block is out of place")
            .with_values(expected, format!("{:?}", block.kind).to_lowercase())
    }

    /// The next block; all but the trailer are hashed.
    fn block(&mut self) -> Result<Block, OpenError> {
        let start = self.offset;
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        self.read(&mut bytes)?;
        let mut reader = Reader::new(&bytes);
        let fields = reader.array().and_then(|length| Ok((length, reader.array()?, reader.u32()?)));
        let (length, number, checksum): ([u8; 8], [u8; 4], u32) =
            fields.map_err(|error| malformed(self.path, start, &error))?;
        let payload_bytes = u64::from_le_bytes(length);
        if payload_bytes > self.left() {
            return Err(damaged(
                self.path,
                start,
                "the image is cut off, or a block's length is wrong",
            )
            .with_values(format!("at most {} bytes", self.left()), payload_bytes.to_string()));
        }
        let mut payload = vec![0; payload_bytes as usize];
        let offset = self.offset;
        self.read(&mut payload)?;
        let found = block_checksum(start, length, number, &payload);
        if found != checksum {
            return Err(damaged(self.path, start, "a block's checksum is not that of its bytes")
                .with_values(format!("{checksum:08x}"), format!("{found:08x}")));
        }
        let Some(kind) = Kind::of(u32::from_le_bytes(number)) else {
            return Err(damaged(self.path, start, "a block's kind is not known"));
        };
        if kind != Kind::Trailer {
            self.hasher.update(&bytes);
            self.hasher.update(&payload);
        }
        Ok(Block { kind, offset, payload })
    }

    /// Hands the blocks between header and trailer on; answers the trailer, which has the hash of all before it and
    /// ends the file, and its offset.
    fn blocks(
        &mut self,
        sender: &SyncSender<Block>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Trailer, u64), OpenError> {
        let mut count = 1_u64;
        loop {
            let block = self.block()?;
            count = count.saturating_add(1);
            let (bytes, bytes_total) = (self.offset, self.bytes);
            progress(Progress { bytes, bytes_total, indexes: 0, indexes_total: 0 });
            match block.kind {
                Kind::Header => return Err(self.misplaced(&block, "a table, rows or the trailer")),
                Kind::Trailer => return self.trailer(&block, count),
                Kind::Table | Kind::Rows | Kind::Sequences => {
                    // A decoder that failed takes no more; its error is told when all is read.
                    let _ = sender.send(block);
                }
            }
        }
    }

    fn trailer(&self, block: &Block, blocks: u64) -> Result<(Trailer, u64), OpenError> {
        let trailer = decode_trailer(&mut Reader::new(&block.payload))
            .map_err(|error| malformed(self.path, block.offset, &error))?;
        let hash = *self.hasher.finalize().as_bytes();
        if hash != trailer.hash {
            return Err(damaged(
                self.path,
                block.offset,
                "the image's hash is not that of its bytes",
            )
            .with_values(hex(&trailer.hash), hex(&hash)));
        }
        if blocks != trailer.blocks {
            return Err(damaged(self.path, block.offset, "the image's number of blocks is wrong")
                .with_values(trailer.blocks.to_string(), blocks.to_string()));
        }
        if self.left() != 0 {
            return Err(damaged(self.path, self.offset, "bytes follow the end of the image")
                .with_values(self.offset.to_string(), self.bytes.to_string()));
        }
        Ok((trailer, block.offset))
    }
}

/// Makes tables of blocks.
struct Decoder<'a> {
    path: &'a Path,
    root: Root,
    counters: Counters,
    tables: Vec<RestoredTable>,
    /// Rows that the last table should have, and where that is said.
    rows_stated: (u64, u64),
    names: BTreeSet<Arc<str>>,
    ids: BTreeSet<u64>,
}

impl<'a> Decoder<'a> {
    fn new(path: &'a Path, header: &ImageHeader) -> Self {
        Self {
            path,
            root: Root::restored(header.commit, header.counters),
            counters: header.counters,
            tables: Vec::new(),
            rows_stated: (0, 0),
            names: BTreeSet::new(),
            ids: BTreeSet::new(),
        }
    }

    /// Decodes what comes, until no more does.
    fn take_all(&mut self, blocks: Receiver<Block>) -> Result<(), OpenError> {
        for block in blocks {
            let mut reader = Reader::new(&block.payload);
            let taken = match block.kind {
                Kind::Table => {
                    self.check_table()?;
                    self.take_table(&mut reader, block.offset)
                }
                Kind::Sequences => self.take_sequences(&mut reader),
                _ => self.take_rows(&mut reader),
            };
            taken.map_err(|error| malformed(self.path, block.offset, &error))?;
        }
        self.check_table()
    }

    fn take_table(&mut self, reader: &mut Reader<'_>, offset: u64) -> Result<(), DecodeError> {
        let schema = decode_schema(reader)?;
        let next_row_id = reader.varint()?;
        let rows = reader.varint()?;
        reader.end()?;
        if next_row_id > ROW_ID_END || rows > next_row_id {
            return Err(reader.error("a row count and row ids that can be before"));
        }
        let relations = schema.indexes.len().saturating_add(1);
        let (names_before, ids_before) = (self.names.len(), self.ids.len());
        let names = schema.indexes.iter().map(|index| &index.name).chain([&schema.name]);
        self.names.extend(names.cloned());
        self.ids.extend(schema.indexes.iter().map(|index| index.id.0).chain([schema.table.0]));
        if self.names.len().saturating_sub(names_before) != relations
            || self.ids.len().saturating_sub(ids_before) != relations
        {
            return Err(reader.error("names and identities that no other relation has before"));
        }
        let highest = self.ids.last().copied().unwrap_or_default();
        if highest >= self.counters.relation_ids
            || schema.structure >= self.counters.schema_versions
        {
            return Err(reader.error("identities below the header's next ones before"));
        }
        self.rows_stated = (rows, offset);
        self.tables.push(RestoredTable::new(schema, next_row_id, self.root.shared().gauge()));
        Ok(())
    }

    fn take_sequences(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while reader.remaining() > 0 {
            let sequence = decode_sequence(reader)?;
            let definition = &sequence.definition;
            if !self.names.insert(Arc::clone(&definition.name)) || !self.ids.insert(definition.id.0)
            {
                return Err(reader.error("names and identities that no other relation has before"));
            }
            if definition.id.0 >= self.counters.relation_ids
                || definition.version >= self.counters.schema_versions
            {
                return Err(reader.error("identities below the header's next ones before"));
            }
            self.root.replace_sequence(sequence);
        }
        Ok(())
    }

    fn take_rows(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let Some(table) = self.tables.last_mut() else {
            return Err(reader.error("a table before its rows"));
        };
        while reader.remaining() > 0 {
            let head = reader.varint()?;
            let rows = usize::try_from(head >> 1).unwrap_or(usize::MAX);
            let ids = if head & 1 == 1 {
                decode_row_ids(reader)?
            } else {
                let first = reader.varint()?;
                (first..first.saturating_add(head >> 1)).take(rows.min(257)).map(RowId).collect()
            };
            if ids.len() != rows {
                return Err(reader.error_found("as many row ids as rows before", head >> 1));
            }
            let mut columns = Vec::with_capacity(table.schema().columns.len());
            for column in &table.schema().columns {
                columns.push(decode_column(reader, column.data_type, rows)?);
            }
            table.append(ids, columns).map_err(|expected| reader.error(expected))?;
        }
        Ok(())
    }

    /// Whether the last table has as many rows as were announced.
    fn check_table(&self) -> Result<(), OpenError> {
        let (stated, offset) = self.rows_stated;
        let found = self.tables.last().map_or(0, RestoredTable::row_count) as u64;
        if found == stated {
            return Ok(());
        }
        Err(damaged(self.path, offset, "a table's number of rows is wrong")
            .with_values(stated.to_string(), found.to_string()))
    }

    fn check_totals(&self, trailer: &Trailer, offset: u64) -> Result<(), OpenError> {
        let rows: u64 = self.tables.iter().map(|table| table.row_count() as u64).sum();
        let (tables, stated) = (self.tables.len() as u64, (trailer.tables, trailer.rows));
        if (tables, rows) == stated {
            return Ok(());
        }
        Err(damaged(self.path, offset, "the image's number of tables or rows is wrong")
            .with_values(format!("{stated:?}"), format!("{:?}", (tables, rows))))
    }

    fn finish(self, indexes: Vec<Vec<Index>>) -> Root {
        let mut root = self.root;
        for (table, indexes) in self.tables.into_iter().zip(indexes) {
            root.replace_table(Arc::new(table.finish(indexes)));
        }
        root
    }
}

/// Builds the indexes of all tables, several at once.
fn build_indexes(
    path: &Path,
    tables: &[RestoredTable],
    bytes: u64,
    progress: &mut dyn FnMut(Progress),
    check: &Check<'_>,
) -> Result<Vec<Vec<Index>>, OpenError> {
    let jobs: Vec<(&RestoredTable, &Arc<IndexDefinition>)> = tables
        .iter()
        .flat_map(|table| table.schema().indexes.iter().map(move |index| (table, index)))
        .collect();
    let built: Vec<Mutex<Option<Result<Index, AddIndexError>>>> =
        jobs.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let build_next = || {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let ((table, definition), slot) = jobs.get(place).zip(built.get(place))?;
        let index = table.build_index(definition, &mut || check());
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(index);
        Some(place)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let others = threads.min(jobs.len()).min(INDEX_THREADS_MAX).saturating_sub(1);
        for _ in 0..others {
            scope.spawn(|| while build_next().is_some() {});
        }
        while let Some(place) = build_next() {
            let (indexes, indexes_total) = (place.saturating_add(1), jobs.len());
            progress(Progress { bytes, bytes_total: bytes, indexes, indexes_total });
        }
    });
    let mut built = built
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    let of_table = |table: &RestoredTable| {
        let indexes = table.schema().indexes.len();
        let built: Result<Vec<Index>, AddIndexError> = built.by_ref().take(indexes).collect();
        built.map_err(|error| unfit(path, &error))
    };
    tables.iter().map(of_table).collect()
}

/// Rows that an index of their table cannot hold.
#[cold]
fn unfit(path: &Path, error: &AddIndexError) -> OpenError {
    match error {
        AddIndexError::Duplicate(duplicate) => {
            let message = format!("rows share a key of the unique index {}", duplicate.index.name);
            OpenError::new(OpenErrorKind::Damaged, path, message)
                .with_values("different keys", format!("{:?} twice", duplicate.values))
                .with_hint("restore the image from a copy")
        }
        AddIndexError::Stopped(error) => OpenError::new(OpenErrorKind::Io, path, error.message()),
    }
}
