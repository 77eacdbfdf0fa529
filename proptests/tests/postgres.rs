//! The golden scripts and generated queries answer as PostgreSQL 15 does, the documented differences aside.
//!
//! A script with the line `# postgres: no` is not compared (vectors, plans, conflicts that PostgreSQL would wait for).
//! A step below `# differs: REASON` must differ, REASON being one of [`DIFFERENCES`].

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use spg_proptests::answer::{Answer, Failure};
use spg_proptests::check::disagreement;
use spg_proptests::generator::{DEFINITION, Statement, statement};
use spg_proptests::model::{Model, Outcome};
use spg_proptests::postgres::{Client, Server};
use spg_proptests::script::{self, Item, Step, Wait};
use spg_proptests::skip::workspace;

/// Where SPG answers otherwise than PostgreSQL 15; README's list for users says the same.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "numeric",
        "there is no NUMERIC yet: decimal literals, avg and sum(bigint) are not exact decimals",
    ),
    ("unsupported", "PostgreSQL has it, SPG answers 0A000"),
    ("settings", "a setting that SPG does not have, or whose default is its own"),
    ("wording", "the same SQLSTATE in other words, or with another DETAIL or position"),
    (
        "catalog",
        "oid is BIGINT, name TEXT and regclass a function; conditions are shown as they are kept",
    ),
    ("notice", "no notice tells that a name was cut"),
    (
        "waiting",
        "a writer at REPEATABLE READ or SERIALIZABLE does not wait for one that has not committed: the first to commit wins",
    ),
    ("ssi", "a serializable transaction fails at another statement, or with another DETAIL"),
    (
        "constants",
        "a constant subexpression that fails, but is never reached, fails in PostgreSQL alone",
    ),
];

#[test]
fn golden_scripts_answer_as_postgresql_does() {
    let Some(server) = Server::start() else { return };
    let mut paths = Vec::new();
    find_scripts(&workspace().join("engine/tests/scripts"), &mut paths);
    paths.sort();
    let mut faults = Vec::new();
    let mut compared = 0;
    for path in paths {
        let items = script::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let excluded = Item::Text("# postgres: no".to_owned());
        if !items.contains(&excluded) {
            compared += compare_script(&server, &path, &items, &mut faults);
        }
    }
    println!("{compared} statements compared with PostgreSQL 15");
    assert!(compared > 500, "the scripts are missing");
    assert!(faults.is_empty(), "{} answers differ:\n{}", faults.len(), faults.join("\n"));
}

