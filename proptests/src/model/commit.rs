//! The model's COMMIT: of two that changed one row the first wins, and a serializable transaction is one that might have run
//! alone at the moment of its commit.

use super::block::{Block, Snapshot};
use super::locks::{Wait, locks_of};
use super::session::{Model, Outcome, tag};
use super::state::{Codes, State, same_bag};
use crate::generator::{Level, Statement, Step};

impl Model {
    pub(super) fn commit(&mut self, session: usize) -> Outcome {
        let Some(block) = self.sessions[session].take() else { return tag("COMMIT") };
        if block.failed {
            return tag("ROLLBACK");
        }
        let Some(snapshot) = &block.snapshot else { return tag("COMMIT") };
        let changes = snapshot.base.changes(&snapshot.work);
        let mut codes = Codes::new();
        let mut may = Codes::new();
        if block.level != Level::ReadCommitted {
            match self.wait(session, &locks_of(&snapshot.work, &changes)) {
                Wait::Certain => drop(codes.insert("55P03")),
                Wait::Perhaps => drop(may.insert("55P03")),
                Wait::No => {}
            }
        }
        let merged = self.committed.merge(&snapshot.base, &snapshot.work, &block.proposed);
        codes.extend(merged.as_ref().err().into_iter().flatten());
        let has_read_other = block.level == Level::Serializable
            && block.has_written
            && snapshot.base.has_changed(&self.committed, &block.tables());
        if has_read_other {
            let skips = |(said, _): &(Statement, _)| matches!(said, Statement::Lock(query) if query.skips());
            // What others had locked, nobody has who runs alone.
            let is_serial = changes.is_empty()
                || block.log.iter().any(skips)
                || merged.as_ref().is_ok_and(|merged| self.is_serial(&block, snapshot, merged));
            if is_serial { &mut may } else { &mut codes }.insert("40001");
        }
        match merged {
            Ok(merged) if codes.is_empty() => {
                self.committed = merged;
                if may.is_empty() {
                    return tag("COMMIT");
                }
                Outcome::Either(Vec::new(), "COMMIT".to_owned(), may)
            }
            _ => Outcome::Failure(&codes | &may),
        }
    }

    /// Whether the block's statements, run alone on what is committed now, answer the same and come to the same end.
    fn is_serial(&self, block: &Block, snapshot: &Snapshot, merged: &State) -> bool {
        let mut alone =
            Self { committed: self.committed.clone(), sessions: vec![None], next: self.next };
        alone.begin(0, block.level);
        for (statement, expected) in &block.log {
            let step = Step { session: 0, statement: statement.clone(), instead: None };
            let answered = alone.execute(&step);
            if is_of_others(expected) {
                // Alone there is nobody to lose a row to or to wait for; what comes next is refused all the same.
                alone.sessions[0].iter_mut().for_each(Block::fail);
            } else if !is_same(expected, &answered) {
                return false;
            }
        }
        let end = alone.sessions[0].as_ref().and_then(|block| block.snapshot.as_ref());
        end.map_or(snapshot.base.holds_the_same(merged), |end| end.work.holds_the_same(merged))
    }
}

/// Whether it failed because of what others do; one that was refused ([`Model::refuse`]) has no code.
fn is_of_others(outcome: &Outcome) -> bool {
    let is_of_others = |code: &&str| ["40001", "55P03"].contains(code);
    matches!(outcome, Outcome::Failure(codes) if codes.is_empty() || codes.iter().any(is_of_others))
}

/// Whether two answers are the same.
fn is_same(expected: &Outcome, alone: &Outcome) -> bool {
    match (expected, alone) {
        (Outcome::Failure(expected), Outcome::Failure(alone)) => !expected.is_disjoint(alone),
        (
            Outcome::Rows(expected, tag) | Outcome::Either(expected, tag, _),
            Outcome::Rows(alone, tag_alone),
        ) => tag == tag_alone && same_bag(expected.clone(), alone.clone()),
        _ => false,
    }
}
