//! The engine and the naive model agree on every answer and error code, whatever several sessions do one after the other.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use proptest::prelude::*;
use spg_engine::database::{Database, Options};
use spg_proptests::answer;
use spg_proptests::check::disagreement;
use spg_proptests::generator::{DEFINITION, Step, statement};
use spg_proptests::model::Model;

const SESSIONS: usize = 3;
const TABLES: usize = 2;

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn engine_and_model_agree(steps in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..60), 1..60)) {
        let steps = steps.iter().map(|numbers| statement(numbers, SESSIONS)).collect::<Vec<_>>();
        if let Err(report) = run(&steps) {
            return Err(TestCaseError::fail(report));
        }
    }
}

fn run(steps: &[Step]) -> Result<(), String> {
    let database = Database::open(Options::default()).unwrap();
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| Arc::clone(&database).session()).collect();
    let mut history = Vec::new();
    for table in 0..TABLES {
        let sql = format!("CREATE TABLE t{table} {DEFINITION}");
        answer::run(&mut sessions[0], &sql);
        history.push(format!("> {sql}"));
    }
    let mut model = Model::new(TABLES, SESSIONS);
    for step in steps {
        if !model.knows(step) {
            continue;
        }
        let sql = step.statement.to_string();
        history.push(format!("s{}> {sql}", step.session));
        let expected = model.execute(step);
        let answered = answer::run(&mut sessions[step.session], &sql);
        if let Some(report) = disagreement(&step.statement, &expected, &answered) {
            return Err(format!("{}\n  {report}", history.join("\n")));
        }
    }
    Ok(())
}
