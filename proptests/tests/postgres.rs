//! The golden scripts and generated queries answer as PostgreSQL 15 does, the documented differences aside.
//!
//! A script with the line `# postgres: no` is not compared (vectors, plans, conflicts that PostgreSQL would wait for).
//! A step below `# differs: REASON` must differ, REASON being one of [`DIFFERENCES`]. A line `# PostgreSQL: LINE` below that
//! is one of PostgreSQL's answer; `# PostgreSQL: waits, then LINE` of a statement that ends when its session goes on.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use spg_proptests::answer::{Answer, Failure};
use spg_proptests::check::disagreement;
use spg_proptests::generator::{Schema, Statement, Step as ModelStep, schema, statement};
use spg_proptests::model::{Model, Outcome};
use spg_proptests::postgres::{Client, Server};
use spg_proptests::script::{self, Item, Step, Wait};
use spg_proptests::side_by_side::{Numbers, numbers};
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
    (
        "rerun",
        "at READ COMMITTED a statement that has waited runs again from its start: PostgreSQL looks at the changed row alone",
    ),
    (
        "foreign-key",
        "decided at COMMIT: 23503, or 40001 where an ON DELETE had to follow, and no statement waits",
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
    let mut faults = Vec::new();
    let mut compared = 0;
    for (path, items) in scripts("") {
        let excluded = Item::Text("# postgres: no".to_owned());
        if !path.starts_with(scripts_folder().join("anomaly")) && !items.contains(&excluded) {
            compared += compare_script(&server, &path, &items, &mut faults);
        }
    }
    println!("{compared} statements compared with PostgreSQL 15");
    assert!(compared > 500, "the scripts are missing");
    assert!(faults.is_empty(), "{} answers differ:\n{}", faults.len(), faults.join("\n"));
}

/// Each phenomenon at each level: the same in PostgreSQL, but for what the scripts and README's tables say.
#[test]
fn anomalies_are_those_of_postgresql() {
    let scripts = scripts("anomaly");
    assert!(scripts.len() > 15, "the scripts are missing");
    let mut faults = faults_of_readme(&scripts);
    for (path, items) in &scripts {
        faults.extend(faults_of_form(items).map(|fault| format!("{}: {fault}", path.display())));
    }
    if let Some(server) = Server::start() {
        for (path, items) in &scripts {
            compare_script(&server, path, items, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// README has a row for each script of an anomaly, whose last cell has the script's marks, and one for each mark.
fn faults_of_readme(scripts: &[(PathBuf, Vec<Item>)]) -> Vec<String> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for (path, items) in scripts {
        let marks = marks(items);
        used.extend(marks.keys().copied());
        let name = format!("(`{}`) |", path.file_stem().unwrap().to_string_lossy());
        let levels =
            |(reason, levels): (&&str, &Vec<&str>)| format!("`{reason}` ({})", levels.join(", "));
        let told: Vec<String> = marks.iter().map(levels).collect();
        let cell = if told.is_empty() { "no".to_owned() } else { told.join(", ") };
        let is_row = |line: &str| line.contains(&name) && line.ends_with(&format!("| {cell} |"));
        if !readme.lines().any(is_row) {
            faults.push(format!("README lacks: | ... {name} ... | {cell} |"));
        }
    }
    for (reason, _) in DIFFERENCES {
        let start = format!("| `{reason}` |");
        if readme.lines().any(|line| line.starts_with(&start)) != used.contains(reason) {
            faults.push(format!("README tells of a mark that is not used, or does not: {reason}"));
        }
    }
    faults
}

/// What the comment that begins a level's section is called in README.
fn level(line: &str) -> Option<&'static str> {
    const LEVELS: [(&str, &str); 3] =
        [("# READ COMMITTED", "RC"), ("# REPEATABLE READ", "RR"), ("# SERIALIZABLE", "S")];
    LEVELS.iter().find(|(start, _)| line.starts_with(start)).map(|(_, level)| *level)
}

/// The reasons of a script's differences, each with the levels where it occurs.
fn marks(items: &[Item]) -> BTreeMap<&str, Vec<&'static str>> {
    let mut marks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "";
    for item in items {
        let Item::Text(line) = item else { continue };
        current = level(line).unwrap_or(current);
        if let Some(reason) = line.strip_prefix(DIFFERS) {
            let levels = marks.entry(reason).or_default();
            if levels.last() != Some(&current) {
                levels.push(current);
            }
        }
    }
    marks
}

/// A script of an anomaly has a section for each level, and says what PostgreSQL answers where it differs.
fn faults_of_form(items: &[Item]) -> impl Iterator<Item = String> {
    let lines = items.iter().map(|item| match item {
        Item::Text(line) => line.as_str(),
        Item::Step(_) => "",
    });
    let levels: Vec<&str> = lines.clone().filter_map(level).collect();
    let sections =
        (levels != ["RC", "RR", "S"]).then(|| format!("not each level once: {levels:?}"));
    let untold = lines
        .clone()
        .zip(lines.skip(1))
        .filter(|(line, next)| line.starts_with(DIFFERS) && !next.starts_with(THEIRS));
    let untold =
        untold.map(|(line, _)| format!("what does PostgreSQL answer? {line}")).collect::<Vec<_>>();
    sections.into_iter().chain(untold)
}

fn scripts_folder() -> PathBuf {
    workspace().join("engine/tests/scripts")
}

/// The scripts of a folder and those below it.
fn scripts(folder: &str) -> Vec<(PathBuf, Vec<Item>)> {
    let mut paths = Vec::new();
    find_scripts(&scripts_folder().join(folder), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let items = script::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path, items)
    };
    paths.into_iter().map(read).collect()
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

/// Begins the reason why a step's answer differs.
const DIFFERS: &str = "# differs: ";

/// Begins a line of PostgreSQL's own answer to it.
const THEIRS: &str = "# PostgreSQL: ";

/// What the lines above a step say of it.
#[derive(Default)]
struct Mark<'s> {
    reason: Option<&'s str>,
    theirs: Vec<&'s str>,
}

