//! PostgreSQL 15's own regression scripts, statement by statement, as far as they lie inside what SPG has.
//!
//! `SPG_VERBOSE=1` prints every statement that answers otherwise.

#![expect(clippy::print_stdout, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use spg_engine::database::{Database, Options};
use spg_engine::session::Session;
use spg_proptests::answer::{self, Failure};
use spg_proptests::skip;
use spg_proptests::transcript::{Shown, Transcript, statements};

/// The scripts, and how many of their statements must agree at least: raised when more do, never lowered.
const SCRIPTS: &[(&str, usize)] = &[
    ("boolean", 90),
    ("case", 41),
    ("delete", 0),
    ("float8", 113),
    ("int2", 39),
    ("int4", 55),
    ("int8", 102),
    ("join", 213),
    ("limit", 2),
    ("returning", 6),
    ("select", 28),
    ("select_distinct", 18),
    ("subselect", 82),
    ("text", 12),
    ("union", 59),
    ("update", 26),
    ("aggregates", 29),
];

/// Tables whose rows come from files that are not here.
const WITHOUT_DATA: &[&str] = &[
    "onek",
    "tenk",
    "road",
    "person",
    "emp",
    "student",
    "stud_emp",
    "real_city",
    "hash_",
    "aggtest",
    "bt_",
];

#[derive(Debug, Default)]
struct Tally {
    agree: usize,
    differ: usize,
    not_supported: usize,
    no_data: usize,
    unknown: usize,
}

#[test]
fn regression_scripts_answer_as_expected() {
    let Some(folder) = skip::shared("corpora/pgregress") else { return };
    let setup = std::fs::read_to_string(folder.join("sql/test_setup.sql")).unwrap();
    let verbose = std::env::var_os("SPG_VERBOSE").is_some();
    let only = std::env::var("SPG_REGRESS_ONLY").unwrap_or_default();
    let mut faults = Vec::new();
    for (name, floor) in SCRIPTS.iter().filter(|(name, _)| name.contains(&only)) {
        let database = Database::open(Options::default()).unwrap();
        let mut session = Arc::clone(&database).session();
        for statement in statements(&setup) {
            answer::run(&mut session, &statement);
        }
        let script = std::fs::read_to_string(folder.join(format!("sql/{name}.sql"))).unwrap();
        let expected =
            std::fs::read_to_string(folder.join(format!("expected/{name}.out"))).unwrap();
        let tally = run_script(&mut session, &script, &expected, verbose);
        println!("{name}: {tally:?}");
        if tally.agree < *floor {
            faults.push(format!("{name}: {} agree, {floor} did", tally.agree));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn run_script(session: &mut Session, script: &str, expected: &str, verbose: bool) -> Tally {
    let mut transcript = Transcript::new(expected);
    let mut tally = Tally::default();
    for statement in statements(script) {
        let shown = transcript.shown(&statement);
        let sql = without_temporary(session, &statement);
        let answer = answer::run(session, &sql);
        let lower = statement.to_lowercase();
        let not_supported = answer.failure.as_ref().is_some_and(is_not_supported);
        if WITHOUT_DATA.iter().any(|table| lower.contains(table)) {
            tally.no_data += 1;
        } else if shown == Shown::Unknown {
            tally.unknown += 1;
        } else if shown.agrees(&answer, is_ordered(&statement)) {
            tally.agree += 1;
        } else if not_supported {
            tally.not_supported += 1;
        } else {
            tally.differ += 1;
            if verbose {
                println!("{statement}\n  SPG: {:?}\n  PostgreSQL: {shown:?}\n", answer.lines());
            }
        }
    }
    tally
}

/// Temporary tables are not built yet: a table of its own takes the place of one, and of the one that it hides.
fn without_temporary(session: &mut Session, statement: &str) -> String {
    for words in [
        "CREATE TEMP TABLE ",
        "create temp table ",
        "CREATE TEMPORARY TABLE ",
        "CREATE UNLOGGED TABLE ",
    ] {
        if let Some(rest) = statement.strip_prefix(words) {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            answer::run(session, &format!("DROP TABLE IF EXISTS {name}"));
            return format!(
                "CREATE TABLE {}",
                rest.replace("SERIAL", "INT").replace("serial", "int")
            );
        }
    }
    statement.to_owned()
}

/// What is not built: a clause, a function, a type, a setting, or a table that one of those would have made.
fn is_not_supported(failure: &Failure) -> bool {
    let message = &failure.message;
    match failure.sqlstate.as_str() {
        "0A000" | "42P01" | "25P02" => true,
        "42883" => message.starts_with("function"),
        "42704" => message.contains("type") || message.contains("parameter"),
        _ => false,
    }
}

fn is_ordered(statement: &str) -> bool {
    statement.to_lowercase().contains("order by")
}
