//! The chain's end: gives drafts their place, links and hashes them.

use super::entry::{Draft, encode_unhashed, genesis_previous};
use super::key::{Key, hash};
use crate::identity::{ChainState, DatabaseId};

/// Where the chain stands and what it hashes with. Appending only makes bytes: [`super::AuditLog::append`] writes them.
#[derive(Clone, Debug)]
pub struct Chain {
    state: ChainState,
    key: Option<Key>,
}

impl Chain {
    /// A chain that goes on from a state.
    pub fn new(state: ChainState, key: Option<Key>) -> Self {
        Self { state, key }
    }

    /// A chain's first entry, into `out`.
    pub(super) fn genesis(
        id: DatabaseId,
        time_us: i64,
        key: Option<Key>,
        out: &mut Vec<u8>,
    ) -> Self {
        let state = ChainState { sequence: 0, head: genesis_previous(id) };
        let mut chain = Self { state, key };
        chain.place(&Draft::genesis(time_us), 0, out);
        chain
    }

    /// The last entry.
    pub fn state(&self) -> ChainState {
        self.state
    }

    /// Goes back to an earlier state: what was appended since is not part of the chain, because it could not be written.
    pub fn reset(&mut self, state: ChainState) {
        self.state = state;
    }

    /// Gives a draft the next place, writes the entry behind what `out` has, and answers the chain's new state.
    pub fn append(&mut self, draft: &Draft<'_>, out: &mut Vec<u8>) -> ChainState {
        // 2^64 entries are 500,000 years of a million a second.
        self.place(draft, self.state.sequence.saturating_add(1), out)
    }

    fn place(&mut self, draft: &Draft<'_>, sequence: u64, out: &mut Vec<u8>) -> ChainState {
        let start = out.len();
        encode_unhashed(draft, sequence, &self.state.head, out);
        let head = hash(self.key.as_ref(), out.get(start..).unwrap_or_default());
        out.extend_from_slice(&head);
        self.state = ChainState { sequence, head };
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Entry;
    use super::*;

    const ID: DatabaseId = DatabaseId([9; 16]);

    #[test]
    fn entries_are_linked_and_hashed() {
        for key in [None, Some(Key::new([3; 32]))] {
            let mut bytes = Vec::new();
            let mut chain = Chain::genesis(ID, -5, key.clone(), &mut bytes);
            let genesis_bytes = bytes.len();
            let first = chain.state();
            let second = chain.append(&Draft::statement(7, 8, "INSERT", [1; 32]), &mut bytes);

            let genesis = Entry::decode(&bytes[..genesis_bytes]).unwrap();
            assert_eq!((genesis.sequence, genesis.time_us, genesis.state()), (0, -5, first));
            assert_eq!(genesis.previous, genesis_previous(ID));
            let entry = Entry::decode(&bytes[genesis_bytes..]).unwrap();
            assert_eq!((entry.previous, entry.state()), (first.head, second));
            assert_eq!((entry.sequence, entry.commit, entry.time_us), (1, 7, 8));
            let hashed = &bytes[genesis_bytes..bytes.len() - 32];
            assert_eq!(entry.hash, hash(key.as_ref(), hashed));
        }
    }

    #[test]
    fn a_chain_that_went_back_appends_the_same_again() {
        let mut bytes = Vec::new();
        let mut chain = Chain::genesis(ID, 0, None, &mut bytes);
        let before = chain.state();
        let draft = Draft::statement(1, 1, "DELETE FROM t", [0; 32]);
        let (mut once, mut again) = (Vec::new(), Vec::new());
        let after = chain.append(&draft, &mut once);
        chain.append(&draft, &mut Vec::new());
        chain.reset(before);
        assert_eq!(chain.append(&draft, &mut again), after);
        assert_eq!(once, again);
    }
}
