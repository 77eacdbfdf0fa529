//! The lock table without threads: who holds what, who waits for it in which order, and whom a release lets go on.
//!
//! Waiters of one object stand in a queue. Who asks waits if somebody holds the object in a mode that excludes his, or if
//! somebody waits before him for such a mode: so nobody is overtaken for ever. Only who holds the object already, in another
//! mode, goes to the front: those behind wait for him anyway.

use std::collections::VecDeque;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::locks::mode::{Mode, Modes};
use crate::locks::object::Object;
use crate::sabotage::{self, Break};

/// A session, as the owner of locks.
pub type OwnerId = u64;

/// A wait, by the order in which waits began.
pub(super) type Ticket = u64;

/// How long a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Until the transaction ends, or is rolled back to a savepoint before it.
    Transaction,
    /// Until it is given back as often as it was taken, or the session ends.
    Session,
}

/// What one owner has of one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) owner: OwnerId,
    /// Until the end of the transaction.
    transaction: Modes,
    /// Until they are given back.
    session: Modes,
}

impl Hold {
    pub(super) fn modes(&self) -> Modes {
        self.transaction.union(self.session)
    }
}

/// Somebody who waits for an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    pub(super) owner: OwnerId,
    pub(super) mode: Mode,
    scope: Scope,
}

/// One object's locks.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) holds: SmallVec<[Hold; 1]>,
    queue: VecDeque<Waiter>,
}

impl Entry {
    pub(super) fn queue(&self) -> impl Iterator<Item = &Waiter> {
        self.queue.iter()
    }

    fn of(&self, owner: OwnerId) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.owner == owner)
    }

    fn is_empty(&self) -> bool {
        self.holds.is_empty() && self.queue.is_empty()
    }

    /// Whom a wait of `owner` for `mode`, with all in the queue before `ticket`, is for.
    pub(super) fn blockers(
        &self,
        owner: OwnerId,
        mode: Mode,
        ticket: Option<Ticket>,
    ) -> impl Iterator<Item = OwnerId> {
        let holders = self
            .holds
            .iter()
            .filter(move |hold| hold.owner != owner && hold.modes().conflict_with(mode))
            .map(|hold| hold.owner);
        let before = self
            .queue()
            .take_while(move |waiter| Some(waiter.ticket) != ticket)
            .filter(move |waiter| waiter.owner != owner && waiter.mode.conflicts_with(mode))
            .map(|waiter| waiter.owner);
        holders.chain(before)
    }
}

/// What an owner has, beside what the objects say.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    /// Locks of the transaction in the order in which they were taken, each object and mode once.
    pub(super) transaction: Vec<(Object, Mode)>,
    /// How often each advisory lock of the session was taken.
    pub(super) session: HashMap<(Object, Mode), u32>,
    /// The object and the ticket of the wait that it is in.
    pub(super) waits_for: Option<(Object, Ticket)>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The lock is held.
    Granted,
    /// Somebody is in the way.
    Blocked,
    /// The owner has as many as one may have.
    OwnerIsFull,
    /// There are as many as there may be.
    TableIsFull,
}

/// All locks of a database.
#[derive(Debug)]
pub(super) struct LockTable {
    pub(super) objects: HashMap<Object, Entry>,
    pub(super) owners: HashMap<OwnerId, Holdings>,
    /// Pairs of object and mode that are held.
    held: usize,
    /// Of these, such that commits look at.
    pub(super) concerning_commits: usize,
    next_ticket: Ticket,
    /// The most that a transaction, or a session beside, may hold, and all together.
    owner_max: usize,
    table_max: usize,
}

impl LockTable {
    pub(super) fn new(owner_max: usize, table_max: usize) -> Self {
        Self {
            objects: HashMap::new(),
            owners: HashMap::new(),
            held: 0,
            concerning_commits: 0,
            next_ticket: 0,
            owner_max,
            table_max,
        }
    }

    /// Whether `owner` would have to wait for the object.
    pub(super) fn is_blocked(&self, owner: OwnerId, object: Object, mode: Mode) -> bool {
        let Some(entry) = self.objects.get(&object) else { return false };
        let excluded =
            entry.holds.iter().any(|hold| hold.owner != owner && hold.modes().conflict_with(mode));
        // One who holds it goes before those who wait.
        !sabotage::is(Break::IgnoreLocks)
            && (excluded
                || entry.of(owner).is_none() && entry.blockers(owner, mode, None).next().is_some())
    }

