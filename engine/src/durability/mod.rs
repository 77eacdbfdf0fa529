//! Durability: what makes commits outlive the process.

pub mod archiver;
pub mod audit_key;
pub mod checkpointer;
pub mod commit_record;
mod faults;
pub mod files;
mod image;
pub mod journal;
pub mod keeper;
pub mod log_thread;
pub mod open;
mod position;
pub mod replay;

pub use audit_key::read_audit_key;
pub use files::Files;
pub use open::{Opened, open};
