//! Stage 4: [`crate::planner::plan::Plan`] over a root to batches of columns: one file per operator.

pub mod context;
pub mod distance;
pub mod expression;
pub mod in_set;
pub mod interrupt;
pub mod memory;
