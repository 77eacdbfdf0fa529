//! Arguments and exit statuses.

use crate::support::spg;

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [
        &[][..],
        &["--memory"],
        &["--memory", "query"],
        &["--memory", "query", "SELECT 1", "--format", "xml"],
        &["--memory", "shell", "--memory-limit", "much"],
        &["--memory", "frobnicate"],
        &["--memory", "import", "t"],
    ] {
        let run = spg(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.out, "", "{arguments:?}");
        assert_ne!(run.err, "", "{arguments:?}");
    }
}

#[test]
fn without_a_database_it_says_what_to_give() {
    for arguments in [&["query", "SELECT 1"][..], &["shell"], &["export", "t"]] {
        let run = spg(arguments);
        assert_eq!(run.status, 2, "{run:?}");
        assert!(run.err.contains("`--memory`"), "{run:?}");
    }
}

#[test]
fn version_needs_no_database() {
    let run = spg(&["version"]);
    assert_eq!(run.status, 0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run.out, format!("spg {version} (engine {version})\n"));
}

#[test]
fn options_stand_before_and_after() {
    for arguments in [
        &["--memory", "--format", "jsonl", "query", "SELECT 1"][..],
        &["query", "SELECT 1", "--memory", "--format", "jsonl"],
        &["--format=jsonl", "query", "--memory", "--memory-limit", "64MB", "SELECT 1"],
    ] {
        let run = spg(arguments);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.out.starts_with("{\"tag\":\"SELECT 1\""), "{run:?}");
    }
}
