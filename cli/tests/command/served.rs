//! `spg` against the daemon: a session, the questions about real data while a benchmark runs, the server's own commands.

use std::fs;
use std::path::Path;

use crate::daemon::Daemon;
use crate::support::{Conversation, spg, spg_in};

/// Each line is an invocation of its own.
#[test]
fn a_session_of_invocations() {
    let daemon = Daemon::start(&[]);
    let create = "CREATE TABLE u (id INT NOT NULL, name TEXT NOT NULL)";
    let nearest = "SELECT * FROM w ORDER BY v <-> [1.0, 2.0, 3.0] LIMIT 2";
    let alice = " id | name  \n----+-------\n  1 | alice\n(1 row)\n\n";
    let session: [(&[&str], &str); 11] = [
        (&["query", create], "CREATE TABLE\n"),
        (&["query", "INSERT INTO u VALUES (1, 'alice')"], "INSERT 0 1\n"),
        (&["query", "SELECT * FROM u"], alice),
        (&["query", "BEGIN", "--session", "s"], "BEGIN\n"),
        (&["query", "INSERT INTO u VALUES (2, 'bob')", "--session", "s"], "INSERT 0 1\n"),
        (&["query", "COMMIT", "--session", "s"], "COMMIT\n"),
        (&["query", "CREATE INDEX by_id ON u (id)"], "CREATE INDEX\n"),
        (&["query", "SELECT * FROM u WHERE id = 1"], alice),
        (&["query", "CREATE TABLE w (v VECTOR(3))"], "CREATE TABLE\n"),
        (&["query", "INSERT INTO w VALUES ([4, 5, 6]), ([1, 2, 3]), ([0, 0, 0])"], "INSERT 0 3\n"),
        (&["query", nearest], "    v    \n---------\n [1,2,3]\n [0,0,0]\n(2 rows)\n\n"),
    ];
    for (arguments, expected) in session {
        let run = daemon.spg(arguments);
        assert_eq!((run.status, run.out.as_str()), (0, expected), "{arguments:?}: {run:?}");
        assert_eq!(run.err, "", "{arguments:?}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let told =
        format!("spg {version} (engine {version})\nserver {version} at {}\n", daemon.address);
    assert_eq!(daemon.spg(&["version"]).out, told);
    let csv = daemon.spg(&["version", "--format", "csv"]);
    assert_eq!((csv.status, csv.out), (0, format!("client,server\n{version},{version}\n")));
}

#[test]
fn real_data_is_imported_and_asked_while_a_benchmark_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tour = fs::read_to_string(root.join("cli/examples/tour.sql")).unwrap();
    let own = spg_in(root, &["--memory", "shell"], &tour);
    assert_eq!(own.status, 1, "its last part shows a statement that fails: {own:?}");
    let daemon = Daemon::start(&[]);
    let bench = ["--addr", &daemon.address, "bench", "point-read", "--rows", "1000"];
    let bench =
        Conversation::start(&[&bench[..], &["--seconds", "2", "--format", "json"]].concat());
    assert_eq!(daemon.spg_in(root, &["shell"], &tour), own);
    let bench = bench.finish();
    assert_eq!(bench.status, 0, "{bench:?}");
}

/// When the time is up, clients of one thread wait for locks that others of the same thread hold.
#[test]
fn a_benchmark_ends_whoever_waits_for_whom() {
    let daemon = Daemon::start(&[]);
    let load = ["bench", "tpcb-like", "--clients", "16", "--isolation", "read-committed"];
    let run =
        daemon.spg(&[&load[..], &["--rows", "10", "--seconds", "1", "--format", "json"]].concat());
    assert_eq!(run.status, 0, "{run:?}");
    let figures: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert!(figures["operations"].as_u64().unwrap() > 0, "{run:?}");
    assert_eq!(figures["errors"], 0, "{run:?}");
}

#[test]
fn health_is_told() {
    let mut daemon = Daemon::start(&[]);
    let healthy = daemon.spg(&["health"]);
    assert_eq!((healthy.status, healthy.err.as_str()), (0, ""), "{healthy:?}");
    let expected =
        format!("{} is healthy: ready, takes writes, 0 commits, answered in ", daemon.address);
    assert!(healthy.out.starts_with(&expected), "{healthy:?}");
    let row = daemon.spg(&["health", "--format", "jsonl"]);
    assert!(row.out.contains("\"state\"") && row.out.contains("\"accepted\""), "{row:?}");
    daemon.kill();
    let gone = daemon.spg(&["health"]);
    assert_eq!((gone.status, gone.out.as_str()), (3, ""), "{gone:?}");
    let full = Daemon::start(&["--max-connections", "1"]);
    // The connection that asked whether the daemon is ready may have the one place for a moment yet.
    let _first = loop {
        if let Ok(first) = spg_wire::client::Client::connect(full.address.as_str()) {
            break first;
        }
    };
    let refused = full.spg(&["health"]);
    assert!(refused.status == 1 && refused.err.contains("53300"), "{refused:?}");
    let here = spg(&["--memory", "health"]);
    assert_eq!(here.status, 2, "{here:?}");
}

#[test]
fn ping_and_stats_answer_in_every_format() {
    let daemon = Daemon::start(&[]);
    let ping = daemon.spg(&["ping"]);
    assert_eq!((ping.status, ping.err.as_str()), (0, ""));
    assert!(ping.out.starts_with(&format!("{} answers in ", daemon.address)), "{ping:?}");
    assert_eq!(ping.out.lines().count(), 1);
    let stats = daemon.spg(&["stats"]);
    assert!(stats.out.contains(" connections "), "{stats:?}");
    for (command, tag, column) in [("ping", "PING", "round_trip_us"), ("stats", "STATS", "value")] {
        let lines = daemon.spg(&[command, "--format", "jsonl"]).out;
        let answer: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(answer["tag"], tag);
        assert!(answer["columns"].as_array().unwrap().contains(&column.into()), "{lines}");
        assert!(!answer["rows"].as_array().unwrap().is_empty(), "{lines}");
        let csv = daemon.spg(&[command, "--format", "csv"]);
        assert!(csv.out.lines().next().unwrap().contains(column), "{csv:?}");
    }
}

#[test]
fn ping_waits_for_a_server_that_is_to_come() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let none = spg(&["--addr", &address, "ping", "--ready", "--timeout", "0"]);
    assert_eq!(none.status, 3, "{none:?}");
    assert!(none.err.starts_with("ERROR:  08001: "), "{none:?}");
    let waiting = Conversation::start(&["--addr", &address, "ping", "--ready", "--timeout", "60"]);
    let _daemon = Daemon::start_at(&address, &[]);
    let waited = waiting.finish();
    assert_eq!(waited.status, 0, "{waited:?}");
}

