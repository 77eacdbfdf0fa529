//! What the planner chooses: each case is a statement and its EXPLAIN.

use std::fmt::Write;

use crate::executor::fixture::Fixture;
use crate::types::DataType;

fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    let int = DataType::Int4;
    fixture.table("t", &[("id", int), ("a", int), ("b", DataType::Text)], 1, &[&[1, 2]]);
    fixture.table("u", &[("id", int), ("a", int)], 0, &[]);
    fixture.table("w", &[("id", int), ("c", int)], 0, &[]);
    fixture
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(fixture().explain(text), expected.join("\n"), "{text}");
}

#[test]
fn access_paths() {
    check(
        "SELECT b FROM t WHERE id = 5",
        &["Unique Seek using t_pkey on t", "  Index Cond: (id = 5)"],
    );
    check(
        "SELECT b FROM t WHERE id = 5::bigint AND a > 1",
        &[
            "Project",
            "  Output: b",
            "  ->  Unique Seek using t_pkey on t",
            "        Index Cond: (id = 5)",
            "        Filter: (a > 1)",
        ],
    );
    check(
        "SELECT id FROM t WHERE id = 5000000000",
        &["Seq Scan on t", "  Filter: (id::bigint = 5000000000)"],
    );
    check(
        "SELECT a FROM t WHERE 3 = a AND b >= 'x'",
        &["Index Scan using t_a_b_idx on t", "  Index Cond: ((a = 3) AND (b >= 'x'))"],
    );
    check(
        "SELECT a FROM t WHERE a < 9 AND a > 2 AND a > 4",
        &[
            "Index Scan using t_a_b_idx on t",
            "  Index Cond: ((a > 2) AND (a < 9))",
            "  Filter: (a > 4)",
        ],
    );
    // How much of the index that is shows when it runs.
    check(
        "SELECT a FROM t WHERE a > 2",
        &["Index Scan using t_a_b_idx on t", "  Index Cond: (a > 2)"],
    );
    check("SELECT a FROM t WHERE false AND a > 2", &["Result (no rows)"]);
}

#[test]
fn orders_and_limits() {
    check(
        "SELECT id, b FROM t WHERE a = 3 ORDER BY b DESC",
        &["Index Scan Backward using t_a_b_idx on t", "  Index Cond: (a = 3)"],
    );
    check(
        "SELECT a FROM t ORDER BY a, b LIMIT 5",
        &["Limit", "  ->  Index Scan using t_a_b_idx on t"],
    );
    check(
        "SELECT a FROM t ORDER BY a DESC NULLS LAST LIMIT 5",
        &[
            "Limit",
            "  ->  Top-N Sort",
            "        Sort Key: a DESC NULLS LAST",
            "        ->  Seq Scan on t",
        ],
    );
    check("SELECT a FROM t ORDER BY a", &["Sort", "  Sort Key: a", "  ->  Seq Scan on t"]);
}

#[test]
fn predicates_move_down_where_that_is_legal() {
    check(
        "SELECT u.a FROM u LEFT JOIN w ON u.id = w.id AND w.c = 1 AND u.a = 2 WHERE u.a > 3",
        &[
            "Project",
            "  Output: u.a",
            "  ->  Hash Left Join",
            "        Hash Cond: (u.id = w.id)",
            "        Join Filter: (u.a = 2)",
            "        ->  Seq Scan on u",
            "              Filter: (u.a > 3)",
            "        ->  Seq Scan on w",
            "              Filter: (w.c = 1)",
        ],
    );
    // A condition that a row filled with NULLs cannot meet makes the join an inner one.
    assert!(
        fixture()
            .explain("SELECT u.a FROM u LEFT JOIN w ON u.id = w.id WHERE w.c = 1")
            .contains("Hash Join")
    );
    assert!(
        fixture()
            .explain("SELECT u.a FROM u LEFT JOIN w ON u.id = w.id WHERE w.c IS NULL")
            .contains("Hash Left Join")
    );
    check(
        "SELECT * FROM (SELECT a + 1 AS s, count(*) AS n FROM u GROUP BY a) g WHERE s = 4 AND n > 2",
        &[
            "Project",
            "  Output: (a + 1), count(*)",
            "  ->  Filter",
            "        Filter: (count(*) > 2)",
            "        ->  HashAggregate",
            "              Group Key: a",
            "              Aggregates: count(*)",
            "              ->  Seq Scan on u",
            "                    Filter: ((a + 1) = 4)",
        ],
    );
    let limited = "SELECT * FROM (SELECT a FROM u LIMIT 3) s WHERE a = 1";
    check(limited, &["Filter", "  Filter: (a = 1)", "  ->  Limit", "        ->  Seq Scan on u"]);
}

#[test]
fn joins_follow_predicates() {
    for order in ["t, u, w", "u, w, t", "w, t, u", "t, w, u"] {
        let text = format!("SELECT t.id FROM {order} WHERE t.a = u.a AND u.id = w.id AND w.c = 4");
        let plan = fixture().explain(&text);
        assert!(!plan.contains("Nested Loop"), "{text}\n{plan}");
    }
    let unavoidable = fixture().explain("SELECT 1 FROM t, u, w WHERE t.a = u.a");
    assert_eq!(unavoidable.matches("Nested Loop").count(), 1, "{unavoidable}");
    let three = fixture().explain("SELECT 1 FROM t, u, w WHERE t.id + u.id = w.id");
    assert!(three.contains("Hash Cond"), "{three}");
}

/// A chain of joins as deep as the limit allows, on a thread with the smallest stack that is promised to suffice.
#[test]
fn many_tables_are_planned_without_a_cross_product() {
    let run = || {
        let mut fixture = Fixture::new();
        fixture.table("t", &[("id", DataType::Int4), ("a", DataType::Int4)], 0, &[]);
        fixture.rows("INSERT INTO t VALUES (1,1)");
        for kind in ["comma", "inner", "left"] {
            let mut from = "t t0".to_owned();
            let mut conditions = "true".to_owned();
            for table in 1..64 {
                // A chain in which the neighbours are not those of FROM.
                let other = if table % 2 == 0 { table / 2 } else { table - 1 };
                let equality = format!("t{table}.id = t{other}.a");
                match kind {
                    "comma" => {
                        write!(from, ", t t{table}").expect("strings take all");
                        write!(conditions, " AND {equality}").expect("strings take all");
                    }
                    "inner" => {
                        write!(from, " JOIN t t{table} ON {equality}").expect("strings take all");
                    }
                    _ => write!(from, " LEFT JOIN t t{table} ON {equality}")
                        .expect("strings take all"),
                }
            }
            let text = format!("SELECT count(*), sum(t63.a) FROM {from} WHERE {conditions}");
            let plan = fixture.explain(&text);
            assert!(!plan.contains("Nested Loop"), "{plan}");
            fixture.check(&text, "1|1");
        }
    };
    let thread =
        std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread starts");
    thread.join().expect("the joins are planned and run");
}
