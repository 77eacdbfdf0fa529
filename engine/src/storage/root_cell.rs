//! Where the current root is published: readers take it without waiting.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::storage::root::Root;

/// The published root.
#[derive(Debug)]
pub struct RootCell {
    current: ArcSwap<Root>,
}

/// The root that a statement reads, until it is dropped.
///
/// Taking and dropping it writes to nothing that another thread writes to: a count in the root itself would go from core to
/// core with every read. A publisher that replaces the root meanwhile counts on the reader's behalf.
#[derive(Debug)]
pub struct Snapshot(Guard<Arc<Root>>);

impl std::ops::Deref for Snapshot {
    type Target = Root;

    #[inline]
    fn deref(&self) -> &Root {
        &self.0
    }
}

impl RootCell {
    /// A cell that publishes `root`.
    pub fn new(root: Arc<Root>) -> Self {
        Self { current: ArcSwap::new(root) }
    }

    /// The current root for one statement: the thread that takes it drops it.
    #[inline]
    pub fn load(&self) -> Snapshot {
        Snapshot(self.current.load())
    }

    /// The current root for whoever keeps it, a transaction say.
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
