//! The rule for a test that needs something that not every machine has.

use std::process::Command;

/// Prints `skipped: needs WHAT`; under `SPG_REQUIRE_ALL=1` the test fails instead.
#[expect(clippy::print_stdout, reason = "a skipped test says so where its results are read")]
pub(crate) fn skip(needs: &str) {
    let required = std::env::var_os("SPG_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "SPG_REQUIRE_ALL=1, but this needs {needs}");
    println!("skipped: needs {needs}");
}

/// Prints what this machine does not let anybody do: nothing can be installed against that, so nothing is required.
#[expect(clippy::print_stdout, reason = "a skipped test says so where its results are read")]
pub(crate) fn not_permitted(what: &str) {
    println!("skipped: needs {what}, which is not permitted on this machine");
}

/// Whether a program is there; [`skip`]s if not.
pub(crate) fn has_program(name: &str, version: &str) -> bool {
    let is_there = Command::new(name).arg(version).output().is_ok();
    if !is_there {
        skip(name);
    }
    is_there
}
