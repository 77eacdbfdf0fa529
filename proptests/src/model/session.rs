//! The model's sessions: what a statement of each sees and changes, inside a block and outside.

use std::collections::BTreeSet;
use std::rc::Rc;

use spg_engine::Value;

use super::block::{Block, Savepoint, Snapshot};
use super::change::change;
use super::locks::{Lock, Mode, Wait, locks_of};
use super::query::answer;
use super::state::{Codes, State, Table};
use crate::generator::{Level, Query, Schema, Statement, Step, TableName};

/// What a statement answers.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Rows and a tag; the rows are in an order only as far as the statement asks for one.
    Rows(Vec<Vec<Value>>, String),
    /// One of these SQLSTATEs.
    Failure(BTreeSet<&'static str>),
    /// Rows and a tag, or one of these SQLSTATEs: then the model is told by [`Model::refuse`].
    Either(Vec<Vec<Value>>, String, BTreeSet<&'static str>),
}

/// The naive database with its sessions.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) committed: State,
    pub(super) sessions: Vec<Option<Block>>,
    pub(super) next: u64,
}

impl Model {
    /// Empty tables `t0`, `t1`, ... with constraints, and sessions without a block.
    pub fn new(tables: usize, sessions: usize, schema: &Schema) -> Self {
        let mut committed = State { schema: Rc::new(schema.clone()), ..State::default() };
        for table in 0..tables {
            committed.tables.insert(TableName(table), Table::default());
        }
        Self { committed, sessions: (0..sessions).map(|_| None).collect(), next: 0 }
    }

    /// Whether the model knows what the statement does: it knows definitions only beside sessions without a block and upon
    /// the newest ones, and TRUNCATE only outside of blocks.
    pub fn knows(&self, step: &Step) -> bool {
        let block = self.sessions[step.session].as_ref();
        let snapshot = block.and_then(|block| block.snapshot.as_ref());
        let is_newest =
            snapshot.is_none_or(|snapshot| snapshot.base.indexes == self.committed.indexes);
        let others = self.sessions.iter().flatten().count() - usize::from(block.is_some());
        match &step.statement {
            Statement::CreateIndex(..) | Statement::DropIndex(_) => others == 0 && is_newest,
            Statement::Truncate(_) => others == 0 && block.is_none(),
            Statement::SynchronousCommit(_) => block.is_none(),
            Statement::Lock(query) => !self.may_skip(step.session, query),
            _ => true,
        }
    }

    /// The step, or what it says instead: where a block is to end that there is not, or to begin that there is, where one
    /// has failed, and where there is no such savepoint.
    #[must_use]
    pub fn sensible(&self, step: &Step) -> Step {
        let Some(level) = step.instead else { return step.clone() };
        let block = self.sessions[step.session].as_ref();
        let controls = matches!(
            step.statement,
            Statement::Commit
                | Statement::Rollback
                | Statement::Savepoint(_)
                | Statement::Release(_)
                | Statement::RollbackTo(_)
                | Statement::Disconnect
        );
        let statement = match block {
            None if controls => Statement::Begin(level),
            Some(block) if block.failed && !controls => {
                block.savepoints.last().map_or(Statement::Rollback, Savepoint::rollback)
            }
            Some(block) => match step.statement {
                Statement::Begin(_) => Statement::Commit,
                Statement::Release(name) | Statement::RollbackTo(name)
                    if !block.failed && block.place(name).is_none() =>
                {
                    Statement::Savepoint(name)
                }
                _ => step.statement.clone(),
            },
            None => step.statement.clone(),
        };
        Step { statement, ..*step }
    }

    /// Whether a unique index besides the primary keys exists, committed or not.
    pub fn has_unique_indexes(&self) -> bool {
        let snapshots = self.sessions.iter().flatten().filter_map(|block| block.snapshot.as_ref());
        let works = snapshots.map(|snapshot| &snapshot.work);
        works.chain([&self.committed]).any(|state| state.indexes.values().any(|index| index.unique))
    }

    /// Number of rows that a statement would change, those that foreign keys let it change too among them.
    pub fn rows_changed(&self, step: &Step) -> usize {
        let mut trial = self.clone();
        let state = trial.current(step.session).cloned();
        state.map_or(0, |mut state| {
            change(&mut state, &step.statement, &mut trial.next).changes.len()
        })
    }

