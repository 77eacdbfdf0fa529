//! What a record of the log that opens or closes it says: where the database stands.
//!
//! ```text
//! start   varint commit · i64 time (microseconds since 1970) · chain
//! close   chain
//! note    u64 first entry's sequence · audit entries
//! chain   u8 0: none · 1: varint sequence, 32 bytes head; synced in the audit log
//! ```

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::encoding::{DecodeError, Reader, put_varint};
use crate::identity::ChainState;

/// What a start record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The last commit.
    pub(super) commit: u64,
    /// When the log was opened.
    pub(super) time_us: i64,
    /// Where the audit chain stands; None: there is no audit log.
    pub(super) chain: Option<ChainState>,
}

impl Start {
    /// Appends it.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.commit);
        out.extend_from_slice(&self.time_us.to_le_bytes());
        encode_chain(self.chain, out);
    }

    /// Reads it.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let start = Self {
            commit: reader.varint()?,
            time_us: i64::from_le_bytes(reader.array()?),
            chain: decode_chain(&mut reader)?,
        };
        reader.end()?;
        Ok(start)
    }
}

/// Appends where the audit chain stands.
pub(super) fn encode_chain(chain: Option<ChainState>, out: &mut Vec<u8>) {
    out.push(u8::from(chain.is_some()));
    if let Some(chain) = chain {
        put_varint(out, chain.sequence);
        out.extend_from_slice(&chain.head);
    }
}

/// Reads where the audit chain stands.
pub(super) fn decode_chain(reader: &mut Reader<'_>) -> Result<Option<ChainState>, DecodeError> {
    if !reader.bool()? {
        return Ok(None);
    }
    Ok(Some(ChainState { sequence: reader.varint()?, head: reader.array()? }))
}

/// Reads a note: the first entry's sequence, the entries.
pub(super) fn decode_note(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let mut reader = Reader::new(bytes);
    let first = reader.u64()?;
    Ok((first, reader.take(reader.remaining())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back() {
        let chain = ChainState { sequence: 300, head: [9; 32] };
        for chain in [None, Some(chain)] {
            let start = Start { commit: 77, time_us: -5, chain };
            let mut bytes = Vec::new();
            start.encode(&mut bytes);
            assert_eq!(Start::decode(&bytes), Ok(start));
            for length in 0..bytes.len() {
                assert!(Start::decode(&bytes[..length]).is_err());
            }
        }
    }
}
