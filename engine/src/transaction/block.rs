//! A transaction: the root it started from, its private working root, savepoints, and how it commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::executor::read_set::ReadSet;
use crate::identity::{ChainState, hex};
use crate::limits::{SAVEPOINTS_MAX, SMALL_STATEMENT_ROWS_MAX};
use crate::locks::{LockOwner, Patience, Scope};
use crate::sabotage::{self, Break};
use crate::storage::root::Root;
use crate::storage::sequence::SequenceId;
use crate::storage::{CommitNumber, Stamp, TableId};
use crate::transaction::executed::{Actor, AuditPolicy, Statements};
use crate::transaction::heads::{Heads, Outcome};
use crate::transaction::rebase::rebase;
use crate::transaction::row_locks::first_foreign_lock;
use crate::transaction::validate_reads::{Held, check_reads};
use crate::transaction::write_set::{Proposals, WriteSet};
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
    /// Whether it has given back what it saw.
    has_released: bool,
    /// The base with its own writes; None before the first.
    working: Option<Root>,
    writes: WriteSet,
    stamp: Option<Stamp>,
    savepoints: Vec<Savepoint>,
    statements: Statements,
    /// What it read, where that decides whether it may commit.
    reads: Option<ReadSet>,
    /// Whether rows were loaded in bulk, which locks nothing at any level.
    has_loaded: bool,
}

/// A savepoint keeps a root: a rollback to it puts that root back.
#[derive(Debug)]
struct Savepoint {
    name: String,
    /// What the working root is a successor of: at READ COMMITTED the block goes on from later ones.
    base: Option<Arc<Root>>,
    working: Option<Root>,
    statement_count: usize,
}

/// On whose behalf a block commits, and how long it waits for others.
#[derive(Clone, Copy, Debug)]
pub struct Committer<'c> {
    /// The session's locks.
    pub locks: &'c LockOwner,
    /// Whether all that the block changes is locked: it ran at READ COMMITTED.
    pub has_locked: bool,
    /// How long it waits.
    pub patience: Patience<'c>,
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

/// What a statement of a block that writes works on.
#[derive(Debug)]
pub struct Writing<'b> {
    /// The working root.
    pub root: &'b mut Root,
    /// Where it started from.
    pub base: &'b Root,
    /// Where reads are remembered.
    pub reads: Option<&'b ReadSet>,
}

/// The working root before a statement.
#[derive(Debug)]
pub struct StatementMark(Option<Root>);

impl Block {
    /// Whether a statement has looked at data yet.
    pub fn has_looked(&self) -> bool {
        self.base.is_some() || self.has_released
    }

    /// Gives back what it sees, unless changes of its own rest on it: each of its statements sees what is newest then.
    pub fn release_snapshot(&mut self) {
        if self.base.is_none() || self.has_written() {
            return;
        }
        self.has_released = true;
        (self.base, self.working) = (None, None);
        for savepoint in &mut self.savepoints {
            (savepoint.base, savepoint.working) = (None, None);
        }
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

    /// Goes on from what is published now, its own changes with it. Whoever calls it has locked what it changed.
    pub fn refresh(&mut self, heads: &Heads) -> Result<()> {
        let head = heads.published();
        if let (Some(base), Some(working)) = (&self.base, &self.working)
            && !Arc::ptr_eq(base, &head)
        {
            let is_unchanged = self.writes.is_empty();
            self.working =
                if is_unchanged { None } else { Some(rebase(base, working, &head, &self.writes)?) };
        }
        self.base = Some(head);
        Ok(())
    }

    /// Has it remember from now on what it reads: at commit that must be what a transaction would read that runs then.
    pub fn remember_reads(&mut self) {
        self.reads.get_or_insert_default();
    }

    /// What it has read, where it remembers that.
    pub fn reads(&self) -> Option<&ReadSet> {
        self.reads.as_ref()
    }

    /// [`Self::root`] and [`Self::reads`].
    pub fn root_and_reads(&mut self, heads: &Heads) -> (&Root, Option<&ReadSet>) {
        let base = self.base.get_or_insert_with(|| heads.published());
        (self.working.as_ref().unwrap_or(base), self.reads.as_ref())
    }

    /// [`Self::root_mut`], with what a statement that writes needs beside it.
    pub fn write(&mut self, heads: &Heads) -> Writing<'_> {
        let base = self.base.get_or_insert_with(|| heads.published());
        let root = self.working.get_or_insert_with(|| Root::clone(base));
        Writing { root, base, reads: self.reads.as_ref() }
    }

    /// What it started from, once it has looked.
    pub fn base(&self) -> Option<&Arc<Root>> {
        self.base.as_ref()
    }

