//! The model's sessions: blocks, savepoints, snapshot isolation with first committer wins.

use std::collections::BTreeSet;

use spg_engine::Value;

use super::change::change;
use super::query::answer;
use super::state::{State, Table};
use crate::generator::{Statement, Step, TableName};

/// What a statement answers.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Rows and a tag; the rows are in an order only as far as the statement asks for one.
    Rows(Vec<Vec<Value>>, String),
    /// One of these SQLSTATEs.
    Failure(BTreeSet<&'static str>),
}

/// The naive database with its sessions.
#[derive(Debug)]
pub struct Model {
    committed: State,
    sessions: Vec<Option<Block>>,
    next: u64,
}

/// An open transaction block.
#[derive(Debug, Default)]
struct Block {
    /// None until the first statement that reads or writes: only then the block takes its snapshot.
    snapshot: Option<Snapshot>,
    savepoints: Vec<(usize, Option<Snapshot>)>,
    failed: bool,
}

/// What a block started from, what it made of it, and which rows of the base it wrote.
#[derive(Clone, Debug)]
struct Snapshot {
    base: State,
    work: State,
    written: BTreeSet<(TableName, u64)>,
}

impl Model {
    /// Empty tables `t0`, `t1`, ... and sessions without a block.
    pub fn new(tables: usize, sessions: usize) -> Self {
        let mut committed = State::default();
        for table in 0..tables {
            committed.tables.insert(TableName(table), Table::default());
        }
        Self { committed, sessions: (0..sessions).map(|_| None).collect(), next: 0 }
    }

    /// Whether the model knows what the statement does: it knows definitions only beside sessions without a block, and
    /// TRUNCATE only outside of blocks.
    pub fn knows(&self, step: &Step) -> bool {
        let in_block = |session: usize| self.sessions[session].is_some();
        let mut others = (0..self.sessions.len()).filter(|session| *session != step.session);
        match &step.statement {
            Statement::CreateIndex(..) | Statement::DropIndex(_) => !others.any(in_block),
            Statement::Truncate(_) => !in_block(step.session) && !others.any(in_block),
            _ => true,
        }
    }

    /// Whether a unique index besides the primary keys exists, committed or not.
    pub fn has_unique_indexes(&self) -> bool {
        let snapshots = self.sessions.iter().flatten().filter_map(|block| block.snapshot.as_ref());
        let works = snapshots.map(|snapshot| &snapshot.work);
        works.chain([&self.committed]).any(|state| state.indexes.values().any(|index| index.unique))
    }

    /// Number of rows that are committed.
    pub fn committed_rows(&self) -> usize {
        self.committed.tables.values().map(|table| table.rows.len()).sum()
    }

    /// Executes a statement of a session.
    pub fn execute(&mut self, step: &Step) -> Outcome {
        let failed = self.sessions[step.session].as_ref().is_some_and(|block| block.failed);
        let result = match &step.statement {
            Statement::Commit => self.commit(step.session),
            Statement::Rollback => {
                self.sessions[step.session] = None;
                tag("ROLLBACK")
            }
            Statement::RollbackTo(name) => self.rollback_to(step.session, *name),
            _ if failed => failure("25P02"),
            Statement::Begin => {
                self.sessions[step.session].get_or_insert_default();
                tag("BEGIN")
            }
            Statement::Savepoint(name) => self.savepoint(step.session, *name),
            Statement::Release(name) => self.release(step.session, *name),
            Statement::Query(query) => match answer(self.current(step.session), query) {
                Ok(rows) => {
                    let tag = format!("SELECT {}", rows.len());
                    Outcome::Rows(rows, tag)
                }
                Err(code) => failure(code),
            },
            statement => self.change(step.session, statement),
        };
        if let (Outcome::Failure(_), Some(block)) = (&result, &mut self.sessions[step.session]) {
            block.failed = true;
        }
        result
    }

    /// The state that a statement reads; a block's first one takes the block's snapshot.
    fn current(&mut self, session: usize) -> &State {
        let committed = &self.committed;
        let Some(block) = &mut self.sessions[session] else { return committed };
        let take = || Snapshot {
            base: committed.clone(),
            work: committed.clone(),
            written: BTreeSet::new(),
        };
        &block.snapshot.get_or_insert_with(take).work
    }

