//! The engine and the naive model agree on every answer and error code, whatever several sessions do one after the other.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use spg_proptests::side_by_side::{Seen, compare, numbers};

/// `PROPTEST_CASES` asks for more.
const CASES: u32 = 2_000;

/// What the cases must have met, or they have shown little.
const MET: [&str; 12] = [
    "22012",
    "23502",
    "23503",
    "23505",
    "23514",
    "25P02",
    "40001",
    "55P03",
    "COMMIT 23503",
    "COMMIT 23505",
    "COMMIT 40001",
    "COMMIT 55P03",
];

#[test]
fn engine_and_model_agree() {
    let config = ProptestConfig::default();
    let cases = config.cases.max(CASES);
    let config =
        ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..config };
    let seen = RefCell::new(Seen::new());
    let outcome = TestRunner::new(config).run(&numbers(), |numbers| {
        compare(&numbers, &mut seen.borrow_mut()).map_err(TestCaseError::fail)
    });
    println!("{:?}", seen.borrow());
    if let Err(error) = outcome {
        panic!("{error}");
    }
    for code in MET {
        assert!(seen.borrow().contains_key(code), "no case met {code}");
    }
}
