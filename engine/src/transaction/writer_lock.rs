//! The writer lock: one writer at a time, with a timeout, a cancel flag and no starvation.
//!
//! A thread that asks for the lock while it is free takes it, waiters or not: handing it over would cost a wake-up
//! for every commit. Those who wait form a queue, of which only the first is woken.
//!
//! Invariant: the first is passed by [`PASSED_MAX`] others at most, or for [`FAIR_AFTER`]; then the holder hands the lock over to
//! it (the field calls this eventual fairness). So one behind `n` others takes it after `n + 1` times as many at most, and
//! nobody starves.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::metrics::histogram::{Histogram, Times};
use crate::sync::{Mutex, MutexGuard, Thread, current, park_timeout};

/// How long the first waiter waits before the lock is handed to it rather than freed.
const FAIR_AFTER: Duration = Duration::from_millis(1);

/// How many others take the lock before the first waiter at most, as long as that is sooner.
const PASSED_MAX: u32 = 256;

/// How often a waiter looks at its cancel flag, which nothing signals.
const CANCEL_POLL: Duration = Duration::from_millis(5);

/// A lock over what the writers share.
#[derive(Debug)]
pub struct WriterLock<T> {
    state: Mutex<State>,
    /// Invariant: locked by the holder alone, so locking it never waits.
    value: Mutex<T>,
    longest_hold_ns: AtomicU64,
    /// How long it was held, each time.
    holds: Histogram,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    /// Set by a holder that hands over: the waiter with this ticket has the lock.
    granted: Option<u64>,
    next_ticket: u64,
    /// In the order in which they came.
    waiters: VecDeque<Waiter>,
    /// How often the lock was taken by others since the first waiter is the first.
    passed: u32,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    since: Instant,
    thread: Thread,
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
            value: Mutex::new(value),
            longest_hold_ns: AtomicU64::new(0),
            holds: Histogram::default(),
        }
    }

    /// How long it was held, each time.
    pub fn holds(&self) -> Times {
        self.holds.times()
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
        } else if !state.waiters.is_empty() {
            state.passed += 1;
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
        state.waiters.push_back(Waiter { ticket, since, thread: current() });
        let is_first =
            |state: &State| state.waiters.front().is_some_and(|first| first.ticket == ticket);
        let ended = loop {
            if state.granted == Some(ticket) {
                state.granted = None;
                break Ok(());
            }
            if !state.held && is_first(&state) {
                break Ok(());
            }
            if let Err(error) = interrupt.check() {
                break Err(error);
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(since.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                break Err(lock_timeout());
            }
            drop(state);
            park_timeout(left.map_or(CANCEL_POLL, |left| left.min(CANCEL_POLL)));
            state = lock(&self.state);
        };
        if is_first(&state) {
            state.passed = 0;
        }
        state.waiters.retain(|other| other.ticket != ticket);
        if ended.is_err() && !state.held {
            // It may have been woken to take the lock.
            state.waiters.iter().take(1).for_each(|first| first.thread.unpark());
        }
        ended.map(|()| state)
    }

    fn unlock(&self) {
        let mut state = lock(&self.state);
        let Some(first) = state.waiters.front() else {
            state.held = false;
            return;
        };
        let thread = first.thread.clone();
        if state.passed >= PASSED_MAX || first.since.elapsed() >= FAIR_AFTER {
            state.granted = Some(first.ticket);
        } else {
            state.held = false;
        }
        drop(state);
        thread.unpark();
    }
}

impl<T> Drop for WriterGuard<'_, T> {
    fn drop(&mut self) {
        drop(self.value.take());
        let held = self.since.elapsed();
        // Nobody else holds the lock, so nobody else adds.
        self.lock.holds.add_alone(held);
        let held = held.as_nanos() as u64;
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
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
    fn the_first_waiter_is_passed_so_often_and_no_more() {
        let lock = WriterLock::new(0);
        let wait = |ticket| {
            // As if it had come this moment, each time: what counts is the others.
            let since = Instant::now() + Duration::from_hours(1);
            Waiter { ticket, since, thread: thread::current() }
        };
        super::lock(&lock.state).waiters.extend([wait(7), wait(8)]);
        for _ in 0..PASSED_MAX {
            assert_eq!(super::lock(&lock.state).granted, None);
            drop(lock.lock_uninterrupted());
        }
        let state = super::lock(&lock.state);
        assert_eq!((state.granted, state.held), (Some(7), true), "it is handed over");
    }

    #[test]
    fn one_behind_others_is_passed_a_bounded_number_of_times() {
        const WAITERS: u64 = 4;
        let lock = WriterLock::new(0_u64);
        let taken = AtomicU64::new(0);
        let waiting = || super::lock(&lock.state).waiters.len() as u64;
        thread::scope(|scope| {
            let held = lock.lock_uninterrupted();
            let mut waiters = Vec::new();
            for place in 0..WAITERS {
                waiters.push(scope.spawn(|| {
                    let _guard = lock.lock_uninterrupted();
                    taken.load(Ordering::Relaxed)
                }));
                while waiting() <= place {
                    thread::yield_now();
                }
            }
            drop(held);
            while waiting() > 0 {
                let _guard = lock.lock_uninterrupted();
                taken.fetch_add(1, Ordering::Relaxed);
            }
            for (place, waiter) in (1..).zip(waiters) {
                let passed = waiter.join().unwrap();
                assert!(passed <= place * u64::from(PASSED_MAX), "{place}: passed by {passed}");
            }
        });
    }

    #[test]
    fn a_waiter_that_gives_up_leaves_the_lock_to_the_next() {
        let lock = WriterLock::new(0);
        let waiting = || super::lock(&lock.state).waiters.len();
        thread::scope(|scope| {
            let held = lock.lock_uninterrupted();
            let interrupt = Arc::new(Interrupt::default());
            let canceled = Arc::clone(&interrupt);
            let lock = &lock;
            let first = scope.spawn(move || lock.lock(None, &canceled).map(drop));
            while waiting() < 1 {
                thread::yield_now();
            }
            let second = scope.spawn(|| drop(lock.lock_uninterrupted()));
            while waiting() < 2 {
                thread::yield_now();
            }
            interrupt.cancel();
            assert_eq!(first.join().unwrap().unwrap_err().sqlstate(), SqlState::QueryCanceled);
            drop(held);
            second.join().unwrap();
        });
    }

    #[test]
    fn each_hold_is_counted() {
        let lock = WriterLock::new(0);
        for _ in 0..3 {
            drop(lock.lock_uninterrupted());
        }
        assert_eq!(lock.holds().count(), 3);
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
