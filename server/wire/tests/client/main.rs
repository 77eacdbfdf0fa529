//! The client against servers that follow a script: well-behaved ones, failing ones, and liars.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bulk;
mod liars;
mod peer;
mod receipts;
mod requests;
mod transactions;
