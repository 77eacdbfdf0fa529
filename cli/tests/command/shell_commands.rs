//! Commands of the shell in scripts: where errors are, patterns, what is refused, and what is said instead.

use std::fs;

use crate::support::{Run, spg, spg_both, spg_in};

/// Runs a script in process and against a daemon, which must answer alike.
fn shell(script: &str) -> Run {
    spg_both(&std::env::temp_dir(), &["--memory", "--format", "table", "shell"], script)
}

#[test]
fn there_is_no_editor_without_a_terminal() {
    let run = shell("SELECT 1 AS a;\n\\e\nSELECT 2 AS b;\n");
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.err.starts_with("ERROR:  \\e needs a terminal"), "{run:?}");
    assert!(run.out.contains(" b \n"), "{run:?}");
}
