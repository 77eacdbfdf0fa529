//! Row ids that a writer has drawn and not used yet.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::limits::CHUNK_ROWS_MAX;
use crate::storage::RowId;
use crate::storage::table::TableShared;

/// Row ids that a writer has drawn and not used yet; what is left returns when nobody has drawn since.
///
/// The first draw takes one id, each further one twice as many, up to whole blocks of a chunk: so single inserts of
/// many sessions leave no gaps, and a writer of many rows fills chunks of its own.
#[derive(Debug)]
pub struct RowIdReservation {
    shared: Arc<TableShared>,
    next: u64,
    end: u64,
    drawn: u64,
}

impl RowIdReservation {
    pub(super) fn new(shared: &Arc<TableShared>) -> Self {
        Self { shared: Arc::clone(shared), next: 0, end: 0, drawn: 0 }
    }

    /// The next id, above all that this reservation gave before.
    #[inline]
    pub fn next_id(&mut self) -> RowId {
        if self.next == self.end {
            self.draw(1);
        }
        self.next += 1;
        RowId(self.next - 1)
    }

    /// The next `count` ids, ascending.
    pub fn next_ids(&mut self, count: usize) -> Vec<RowId> {
        if self.next == self.end && count > 0 {
            self.draw(count as u64);
        }
        (0..count).map(|_| self.next_id()).collect()
    }

    /// Draws at least `wanted` ids; a large draw ends with a block.
    fn draw(&mut self, wanted: u64) {
        let rows = CHUNK_ROWS_MAX as u64;
        let count = self.drawn.clamp(1, rows).max(wanted);
        let next_row_id = &self.shared.next_row_id;
        let mut seen = next_row_id.load(Ordering::Relaxed);
        loop {
            let end = seen + count;
            let end = if self.drawn >= rows / 2 { end.next_multiple_of(rows) } else { end };
            match next_row_id.compare_exchange_weak(seen, end, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => {
                    (self.next, self.end) = (seen, end);
                    self.drawn += end - seen;
                    return;
                }
                Err(now) => seen = now,
            }
        }
    }
}

impl Drop for RowIdReservation {
    /// Gives back what was drawn last and not used.
    fn drop(&mut self) {
        if self.next < self.end {
            let next_row_id = &self.shared.next_row_id;
            // Another writer has drawn since: then the rest stays a gap.
            let _ = next_row_id.compare_exchange(
                self.end,
                self.next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}
