//! Transactions side by side, and the same again one after the other: what SERIALIZABLE promises, without an expectation of ours.
//!
//! A transaction that committed must answer, run alone in the order of the commits, what it answered beside the others, and the
//! tables must end the same.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use proptest::prelude::*;
use spg_engine::Value;
use spg_engine::database::{Database, Options};
use spg_engine::session::{Rows, Session};
use spg_engine::types::format_value;

/// Sessions that take turns.
pub const SESSIONS: usize = 4;

/// Keys and groups are few, so that transactions meet; some keys are not there.
const SETUP: [&str; 9] = [
    "CREATE TABLE t (id INT PRIMARY KEY, g INT, n INT)",
    "CREATE INDEX t_g ON t (g, n DESC)",
    "CREATE TABLE u (k TEXT UNIQUE, n INT)",
    "INSERT INTO t VALUES (0, 0, 1), (1, 0, 2), (2, 1, 3), (3, 1, 4), (4, NULL, 5)",
    "INSERT INTO u VALUES ('a', 1), ('b', 2), (NULL, 3)",
    "CREATE TABLE c (t INT REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, n INT)",
    "CREATE TABLE r (t INT REFERENCES t, n INT UNIQUE)",
    "CREATE INDEX r_t ON r (t)",
    "INSERT INTO c VALUES (0, 0), (2, 0)",
];

/// What a session does.
#[derive(Clone, Debug)]
pub enum Step {
    /// A statement; the first opens a transaction, and an error rolls it back.
    Statement(String),
    /// The statement between SAVEPOINT and ROLLBACK TO.
    TakenBack(String),
    /// COMMIT.
    Commit,
    /// ROLLBACK.
    Rollback,
}

/// A step over the tables of the setup.
pub fn step() -> impl Strategy<Value = Step> {
    let query = statement().prop_map(Step::Statement).boxed();
    let back = statement().prop_map(Step::TakenBack).boxed();
    prop_oneof![12 => query, 2 => back, 5 => Just(Step::Commit), 1 => Just(Step::Rollback)]
}

fn statement() -> impl Strategy<Value = String> {
    (0..30_u8, 0..7_i32, 0..7_i32, prop::sample::select(vec!["a", "b", "c"])).prop_map(
        |(kind, x, y, k)| match kind {
            0 => format!("SELECT * FROM t WHERE id = {x}"),
            1 => format!("SELECT * FROM t WHERE id BETWEEN {} AND {}", x.min(y), x.max(y)),
            2 => format!("SELECT count(*), sum(n) FROM t WHERE g = {}", x % 3),
            3 => "SELECT count(*), sum(n) FROM t".to_owned(),
            4 => format!("SELECT id FROM t WHERE g = {} ORDER BY n DESC LIMIT 1", x % 3),
            5 => format!("SELECT n FROM u WHERE k = '{k}'"),
            6 => format!("SELECT u.n, t.id FROM u JOIN t ON t.id = u.n WHERE u.k = '{k}'"),
            7 => format!("SELECT n FROM t WHERE id IN (SELECT n FROM u WHERE k = '{k}')"),
            8 => format!("SELECT count(*) FROM t WHERE g IS NULL AND n > {x}"),
            9 => format!("UPDATE t SET n = n + 10 WHERE id = {x}"),
            10 => format!("UPDATE t SET g = {} WHERE id = {x}", y % 3),
            11 => {
                format!("UPDATE t SET n = (SELECT coalesce(sum(n), 0) FROM u) WHERE g = {}", x % 3)
            }
            12 => format!("INSERT INTO t VALUES ({x}, {}, {y})", y % 3),
            13 => format!("INSERT INTO t VALUES ({x}, 0, {y}) ON CONFLICT DO NOTHING"),
            14 => format!(
                "INSERT INTO u VALUES ('{k}', {y}) ON CONFLICT (k) DO UPDATE SET n = u.n + 1"
            ),
            15 => format!("DELETE FROM t WHERE id = {x}"),
            16 => format!("DELETE FROM u WHERE k = '{k}'"),
            17 => format!("INSERT INTO u SELECT NULL, count(*) FROM t WHERE g = {}", x % 3),
            18 => format!("UPDATE u SET n = n + 1 WHERE k = '{k}' RETURNING n"),
            19 => format!("UPDATE t SET id = {y} WHERE id = {x}"),
            20 => format!("INSERT INTO c VALUES ({x}, {y})"),
            21 => format!("INSERT INTO r VALUES ({x}, {y})"),
            22 => format!("UPDATE c SET t = {y} WHERE t = {x}"),
            23 => format!("UPDATE r SET t = {y} WHERE n = {x}"),
            24 => format!("DELETE FROM c WHERE t = {x}"),
            25 => format!("DELETE FROM r WHERE n = {x}"),
            26 => format!("DELETE FROM r WHERE t = {x}"),
            27 => format!("INSERT INTO r VALUES ({x}, {y}) ON CONFLICT DO NOTHING"),
            28 => format!("SELECT count(*) FROM c JOIN t ON c.t = t.id WHERE t.g = {}", x % 3),
            _ => format!("UPDATE t SET g = {} WHERE id > {y}", x % 3),
        },
    )
}

