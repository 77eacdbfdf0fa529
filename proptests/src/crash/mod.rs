//! Durability proved by breaking it: whole databases on a simulated disk that crashes, fails, and has its bytes changed.
//!
//! A [`workload`] is a list of statements and what else happens to a database: checkpoints, restarts. [`history`] runs it in
//! memory, which tells the state after each commit, and on a disk whose every operation [`recorder`] keeps a copy of: each copy
//! is a crash. [`check`] opens what a crash left and holds it against the states. [`mode`] says which files there are.
//!
//! Reading order: [`mode`], [`workload`], [`state`], [`recorder`], [`history`], [`check`], [`campaign`]; [`faults`] lets
//! single operations fail instead.

pub mod campaign;
pub mod check;
pub mod faults;
pub mod history;
pub mod mode;
pub mod recorder;
pub mod state;
pub mod workload;