    /// All sessions are new.
    pub fn forget_sessions(&mut self) {
        self.sessions.iter_mut().for_each(|block| *block = None);
    }

    /// Names of the indexes that are committed, primary keys aside.
    pub fn committed_indexes(&self) -> BTreeSet<String> {
        self.committed.indexes.keys().map(|name| format!("i{name}")).collect()
    }

    /// A query of all rows for each table, and what it answers.
    pub fn committed_contents(&self) -> Vec<(Query, Outcome)> {
        let query = |(name, table): (&TableName, &Table)| {
            let rows: Vec<_> = table.rows.values().map(|row| row.values.clone()).collect();
            let tag = format!("SELECT {}", rows.len());
            (Query::all_of(*name), Outcome::Rows(rows, tag))
        };
        self.committed.tables.iter().map(query).collect()
    }

    /// Whether rows or indexes have been committed since `before`.
    pub fn has_committed(&self, before: &Self) -> bool {
        !before.committed.changes(&self.committed).is_empty()
            || before.committed.indexes != self.committed.indexes
    }

    /// Number of rows that are committed.
    pub fn committed_rows(&self) -> usize {
        self.committed.tables.values().map(|table| table.rows.len()).sum()
    }

    /// Executes a statement of a session.
    pub fn execute(&mut self, step: &Step) -> Outcome {
        let session = step.session;
        let failed = self.sessions[session].as_ref().is_some_and(|block| block.failed);
        let result = match &step.statement {
            Statement::Commit => self.commit(session),
            Statement::Rollback | Statement::Disconnect => {
                self.sessions[session] = None;
                tag("ROLLBACK")
            }
            Statement::RollbackTo(name) => {
                self.with_block(session, |block| block.rollback_to(*name))
            }
            _ if failed => failure("25P02"),
            Statement::Begin(level) => self.begin(session, *level),
            Statement::Checkpoint => tag("CHECKPOINT"),
            Statement::SynchronousCommit(_) => tag("SET"),
            Statement::Savepoint(name) => self.with_block(session, |block| block.savepoint(*name)),
            Statement::Release(name) => self.with_block(session, |block| block.release(*name)),
            Statement::Query(query) => {
                match self.current(session).map(|state| answer(state, query)) {
                    Ok(Ok(rows)) => {
                        let tag = format!("SELECT {}", rows.len());
                        Outcome::Rows(rows, tag)
                    }
                    Ok(Err(code)) => failure(code),
                    Err(codes) => Outcome::Failure(codes),
                }
            }
            Statement::Lock(query) => self.lock_rows(session, query),
            statement => self.change(session, statement),
        };
        if let Some(block) = &mut self.sessions[session] {
            if matches!(result, Outcome::Failure(_)) {
                block.fail();
            }
            block.log.push((step.statement.clone(), result.clone()));
        }
        result
    }

    /// The statement after which the model stood in [`Outcome::Either`] was refused; `before` is the model before it.
    pub fn refuse(&mut self, before: Self, step: &Step) {
        *self = before;
        if matches!(step.statement, Statement::Commit) {
            self.sessions[step.session] = None;
            return;
        }
        // It has looked, too.
        let _ = self.current(step.session);
        if let Some(block) = &mut self.sessions[step.session] {
            block.fail();
            block.log.push((step.statement.clone(), Outcome::Failure(Codes::new())));
        }
    }

    pub(super) fn begin(&mut self, session: usize, level: Level) -> Outcome {
        let has_looked = |block: &Block| block.snapshot.is_some() || !block.savepoints.is_empty();
        match &mut self.sessions[session] {
            Some(block) if block.level == level => {}
            Some(block) if has_looked(block) => return failure("25001"),
            Some(block) => block.level = level,
            none => *none = Some(Block::new(level)),
        }
        tag("BEGIN")
    }

    fn with_block(&mut self, session: usize, work: impl FnOnce(&mut Block) -> Outcome) -> Outcome {
        self.sessions[session].as_mut().map_or_else(|| failure("25P01"), work)
    }

