//! Nodes of the tree: the chunk that is being filled, and any node before it is known to be root.

use super::CHUNK_BYTES;
use super::compress::{
    BLOCK_BYTES, Block, ChainingValue, Words, chain, compress, first_half, flags, halves, words_of,
};

/// A node whose last compression is still to be done, because the root's differs from the others'.
#[derive(Clone)]
pub(super) struct Node {
    chaining: ChainingValue,
    block: Block,
}

impl Node {
    /// The parent of two nodes.
    pub(super) fn parent(
        key: &ChainingValue,
        left: &ChainingValue,
        right: &ChainingValue,
        mode: u32,
    ) -> Node {
        let mut words = [0; 16];
        words[..8].copy_from_slice(left);
        words[8..].copy_from_slice(right);
        let block = Block {
            words,
            counter: [0; 2],
            length_bytes: BLOCK_BYTES as u32,
            flags: mode | flags::PARENT,
        };
        Node { chaining: *key, block }
    }

    /// What the node hands to its parent.
    pub(super) fn chaining_value(&self) -> ChainingValue {
        chain(&self.chaining, &self.block)
    }

    /// The first eight words of the output, the node being the root.
    pub(super) fn root_hash(&self) -> ChainingValue {
        first_half(&self.root_block(0))
    }

    /// The 64 bytes of output number `index`, the node being the root.
    pub(super) fn root_block(&self, index: u64) -> Words {
        let flags = self.block.flags | flags::ROOT;
        compress(&self.chaining, &Block { counter: halves(index), flags, ..self.block })
    }
}

/// A chunk that takes input. Its last block is held back: only the end of the chunk shows whether
/// it is the one to be compressed under `CHUNK_END`.
#[derive(Clone)]
pub(super) struct Chunk {
    chaining: ChainingValue,
    counter: u64,
    mode: u32,
    /// Blocks already compressed into `chaining`.
    block_count: usize,
    /// The bytes after them, zero beyond `held_bytes`.
    held: [u8; BLOCK_BYTES],
    held_bytes: usize,
}

impl Chunk {
    /// The empty chunk at index `counter` of the input.
    pub(super) fn new(key: &ChainingValue, counter: u64, mode: u32) -> Chunk {
        Chunk {
            chaining: *key,
            counter,
            mode,
            block_count: 0,
            held: [0; BLOCK_BYTES],
            held_bytes: 0,
        }
    }

    /// The chunk's index in the input.
    pub(super) fn counter(&self) -> u64 {
        self.counter
    }

    /// How many bytes were taken.
    pub(super) fn len_bytes(&self) -> usize {
        self.block_count * BLOCK_BYTES + self.held_bytes
    }

    /// Takes what fits from the front of `input` and returns the rest.
    pub(super) fn fill<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let (mut input, rest) = input.split_at(input.len().min(CHUNK_BYTES - self.len_bytes()));
        while !input.is_empty() {
            if self.held_bytes == BLOCK_BYTES {
                self.chaining = chain(&self.chaining, &self.held_block(0));
                self.block_count += 1;
                self.held = [0; BLOCK_BYTES];
                self.held_bytes = 0;
            }
            let (taken, left) = input.split_at(input.len().min(BLOCK_BYTES - self.held_bytes));
            self.held[self.held_bytes..][..taken.len()].copy_from_slice(taken);
            self.held_bytes += taken.len();
            input = left;
        }
        rest
    }

    /// The chunk as it stands, as a node.
    pub(super) fn node(&self) -> Node {
        Node { chaining: self.chaining, block: self.held_block(flags::CHUNK_END) }
    }

    fn held_block(&self, end: u32) -> Block {
        let start = if self.block_count == 0 { flags::CHUNK_START } else { 0 };
        Block {
            words: words_of(&self.held),
            counter: halves(self.counter),
            length_bytes: self.held_bytes as u32,
            flags: self.mode | start | end,
        }
    }
}
