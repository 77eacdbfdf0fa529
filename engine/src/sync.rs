//! What the publish path and the locks wait with: the standard library's; or, in a build with the feature `schedules`,
//! shuttle's, with which a test decides which thread goes on at each of these calls (`engine/tests/schedules`).
//!
//! Only what threads wait by, or are woken by, is taken from here: with shuttle one thread runs at a time, and another comes
//! to run at these calls alone.

#[cfg(feature = "schedules")]
pub(crate) use shuttle::{
    sync::{Mutex, MutexGuard},
    thread::{Thread, current, park, park_timeout},
};
#[cfg(not(feature = "schedules"))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard},
    thread::{Thread, current, park, park_timeout},
};

/// A place where it matters that another thread may run, though nothing here waits.
#[inline]
pub(crate) fn step() {
    #[cfg(feature = "schedules")]
    shuttle::thread::yield_now();
}
