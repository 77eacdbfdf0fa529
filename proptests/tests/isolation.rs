//! PostgreSQL 15's isolation specs, order by order: what it refuses is not committed as a whole here either, and what is committed
//! here answers as the same transactions do one after the other.
//!
//! `SPG_VERBOSE=1` prints every order that answers otherwise.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use spg_engine::database::{Database, Options};
use spg_engine::session::Session;
use spg_proptests::answer::{self, Answer};
use spg_proptests::isolation_spec::{Permutation, Spec};
use spg_proptests::skip;
use spg_proptests::transcript::Shown;

/// The specs, and in how many of their orders a transaction may fail here where PostgreSQL lets all commit, at most: SPG lets
/// nobody commit whose reads are not the newest, PostgreSQL looks for two such conflicts in a row.
const SPECS: &[(&str, usize)] = &[
    ("project-manager", 0),
    ("read-only-anomaly", 0),
    ("receipt-report", 64),
    ("simple-write-skew", 0),
    ("total-cash", 0),
    ("two-ids", 14),
];

/// Types that are not built, and what takes their place.
const TYPES: &[(&str, &str)] = &[
    ("numeric(13,2)", "double precision"),
    ("numeric", "double precision"),
    ("DECIMAL", "double precision"),
    ("deposit_date date", "deposit_date text"),
    ("DATE '2008-12-22'", "'12-22-2008'"),
    ("DATE '2008-12-23'", "'12-23-2008'"),
];

/// The steps of an order, each with its session and its answer, and what the tables hold in the end.
struct Outcome {
    answers: Vec<(usize, String, Answer)>,
    tables: Vec<Answer>,
}

#[test]
fn isolation_specs_hold() {
    let Some(folder) = skip::shared("corpora/pgisolation") else { return };
    let verbose = std::env::var_os("SPG_VERBOSE").is_some();
    for (name, needless_max) in SPECS {
        let read = |kind: &str| std::fs::read_to_string(folder.join(format!("{name}.{kind}")));
        let spec = Spec::parse(&read("spec").unwrap()).unwrap();
        let permutations = spec.permutations(&read("out").unwrap()).unwrap();
        let (mut refused, mut needless) = (0, 0);
        for permutation in &permutations {
            let outcome = run(&spec, permutation);
            let context = || format!("{name}: {}", describe(permutation, &outcome));
            check_failures(&spec, &outcome, &context);
            let is_refused =
                permutation.steps.iter().any(|(_, shown)| matches!(shown, Shown::Error(_)));
            let has_failed = outcome.has_failed();
            assert!(has_failed || !is_refused, "PostgreSQL refuses this order: {}", context());
            if !has_failed {
                let mut both = permutation.steps.iter().zip(&outcome.answers);
                let agree = both.all(|((_, shown), (.., answer))| shown.agrees(answer, false));
                assert!(agree, "PostgreSQL answers otherwise: {}", context());
            }
            if spec.is_serializable() {
                assert!(outcome.is_serial(&spec), "as in no order of its own: {}", context());
            }
            refused += usize::from(is_refused);
            needless += usize::from(has_failed && !is_refused);
            if verbose && has_failed != is_refused {
                println!("{}", context());
            }
        }
        println!(
            "{name}: {} orders, PostgreSQL refuses {refused}, SPG {needless} more",
            permutations.len()
        );
        assert!(needless <= *needless_max, "{name}: {needless} orders fail without need");
    }
}

/// Who fails is told so (40001), and again until its end (25P02); who only reads never does.
fn check_failures(spec: &Spec, outcome: &Outcome, context: &dyn Fn() -> String) {
    for (session, _, answer) in &outcome.answers {
        let Some(failure) = &answer.failure else { continue };
        let is_expected = ["40001", "25P02"].contains(&failure.sqlstate.as_str());
        assert!(is_expected, "{failure:?}: {}", context());
        assert!(
            !spec.sessions[*session].setup.contains("READ ONLY"),
            "it only reads: {}",
            context()
        );
    }
}

