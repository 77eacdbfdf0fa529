//! SPG's daemon as a library: a database served over TCP by the protocol of `spg-wire`.
//!
//! In reading order: [`options`] and [`limits`]; [`server`] binds, loads, runs and ends; `listener` accepts; `registry`
//! knows every connection; [`connection`] is one client's thread, from Hello to its end; `named_sessions` keeps sessions
//! between connections; `watcher` looks after deadlines and clients that are gone; `stats` says how all of it fares.
//!
//! A connection is a thread that blocks: it reads what has arrived, executes all of it, writes once. Nothing on that path is
//! shared with other connections but the database and a few words that hardly ever change.

#![expect(clippy::doc_markdown, reason = "the messages' names are words of the protocol here")]

pub mod limits;
pub mod options;
pub mod server;

mod connection;
mod cores;
mod listener;
mod named_sessions;
mod registry;
mod shared;
mod stats;
mod watcher;

pub use options::Options;
pub use server::{RunError, Server, Stopper};
