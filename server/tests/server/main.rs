//! The real daemon over TCP: what it answers, how it starts and ends, and what it puts up with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod support;

mod abuse;
mod container;
mod copy;
mod disconnects;
mod end_to_end;
mod faults;
mod files;
mod histories;
mod in_flight;
mod kill;
mod library;
mod limits;
mod python;
mod sessions;
mod startup;
