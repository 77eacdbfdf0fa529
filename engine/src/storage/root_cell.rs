//! Where the current root is published: readers take it without waiting.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::storage::root::Root;

/// The published root.
#[derive(Debug)]
pub struct RootCell {
    current: ArcSwap<Root>,
}

impl RootCell {
    /// A cell that publishes `root`.
    pub fn new(root: Arc<Root>) -> Self {
        Self { current: ArcSwap::new(root) }
    }

    /// The current root. A statement takes it once and drops it at its end.
    pub fn load_full(&self) -> Arc<Root> {
        self.current.load_full()
    }

    /// Publishes `root` and returns the one before. Invariant: one publisher at a time; commit numbers never go back.
    pub fn store(&self, root: Arc<Root>) -> Arc<Root> {
        let next = root.commit;
        let previous = self.current.swap(root);
        assert!(previous.commit <= next, "commit numbers never go back");
        previous
    }
}
