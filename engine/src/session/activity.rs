//! The sessions that there are, as others see them.
//!
//! A session has a [`Card`], entered here when it begins. It writes on it without waiting for anybody: plain stores for
//! what every statement changes, a lock of its own, which only those who look at sessions take too, for what a transaction
//! block changes. Nothing here is shared by two sessions that run statements.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use crate::metrics::tallies::{Tallies, Totals};
use crate::session::interrupt::Canceller;
use crate::session::statistics::{Counters, Statistics};
use crate::storage::CommitNumber;
use crate::storage::retained::retained;
use crate::storage::root::Root;
use crate::system::live::{SessionState, StatementState, TransactionState};
use crate::types::datetime::{TimestampTz, clock};

/// Chunks and leaves that are gone through to tell what a snapshot keeps alive: some milliseconds.
const RETAINED_PIECES_MAX: usize = 100_000;

/// A list of statements is looked through for those that are gone when it has grown to so many, at least.
const PRUNED_MIN: usize = 64;

/// All sessions of a database.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    last_id: AtomicI32,
    cards: Mutex<BTreeMap<i32, Arc<Card>>>,
    /// What sessions that have ended had counted.
    departed: Mutex<Totals>,
    statistics: Arc<Statistics>,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Card {
    /// Its number, not used again while the database is open (until two thousand million were).
    pub(crate) id: i32,
    began: TimestampTz,
    began_at: Instant,
    canceller: Canceller,
    who: Mutex<Who>,
    statements: Mutex<Statements>,
    transaction: Mutex<Option<OpenBlock>>,
    /// What its statements write.
    running: CachePadded<Running>,
}

#[derive(Clone, Debug, Default)]
struct Who {
    user: Arc<str>,
    peer: Arc<str>,
    application: Arc<str>,
}

#[derive(Debug, Default)]
struct Running {
    tallies: Tallies,
    /// The commit of the version that a statement outside a block reads, and 1; 0 for none.
    reading: AtomicU64,
    /// The number of the statement that runs, or ran last, doubled, and 1 while it runs.
    statement: AtomicU64,
    /// When it began: microseconds after the session, and 1; 0 if nobody looked at a clock.
    began_us: AtomicU64,
    /// Since when the open block waits for its next statement, likewise.
    idle_us: AtomicU64,
}

/// The prepared statements of a session, as far as they are counted.
#[derive(Debug, Default)]
struct Statements {
    last_number: u64,
    counted: Vec<Weak<Counters>>,
    /// As long as that the list may grow before those that are gone are taken out.
    prune_at: usize,
}

/// A transaction block.
#[derive(Clone, Debug)]
struct OpenBlock {
    state: TransactionState,
    snapshot: Option<(CommitNumber, Weak<Root>)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one assignment: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Activity {
    /// A session begins.
    pub(crate) fn enter(&self, canceller: Canceller) -> Arc<Card> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX;
        let card = Arc::new(Card {
            id,
            began: clock(),
            began_at: Instant::now(),
            canceller,
            who: Mutex::default(),
            statements: Mutex::default(),
            transaction: Mutex::default(),
            running: CachePadded::default(),
        });
        lock(&self.cards).insert(id, Arc::clone(&card));
        card
    }

    /// A session has ended.
    pub(crate) fn leave(&self, card: &Card) {
        // Counted once at any moment: here, or with the card.
        let mut departed = lock(&self.departed);
        if lock(&self.cards).remove(&card.id).is_some() {
            departed.add(card.tallies());
        }
    }

    /// Cancels what a session runs; false if there is no such session.
    pub(crate) fn cancel(&self, session: i32) -> bool {
        let cards = lock(&self.cards);
        let found = cards.get(&session);
        found.inspect(|card| card.canceller.cancel()).is_some()
    }

    /// Asks a session to end; false if there is no such session.
    pub(crate) fn terminate(&self, session: i32) -> bool {
        let cards = lock(&self.cards);
        let found = cards.get(&session);
        found.inspect(|card| card.canceller.terminate()).is_some()
    }

    /// Whether there is this session.
    pub(crate) fn has(&self, session: i32) -> bool {
        lock(&self.cards).contains_key(&session)
    }

    /// Counters for a statement of a session.
    pub(crate) fn count(&self, card: &Card, text: &Arc<str>) -> Arc<Counters> {
        let mut statements = lock(&card.statements);
        statements.last_number += 1;
        let counters = Arc::new(Counters::new(text, statements.last_number, &self.statistics));
        if statements.counted.len() >= statements.prune_at {
            statements.counted.retain(|counters| counters.strong_count() != 0);
            statements.prune_at = (statements.counted.len() * 2).max(PRUNED_MIN);
        }
        statements.counted.push(Arc::downgrade(&counters));
        counters
    }

    /// What all sessions have counted, those that have ended too.
    pub(crate) fn totals(&self) -> Totals {
        let departed = lock(&self.departed);
        let mut totals = *departed;
        for card in lock(&self.cards).values() {
            totals.add(card.tallies());
        }
        totals
    }

