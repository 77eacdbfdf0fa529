//! Sessions of one database against each other.

mod commit_log;
mod definitions;
mod readers;
mod support;
mod timeouts;
mod transactions;
