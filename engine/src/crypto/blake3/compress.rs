//! The compression function: one block at a time, or one block of each of `N` inputs at once.

use super::CHUNK_BYTES;

/// Bytes that one compression takes in.
pub(super) const BLOCK_BYTES: usize = 64;

/// The eight words that one compression hands to the next, and a node to its parent.
pub(super) type ChainingValue = [u32; 8];

/// A block as sixteen little-endian words.
pub(super) type Words = [u32; 16];

/// Domain separation bits, section 2.2 of the specification.
pub(super) mod flags {
    pub(in super::super) const CHUNK_START: u32 = 1 << 0;
    pub(in super::super) const CHUNK_END: u32 = 1 << 1;
    pub(in super::super) const PARENT: u32 = 1 << 2;
    pub(in super::super) const ROOT: u32 = 1 << 3;
    pub(in super::super) const KEYED_HASH: u32 = 1 << 4;
    pub(in super::super) const DERIVE_KEY_CONTEXT: u32 = 1 << 5;
    pub(in super::super) const DERIVE_KEY_MATERIAL: u32 = 1 << 6;
}

/// The initial chaining value, which is SHA-256's: the fractional parts of the square roots of the
/// first eight primes.
pub(super) const IV: ChainingValue = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Which message word stands at each place after one permutation.
const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/// The order of the message words in each of the seven rounds: the permutation applied 0 to 6 times.
const SCHEDULE: [[usize; 16]; 7] = {
    let mut schedule = [[0; 16]; 7];
    let mut place = 0;
    while place < 16 {
        let mut word = place;
        let mut round = 0;
        while round < 7 {
            schedule[round][place] = word;
            word = PERMUTATION[word];
            round += 1;
        }
        place += 1;
    }
    schedule
};

/// What a compression takes beside the chaining value: a block, its length, its position and role.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// The bytes as words, zero after the end.
    pub(super) words: Words,
    /// The chunk's index in the input, the output block's index for a root, 0 for other parents;
    /// low half first.
    pub(super) counter: [u32; 2],
    /// How many bytes of the block are input.
    pub(super) length_bytes: u32,
    /// The union of the `flags` that apply.
    pub(super) flags: u32,
}

/// Compresses one block into all sixteen words; the first eight are the next chaining value.
#[expect(clippy::inline_always, reason = "a lane loop is vectorised only around inlined code")]
#[inline(always)]
pub(super) fn compress(chaining: &ChainingValue, block: &Block) -> Words {
    let mut state = [0; 16];
    state[..8].copy_from_slice(chaining);
    state[8..12].copy_from_slice(&IV[..4]);
    state[12..14].copy_from_slice(&block.counter);
    state[14] = block.length_bytes;
    state[15] = block.flags;

    round::<0>(&mut state, &block.words);
    round::<1>(&mut state, &block.words);
    round::<2>(&mut state, &block.words);
    round::<3>(&mut state, &block.words);
    round::<4>(&mut state, &block.words);
    round::<5>(&mut state, &block.words);
    round::<6>(&mut state, &block.words);

    for index in 0..8 {
        state[index] ^= state[index + 8];
        state[index + 8] ^= chaining[index];
    }
    state
}

/// The chaining value that follows one block.
pub(super) fn chain(chaining: &ChainingValue, block: &Block) -> ChainingValue {
    first_half(&compress(chaining, block))
}

/// The first eight of sixteen words.
pub(super) fn first_half(words: &Words) -> ChainingValue {
    std::array::from_fn(|index| words[index])
}

/// One round: mixes the columns of the 4 by 4 state, then its diagonals. The round's number is a
/// constant so that every index is one too.
#[expect(clippy::inline_always, reason = "a lane loop is vectorised only around inlined code")]
#[inline(always)]
fn round<const ROUND: usize>(state: &mut Words, words: &Words) {
    let word = |place: usize| words[SCHEDULE[ROUND][place]];
    mix(state, [0, 4, 8, 12], word(0), word(1));
    mix(state, [1, 5, 9, 13], word(2), word(3));
    mix(state, [2, 6, 10, 14], word(4), word(5));
    mix(state, [3, 7, 11, 15], word(6), word(7));
    mix(state, [0, 5, 10, 15], word(8), word(9));
    mix(state, [1, 6, 11, 12], word(10), word(11));
    mix(state, [2, 7, 8, 13], word(12), word(13));
    mix(state, [3, 4, 9, 14], word(14), word(15));
}

