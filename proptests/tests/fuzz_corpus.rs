//! The inputs kept for the fuzz targets, each through its target: seeds, and what fuzzing has found.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use spg_proptests::fuzz;
use spg_proptests::skip::workspace;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = workspace().join("proptests/fuzz/seeds").join(target);
    let mut inputs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no inputs for {target}");
    for input in inputs {
        let bytes = std::fs::read(&input).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{}", input.display());
    }
}

#[test]
fn frames() {
    replay("frames", fuzz::frames);
}

#[test]
fn parse() {
    replay("parse", fuzz::parse);
}

#[test]
fn execute() {
    replay("execute", fuzz::execute);
}
