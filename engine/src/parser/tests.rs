//! Whole statements: what parses, and what is refused where and how.

use super::{parse, parse_expression};
use crate::error::SqlState;
use crate::limits::{IN_LIST_MAX, NESTING_DEPTH_MAX, STATEMENT_BYTES_MAX};

#[test]
fn parses() {
    for text in [
        "SELECT",
        "SELECT 1;",
        "select a, b as select, c d, t.*, s.t.* from s.t, u as x (a, b) where a = $1 and not b",
        "SELECT DISTINCT a FROM t GROUP BY a, b HAVING count(*) > 1 ORDER BY 1 DESC NULLS LAST, b",
        "SELECT * FROM t LIMIT ALL OFFSET 3 ROWS",
        "SELECT * FROM t OFFSET 3 LIMIT 2",
        "SELECT * FROM a JOIN b ON a.x = b.x LEFT OUTER JOIN c USING (x, y) CROSS JOIN d NATURAL JOIN e",
        "SELECT * FROM a JOIN b JOIN c ON true ON true",
        "SELECT * FROM (a CROSS JOIN b) JOIN c ON true, (SELECT 1) d (x)",
        "SELECT * FROM ((SELECT 1) UNION SELECT 2) x, ((SELECT 3) y CROSS JOIN t)",
        "((SELECT 1) UNION ALL (SELECT 2 ORDER BY 1) LIMIT 1) INTERSECT VALUES (1), (2)",
        "SELECT ((SELECT 1) + 1), ((SELECT 1) UNION SELECT 2), (((SELECT 1)))",
        "SELECT x IN ((SELECT 1)), x NOT IN ((SELECT 1), 2), x IN (SELECT 1)",
        "SELECT a BETWEEN 1 AND 2 AND b NOT BETWEEN SYMMETRIC 1 AND 2 OR c NOT ILIKE 'x' ESCAPE '!'",
        "SELECT -2147483648, - - 5, +x, -x::int, a ^ -b, 'a' || 'b'::text, x <-> [1, -2.5, 3e1]",
        "SELECT a IS NULL IS NOT TRUE, a ISNULL, a IS NOT DISTINCT FROM b, NOT a = b",
        "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CASE WHEN a THEN b END, CAST(a AS varchar(10))",
        "SELECT coalesce(a, 1), nullif(a, b), greatest(1, 2), left('a', 1), count(DISTINCT x), f()",
        "SELECT substring(a FROM 1 FOR 2), substring(a FOR 2), trim(BOTH 'x' FROM a), position(a IN b)",
        "SELECT int '5', double precision '1', vector(3) '[1,2,3]', pg_catalog.int4 '1', text 'x'",
        "SELECT int, values, between, double, name FROM user_table AS year",
        "INSERT INTO t VALUES (1, DEFAULT), (2, 'b')",
        "INSERT INTO t AS x (a, b) (SELECT 1, 2) RETURNING a, x.* ",
        "INSERT INTO t (values) VALUES (1)",
        "INSERT INTO t (VALUES (1))",
        "INSERT INTO t DEFAULT VALUES RETURNING *",
        "UPDATE t SET a = a + 1, b = DEFAULT WHERE c RETURNING a AS b",
        "UPDATE t AS u SET a = 1",
        "DELETE FROM t x WHERE x.a = 1 RETURNING *",
        "TRUNCATE TABLE a, s.b CONTINUE IDENTITY RESTRICT",
        "CREATE TABLE IF NOT EXISTS public.t (a int PRIMARY KEY, b varchar(3) NOT NULL DEFAULT 'x', \
         c float(3) CONSTRAINT u UNIQUE NULL, CONSTRAINT k UNIQUE (a, b), PRIMARY KEY (a))",
        "CREATE TABLE t ()",
        "CREATE UNIQUE INDEX IF NOT EXISTS i ON t USING btree (a DESC NULLS LAST, b)",
        "CREATE INDEX ON t (a)",
        "DROP TABLE IF EXISTS a, b CASCADE",
        "DROP INDEX i RESTRICT",
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY NOT DEFERRABLE",
        "START TRANSACTION",
        "END WORK AND NO CHAIN",
        "ROLLBACK WORK TO SAVEPOINT savepoint",
        "RELEASE savepoint",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET LOCAL a.b TO 'x', y, -1, on",
        "SET time zone 'UTC'",
        "SET NAMES 'utf8'",
        "SHOW ALL",
        "SHOW transaction isolation level",
        "RESET search_path",
        "EXPLAIN (SELECT 1)",
        "EXPLAIN DELETE FROM t",
    ] {
        if let Err(error) = parse(text) {
            panic!("{text}: {error} at {:?}", error.fields().position);
        }
    }
}

#[test]
fn parses_one_expression() {
    assert!(parse_expression("1 + 2").is_ok());
    assert_eq!(
        parse_expression("1 2").map_err(|error| error.to_string()).err().as_deref(),
        Some("42601: syntax error at or near \"2\"")
    );
}