    /// Takes the lock if nobody is in the way.
    pub(super) fn request(
        &mut self,
        owner: OwnerId,
        object: Object,
        mode: Mode,
        scope: Scope,
    ) -> Request {
        if self.has(owner, object, mode, scope) {
            return Request::Granted;
        }
        if self.is_blocked(owner, object, mode) {
            return Request::Blocked;
        }
        if self.held >= self.table_max {
            return Request::TableIsFull;
        }
        if self.owners.get(&owner).is_some_and(|holdings| match scope {
            Scope::Transaction => holdings.transaction.len() >= self.owner_max,
            Scope::Session => holdings.session.len() >= self.owner_max,
        }) {
            return Request::OwnerIsFull;
        }
        self.grant(owner, object, mode, scope);
        Request::Granted
    }

    /// Whether nothing new is needed; a session's lock is then counted once more.
    fn has(&mut self, owner: OwnerId, object: Object, mode: Mode, scope: Scope) -> bool {
        let Some(hold) = self.objects.get(&object).and_then(|entry| entry.of(owner)) else {
            return false;
        };
        match scope {
            Scope::Transaction if object.concerns_commits() => hold.transaction.cover(mode),
            Scope::Transaction => hold.transaction.contains(mode),
            Scope::Session => {
                if !hold.session.contains(mode) {
                    return false;
                }
                let counts = self.owners.get_mut(&owner).map(|holdings| &mut holdings.session);
                if let Some(count) = counts.and_then(|counts| counts.get_mut(&(object, mode))) {
                    *count = count.saturating_add(1);
                }
                true
            }
        }
    }

    fn grant(&mut self, owner: OwnerId, object: Object, mode: Mode, scope: Scope) {
        let entry = self.objects.entry(object).or_default();
        let place = entry.holds.iter().position(|hold| hold.owner == owner).unwrap_or_else(|| {
            let (transaction, session) = (Modes::default(), Modes::default());
            entry.holds.push(Hold { owner, transaction, session });
            entry.holds.len() - 1
        });
        let hold = &mut entry.holds[place];
        let holdings = self.owners.entry(owner).or_default();
        match scope {
            Scope::Transaction => {
                hold.transaction.insert(mode);
                holdings.transaction.push((object, mode));
            }
            Scope::Session => {
                hold.session.insert(mode);
                *holdings.session.entry((object, mode)).or_default() += 1;
            }
        }
        self.held += 1;
        self.concerning_commits += usize::from(object.concerns_commits());
    }