#[test]
fn a_block_left_open_is_rolled_back() {
    let daemon = Daemon::start(&[]);
    daemon.spg(&["query", "CREATE TABLE t (a INT)"]);
    let run = daemon.spg(&["query", "BEGIN; INSERT INTO t VALUES (1)"]);
    assert_eq!((run.status, run.out.as_str()), (1, "BEGIN\nINSERT 0 1\n"));
    assert_eq!(run.err, "WARNING:  the transaction block was left open and has been rolled back\n");
    let count = daemon.spg(&["query", "SELECT count(*) AS n FROM t", "--format", "csv"]);
    assert_eq!(count.out, "n\n0\n");
}

#[test]
fn a_large_answer_streams() {
    let daemon = Daemon::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..50_000).map(|n| format!("{n},{}\n", "x".repeat(100))).collect();
    let rows = rows.concat();
    fs::write(directory.path().join("a.csv"), format!("n,text\n{rows}")).unwrap();
    let imported = daemon.spg_in(directory.path(), &["import", "t", "a.csv", "--create"], "");
    assert_eq!((imported.status, imported.out.as_str()), (0, "IMPORT 50000\n"));
    let exported = daemon.spg(&["export", "t"]);
    assert_eq!((exported.status, exported.out), (0, format!("n,text\n{rows}")));
    let table = daemon.spg(&["query", "SELECT n FROM t"]);
    assert!(table.out.ends_with("(50000 rows)\n\n"));
}
