//! The parts of an image that are neither table nor rows: prologue, blocks, header, trailer; [`super`] has the tables.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{Counters, ImageHeader};
use crate::encoding::{DecodeError, Reader, put_bytes};
use crate::identity::{ChainState, DatabaseId};
use crate::storage::CommitNumber;

pub(super) const MAGIC: [u8; 8] = *b"SPGIMAGE";
pub(super) const VERSION: u32 = 1;

/// Bytes before the first block.
pub(super) const PROLOGUE_BYTES: usize = 16;

/// Bytes of a block before its payload.
pub(super) const BLOCK_HEADER_BYTES: usize = 16;

/// A block of rows is written when its payload has as many bytes.
pub(super) const BLOCK_BYTES: usize = 128 << 10;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Header = 1,
    Table = 2,
    Rows = 3,
    Trailer = 4,
    Sequences = 5,
}

impl Kind {
    pub(super) fn of(number: u32) -> Option<Self> {
        [Self::Header, Self::Table, Self::Rows, Self::Trailer, Self::Sequences]
            .into_iter()
            .find(|kind| *kind as u32 == number)
    }
}

pub(super) fn prologue() -> [u8; PROLOGUE_BYTES] {
    let mut bytes = [0; PROLOGUE_BYTES];
    let parts = MAGIC.iter().copied().chain(VERSION.to_le_bytes());
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    bytes
}

/// The first bytes of a block with `payload` at `offset` of the file.
pub(super) fn block_header(kind: Kind, offset: u64, payload: &[u8]) -> [u8; BLOCK_HEADER_BYTES] {
    let length = (payload.len() as u64).to_le_bytes();
    let number = (kind as u32).to_le_bytes();
    let checksum = block_checksum(offset, length, number, payload).to_le_bytes();
    let mut bytes = [0; BLOCK_HEADER_BYTES];
    let parts = length.into_iter().chain(number).chain(checksum);
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    bytes
}

pub(super) fn block_checksum(offset: u64, length: [u8; 8], kind: [u8; 4], payload: &[u8]) -> u32 {
    let checksum = crc32c::crc32c(&offset.to_le_bytes());
    let checksum = crc32c::crc32c_append(checksum, &length);
    let checksum = crc32c::crc32c_append(checksum, &kind);
    crc32c::crc32c_append(checksum, payload)
}

pub(super) fn encode_header(header: &ImageHeader) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&header.id.0);
    for number in [header.epoch, header.commit.0, header.lsn] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&header.time_us.to_le_bytes());
    out.push(u8::from(header.audit.is_some()));
    let chain = header.audit.unwrap_or(ChainState { sequence: 0, head: [0; 32] });
    out.extend_from_slice(&chain.sequence.to_le_bytes());
    out.extend_from_slice(&chain.head);
    let counters = header.counters;
    for number in [counters.relation_ids, counters.schema_versions, header.entries_first] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    put_bytes(&mut out, &header.entries);
    out
}

pub(super) fn decode_header(reader: &mut Reader<'_>) -> Result<ImageHeader, DecodeError> {
    let id = DatabaseId(reader.array()?);
    let epoch = reader.u64()?;
    let commit = CommitNumber(reader.u64()?);
    let lsn = reader.u64()?;
    let time_us = reader.u64()? as i64;
    let has_chain = reader.bool()?;
    let chain = ChainState { sequence: reader.u64()?, head: reader.array()? };
    let counters = Counters { relation_ids: reader.u64()?, schema_versions: reader.u64()? };
    let entries_first = reader.u64()?;
    let entries = reader.bytes()?.to_vec();
    reader.end()?;
    let audit = has_chain.then_some(chain);
    Ok(ImageHeader { id, epoch, commit, lsn, time_us, audit, entries_first, entries, counters })
}

/// What the whole comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) tables: u64,
    pub(super) rows: u64,
    pub(super) blocks: u64,
    pub(super) hash: [u8; 32],
}

pub(super) fn encode_trailer(trailer: &Trailer) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [trailer.tables, trailer.rows, trailer.blocks] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&trailer.hash);
    out
}

pub(super) fn decode_trailer(reader: &mut Reader<'_>) -> Result<Trailer, DecodeError> {
    let (tables, rows, blocks) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let hash = reader.array()?;
    reader.end()?;
    Ok(Trailer { tables, rows, blocks, hash })
}