    /// What statements have cost.
    pub(crate) fn statements(&self) -> Vec<StatementState> {
        let cards: Vec<Arc<Card>> = lock(&self.cards).values().map(Arc::clone).collect();
        let live: Vec<Arc<Counters>> = cards.iter().flat_map(|card| card.counted()).collect();
        self.statistics.states(&live)
    }

    /// How the sessions stand; with what the snapshots of blocks keep alive beside `newest`, if that is given.
    pub(crate) fn states(&self, newest: Option<&Root>) -> Vec<SessionState> {
        let cards: Vec<Arc<Card>> = lock(&self.cards).values().map(Arc::clone).collect();
        cards.iter().map(|card| card.state(newest)).collect()
    }
}

impl Card {
    /// What the session counts.
    #[inline]
    pub(crate) fn tallies(&self) -> &Tallies {
        &self.running.tallies
    }

    /// Who uses it.
    pub(crate) fn user(&self) -> Arc<str> {
        Arc::clone(&lock(&self.who).user)
    }

    /// Says who uses it, and from where.
    pub(crate) fn set_user(&self, user: &str, peer: &str) {
        let mut who = lock(&self.who);
        (who.user, who.peer) = (Arc::from(user), Arc::from(peer));
    }

    /// Its number, as `pg_stat_activity` has it.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// Says which application uses it.
    pub(crate) fn set_application(&self, application: &Arc<str>) {
        lock(&self.who).application = Arc::clone(application);
    }

    /// A transaction block is open, and stands so.
    pub(crate) fn show_block(&self, state: TransactionState, base: Option<&Arc<Root>>) {
        let snapshot = base.map(|root| (root.commit, Arc::downgrade(root)));
        *lock(&self.transaction) = Some(OpenBlock { state, snapshot });
    }

    /// The block has ended.
    pub(crate) fn end_block(&self) {
        *lock(&self.transaction) = None;
    }

    /// A statement outside a block reads a version.
    #[inline]
    pub(crate) fn begin_reading(&self, commit: CommitNumber) {
        self.running.reading.store(commit.0.wrapping_add(1), Ordering::Relaxed);
    }

    /// It has ended.
    #[inline]
    pub(crate) fn end_reading(&self) {
        self.running.reading.store(0, Ordering::Relaxed);
    }

    /// A statement begins; `at` is when, if that is known.
    #[inline]
    pub(crate) fn begin_statement(&self, number: u64, at: Option<Instant>) {
        let began = at.map_or(0, |at| self.after_begin(at));
        self.running.began_us.store(began, Ordering::Relaxed);
        self.running.statement.store(number << 1 | 1, Ordering::Relaxed);
    }

    /// It has ended.
    #[inline]
    pub(crate) fn end_statement(&self, number: u64) {
        self.running.statement.store(number << 1, Ordering::Relaxed);
    }

    /// The open block waits for its next statement since then, as far as that is known.
    #[inline]
    pub(crate) fn wait_since(&self, at: Option<Instant>) {
        let since = at.map_or(0, |at| self.after_begin(at));
        self.running.idle_us.store(since, Ordering::Relaxed);
    }

    fn after_begin(&self, at: Instant) -> u64 {
        (at.saturating_duration_since(self.began_at).as_micros() as u64).wrapping_add(1)
    }

    /// A moment that was written so; None if it was not.
    fn moment(&self, written: &AtomicU64) -> Option<TimestampTz> {
        let after = written.load(Ordering::Relaxed).checked_sub(1)?;
        Some(TimestampTz(self.began.0 + after as i64))
    }

    fn counted(&self) -> Vec<Arc<Counters>> {
        lock(&self.statements).counted.iter().filter_map(Weak::upgrade).collect()
    }

    fn state(&self, newest: Option<&Root>) -> SessionState {
        let who = lock(&self.who).clone();
        let block = lock(&self.transaction).clone();
        let transaction = block.map(|block| {
            let snapshot = block.snapshot.map(|(commit, root)| {
                let kept = newest.zip(root.upgrade());
                (commit, kept.map(|(newest, root)| retained(&root, newest, RETAINED_PIECES_MAX)))
            });
            TransactionState { snapshot, ..block.state }
        });
        let reading = self.running.reading.load(Ordering::Relaxed);
        let statement = self.running.statement.load(Ordering::Relaxed);
        let shown = self.counted().into_iter().find(|counters| counters.number == statement >> 1);
        let is_active = statement & 1 != 0;
        let statement_began = self.moment(&self.running.began_us);
        // Of a short statement the start stands for the end: not before it began by its own clock.
        let waits_since = transaction
            .as_ref()
            .and_then(|_| self.moment(&self.running.idle_us))
            .map(|since| since.max(statement_began.unwrap_or(since)));
        SessionState {
            id: self.id,
            user: who.user,
            peer: who.peer,
            application: who.application,
            began: self.began,
            is_active,
            statement_id: shown.as_ref().map(|counters| counters.query_id()),
            statement: shown.map(|counters| Arc::clone(&counters.text)),
            statement_began,
            state_since: if is_active { statement_began } else { waits_since },
            transaction,
            reading: reading.checked_sub(1).map(CommitNumber),
        }
    }
}
