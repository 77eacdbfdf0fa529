//! Transactions: snapshots, first committer wins, and the one place where a root is published.
//!
//! ```text
//!            the writer lock                      one leader at a time
//!   pending ── validate, rebase, number ── queue ── log.write(group) ── publish ── acknowledge
//!      ▲                                                                  │
//!      └───────────── back to published when the log fails ◄──────────────┘
//! ```
//!
//! Reading order: [`log`] is what a commit is made durable with; [`writer_lock`] orders writers; [`heads`] holds the two
//! heads, `published` and `pending`; [`commit`] queues and publishes; [`write_set`] says which tables a transaction
//! touched; [`validate`] finds conflicts, [`validate_reads`]
//! those of serializable transactions, [`row_locks`] those of READ COMMITTED and FOR UPDATE; [`rebase`] carries a transaction's working root onto a later one;
//! `foreign` looks after foreign keys at commit, `foreign_locks` where rows are locked; [`block`] is a session's open transaction with its savepoints; [`executed`] is what the audit log is told of it.
//!
//! Invariant: only [`commit`] publishes a root.

pub mod block;
pub mod commit;
pub mod executed;
mod foreign;
mod foreign_locks;
pub mod heads;
pub mod log;
pub mod rebase;
pub mod row_locks;
pub mod validate;
pub mod validate_reads;
pub mod write_set;
pub mod writer_lock;
