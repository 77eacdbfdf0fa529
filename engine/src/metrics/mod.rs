//! Counts and times of what a database does, for whoever watches it.
//!
//! Nothing here makes two threads that do work write to one cache line often: what every statement counts is its session's
//! own ([`tallies`]), what is timed is the log's sync, which takes longer than any counter, and how long the
//! writer lock is held, which its holder alone counts ([`histogram`]). They are added up
//! when somebody looks (`session/figures.rs`).

pub mod histogram;
pub mod tallies;

/// A name and a value.
pub type Figure = (String, String);

/// Times of something, by its name.
pub type Latencies = Vec<(&'static str, histogram::Times)>;
