//! Cryptographic primitives. A leaf: uses nothing else of ours.

pub mod blake3;
