//! The writer lock: one writer at a time, with a timeout, a cancel flag and no starvation.
//!
//! A thread that asks for the lock while it is free takes it, waiters or not: handing it over would cost a wake-up
//! for every commit. Only when the first waiter has waited [`FAIR_AFTER`] does the holder hand it over.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// How long the first waiter waits before the lock is handed to it rather than freed.
const FAIR_AFTER: Duration = Duration::from_millis(1);

/// How often a waiter looks at its cancel flag, which nothing signals.
const CANCEL_POLL: Duration = Duration::from_millis(5);

/// A lock over what the writers share.
#[derive(Debug)]
pub struct WriterLock<T> {
    state: Mutex<State>,
    changed: Condvar,
    /// Invariant: locked by the holder alone, so locking it never waits.
    value: Mutex<T>,
    longest_hold_ns: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    /// Set by a holder that hands over: the waiter with this ticket has the lock.
    granted: Option<u64>,
    next_ticket: u64,
    waiters: VecDeque<(u64, Instant)>,
}

/// The lock, held; dropping it frees the lock.
#[derive(Debug)]
pub struct WriterGuard<'a, T> {
    value: Option<MutexGuard<'a, T>>,
    lock: &'a WriterLock<T>,
    since: Instant,
}

impl<T> WriterLock<T> {
    /// A free lock over `value`.
    pub fn new(value: T) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            value: Mutex::new(value),
            longest_hold_ns: AtomicU64::new(0),
        }
    }

    /// The longest that anybody has held the lock since this was last asked.
    pub fn take_longest_hold(&self) -> Duration {
        Duration::from_nanos(self.longest_hold_ns.swap(0, Ordering::Relaxed))
    }

    /// Takes the lock: 55P03 after `timeout`, 57014 when the statement is canceled or out of time.
    pub fn lock(
        &self,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<WriterGuard<'_, T>> {
        let mut state = lock(&self.state);
        if state.held {
            state = self.wait(state, timeout, interrupt)?;
        }
        state.held = true;
        drop(state);
        Ok(WriterGuard { value: Some(lock(&self.value)), lock: self, since: Instant::now() })
    }

    /// Takes the lock however long it takes.
    pub fn lock_uninterrupted(&self) -> WriterGuard<'_, T> {
        self.lock(None, &Interrupt::default()).expect(
            "without timeout, deadline and canceller a wait for the lock only ends with the lock",
        )
    }

    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<MutexGuard<'a, State>> {
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let since = Instant::now();
        state.waiters.push_back((ticket, since));
        let ended = loop {
            if state.granted == Some(ticket) {
                state.granted = None;
                break Ok(());
            }
            if !state.held {
                break Ok(());
            }
            if let Err(error) = interrupt.check() {
                break Err(error);
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(since.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                break Err(lock_timeout());
            }
            let pause = left.map_or(CANCEL_POLL, |left| left.min(CANCEL_POLL));
            state =
                self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        };
        state.waiters.retain(|(other, _)| *other != ticket);
        ended.map(|()| state)
    }

    fn unlock(&self) {
        let mut state = lock(&self.state);
        let Some(&(first, since)) = state.waiters.front() else {
            state.held = false;
            return;
        };
        if since.elapsed() >= FAIR_AFTER {
            state.granted = Some(first);
        } else {
            state.held = false;
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl<T> Drop for WriterGuard<'_, T> {
    fn drop(&mut self) {
        drop(self.value.take());
        let held = self.since.elapsed().as_nanos() as u64;
        if held > self.lock.longest_hold_ns.load(Ordering::Relaxed) {
            self.lock.longest_hold_ns.fetch_max(held, Ordering::Relaxed);
        }
        self.lock.unlock();
    }
}

impl<T> std::ops::Deref for WriterGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("the value is given back by drop alone")
    }
}

impl<T> std::ops::DerefMut for WriterGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("the value is given back by drop alone")
    }
}

/// A mutex's content. A panic elsewhere leaves it whole: every change under these mutexes is one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cold]
fn lock_timeout() -> Error {
    Error::new(SqlState::LockNotAvailable, "canceling statement due to lock timeout")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_waiter_times_out_and_a_canceled_one_ends() {
        let lock = WriterLock::new(0);
        let held = lock.lock_uninterrupted();
        let error = lock.lock(Some(Duration::from_millis(20)), &Interrupt::default()).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::LockNotAvailable);
        assert_eq!(error.message(), "canceling statement due to lock timeout");
        let interrupt = Interrupt::default();
        interrupt.cancel();
        let error = lock.lock(None, &interrupt).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::QueryCanceled);
        drop(held);
        assert!(lock.lock(Some(Duration::ZERO), &interrupt).is_ok());
    }

    #[test]
    fn writers_exclude_each_other_and_none_starves() {
        let lock = Arc::new(WriterLock::new(0_u64));
        let done = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let mut guard = lock.lock_uninterrupted();
                        let seen = *guard;
                        thread::yield_now();
                        *guard = seen + 1;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(*lock.lock_uninterrupted(), 2_000);
        assert_eq!(done.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_lock_held_by_a_panicking_thread_is_freed() {
        let lock = WriterLock::new(1);
        let panicked = thread::scope(|scope| {
            let held = scope.spawn(|| {
                let _guard = lock.lock_uninterrupted();
                std::panic::resume_unwind(Box::new(()));
            });
            held.join().is_err()
        });
        assert!(panicked);
        assert_eq!(*lock.lock_uninterrupted(), 1);
    }
}