/// The answer, in an order of its own where the statement names none.
fn answer(session: &mut Session, text: &str) -> String {
    let mut rows = Rows::default();
    match session.execute(text, &[], &mut rows) {
        Ok(tag) => {
            let line = |row: &Vec<Value>| {
                let mut line = String::new();
                for value in row {
                    line.push('|');
                    match value {
                        Value::Null => line.push_str("NULL"),
                        value => format_value(value.as_ref(), &mut line),
                    }
                }
                line
            };
            let mut lines: Vec<String> = rows.rows.iter().map(line).collect();
            lines.sort();
            format!("{} {tag}", lines.join(" "))
        }
        Err(error) => error.to_string(),
    }
}

/// A transaction that committed: its steps with their answers.
#[derive(Debug)]
pub struct Committed {
    steps: Vec<(Step, String)>,
    /// Commits that it may follow at the earliest: those before its first statement.
    after: usize,
    has_written: bool,
}

#[derive(Default)]
struct Open {
    steps: Vec<(Step, String)>,
    after: usize,
}

fn run_step(session: &mut Session, step: &Step) -> String {
    match step {
        Step::Statement(text) => answer(session, text),
        Step::TakenBack(text) => {
            answer(session, "SAVEPOINT s");
            let answered = answer(session, text);
            answer(session, "ROLLBACK TO s");
            answered
        }
        Step::Commit => answer(session, "COMMIT"),
        Step::Rollback => answer(session, "ROLLBACK"),
    }
}

fn database() -> Arc<Database> {
    let database = Database::open(Options::default()).unwrap();
    let mut session = database.session();
    for text in SETUP {
        session.execute(text, &[], &mut Rows::default()).unwrap();
    }
    database
}

/// Runs the steps side by side at an isolation level, and answers what committed in its order, and the tables at the end.
pub fn side_by_side(level: &str, steps: &[(usize, Step)]) -> (Vec<Committed>, String) {
    let database = database();
    let mut sessions: Vec<Session> = (0..SESSIONS).map(|_| database.session()).collect();
    let mut open: Vec<Option<Open>> = (0..SESSIONS).map(|_| None).collect();
    let mut committed: Vec<Committed> = Vec::new();
    let end = (0..SESSIONS).map(|place| (place, Step::Commit));
    for (place, step) in steps.iter().cloned().chain(end) {
        let session = &mut sessions[place];
        if open[place].is_none() {
            if matches!(step, Step::Commit | Step::Rollback) {
                continue;
            }
            answer(session, &format!("BEGIN ISOLATION LEVEL {level}"));
            open[place] = Some(Open { steps: Vec::new(), after: committed.len() });
        }
        let before = database.published_commit();
        let answered = run_step(session, &step);
        let transaction = open[place].as_mut().unwrap();
        match step {
            Step::Commit if answered == " COMMIT" => {
                let Open { steps, after } = open[place].take().unwrap();
                let has_written = database.published_commit() != before;
                committed.push(Committed { steps, after, has_written });
            }
            Step::Commit | Step::Rollback => open[place] = None,
            Step::Statement(_) if answered.get(5..7) == Some(": ") => {
                answer(session, "ROLLBACK");
                open[place] = None;
            }
            // Lost to somebody else and taken back: alone there is nobody else.
            Step::TakenBack(_) if answered.starts_with("40001") => {}
            Step::Statement(_) | Step::TakenBack(_) => transaction.steps.push((step, answered)),
        }
    }
    (committed, tables(&mut sessions[0]))
}

fn tables(session: &mut Session) -> String {
    let tables = ["t", "u", "c", "r"].map(|table| format!("SELECT * FROM {table}"));
    tables.map(|text| answer(session, &text)).join("; ")
}

/// What differs when the transactions run alone. One that wrote nothing stands where its snapshot was taken; the others
/// in the order of their commits.
pub fn serial_difference(committed: &[Committed], end: &str) -> Option<String> {
    let database = database();
    let mut session = database.session();
    let mut order: Vec<usize> =
        (0..committed.len()).filter(|c| committed[*c].has_written).collect();
    for (number, transaction) in committed.iter().enumerate().filter(|(_, one)| !one.has_written) {
        let place = order
            .iter()
            .position(|other| committed[*other].has_written && *other >= transaction.after);
        order.insert(place.unwrap_or(order.len()), number);
    }
    for number in order {
        answer(&mut session, "BEGIN");
        for (step, expected) in &committed[number].steps {
            let answered = run_step(&mut session, step);
            if answered != *expected {
                return Some(format!("transaction {number}, {step:?}: {expected} / {answered}"));
            }
        }
        answer(&mut session, "COMMIT");
    }
    let alone = tables(&mut session);
    (alone != end).then(|| format!("at the end: {end} / {alone}"))
}

fn statement_of(place: usize, text: &str) -> (usize, Step) {
    (place, Step::Statement(text.to_owned()))
}

/// Two transactions that each read what the other writes.
pub fn write_skew() -> Vec<(usize, Step)> {
    vec![
        statement_of(0, "SELECT count(*), sum(n) FROM t"),
        statement_of(1, "SELECT count(*), sum(n) FROM t"),
        statement_of(0, "UPDATE t SET n = n + 10 WHERE id = 0"),
        statement_of(1, "UPDATE t SET n = n + 10 WHERE id = 1"),
    ]
}

/// Two transactions that change one row from what they both read.
pub fn lost_update() -> Vec<(usize, Step)> {
    vec![
        statement_of(0, "UPDATE t SET n = n + 10 WHERE id = 0"),
        statement_of(1, "UPDATE t SET n = n + 10 WHERE id = 0"),
    ]
}
