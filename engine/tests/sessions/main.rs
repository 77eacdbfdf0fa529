//! Sessions of one database against each other.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails there")]

mod commit_log;
mod definitions;
mod keys;
mod readers;
mod rebase;
mod support;
mod timeouts;
mod transactions;
