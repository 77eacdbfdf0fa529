//! Backups: a directory that holds a database as of one commit, and what makes a data directory of it again.
//!
//! ```text
//!  pinned root ──image──▶ DEST/spg.db                     ┐
//!  audit log ──up to the root's last entry──▶ DEST/audit.log*  ├─ synced, and only then ─▶ DEST/MANIFEST
//! ```
//!
//! Invariants:
//! - **One commit.** The image is of one root, and the audit log's copy ends with the last entry that the root's place names.
//!   Everything acknowledged before the backup began is in it, and of what comes later nothing.
//! - **Nobody waits.** Writers go on, and so do checkpoints: the root is pinned, open files keep their bytes under whatever
//!   name. Only moving audit segments away waits. The work is done in slices with rests between, as a checkpoint's.
//! - **Whole or not at all.** The [manifest] is written last, when every other file and its name is synced; it names each with
//!   its size and BLAKE3. A directory without one is no backup, and [`restore()`] says so.
//! - **A changed byte is found.** Each file's is by the manifest, the manifest's by its own last line, which is keyed if the
//!   audit chain is: who has no key cannot write another backup that passes.
//! - **Restoring makes nothing of what is not right.** All of a backup is verified before the new directory is begun; what the
//!   archive holds is looked through before any of it is applied. The image is the last file that gets its name, so that a
//!   directory that was not finished cannot be opened.
//!
//! A restored database has the backup's identity and chain, and a log of its own that begins anew: its places in the log are not
//! those of the log before, so an archive of that log goes on in another directory.

mod history;
pub mod manifest;
mod restore;
mod write;

pub use history::Until;
pub use restore::{Restore, Restored, restore};
pub use write::{Progress, Written, write};

/// Names in a backup, which are those in a data directory.
const IMAGE_NAME: &str = "spg.db";
const AUDIT_NAME: &str = "audit.log";
