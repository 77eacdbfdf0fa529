//! BLAKE3 from its specification: hash, keyed hash, key derivation and extended output.
//!
//! The input is cut into chunks of 1024 bytes, the leaves of a binary tree whose left subtrees are
//! always full powers of two. A chunk is a chain of compressions over its 64-byte blocks, a parent
//! is one compression over its two children, and the root's compression can be repeated under a
//! counter for as much output as wanted.
//!
//! ```text
//!            root                 compress    the compression function, one or N lanes wide
//!          /      \               tree        nodes, the partial chunk
//!      parent    parent           hasher      input in, stack of finished subtrees
//!      /    \    /    \           output      bytes out of the root
//!  chunk chunk chunk chunk           digest      the hash value and its text
//! ```
//!
//! Source: "BLAKE3: one function, fast everywhere" (O'Connor, Aumasson, Neves, Wilcox-O'Hearn),
//! section 2. `tests/blake3.rs` holds it against the published vectors and another implementation.

mod compress;
mod digest;
mod hasher;
mod output;
mod tree;

pub use digest::{Hash, ParseHashError};
pub use hasher::Hasher;
pub use output::OutputReader;

/// Bytes of a hash and of a key.
pub const HASH_BYTES: usize = 32;

/// Bytes of a leaf of the tree.
const CHUNK_BYTES: usize = 1024;

/// Hashes a whole input.
///
/// ```
/// use spg_engine::crypto::blake3;
///
/// let hash = blake3::hash(b"abc");
/// assert_eq!(
///     hash.to_string(),
///     "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
/// );
///
/// // The same in pieces.
/// let mut hasher = blake3::Hasher::new();
/// hasher.update(b"a").update(b"bc");
/// assert_eq!(hasher.finalize(), hash);
/// ```
pub fn hash(input: &[u8]) -> Hash {
    Hasher::new().update(input).finalize()
}
