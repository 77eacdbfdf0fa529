//! Counts what all live versions of a database hold together.
//!
//! Every root, chunk, stored column and index leaf owns a token; a token's clone counts again, its drop takes the
//! count back. So the figures are exact whoever drops last, and a test can ask that everything returned.

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

    /// Bytes of stored columns and index leaves. A vector block or a long text that two versions of a column share
    /// counts for each: the figure errs to the safe side.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn counter(&self, kind: Counted) -> Option<&AtomicUsize> {
        match kind {
            Counted::Root => Some(&self.roots),
            Counted::Chunk => Some(&self.chunks),
            Counted::Leaf => Some(&self.leaves),
            Counted::Column => None,
        }
    }
}

/// What a [`Token`] stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted {
    Root,
    Chunk,
    Leaf,
    /// Counts in bytes only.
    Column,
}

/// One counted thing and the bytes it holds.
#[derive(Debug)]
pub(super) struct Token {
    gauge: Arc<Gauge>,
    kind: Counted,
    bytes: usize,
}

impl Token {
    pub(super) fn new(gauge: &Arc<Gauge>, kind: Counted, bytes: usize) -> Self {
        if let Some(counter) = gauge.counter(kind) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if bytes != 0 {
            gauge.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        Self { gauge: Arc::clone(gauge), kind, bytes }
    }

    pub(super) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The thing has now so many bytes. Free of atomics while nothing was reallocated.
    #[inline]
    pub(super) fn set_bytes(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.gauge.bytes.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else if bytes < self.bytes {
            self.gauge.bytes.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        Self::new(&self.gauge, self.kind, self.bytes)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(counter) = self.gauge.counter(self.kind) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
        if self.bytes != 0 {
            self.gauge.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_clones_and_give_back_what_they_took() {
        let gauge = Gauge::new();
        let mut first = Token::new(&gauge, Counted::Leaf, 100);
        let second = first.clone();
        first.set_bytes(40);
        let column = Token::new(&gauge, Counted::Column, 7);
        assert_eq!((gauge.leaves(), gauge.chunks(), gauge.bytes()), (2, 0, 147));
        first.set_bytes(60);
        drop(second);
        assert_eq!((gauge.leaves(), gauge.bytes()), (1, 67));
        drop((first, column));
        assert_eq!((gauge.leaves(), gauge.bytes()), (0, 0));
    }
}
