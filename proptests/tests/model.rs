//! The engine and the naive model agree on every answer and error code, whatever several sessions do one after the other.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use spg_proptests::side_by_side::{Seen, compare, numbers};

/// What the cases must have met, or they have shown little.
const MET: [&str; 6] = ["22012", "23502", "23505", "25P02", "40001", "55P03"];

#[test]
fn engine_and_model_agree() {
    let config = ProptestConfig {
        cases: 2_000,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
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
