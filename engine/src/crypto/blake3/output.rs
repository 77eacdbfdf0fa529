//! Extended output: any part of the 2^64 bytes that a root yields.

use std::fmt;

use super::compress::BLOCK_BYTES;
use super::tree::Node;

/// Reads the extended output of a hasher, from any position.
#[derive(Clone)]
pub struct OutputReader {
    root: Node,
    position: u64,
}

impl OutputReader {
    pub(super) fn new(root: Node) -> OutputReader {
        OutputReader { root, position: 0 }
    }

    /// Fills `buffer` with the bytes at the position and moves past them. The output has 2^64 bytes;
    /// after the last one it starts again at the first.
    pub fn fill(&mut self, mut buffer: &mut [u8]) {
        while !buffer.is_empty() {
            let block_bytes = BLOCK_BYTES as u64;
            let block: [u8; BLOCK_BYTES] =
                bytes_of(&self.root.root_block(self.position / block_bytes));
            let available = &block[(self.position % block_bytes) as usize..];
            let (filled, rest) = buffer.split_at_mut(available.len().min(buffer.len()));
            filled.copy_from_slice(&available[..filled.len()]);
            self.position = self.position.wrapping_add(filled.len() as u64);
            buffer = rest;
        }
    }

    /// Moves to a byte of the output.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// The byte that the next `fill` starts at.
    pub fn position(&self) -> u64 {
        self.position
    }
}

/// Shows only the position, as the root may stem from a key.
impl fmt::Debug for OutputReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputReader").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Words as little-endian bytes; `BYTES` is four times as many as there are words.
pub(super) fn bytes_of<const BYTES: usize>(words: &[u32]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
