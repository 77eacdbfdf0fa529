//! Locks: rows, keys of unique indexes, and advisory locks, each owned by a session.
//!
//! Rows are locked by READ COMMITTED and by SELECT ... FOR UPDATE and its kin; nobody who only reads comes here. What makes a
//! row lock worth something is a rule that commits follow (`transaction/block.rs`):
//!
//! Invariant: whoever holds a row's lock, and has looked at `pending` under the writer lock after it was granted, knows that
//! no commit but its own changes that row until it lets go. For a commit looks at others' locks under the writer lock before
//! it is queued, and if one is in its way it frees the writer lock, waits by taking the lock itself, and begins again.
//!
//! Invariant: nobody waits for one of these locks while holding the writer lock.
//!
//! Reading order: [`mode`] says what excludes what, [`object`] what is locked; `table` is the lock table as plain data,
//! `graph` finds deadlocks in it; here threads wait.

mod graph;
mod mode;
mod object;
mod table;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hashbrown::HashMap;

pub use mode::Mode;
pub use object::Object;
pub use table::{OwnerId, Scope};

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::limits::{LOCKS_MAX, LOCKS_OF_TRANSACTION_MAX};
use crate::locks::graph::Edge;
use crate::locks::table::{LockTable, Request, Ticket};
use crate::sabotage::{self, Break};
use crate::sync::{Mutex, MutexGuard, Thread, current, park_timeout};

/// How often a waiter looks at its cancel flag, which nothing signals.
const CANCEL_POLL: Duration = Duration::from_millis(10);

/// The locks of one database.
#[derive(Debug)]
pub struct Locks {
    state: Mutex<State>,
    /// How many locks there are that commits have to look at; written under the mutex.
    concerning_commits: AtomicUsize,
}

#[derive(Debug)]
struct State {
    table: LockTable,
    sleepers: HashMap<Ticket, Thread>,
}

/// A session's side: its locks are given back when it is dropped.
#[derive(Debug)]
pub struct LockOwner {
    locks: Arc<Locks>,
    id: OwnerId,
    /// Whether the transaction may have locks: it need not ask at its end, if it has none.
    has_transaction_locks: AtomicBool,
    has_session_locks: AtomicBool,
}

/// How long a wait may last.
#[derive(Clone, Copy, Debug)]
pub struct Patience<'i> {
    /// `lock_timeout`: then 55P03.
    pub lock_timeout: Option<Duration>,
    /// Cancel and `statement_timeout`: then 57014.
    pub interrupt: &'i Interrupt,
}

/// A lock that is held or waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockView {
    /// Whose.
    pub owner: OwnerId,
    /// What.
    pub object: Object,
    /// How.
    pub mode: Mode,
    /// Whether it is held; else it is waited for.
    pub granted: bool,
    /// Whom it is waited for: those who hold it, then those who came before.
    pub blocked_by: Vec<OwnerId>,
}

impl Default for Locks {
    fn default() -> Self {
        Self::with_limits(LOCKS_OF_TRANSACTION_MAX, LOCKS_MAX)
    }
}

impl Locks {
    fn with_limits(owner_max: usize, table_max: usize) -> Self {
        let table = LockTable::new(owner_max, table_max);
        Self {
            state: Mutex::new(State { table, sleepers: HashMap::new() }),
            concerning_commits: AtomicUsize::new(0),
        }
    }

    /// An owner with a number that no other has.
    pub fn owner(self: &Arc<Self>, id: OwnerId) -> LockOwner {
        LockOwner {
            locks: Arc::clone(self),
            id,
            has_transaction_locks: AtomicBool::new(false),
            has_session_locks: AtomicBool::new(false),
        }
    }

    /// Whether anybody holds a lock that a commit may have to wait for.
    ///
    /// Asked under the writer lock: who has taken a lock before he looked at `pending` is seen here, who takes one later sees
    /// the commit there.
    #[inline]
    pub fn concern_commits(&self) -> bool {
        self.concerning_commits.load(Ordering::Acquire) != 0
    }

