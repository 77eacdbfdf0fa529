//! `synchronous_commit = off`: commits that were acknowledged before they are durable. A crash may lose the last of them, and
//! nothing that is older than something it keeps.

use std::collections::BTreeSet;

use crate::generator::{Statement, Step};
use crate::model::Model;

/// What is acknowledged and may not be durable.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Sessions that do not wait.
    pub(super) sessions: BTreeSet<usize>,
    /// Whose the newest such commit is.
    pub(super) newest: Option<usize>,
    /// The model before each of them.
    pub(super) models: Vec<Model>,
}

impl Ahead {
    pub(super) fn set(&mut self, session: usize, synchronous: bool) {
        if synchronous {
            self.sessions.remove(&session);
        } else {
            self.sessions.insert(session);
        }
    }

    /// Whether the step could see that something is not durable yet, or nobody could be asked after it whether it is: it is
    /// another session's, or begins a block, or ends the session that would know.
    pub(super) fn concerns(&self, step: &Step) -> bool {
        let is_other = self.newest.is_some_and(|newest| newest != step.session);
        let ends = matches!(step.statement, Statement::Disconnect | Statement::Begin(_));
        self.newest.is_some() && (is_other || ends)
    }

    /// A session's statement has come through, and led from one model to another.
    pub(super) fn note(&mut self, session: usize, before: Model, after: &Model) {
        if !after.has_committed(&before) {
            return;
        }
        if self.sessions.contains(&session) {
            self.newest = Some(session);
            self.models.push(before);
        } else {
            // It was durable before it was acknowledged, and with it all that is older.
            self.newest = None;
            self.models.clear();
        }
    }
}
