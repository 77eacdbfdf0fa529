//! Threads that wait, and the table against a model.

mod model;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::storage::{RowId, TableId};

const FIRST: Object = Object::Advisory(1);
const SECOND: Object = Object::AdvisoryPair(1, 2);

fn row(number: u64) -> Object {
    Object::Row(TableId(7), RowId(number))
}

fn patience(interrupt: &Interrupt) -> Patience<'_> {
    Patience { lock_timeout: None, interrupt }
}

fn take(owner: &LockOwner, object: Object, mode: Mode) -> Result<bool> {
    let interrupt = Interrupt::default();
    owner.lock(object, mode, Scope::Transaction, &patience(&interrupt))
}

/// Waits until so many sessions wait.
fn await_waiters(locks: &Locks, count: usize) {
    while locks.snapshot().iter().filter(|view| !view.granted).count() < count {
        thread::yield_now();
    }
}

#[test]
fn a_waiter_gets_the_lock_when_it_is_given_back() {
    let locks = Arc::new(Locks::default());
    let holder = locks.owner(0);
    assert!(!take(&holder, row(1), Mode::NoKeyUpdate).unwrap());
    assert!(locks.concern_commits());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let waiter = locks.owner(2);
            assert!(waiter.is_blocked(row(1), Mode::Share));
            assert!(!waiter.is_blocked(row(1), Mode::KeyShare));
            assert!(take(&waiter, row(1), Mode::Update).unwrap());
        });
        await_waiters(&locks, 1);
        holder.release_transaction();
        waiter.join().unwrap();
    });
    assert!(locks.snapshot().is_empty());
    assert!(!locks.concern_commits());
}

#[test]
fn a_cycle_is_an_error_of_the_wait_that_would_close_it() {
    let locks = Arc::new(Locks::default());
    let (left, right) = (locks.owner(1), locks.owner(2));
    take(&left, row(1), Mode::Update).unwrap();
    take(&right, FIRST, Mode::Update).unwrap();
    let error = thread::scope(|scope| {
        scope.spawn(|| take(&left, FIRST, Mode::Share).unwrap());
        await_waiters(&locks, 1);
        let error = take(&right, row(1), Mode::Share).unwrap_err();
        let waits = locks.snapshot().len();
        right.release_transaction();
        assert_eq!(waits, 3, "the victim's wait is over");
        error
    });
    assert_eq!(error.sqlstate(), SqlState::DeadlockDetected);
    assert_eq!(error.message(), "deadlock detected");
    assert_eq!(
        error.fields().detail.as_deref(),
        Some(
            "Process 2 waits for FOR SHARE on row 1 of relation 16391; blocked by process 1.\n\
             Process 1 waits for ShareLock on advisory lock [5,0,1,1]; blocked by process 2."
        )
    );
}

#[test]
fn two_who_share_and_both_want_more_are_a_deadlock() {
    let locks = Arc::new(Locks::default());
    let (left, right) = (locks.owner(1), locks.owner(2));
    take(&left, row(1), Mode::Share).unwrap();
    take(&right, row(1), Mode::Share).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| take(&left, row(1), Mode::Update).unwrap());
        await_waiters(&locks, 1);
        let error = take(&right, row(1), Mode::NoKeyUpdate).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::DeadlockDetected);
        right.release_transaction();
    });
}

#[test]
fn timeout_and_cancel_end_a_wait_and_free_those_behind() {
    let locks = Arc::new(Locks::default());
    let (holder, waiter, behind) = (locks.owner(1), locks.owner(2), locks.owner(3));
    take(&holder, SECOND, Mode::Share).unwrap();
    let interrupt = Interrupt::default();
    let short = Patience { lock_timeout: Some(Duration::from_millis(5)), interrupt: &interrupt };
    let error = waiter.lock(SECOND, Mode::Update, Scope::Session, &short).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::LockNotAvailable);
    thread::scope(|scope| {
        let canceled = scope
            .spawn(|| waiter.lock(SECOND, Mode::Update, Scope::Session, &patience(&interrupt)));
        await_waiters(&locks, 1);
        let follows = scope.spawn(|| take(&behind, SECOND, Mode::Share));
        await_waiters(&locks, 2);
        interrupt.cancel();
        let error = canceled.join().unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::QueryCanceled);
        assert!(follows.join().unwrap().unwrap(), "it was only behind the other in the queue");
    });
}

#[test]
fn an_owner_that_is_gone_holds_nothing() {
    let locks = Arc::new(Locks::default());
    let owner = locks.owner(0);
    for scope in [Scope::Session, Scope::Transaction] {
        assert!(owner.try_lock(FIRST, Mode::Update, scope).unwrap());
    }
    owner.release_transaction();
    assert_eq!(locks.snapshot().len(), 1);
    drop(owner);
    assert!(locks.snapshot().is_empty());
}

#[test]
fn sessions_locks_are_counted() {
    let locks = Arc::new(Locks::default());
    let (owner, other) = (locks.owner(1), locks.owner(2));
    for _ in 0..2 {
        assert!(owner.try_lock(FIRST, Mode::Share, Scope::Session).unwrap());
    }
    assert!(!owner.unlock(FIRST, Mode::Update));
    assert!(owner.unlock(FIRST, Mode::Share));
    assert!(!other.try_lock(FIRST, Mode::Update, Scope::Session).unwrap());
    assert!(owner.unlock(FIRST, Mode::Share));
    assert!(!owner.unlock(FIRST, Mode::Share));
    assert!(other.try_lock(FIRST, Mode::Update, Scope::Session).unwrap());
}

#[test]
fn limits_are_errors_that_name_them() {
    let locks = Arc::new(Locks::with_limits(2, 3));
    let (left, right) = (locks.owner(1), locks.owner(2));
    take(&left, row(1), Mode::Update).unwrap();
    take(&left, row(2), Mode::Update).unwrap();
    take(&left, row(2), Mode::Share).unwrap();
    let error = take(&left, row(3), Mode::Update).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::OutOfMemory);
    assert!(error.fields().detail.as_deref().unwrap().starts_with("A transaction can hold"));
    take(&right, row(4), Mode::Update).unwrap();
    let error = take(&right, row(5), Mode::Update).unwrap_err();
    assert!(error.fields().detail.as_deref().unwrap().starts_with("All sessions together"));
}

/// Among contending writers nobody gets the lock again while another who asked before has not had it.
#[test]
fn sixty_four_writers_take_turns() {
    const WRITERS: usize = 64;
    const TURNS: usize = 8;
    let locks = Arc::new(Locks::default());
    let gate = locks.owner(0);
    take(&gate, row(1), Mode::Update).unwrap();
    let grants = AtomicUsize::new(0);
    let overtaken = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 1..=WRITERS as u64 {
            let (locks, grants, overtaken) = (&locks, &grants, &overtaken);
            scope.spawn(move || {
                let writer = locks.owner(number);
                for _ in 0..TURNS {
                    let before = grants.load(Ordering::SeqCst);
                    take(&writer, row(1), Mode::Update).unwrap();
                    let between = grants.fetch_add(1, Ordering::SeqCst) - before;
                    overtaken.fetch_max(between, Ordering::SeqCst);
                    writer.release_transaction();
                }
            });
        }
        await_waiters(&locks, WRITERS);
        gate.release_transaction();
    });
    assert_eq!(grants.into_inner(), WRITERS * TURNS);
    // Between asking and standing in the queue others may have had their turn too, but not all of them twice.
    let overtaken = overtaken.into_inner();
    assert!(overtaken <= 3 * WRITERS, "{overtaken} others went first");
}
