//! No input panics or ends the process: random and mutated statements through the whole engine, deep nesting, on the
//! stacks that threads have.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use spg_engine::database::{Database, Options};
use spg_engine::session::Session;
use spg_proptests::answer::{self, Answer};
use spg_proptests::generator::{DEFINITION, Schema, statement};

/// What threads get when nobody asks for more.
const STACK_BYTES: usize = 2 << 20;

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "t0",
    "t1",
    "AS",
    "x",
    "x.a",
    "a",
    "b",
    "c",
    "d",
    "f",
    "id",
    "*",
    "(",
    ")",
    "((",
    "))",
    ",",
    ";",
    "1",
    "-1",
    "0",
    "2147483648",
    "9223372036854775808",
    "1e400",
    "1.5",
    "'a'",
    "''",
    "E'\\x'",
    "$$a$$",
    "$1",
    "NULL",
    "TRUE",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "||",
    "=",
    "<>",
    "<",
    "<->",
    "<=>",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "ESCAPE",
    "IS",
    "DISTINCT",
    "ALL",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "::",
    "INT",
    "TEXT",
    "VECTOR(3)",
    "VARCHAR(2)",
    "[1,2]",
    "[",
    "]",
    "count",
    "sum",
    "min",
    "coalesce",
    "greatest",
    "substr",
    "position",
    "trim",
    "power",
    "EXISTS",
    "VALUES",
    "INSERT INTO",
    "UPDATE",
    "SET",
    "DELETE FROM",
    "RETURNING",
    "DEFAULT",
    "CREATE TABLE",
    "CREATE INDEX",
    "ON",
    "DROP TABLE",
    "IF EXISTS",
    "PRIMARY KEY",
    "UNIQUE",
    "JOIN",
    "LEFT",
    "CROSS JOIN",
    "USING",
    "NATURAL",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "TO",
    "SAVEPOINT",
    "EXPLAIN",
    "SHOW",
    "TRUNCATE",
    "WITH",
    "--",
    "/*",
    "*/",
    "'",
    "\"",
    "é",
    "\u{0}",
    "\u{1f600}",
];

#[test]
fn words_in_any_order_answer() {
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..40);
    check("words", &words.prop_map(|words| words.join(" ")));
}

#[test]
fn statements_with_damage_answer() {
    let numbers = prop::collection::vec(any::<u16>(), 0..60);
    let damage = prop::collection::vec(
        (any::<prop::sample::Index>(), 0_usize..4, prop::sample::select(WORDS)),
        0..4,
    );
    let damaged = (numbers, damage).prop_map(|(numbers, damage)| {
        let mut text: Vec<char> =
            statement(&numbers, 1, &Schema::default()).statement.to_string().chars().collect();
        for (place, removed, word) in damage {
            let start = place.index(text.len());
            let end = (start + removed * 3).min(text.len());
            text.splice(start..end, word.chars());
        }
        text.into_iter().collect()
    });
    check("damage", &damaged);
}

#[test]
fn any_characters_answer() {
    check("characters", &prop::collection::vec(any::<char>(), 0..60).prop_map(String::from_iter));
}

