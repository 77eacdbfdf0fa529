//! A database's files, opened in this process.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::daemon::signal;
use crate::support::{Conversation, Run, spg, spg_in};

/// Runs `spg` on the data directory `data` in `directory`.
fn on_data(directory: &Path, arguments: &[&str]) -> Run {
    spg_in(directory, &[&["--data-dir", "data"], arguments].concat(), "")
}

fn count(directory: &Path, table: &str) -> String {
    let select = format!("SELECT count(*) AS n FROM {table}");
    on_data(directory, &["query", &select, "--format", "csv"]).out
}

fn has(directory: &Path, name: &str) -> bool {
    directory.join(name).exists()
}

#[test]
fn a_data_directory_survives_invocations() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::write(directory.join("t.csv"), "id,name\n1,alice\n2,\n").unwrap();
    let run = on_data(directory, &["import", "t", "t.csv", "--create"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{run:?}");
    for name in ["spg.db", "audit.log", "wal.log.0000000000000000"] {
        assert!(has(&directory.join("data"), name), "{name}");
    }
    let run = on_data(
        directory,
        &["query", "INSERT INTO t VALUES (3, 'carol'); UPDATE t SET name = 'b' WHERE id = 2"],
    );
    assert_eq!((run.status, run.out.as_str()), (0, "INSERT 0 1\nUPDATE 1\n"));
    let run = on_data(directory, &["export", "t"]);
    assert_eq!((run.status, run.out.as_str()), (0, "id,name\n1,alice\n2,b\n3,carol\n"));

    let script = "\\conninfo\nCREATE INDEX by_name ON t (name);\nCHECKPOINT;\nSELECT id FROM t WHERE name = 'b';\n";
    let run = spg_in(directory, &["shell", "--data-dir", "data", "--format", "csv"], script);
    assert_eq!((run.status, run.out.as_str()), (0, "id\n2\n"), "{run:?}");
    assert!(run.err.starts_with("The database ") && run.err.contains("in this process"), "{run:?}");
    let run = on_data(directory, &["checkpoint"]);
    assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "CHECKPOINT\n", ""));
    assert_eq!(on_data(directory, &["verify"]).status, 0);
}

#[test]
fn each_invocation_is_a_session_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    assert_eq!(on_data(directory, &["query", "CREATE TABLE t (a INT)"]).status, 0);
    let run = on_data(directory, &["query", "BEGIN; INSERT INTO t VALUES (1)"]);
    let said = "WARNING:  the transaction block was left open and has been rolled back\n";
    assert_eq!((run.status, run.err.as_str()), (1, said));
    assert_eq!(on_data(directory, &["query", "INSERT INTO t VALUES (2)"]).status, 0);
    let run = on_data(directory, &["query", "COMMIT"]);
    assert!(run.err.contains("no transaction in progress"), "{run:?}");
    assert_eq!(count(directory, "t"), "n\n1\n");
}

#[test]
fn receipts_are_told_for_commits_only() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let script = "CREATE TABLE t (a INT); SELECT * FROM t; BEGIN; INSERT INTO t VALUES (1); COMMIT; \
                  BEGIN; DELETE FROM t; ROLLBACK; SELECT x";
    let run = on_data(directory, &["query", script, "--receipt", "--format", "jsonl"]);
    assert_eq!(run.status, 1);
    let receipts: Vec<&str> = run.err.lines().collect();
    assert_eq!(receipts.len(), 2, "{run:?}");
    assert!(receipts[0].starts_with("RECEIPT:  commit 1, head "), "{run:?}");
    let head = receipts[1].strip_prefix("RECEIPT:  commit 2, head ").expect(&run.err);
    let verified = on_data(directory, &["audit", "verify", "--expect-head", head]);
    assert_eq!(verified.status, 0, "{verified:?}");
    let run = spg(&["--memory", "query", "CREATE TABLE t (a INT)", "--receipt"]);
    assert_eq!((run.status, run.err.as_str()), (0, "RECEIPT:  commit 1\n"));
}

#[test]
fn files_may_be_named_one_by_one() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let run = |arguments: &[&str]| spg_in(directory, arguments, "");
    let script = "CREATE TABLE t (a INT); INSERT INTO t VALUES (7)";
    let select = ["query", "SELECT a FROM t", "--format", "csv"];
    for files in [
        &["--db", "image"][..],
        &["--db", "audited", "--audit", "log"],
        &["--db", "logged", "--wal", "wal"],
        &["--db", "all", "--audit", "all.log", "--wal", "all.wal"],
    ] {
        assert_eq!(run(&[files, &["query", script]].concat()).status, 0, "{files:?}");
        let selected = run(&[files, &select].concat());
        assert_eq!(
            (selected.status, selected.out.as_str()),
            (0, "a\n7\n"),
            "{files:?} {selected:?}"
        );
    }
    // Memory with an audit log: only the chain goes on.
    assert_eq!(run(&["--audit", "alone", "query", script]).status, 0);
    assert_eq!(run(&["--audit", "alone", "query", "SELECT a FROM t"]).status, 1);
    let listed =
        run(&["--audit", "alone", "audit", "list", "--contains", "INSERT", "--format", "csv"]);
    assert_eq!((listed.status, listed.out.lines().count()), (0, 2), "{listed:?}");

    let unnamed = run(&["--db", "all", "--wal", "all.wal", "query", "SELECT 1"]);
    assert_eq!((unnamed.status, unnamed.out.as_str()), (2, ""), "{unnamed:?}");
    assert!(unnamed.err.contains("audit log"), "{unnamed:?}");
}

