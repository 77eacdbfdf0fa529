//! One record of the log: header, payload, padding.

use crate::encoding::Reader;
use crate::identity::DatabaseId;
use crate::sabotage::{self, Break};
use crate::wal::Lsn;

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 48;

/// What records are aligned to.
pub const ALIGNMENT: usize = 8;

const MAGIC: [u8; 4] = *b"SPGr";

/// Bytes of the header that its own checksum covers.
const CHECKED_BYTES: usize = 44;

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The log was opened: a new epoch begins.
    Start,
    /// A commit.
    Commit,
    /// A piece of a large commit, whose [`Kind::Commit`] follows.
    Part,
    /// Audit entries that belong to no commit.
    Note,
    /// Nothing happens: proves the groups before.
    Idle,
    /// The database was closed in order.
    Close,
    /// The log goes on in the next segment.
    Switch,
}

impl Kind {
    fn number(self) -> u32 {
        match self {
            Self::Start => 1,
            Self::Commit => 2,
            Self::Part => 3,
            Self::Note => 4,
            Self::Idle => 5,
            Self::Close => 6,
            Self::Switch => 7,
        }
    }

    fn of_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Start,
            2 => Self::Commit,
            3 => Self::Part,
            4 => Self::Note,
            5 => Self::Idle,
            6 => Self::Close,
            7 => Self::Switch,
            _ => return None,
        })
    }
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the payload.
    pub payload_bytes: u32,
    /// The epoch it was written in.
    pub epoch: u64,
    /// Its place.
    pub lsn: Lsn,
    /// The place of its group's first record.
    pub group: Lsn,
    /// The checksum of the record before.
    pub previous: u32,
    /// What it is for.
    pub kind: Kind,
    /// CRC-32C of the payload.
    pub payload_checksum: u32,
}

/// Bytes that a payload of `payload_bytes` takes with header and padding.
pub fn record_bytes(payload_bytes: usize) -> usize {
    HEADER_BYTES.saturating_add(payload_bytes).next_multiple_of(ALIGNMENT)
}

impl Header {
    /// Appends header, payload (in pieces) and padding; returns the record's checksum.
    pub fn write(&self, id: DatabaseId, payload: &[&[u8]], out: &mut Vec<u8>) -> u32 {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.lsn.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.group.0.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.previous.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.kind.number().to_le_bytes());
        bytes[40..44].copy_from_slice(&self.payload_checksum.to_le_bytes());
        let checksum = header_checksum(id, &bytes[..CHECKED_BYTES]);
        bytes[44..].copy_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&bytes);
        for piece in payload {
            out.extend_from_slice(piece);
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        checksum
    }

    /// Reads a header with its checksum; None if no header of this database stands there.
    pub fn read(id: DatabaseId, bytes: &[u8]) -> Option<(Self, u32)> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        if !bytes.starts_with(&MAGIC) {
            return None;
        }
        let checksum = header_checksum(id, bytes.get(..CHECKED_BYTES)?);
        let mut reader = Reader::new(bytes.get(MAGIC.len()..)?);
        let mut read = || {
            let header = Self {
                payload_bytes: reader.u32()?,
                epoch: reader.u64()?,
                lsn: Lsn(reader.u64()?),
                group: Lsn(reader.u64()?),
                previous: reader.u32()?,
                kind: Kind::of_number(reader.u32()?).ok_or_else(|| reader.error("a kind"))?,
                payload_checksum: reader.u32()?,
            };
            Ok::<_, crate::encoding::DecodeError>((header, reader.u32()?))
        };
        let (header, found) = read().ok()?;
        (found == checksum).then_some((header, checksum))
    }

    /// Whether a record may have been begun at the start of `bytes`.
    pub fn is_begun(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// The payload behind the header at the start of `bytes`; None unless it and its padding are as they were written.
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let length = self.payload_bytes as usize;
        let end = HEADER_BYTES.checked_add(length)?;
        let payload = bytes.get(HEADER_BYTES..end)?;
        let padding = bytes.get(end..record_bytes(length))?;
        let whole = padding.iter().all(|byte| *byte == 0)
            && (crc32c::crc32c(payload) == self.payload_checksum
                || sabotage::is(Break::IgnoreChecksum));
        whole.then_some(payload)
    }
}

fn header_checksum(id: DatabaseId, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.0), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: DatabaseId = DatabaseId([7; 16]);

    fn record(payload: &[u8]) -> (Header, Vec<u8>) {
        let header = Header {
            payload_bytes: payload.len() as u32,
            epoch: 3,
            lsn: Lsn(4096),
            group: Lsn(4000),
            previous: 99,
            kind: Kind::Commit,
            payload_checksum: crc32c::crc32c(payload),
        };
        let mut bytes = Vec::new();
        let checksum = header.write(ID, &[payload], &mut bytes);
        assert_eq!(Header::read(ID, &bytes), Some((header, checksum)));
        (header, bytes)
    }

    #[test]
    fn every_changed_byte_shows() {
        for payload in [&b""[..], b"x", b"eight by", b"more than eight bytes"] {
            let (header, bytes) = record(payload);
            assert_eq!(bytes.len(), record_bytes(payload.len()));
            assert_eq!(header.payload(&bytes), Some(payload));
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[place] ^= 0x40;
                let read = Header::read(ID, &changed)
                    .and_then(|(header, _)| header.payload(&changed).map(<[u8]>::to_vec));
                assert_eq!(read, None, "byte {place}");
            }
            for length in 0..bytes.len() {
                let read = Header::read(ID, &bytes[..length])
                    .and_then(|(header, _)| header.payload(&bytes[..length]));
                assert_eq!(read, None, "{length} bytes");
            }
        }
    }

    #[test]
    fn a_record_of_another_database_is_none() {
        let (_, bytes) = record(b"payload");
        assert_eq!(Header::read(DatabaseId([8; 16]), &bytes), None);
    }
}
