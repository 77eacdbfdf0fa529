//! The beginning of an audit file: the header and two marks, a 512-byte sector each; entries follow.
//!
//! Header, little-endian:
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 8 | `SPGAUDIT` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | 1 if the chain has a key, else 0 |
//! | 16 | 16 | the database's identity |
//! | 32 | 8 | sequence of this file's first entry |
//! | 40 | 32 | what that entry has as its previous hash |
//! | 72 | 32 | to recognise the key: BLAKE3 under the key of `SPG audit key` and the identity; zeros without a key |
//! | 104 | 376 | zero |
//! | 480 | 32 | BLAKE3 of the 480 bytes before |
//!
//! A mark says how far the file was synced when it was written. Marks are written in turn, each together with the first bytes
//! after a sync, so they cost no sync of their own, and one of the two is always whole. The older one is filled with zeros
//! before it is written, so a write that was cut off shows: a sector whose first or last byte is zero is no mark.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 8 | `SPGAMARK` |
//! | 8 | 8 | sequence of the last synced entry |
//! | 16 | 32 | its hash |
//! | 48 | 8 | offset of its end in this file |
//! | 56 | 16 | the database's identity |
//! | 72 | 8 | sequence of this file's first entry |
//! | 80 | 392 | zero |
//! | 472 | 32 | BLAKE3 of the 472 bytes before, under the key if there is one |
//! | 504 | 8 | `SPGAMEND` |

use super::key::{Key, hash, hasher};
use super::links::Links;
use crate::crypto::blake3::HASH_BYTES;
use crate::encoding::{DecodeError, Reader};
use crate::identity::{ChainState, DatabaseId};

/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

/// Where the two marks stand.
pub(super) const MARK_OFFSETS: [u64; 2] = [512, 1024];

/// Where entries begin.
pub(super) const ENTRIES_OFFSET: u64 = 1536;

/// Bytes that a header's checksum covers, and a mark's.
const CHECKED_BYTES: usize = 480;
const MARK_CHECKED_BYTES: usize = 472;

const MAGIC: &[u8; 8] = b"SPGAUDIT";
const MARK_MAGIC: &[u8; 8] = b"SPGAMARK";
const MARK_END: &[u8; 8] = b"SPGAMEND";
const VERSION: u32 = 1;

/// A sector's bytes.
pub(super) type Sector = [u8; SECTOR_BYTES];

/// A file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: DatabaseId,
    pub(super) keyed: bool,
    pub(super) key_check: [u8; HASH_BYTES],
    /// What the file's first entry continues.
    pub(super) links: Links,
}

/// Why a sector is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// It does not begin as one.
    Magic,
    /// A version that is not known.
    Version(u32),
    /// Its checksum differs: computed, stored.
    Checksum([u8; HASH_BYTES], [u8; HASH_BYTES]),
    /// A field is not possible.
    Field(DecodeError),
}

impl Header {
    pub(super) fn new(id: DatabaseId, key: Option<&Key>, links: Links) -> Self {
        Self { id, keyed: key.is_some(), key_check: key_check(id, key), links }
    }

    pub(super) fn encode(&self) -> Sector {
        sector(
            &[
                MAGIC,
                &VERSION.to_le_bytes(),
                &u32::from(self.keyed).to_le_bytes(),
                &self.id.0,
                &self.links.next.to_le_bytes(),
                &self.links.previous,
                &self.key_check,
            ],
            CHECKED_BYTES,
            None,
        )
    }

    pub(super) fn decode(bytes: &Sector) -> Result<Self, HeaderFault> {
        let mut reader = Reader::new(bytes);
        if reader.array() != Ok(*MAGIC) {
            return Err(HeaderFault::Magic);
        }
        let version = reader.u32().map_err(HeaderFault::Field)?;
        if version != VERSION {
            return Err(HeaderFault::Version(version));
        }
        if let Some((computed, stored)) = checksum_fault(bytes, CHECKED_BYTES, None) {
            return Err(HeaderFault::Checksum(computed, stored));
        }
        Self::decode_fields(&mut reader).map_err(HeaderFault::Field)
    }

    fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let keyed = match reader.u32()? {
            0 => false,
            1 => true,
            _ => return Err(reader.error("known flags before")),
        };
        let id = DatabaseId(reader.array()?);
        let links = Links { next: reader.u64()?, previous: reader.array()? };
        Ok(Self { id, keyed, key_check: reader.array()?, links })
    }

    /// Whether `key` is the key that the file was begun with.
    pub(super) fn is_key(&self, key: Option<&Key>) -> bool {
        self.keyed == key.is_some() && self.key_check == key_check(self.id, key)
    }
}

fn key_check(id: DatabaseId, key: Option<&Key>) -> [u8; HASH_BYTES] {
    match key {
        None => [0; HASH_BYTES],
        Some(_) => hasher(key).update(b"SPG audit key").update(&id.0).finalize().into(),
    }
}

