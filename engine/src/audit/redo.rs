//! What is known of the chain from elsewhere: the last entry that was synced, and entries that log or image hold.

use super::entry::{ENTRY_BYTES_MIN, Entry, entry_length};
use super::links::{Links, Mismatch};
use crate::identity::ChainState;

/// What log and image know about the audit log when it is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// The last entry of which they say that it was synced into the audit files.
    pub proven: Option<ChainState>,
    /// The sequence of the first entry in `redo`.
    pub redo_first: u64,
    /// The entries they hold, one after the other, as they were appended.
    pub redo: Vec<u8>,
    /// There is neither log nor image: what the files have is all there is.
    pub standalone: bool,
    /// The files may have entries behind those: the operator gave up what they were made for.
    pub goes_on: bool,
}

impl Expectation {
    /// The audit files are the only record.
    pub fn standalone() -> Self {
        Self { standalone: true, ..Self::default() }
    }
}

/// Entries from elsewhere, read forward only.
#[derive(Clone, Debug)]
pub(super) struct Redo<'a> {
    /// The sequence of the first entry in `rest`.
    next: u64,
    rest: &'a [u8],
    /// The last entry's sequence.
    last: Option<u64>,
}

impl<'a> Redo<'a> {
    /// Checks the entries' forms and sequences; whether they are linked is seen when they are used. The error is the sequence
    /// of the entry that is malformed.
    pub(super) fn new(expectation: &'a Expectation) -> Result<Self, u64> {
        let first = expectation.redo_first;
        let mut redo = Self { next: first, rest: &expectation.redo, last: None };
        let mut last = None;
        while !redo.rest.is_empty() {
            let entry = redo.front().and_then(|bytes| Entry::decode(bytes).ok());
            if entry.is_none_or(|entry| entry.sequence != redo.next) {
                return Err(redo.next);
            }
            last = Some(redo.next);
            redo.advance();
        }
        Ok(Self { next: first, rest: &expectation.redo, last })
    }

    /// The last entry's sequence; none without entries.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// The entry with this sequence, and all behind it. Earlier ones are passed over for good.
    pub(super) fn from(&mut self, sequence: u64) -> Option<&'a [u8]> {
        while self.next < sequence && !self.rest.is_empty() {
            self.advance();
        }
        (self.next == sequence && !self.rest.is_empty()).then_some(self.rest)
    }

    /// The entry with this sequence. Earlier ones are passed over for good.
    pub(super) fn entry(&mut self, sequence: u64) -> Option<&'a [u8]> {
        self.from(sequence)?;
        self.front()
    }

    /// The first sequence still ahead.
    pub(super) fn next(&self) -> Option<u64> {
        (!self.rest.is_empty()).then_some(self.next)
    }

    /// Follows the links through all entries from the next one on, and answers their bytes.
    pub(super) fn follow(
        &mut self,
        links: &mut Links,
        key: Option<&super::Key>,
    ) -> Result<&'a [u8], Mismatch> {
        let Some(bytes) = self.from(links.next) else { return Ok(&[]) };
        while let Some(entry) = self.entry(links.next) {
            links.follow(entry, key)?;
        }
        Ok(bytes)
    }

    fn front(&self) -> Option<&'a [u8]> {
        self.rest.get(..entry_length(*self.rest.first_chunk()?)?)
    }

    fn advance(&mut self) {
        let length = self.front().map_or(ENTRY_BYTES_MIN, <[u8]>::len);
        self.rest = self.rest.get(length..).unwrap_or_default();
        self.next = self.next.saturating_add(1);
    }
}