    /// The state that a statement reads. A block's first one takes the block's snapshot; at READ COMMITTED each goes on from
    /// what is committed now.
    pub(super) fn current(&mut self, session: usize) -> Result<&State, Codes> {
        let committed = &self.committed;
        let Some(block) = &mut self.sessions[session] else { return Ok(committed) };
        let take = || Snapshot { base: committed.clone(), work: committed.clone() };
        let snapshot = block.snapshot.get_or_insert_with(take);
        if block.level == Level::ReadCommitted {
            snapshot.work = committed.merge(&snapshot.base, &snapshot.work, &block.proposed)?;
            snapshot.base = committed.clone();
        }
        Ok(&snapshot.work)
    }

    /// Whether one of the locks has to be waited for.
    pub(super) fn wait(&self, session: usize, wanted: &[Lock]) -> Wait {
        let others = self.sessions.iter().enumerate().filter(|(other, _)| *other != session);
        let held = others.filter_map(|(_, block)| block.as_ref()).flat_map(|block| &block.locks);
        let waits = held.flat_map(|held| wanted.iter().map(|wanted| wanted.waits_for(held)));
        waits.max().unwrap_or(Wait::No)
    }

    fn change(&mut self, session: usize, statement: &Statement) -> Outcome {
        let before = match self.current(session) {
            Ok(state) => state.clone(),
            Err(codes) => return Outcome::Failure(codes),
        };
        let mut state = before.clone();
        let mut done = change(&mut state, statement, &mut self.next);
        let level = self.sessions[session].as_ref().map(|block| block.level);
        let wanted = match level {
            Some(Level::ReadCommitted) => done.locks.clone(),
            Some(_) => Vec::new(),
            None => at_once(&done.locks, &locks_of(&state, &before.changes(&state))),
        };
        let wait = self.wait(session, &wanted);
        if wait == Wait::Certain {
            done.codes.insert("55P03");
        }
        let block = self.sessions[session].as_mut();
        if let Some(snapshot) = block.as_ref().and_then(|block| block.snapshot.as_ref())
            && snapshot.has_lost(&self.committed, &done.changes)
        {
            done.codes.insert("40001");
        }
        if !done.codes.is_empty() {
            if wait == Wait::Perhaps {
                done.codes.insert("55P03");
            }
            return Outcome::Failure(done.codes);
        }
        match block {
            None => self.committed = state,
            Some(block) => {
                block.has_written = true;
                block.locks.extend(wanted.into_iter().filter(|lock| lock.mode != Mode::Presence));
                block.proposed.extend(done.proposed);
                block.snapshot.as_mut().expect("it has looked").work = state;
            }
        }
        let count = done.rows.len();
        let (text, returning) = match statement {
            Statement::Insert(_, _, returning) => (format!("INSERT 0 {count}"), *returning),
            Statement::Upsert(upsert) => (format!("INSERT 0 {count}"), upsert.returning),
            Statement::InsertSelect(..) => (format!("INSERT 0 {count}"), false),
            Statement::Update(.., returning) => (format!("UPDATE {count}"), *returning),
            Statement::Delete(.., returning) => (format!("DELETE {count}"), *returning),
            Statement::Truncate(_) => ("TRUNCATE TABLE".to_owned(), false),
            Statement::CreateIndex(..) => ("CREATE INDEX".to_owned(), false),
            _ => ("DROP INDEX".to_owned(), false),
        };
        let rows = if returning { done.rows } else { Vec::new() };
        if wait == Wait::Perhaps {
            return Outcome::Either(rows, text, Codes::from(["55P03"]));
        }
        Outcome::Rows(rows, text)
    }
}

/// What a statement outside of a block locks: as it changes rows, or when it commits what is left of that.
fn at_once(changing: &[Lock], committing: &[Lock]) -> Vec<Lock> {
    let mut locks = changing.to_vec();
    for lock in &mut locks {
        lock.is_certain &= committing.iter().any(|other| other.object == lock.object);
    }
    locks.extend(committing.iter().map(|lock| Lock { is_certain: false, ..lock.clone() }));
    locks
}

pub(super) fn tag(tag: &str) -> Outcome {
    Outcome::Rows(Vec::new(), tag.to_owned())
}

pub(super) fn failure(code: &'static str) -> Outcome {
    Outcome::Failure(BTreeSet::from([code]))
}
