//! When a transaction ends by itself: idle, open, or holding an old version of the data for longer than its settings allow.
//!
//! Clocks are read only for limits that are set. A block that is over between two statements is rolled back by whoever asks
//! first, its session or who looks after it; a statement that finds its block over, or is over itself, leaves a block that has
//! failed and holds nothing any more, so that what the client has sent already is not run outside of it.

use std::time::{Duration, Instant};

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::{Deadline, Timeout};
use crate::session::{Session, TransactionStatus};

/// Since when the open block's limits count; None as long as none is set that needs it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Since {
    /// The end of its last statement.
    idle: Option<Instant>,
    /// Its beginning, or the end of the statement that set the limit.
    began: Option<Instant>,
    /// When it took the version of the data that it sees.
    snapshot: Option<Instant>,
}

impl Since {
    fn is_counted(&self) -> bool {
        self.idle.is_some() || self.began.is_some() || self.snapshot.is_some()
    }
}

impl Session {
    /// Ends the session's transaction if its time is over; tells why, which the client has to be told.
    pub fn expire(&mut self, now: Instant) -> Option<Timeout> {
        let over = self.deadline().filter(|deadline| deadline.at <= now)?;
        self.rollback_block();
        self.since = Since::default();
        Some(over.timeout)
    }

    /// When [`Self::expire`] would end the open block, which runs no statement now, and why.
    pub fn deadline(&self) -> Option<Deadline> {
        if !self.since.is_counted() {
            return None;
        }
        let values = self.settings.values();
        let idle = after(self.since.idle, values.idle_in_transaction_timeout(), Timeout::Idle);
        earliest([idle, self.began_deadline(), self.snapshot_deadline()])
    }

    fn began_deadline(&self) -> Option<Deadline> {
        let timeout = self.settings.values().transaction_timeout();
        after(self.since.began, timeout, Timeout::Transaction)
    }

    fn snapshot_deadline(&self) -> Option<Deadline> {
        let age = self.settings.values().max_snapshot_age();
        after(self.since.snapshot, age, Timeout::SnapshotAge)
    }

    /// 25P03 or 25P04 if the block is over, which has failed then.
    #[cold]
    pub(super) fn check_expiry(&mut self, now: Instant) -> Result<()> {
        match self.deadline().filter(|deadline| deadline.at <= now) {
            Some(over) => {
                self.fail_expired();
                Err(over.timeout.error())
            }
            None => Ok(()),
        }
    }

    /// Whether clocks have to be read for the open block.
    #[inline]
    pub(super) fn may_expire(&self) -> bool {
        self.since.is_counted()
    }

    /// When a statement that starts now has to end, and why.
    #[inline]
    pub fn statement_deadline(&self) -> Option<Deadline> {
        let values = self.settings.values();
        if !values.limits_statements() {
            return None;
        }
        let now = Instant::now();
        let statement = after(Some(now), values.statement_timeout(), Timeout::Statement);
        // One that stands alone, or is the first of its block, begins with it.
        let transaction = self
            .began_deadline()
            .or_else(|| after(Some(now), values.transaction_timeout(), Timeout::Transaction));
        let snapshot = self
            .snapshot_deadline()
            .or_else(|| after(Some(now), values.max_snapshot_age(), Timeout::SnapshotAge));
        earliest([statement, transaction, snapshot])
    }

    /// The open block waits for its next statement; `started` may stand for now.
    #[inline]
    pub(super) fn count_idle(&mut self, started: Option<Instant>) {
        let values = self.settings.values();
        let counts_idle = values.idle_in_transaction_timeout().is_some();
        if !counts_idle && !values.limits_transactions() {
            self.since = Since::default();
            self.own.card.wait_since(None);
            return;
        }
        let (counts_began, counts_snapshot) =
            (values.transaction_timeout().is_some(), values.max_snapshot_age().is_some());
        let now = started.unwrap_or_else(Instant::now);
        self.own.card.wait_since(Some(now));
        self.since.idle = counts_idle.then_some(now);
        self.since.began = counts_began.then(|| self.since.began.unwrap_or(now));
        // At READ COMMITTED each statement takes a version of its own.
        let is_kept = !self.is_read_committed();
        let held = self.since.snapshot.filter(|_| is_kept).unwrap_or(now);
        self.since.snapshot = (counts_snapshot && self.block.base().is_some()).then_some(held);
    }

    /// The session is to end: if a block is open it has failed, and holds nothing any more.
    #[cold]
    pub(super) fn end_terminated(&mut self) {
        if self.status != TransactionStatus::Idle {
            self.fail_expired();
        }
        self.own.effects.locks.unlock_all();
    }

    /// No block is open.
    #[inline]
    pub(super) fn stop_counting(&mut self) {
        self.since = Since::default();
    }

    /// The block's time is over: it has failed, and holds neither data nor locks.
    #[cold]
    pub(super) fn fail_expired(&mut self) {
        self.block.clear();
        self.savepoint_modes.clear();
        self.own.effects.locks.release_transaction();
        self.since = Since::default();
        self.status = TransactionStatus::Failed;
        self.show_block();
    }
}

fn after(since: Option<Instant>, limit: Option<Duration>, timeout: Timeout) -> Option<Deadline> {
    Some(Deadline { at: since?.checked_add(limit?)?, timeout })
}

fn earliest<const N: usize>(deadlines: [Option<Deadline>; N]) -> Option<Deadline> {
    deadlines.into_iter().flatten().min_by_key(|deadline| deadline.at)
}

/// Whether an error says that its transaction's time is over, or its session's.
pub(super) fn is_expiry(error: &Error) -> bool {
    let over = [Timeout::Idle.sqlstate(), Timeout::Transaction.sqlstate(), SqlState::AdminShutdown];
    over.contains(&error.sqlstate())
}