impl<'s> Mark<'s> {
    fn read(&mut self, line: &'s str) {
        self.reason = line.strip_prefix(DIFFERS).or(self.reason);
        self.theirs.extend(line.strip_prefix(THEIRS));
    }

    /// What is wrong with both answers to the step.
    fn fault(&self, step: &Step, theirs: &[String]) -> Option<String> {
        let ours: Vec<&String> =
            step.answer.iter().filter(|line| !line.starts_with("plan: ")).collect();
        let same = same_lines(&ours, theirs);
        let known = self.reason.map(|reason| DIFFERENCES.iter().any(|(name, _)| *name == reason));
        let untrue = self.theirs.iter().find(|line| {
            let line = if line.starts_with(WAITS) { "waits" } else { line };
            !theirs.iter().any(|theirs| theirs == line)
        });
        match (same, known) {
            (true, Some(_)) => Some(format!("no longer differs: {}", step.sql)),
            (false, Some(false)) => Some(format!("unknown reason: {}", step.sql)),
            (true, None) => None,
            (false, Some(true)) if untrue.is_none() => None,
            (false, _) => Some(format!(
                "{}\n  SPG:\n    {}\n  PostgreSQL{}:\n    {}\n",
                step.sql,
                step.answer.join("\n    "),
                untrue.map_or_else(String::new, |line| format!(" (expected: {line})")),
                theirs.join("\n    "),
            )),
        }
    }

    /// The line that ends the wait.
    fn end(&self) -> Option<&'s str> {
        self.theirs.iter().find_map(|line| line.strip_prefix(WAITS))
    }
}

/// Begins what PostgreSQL answers to a statement that waits there and not here.
const WAITS: &str = "waits, then ";

fn compare_script(server: &Server, path: &Path, items: &[Item], faults: &mut Vec<String>) -> usize {
    let mut sessions: BTreeMap<&str, Slot> = BTreeMap::new();
    let mut ends: BTreeMap<&str, &str> = BTreeMap::new();
    let mut mark = Mark::default();
    let mut compared = 0;
    let mut observer = server.connect();
    let mut report = |fault: String| faults.push(format!("{}: {fault}", path.display()));
    for item in items {
        let step = match item {
            Item::Text(line) => {
                mark.read(line);
                continue;
            }
            Item::Step(step) => step,
        };
        let session = &*step.session;
        let slot = match sessions.remove(session).unwrap_or_else(|| Slot::begin(server)) {
            Slot::Waits(thread) if step.wait == Wait::None => {
                let (lines, idle) = end_wait(thread, &[]);
                let expected = ends.remove(session).unwrap_or_default();
                if !expected.is_empty() && !lines.iter().any(|line| line == expected) {
                    report(format!("its wait ends with {}, not {expected}", lines.join("; ")));
                }
                idle
            }
            slot => slot,
        };
        let may_wait = mark.reason == Some("waiting") || mark.end().is_some();
        let (theirs, slot) = answer_step(slot, step, may_wait, &mut observer);
        sessions.insert(session, slot);
        compared += 1;
        if let Some(fault) = mark.fault(step, &theirs) {
            report(fault);
        }
        ends.extend(mark.end().map(|end| (session, end)));
        mark = Mark::default();
    }
    for (session, end) in ends {
        report(format!("{session} never came to: {end}"));
    }
    compared
}

