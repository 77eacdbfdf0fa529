//! SPG: the engine. SQL text in, rows out; durable; no sockets.
//!
//! A statement's life is four verbs, one per stage: [`parser`] parse, [`binder`] bind, [`planner`] plan,
//! [`executor`] execute. A commit's life is in [`transaction`].

pub mod binder;
pub mod crypto;
pub mod database;
pub mod error;
pub mod executor;
pub mod limits;
pub mod parser;
pub mod planner;
pub mod session;
pub mod storage;
pub mod transaction;
pub mod types;

pub use database::{Database, Options};
pub use error::{Error, Result, SqlState};
pub use session::Session;
pub use types::{DataType, Value, ValueRef};

/// The engine's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
