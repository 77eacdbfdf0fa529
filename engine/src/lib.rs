//! SPG: the engine.

pub mod crypto;
