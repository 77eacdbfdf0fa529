//! The memory of one statement, counted before it is allocated.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// A counter with a limit, shared by a statement's operators.
#[derive(Debug)]
pub struct MemoryBudget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of `limit_bytes`, none of it used.
    pub fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, used_bytes: AtomicUsize::new(0) }
    }

    /// Counts `bytes` that are about to be allocated; 53200 when they would exceed the limit.
    pub fn reserve(&self, bytes: usize) -> Result<()> {
        let taken = self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|&total| total <= self.limit_bytes)
        });
        taken.map(|_| ()).map_err(|used| self.exceeded(used, bytes))
    }

    /// Gives back what was reserved.
    pub fn release(&self, bytes: usize) {
        let before = self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "more memory released than reserved");
    }

    /// Bytes reserved now.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    #[cold]
    fn exceeded(&self, used: usize, bytes: usize) -> Error {
        Error::out_of_memory(format!(
            "The statement uses {used} bytes and asked for {bytes} more; its limit is {} bytes.",
            self.limit_bytes
        ))
    }
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self::new(crate::limits::STATEMENT_MEMORY_BYTES_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlState;

    #[test]
    fn reserves_up_to_the_limit() {
        let budget = MemoryBudget::new(100);
        budget.reserve(60).unwrap();
        assert_eq!(budget.reserve(41).unwrap_err().sqlstate(), SqlState::OutOfMemory);
        assert_eq!(budget.used_bytes(), 60);
        budget.reserve(40).unwrap();
        assert!(budget.reserve(usize::MAX).is_err());
        budget.release(100);
        assert_eq!(budget.used_bytes(), 0);
    }
}
