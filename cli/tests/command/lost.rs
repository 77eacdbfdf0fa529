//! Connections that end, and statements that are cancelled.

use std::fs;
use std::path::Path;

use crate::daemon::{Daemon, signal};
use crate::support::{Conversation, Run};

/// It goes on until it is cancelled.
const ENDLESS: &str = "SELECT count(*) FROM n a, n b, n c, n d WHERE a.i + b.i + c.i + d.i = -1;";

fn shell(daemon: &Daemon, options: &[&str]) -> Conversation {
    Conversation::start(&[&["--addr", &daemon.address, "shell"], options].concat())
}

/// A table for [`ENDLESS`].
fn fill(daemon: &Daemon) {
    let values: Vec<String> = (0..1_000).map(|number| format!("({number})")).collect();
    let text = format!("CREATE TABLE n (i INT); INSERT INTO n VALUES {}", values.join(","));
    assert_eq!(daemon.spg(&["query", &text]).status, 0);
}

#[test]
fn a_lost_connection_is_one_error() {
    for format in ["jsonl", "table"] {
        let mut daemon = Daemon::start(&[]);
        let mut shell = shell(&daemon, &["--format", format]);
        shell.ask("SELECT 1 AS one;");
        daemon.kill();
        shell.write("SELECT 2;\nSELECT 3;\n\\export t x\n");
        let run = shell.finish();
        assert_eq!(run.status, 3, "{run:?}");
        if format == "jsonl" {
            assert!(
                run.out.starts_with("{\"error\":{\"sqlstate\":\"08006\",\"message\":"),
                "{run:?}"
            );
            assert_eq!((run.out.lines().count(), run.err.as_str()), (1, ""), "{run:?}");
        } else {
            assert!(run.err.starts_with("ERROR:  08006: the connection to 127.0.0.1:"), "{run:?}");
            assert_eq!(run.err.lines().count(), 1, "{run:?}");
        }
    }
}

#[test]
fn a_server_that_ends_says_so() {
    let mut daemon = Daemon::start(&[]);
    let mut shell = shell(&daemon, &["--format", "jsonl"]);
    shell.ask("SELECT 1;");
    daemon.stop();
    shell.write("SELECT 2;\n");
    let run = shell.finish();
    assert_eq!(run.status, 3, "{run:?}");
    assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"57P01\","), "{run:?}");
    assert_eq!(run.out.lines().count(), 1);
}

#[test]
fn a_full_server_says_so() {
    let daemon = Daemon::start(&["--max-connections", "1"]);
    // The connection that asked whether the daemon is ready may have the one place for a moment yet.
    let first = loop {
        let mut first = shell(&daemon, &["--format", "jsonl"]);
        let answer = first.ask("SELECT 1;");
        if !answer.is_empty() && !answer.starts_with("{\"error\"") {
            break first;
        }
        assert_eq!(first.finish().status, 3, "{answer}");
    };
    let second = daemon.spg(&["query", "SELECT 1"]);
    assert_eq!((second.status, second.out.as_str()), (3, ""), "{second:?}");
    assert!(second.err.starts_with("FATAL:  53300: "), "{second:?}");
    assert_eq!(first.finish().status, 0);
}

/// Whether this process ignores SIGHUP, and with it those that it starts.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn a_termination_ends_the_command_at_once() {
    let daemon = Daemon::start(&[]);
    fill(&daemon);
    for name in ["TERM", "HUP"] {
        if name == "HUP" && ignores_hangup() {
            // As it should, `spg` goes on then: nohup is meant so.
            continue;
        }
        let mut shell = shell(&daemon, &["--format", "jsonl"]);
        shell.ask("SELECT 1;");
        shell.write(&format!("{ENDLESS}\n"));
        let query = ["--addr", &daemon.address, "query", ENDLESS, "--format", "jsonl"];
        for running in [shell, Conversation::start(&query)] {
            signal(name, running.child.id());
            let run = running.finish();
            // No exit status: the signal ended it.
            assert_eq!((run.status, run.out.as_str()), (-1, ""), "{name}: {run:?}");
        }
    }
}

