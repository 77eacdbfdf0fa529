//! The incremental hasher: a partial chunk and a stack of the full subtrees to its left.

use std::fmt;

use super::compress::{ChainingValue, IV, chunks, first_half, flags, parents, words_of};
use super::output::{OutputReader, bytes_of};
use super::tree::{Chunk, Node};
use super::{CHUNK_BYTES, HASH_BYTES, Hash};

/// Hashes input that arrives in pieces of any size.
///
/// Invariant: the stack has one subtree for each set bit of the number of finished chunks, the
/// largest first, so it holds at most 54 values.
#[derive(Clone)]
pub struct Hasher {
    key: ChainingValue,
    mode: u32,
    chunk: Chunk,
    subtrees: Vec<ChainingValue>,
}

impl Hasher {
    /// A hasher for the plain hash.
    pub fn new() -> Hasher {
        Hasher::with_mode(IV, 0)
    }

    /// A hasher for the keyed hash: a message authentication code or pseudorandom function.
    pub fn new_keyed(key: &[u8; HASH_BYTES]) -> Hasher {
        Hasher::with_mode(key_words(key), flags::KEYED_HASH)
    }

    /// A hasher that derives a key from the key material it is given. `context` is a constant of the
    /// program, unique to the purpose, never itself secret or from input.
    pub fn new_derive_key(context: &str) -> Hasher {
        let context =
            Hasher::with_mode(IV, flags::DERIVE_KEY_CONTEXT).update(context.as_bytes()).finalize();
        Hasher::with_mode(key_words(context.as_bytes()), flags::DERIVE_KEY_MATERIAL)
    }

    fn with_mode(key: ChainingValue, mode: u32) -> Hasher {
        Hasher { key, mode, chunk: Chunk::new(&key, 0, mode), subtrees: Vec::new() }
    }

    /// Takes more input.
    pub fn update(&mut self, mut input: &[u8]) -> &mut Hasher {
        // A node joins the stack only while input is left, as then it cannot be the root.
        while !input.is_empty() {
            if self.chunk.len_bytes() == CHUNK_BYTES {
                let chunk = self.chunk.node().chaining_value();
                self.push_subtree(chunk, 1);
            }
            input = match self.lane_count(input.len()) {
                8 => self.take_eight_chunks(input),
                4 => self.take_four_chunks(input),
                _ => self.chunk.fill(input),
            };
        }
        self
    }

    /// How many of the next chunks form a full subtree that does not end the input, and so can be
    /// hashed side by side: 8, 4, or 1 for the plain way.
    fn lane_count(&self, input_bytes: usize) -> u64 {
        let whole_chunk_count = (input_bytes - 1) / CHUNK_BYTES;
        let fits =
            |count| whole_chunk_count >= count && self.chunk.counter().is_multiple_of(count as u64);
        match self.chunk.len_bytes() {
            0 if fits(8) => 8,
            0 if fits(4) => 4,
            _ => 1,
        }
    }

    fn take_eight_chunks<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let (subtree, rest) = input.split_at(8 * CHUNK_BYTES);
        let leaves = chunks::<8>(&self.key, subtree, self.chunk.counter(), self.mode);
        let fours = parents::<4>(&self.key, &leaves, self.mode);
        let twos = parents::<2>(&self.key, &fours, self.mode);
        let [top] = parents::<1>(&self.key, &twos, self.mode);
        self.push_subtree(top, 8);
        rest
    }

    fn take_four_chunks<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let (subtree, rest) = input.split_at(4 * CHUNK_BYTES);
        let leaves = chunks::<4>(&self.key, subtree, self.chunk.counter(), self.mode);
        let twos = parents::<2>(&self.key, &leaves, self.mode);
        let [top] = parents::<1>(&self.key, &twos, self.mode);
        self.push_subtree(top, 4);
        rest
    }

    /// Adds a full subtree of `chunk_count` (a power of two) chunks, joins it with every neighbour
    /// of its size, and opens the chunk after it.
    fn push_subtree(&mut self, mut subtree: ChainingValue, chunk_count: u64) {
        let finished = self.chunk.counter() + chunk_count;
        let mut size = chunk_count;
        while finished & size == 0 {
            let left = self.subtrees.pop().expect("a smaller count had this bit set");
            subtree = Node::parent(&self.key, &left, &subtree, self.mode).chaining_value();
            size *= 2;
        }
        self.subtrees.push(subtree);
        self.chunk = Chunk::new(&self.key, finished, self.mode);
    }

    /// The root over everything taken so far.
    fn root(&self) -> Node {
        self.subtrees.iter().rev().fold(self.chunk.node(), |right, left| {
            Node::parent(&self.key, left, &right.chaining_value(), self.mode)
        })
    }

    /// The hash of everything taken so far; more input may follow.
    pub fn finalize(&self) -> Hash {
        Hash::from(bytes_of(&self.root().root_hash()))
    }

    /// The extended output for everything taken so far: as many bytes as wanted, of which the first
    /// 32 are the hash.
    pub fn finalize_xof(&self) -> OutputReader {
        OutputReader::new(self.root())
    }
}

impl Default for Hasher {
    fn default() -> Hasher {
        Hasher::new()
    }
}

/// Shows nothing, as the state may hold a key.
impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").finish_non_exhaustive()
    }
}

fn key_words(key: &[u8; HASH_BYTES]) -> ChainingValue {
    first_half(&words_of(key))
}