/// Mixes two message words into four words of the state (the specification's function G).
#[expect(clippy::inline_always, reason = "a lane loop is vectorised only around inlined code")]
#[inline(always)]
fn mix(state: &mut Words, [a, b, c, d]: [usize; 4], first: u32, second: u32) {
    state[a] = state[a].wrapping_add(state[b]).wrapping_add(first);
    state[d] = (state[d] ^ state[a]).rotate_right(16);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_right(12);
    state[a] = state[a].wrapping_add(state[b]).wrapping_add(second);
    state[d] = (state[d] ^ state[a]).rotate_right(8);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_right(7);
}

/// A counter as two words, low half first.
pub(super) fn halves(counter: u64) -> [u32; 2] {
    [counter as u32, (counter >> 32) as u32]
}

/// Up to 64 bytes as words, zero after the end.
pub(super) fn words_of(bytes: &[u8]) -> Words {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks(4)) {
        let mut padded = [0; 4];
        padded[..bytes.len()].copy_from_slice(bytes);
        *word = u32::from_le_bytes(padded);
    }
    words
}

/// The same word of `N` independent compressions, side by side.
type Lanes<const N: usize> = [u32; N];

/// Compresses one block of `N` inputs in step: `blocks[word][lane]`, and `chaining` likewise, which
/// is replaced; `counters` likewise, low half first. Length and flags are common.
///
/// The body is `compress` itself with the lanes as the innermost loop: iterations are independent
/// and memory is laid out by word, so the compiler turns the loop into vector instructions of
/// whatever width the target has. It stays a function of its own to keep that certain.
#[inline(never)]
fn chain_lanes<const N: usize>(
    chaining: &mut [Lanes<N>; 8],
    blocks: &[Lanes<N>; 16],
    counters: &[Lanes<N>; 2],
    flags: u32,
) {
    for lane in 0..N {
        let block = Block {
            words: std::array::from_fn(|word| blocks[word][lane]),
            counter: [counters[0][lane], counters[1][lane]],
            length_bytes: BLOCK_BYTES as u32,
            flags,
        };
        let before = std::array::from_fn(|word| chaining[word][lane]);
        let after = compress(&before, &block);
        for word in 0..8 {
            chaining[word][lane] = after[word];
        }
    }
}

/// Hashes `N` whole chunks that follow each other in the input, the first being number `counter`.
/// `input` is exactly `N` chunks long, and the tree has more nodes than any of them.
pub(super) fn chunks<const N: usize>(
    key: &ChainingValue,
    input: &[u8],
    counter: u64,
    mode: u32,
) -> [ChainingValue; N] {
    assert_eq!(input.len(), N * CHUNK_BYTES, "the input is N whole chunks");
    let counters =
        std::array::from_fn(|half| std::array::from_fn(|lane| halves(counter + lane as u64)[half]));
    let mut chaining = key.map(|word| [word; N]);
    for start in (0..CHUNK_BYTES).step_by(BLOCK_BYTES) {
        let blocks = std::array::from_fn(|word| {
            std::array::from_fn(|lane| {
                let at = lane * CHUNK_BYTES + start + 4 * word;
                u32::from_le_bytes([input[at], input[at + 1], input[at + 2], input[at + 3]])
            })
        });
        let first = if start == 0 { flags::CHUNK_START } else { 0 };
        let last = if start + BLOCK_BYTES == CHUNK_BYTES { flags::CHUNK_END } else { 0 };
        chain_lanes(&mut chaining, &blocks, &counters, mode | first | last);
    }
    by_lane(&chaining)
}

/// Hashes `2 * N` neighbouring nodes into their `N` parents, none of which is the root.
pub(super) fn parents<const N: usize>(
    key: &ChainingValue,
    children: &[ChainingValue],
    mode: u32,
) -> [ChainingValue; N] {
    debug_assert_eq!(children.len(), 2 * N, "every parent has two children");
    let mut chaining = key.map(|word| [word; N]);
    let blocks = std::array::from_fn(|word| {
        std::array::from_fn(|lane| children[2 * lane + word / 8][word % 8])
    });
    chain_lanes(&mut chaining, &blocks, &[[0; N]; 2], mode | flags::PARENT);
    by_lane(&chaining)
}

/// Turns words of lanes into one chaining value a lane.
fn by_lane<const N: usize>(chaining: &[Lanes<N>; 8]) -> [ChainingValue; N] {
    std::array::from_fn(|lane| std::array::from_fn(|word| chaining[word][lane]))
}
