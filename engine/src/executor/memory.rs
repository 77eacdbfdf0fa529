//! The memory of one statement, counted before it is allocated.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// A counter with a limit, shared by a statement's operators.
#[derive(Debug)]
pub struct MemoryBudget {
    limit_bytes: usize,
    /// Whether the limit is what the data may grow by yet, which is less than a statement may have.
    is_of_data: bool,
    used_bytes: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of `limit_bytes`, none of it used.
    pub fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, is_of_data: false, used_bytes: AtomicUsize::new(0) }
    }

    /// The same for a statement that adds to the data, which may grow by `left_bytes`.
    pub fn to_grow(limit_bytes: usize, left_bytes: usize) -> Self {
        let is_of_data = left_bytes < limit_bytes;
        Self { is_of_data, ..Self::new(limit_bytes.min(left_bytes)) }
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
        .with_hint(if self.is_of_data {
            "That is what --memory-limit leaves beside the data: delete rows, or start with a higher limit."
        } else {
            "SET spg.statement_memory gives a statement more."
        })
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
    fn what_bounds_it_is_told() {
        let hint = |budget: &MemoryBudget| budget.reserve(200).unwrap_err().fields().hint.clone();
        for (left, setting) in [(99, "--memory-limit"), (100, "spg.statement_memory")] {
            let hint = hint(&MemoryBudget::to_grow(100, left)).unwrap();
            assert!(hint.contains(setting), "{hint}");
        }
    }

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
