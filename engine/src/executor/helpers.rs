//! Cores that a scan borrows: scoped threads beside its own, as many at once in the whole process as there are further
//! cores. A scan that finds none free runs alone, so under load statements share the cores as sessions do.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// Helpers at work now.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Leave for some helpers, given back when dropped.
pub(super) struct Helpers {
    count: usize,
}

impl Helpers {
    /// Up to `wanted` helpers, as many as are free.
    pub(super) fn borrow(wanted: usize) -> Self {
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores =
            *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
        let free = |busy: usize| (cores - 1).saturating_sub(busy).min(wanted);
        let taken = BUSY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |busy| {
            (free(busy) != 0).then(|| busy + free(busy))
        });
        Self { count: taken.map_or(0, free) }
    }

    /// Runs `work` on each part, here and on the helpers, whoever is free; the results are in the order of the parts.
    pub(super) fn run<P: Sync, R: Send>(
        &self,
        parts: &[P],
        work: impl Fn(&P) -> R + Sync,
    ) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let take_parts = || {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(place) else { return done };
                done.push((place, work(part)));
            }
        };
        let mut done = std::thread::scope(|scope| {
            let wanted = self.count.min(parts.len().saturating_sub(1));
            // Where no thread can be made, there is one helper less.
            let helpers: Vec<_> = (0..wanted)
                .filter_map(|_| Builder::new().spawn_scoped(scope, take_parts).ok())
                .collect();
            let mut done = take_parts();
            for helper in helpers {
                done.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            done
        });
        done.sort_unstable_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        BUSY.fetch_sub(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_given_back_and_results_keep_their_order() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let all = Helpers::borrow(usize::MAX);
        assert!(all.count() < cores);
        let parts: Vec<usize> = (0..100).collect();
        let doubled: Vec<usize> = parts.iter().map(|part| part * 2).collect();
        assert_eq!(all.run(&parts, |part| part * 2), doubled);
        assert_eq!(Helpers::borrow(usize::MAX).count(), 0, "all are taken");
        assert_eq!(Helpers::borrow(0).run(&[7], |part| *part), [7]);
        assert_eq!(all.run(&[0_u8; 0], |part| *part), []);
    }
}
