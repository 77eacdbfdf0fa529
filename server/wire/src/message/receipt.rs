//! Receipts: what a commit is acknowledged with.
//!
//! | bytes | means |
//! |---|---|
//! | 0 | nothing was committed |
//! | 8 | u64 commit number; the database has no audit log |
//! | 48 | u64 commit number, u64 sequence of the last audit entry, its hash |

use std::fmt;

use crate::decode::Reader;
use crate::error::ProtocolError;

/// Bytes of a receipt that names an audit head.
pub const RECEIPT_BYTES_MAX: usize = 48;

/// What a commit is acknowledged with. Kept by the client, it proves later that the commit is still in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The commit's number.
    pub commit: u64,
    /// Where the audit chain stands after it; None if the database has no audit log, or if the commit was acknowledged
    /// before it was durable (`synchronous_commit` off).
    pub head: Option<AuditHead>,
}

/// The end of an audit chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The last entry's sequence number.
    pub sequence: u64,
    /// Its hash, which depends on all entries before it.
    pub hash: [u8; 32],
}

impl Receipt {
    /// How many bytes it takes.
    #[inline]
    pub fn bytes(&self) -> usize {
        if self.head.is_some() { RECEIPT_BYTES_MAX } else { 8 }
    }

    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.commit.to_le_bytes());
        if let Some(head) = &self.head {
            out.extend_from_slice(&head.sequence.to_le_bytes());
            out.extend_from_slice(&head.hash);
        }
    }

    /// Writes it into the room that was kept for it, which must have its size.
    pub fn fill(&self, room: &mut [u8]) {
        debug_assert_eq!(room.len(), self.bytes(), "room for another kind of receipt");
        let mut bytes = Vec::with_capacity(RECEIPT_BYTES_MAX);
        self.encode(&mut bytes);
        if bytes.len() == room.len() {
            room.copy_from_slice(&bytes);
        }
    }

    /// What the rest of a payload holds.
    #[inline]
    pub fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, ProtocolError> {
        if reader.rest().is_empty() {
            return Ok(None);
        }
        let commit = reader.u64()?;
        let mut head = None;
        if !reader.rest().is_empty() {
            head = Some(AuditHead { sequence: reader.u64()?, hash: reader.array()? });
        }
        Ok(Some(Self { commit, head }))
    }
}

impl fmt::Display for Receipt {
    /// The commit's number, and the head's hexadecimal digits if there is one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.commit)?;
        match &self.head {
            Some(head) => write!(formatter, " {head}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AuditHead {
    /// The hash's hexadecimal digits: what `expect_head` takes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_commit_and_head() {
        assert_eq!(Receipt { commit: 7, head: None }.to_string(), "7");
        let hash = std::array::from_fn(|place| place as u8);
        let receipt = Receipt { commit: 7, head: Some(AuditHead { sequence: 3, hash }) };
        assert!(receipt.to_string().starts_with("7 000102030405"), "{receipt}");
        assert_eq!(receipt.to_string().len(), 2 + 64);
    }

    #[test]
    fn only_its_three_lengths_are_read() {
        let bytes = [1; RECEIPT_BYTES_MAX + 1];
        for length in 0..=bytes.len() {
            let mut reader = Reader::new(&bytes[..length]);
            let read = Receipt::decode(&mut reader).and_then(|receipt| {
                reader.finish()?;
                Ok(receipt)
            });
            assert_eq!(read.is_ok(), matches!(length, 0 | 8 | 48), "{length}");
            if let Ok(Some(receipt)) = read {
                let mut again = Vec::new();
                receipt.encode(&mut again);
                assert_eq!((again.as_slice(), receipt.bytes()), (&bytes[..length], length));
            }
        }
    }
}
