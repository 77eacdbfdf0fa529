//! The engine beside the naive model: several sessions say one statement after the other, and each answer must be the model's.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use spg_engine::database::{Database, Options};
use spg_engine::session::Session;

use crate::answer::{self, Answer};
use crate::check::disagreement;
use crate::generator::{Schema, Statement, Step, schema, statement};
use crate::model::{Model, Outcome};

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
pub fn first_disagreement(cases: u32) -> Option<String> {
    let config =
        Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let run = |numbers: Numbers| compare(&numbers, &mut Seen::new()).map_err(TestCaseError::fail);
    match TestRunner::new_with_rng(config, random).run(&numbers(), run) {
        Ok(()) => None,
        Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => {
            Some(reason.message().to_owned())
        }
    }
}

/// Runs the steps that are made of the numbers; an error tells the statements and the answer that is not the model's.
pub fn compare((constraints, steps): &Numbers, seen: &mut Seen) -> Result<(), String> {
    let schema = schema(constraints);
    let mut run = Run::new(&schema);
    let first = schema.first_rows().into_iter().map(|statement| Step {
        session: 0,
        statement,
        instead: None,
    });
    let steps = steps.iter().map(|numbers| statement(numbers, SESSIONS, &schema));
    for step in first.chain(steps) {
        run.step(&step, seen)?;
    }
    Ok(())
}

/// A database and the model of it.
struct Run {
    database: Arc<Database>,
    sessions: Vec<Session>,
    model: Model,
    history: Vec<String>,
}

impl Run {
    fn new(schema: &Schema) -> Self {
        let database = Database::open(Options::default()).expect("memory is there");
        let sessions = (0..SESSIONS).map(|_| session(&database)).collect();
        let model = Model::new(TABLES, SESSIONS, schema);
        let mut run = Self { database, sessions, model, history: Vec::new() };
        for definition in schema.definitions() {
            run.say(0, &definition);
        }
        run
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
        if matches!(step.statement, Statement::Disconnect) {
            self.history.push(format!("s{}: disconnect", step.session));
            self.model.execute(step);
            self.sessions[step.session] = session(&self.database);
            return Ok(());
        }
        let before = self.model.clone();
        let expected = self.model.execute(step);
        let answered = self.say(step.session, &step.statement.to_string());
        if let Some(report) = disagreement(&step.statement, &expected, &answered) {
            return Err(format!("{}\n  {report}", self.history.join("\n")));
        }
        if let Some(failure) = &answered.failure {
            let at_commit = matches!(step.statement, Statement::Commit);
            let word = if at_commit { "COMMIT " } else { "" };
            *seen.entry(format!("{word}{}", failure.sqlstate)).or_default() += 1;
            if matches!(expected, Outcome::Either(..)) {
                self.model.refuse(before, step);
            }
        }
        Ok(())
    }
}

/// A session that does not wait: nobody else goes on meanwhile, so a wait never ends well.
fn session(database: &Arc<Database>) -> Session {
    let mut session = database.session();
    answer::run(&mut session, "SET lock_timeout = '1ms'");
    session
}
