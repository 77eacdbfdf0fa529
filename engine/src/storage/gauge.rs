//! Counts what all live versions of a database hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// Counters of one database, shared by all its roots.
#[derive(Debug, Default)]
pub struct Gauge {
    roots: CachePadded<AtomicUsize>,
    chunks: CachePadded<AtomicUsize>,
    leaves: CachePadded<AtomicUsize>,
    bytes: CachePadded<AtomicUsize>,
}

impl Gauge {
    /// Counters at zero.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Live roots.
    pub fn roots(&self) -> usize {
        self.roots.load(Ordering::Relaxed)
    }

    /// Live chunks, tails included.
    pub fn chunks(&self) -> usize {
        self.chunks.load(Ordering::Relaxed)
    }

    /// Live index leaves.
    pub fn leaves(&self) -> usize {
        self.leaves.load(Ordering::Relaxed)
    }

    /// Bytes of stored columns and index leaves.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
