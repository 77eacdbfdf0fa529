//! The audit log: who committed what and when, as a chain of entries in which each holds the BLAKE3 of the one before.
//!
//! ```text
//!  Draft --Chain::append--> bytes --AuditLog::append--> path                    the active file
//!                             |                         path.0000000000000000   sealed segments, named by
//!                             +--> WAL record or image  path.00000000000012f7   their first entry
//! ```
//!
//! The bytes of an entry are in the WAL record (or the image) of its commit before they are in this file, so the file needs
//! no sync of its own per commit: [`AuditLog::open`] gets what log and image hold ([`Expectation`]) and puts back what a power
//! cut took. Without log and image the file is the only record and is synced with each group.
//!
//! What is found by what:
//!
//! | change | found by |
//! |---|---|
//! | a byte of an entry, an entry removed, inserted, repeated, moved, taken from elsewhere | the links |
//! | a header or a mark | its own BLAKE3 |
//! | entries removed from the end, files removed from the end | log, image, mark (entries that were synced), or an expected head |
//! | another database's file | the identity in the header, the genesis entry's hash |
//! | segments removed from the beginning | unless an Archived entry covers them |
//! | everything from some entry on recomputed | a key, log or image, or an expected head; by nothing else |

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod archive;
mod chain;
mod copy;
mod entry;
mod extend;
mod file;
mod header;
mod inspect;
mod key;
mod links;
mod list;
mod open;
mod redo;
mod scan;
mod segments;
mod tear;
mod verify;
mod walk;

pub use chain::Chain;
pub use copy::Copied;
pub use entry::{
    Draft, ENTRY_BYTES_MAX, Entry, Kind, Parameters, ParametersDigest, RECORDED_BYTES_MAX,
};
pub use file::AuditLog;
pub use inspect::{Presence, database_of, presence};
pub use key::Key;
pub use list::{Filter, List, Listed, list};
pub use redo::Expectation;
pub use verify::{Fault, Report, verify};

#[cfg(test)]
mod tests;
