//! Whether an entry is the next one: its form, its place, the link to the one before, its own hash.

use super::entry::{Entry, Kind, genesis_previous};
use super::key::{Key, hash};
use crate::crypto::blake3::HASH_BYTES;
use crate::identity::{ChainState, DatabaseId, hex};

/// What the next entry must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Links {
    /// The next entry's sequence.
    pub(super) next: u64,
    /// The hash it must name as the previous one.
    pub(super) previous: [u8; HASH_BYTES],
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// Bytes from the entry's start.
    pub(super) offset: u64,
    pub(super) message: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Links {
    /// Before the genesis entry.
    pub(super) fn genesis(id: DatabaseId) -> Self {
        Self { next: 0, previous: genesis_previous(id) }
    }

    /// After an entry.
    pub(super) fn after(state: ChainState) -> Self {
        Self { next: state.sequence.saturating_add(1), previous: state.head }
    }

    /// The chain's state, unless there is no entry yet.
    pub(super) fn state(&self) -> Option<ChainState> {
        let sequence = self.next.checked_sub(1)?;
        Some(ChainState { sequence, head: self.previous })
    }

    /// Takes the next entry over. On a mismatch nothing changes.
    pub(super) fn follow<'a>(
        &mut self,
        bytes: &'a [u8],
        key: Option<&Key>,
    ) -> Result<Entry<'a>, Mismatch> {
        let entry = Entry::decode(bytes).map_err(|error| Mismatch {
            offset: error.offset as u64,
            message: "the entry is malformed",
            expected: error.expected.to_owned(),
            found: "other bytes".to_owned(),
        })?;
        let differs = |offset, message, expected: String, found: String| {
            Err(Mismatch { offset, message, expected, found })
        };
        if entry.sequence != self.next {
            let (expected, found) = (self.next.to_string(), entry.sequence.to_string());
            return differs(8, "the entry's sequence differs", expected, found);
        }
        if entry.previous != self.previous {
            let (expected, found) = (hex(&self.previous), hex(&entry.previous));
            return differs(80, "the entry does not follow the one before", expected, found);
        }
        let hashed = bytes.len().saturating_sub(HASH_BYTES);
        let expected = hash(key, bytes.get(..hashed).unwrap_or_default());
        if entry.hash != expected {
            let (expected, found) = (hex(&expected), hex(&entry.hash));
            return differs(0, "the entry's hash differs", expected, found);
        }
        if (entry.kind == Kind::Genesis) != (entry.sequence == 0) {
            let found = entry.kind.name().to_owned();
            let expected = "genesis as entry 0 and nowhere else".to_owned();
            return differs(16, "the entry's kind differs", expected, found);
        }
        *self = Self::after(entry.state());
        Ok(entry)
    }
}
