//! The engine and the naive model agree on every answer and error code, whatever several sessions do one after the other.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "it counts for whoever reads, and a failure is a test's end"
)]

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use spg_proptests::crash::mode::{MODES, Mode};
use spg_proptests::side_by_side::{Seen, compare, numbers};

/// `PROPTEST_CASES` asks for more.
const CASES: u32 = 3_000;

/// The same, with crashes.
const CRASHED: u32 = 500;

/// What the cases must have met, or they have shown little. (What is rarer `sabotage.rs` has them see.)
const MET: [&str; 11] = [
    "21000",
    "22012",
    "23502",
    "23503",
    "23505",
    "23514",
    "25P02",
    "40001",
    "55P03",
    "COMMIT 40001",
    "COMMIT 55P03",
];

#[test]
fn engine_and_model_agree() {
    let seen = agree(CASES, |_| None);
    for code in MET {
        assert!(seen.contains_key(code), "no case met {code}");
    }
}

/// With files on a disk whose machine stops now and then.
#[test]
fn engine_and_model_agree_through_crashes() {
    let seen = agree(CRASHED, |constraints| Some(MODES[constraints.len() % MODES.len()]));
    for crash in ["crash", "crash after a commit", "crash ahead"] {
        assert!(seen.contains_key(crash), "no case met a {crash}");
    }
}

fn agree(cases: u32, mode: impl Fn(&[u16]) -> Option<Mode>) -> Seen {
    let config = ProptestConfig::default();
    let cases = config.cases.max(cases);
    let config =
        ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..config };
    let seen = RefCell::new(Seen::new());
    let outcome = TestRunner::new(config).run(&numbers(), |numbers| {
        let mode = mode(&numbers.0);
        compare(mode, &numbers, &mut seen.borrow_mut()).map_err(TestCaseError::fail)
    });
    println!("{:?}", seen.borrow());
    if let Err(error) = outcome {
        panic!("{error}");
    }
    seen.into_inner()
}