    /// All locks that are held or waited for, by owner.
    pub fn snapshot(&self) -> Vec<LockView> {
        let state = self.lock();
        let mut views = Vec::new();
        for (&object, entry) in &state.table.objects {
            for hold in &entry.holds {
                let owner = hold.owner;
                let view =
                    |mode| LockView { owner, object, mode, granted: true, blocked_by: Vec::new() };
                views.extend(hold.modes().iter().map(view));
            }
            views.extend(entry.queue().map(|waiter| {
                let (owner, mode) = (waiter.owner, waiter.mode);
                let mut blocked_by: Vec<OwnerId> =
                    entry.blockers(owner, mode, Some(waiter.ticket)).collect();
                blocked_by.dedup();
                LockView { owner, object, mode, granted: false, blocked_by }
            }));
        }
        drop(state);
        views.sort_unstable_by_key(|view| (view.owner, !view.granted, view.object, view.mode));
        views
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic leaves the table whole: what runs under the mutex does not fail half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what was done under the mutex: waits that are over by it end.
    fn finish(&self, mut state: MutexGuard<'_, State>, granted: &[Ticket]) {
        self.concerning_commits.store(state.table.concerning_commits, Ordering::Release);
        let woken: Vec<Thread> =
            granted.iter().filter_map(|ticket| state.sleepers.remove(ticket)).collect();
        drop(state);
        for thread in woken {
            thread.unpark();
        }
    }
}

impl LockOwner {
    /// The number that stands for its session in messages and views.
    pub fn id(&self) -> OwnerId {
        self.id
    }

    /// The database's locks.
    pub fn locks(&self) -> &Arc<Locks> {
        &self.locks
    }

    /// Takes a lock if nobody is in the way, and says whether it did; 53200 if there are too many.
    pub fn try_lock(&self, object: Object, mode: Mode, scope: Scope) -> Result<bool> {
        let mut state = self.locks.lock();
        let request = state.table.request(self.id, object, mode, scope);
        self.locks.finish(state, &[]);
        self.note(request, scope)
    }

    /// Takes a lock, waiting for whoever is in the way; says whether it waited. 40P01 at once if they wait for this session,
    /// 55P03 and 57014 when the patience is over, 53200 if there are too many.
    pub fn lock(
        &self,
        object: Object,
        mode: Mode,
        scope: Scope,
        patience: &Patience<'_>,
    ) -> Result<bool> {
        let mut state = self.locks.lock();
        let request = state.table.request(self.id, object, mode, scope);
        if request != Request::Blocked {
            self.locks.finish(state, &[]);
            return self.note(request, scope).map(|_| false);
        }
        patience.interrupt.check()?;
        let ticket = state.table.wait(self.id, object, mode, scope);
        if let Some(cycle) = graph::cycle(&state.table, self.id) {
            let granted = state.table.withdraw(self.id);
            self.locks.finish(state, &granted);
            return Err(deadlock(&cycle));
        }
        state.sleepers.insert(ticket, current());
        drop(state);
        self.sleep(ticket, patience)?;
        self.note(Request::Granted, scope)
    }

    /// Whether taking the lock would have to wait.
    pub fn is_blocked(&self, object: Object, mode: Mode) -> bool {
        self.locks.lock().table.is_blocked(self.id, object, mode)
    }

    /// The first of some locks that would have to be waited for.
    pub fn first_blocked(
        &self,
        wanted: impl IntoIterator<Item = (Object, Mode)>,
    ) -> Option<(Object, Mode)> {
        let state = self.locks.lock();
        wanted.into_iter().find(|(object, mode)| state.table.is_blocked(self.id, *object, *mode))
    }

    /// How many locks the transaction has: what [`Self::release_to`] goes back to.
    pub fn transaction_count(&self) -> usize {
        if !self.has_transaction_locks.load(Ordering::Relaxed) {
            return 0;
        }
        self.locks.lock().table.transaction_count(self.id)
    }

