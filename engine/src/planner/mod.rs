//! Stage 3: [`crate::binder::bound`] to [`plan`]: rewrites, access paths, join order, EXPLAIN.

pub mod plan;
