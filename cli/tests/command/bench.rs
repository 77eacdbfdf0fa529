//! `spg bench`: what it prints, and that it leaves nothing behind.

use crate::daemon::{Daemon, signal};
use crate::support::Conversation;

/// Members of the object that `--format json` prints.
const MEMBERS: [&str; 11] = [
    "workload",
    "clients",
    "pipeline",
    "seconds",
    "operations",
    "per_second",
    "p50_us",
    "p99_us",
    "p999_us",
    "max_us",
    "errors",
];

fn start(daemon: &Daemon, seconds: &str, arguments: &[&str]) -> Conversation {
    let common = ["--addr", &daemon.address, "bench", "--seconds", seconds, "--rows", "1000"];
    Conversation::start(&[&common[..], &["--format", "json"], arguments].concat())
}

/// Whether one of these tables of a run is there; the id of its first session, which is below `id_max`, is in its name.
fn is_there(daemon: &Daemon, tables: &[&str], id_max: usize) -> bool {
    let select = |id: usize| {
        let select = |table| format!("SELECT 1 FROM spg_bench_{id}_{table} LIMIT 1;");
        tables.iter().map(select).collect::<String>()
    };
    let script: String = (1..id_max).map(select).collect();
    let run = daemon.spg(&["query", &script, "--format", "jsonl"]);
    assert_eq!(run.out.lines().count(), (id_max - 1) * tables.len());
    run.out.lines().any(|line| !line.contains("\"42P01\""))
}

#[test]
fn every_workload_prints_its_figures_and_drops_its_tables() {
    let daemon = Daemon::start(&[]);
    let cases: [&[&str]; 12] = [
        &["point-read"],
        &["point-read", "--clients", "1"],
        &["point-read", "--simple", "--pipeline", "3", "--clients", "2"],
        &["point-read", "--clients", "3", "--threads", "2", "--writers", "1"],
        &["range-read", "--prepared"],
        &["insert", "--clients", "2", "--pipeline", "4"],
        &["update"],
        &["update", "--durability", "off", "--checkpoints"],
        &["tpcb-like", "--clients", "2"],
        &["tpcb-like", "--clients", "2", "--pipeline", "2", "--simple"],
        &["mixed"],
        &["knn", "--clients", "2"],
    ];
    // Side by side: none is in another's way.
    let runs: Vec<Conversation> = cases.iter().map(|case| start(&daemon, "1", case)).collect();
    for (run, case) in runs.into_iter().zip(cases) {
        let run = run.finish();
        assert_eq!(run.status, 0, "{case:?}: {run:?}");
        let figures: serde_json::Value = serde_json::from_str(&run.out).expect(&run.out);
        let figures = figures.as_object().unwrap();
        assert_eq!(figures.len(), MEMBERS.len(), "{figures:?}");
        assert!(MEMBERS.iter().all(|member| figures.contains_key(*member)), "{figures:?}");
        assert_eq!(figures["workload"], case[0]);
        assert_eq!(figures["seconds"], 1);
        assert!(figures["operations"].as_u64().unwrap() > 0, "{case:?}: {run:?}");
        let at = |share: &str| figures[share].as_f64().unwrap();
        assert!(at("p50_us") > 0.0 && at("p50_us") <= at("p99_us"), "{figures:?}");
        assert!(at("p999_us") <= at("max_us"), "{figures:?}");
    }
    let contention = start(&daemon, "1", &["tpcb-like", "--contention", "--clients", "3"]).finish();
    let figures: serde_json::Value = serde_json::from_str(&contention.out).expect(&contention.out);
    let count = |member: &str| figures[member].as_u64().unwrap();
    assert!(count("client_min") <= count("client_median"), "{figures}");
    assert!(count("client_median") <= count("client_max"), "{figures}");
    assert!((1..=count("operations")).contains(&count("client_max")), "{figures}");
    assert!(count("writer_hold_p99_us") > 0, "{figures}");
    let tables = ["accounts", "events", "vectors", "branches", "tellers", "history"];
    assert!(!is_there(&daemon, &tables, 150));
}

#[test]
fn an_interrupt_drops_the_tables() {
    // `timeout` sends its signal to the process and to the group, so twice.
    for signals in [&["INT"][..], &["TERM", "TERM"], &["HUP"]] {
        let daemon = Daemon::start(&[]);
        let bench = start(&daemon, "600", &["point-read"]);
        while !is_there(&daemon, &["accounts"], 10) {}
        for name in signals {
            signal(name, bench.child.id());
        }
        let run = bench.finish();
        assert_eq!(run.status, 1, "{signals:?}: {run:?}");
        assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"57014\","), "{run:?}");
        assert!(!is_there(&daemon, &["accounts"], 10), "{signals:?}");
    }
}

#[test]
fn a_lost_server_ends_it() {
    let mut daemon = Daemon::start(&[]);
    let bench = start(&daemon, "600", &["point-read"]);
    while !is_there(&daemon, &["accounts"], 10) {}
    daemon.kill();
    let run = bench.finish();
    assert_eq!(run.status, 3, "{run:?}");
    assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"080"), "{run:?}");
}
