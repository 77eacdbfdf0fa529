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
        &["--memory", "query", "--recipt", "SELECT 1"],
        &["--memory", "query", "--recipt=a b", "SELECT 1"],
        &["--memory", "import", "t"],
        &["--memory", "--addr", "127.0.0.1:1", "query", "SELECT 1"],
        &["--memory", "query", "SELECT 1", "--session", "s"],
        &["--memory", "stats"],
        &["query", "SELECT 1", "--memory-limit", "1GB"],
        &["query", "SELECT 1", "--addr", "127.0.0.1"],
        &["query", "SELECT 1", "--session", ""],
        &["ping", "--timeout", "3"],
        &["ping", "--session", "s"],
        &["--wal", "w", "query", "SELECT 1"],
        &["--audit", "a", "--wal", "w", "query", "SELECT 1"],
        &["--db", "x", "--wal", "x", "query", "SELECT 1"],
        &["--data-dir", "d", "--db", "x", "query", "SELECT 1"],
        &["--data-dir", "", "query", "SELECT 1"],
        &["--data-dir", "d", "--memory", "query", "SELECT 1"],
        &["--data-dir", "d", "--addr", "127.0.0.1:1", "query", "SELECT 1"],
        &["--data-dir", "d", "query", "SELECT 1", "--session", "s"],
        &["--data-dir", "d", "stats"],
        &["--data-dir", "d", "bench", "insert", "--pipeline", "2"],
        &["--data-dir", "d", "bench", "insert", "--threads", "2", "--clients", "3"],
        &["--data-dir", "d", "bench", "raw-sync"],
        &["bench", "raw-sync", "--clients", "2"],
        &["bench", "insert", "--dir", "d"],
        &["audit"],
        &["audit", "verify", "f", "--expect-head", "abc"],
        &["audit", "verify", "--expect-head", "x"],
        &["audit", "verify", "f", "--data-dir", "d"],
        &["audit", "verify", "f", "--addr", "127.0.0.1:1"],
        &["audit", "list", "--since", "yesterday"],
        &["audit", "list", "--limit", "-1"],
        &["audit", "list", "--limit", "1", "--last", "1"],
        &["audit", "archive"],
        &["--key-file", "k", "audit", "head"],
    ] {
        let run = spg(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.out, "", "{arguments:?}");
        assert_ne!(run.err, "", "{arguments:?}");
    }
}

/// An address where nobody listens: the port was free a moment ago.
fn nobody() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn without_a_server_it_says_what_to_do() {
    let address = nobody();
    for arguments in
        [&["query", "SELECT 1"][..], &["shell"], &["export", "t"], &["stats"], &["ping"]]
    {
        let run = spg(&[arguments, &["--addr", &address]].concat());
        assert_eq!((run.status, run.out.as_str()), (3, ""), "{run:?}");
        assert!(run.err.starts_with("ERROR:  08001: could not connect to 127.0.0.1:"), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        for way in ["spg-server", "--addr", "SPG_ADDR", "--memory"] {
            assert!(run.err.contains(way), "{way}: {run:?}");
        }
        let run = spg(&[arguments, &["--addr", &address, "--format", "jsonl"]].concat());
        assert_eq!((run.status, run.err.as_str()), (3, ""), "{run:?}");
        assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"08001\","), "{run:?}");
        assert_eq!(run.out.lines().count(), 1, "{run:?}");
    }
}

#[test]
fn version_needs_no_server() {
    let address = nobody();
    let version = env!("CARGO_PKG_VERSION");
    let own = format!("spg {version} (engine {version})\n");
    let run = spg(&["version", "--addr", &address]);
    assert_eq!((run.status, run.out), (0, format!("{own}no server answers at {address}\n")));
    let run = spg(&["version", "--memory"]);
    assert_eq!((run.status, run.out), (0, own));
    let object = format!(
        "{{\"tag\":\"VERSION\",\"columns\":[\"client\",\"server\"],\"types\":[\"text\",\"text\"],\
         \"rows\":[[\"{version}\",null]]}}"
    );
    for (format, expected) in [
        ("csv", format!("client,server\n{version},\n")),
        ("json", format!("[{object}]\n")),
        ("jsonl", format!("{object}\n")),
    ] {
        for place in [&["--memory"][..], &["--addr", &address]] {
            let run = spg(&[&["version", "--format", format], place].concat());
            assert_eq!((run.status, run.out.as_str()), (0, expected.as_str()), "{place:?}");
        }
    }
}

#[test]
fn a_block_left_open_is_rolled_back_and_said() {
    for sql in ["BEGIN", "BEGIN; SELECT x", "BEGIN; CREATE TABLE t (a INT)"] {
        let run = spg(&["--memory", "query", sql]);
        assert_eq!(run.status, 1, "{run:?}");
        let said = "WARNING:  the transaction block was left open and has been rolled back\n";
        assert!(run.err.ends_with(said), "{run:?}");
    }
    let run = spg(&["--memory", "query", "BEGIN; COMMIT"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
}

#[test]
fn options_stand_before_and_after() {
    for arguments in [
        &["--memory", "query", "-- a comment\nSELECT 1 = 1", "--format", "jsonl"],
        &["--memory", "query", "--receipt", "--format=jsonl", "--a comment;\nSELECT 1"],
        &["--memory", "--format", "jsonl", "query", "SELECT 1"][..],
        &["query", "SELECT 1", "--memory", "--format", "jsonl"],
        &["--format=jsonl", "query", "--memory", "--memory-limit", "64MB", "SELECT 1"],
    ] {
        let run = spg(arguments);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.out.starts_with("{\"tag\":\"SELECT 1\""), "{run:?}");
    }
}
