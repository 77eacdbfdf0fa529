//! `spg bench` on a database in this process, and of the raw disk.

use std::fs;
use std::path::Path;

use crate::daemon::signal;
use crate::support::{Conversation, Run, spg_in};

fn on_data(directory: &Path, arguments: &[&str]) -> Run {
    spg_in(directory, &[&["--data-dir", "data"], arguments].concat(), "")
}

fn bench(directory: &Path, place: &[&str], arguments: &[&str]) -> Run {
    let common = ["bench", "--seconds", "1", "--format", "json"];
    spg_in(directory, &[place, &common, arguments].concat(), "")
}

fn figures(run: &Run) -> serde_json::Value {
    assert_eq!(run.status, 0, "{run:?}");
    let figures: serde_json::Value = serde_json::from_str(&run.out).expect(&run.out);
    assert_eq!(figures.as_object().unwrap().len(), 11);
    assert!(figures["operations"].as_u64().unwrap() > 0, "{run:?}");
    assert_eq!(figures["errors"], 0, "{run:?}");
    figures
}

#[test]
fn workloads_run_in_process_and_drop_their_tables() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // What a run that was killed has left is no obstacle.
    let left = on_data(directory, &["query", "CREATE TABLE spg_bench_0_events (a INT)"]);
    assert_eq!(left.status, 0, "{left:?}");
    let on_files: [(&[&str], u64); 4] = [
        (&["insert", "--rows", "100", "--threads", "1"], 1),
        (&["insert", "--rows", "100", "--clients", "3", "--durability", "off"], 3),
        (&["update", "--rows", "50000", "--threads", "2", "--simple"], 2),
        (&["point-read", "--rows", "1000", "--threads", "1", "--writers", "1", "--checkpoints"], 1),
    ];
    for (arguments, clients) in on_files {
        let run = bench(directory, &["--data-dir", "data"], arguments);
        let figures = figures(&run);
        assert_eq!(
            (&figures["workload"], &figures["clients"]),
            (&arguments[0].into(), &clients.into())
        );
        let beside = arguments.contains(&"--checkpoints");
        assert_eq!(run.err.contains("checkpoints: "), beside, "{run:?}");
        assert_eq!(run.err.contains("writers: "), beside, "{run:?}");
    }
    for table in ["accounts", "events"] {
        let run = on_data(directory, &["query", &format!("SELECT 1 FROM spg_bench_0_{table}")]);
        assert!(run.err.contains("does not exist"), "{run:?}");
    }
    let verified = on_data(directory, &["verify"]);
    assert_eq!(verified.status, 0, "{verified:?}");
    for workload in ["range-read", "tpcb-like", "mixed", "knn"] {
        figures(&bench(directory, &["--memory"], &[workload, "--rows", "1000", "--threads", "1"]));
    }
}

#[test]
fn the_raw_disk_is_measured_and_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let figures = figures(&bench(directory, &[], &["raw-sync"]));
    assert_eq!((&figures["workload"], &figures["clients"]), (&"raw-sync".into(), &1.into()));
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
    let absent = bench(directory, &[], &["raw-sync", "--dir", "absent"]);
    assert_eq!(absent.status, 1, "{absent:?}");
    assert!(absent.out.contains("\"58030\""), "{absent:?}");

    let path = directory.to_str().unwrap();
    let run = Conversation::start(&["bench", "raw-sync", "--seconds", "600", "--dir", path]);
    while fs::read_dir(directory).unwrap().count() == 0 {}
    signal("TERM", run.child.id());
    let run = run.finish();
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.err.contains("canceling statement"), "{run:?}");
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[test]
fn an_interrupt_drops_the_tables_and_closes_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    let common = ["--data-dir", data, "bench", "insert", "--rows", "100", "--seconds", "600"];
    let run = Conversation::start(&common);
    // The first checkpoint of a new database is made with it, so tables are being filled or used by then.
    while !directory.path().join("data/spg.db").exists() {}
    signal("INT", run.child.id());
    let run = run.finish();
    assert_eq!(run.status, 1, "{run:?}");
    let gone = on_data(directory.path(), &["query", "SELECT 1 FROM spg_bench_0_events"]);
    assert!(gone.err.contains("does not exist"), "{gone:?}");
    assert_eq!(on_data(directory.path(), &["verify"]).status, 0);
}