    fn commit(&mut self, session: usize) -> Outcome {
        let Some(block) = self.sessions[session].take() else { return tag("COMMIT") };
        if block.failed {
            return tag("ROLLBACK");
        }
        let Some(snapshot) = block.snapshot else { return tag("COMMIT") };
        match self.committed.merge(&snapshot.base, &snapshot.work, &snapshot.written) {
            Ok(merged) => {
                self.committed = merged;
                tag("COMMIT")
            }
            Err(code) => failure(code),
        }
    }

    fn savepoint(&mut self, session: usize, name: usize) -> Outcome {
        let Some(block) = &mut self.sessions[session] else { return failure("25P01") };
        block.savepoints.push((name, block.snapshot.clone()));
        tag("SAVEPOINT")
    }

    fn release(&mut self, session: usize, name: usize) -> Outcome {
        let Some(block) = &mut self.sessions[session] else { return failure("25P01") };
        let Some(place) = block.savepoints.iter().rposition(|(known, _)| *known == name) else {
            return failure("3B001");
        };
        block.savepoints.truncate(place);
        tag("RELEASE")
    }

    fn rollback_to(&mut self, session: usize, name: usize) -> Outcome {
        let Some(block) = &mut self.sessions[session] else { return failure("25P01") };
        let Some(place) = block.savepoints.iter().rposition(|(known, _)| *known == name) else {
            return failure("3B001");
        };
        block.savepoints.truncate(place + 1);
        // A snapshot taken since stays: only what was made of it is undone.
        block.snapshot = match (&block.savepoints[place].1, block.snapshot.take()) {
            (Some(before), _) => Some(before.clone()),
            (None, Some(taken)) => Some(Snapshot {
                work: taken.base.clone(),
                written: BTreeSet::new(),
                base: taken.base,
            }),
            (None, None) => None,
        };
        block.failed = false;
        tag("ROLLBACK")
    }

    /// Whether a row that is about to be written was written by a commit since the block's snapshot.
    fn loses_rows(&self, session: usize, written: &BTreeSet<(TableName, u64)>) -> bool {
        let block = self.sessions[session].as_ref();
        let Some(snapshot) = block.and_then(|block| block.snapshot.as_ref()) else { return false };
        written.iter().any(|(name, id)| {
            let (before, now) = (&snapshot.base.tables[name], &self.committed.tables[name]);
            let stamp = |table: &Table| table.rows.get(id).map(|row| row.stamp);
            before.incarnation != now.incarnation
                || before.rows.contains_key(id) && stamp(before) != stamp(now)
        })
    }

    fn change(&mut self, session: usize, statement: &Statement) -> Outcome {
        let mut state = self.current(session).clone();
        let mut done = change(&mut state, statement, &mut self.next);
        if self.loses_rows(session, &done.written) {
            done.codes.insert("40001");
        }
        if !done.codes.is_empty() {
            return Outcome::Failure(done.codes);
        }
        let block = self.sessions[session].as_mut();
        match block.and_then(|block| block.snapshot.as_mut()) {
            None => self.committed = state,
            Some(snapshot) => {
                // A row of one's own is no row of the base: only the base's can conflict.
                let of_base = |(table, id): &(TableName, u64)| {
                    snapshot.base.tables[table].rows.contains_key(id)
                };
                snapshot.written.extend(done.written.into_iter().filter(of_base));
                snapshot.work = state;
            }
        }
        let count = done.rows.len();
        let (text, returning) = match statement {
            Statement::Insert(_, _, returning) => (format!("INSERT 0 {count}"), *returning),
            Statement::InsertSelect(..) => (format!("INSERT 0 {count}"), false),
            Statement::Update(.., returning) => (format!("UPDATE {count}"), *returning),
            Statement::Delete(.., returning) => (format!("DELETE {count}"), *returning),
            Statement::Truncate(_) => ("TRUNCATE TABLE".to_owned(), false),
            Statement::CreateIndex(..) => ("CREATE INDEX".to_owned(), false),
            _ => ("DROP INDEX".to_owned(), false),
        };
        Outcome::Rows(if returning { done.rows } else { Vec::new() }, text)
    }
}

fn tag(tag: &str) -> Outcome {
    Outcome::Rows(Vec::new(), tag.to_owned())
}

fn failure(code: &'static str) -> Outcome {
    Outcome::Failure(BTreeSet::from([code]))
}
