//! What the fuzz targets of `proptests/fuzz` do with their bytes; `tests/fuzz_corpus.rs` does the same with the kept inputs.

mod files;
mod frames;
mod statements;

pub use files::files;
pub use frames::frames;
pub use statements::{execute, parse};
