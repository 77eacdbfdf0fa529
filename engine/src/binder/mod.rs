//! Stage 2: [`crate::parser::ast`] to [`bound`]: names looked up in a root's catalog, types decided, casts written out.

pub mod bound;