fn find_scripts(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_scripts(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn compare_script(server: &Server, path: &Path, items: &[Item], faults: &mut Vec<String>) -> usize {
    let mut sessions: BTreeMap<&str, Slot> = BTreeMap::new();
    let mut expected_difference = None;
    let mut compared = 0;
    let mut observer = server.connect();
    for item in items {
        let step = match item {
            Item::Text(line) => {
                expected_difference = line.strip_prefix("# differs: ").or(expected_difference);
                continue;
            }
            Item::Step(step) => step,
        };
        let slot =
            sessions.remove(&*step.session).unwrap_or_else(|| Slot::Idle(Box::new(server.join())));
        let may_wait = expected_difference == Some("waiting");
        let (theirs, slot) = answer_step(slot, step, may_wait, &mut observer);
        sessions.insert(&step.session, slot);
        let ours: Vec<&String> =
            step.answer.iter().filter(|line| !line.starts_with("plan: ")).collect();
        compared += 1;
        let same = same_lines(&ours, &theirs);
        let known = expected_difference
            .take()
            .map(|reason| DIFFERENCES.iter().any(|(name, _)| *name == reason));
        match (same, known) {
            (true, None) | (false, Some(true)) => {}
            (true, Some(_)) => {
                faults.push(format!("{}: no longer differs: {}", path.display(), step.sql));
            }
            (false, Some(false)) => {
                faults.push(format!("{}: unknown reason: {}", path.display(), step.sql));
            }
            (false, None) => faults.push(format!(
                "{}: {}\n  SPG:\n    {}\n  PostgreSQL:\n    {}\n",
                path.display(),
                step.sql,
                step.answer.join("\n    "),
                theirs.join("\n    "),
            )),
        }
    }
    compared
}

/// A client, or the thread that it waits in.
enum Slot {
    Idle(Box<Client>),
    Waits(JoinHandle<(Box<Client>, Answer)>),
}

/// With `may_wait` a statement that does not wait in SPG may do so here, until the next one of its session.
fn answer_step(
    slot: Slot,
    step: &Step,
    may_wait: bool,
    observer: &mut Client,
) -> (Vec<String>, Slot) {
    let slot = match slot {
        Slot::Waits(thread) if step.wait == Wait::None => end_wait(thread, &[]).1,
        slot => slot,
    };
    let wait = if may_wait && step.wait == Wait::None { Wait::Begins } else { step.wait };
    match (slot, wait) {
        (Slot::Idle(mut client), Wait::None) => {
            let step = Step { plan: false, ..step.clone() };
            let lines = script::answer_lines(&step, &mut |sql| comparable(client.run(sql)));
            (lines, Slot::Idle(client))
        }
        (Slot::Idle(mut client), Wait::Begins) => {
            let before = waiters(observer);
            let sql = step.sql.clone();
            let thread = std::thread::spawn(move || {
                let answer = client.run(&sql);
                (client, answer)
            });
            while waiters(observer) == before && !thread.is_finished() {
                std::thread::yield_now();
            }
            if thread.is_finished() {
                let word: &[&str] = if may_wait { &[] } else { &["does not wait"] };
                return end_wait(thread, word);
            }
            (vec!["waits".to_owned()], Slot::Waits(thread))
        }
        (Slot::Waits(thread), Wait::Ends) => end_wait(thread, &[]),
        (slot, _) => (vec!["the script is wrong: it waits, or does not".to_owned()], slot),
    }
}

/// Who waits for a lock, as one text.
fn waiters(observer: &mut Client) -> Vec<Vec<Option<String>>> {
    observer
        .run("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' ORDER BY pid")
        .rows
}

fn end_wait(thread: JoinHandle<(Box<Client>, Answer)>, before: &[&str]) -> (Vec<String>, Slot) {
    let (client, answer) = thread.join().unwrap();
    let mut lines: Vec<String> = before.iter().map(ToString::to_string).collect();
    lines.extend(comparable(answer).lines());
    (lines, Slot::Idle(client))
}

/// PostgreSQL's answer without what SPG need not repeat: hints and the runtime fields of no interest to a client.
fn comparable(mut answer: Answer) -> Answer {
    if let Some(failure) = &mut answer.failure {
        *failure = Failure { hint: None, ..failure.clone() };
    }
    answer
}

/// Whether two answers agree: line by line, numbers of type numeric up to rounding.
fn same_lines(ours: &[&String], theirs: &[String]) -> bool {
    let ours: Vec<&&String> = ours.iter().filter(|line| !line.starts_with("hint: ")).collect();
    let mut numeric = Vec::new();
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| {
            let (left, right): (Vec<_>, Vec<_>) =
                (ours.split(" | ").collect(), theirs.split(" | ").collect());
            if theirs.contains(":numeric") {
                numeric = right.iter().map(|name| name.ends_with(":numeric")).collect();
            }
            left.len() == right.len()
                && left.iter().zip(&right).enumerate().all(|(place, (ours, theirs))| {
                    ours == theirs
                        || numeric.get(place).copied().unwrap_or_default()
                            && same_number(ours, theirs)
                })
        })
}

fn same_number(ours: &str, theirs: &str) -> bool {
    if let Some(name) = theirs.strip_suffix(":numeric") {
        return [":float8", ":int8"].iter().any(|suffix| ours.strip_suffix(suffix) == Some(name));
    }
    let (Ok(ours), Ok(theirs)) = (ours.parse::<f64>(), theirs.parse::<f64>()) else { return false };
    (ours - theirs).abs() <= theirs.abs() * 1e-12
}

/// The model that the engine is compared with is itself right.
#[test]
fn model_answers_as_postgresql_does() {
    let Some(server) = Server::start() else { return };
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let numbers = prop::collection::vec(any::<u16>(), 0..60);
    let outcome = TestRunner::new(config).run(&prop::collection::vec(numbers, 1..60), |steps| {
        compare_model(&mut server.connect(), &steps).map_err(TestCaseError::fail)
    });
    // Shown after the server has ended: a panic's message may be the last thing that happens.
    drop(server);
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Whether PostgreSQL has refused a constant when it planned a statement that comes to no row: the model evaluates it for none.
fn is_folded(expected: &Outcome, answered: &Answer) -> bool {
    let of_no_row = match expected {
        Outcome::Rows(rows, tag) => rows.is_empty() && tag.ends_with(" 0"),
        Outcome::Failure(_) => false,
    };
    let of_data = |failure: &Failure| failure.sqlstate.starts_with("22");
    of_no_row && answered.failure.as_ref().is_some_and(of_data)
}

fn compare_model(client: &mut Client, steps: &[Vec<u16>]) -> Result<(), String> {
    let mut model = Model::new(2, 1);
    let mut history = Vec::new();
    for table in 0..2 {
        client.run(&format!("CREATE TABLE t{table} {DEFINITION}"));
    }
    for numbers in steps {
        let step = statement(numbers, 1);
        // PostgreSQL checks a key while an UPDATE moves others away: SPG and the model at its end.
        let moves_keys = match &step.statement {
            Statement::Update(_, assignments, ..) => {
                assignments.iter().any(|(column, _)| *column == 0) || model.has_unique_indexes()
            }
            _ => false,
        };
        if moves_keys || !model.knows(&step) {
            continue;
        }
        let sql = step.statement.to_string();
        history.push(sql.clone());
        let expected = model.execute(&step);
        let answered = client.run(&sql);
        if is_folded(&expected, &answered) {
            // In a block the one has failed and the other has not.
            return Ok(());
        }
        if let Some(report) = disagreement(&step.statement, &expected, &answered) {
            return Err(format!("{}\n  {report}", history.join(";\n")));
        }
    }
    Ok(())
}
