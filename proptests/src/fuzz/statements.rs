//! Bytes as SQL text: parsing and writing are inverse, a statement answers the same however it is written and whether its plan
//! was kept, and nothing ends in an internal error.

use std::sync::Arc;

use spg_engine::database::{Database, Options};
use spg_engine::parser::ast::{SetVariable, Statement};
use spg_engine::parser::{self, statements};
use spg_engine::session::Session;

use crate::answer::{self, Answer};
use crate::generator::DEFINITION;

/// Settings that keep one input from taking all time and memory; an input may not change them.
const LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "200"), ("lock_timeout", "200"), ("spg.statement_memory", "16MB")];

const DATABASE_BYTES_MAX: usize = 32 << 20;

/// Statements that are run of one input.
const STATEMENTS_MAX: usize = 16;

/// Answers that are not compared: where time or memory ends is not the statement's meaning.
const LIMIT_REACHED: [&str; 3] = ["57014", "55P03", "53200"];

/// Parses the text whole, as an expression, and cut into statements.
pub fn parse(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(expression) = parser::parse_expression(text) {
        let written = expression.to_string();
        assert_eq!(parser::parse_expression(&written), Ok(expression), "{written}");
    }
    let mut rest = text;
    for statement in statements(text) {
        assert!(!statement.is_empty(), "an empty piece");
        let Some((_, after)) = rest.split_once(statement) else {
            unreachable!("the pieces stand in the text, in their order: {statement}");
        };
        rest = after;
        if let Ok(tree) = parser::parse(statement) {
            let written = tree.to_string();
            assert_eq!(parser::parse(&written).as_ref(), Ok(&tree), "{written}");
        }
    }
}

/// Runs the text's statements on one database as they are and on another as they are written.
pub fn execute(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (mut given, mut rewritten) = (session(), session());
    for statement in statements(text).take(STATEMENTS_MAX) {
        let tree = parser::parse(statement).ok();
        if tree.as_ref().is_some_and(changes_limits) {
            continue;
        }
        let is_query = matches!(tree, Some(Statement::Query(_)));
        // The tag of START TRANSACTION is read off its text.
        let written = match tree {
            Some(tree) if !matches!(tree, Statement::Begin(_)) => tree.to_string(),
            _ => statement.to_owned(),
        };
        let answer = answer::run(&mut given, statement);
        let other = answer::run(&mut rewritten, &written);
        if !agree(&answer, &other, statement) {
            break;
        }
        // Inside a block an error has changed what follows.
        if is_query && answer.failure.is_none() {
            let kept = answer::run(&mut given, statement);
            if !agree(&answer, &kept, statement) {
                break;
            }
        }
    }
    answer::run(&mut given, "ROLLBACK");
    let alive = answer::run(&mut given, "SELECT 1");
    assert_eq!(alive.tag.as_deref(), Some("SELECT 1"), "{:?}", alive.failure);
}

/// Asserts that both answered the same; false if one ended at a limit, so that the databases differ from here on.
fn agree(answer: &Answer, other: &Answer, statement: &str) -> bool {
    let (code, other_code) = (code(answer), code(other));
    for code in [code, other_code].into_iter().flatten() {
        assert!(!code.starts_with("XX"), "{statement}: {:?}", answer.lines());
    }
    if [code, other_code].into_iter().flatten().any(|code| LIMIT_REACHED.contains(&code)) {
        return false;
    }
    assert_eq!(code, other_code, "{statement}");
    assert_eq!(answer.rows, other.rows, "{statement}");
    assert_eq!(answer.tag, other.tag, "{statement}");
    true
}

fn code(answer: &Answer) -> Option<&str> {
    answer.failure.as_ref().map(|failure| failure.sqlstate.as_str())
}

fn changes_limits(statement: &Statement) -> bool {
    let is_limit = |name: &str| LIMITS.iter().any(|(limit, _)| name.eq_ignore_ascii_case(limit));
    match statement {
        Statement::Set(SetVariable { name, .. }) => is_limit(&name.name),
        Statement::Reset(name) => name.as_ref().is_none_or(|name| is_limit(&name.name)),
        Statement::Explain(explain) => changes_limits(&explain.statement),
        _ => false,
    }
}

fn session() -> Session {
    let options = Options { memory_limit_bytes: Some(DATABASE_BYTES_MAX), ..Options::default() };
    let database = Database::open(options).expect("an empty database opens");
    let mut session = Arc::clone(&database).session();
    let limits = LIMITS.map(|(name, value)| format!("SET {name} = '{value}'"));
    let tables = (0..2).flat_map(|table| {
        [
            format!("CREATE TABLE t{table} {DEFINITION}"),
            format!(
                "INSERT INTO t{table} VALUES (1, 2, 3, 'x', TRUE, 1.5), (2, NULL, NULL, NULL, NULL, NULL)"
            ),
        ]
    });
    let vectors = [
        "CREATE TABLE v (id INT PRIMARY KEY, e VECTOR(3), n VARCHAR(5))",
        "INSERT INTO v VALUES (1, '[1,2,3]', 'one'), (2, '[0,0,1]', NULL)",
        "CREATE INDEX v_n ON v (n, id)",
    ];
    for sql in limits.into_iter().chain(tables).chain(vectors.map(str::to_owned)) {
        let answer = answer::run(&mut session, &sql);
        assert_eq!(answer.failure, None, "{sql}");
    }
    session
}
