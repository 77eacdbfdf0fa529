//! The naive database: rows in a map, all of it cloned at BEGIN, every query a loop over the rows of its tables.
//!
//! It shares no code with the engine but the [`spg_engine::Value`] that holds a value.

mod aggregate;
mod block;
mod change;
mod commit;
mod evaluate;
mod foreign;
mod locks;
mod query;
mod row_lock;
mod session;
mod state;
mod upsert;
mod value;

pub use session::{Model, Outcome};
pub use value::same_values;
