//! A transaction: the root it started from, its private working root, savepoints, and how it commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::identity::{ChainState, hex};
use crate::limits::{SAVEPOINTS_MAX, SMALL_STATEMENT_ROWS_MAX};
use crate::storage::root::Root;
use crate::storage::{CommitNumber, Stamp, TableId};
use crate::transaction::executed::{Actor, AuditPolicy, Statements};
use crate::transaction::heads::{Heads, Outcome};
use crate::transaction::rebase::rebase;
use crate::transaction::write_set::WriteSet;
use crate::types::Value;

/// Rounds of rebasing before the writer lock is taken, at most.
const REBASE_ROUNDS_MAX: usize = 8;

/// A round that took no longer leaves so little behind that the writer lock may cover the rest.
const REBASE_ROUND_SMALL: Duration = Duration::from_millis(1);

/// One transaction. An empty one costs no allocation and pins nothing.
#[derive(Debug, Default)]
pub struct Block {
    /// What it sees beside its own writes; pinned when it first looks.
    base: Option<Arc<Root>>,
    /// The base with its own writes; None before the first.
    working: Option<Root>,
    writes: WriteSet,
    stamp: Option<Stamp>,
    savepoints: Vec<Savepoint>,
    statements: Statements,
}

/// A savepoint keeps a root: a rollback to it puts that root back.
#[derive(Debug)]
struct Savepoint {
    name: String,
    working: Option<Root>,
    statement_count: usize,
}

/// What a commit is acknowledged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The commit's number.
    pub commit: CommitNumber,
    /// Where the audit chain stands after it; None without an audit log.
    pub chain: Option<ChainState>,
}

impl std::fmt::Display for Receipt {
    /// The commit's number, and the audit head's hexadecimal digits if there is one.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.commit.0)?;
        match self.chain {
            Some(chain) => write!(formatter, " {}", hex(&chain.head)),
            None => Ok(()),
        }
    }
}

/// The working root before a statement.
#[derive(Debug)]
pub struct StatementMark(Option<Root>);

impl Block {
    /// Whether a statement has looked at data yet.
    pub fn has_snapshot(&self) -> bool {
        self.base.is_some()
    }

    /// What it sees: its working root, or its base, pinned now if it was not yet.
    pub fn root(&mut self, heads: &Heads) -> &Root {
        let base = self.base.get_or_insert_with(|| heads.published());
        self.working.as_ref().unwrap_or(base)
    }

    /// Its working root, to change a table of.
    pub fn root_mut(&mut self, heads: &Heads) -> &mut Root {
        let base = self.base.get_or_insert_with(|| heads.published());
        self.working.get_or_insert_with(|| Root::clone(base))
    }

    /// The stamp of its writes.
    pub fn stamp(&mut self, heads: &Heads) -> Stamp {
        if let Some(stamp) = self.stamp {
            return stamp;
        }
        let stamp = self.root(heads).shared().draw_stamp();
        self.stamp = Some(stamp);
        stamp
    }

    /// Notes that a statement may have changed `rows` rows of a table (0: its definition).
    pub fn touch(&mut self, table: TableId, rows: u64) {
        self.writes.touch(table, rows);
    }

    /// Notes a statement that changed something.
    pub fn note(&mut self, policy: AuditPolicy, text: &Arc<str>, parameters: &[Value]) {
        let since = self.savepoints.last().map_or(0, |savepoint| savepoint.statement_count);
        self.statements.note(policy, since, text, parameters);
    }

    /// SAVEPOINT: returns how many there are now. A name in use is shadowed.
    pub fn savepoint(&mut self, name: &str) -> Result<usize> {
        if self.savepoints.len() >= SAVEPOINTS_MAX {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                format!("a transaction can have at most {SAVEPOINTS_MAX} savepoints"),
            ));
        }
        self.savepoints.push(Savepoint {
            name: name.to_owned(),
            working: self.working.clone(),
            statement_count: self.statements.len(),
        });
        Ok(self.savepoints.len())
    }

    /// RELEASE SAVEPOINT: drops it and all later ones; returns how many are left.
    pub fn release_savepoint(&mut self, name: &str) -> Result<usize> {
        let place = self.find_savepoint(name)?;
        self.savepoints.truncate(place);
        Ok(place)
    }

    /// ROLLBACK TO SAVEPOINT: undoes what came after it and drops later ones; returns how many are left, itself included.
    pub fn rollback_to_savepoint(&mut self, name: &str) -> Result<usize> {
        let place = self.find_savepoint(name)?;
        self.savepoints.truncate(place + 1);
        let savepoint = &self.savepoints[place];
        self.working = savepoint.working.clone();
        self.statements.truncate(savepoint.statement_count);
        Ok(place + 1)
    }

    /// A statement of several changes starts: what [`Self::undo_statement`] goes back to.
    pub fn mark_statement(&self) -> StatementMark {
        StatementMark(self.working.clone())
    }

    /// Takes back what was changed since the mark.
    pub fn undo_statement(&mut self, mark: StatementMark) {
        self.working = mark.0;
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|savepoint| savepoint.name == name).ok_or_else(|| {
            Error::new(
                SqlState::InvalidSavepointSpecification,
                format!("savepoint \"{name}\" does not exist"),
            )
        })
    }

    /// ROLLBACK: forgets everything, ready for the next BEGIN.
    pub fn clear(&mut self) {
        if self.base.is_none() && self.savepoints.is_empty() {
            return;
        }
        self.base = None;
        self.working = None;
        self.writes.clear();
        self.stamp = None;
        self.savepoints.clear();
        self.statements.truncate(0);
    }

    /// COMMIT: queued when it returns, durable and visible once it is settled (None: there was nothing to commit). After an error
    /// nothing of it ever shows: 40001 for a conflict, 23505 or 42P07 for a key or a name that another commit took first.
    pub fn commit(
        mut self,
        heads: &Heads,
        actor: Option<Actor>,
        lock_timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<Option<Arc<Outcome>>> {
        self.savepoints.clear();
        let (Some(mut base), Some(mut working)) = (self.base.take(), self.working.take()) else {
            return Ok(None);
        };
        if self.writes.is_empty() {
            return Ok(None);
        }
        if self.writes.rows_max() > SMALL_STATEMENT_ROWS_MAX as u64 {
            for _ in 0..REBASE_ROUNDS_MAX {
                interrupt.check()?;
                let head = heads.published();
                if Arc::ptr_eq(&head, &base) {
                    break;
                }
                let started = Instant::now();
                working = rebase(&base, &working, &head, &self.writes)?;
                base = head;
                if started.elapsed() <= REBASE_ROUND_SMALL {
                    break;
                }
            }
        }
        let pending = heads.lock(lock_timeout, interrupt)?;
        let next = if Arc::ptr_eq(&pending.root, &base) {
            Ok(working)
        } else {
            rebase(&base, &working, &pending.root, &self.writes)
        };
        match next {
            Ok(root) => Ok(Some(heads.queue(pending, root, actor, self.statements.take()))),
            Err(error) => {
                let outcome = Arc::clone(&pending.outcome);
                drop(pending);
                heads.settle(&outcome)?;
                Err(error)
            }
        }
    }
}
