//! The session as its statements see it: its clock and zone, and sequences.
//!
//! A value of a sequence may be answered once a durable root has a place at or beyond it. Outside the writer lock such a place
//! is committed at once, by itself, if there is none yet. A statement that runs under the lock notes the sequence instead: the
//! place goes into its own commit, or, if it fails, into one of its own.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::binder::{AdvisoryFunction, RowLock};
use crate::error::{Error, Result, SqlState};
use crate::executor::environment::{AdvisoryKey, Environment};
use crate::executor::interrupt::Interrupt;
use crate::executor::profile::Profile;
use crate::locks::{Locks, Patience};
use crate::sabotage::{self, Break};
use crate::session::activity::{Activity, Card};
use crate::session::effects::Effects;
use crate::session::interrupt::Canceller;
use crate::session::settings::Settings;
use crate::session::statistics::Counters;
use crate::session::transaction_control::Modes;
use crate::session::{Session, TransactionStatus};
use crate::storage::root::Root;
use crate::storage::sequence::{Sequence, SequenceId};
use crate::storage::{RowId, Stamp};
use crate::system::live::Live;
use crate::transaction::heads::Heads;
use crate::types::datetime::{Times, TimestampTz, Zone, clock};

/// How many values are logged ahead, at first: as PostgreSQL does.
const AHEAD_MIN: u64 = 32;

/// How often a statement that goes on drawing doubles that.
const AHEAD_DOUBLINGS_MAX: u32 = 7;

/// What a session has drawn.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    of: HashMap<SequenceId, i64>,
    last: Option<SequenceId>,
}

/// What a session keeps for its statements beside settings.
#[derive(Debug)]
pub(super) struct Own {
    drawn: RefCell<Drawn>,
    /// How others see it.
    pub(super) card: Arc<Card>,
    pub(super) activity: Arc<Activity>,
    pub(super) effects: Effects,
    /// Of the statement that EXPLAIN ANALYZE runs.
    pub(super) profile: Option<Profile>,
}

impl Own {
    /// No value of a sequence was drawn.
    pub(super) fn forget_drawn(&self) {
        *self.drawn.borrow_mut() = Drawn::default();
    }

    /// Counters for a statement.
    pub(super) fn count(&self, text: &Arc<str>) -> Arc<Counters> {
        self.activity.count(&self.card, text)
    }

    pub(super) fn new(activity: &Arc<Activity>, locks: &Arc<Locks>, canceller: Canceller) -> Self {
        let (card, activity) = (activity.enter(canceller), Arc::clone(activity));
        let effects = Effects::new(locks.owner(u64::from(card.id.unsigned_abs())));
        Self { drawn: RefCell::default(), card, activity, effects, profile: None }
    }
}

/// What a statement has to know of its transaction.
#[derive(Clone, Copy)]
pub(super) struct Transaction {
    pub(super) modes: Modes,
    /// When it began, if that was before the statement.
    began: Option<TimestampTz>,
    /// What its rows carry, if it has drawn that.
    pub(super) stamp: Option<Stamp>,
    /// Whether its statements run again where they find a row changed.
    restarts: bool,
}

/// The session during one statement.
pub(super) struct SessionEnvironment<'s> {
    pub(super) heads: &'s Heads,
    pub(super) own: &'s Own,
    pub(super) settings: &'s Settings,
    pub(super) transaction: Transaction,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) interrupt: &'s Interrupt,
    /// Sequences of which a place must go into the statement's commit; None without the writer lock.
    noted: Option<RefCell<Vec<SequenceId>>>,
    /// How often a place had to be logged.
    logged: Cell<u32>,
    zone: Zone,
    /// When the block began; None outside one.
    block_began: Option<TimestampTz>,
    /// Read from the clock when first asked for.
    times: OnceCell<Times>,
}

impl Session {
    /// For a statement that runs under the writer lock.
    pub(super) fn environment_under_lock(&self) -> SessionEnvironment<'_> {
        let interrupt = self.interrupts.current();
        let transaction = self.transaction();
        let heads = self.database.heads();
        let environment =
            SessionEnvironment::new(heads, &self.own, &self.settings, transaction, interrupt);
        SessionEnvironment { noted: Some(RefCell::default()), ..environment }
    }

    /// What a statement has to know of its transaction.
    pub(super) fn transaction(&self) -> Transaction {
        let is_block = self.status != TransactionStatus::Idle;
        let began = self.block_began.filter(|_| is_block);
        let restarts = self.restarts();
        Transaction { modes: self.modes_in_force(), began, stamp: None, restarts }
    }

    /// Whether the transaction must not write.
    pub(super) fn is_read_only(&self) -> bool {
        self.modes_in_force().read_only
    }
}

impl<'s> SessionEnvironment<'s> {
    /// For a statement that runs without the writer lock.
    pub(super) fn new(
        heads: &'s Heads,
        own: &'s Own,
        settings: &'s Settings,
        transaction: Transaction,
        interrupt: &'s Interrupt,
    ) -> Self {
        let lock_timeout = settings.values().lock_timeout();
        let zone = settings.values().time_zone.clone();
        Self {
            heads,
            own,
            settings,
            transaction,
            lock_timeout,
            interrupt,
            noted: None,
            logged: Cell::new(0),
            zone,
            block_began: transaction.began,
            times: OnceCell::new(),
        }
    }
}