fn open(spec: &Spec) -> Arc<Database> {
    let database = Database::open(Options::default()).unwrap();
    let mut session = Arc::clone(&database).session();
    for script in &spec.setup {
        for statement in script.split_inclusive(';').filter(|part| !part.trim().is_empty()) {
            let answer = answer::run(&mut session, &with_types(statement));
            assert_eq!(answer.failure, None, "{statement}");
        }
    }
    database
}

fn with_types(sql: &str) -> String {
    TYPES.iter().fold(sql.to_owned(), |sql, (theirs, ours)| sql.replace(theirs, ours))
}

/// Runs the steps in one order.
fn run(spec: &Spec, permutation: &Permutation) -> Outcome {
    let database = open(spec);
    let mut sessions: Vec<Session> =
        (0..spec.sessions.len()).map(|place| begin(spec, place, &database)).collect();
    let mut answers = Vec::new();
    for (name, _) in &permutation.steps {
        let (place, sql) = spec.step(name).unwrap();
        let answer = answer::run(&mut sessions[place], &with_types(sql));
        answers.push((place, name.clone(), answer));
    }
    drop(sessions);
    Outcome { answers, tables: tables(&database) }
}

fn begin(spec: &Spec, place: usize, database: &Arc<Database>) -> Session {
    let mut session = Arc::clone(database).session();
    let begun = answer::run(&mut session, &spec.sessions[place].setup);
    assert_eq!(begun.failure, None);
    session
}

/// All rows of all tables.
fn tables(database: &Arc<Database>) -> Vec<Answer> {
    let mut session = Arc::clone(database).session();
    let names =
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
    let names = answer::run(&mut session, names);
    let mut rows_of = |row: &Vec<Option<String>>| {
        let name = row[0].as_deref().unwrap_or_default();
        let mut rows = answer::run(&mut session, &format!("SELECT * FROM {name}"));
        rows.rows.sort();
        rows
    };
    names.rows.iter().map(&mut rows_of).collect()
}

impl Outcome {
    fn has_failed(&self) -> bool {
        self.answers.iter().any(|(.., answer)| answer.failure.is_some())
    }

    /// Whether the sessions that committed answer the same one after the other, in some order.
    fn is_serial(&self, spec: &Spec) -> bool {
        let has_failed = |session: &usize| {
            self.answers.iter().any(|(of, _, answer)| of == session && answer.failure.is_some())
        };
        let committed: Vec<usize> =
            (0..spec.sessions.len()).filter(|session| !has_failed(session)).collect();
        orders(&committed).iter().any(|order| self.is_like(spec, order))
    }

    fn is_like(&self, spec: &Spec, order: &[usize]) -> bool {
        let database = open(spec);
        let answers_alike = order.iter().all(|place| {
            let mut session = begin(spec, *place, &database);
            let mut own = self.answers.iter().filter(|(of, ..)| of == place);
            own.all(|(_, name, before)| {
                let (_, sql) = spec.step(name).unwrap();
                let answer = answer::run(&mut session, &with_types(sql));
                answer.rows == before.rows && answer.failure.is_none()
            })
        });
        answers_alike && tables(&database) == self.tables
    }
}

/// All orders of some things.
fn orders(things: &[usize]) -> Vec<Vec<usize>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |place: usize| {
        let mut rest = things.to_vec();
        let first = rest.remove(place);
        orders(&rest).into_iter().map(move |order| [vec![first], order].concat())
    };
    (0..things.len()).flat_map(with_first).collect()
}

fn describe(permutation: &Permutation, outcome: &Outcome) -> String {
    let step = |((name, shown), (.., answer)): (&(String, Shown), &(usize, String, Answer))| {
        format!("  {name}: {:?}; PostgreSQL: {shown:?}", answer.lines())
    };
    let steps = permutation.steps.iter().zip(&outcome.answers).map(step);
    format!("\n{}", steps.collect::<Vec<_>>().join("\n"))
}
