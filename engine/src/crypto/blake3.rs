//! BLAKE3 from its specification.