    /// Puts a request that was blocked into the object's queue.
    pub(super) fn wait(
        &mut self,
        owner: OwnerId,
        object: Object,
        mode: Mode,
        scope: Scope,
    ) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let entry = self.objects.entry(object).or_default();
        let holds_it = |owner| entry.holds.iter().any(|hold| hold.owner == owner);
        let waiter = Waiter { ticket, owner, mode, scope };
        let place = if holds_it(owner) {
            entry.queue.iter().take_while(|waiter| holds_it(waiter.owner)).count()
        } else {
            entry.queue.len()
        };
        entry.queue.insert(place, waiter);
        self.owners.entry(owner).or_default().waits_for = Some((object, ticket));
        ticket
    }

    /// Ends a wait without the lock; answers the waits that it was in the way of.
    pub(super) fn withdraw(&mut self, owner: OwnerId) -> Vec<Ticket> {
        let Some(holdings) = self.owners.get_mut(&owner) else { return Vec::new() };
        let Some((object, ticket)) = holdings.waits_for.take() else { return Vec::new() };
        if let Some(entry) = self.objects.get_mut(&object) {
            entry.queue.retain(|waiter| waiter.ticket != ticket);
        }
        self.forget_if_idle(owner);
        let mut granted = Vec::new();
        self.grant_waiters(object, &mut granted);
        granted
    }

    /// Whether the owner's wait is over because it was granted the lock.
    pub(super) fn waits(&self, owner: OwnerId) -> bool {
        self.owners.get(&owner).is_some_and(|holdings| holdings.waits_for.is_some())
    }

    /// How many locks the owner's transaction has taken: what [`Self::release_to`] goes back to.
    pub(super) fn transaction_count(&self, owner: OwnerId) -> usize {
        self.owners.get(&owner).map_or(0, |holdings| holdings.transaction.len())
    }

    /// Gives back what the transaction has taken since it had `count` locks; answers the waits that are over by it.
    pub(super) fn release_to(&mut self, owner: OwnerId, count: usize) -> Vec<Ticket> {
        let mut granted = Vec::new();
        let Some(holdings) = self.owners.get_mut(&owner) else { return granted };
        if holdings.transaction.len() <= count {
            return granted;
        }
        let released = holdings.transaction.split_off(count);
        for (object, mode) in released {
            self.drop_hold(owner, object, mode, Scope::Transaction, &mut granted);
        }
        self.forget_if_idle(owner);
        granted
    }

    /// Gives back one lock that the transaction has taken since it had `count`.
    pub(super) fn release_since(
        &mut self,
        owner: OwnerId,
        count: usize,
        object: Object,
        mode: Mode,
    ) -> Vec<Ticket> {
        let mut granted = Vec::new();
        let Some(holdings) = self.owners.get_mut(&owner) else { return granted };
        let since = holdings.transaction.get(count..).unwrap_or_default();
        let Some(place) = since.iter().rposition(|held| *held == (object, mode)) else {
            return granted;
        };
        holdings.transaction.remove(count + place);
        self.drop_hold(owner, object, mode, Scope::Transaction, &mut granted);
        self.forget_if_idle(owner);
        granted
    }

    /// Gives a session's lock back once; None if it has none.
    pub(super) fn unlock(
        &mut self,
        owner: OwnerId,
        object: Object,
        mode: Mode,
    ) -> Option<Vec<Ticket>> {
        let holdings = self.owners.get_mut(&owner)?;
        let count = holdings.session.get_mut(&(object, mode))?;
        *count -= 1;
        let mut granted = Vec::new();
        if *count == 0 {
            holdings.session.remove(&(object, mode));
            self.drop_hold(owner, object, mode, Scope::Session, &mut granted);
            self.forget_if_idle(owner);
        }
        Some(granted)
    }

    /// Gives all of a session's locks back.
    pub(super) fn unlock_all(&mut self, owner: OwnerId) -> Vec<Ticket> {
        let mut granted = Vec::new();
        let Some(holdings) = self.owners.get_mut(&owner) else { return granted };
        let mut held: Vec<(Object, Mode)> =
            std::mem::take(&mut holdings.session).into_keys().collect();
        held.sort_unstable();
        for (object, mode) in held {
            self.drop_hold(owner, object, mode, Scope::Session, &mut granted);
        }
        self.forget_if_idle(owner);
        granted
    }

    fn drop_hold(
        &mut self,
        owner: OwnerId,
        object: Object,
        mode: Mode,
        scope: Scope,
        granted: &mut Vec<Ticket>,
    ) {
        let Some(entry) = self.objects.get_mut(&object) else { return };
        let Some(place) = entry.holds.iter().position(|hold| hold.owner == owner) else { return };
        let hold = &mut entry.holds[place];
        match scope {
            Scope::Transaction => hold.transaction.remove(mode),
            Scope::Session => hold.session.remove(mode),
        }
        if hold.modes().is_empty() {
            entry.holds.swap_remove(place);
        }
        self.held -= 1;
        self.concerning_commits -= usize::from(object.concerns_commits());
        self.grant_waiters(object, granted);
    }

    /// Grants the object to all in its queue whom nobody is in the way of any more.
    fn grant_waiters(&mut self, object: Object, granted: &mut Vec<Ticket>) {
        let Some(entry) = self.objects.get_mut(&object) else { return };
        if entry.is_empty() {
            self.objects.remove(&object);
            return;
        }
        let waiters: SmallVec<[Waiter; 4]> = entry.queue.iter().copied().collect();
        for waiter in waiters {
            let Some(entry) = self.objects.get_mut(&object) else { return };
            let blocked =
                entry.blockers(waiter.owner, waiter.mode, Some(waiter.ticket)).next().is_some();
            if blocked {
                continue;
            }
            entry.queue.retain(|other| other.ticket != waiter.ticket);
            if let Some(holdings) = self.owners.get_mut(&waiter.owner) {
                holdings.waits_for = None;
            }
            self.grant(waiter.owner, object, waiter.mode, waiter.scope);
            granted.push(waiter.ticket);
        }
        if self.objects.get(&object).is_some_and(Entry::is_empty) {
            self.objects.remove(&object);
        }
    }

    fn forget_if_idle(&mut self, owner: OwnerId) {
        if let Some(holdings) = self.owners.get(&owner)
            && holdings.transaction.is_empty()
            && holdings.session.is_empty()
            && holdings.waits_for.is_none()
        {
            self.owners.remove(&owner);
        }
    }
}
