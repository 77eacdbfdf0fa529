//! Stage 4: [`crate::planner::plan::Plan`] over a root to batches of columns: one file per operator.