/// How far a file was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The last synced entry.
    pub(super) state: ChainState,
    /// Where it ends in the file.
    pub(super) end: u64,
}

impl Mark {
    pub(super) fn encode(&self, id: DatabaseId, first: u64, key: Option<&Key>) -> Sector {
        let fields: [&[u8]; 6] = [
            MARK_MAGIC,
            &self.state.sequence.to_le_bytes(),
            &self.state.head,
            &self.end.to_le_bytes(),
            &id.0,
            &first.to_le_bytes(),
        ];
        let mut bytes = sector(&fields, MARK_CHECKED_BYTES, key);
        if let Some(end) = bytes.last_chunk_mut() {
            *end = *MARK_END;
        }
        bytes
    }

    /// The mark in a sector; none if it was never or only partly written. The error says what was expected where.
    pub(super) fn decode(
        bytes: &Sector,
        id: DatabaseId,
        first: u64,
        key: Option<&Key>,
    ) -> Result<Option<Self>, DecodeError> {
        if bytes.first() == Some(&0) || bytes.last() == Some(&0) {
            return Ok(None);
        }
        let mut reader = Reader::new(bytes);
        if reader.array()? != *MARK_MAGIC {
            return Err(DecodeError { offset: 0, expected: "a mark or zeros", found: None });
        }
        if bytes.last_chunk() != Some(MARK_END) {
            let expected = "the end of a mark";
            return Err(DecodeError { offset: 504, expected, found: None });
        }
        if checksum_fault(bytes, MARK_CHECKED_BYTES, key).is_some() {
            return Err(DecodeError {
                offset: 0,
                expected: "a mark whose checksum is right",
                found: None,
            });
        }
        let sequence = reader.u64()?;
        let state = ChainState { sequence, head: reader.array()? };
        let end = reader.u64()?;
        if reader.array()? != id.0 || reader.u64()? != first {
            return Err(DecodeError { offset: 56, expected: "this file's mark", found: None });
        }
        Ok(Some(Self { state, end }))
    }
}

/// Fields one after the other, zeros up to `checked_bytes`, and the checksum of these.
fn sector(fields: &[&[u8]], checked_bytes: usize, key: Option<&Key>) -> Sector {
    let mut bytes = [0; SECTOR_BYTES];
    let (checked, behind) = bytes.split_at_mut(checked_bytes);
    for (place, byte) in checked.iter_mut().zip(fields.iter().copied().flatten()) {
        *place = *byte;
    }
    if let Some(checksum) = behind.first_chunk_mut() {
        *checksum = hash(key, checked);
    }
    bytes
}

/// The checksum computed and the one stored, if they differ.
fn checksum_fault(
    bytes: &Sector,
    checked_bytes: usize,
    key: Option<&Key>,
) -> Option<([u8; HASH_BYTES], [u8; HASH_BYTES])> {
    let (checked, behind) = bytes.split_at(checked_bytes);
    let (computed, stored) = (hash(key, checked), *behind.first_chunk()?);
    (computed != stored).then_some((computed, stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: DatabaseId = DatabaseId([5; 16]);

    #[test]
    fn a_header_comes_back_and_no_changed_byte_is_taken() {
        for key in [None, Some(Key::new([1; 32]))] {
            let links = Links { next: 77, previous: [8; 32] };
            let header = Header::new(ID, key.as_ref(), links);
            let bytes = header.encode();
            assert_eq!(Header::decode(&bytes), Ok(header));
            assert!(header.is_key(key.as_ref()));
            assert!(!header.is_key(Some(&Key::new([2; 32]))));
            assert_eq!(header.is_key(None), key.is_none());
            for place in 0..SECTOR_BYTES {
                let mut changed = bytes;
                changed[place] ^= 0x10;
                assert!(Header::decode(&changed).is_err(), "{place}");
            }
        }
    }

    #[test]
    fn a_mark_comes_back_and_no_changed_byte_is_taken() {
        for key in [None, Some(Key::new([1; 32]))] {
            let mark = Mark { state: ChainState { sequence: 9, head: [4; 32] }, end: 5000 };
            let bytes = mark.encode(ID, 3, key.as_ref());
            assert_eq!(Mark::decode(&bytes, ID, 3, key.as_ref()), Ok(Some(mark)));
            assert!(Mark::decode(&bytes, DatabaseId([6; 16]), 3, key.as_ref()).is_err());
            assert!(Mark::decode(&bytes, ID, 4, key.as_ref()).is_err());
            assert!(Mark::decode(&bytes, ID, 3, Some(&Key::new([9; 32]))).is_err());
            for place in 0..SECTOR_BYTES {
                let mut changed = bytes;
                changed[place] ^= 1;
                assert!(Mark::decode(&changed, ID, 3, key.as_ref()).is_err(), "{place}");
            }
            assert_eq!(Mark::decode(&[0; SECTOR_BYTES], ID, 3, key.as_ref()), Ok(None));
        }
    }
}