    /// Whether a statement may have changed something.
    pub fn has_written(&self) -> bool {
        !self.writes.is_empty()
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

    /// Notes that a sequence was made, changed, restarted or dropped.
    pub fn touch_sequence(&mut self, sequence: SequenceId) {
        self.writes.touch_sequence(sequence);
    }

    /// Notes rows that ON CONFLICT added because their keys were free.
    pub fn propose(&mut self, proposals: Proposals) {
        self.writes.propose(proposals);
    }

    /// Notes that rows were loaded in bulk.
    pub fn note_load(&mut self) {
        self.has_loaded = true;
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
            base: self.base.clone(),
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
        if savepoint.base.is_some() {
            self.base.clone_from(&savepoint.base);
        }
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
        if !self.has_looked() && self.savepoints.is_empty() {
            return;
        }
        self.base = None;
        self.has_released = false;
        self.working = None;
        self.writes.clear();
        self.stamp = None;
        self.savepoints.clear();
        self.statements.truncate(0);
        self.reads = None;
        self.has_loaded = false;
    }

    /// COMMIT: queued when it returns, durable and visible once it is settled (None: there was nothing to commit). After an error
    /// nothing of it ever shows: 40001 for a conflict, 23505 or 42P07 for a key or a name that another commit took first.
    pub fn commit(
        mut self,
        heads: &Heads,
        actor: Option<Actor>,
        committer: &Committer<'_>,
    ) -> Result<Option<Arc<Outcome>>> {
        self.savepoints.clear();
        let (Some(mut base), Some(mut working)) = (self.base.take(), self.working.take()) else {
            return Ok(None);
        };
        if self.writes.is_empty() {
            return Ok(None);
        }
        let Patience { lock_timeout, interrupt } = committer.patience;
        let seen = self.catch_up(&mut base, &mut working, heads, interrupt)?;
        let pending = loop {
            let pending = heads.lock(lock_timeout, interrupt)?;
            let locks = committer.locks;
            let blocked = if committer.has_locked && !self.has_loaded {
                None
            } else {
                first_foreign_lock(&base, &working, &self.writes, locks)
            };
            let Some((object, mode)) = blocked else { break pending };
            // Whoever has it may need the writer lock to go on.
            drop(pending);
            locks.lock(object, mode, Scope::Transaction, &committer.patience)?;
        };
        let head = &pending.root;
        let rebased = if Arc::ptr_eq(head, &base) {
            Ok(working)
        } else {
            rebase(&base, &working, head, &self.writes)
        };
        let next = self.judge(&seen, head, rebased);
        match next {
            Ok(mut root) => {
                for id in self.writes.sequences() {
                    // Whatever was drawn until now lies before this place.
                    let promised = root.sequence(id).map(|sequence| sequence.state.promised());
                    if let Some(promised) = promised {
                        root.log_sequence(id, promised);
                    }
                }
                Ok(Some(heads.queue(pending, root, actor, self.statements.take())))
            }
            Err(error) => {
                let outcome = Arc::clone(&pending.outcome);
                drop(pending);
                heads.settle(&outcome)?;
                Err(error)
            }
        }
    }

    /// Comes as close to `published` as can be without the writer lock: carries large changes there, which moves `base` and
    /// `working`, and looks whether what was read has changed; answers up to where that is known.
    fn catch_up(
        &self,
        base: &mut Arc<Root>,
        working: &mut Root,
        heads: &Heads,
        interrupt: &Interrupt,
    ) -> Result<Arc<Root>> {
        let mut seen = Arc::clone(base);
        let is_large = self.writes.rows_max() > SMALL_STATEMENT_ROWS_MAX as u64;
        if !is_large && self.reads.is_none() {
            return Ok(seen);
        }
        for _ in 0..REBASE_ROUNDS_MAX {
            interrupt.check()?;
            let head = heads.published();
            if Arc::ptr_eq(&head, &seen) {
                break;
            }
            let started = Instant::now();
            let rebased = || rebase(base, working, &head, &self.writes);
            if is_large {
                let next = self.judge(&seen, &head, rebased())?;
                (*base, *working) = (Arc::clone(&head), next);
            } else if let Err(error) = self.judge(&seen, &head, Ok(())) {
                return Err(self.judge(&seen, &head, rebased()).err().unwrap_or(error));
            }
            seen = head;
            if started.elapsed() <= REBASE_ROUND_SMALL {
                break;
            }
        }
        Ok(seen)
    }

    /// What becomes of a commit: two who wrote one row are told so; then what it read since `seen` decides, then what else
    /// stands in its way at `head`, which may follow from what it read.
    fn judge<T>(&self, seen: &Arc<Root>, head: &Arc<Root>, rebased: Result<T>) -> Result<T> {
        if let Err(error) = &rebased
            && is_conflict(error)
        {
            return rebased;
        }
        if let Some(reads) = &self.reads
            && !Arc::ptr_eq(seen, head)
        {
            let head = if sabotage::is(Break::ForgetReads) { seen } else { head };
            // A duplicate or a broken reference says more than that somebody has changed something.
            let held = if rebased.is_ok() { Held::All } else { Held::RowsOnly };
            check_reads(seen, head, reads, held)?;
        }
        rebased
    }
}

fn is_conflict(error: &Error) -> bool {
    error.sqlstate() == SqlState::SerializationFailure
}
