//! A workload's run: in memory, where it tells the state after every commit, and on a disk, where it must answer the same.

use std::sync::Arc;

use spg_engine::disk::Disk;
use spg_engine::session::{Session, TransactionStatus};
use spg_engine::{Database, Options};

use crate::answer::{self, Answer};
use crate::crash::mode::Mode;
use crate::crash::recorder::{Bounds, Recorder};
use crate::crash::state::dump;
use crate::crash::workload::{Action, DRAWN};

/// What a database holds after a commit.
#[derive(Clone, Debug)]
pub struct State {
    /// As [`dump`] tells it.
    pub dump: String,
    /// What the audit log tells of the commit.
    pub statements: Vec<String>,
}

/// What happened in memory.
#[derive(Clone, Debug)]
pub struct Reference {
    /// By commit; the first is the empty database.
    pub states: Vec<State>,
    /// The last commit after each action.
    pub commits: Vec<u64>,
    /// What each action answered.
    pub answers: Vec<String>,
    /// The last commit after the database was closed.
    pub closed: u64,
}

/// A statement's tag, or its error.
pub fn answer_of(session: &mut Session, sql: &str) -> String {
    tag_of(answer::run(session, sql))
}

fn tag_of(answer: Answer) -> String {
    match answer.failure {
        Some(failure) => format!("{}: {}", failure.sqlstate, failure.message),
        None => answer.tag.unwrap_or_default(),
    }
}

/// Which statements of the open block would be in the audit log.
#[derive(Default)]
struct Block {
    statements: Vec<String>,
    savepoints: Vec<usize>,
}

impl Block {
    fn note(&mut self, sql: &str, tag: &str) {
        let is_error = tag.get(5..7) == Some(": ");
        match sql {
            _ if is_error => {}
            "SAVEPOINT s" => self.savepoints.push(self.statements.len()),
            "ROLLBACK TO s" => {
                self.statements.truncate(self.savepoints.last().copied().unwrap_or_default());
            }
            "BEGIN" | "COMMIT" | "ROLLBACK" => {}
            _ if sql.starts_with("SELECT") => {}
            _ if tag.ends_with(" 0") => {}
            _ => self.statements.push(sql.to_owned()),
        }
    }
}

impl Reference {
    /// Runs the actions in memory.
    pub fn of(actions: &[Action]) -> Result<Self, String> {
        let database = Database::open(Options::default()).map_err(|error| error.to_string())?;
        let mut session = database.session();
        let first = State { dump: dump(&database), statements: Vec::new() };
        let mut reference =
            Self { states: vec![first], commits: Vec::new(), answers: Vec::new(), closed: 0 };
        let mut block = Block::default();
        for action in actions {
            let mut answer = String::new();
            match action {
                Action::Reopen => {
                    session = database.session();
                    database.close().map_err(|error| error.to_string())?;
                }
                Action::Checkpoint | Action::Idle | Action::Synchronous(_) => {}
                Action::Sql(sql) => {
                    answer = answer_of(&mut session, sql);
                    block.note(sql, &answer);
                }
            }
            let commit = database.published_commit().0;
            if commit as usize == reference.states.len() {
                // A commit within a block only logs a sequence.
                let is_own = session.status() == TransactionStatus::Idle;
                let statements =
                    if is_own { std::mem::take(&mut block.statements) } else { Vec::new() };
                reference.states.push(State { dump: dump(&database), statements });
            }
            if session.status() == TransactionStatus::Idle {
                block = Block::default();
            }
            reference.commits.push(commit);
            reference.answers.push(answer);
        }
        drop(session);
        // Closing says where sequences stand.
        database.close().map_err(|error| error.to_string())?;
        if database.published_commit().0 as usize == reference.states.len() {
            reference.states.push(State { dump: dump(&database), statements: Vec::new() });
        }
        reference.closed = database.published_commit().0;
        Ok(reference)
    }