/// A client, or the thread that it waits in.
enum Slot {
    Idle(Box<Client>),
    Waits(JoinHandle<(Box<Client>, Answer)>),
}

impl Slot {
    /// A new session. Where a script is wrong, it ends a wait that nobody else does.
    fn begin(server: &Server) -> Self {
        let mut client = server.join();
        client.run("SET lock_timeout = '30s'");
        Self::Idle(Box::new(client))
    }
}

/// With `may_wait` a statement that does not wait in SPG may do so here, until the next one of its session.
fn answer_step(
    slot: Slot,
    step: &Step,
    may_wait: bool,
    observer: &mut Client,
) -> (Vec<String>, Slot) {
    let wait = if may_wait && step.wait == Wait::None { Wait::Begins } else { step.wait };
    match (slot, wait) {
        (Slot::Idle(mut client), Wait::None) => {
            let step = Step { plan: false, ..step.clone() };
            let lines = script::answer_lines(&step, &mut |sql| comparable(client.run(sql)));
            (lines, Slot::Idle(client))
        }
        (Slot::Idle(mut client), Wait::Begins) => {
            let process = client.process();
            let sql = step.sql.clone();
            let thread = std::thread::spawn(move || {
                let answer = client.run(&sql);
                (client, answer)
            });
            while !is_blocked(observer, process) && !thread.is_finished() {
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

/// Whether a session waits for a lock that another holds.
fn is_blocked(observer: &mut Client, process: u32) -> bool {
    let answer = observer.run(&format!("SELECT pg_blocking_pids({process}) <> '{{}}'"));
    answer.rows == [[Some("t".to_owned())]]
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
    let outcome = TestRunner::new(config).run(&numbers(), |numbers| {
        compare_model(&mut server.connect(), &numbers).map_err(TestCaseError::fail)
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
        Outcome::Failure(_) | Outcome::Either(..) => false,
    };
    let of_data = |failure: &Failure| failure.sqlstate.starts_with("22");
    of_no_row && answered.failure.as_ref().is_some_and(of_data)
}

/// Whether PostgreSQL has refused a row that INSERT ... SELECT has stored before it came to the one that cannot be computed.
fn is_stored_first(statement: &Statement, expected: &Outcome, answered: &Answer) -> bool {
    let of_data = match expected {
        Outcome::Failure(codes) => codes.iter().any(|code| code.starts_with("22")),
        Outcome::Rows(..) | Outcome::Either(..) => false,
    };
    let of_constraint = |failure: &Failure| failure.sqlstate.starts_with("23");
    matches!(statement, Statement::InsertSelect(..))
        && of_data
        && answered.failure.as_ref().is_some_and(of_constraint)
}

fn compare_model(client: &mut Client, (constraints, steps): &Numbers) -> Result<(), String> {
    let schema = schema(constraints);
    let mut model = Model::new(2, 1, &schema);
    let mut history = schema.definitions();
    for definition in &history {
        client.run(definition);
    }
    let first = schema.first_rows().into_iter().map(|statement| script_step(&statement));
    let steps = steps.iter().map(|numbers| statement(numbers, 1, &schema));
    for step in first.chain(steps) {
        let step = model.sensible(&step);
        if !model.knows(&step) || is_told_by_order(&schema, &model, &step) {
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
        if is_stored_first(&step.statement, &expected, &answered) {
            continue;
        }
        if let Some(report) = disagreement(&step.statement, &expected, &answered) {
            return Err(format!("{}\n  {report}", history.join(";\n")));
        }
    }
    Ok(())
}

/// Whether PostgreSQL's answer follows from the order in which it comes to the rows: it checks a key while an UPDATE moves others
/// away, and follows foreign keys row by row. SPG and the model look when all rows are changed, and follow key by key.
fn is_told_by_order(schema: &Schema, model: &Model, step: &ModelStep) -> bool {
    let may_be = match &step.statement {
        Statement::Update(table, assignments, ..) => {
            assignments.iter().any(|(column, _)| schema.primary(*table).contains(column))
                || model.has_unique_indexes()
                || schema.depends_on_order(|key| key.on_update)
        }
        Statement::Upsert(_) => true,
        Statement::Delete(..) => schema.depends_on_order(|key| key.on_delete),
        _ => false,
    };
    may_be && model.rows_changed(step) > 1
}

/// A statement of the one session.
fn script_step(statement: &Statement) -> ModelStep {
    ModelStep { session: 0, statement: statement.clone(), instead: None }
}
