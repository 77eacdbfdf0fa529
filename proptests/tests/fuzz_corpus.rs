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

#[test]
fn files() {
    replay("files", fuzz::files);
}

/// Each byte of the kept inputs changed: what the checksums of a log would let through if somebody computed them anew.
#[test]
fn files_with_any_byte_changed() {
    let folder = workspace().join("proptests/fuzz/seeds/files");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        for place in 1..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] ^= change;
                let outcome = std::panic::catch_unwind(|| fuzz::files(&bytes));
                assert!(
                    outcome.is_ok(),
                    "{} with byte {place} changed by {change}",
                    path.display()
                );
            }
        }
    }
}
