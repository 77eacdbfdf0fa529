//! Sessions that the server keeps between invocations.

use crate::daemon::Daemon;
use crate::support::Conversation;

fn count(daemon: &Daemon, options: &[&str]) -> String {
    let query = ["query", "SELECT count(*) AS n FROM t", "--format", "csv"];
    let run = daemon.spg(&[&query[..], options].concat());
    assert_eq!(run.status, 0, "{run:?}");
    run.out
}

#[test]
fn a_block_spans_invocations() {
    let daemon = Daemon::start(&[]);
    let named = |sql: &str| {
        let run = daemon.spg(&["query", sql, "--session", "s"]);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{sql}: {run:?}");
    };
    daemon.spg(&["query", "CREATE TABLE t (a INT)"]);
    // Many times: each finds the session free, however soon it comes after the one before.
    for round in 1..=20 {
        named("BEGIN");
        named("INSERT INTO t VALUES (1)");
        assert_eq!(count(&daemon, &["--session", "s"]), format!("n\n{round}\n"));
        assert_eq!(count(&daemon, &[]), format!("n\n{}\n", round - 1));
        assert_eq!(count(&daemon, &["--session", "other"]), format!("n\n{}\n", round - 1));
        named("COMMIT");
        assert_eq!(count(&daemon, &[]), format!("n\n{round}\n"));
    }
    named("BEGIN");
    named("DELETE FROM t");
    named("ROLLBACK");
    assert_eq!(count(&daemon, &[]), "n\n20\n");
}

#[test]
fn settings_and_failed_blocks_stay() {
    let daemon = Daemon::start(&[]);
    let run = |sql: &str| daemon.spg(&["--session", "s", "--format", "csv", "query", sql]);
    assert_eq!(run("SET lock_timeout TO '7s'").status, 0);
    assert_eq!(run("SHOW lock_timeout").out, "lock_timeout\n7s\n");
    assert_eq!(run("BEGIN").status, 0);
    assert_eq!(run("SELECT nothing").status, 1);
    let failed = run("SELECT 1");
    assert!(failed.err.contains("current transaction is aborted"), "{failed:?}");
    assert_eq!(run("COMMIT").err, "ROLLBACK\n");
}

#[test]
fn one_connection_uses_a_session() {
    let daemon = Daemon::start(&[]);
    let shell = ["--addr", &daemon.address, "--session", "s", "--format", "jsonl", "shell"];
    let mut shell = Conversation::start(&shell);
    shell.ask("SELECT 1;");
    let second = daemon.spg(&["query", "SELECT 1", "--session", "s", "--format", "jsonl"]);
    assert_eq!(second.status, 3, "{second:?}");
    assert!(second.out.starts_with("{\"error\":{\"sqlstate\":\"55006\","), "{second:?}");
    assert_eq!(shell.finish().status, 0);
    assert_eq!(daemon.spg(&["query", "SELECT 1", "--session", "s"]).status, 0);
}