    /// What the audit log holds after a commit: all statements so far.
    pub fn statements(&self, commit: u64) -> impl Iterator<Item = (u64, &str)> {
        let states = self.states.iter().zip(0..=commit);
        states.flat_map(|(state, commit)| {
            state.statements.iter().map(move |text| (commit, text.as_str()))
        })
    }
}

/// A database that is being worked on.
pub struct Run {
    /// It.
    pub database: Arc<Database>,
    /// Its one session.
    pub session: Session,
    is_synchronous: bool,
    bounds: Bounds,
}

impl Run {
    /// Opens it.
    pub fn open(mode: Mode, disk: impl Disk + 'static) -> Result<Self, String> {
        let database = mode.open(disk).map_err(|error| error.to_string())?;
        let session = database.session();
        Ok(Self { database, session, is_synchronous: true, bounds: Bounds::default() })
    }

    /// What the clients know.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Does the action at `place`, and answers what it answered. `know` is told what the clients know, before and after.
    pub fn step(
        &mut self,
        mode: Mode,
        disk: impl Disk + 'static,
        (action, commit): (&Action, u64),
        know: &mut dyn FnMut(Bounds),
    ) -> Result<String, String> {
        let before = self.bounds.attempted;
        self.bounds.attempted = commit;
        know(self.bounds);
        let mut answer = String::new();
        match action {
            Action::Sql(sql) => {
                let full = answer::run(&mut self.session, sql);
                if sql.starts_with(&format!("SELECT nextval('{DRAWN}')")) {
                    let values = full.rows.iter().filter_map(|row| row.first()?.as_ref());
                    let highest = values.filter_map(|value| value.parse().ok()).max();
                    self.bounds.drawn = self.bounds.drawn.max(highest.unwrap_or(0));
                    know(self.bounds);
                }
                answer = tag_of(full);
            }
            Action::Checkpoint => answer = answer_of(&mut self.session, action.sql()),
            Action::Synchronous(on) => {
                answer = answer_of(&mut self.session, action.sql());
                self.is_synchronous = *on;
            }
            Action::Idle => {
                if let Some((journal, wal)) = self
                    .database
                    .journal()
                    .and_then(|journal| Some((journal, journal.wal.as_ref()?)))
                {
                    journal.write_idle(wal);
                    // A full disk shows with the commit that needs the segment.
                    let _ = wal.prepare();
                }
            }
            Action::Reopen => {
                self.database.close().map_err(|error| format!("close: {error}"))?;
                self.bounds.durable = commit;
                know(self.bounds);
                *self = Self { bounds: self.bounds, ..Self::open(mode, disk)? };
            }
        }
        if self.is_synchronous && commit > before {
            self.bounds.durable = commit;
            know(self.bounds);
        }
        Ok(answer)
    }
}

/// Runs the actions on a recorder to their end and closes the database; an error if it answers otherwise than in memory.
pub fn record(
    mode: Mode,
    actions: &[Action],
    reference: &Reference,
    recorder: &Recorder,
) -> Result<(), String> {
    let mut run = Run::open(mode, recorder.clone())?;
    let expected = actions.iter().zip(&reference.commits).zip(&reference.answers);
    for ((action, commit), expected) in expected {
        let know = &mut |bounds| recorder.set_bounds(bounds);
        let answer = run.step(mode, recorder.clone(), (action, *commit), know)?;
        if matches!(action, Action::Sql(_)) && answer != *expected {
            return Err(format!("{action}: answered {answer:?}, in memory {expected:?}"));
        }
    }
    recorder.capture();
    let commit = reference.closed;
    recorder.set_bounds(Bounds { attempted: commit, ..run.bounds });
    run.database.close().map_err(|error| format!("close: {error}"))?;
    recorder.set_bounds(Bounds { durable: commit, attempted: commit, ..run.bounds });
    recorder.capture();
    Ok(())
}
