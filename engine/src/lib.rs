//! SPG: the engine. SQL text in, rows out; no sockets.
//!
//! A statement's life is four verbs, one per stage: [`parser`] parse, [`binder`] bind, [`planner`] plan,
//! [`executor`] execute. A commit's life is in [`transaction`].
//!
//! ```
//! use spg_engine::database::{Database, Options};
//! use spg_engine::session::Rows;
//!
//! # fn main() -> spg_engine::Result<()> {
//! let database = Database::open(Options::default())?;
//! let mut session = database.session();
//! session.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)", &[], &mut Rows::default())?;
//! session.execute("INSERT INTO t VALUES (1, 'alice')", &[], &mut Rows::default())?;
//!
//! let mut answer = Rows::default();
//! session.execute("SELECT name FROM t WHERE id = 1", &[], &mut answer)?;
//! assert_eq!(answer.rows.len(), 1);
//! # Ok(())
//! # }
//! ```

mod administration;
pub mod audit;
pub mod backup;
pub mod binder;
pub mod checkpoint;
pub mod crypto;
pub mod database;
pub mod disk;
pub mod durability;
pub mod encoding;
pub mod error;
pub mod executor;
pub mod identity;
pub mod limits;
pub mod locks;
pub mod metrics;
pub mod open_error;
pub mod parser;
pub mod planner;
pub mod sabotage;
pub mod session;
pub mod storage;
mod sync;
pub mod system;
pub mod transaction;
pub mod types;
pub mod wal;

pub use database::{Database, Options};
pub use error::{Error, Result, SqlState};
pub use session::Session;
pub use types::{DataType, Value, ValueRef};

/// The engine's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// README's program for those who embed the engine.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