/// Statements nested `depth` levels in every way that the grammar allows.
fn nested_statements(depth: usize) -> Vec<String> {
    let around = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    vec![
        format!("SELECT {}", around("(", "1", ")")),
        format!("SELECT {}", around("", "1", " + 1")),
        format!("SELECT {}", around("(", "1", " + a)")),
        format!("SELECT {}", around("- ", "a", "")),
        format!("SELECT {}", around("NOT ", "a", "")),
        format!("SELECT {}", around("a = NOT ", "a", "")),
        format!("SELECT {}", around("1 + (", "1", ")")),
        format!("SELECT {}", around("", "a", "::int")),
        format!("SELECT {}", around("", "a", " IS NULL")),
        format!("SELECT {}", around("", "a", " || b IS NULL")),
        format!("SELECT {}", around("", "a", " IN (1)")),
        format!("SELECT {}", around("a IN (", "1", ")")),
        format!("SELECT {}", around("a BETWEEN 1 AND (", "1", ")")),
        format!("SELECT {}", around("a LIKE (", "1", ")")),
        format!("SELECT {}", around("a AND (b OR ", "c", ")")),
        format!("SELECT {}", around("f(", "1", ")")),
        format!("SELECT {}", around("trim(", "1", ")")),
        format!("SELECT {}", around("coalesce(", "1", ")")),
        format!("SELECT {}", around("CAST(", "1", " AS int)")),
        format!("SELECT {}", around("CASE WHEN ", "a", " THEN 1 END")),
        format!("SELECT {}", around("CASE ", "a", " WHEN 1 THEN 1 END")),
        format!("SELECT {}", around("CASE WHEN a THEN 1 ELSE ", "a", " END")),
        around("SELECT (", "SELECT 1", ")"),
        around("SELECT EXISTS (", "SELECT 1", ")"),
        around("SELECT a IN (", "SELECT 1", ")"),
        around("SELECT 1 WHERE a = (", "SELECT 1", ")"),
        around("SELECT 1 ORDER BY (", "SELECT 1", ")"),
        around("VALUES ((", "SELECT 1", "))"),
        around("(", "SELECT 1", ")"),
        around("(", "SELECT 1", " LIMIT 1)"),
        around("", "SELECT 1", " UNION SELECT 1"),
        around("SELECT 1 UNION (", "SELECT 1", ")"),
        around("SELECT 1 EXCEPT SELECT 1 INTERSECT (", "SELECT 1", ")"),
        around("SELECT * FROM (", "SELECT 1", ") x"),
        around("SELECT * FROM (t CROSS JOIN (", "SELECT 1", ") x)"),
        format!("SELECT * FROM {}", around("", "t", " CROSS JOIN t")),
        format!("SELECT * FROM {}", around("t JOIN ", "t", " ON true")),
        format!("SELECT * FROM {}", around("(", "t CROSS JOIN t", ")")),
        format!("SELECT * FROM {}", around("(", "t", " CROSS JOIN t)")),
        format!("SELECT * FROM {}", around("(t CROSS JOIN ", "t", ")")),
        format!("CREATE TABLE t (a int DEFAULT {})", around("(", "1", " + 1)")),
        format!("EXPLAIN {}", around("SELECT (", "SELECT 1", ")")),
    ]
}

/// A quarter less than a thread's usual 2 MiB, so that something is left for who calls the parser.
const STACK_BYTES: usize = 3 << 19;

fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run);
    thread.expect("a thread starts").join().expect("the thread does not panic");
}

/// At every depth a statement is either refused with 54001 or survives all recursions over its tree.
#[test]
fn nesting_is_bounded() {
    on_small_stack(|| {
        let case_count = nested_statements(1).len();
        let depths: Vec<usize> = (1..=2 * NESTING_DEPTH_MAX + 2).collect();
        let by_depth: Vec<Vec<String>> =
            depths.iter().map(|&depth| nested_statements(depth)).collect();
        for index in 0..case_count {
            let accepted = by_depth.partition_point(|texts| parse(&texts[index]).is_ok());
            let deepest = &by_depth[accepted.saturating_sub(1)][index];
            assert!(accepted >= NESTING_DEPTH_MAX / 4, "{accepted}: {deepest}");
            let tree = parse(deepest).expect("the deepest that is accepted");
            let copy = tree.clone();
            assert_eq!(parse(&copy.to_string()).as_ref(), Ok(&tree));
            let refused = parse(&nested_statements(10 * NESTING_DEPTH_MAX)[index]);
            assert_eq!(
                refused.map_err(|error| error.sqlstate()),
                Err(SqlState::StatementTooComplex)
            );
            if let Some(next) = by_depth.get(accepted) {
                let refused = parse(&next[index]).map_err(|error| error.sqlstate());
                assert_eq!(refused, Err(SqlState::StatementTooComplex));
            }
        }
    });
}

/// AND, OR and lists are flat: their length is bounded, not their depth.
#[test]
fn lists_are_not_deep() {
    let many = 10 * NESTING_DEPTH_MAX;
    for text in [
        format!("SELECT a{}", " AND b".repeat(many)),
        format!("SELECT a{} OR c", " OR b".repeat(many)),
        format!("SELECT a IN (1{})", ", 1".repeat(many)),
        format!("SELECT 1{}", ", 1".repeat(many)),
        format!("SELECT 1 FROM t{}", ", t".repeat(many)),
        format!("VALUES (1){}", ", (1)".repeat(many)),
        format!("SELECT CASE WHEN a THEN b{} END", " WHEN c THEN d".repeat(many)),
    ] {
        assert!(parse(&text).is_ok(), "{}", &text[..30]);
    }
    let many = IN_LIST_MAX + 1;
    for text in [
        format!("SELECT a IN (1{})", ", 1".repeat(many)),
        format!("VALUES (1){}", ", (1)".repeat(many)),
        " ".repeat(STATEMENT_BYTES_MAX + 1),
    ] {
        let refused = parse(&text).map_err(|error| error.sqlstate());
        assert_eq!(refused, Err(SqlState::ProgramLimitExceeded));
    }
}
