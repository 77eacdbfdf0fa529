//! Commits in flight: a session whose client pipelines goes on before its last commit is durable, and its answers are held
//! back until it is.
//!
//! Only a small statement outside a block commits so, for it runs on `pending`, where the session's own commits are. Anything
//! else reads `published` and waits first, so a session always sees what it wrote.

use std::sync::Arc;

use crate::error::Result;
use crate::session::Session;
use crate::transaction::heads::Outcome;

/// A commit that an answer rests on and that may not be durable yet: [`Session::settle`] waits for it.
#[derive(Debug)]
#[must_use = "the answer must not be given before the commit is settled"]
pub struct Unsettled {
    outcome: Arc<Outcome>,
}

/// What a session has in flight.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    enabled: bool,
    /// What the last statement's answer rests on, until it is taken.
    of_statement: Option<Arc<Outcome>>,
    /// The newest commit that was not waited for.
    newest: Option<Arc<Outcome>>,
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
        self.deferred.of_statement.take().map(|outcome| Unsettled { outcome })
    }

    /// Waits until the commit is durable and visible; or says why it is not (08007): then that is the statement's answer.
    #[expect(clippy::needless_pass_by_value, reason = "a commit is settled once")]
    pub fn settle(&mut self, unsettled: Unsettled) -> Result<()> {
        if self
            .deferred
            .newest
            .as_ref()
            .is_some_and(|newest| Arc::ptr_eq(newest, &unsettled.outcome))
        {
            self.deferred.newest = None;
        }
        self.wait_for(&unsettled.outcome)
    }

    /// Waits for whatever is in flight. If it fails, its own statement's answer says so.
    #[inline]
    pub(super) fn settle_in_flight(&mut self) {
        if let Some(newest) = self.deferred.newest.take() {
            let _ = self.wait_for(&newest);
        }
    }

    /// Waits for what an answer rests on, or leaves that to the caller.
    pub(super) fn settle_or_defer(&mut self, outcome: Arc<Outcome>) -> Result<()> {
        if self.deferred.enabled && !outcome.is_settled() {
            self.deferred.newest = Some(Arc::clone(&outcome));
            self.deferred.of_statement = Some(outcome);
            return Ok(());
        }
        self.wait_for(&outcome)
    }

    fn wait_for(&mut self, outcome: &Outcome) -> Result<()> {
        let database = Arc::clone(&self.database);
        database.heads().settle(outcome)?;
        // Commits are settled in order, but what is in flight may be settled by a later statement first.
        if outcome.commit() > self.last_seen {
            self.see(outcome.commit());
        }
        Ok(())
    }
}