/// Runs each text in the same session on a thread with a common stack; an error is as good an answer as rows.
fn check(name: &'static str, texts: &(impl Strategy<Value = String> + Clone + Send + 'static)) {
    let texts = texts.clone();
    on_small_stack(move || {
        let mut session = session_with_tables();
        let config = ProptestConfig {
            cases: 4 * ProptestConfig::default().cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let session = std::cell::RefCell::new(&mut session);
        TestRunner::new(config)
            .run(&texts, |text| {
                let mut session = session.borrow_mut();
                let answer = answer::run(&mut session, &text);
                let internal =
                    answer.failure.iter().find(|failure| failure.sqlstate.starts_with("XX"));
                prop_assert!(internal.is_none(), "{}: {:?}", text, internal);
                // Whatever the text did, the session goes on.
                answer::run(&mut session, "ROLLBACK");
                let alive = answer::run(&mut session, "SELECT 1");
                prop_assert_eq!(
                    alive.tag.as_deref(),
                    Some("SELECT 1"),
                    "after {}: {:?}",
                    text,
                    alive.failure
                );
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    });
}

fn session_with_tables() -> Session {
    let database = Database::open(Options::default()).unwrap();
    let mut session = Arc::clone(&database).session();
    for table in 0..2 {
        answer::run(&mut session, &format!("CREATE TABLE t{table} {DEFINITION}"));
        answer::run(
            &mut session,
            &format!(
                "INSERT INTO t{table} VALUES (1, 2, 3, 'x', TRUE, 1.5), (2, NULL, NULL, NULL, NULL, NULL)"
            ),
        );
    }
    session
}

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A name, what opens and closes one level, and what stands in the middle.
const NESTINGS: &[(&str, &str, &str, &str, &str)] = &[
    ("parentheses", "SELECT ", "(", "1", ")"),
    ("minus", "SELECT ", "- ", "1", ""),
    ("not", "SELECT ", "NOT ", "TRUE", ""),
    ("functions", "SELECT ", "abs(", "1", ")"),
    ("coalesce", "SELECT ", "coalesce(NULL, ", "1", ")"),
    ("case", "SELECT ", "CASE WHEN TRUE THEN ", "1", " END"),
    ("casts inside", "SELECT ", "CAST(", "1", " AS INT)"),
    ("right operands", "SELECT ", "1 + (", "1", ")"),
    ("in lists", "SELECT ", "1 IN (1, (", "1", ")::INT)::INT"),
    ("scalar subqueries", "SELECT ", "(SELECT ", "1", ")"),
    ("in subqueries", "SELECT ", "1 IN (SELECT 1 WHERE ", "TRUE", ")"),
    ("exists", "SELECT ", "EXISTS (SELECT 1 WHERE ", "TRUE", ")"),
    ("derived tables", "", "SELECT * FROM (", "SELECT 1 AS a", ") AS x"),
    ("nested queries", "", "(", "SELECT 1", ")"),
    ("unions to the right", "", "SELECT 1 UNION (", "SELECT 1", ")"),
    ("joins to the right", "SELECT count(*) FROM ", "t0 AS a CROSS JOIN (", "t0 AS a", ")"),
    ("between", "SELECT ", "1 BETWEEN 0 AND (", "1", ")::INT"),
    ("like", "SELECT ", "'a' LIKE (", "'a'", ")::TEXT"),
    ("explain", "EXPLAIN ", "EXPLAIN ", "SELECT 1", ""),
    ("comments", "SELECT 1 ", "/*", "", "*/"),
    ("vectors", "SELECT ", "[", "1", "]"),
    ("defaults", "CREATE TABLE deep (a INT DEFAULT ", "(", "1", "))"),
    ("values", "INSERT INTO t0 (id) VALUES (", "(", "7", "))"),
];

/// Chains without nesting in the text that grow a tree to the left or a long list.
const CHAINS: &[(&str, &str, &str, &str)] = &[
    ("plus", "SELECT 1", " + 1", ""),
    ("concatenation", "SELECT 'a'", " || 'a'", ""),
    ("and", "SELECT TRUE", " AND TRUE", ""),
    ("or", "SELECT id FROM t0 WHERE id = 1", " OR id = 1", ""),
    ("casts", "SELECT 1", "::INT", ""),
    ("is null", "SELECT 1", " IS NULL", ""),
    ("unions", "SELECT 1", " UNION ALL SELECT 1", ""),
    ("cross joins", "SELECT 1 FROM t0 AS a", " CROSS JOIN t0", ""),
    ("in list", "SELECT 1 IN (1", ", 1", ")"),
    ("order by", "SELECT 1 ORDER BY 1", ", 1", ""),
    ("select list", "SELECT 1", ", 1", ""),
    ("rows of values", "VALUES (1)", ", (1)", ""),
    ("case branches", "SELECT CASE", " WHEN FALSE THEN 1", " END"),
    ("arguments", "SELECT greatest(1", ", 1", ")"),
];

#[test]
fn nesting_ends_in_an_error_and_not_in_the_stack() {
    on_small_stack(|| {
        let mut session = session_with_tables();
        for (name, start, open, middle, close) in NESTINGS {
            for depth in [1, 50, 190, 200, 201, 400, 5_000, 100_000] {
                let sql = format!("{start}{}{middle}{}", open.repeat(depth), close.repeat(depth));
                let answer = answer::run(&mut session, &sql);
                let sqlstate = code(&answer);
                if depth == 1 {
                    assert!(
                        sqlstate.is_none_or(|code| code.starts_with("42") || code == "0A000"),
                        "{name}: {sqlstate:?}"
                    );
                }
                // A comment nests without a tree; what is refused for another reason may be refused earlier.
                let shallow = ["comments", "vectors", "explain", "exists"].contains(name);
                if depth >= 5_000 && !shallow {
                    assert_eq!(sqlstate, Some("54001"), "{name} at {depth}: {:?}", answer.lines());
                }
            }
        }
    });
}

#[test]
fn chains_end_in_an_answer_or_a_limit() {
    on_small_stack(|| {
        let mut session = session_with_tables();
        for (name, start, link, end) in CHAINS {
            for length in [1, 150, 250, 2_000, 60_000, 70_000] {
                let sql = format!("{start}{}{end}", link.repeat(length));
                let answer = answer::run(&mut session, &sql);
                let fine = ["54001", "54000", "54011", "42712", "42883", "22003", "53200", "54023"];
                if let Some(code) = code(&answer) {
                    assert!(fine.contains(&code), "{name} at {length}: {:?}", answer.lines());
                }
            }
        }
    });
}

fn code(answer: &Answer) -> Option<&str> {
    answer.failure.as_ref().map(|failure| failure.sqlstate.as_str())
}
