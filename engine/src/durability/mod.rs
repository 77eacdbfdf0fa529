//! Durability: what makes commits outlive the process.

pub mod commit_record;
