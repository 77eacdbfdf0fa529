//! Breaks durability and isolation on purpose, one rule at a time, so that the tests can show that they would see it.
//!
//! Only a build with the feature `sabotage` can be broken; no released one has it.

#[cfg(feature = "sabotage")]
use std::sync::atomic::{AtomicU8, Ordering};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// A commit is acknowledged when it is written, before it is synced.
    AcknowledgeBeforeSync,
    /// A commit is visible before it is in the log.
    PublishBeforeLog,
    /// Names are not made durable.
    SkipDirectorySync,
    /// Some statements are not in the audit log.
    SkipAuditEntry,
    /// A record of the log is taken whatever its checksum says.
    IgnoreChecksum,
    /// A sync that failed is tried again and believed.
    RetrySync,
    /// Changes leave out a table's last index.
    ForgetIndex,
    /// Values of sequences are answered before a place beyond them is in the log.
    SkipSequenceLog,
    /// A row that somebody else changed since is overwritten.
    LoseUpdates,
    /// What a serializable transaction read is held against its own base.
    ForgetReads,
    /// Who wrote a group wakes nobody to write the next one.
    LoseWakeUp,
    /// A query at READ COMMITTED sees what its block's first statement saw.
    KeepSnapshot,
    /// What others have locked is in nobody's way.
    IgnoreLocks,
    /// A commit does not look at what others did to the other end of its foreign keys.
    ForgetKeys,
    /// Who refers to a row does not lock it.
    ForgetParents,
    /// A session that is gone leaves its locks behind.
    KeepLocks,
}

#[cfg(feature = "sabotage")]
static BROKEN: AtomicU8 = AtomicU8::new(u8::MAX);

/// Breaks it, for the whole process; None mends it.
#[cfg(feature = "sabotage")]
pub fn set(broken: Option<Break>) {
    BROKEN.store(broken.map_or(u8::MAX, |broken| broken as u8), Ordering::SeqCst);
}

/// Whether it is broken.
#[cfg(feature = "sabotage")]
pub(crate) fn is(broken: Break) -> bool {
    BROKEN.load(Ordering::Relaxed) == broken as u8
}

/// It never is.
#[cfg(not(feature = "sabotage"))]
#[inline]
pub(crate) const fn is(_broken: Break) -> bool {
    false
}
