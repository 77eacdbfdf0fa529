//! Sessions of one database against each other.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails there")]

mod alterations;
mod commit_log;
mod definitions;
mod foreign_keys;
mod keys;
mod readers;
mod rebase;
mod row_locks;
mod sequences;
mod serializable;
mod support;
mod timeouts;
mod transactions;
mod upserts;
