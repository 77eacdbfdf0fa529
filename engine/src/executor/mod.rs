//! Stage 4: [`crate::planner::plan::Plan`] over a root to batches of columns: one file per operator.
//!
//! [`run()`] pulls batches out of a tree of [`operator`]s and hands them to a sink. What a statement carries along is
//! its [`context`]; values come from [`expression`]; rows that an operator holds are in a `buffer`, keys that it hashes
//! in a `key_table`. Changes are made by [`modify`]. A serializable transaction's reads are
//! kept in a [`read_set`].

pub mod context;
pub mod distance;
pub mod environment;
pub mod expression;
pub mod in_set;
pub mod interrupt;
pub mod memory;
pub mod modify;
pub mod operator;
pub mod profile;
pub mod read_set;
pub mod run;
pub mod subquery;

mod accumulator;
mod aggregate;
mod buffer;
mod distinct;
mod filter;
mod float_sum;
mod hash_join;
mod helpers;
mod index_join;
mod index_scan;
mod join_output;
mod key_table;
mod limit;
mod lock_rows;
mod nearest;
mod nested_loop_join;
mod project;
mod scan;
mod seek;
mod set_operation;
mod sort;
mod sort_key;
mod system_scan;
mod table_access;
mod values;

pub use run::run;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