impl SessionEnvironment<'_> {
    /// Sequences of which a place must be logged before anything is answered.
    pub(super) fn take_noted(&self) -> Vec<SequenceId> {
        self.noted.as_ref().map_or_else(Vec::new, |noted| std::mem::take(&mut *noted.borrow_mut()))
    }

    /// Sees to it that a place at or beyond `count` is durable, or will be before anything is answered.
    fn log(&self, root: &Root, sequence: &Sequence, count: u64) -> Result<()> {
        if let Some(noted) = &self.noted {
            if sequence.logged.count < count {
                self.logged.set(self.logged.get() + 1);
                let mut noted = noted.borrow_mut();
                if !noted.contains(&sequence.id()) {
                    noted.push(sequence.id());
                }
            }
            return Ok(());
        }
        let covers = |root: &Root| {
            // One that is not there, or has been restarted by the transaction itself, is logged when that commits.
            let there = root.sequence(sequence.id()).filter(|there| there.is_same(sequence));
            there.is_none_or(|there| there.logged.count >= count)
        };
        if covers(&self.heads.published()) || sabotage::is(Break::SkipSequenceLog) {
            return Ok(());
        }
        debug_assert!(root.sequence(sequence.id()).is_some(), "the sequence is the statement's");
        self.logged.set(self.logged.get() + 1);
        if let Some(refusal) = self.heads.refusal() {
            return Err(refusal);
        }
        let pending = self.heads.lock(self.lock_timeout, self.interrupt)?;
        let outcome = if covers(&pending.root) {
            let outcome = Arc::clone(&pending.outcome);
            drop(pending);
            outcome
        } else {
            let mut next = Root::clone(&pending.root);
            next.log_sequence(sequence.id(), sequence.state.promised());
            self.heads.queue(pending, next, None, Vec::new())
        };
        self.heads.settle(&outcome).map(|_| ())
    }

    /// What the transaction's rows carry, if it has drawn that.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.transaction.stamp
    }

    /// Whether the statement runs again where it finds a row changed.
    pub(super) fn restarts(&self) -> bool {
        self.transaction.restarts
    }

    pub(super) fn is_under_writer_lock(&self) -> bool {
        self.noted.is_some()
    }

    pub(super) fn check_writable(&self, function: &str) -> Result<()> {
        if !self.transaction.modes.read_only {
            return Ok(());
        }
        let message = format!("cannot execute {function} in a read-only transaction");
        Err(Error::new(SqlState::ReadOnlySqlTransaction, message))
    }
}

fn find(root: &Root, id: SequenceId) -> Result<&Sequence> {
    root.sequence(id)
        .ok_or_else(|| Error::new(SqlState::UndefinedTable, "the sequence does not exist any more"))
}

impl Environment for SessionEnvironment<'_> {
    fn times(&self) -> Result<&Times> {
        Ok(self.times.get_or_init(|| {
            let now = clock();
            let transaction = self.block_began.unwrap_or(now);
            Times { zone: self.zone.clone(), transaction, statement: now }
        }))
    }

    fn profile(&self) -> Option<&Profile> {
        self.own.profile.as_ref()
    }

    fn live(&self) -> &dyn Live {
        self
    }

    fn next_values(&self, root: &Root, id: SequenceId, count: usize) -> Result<Vec<i64>> {
        self.check_writable("nextval()")?;
        let sequence = find(root, id)?;
        let doublings = self.logged.get().min(AHEAD_DOUBLINGS_MAX);
        let ahead = AHEAD_MIN.max(sequence.definition.cache as u64) << doublings;
        let (values, place) = sequence.state.draw(&sequence.definition, count, ahead)?;
        self.log(root, sequence, place)?;
        if let Some(last) = values.last() {
            let mut drawn = self.own.drawn.borrow_mut();
            drawn.of.insert(id, *last);
            drawn.last = Some(id);
        }
        Ok(values)
    }

    fn current_value(&self, root: &Root, id: SequenceId) -> Result<i64> {
        let sequence = find(root, id)?;
        self.own.drawn.borrow().of.get(&id).copied().ok_or_else(|| {
            let name = &sequence.definition.name;
            let message =
                format!("currval of sequence \"{name}\" is not yet defined in this session");
            Error::new(SqlState::ObjectNotInPrerequisiteState, message)
        })
    }

    fn last_value(&self, root: &Root) -> Result<i64> {
        let drawn = self.own.drawn.borrow();
        let last = drawn.last.filter(|id| root.sequence(*id).is_some());
        last.and_then(|id| drawn.of.get(&id).copied()).ok_or_else(|| {
            let message = "lastval is not yet defined in this session";
            Error::new(SqlState::ObjectNotInPrerequisiteState, message)
        })
    }

    fn lock_rows(&self, root: &Root, lock: &RowLock, rows: &[RowId]) -> Result<Vec<bool>> {
        self.lock_table_rows(root, lock, rows)
    }

    fn advisory_lock(&self, function: AdvisoryFunction, key: AdvisoryKey) -> Result<bool> {
        let patience = Patience { lock_timeout: self.lock_timeout, interrupt: self.interrupt };
        self.own.effects.advisory_lock(function, key, self.noted.is_some(), &patience)
    }

    fn set_value(&self, root: &Root, id: SequenceId, value: i64, is_called: bool) -> Result<()> {
        self.check_writable("setval()")?;
        let sequence = find(root, id)?;
        let definition = &sequence.definition;
        if !(definition.min..=definition.max).contains(&value) {
            let message = format!(
                "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                definition.name, definition.min, definition.max
            );
            return Err(Error::new(SqlState::NumericValueOutOfRange, message));
        }
        let place = sequence.state.set(value, is_called);
        self.log(root, sequence, place)?;
        if is_called {
            self.own.drawn.borrow_mut().of.insert(id, value);
        }
        Ok(())
    }
}