    /// Gives back what the transaction has taken since it had `count` locks.
    pub fn release_to(&self, count: usize) {
        if !self.has_transaction_locks.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.locks.lock();
        let granted = state.table.release_to(self.id, count);
        self.locks.finish(state, &granted);
    }

    /// Gives back one lock that the transaction has taken since it had `count`; does nothing if it had it before.
    pub fn release_since(&self, count: usize, object: Object, mode: Mode) {
        let mut state = self.locks.lock();
        let granted = state.table.release_since(self.id, count, object, mode);
        self.locks.finish(state, &granted);
    }

    /// The transaction has ended.
    #[inline]
    pub fn release_transaction(&self) {
        self.release_to(0);
        self.has_transaction_locks.store(false, Ordering::Relaxed);
    }

    /// Gives a session's lock back once; says whether there was one.
    pub fn unlock(&self, object: Object, mode: Mode) -> bool {
        let mut state = self.locks.lock();
        let granted = state.table.unlock(self.id, object, mode);
        self.locks.finish(state, granted.as_deref().unwrap_or_default());
        granted.is_some()
    }

    /// Gives all of the session's locks back, but not the transaction's.
    pub fn unlock_all(&self) {
        if !self.has_session_locks.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut state = self.locks.lock();
        let granted = state.table.unlock_all(self.id);
        self.locks.finish(state, &granted);
    }

    fn note(&self, request: Request, scope: Scope) -> Result<bool> {
        let full = |whose: &str, limit: usize| {
            Err(Error::new(SqlState::OutOfMemory, "out of shared memory").with_detail(format!(
                "{whose} at most {limit} locks on rows, keys and advisory objects."
            )))
        };
        match request {
            Request::Blocked => Ok(false),
            Request::OwnerIsFull => full("A transaction can hold", LOCKS_OF_TRANSACTION_MAX),
            Request::TableIsFull => full("All sessions together can hold", LOCKS_MAX),
            Request::Granted => {
                match scope {
                    Scope::Transaction => self.has_transaction_locks.store(true, Ordering::Relaxed),
                    Scope::Session => self.has_session_locks.store(true, Ordering::Relaxed),
                }
                Ok(true)
            }
        }
    }

    /// Sleeps until the wait is over: with the lock, or with an error and without it.
    fn sleep(&self, ticket: Ticket, patience: &Patience<'_>) -> Result<()> {
        let since = Instant::now();
        loop {
            let left = patience.lock_timeout.map(|timeout| timeout.saturating_sub(since.elapsed()));
            park_timeout(left.map_or(CANCEL_POLL, |left| left.min(CANCEL_POLL)));
            let mut state = self.locks.lock();
            if !state.table.waits(self.id) {
                return Ok(());
            }
            let ended = match patience.interrupt.check() {
                Err(error) => error,
                Ok(()) if left.is_some_and(|left| left.is_zero()) => lock_timeout(),
                Ok(()) => continue,
            };
            state.sleepers.remove(&ticket);
            let granted = state.table.withdraw(self.id);
            self.locks.finish(state, &granted);
            return Err(ended);
        }
    }
}

impl Drop for LockOwner {
    fn drop(&mut self) {
        if sabotage::is(Break::KeepLocks) {
            return;
        }
        self.release_transaction();
        self.unlock_all();
    }
}

/// 55P03 for a wait that took too long.
#[cold]
pub fn lock_timeout() -> Error {
    Error::new(SqlState::LockNotAvailable, "canceling statement due to lock timeout")
}

#[cold]
fn deadlock(cycle: &[Edge]) -> Error {
    let lines: Vec<String> = cycle
        .iter()
        .map(|Edge { waiter, object, mode, blocker }| {
            let name = match object {
                Object::Row(..) => mode.clause(),
                _ => mode.advisory_name(),
            };
            format!("Process {waiter} waits for {name} on {object}; blocked by process {blocker}.")
        })
        .collect();
    Error::new(SqlState::DeadlockDetected, "deadlock detected").with_detail(lines.join("\n"))
}