#[test]
fn the_daemons_variables_are_not_meant() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_spg"))
        .args(["query", "CREATE TABLE t (a INT)", "--addr", &nobody.to_string()])
        .env("SPG_DATA_DIR", directory.path().join("data"))
        .env("SPG_DB", directory.path().join("db"))
        .env("SPG_AUDIT", directory.path().join("audit"))
        .env("SPG_WAL", directory.path().join("wal"))
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(3));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_second_opener_is_told_who_holds_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    let mut holder = Conversation::start(&["shell", "--data-dir", data, "--format", "csv"]);
    assert_eq!(holder.ask("SELECT 1 AS a;"), "a\n");
    let pid = holder.child.id().to_string();
    for arguments in [&["query", "SELECT 1"][..], &["bench", "insert"], &["verify"]] {
        let run = on_data(directory.path(), arguments);
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{run:?}");
        assert!(run.err.contains("in use by process") && run.err.contains(&pid), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
    let run = on_data(directory.path(), &["query", "SELECT 1", "--format", "json"]);
    assert!(run.out.starts_with("[{\"error\":{\"sqlstate\":\"55006\","), "{run:?}");
    assert_eq!(holder.finish().status, 0);
    assert_eq!(on_data(directory.path(), &["query", "SELECT 1"]).status, 0);
}

#[test]
fn damaged_files_exit_with_4_and_name_the_place() {
    for name in ["spg.db", "audit.log"] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert_eq!(on_data(directory, &["query", "CREATE TABLE t (a INT)"]).status, 0);
        let path = directory.join("data").join(name);
        let mut bytes = fs::read(&path).unwrap();
        let place = bytes.len() - 1;
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        let commands: [&[&str]; 4] =
            [&["query", "SELECT 1"], &["verify"], &["bench", "insert"], &["audit", "head"]];
        for arguments in commands {
            let run = on_data(directory, arguments);
            assert_eq!((run.status, run.out.as_str()), (4, ""), "{arguments:?} {run:?}");
            assert!(run.err.contains(name) && run.err.contains("expected"), "{run:?}");
            assert_eq!(run.err.lines().count(), 1, "{run:?}");
        }
        let run = on_data(directory, &["query", "SELECT 1", "--format", "jsonl"]);
        assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"XX001\","), "{run:?}");
    }
}

#[test]
fn a_command_that_looks_makes_no_database() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let commands: [&[&str]; 7] = [
        &["verify"],
        &["checkpoint"],
        &["export", "t"],
        &["audit", "head"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "archive", "."],
    ];
    for arguments in commands {
        let run = on_data(directory, arguments);
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{arguments:?} {run:?}");
        assert!(run.err.contains("there is no database: data/spg.db"), "{run:?}");
        assert!(!has(directory, "data"), "{arguments:?}");
    }
    // What is left of one is not nothing: it is damaged.
    assert_eq!(on_data(directory, &["query", "CREATE TABLE t (a INT)"]).status, 0);
    fs::remove_file(directory.join("data/spg.db")).unwrap();
    fs::remove_file(directory.join("data/audit.log")).unwrap();
    let run = on_data(directory, &["verify"]);
    assert_eq!(run.status, 4, "{run:?}");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_signal() {
    let directory = tempfile::tempdir().unwrap();
    let script = "ulimit -f 16; exec \"$0\" --data-dir data query 'CREATE TABLE t (a INT)'";
    let ran = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_spg")])
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{err}");
    assert!(err.contains("too large"), "{err}");
}

#[test]
fn an_interrupt_cancels_an_import_and_closes_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    assert_eq!(on_data(directory, &["query", "CREATE TABLE t (a INT)"]).status, 0);
    let data = directory.join("data");
    let data = data.to_str().unwrap();
    let arguments = ["--data-dir", data, "import", "t", "/dev/stdin", "--format", "jsonl"];
    let mut import = Conversation::start(&arguments);
    // More than a pipe holds: when it is written, most of it has been read.
    import.write("a\n");
    import.write(&"1\n".repeat(500_000));
    signal("INT", import.child.id());
    while import.child.try_wait().unwrap().is_none() {
        import.write("1\n");
    }
    let run = import.finish();
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"57014\","), "{run:?}");
    assert_eq!(count(directory, "t"), "n\n0\n");
    assert_eq!(on_data(directory, &["verify"]).status, 0);
}
