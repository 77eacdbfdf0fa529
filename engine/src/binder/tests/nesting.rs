//! Nesting as deep as the parser lets through is bound or refused on a small stack, and never overflows it.

use super::{bind_text, root};
use crate::binder::bind;
use crate::error::SqlState;
use crate::limits::NESTING_DEPTH_MAX;
use crate::parser::parse;

/// The stack of a session's thread.
const STACK_BYTES: usize = 2 << 20;

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

/// The deepest statement of a shape that the parser lets through, bound and dropped.
fn deepest(shape: impl Fn(usize) -> String) {
    let root = root();
    let statement = (1..=NESTING_DEPTH_MAX)
        .rev()
        .find_map(|depth| parse(&shape(depth)).ok())
        .unwrap_or_else(|| panic!("{}", shape(1)));
    match bind(&statement, &root) {
        Ok(bound) => drop(bound),
        Err(error) => {
            let code = error.sqlstate();
            assert_eq!(code, SqlState::StatementTooComplex, "{error}: {}", shape(1));
        }
    }
}

fn wrap(before: &str, core: &str, after: &str, depth: usize) -> String {
    format!("{}{core}{}", before.repeat(depth), after.repeat(depth))
}

#[test]
fn binds_the_deepest_statements_on_a_small_stack() {
    on_small_stack(|| {
        for (before, core, after) in [
            ("select (", "select 1", ")"),
            ("select * from (", "select 1 as a", ") x"),
            (
                "select a from (",
                "select 1 as a",
                ") x group by a having count(*) > 0 order by a limit 1",
            ),
            ("select true in (", "select true", ")"),
            ("select exists (", "select 1", ")"),
            ("select 1 union (", "select 1", " order by 1)"),
            ("select case when true then (", "select 1", ") end"),
            ("select a from t where a = (", "select 1", ")"),
            ("select sum((", "select 1", ")) from t"),
        ] {
            deepest(|depth| wrap(before, core, after, depth));
        }
        for (before, core, after) in [
            ("not (", "true", ")"),
            ("abs(", "a", ")"),
            ("coalesce(", "a", ", 1)"),
            ("case when d then ", "a", " end"),
            ("(", "a", " + 1)"),
            ("(", "d", " is not true)"),
            ("(", "d", " in (true, false))"),
            ("(", "b", " like 'x')::text"),
            ("cast(", "a", " as text)::int"),
            ("concat(", "b", ")"),
            ("greatest(", "a", ", 1)"),
        ] {
            deepest(|depth| format!("select {} from t", wrap(before, core, after, depth)));
            deepest(|depth| {
                format!("select {0} from t group by {0}", wrap(before, core, after, depth))
            });
        }
        deepest(|depth| {
            let joins: Vec<String> =
                (0..depth).map(|index| format!(" join t t{index} on true")).collect();
            format!("select * from t x{}", joins.concat())
        });
    });
}

#[test]
fn repeated_operands_do_not_grow_without_bound() {
    on_small_stack(|| {
        for (before, after) in
            [("(", " between a and 2)::int"), ("case ", " when 1 then 2 when 3 then 4 end")]
        {
            let sql = format!("select {} from t", wrap(before, "a", after, 60));
            let error = bind_text(&sql).unwrap_err();
            assert_eq!(error.sqlstate(), SqlState::StatementTooComplex, "{error}");
        }
    });
}

#[test]
fn long_chains_are_flat() {
    on_small_stack(|| {
        let sql = format!("select * from t where a = 1{}", " or a = 2".repeat(20_000));
        drop(bind_text(&sql).unwrap());
    });
}

#[test]
fn counts_joined_tables() {
    let tables = |count: usize| {
        format!("select 1 from {}", {
            let names: Vec<String> = (0..count).map(|index| format!("t t{index}")).collect();
            names.join(", ")
        })
    };
    bind_text(&tables(256)).unwrap();
    let error = bind_text(&tables(257)).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::ProgramLimitExceeded);
}
