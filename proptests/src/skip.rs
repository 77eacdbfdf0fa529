//! The rule for a test that needs something a fresh clone does not have: it says so and passes, unless all is required.

use std::path::{Path, PathBuf};

/// Prints `skipped: needs WHAT`; under `SPG_REQUIRE_ALL=1` the test fails instead.
#[expect(clippy::print_stdout, reason = "a skipped test says so where its results are read")]
pub fn skip(needs: &str) {
    let required = std::env::var_os("SPG_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "SPG_REQUIRE_ALL=1, but this needs {needs}");
    println!("skipped: needs {needs}");
}

/// A file or folder of `../shared` (beside the workspace), or None after saying that it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let shared = workspace().join("../shared");
    let fallback = std::env::var_os("SPG_SHARED").map(PathBuf::from);
    let found = [Some(shared), fallback]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(path))
        .find(|candidate| candidate.exists());
    if found.is_none() {
        skip(&format!("../shared/{path}"));
    }
    found
}

/// The workspace's root folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("invariant: proptests lies in the workspace")
}
