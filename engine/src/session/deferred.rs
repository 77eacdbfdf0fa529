//! Commits in flight: a session whose client pipelines goes on before its last commit is durable, and its answers are held
//! back until it is.
//!
//! Only a small statement outside a block commits so, for it runs on `pending`, where the session's own commits are. Anything
//! else reads `published` and waits first, so a session always sees what it wrote.

use std::sync::Arc;

use crate::error::Result;
use crate::session::Session;
use crate::storage::CommitNumber;
use crate::transaction::block::Receipt;
use crate::transaction::heads::{OnSettled, Outcome};

/// A commit that an answer rests on and that may not be durable yet: [`Session::settle`] waits for it.
#[derive(Clone, Debug)]
#[must_use = "the answer must not be given before the commit is settled"]
pub struct Unsettled {
    outcome: Arc<Outcome>,
    /// Whether it is the statement's own commit, not one that it looked at.
    is_own: bool,
}

impl Unsettled {
    /// The number of the statement's own commit; None if it only looked at another one.
    pub fn own_commit(&self) -> Option<CommitNumber> {
        self.is_own.then(|| self.outcome.commit())
    }

    /// Once the commit is settled: its receipt if it is the statement's own, or why it failed.
    pub fn result(&self) -> Option<Result<Option<Receipt>>> {
        let result = self.outcome.result()?;
        Some(result.map(|chain| self.own_commit().map(|commit| Receipt { commit, chain })))
    }
}

/// What a session has in flight.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    enabled: bool,
    /// What the last statement's answer rests on, until it is taken.
    of_statement: Option<Unsettled>,
    /// The newest commit that was not waited for.
    newest: Option<Arc<Outcome>>,
    /// The newest of the session's own that was left to be settled later: its receipt is not known here yet.
    own: Option<Arc<Outcome>>,
}

impl Session {
    /// Lets small statements outside a block answer before their commit is durable. The caller then asks
    /// [`Self::take_unsettled`] after each statement, whether it answered or failed, and gives nothing of its answer to
    /// anybody before it was settled.
    pub fn defer_commits(&mut self, enabled: bool) {
        self.deferred.enabled = enabled;
    }

    /// What the last statement's answer rests on, if that may not be durable yet.
    #[inline]
    pub fn take_unsettled(&mut self) -> Option<Unsettled> {
        self.deferred.of_statement.take()
    }

    /// Waits until the commit is durable and visible, and answers its receipt if it is the statement's own; or says why it
    /// is not (08007): then that is the statement's answer.
    #[expect(clippy::needless_pass_by_value, reason = "a commit is settled once")]
    pub fn settle(&mut self, unsettled: Unsettled) -> Result<Option<Receipt>> {
        if self
            .deferred
            .newest
            .as_ref()
            .is_some_and(|newest| Arc::ptr_eq(newest, &unsettled.outcome))
        {
            self.deferred.newest = None;
        }
        self.wait_for(&unsettled.outcome, unsettled.is_own)
    }

    /// Has `then` called once the commit is settled, and with it all before it: by another thread, so that the session can go
    /// on meanwhile, or before it returns. Each is told in its turn by [`Self::leave`] before.
    pub fn settle_later(&mut self, last: &Unsettled, then: Box<dyn OnSettled>) {
        self.database.heads().settle_later(&last.outcome, then);
    }

    /// Notes a commit that the session is not going to settle itself.
    pub fn leave(&mut self, unsettled: &Unsettled) {
        if unsettled.is_own {
            self.deferred.own = Some(Arc::clone(&unsettled.outcome));
        }
    }

    /// Waits for whatever is in flight. If it fails, its own statement's answer says so.
    #[inline]
    pub(super) fn settle_in_flight(&mut self) {
        if let Some(own) = self.deferred.own.take() {
            let _ = self.wait_for(&own, true);
        }
        if let Some(newest) = self.deferred.newest.take() {
            let _ = self.wait_for(&newest, false);
        }
    }

    /// Waits for what an answer rests on, or leaves that to the caller.
    pub(super) fn settle_or_defer(&mut self, outcome: Arc<Outcome>, is_own: bool) -> Result<()> {
        let runs_ahead = is_own && !self.settings.values().synchronous_commit;
        if self.deferred.enabled && !runs_ahead && !outcome.is_settled() {
            self.deferred.newest = Some(Arc::clone(&outcome));
            self.deferred.of_statement = Some(Unsettled { outcome, is_own });
            return Ok(());
        }
        self.settle_or_run_ahead(outcome, is_own)
    }

    /// Waits for a commit; or, with `synchronous_commit` off, has its own written soon and goes on.
    pub(super) fn settle_or_run_ahead(
        &mut self,
        outcome: Arc<Outcome>,
        is_own: bool,
    ) -> Result<()> {
        if is_own && !self.settings.values().synchronous_commit && !outcome.is_settled() {
            let receipt = Receipt { commit: outcome.commit(), chain: None };
            self.statement_receipt = Some(receipt);
            self.last_receipt = Some(receipt);
            self.deferred.newest = Some(outcome);
            self.database.flush_soon();
            return Ok(());
        }
        self.statement_receipt = self.wait_for(&outcome, is_own)?;
        Ok(())
    }

    fn wait_for(&mut self, outcome: &Outcome, is_own: bool) -> Result<Option<Receipt>> {
        let database = Arc::clone(&self.database);
        let chain = database.heads().settle(outcome)?;
        let receipt = is_own.then(|| Receipt { commit: outcome.commit(), chain });
        if let Some(receipt) = receipt
            && self.last_receipt.is_none_or(|last| last.commit <= receipt.commit)
        {
            self.last_receipt = Some(receipt);
        }
        // Commits are settled in order, but what is in flight may be settled by a later statement first.
        if outcome.commit() > self.last_seen {
            self.see(outcome.commit());
        }
        Ok(receipt)
    }
}