/// An import reads what this test feeds it, so that it surely runs when something happens to it.
fn import_from_pipe(daemon: &Daemon) -> Conversation {
    let create = daemon.spg(&["query", "CREATE TABLE t (a INT)"]);
    assert_eq!(create.status, 0, "{create:?}");
    let import = ["--addr", &daemon.address, "import", "t", "/dev/stdin", "--format", "jsonl"];
    let mut import = Conversation::start(&import);
    // More than a pipe holds: when it is written, most of it has been read.
    import.write("a\n");
    import.write(&"1\n".repeat(500_000));
    import
}

#[test]
fn an_import_that_loses_its_server_says_so() {
    let mut daemon = Daemon::start(&[]);
    let mut import = import_from_pipe(&daemon);
    daemon.kill();
    import.write(&"1\n".repeat(500_000));
    let run = import.finish();
    assert_eq!((run.status, run.out.lines().count()), (3, 1), "{run:?}");
    assert!(run.out.contains("\"08006\""), "{run:?}");
}

#[test]
fn an_interrupt_ends_an_import_that_leaves_nothing() {
    let daemon = Daemon::start(&[]);
    let mut import = import_from_pipe(&daemon);
    signal("INT", import.child.id());
    // It ends at the interrupt: its input does not end.
    while import.child.try_wait().unwrap().is_none() {
        import.write("1\n");
    }
    let run = import.finish();
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"57014\","), "{run:?}");
    let count = daemon.spg(&["query", "SELECT count(*) AS n FROM t", "--format", "csv"]);
    assert_eq!(count.out, "n\n0\n");
}

/// Cancels again and again, since the statement may not have begun yet, until `running` has ended.
fn cancel_until_it_ends(daemon: &Daemon, cancel: &[&str], mut running: Conversation) -> Run {
    while running.child.try_wait().unwrap().is_none() {
        let cancelled = daemon.spg(cancel);
        assert_eq!((cancelled.status, cancelled.out.as_str()), (0, "CANCEL\n"), "{cancelled:?}");
    }
    running.finish()
}

#[test]
fn statements_are_cancelled_by_key() {
    let daemon = Daemon::start(&[]);
    fill(&daemon);
    let mut shell = shell(&daemon, &[]);
    shell.write("\\conninfo\n");
    let told = [shell.err_line(), shell.err_line()].concat();
    let words: Vec<&str> = told.split_whitespace().rev().take(2).collect();
    let [secret, session_id] = words[..] else { panic!("{told}") };
    // Another's secret does nothing: the shell still answers.
    let wrong = daemon.spg(&["cancel", session_id, &"0".repeat(32)]);
    assert_eq!(wrong.status, 0, "{wrong:?}");
    assert_eq!(shell.ask("SHOW lock_timeout;").trim_end(), " lock_timeout");
    shell.write(&format!("{ENDLESS}\n\\q\n"));
    let run = cancel_until_it_ends(&daemon, &["cancel", session_id, secret], shell);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.err.starts_with("ERROR:  canceling statement due to user request\n"), "{run:?}");
}

#[test]
fn statements_are_cancelled_by_name() {
    let daemon = Daemon::start(&[]);
    fill(&daemon);
    let query = ["--addr", &daemon.address, "query", ENDLESS, "--session", "slow"];
    let running = Conversation::start(&query);
    let run = cancel_until_it_ends(&daemon, &["cancel", "--session", "slow"], running);
    assert_eq!((run.status, run.out.as_str()), (1, ""), "{run:?}");
    assert!(run.err.starts_with("ERROR:  canceling statement due to user request\n"), "{run:?}");
    let nobody = daemon.spg(&["cancel", "--session", "nobody"]);
    assert_eq!(nobody.status, 0, "{nobody:?}");
}

#[test]
fn an_export_that_fails_leaves_no_file() {
    let mut daemon = Daemon::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    let mut shell = shell(&daemon, &["--format", "jsonl"]);
    shell.ask("CREATE TABLE t (a INT);");
    daemon.kill();
    let line = shell.ask(&format!("\\export t {}", file.display()));
    assert!(line.contains("\"08006\""), "{line}");
    assert_eq!(shell.finish().status, 3);
    assert_eq!(files(directory.path()), 0);
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}
