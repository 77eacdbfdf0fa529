//! The engine beside the naive model: several sessions say one statement after the other, and each answer must be the model's.
//! With files, the machine stops now and then, and what is found on the disk must be what the model has committed.

mod ahead;
mod medium;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use spg_engine::Database;
use spg_engine::session::Session;

use crate::answer::{self, Answer};
use crate::check::disagreement;
use crate::crash::mode::Mode;
use crate::generator::{Schema, Statement, Step, schema, statement};
use crate::model::{Model, Outcome};
use crate::side_by_side::ahead::Ahead;
use crate::side_by_side::medium::{Medium, difference};

/// Sessions that take turns.
const SESSIONS: usize = 3;

const TABLES: usize = 2;

/// A list of numbers for the constraints, and one for each step.
pub type Numbers = (Vec<u16>, Vec<Vec<u16>>);

/// How often each thing was seen: by a word for it.
pub type Seen = BTreeMap<String, usize>;

/// Lists of numbers to make steps of.
pub fn numbers() -> impl Strategy<Value = Numbers> {
    let steps = prop::collection::vec(prop::collection::vec(any::<u16>(), 0..100), 1..80);
    (prop::collection::vec(any::<u16>(), 0..60), steps)
}

/// What the first of some cases shows in which engine and model disagree. The cases are the same each time.
pub fn first_disagreement(mode: Option<Mode>, cases: u32) -> Option<String> {
    let config =
        Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let run =
        |numbers: Numbers| compare(mode, &numbers, &mut Seen::new()).map_err(TestCaseError::fail);
    match TestRunner::new_with_rng(config, random).run(&numbers(), run) {
        Ok(()) => None,
        Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => {
            Some(reason.message().to_owned())
        }
    }
}

/// Runs the steps that are made of the numbers, in memory or with files; an error tells the statements and the answer that is
/// not the model's.
pub fn compare(
    mode: Option<Mode>,
    (constraints, steps): &Numbers,
    seen: &mut Seen,
) -> Result<(), String> {
    let schema = schema(constraints);
    let mut run = Run::new(mode, &schema)?;
    let first = schema.first_rows().into_iter().map(|statement| Step {
        session: 0,
        statement,
        instead: None,
    });
    let steps = steps.iter().map(|numbers| statement(numbers, SESSIONS, &schema));
    let result = first.chain(steps).try_for_each(|step| run.step(&step, seen));
    let result = result.and_then(|()| run.crash(Vec::new()));
    result.map_err(|report| format!("{}\n  {report}", run.history.join("\n")))
}

/// A database and the model of it.
struct Run {
    medium: Medium,
    database: Arc<Database>,
    sessions: Vec<Session>,
    model: Model,
    /// What a session has acknowledged that may not be durable.
    ahead: Ahead,
    history: Vec<String>,
}

impl Run {
    fn new(mode: Option<Mode>, schema: &Schema) -> Result<Self, String> {
        let medium = Medium::new(mode);
        let database = medium.open()?;
        let sessions = (0..SESSIONS).map(|_| session(&database)).collect();
        let model = Model::new(TABLES, SESSIONS, schema);
        let ahead = Ahead::default();
        let mut run = Self { medium, database, sessions, model, ahead, history: Vec::new() };
        for definition in schema.definitions() {
            run.say(0, &definition);
        }
        Ok(run)
    }

    fn say(&mut self, session: usize, sql: &str) -> Answer {
        self.history.push(format!("s{session}> {sql}"));
        answer::run(&mut self.sessions[session], sql)
    }

    fn step(&mut self, step: &Step, seen: &mut Seen) -> Result<(), String> {
        let step = &self.model.sensible(step);
        if !self.model.knows(step) {
            return Ok(());
        }
        if self.ahead.concerns(step) && !self.settle() {
            *seen.entry("crash ahead".to_owned()).or_default() += 1;
            return self.crash(Vec::new());
        }
        match step.statement {
            Statement::Disconnect => {
                self.history.push(format!("s{}: disconnect", step.session));
                self.model.execute(step);
                self.sessions[step.session] = session(&self.database);
                self.ahead.sessions.remove(&step.session);
                Ok(())
            }
            Statement::SynchronousCommit(on) => {
                self.ahead.set(step.session, on);
                self.execute(step, seen)
            }
            Statement::Crash(operations, seed) => {
                if self.medium.plan(operations, seed) {
                    self.history.push(step.statement.to_string());
                }
                Ok(())
            }
            _ => self.execute(step, seen),
        }
    }

    fn execute(&mut self, step: &Step, seen: &mut Seen) -> Result<(), String> {
        let before = self.model.clone();
        let expected = self.model.execute(step);
        let answered = self.say(step.session, &step.statement.to_string());
        // What was acknowledged before it was durable is gone with the disk, for those who ask for it, too.
        let is_lost = answered.failure.is_some() || !self.ahead.models.is_empty();
        if self.medium.has_crashed() && is_lost {
            // Nobody was told whether it is committed.
            *seen.entry("crash".to_owned()).or_default() += 1;
            return self.crash(vec![before]);
        }
        if let Some(report) = disagreement(&step.statement, &expected, &answered) {
            return Err(report);
        }
        if let Some(failure) = &answered.failure {
            let at_commit = matches!(step.statement, Statement::Commit);
            let word = if at_commit { "COMMIT " } else { "" };
            *seen.entry(format!("{word}{}", failure.sqlstate)).or_default() += 1;
            if matches!(expected, Outcome::Either(..)) {
                self.model.refuse(before.clone(), step);
            }
        }
        self.ahead.note(step.session, before, &self.model);
        if self.medium.has_crashed() {
            *seen.entry("crash after a commit".to_owned()).or_default() += 1;
            return self.crash(Vec::new());
        }
        Ok(())
    }

    /// What a session has acknowledged becomes durable, and others see it: a query of its own waits for that. Says whether the
    /// machine still runs.
    fn settle(&mut self) -> bool {
        if let Some(session) = self.ahead.newest.take() {
            self.say(session, "SELECT count(*) FROM t0");
        }
        let runs = !self.medium.has_crashed();
        if runs {
            self.ahead.models.clear();
        }
        runs
    }

    /// The machine stops. What is found after it must be what the model has committed, or one of `others`, or one of those that
    /// came before something that was acknowledged too early; it is gone on with.
    fn crash(&mut self, others: Vec<Model>) -> Result<(), String> {
        if !self.medium.stop() {
            return Ok(());
        }
        let earlier = std::mem::take(&mut self.ahead).models;
        let models = std::iter::once(self.model.clone()).chain(others).chain(earlier);
        self.history.push("crash".to_owned());
        self.sessions.clear();
        self.database = self.medium.open()?;
        self.sessions = (0..SESSIONS).map(|_| session(&self.database)).collect();
        let mut faults = Vec::new();
        for mut model in models {
            model.forget_sessions();
            let Some(fault) = difference(&self.database, &model) else {
                self.model = model;
                return Ok(());
            };
            faults.push(fault);
        }
        Err(faults.join("\n  or: "))
    }
}

/// A session that does not wait: nobody else goes on meanwhile, so a wait never ends well.
fn session(database: &Arc<Database>) -> Session {
    let mut session = database.session();
    answer::run(&mut session, "SET lock_timeout = '1ms'");
    session
}
