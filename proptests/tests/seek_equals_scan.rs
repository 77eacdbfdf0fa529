//! The same query answers the same with and without indexes, whatever path the planner takes.

use std::sync::Arc;

use proptest::prelude::*;
use spg_engine::database::{Database, Options};
use spg_engine::session::Session;
use spg_proptests::answer::{self, Answer};
use spg_proptests::generator::{Choices, DEFINITION, Schema, Statement, query, statement};

/// Indexes over one and several columns, both directions: every access path has one to take.
const INDEXES: [&str; 6] = [
    "CREATE INDEX ON t0 (a)",
    "CREATE INDEX ON t0 (c, b DESC)",
    "CREATE INDEX ON t0 (f DESC)",
    "CREATE INDEX ON t1 (b, a)",
    "CREATE INDEX ON t1 (c DESC NULLS LAST)",
    "CREATE INDEX ON t1 (d, f, a)",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn indexes_change_no_answer(
        changes in prop::collection::vec(prop::collection::vec(any::<u16>(), 20..60), 5..40),
        queries in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..60), 1..20),
        early in any::<bool>(),
    ) {
        let plain_database = Database::open(Options::default()).unwrap();
        let indexed_database = Database::open(Options::default()).unwrap();
        let mut plain = Arc::clone(&plain_database).session();
        let mut indexed = Arc::clone(&indexed_database).session();
        for table in 0..2 {
            // Without a primary key there is no index at all.
            let bare = DEFINITION.replace(" PRIMARY KEY", " NOT NULL");
            answer::run(&mut plain, &format!("CREATE TABLE t{table} {bare}"));
            answer::run(&mut indexed, &format!("CREATE TABLE t{table} {bare}"));
        }
        if early {
            create_indexes(&mut indexed);
        }
        for numbers in &changes {
            let step = statement(numbers, 1, &Schema::default());
            if is_change(&step.statement) {
                let sql = step.statement.to_string();
                let (left, right) = (answer::run(&mut plain, &sql), answer::run(&mut indexed, &sql));
                prop_assert_eq!(code(&left), code(&right), "{}", sql);
                prop_assert_eq!(left.tag, right.tag, "{}", sql);
            }
        }
        if !early {
            create_indexes(&mut indexed);
        }
        for numbers in &queries {
            let query = query(&mut Choices::new(numbers));
            let sql = query.to_string();
            let (left, right) = (answer::run(&mut plain, &sql), answer::run(&mut indexed, &sql));
            let plan = answer::run(&mut indexed, &format!("EXPLAIN {sql}"));
            prop_assert_eq!(code(&left), code(&right), "{}\n{:?}", sql, plan.lines());
            let ordered = query.order.len() == left.columns.len();
            prop_assert_eq!(rows(left, ordered), rows(right, ordered), "{}\n{:#?}", sql, plan.lines());
        }
    }
}

fn create_indexes(session: &mut Session) {
    for sql in INDEXES {
        let answer = answer::run(session, sql);
        assert_eq!(answer.tag.as_deref(), Some("CREATE INDEX"), "{sql}: {:?}", answer.failure);
    }
}

fn is_change(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Insert(..)
            | Statement::InsertSelect(..)
            | Statement::Update(..)
            | Statement::Delete(..)
    )
}

fn code(answer: &Answer) -> Option<&str> {
    answer.failure.as_ref().map(|failure| failure.sqlstate.as_str())
}

/// The rows, in an order of their own unless ORDER BY covers all columns; -0 as 0, which compare equal.
fn rows(answer: Answer, ordered: bool) -> Vec<Vec<Option<String>>> {
    let mut rows = answer.rows;
    for value in rows.iter_mut().flatten().flatten() {
        if value == "-0" {
            "0".clone_into(value);
        }
    }
    if !ordered {
        rows.sort();
    }
    rows
}
