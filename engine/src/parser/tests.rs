//! Whole statements: what parses, and what is refused where and how.

use super::{parse, parse_expression};

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
