//! The model's SELECT ... FOR UPDATE and its kin: at every level the rows are the transaction's until its end.

use spg_engine::Value;

use super::change::{Done, matching};
use super::locks::{Lock, Mode, Object, Wait};
use super::session::{Model, Outcome};
use super::state::{Codes, State};
use super::value::row_order;
use crate::generator::{RowLock, Strength};

impl Model {
    /// Whether it cannot be said which rows the query leaves out.
    pub(super) fn may_skip(&self, session: usize, query: &RowLock) -> bool {
        let mut trial = self.clone();
        let Ok(state) = trial.current(session).cloned() else { return false };
        let mut rows = rows(&state, query).into_iter();
        query.skips() && rows.any(|(id, _)| self.wait(session, &[lock(query, id)]) == Wait::Perhaps)
    }

    pub(super) fn lock_rows(&mut self, session: usize, query: &RowLock) -> Outcome {
        let state = match self.current(session) {
            Ok(state) => state.clone(),
            Err(codes) => return Outcome::Failure(codes),
        };
        let (mut codes, mut may) = (Codes::new(), Codes::new());
        let (mut answer, mut locks) = (Vec::new(), Vec::new());
        for (id, values) in rows(&state, query) {
            if query.limit.is_some_and(|limit| answer.len() == limit) {
                break;
            }
            let lock = lock(query, id);
            let (wait, is_lost) =
                (self.wait(session, std::slice::from_ref(&lock)), self.is_lost(session, query, id));
            if query.skips() && (wait != Wait::No || is_lost) {
                continue;
            }
            match wait {
                Wait::Certain => drop(codes.insert("55P03")),
                Wait::Perhaps => drop(may.insert("55P03")),
                Wait::No => {}
            }
            codes.extend(is_lost.then_some("40001"));
            answer.push(values);
            locks.push(lock);
        }
        if !codes.is_empty() {
            return Outcome::Failure(&codes | &may);
        }
        if let Some(block) = &mut self.sessions[session] {
            block.locks.extend(locks);
        }
        let tag = format!("SELECT {}", answer.len());
        if may.is_empty() { Outcome::Rows(answer, tag) } else { Outcome::Either(answer, tag, may) }
    }

    /// Whether a row, unless the block has changed it itself, was changed by a commit since the snapshot.
    fn is_lost(&self, session: usize, query: &RowLock, id: u64) -> bool {
        let block = self.sessions[session].as_ref();
        let Some(snapshot) = block.and_then(|block| block.snapshot.as_ref()) else { return false };
        let stamp = |state: &State| state.tables[&query.table].stamp(id);
        let seen = stamp(&snapshot.base);
        seen == stamp(&snapshot.work) && seen != stamp(&self.committed)
    }
}

/// The rows that are to be locked, in their order, without a limit.
fn rows(state: &State, query: &RowLock) -> Vec<(u64, Vec<Value>)> {
    let ids = matching(state, query.table, query.filter.as_ref(), &mut Done::default());
    let values = |id: u64| (id, state.tables[&query.table].rows[&id].values.clone());
    let mut rows: Vec<_> = ids.into_iter().map(values).collect();
    rows.sort_by(|(_, left), (_, right)| row_order(&left[..3], &right[..3]));
    rows
}

fn lock(query: &RowLock, id: u64) -> Lock {
    let mode = match query.strength {
        Strength::Update => Mode::Update,
        Strength::NoKeyUpdate => Mode::NoKeyUpdate,
        Strength::Share => Mode::Share,
        Strength::KeyShare => Mode::KeyShare,
    };
    Lock { object: Object::Row(query.table, id), mode, is_certain: true }
}
