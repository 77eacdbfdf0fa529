//! `backup` and `restore`, and points in time, against the real daemon and in process.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use spg_wire::client::Client;

use crate::daemon::{Daemon, signal};
use crate::support::{Run, spg, spg_in};

const CLIENTS: i32 = 3;

/// How far each client is: the last row that it began, and the last that was acknowledged.
#[derive(Default)]
struct Journal {
    begun: [AtomicI32; CLIENTS as usize],
    acknowledged: [AtomicI32; CLIENTS as usize],
}

fn numbers(counters: &[AtomicI32]) -> Vec<i32> {
    counters.iter().map(|counter| counter.load(Ordering::SeqCst)).collect()
}

fn write(address: &str, client: i32, journal: &Journal, is_over: &AtomicBool) {
    let place = client as usize;
    let mut connection = Client::connect(address).unwrap();
    for n in 1.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        journal.begun[place].store(n, Ordering::SeqCst);
        connection.execute("INSERT INTO t VALUES ($1, $2)", &[&client, &n]).unwrap();
        journal.acknowledged[place].store(n, Ordering::SeqCst);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn fine(run: Run) -> String {
    assert_eq!(run.status, 0, "{run:?}");
    run.out
}

/// Rows of a query as CSV lines, without the header.
fn rows(data: &Path, query: &str) -> Vec<String> {
    let out = fine(spg(&["--data-dir", text(data), "--format", "csv", "query", query]));
    out.lines().skip(1).map(str::to_owned).collect()
}

/// What one client has is all from its first row to its last, which is between the two.
fn check_prefix(data: &Path, at_least: &[i32], at_most: &[i32]) {
    let query = "SELECT count(*), coalesce(max(n), 0) FROM t WHERE client = ";
    for client in 0..CLIENTS as usize {
        let found = rows(data, &format!("{query}{client}"));
        let (count, last) = found[0].split_once(',').unwrap();
        assert_eq!(count, last, "client {client} misses one before its last");
        let last: i32 = last.parse().unwrap();
        assert!((at_least[client]..=at_most[client]).contains(&last), "{last}: client {client}");
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_backup_under_writers_is_a_prefix_and_every_commit_behind_it_can_be_gone_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, archive) = (path("data"), path("archive"));
    let small = ["--wal-segment-size", "32KB", "--checkpoint-wal-size", "64KB"];
    let options =
        [&["--data-dir", text(&data), "--archive-dir", text(&archive)], &small[..]].concat();
    let mut daemon = Daemon::start(&options);
    fine(daemon.spg(&["query", "CREATE TABLE t (client INT, n INT, PRIMARY KEY (client, n))"]));

    let (journal, is_over) = (Journal::default(), AtomicBool::new(false));
    let backups = [path("backup-0"), path("backup-1")];
    let bounds = thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (address, journal, is_over) = (&daemon.address, &journal, &is_over);
            scope.spawn(move || write(address, client, journal, is_over));
        }
        let bounds = backups.each_ref().map(|backup| {
            let before = numbers(&journal.acknowledged);
            wait_until("writers go on", || {
                let now = numbers(&journal.acknowledged);
                now.iter().zip(&before).all(|(now, before)| *now > before + 30)
            });
            let at_least = numbers(&journal.acknowledged);
            let out = fine(daemon.spg(&["--format", "json", "backup", text(backup)]));
            assert!(out.contains(r#"["commit","bytes","files","seconds"]"#), "{out}");
            (at_least, numbers(&journal.begun))
        });
        is_over.store(true, Ordering::SeqCst);
        bounds
    });

    // What follows happens alone, so that what each commit left behind is known.
    let mut client = Client::connect(&*daemon.address).unwrap();
    let total = "SELECT count(*)::INT, sum(n)::INT FROM t";
    let mut moments = Vec::new();
    for round in 0..6 {
        let change = if round % 2 == 0 {
            "DELETE FROM t WHERE n = $1"
        } else {
            "UPDATE t SET n = -n WHERE n = $1"
        };
        client.execute(change, &[&(round + 1)]).unwrap();
        let commit = client.last_receipt().unwrap().commit;
        let row = client.query_one(total, &[]).unwrap();
        moments.push((commit, format!("{},{}", row.get::<i32>(0), row.get::<i32>(1))));
    }
    drop(client);
    daemon.stop();

    for (place, (backup, (at_least, at_most))) in backups.iter().zip(&bounds).enumerate() {
        let restored = path(&format!("restored-{place}"));
        let out = fine(spg(&["restore", text(backup), text(&restored)]));
        assert!(out.contains("verified"), "{out}");
        check_prefix(&restored, at_least, at_most);
        // It goes on, under a daemon as in process.
        let mut daemon = Daemon::start(&["--data-dir", text(&restored)]);
        fine(daemon.spg(&["query", "INSERT INTO t VALUES (9, 1)"]));
        fine(daemon.spg(&["verify"]));
        fine(daemon.spg(&["audit", "verify"]));
        daemon.stop();
        fine(spg(&["--data-dir", text(&restored), "verify"]));
        fine(spg(&["audit", "verify", text(&restored.join("audit.log"))]));
    }
    for (place, (commit, state)) in moments.iter().enumerate() {
        let restored = path(&format!("at-{commit}"));
        let backup = text(&backups[place % 2]);
        let to =
            [backup, text(&restored), "--archive-dir", text(&archive), "--to", &commit.to_string()];
        fine(spg(&[&["restore"], &to[..]].concat()));
        assert_eq!(rows(&restored, total), [state.as_str()], "commit {commit}");
        fine(spg(&["--data-dir", text(&restored), "verify"]));
    }
    let restored = path("end");
    let out = fine(spg(&[
        "restore",
        text(&backups[0]),
        text(&restored),
        "--archive-dir",
        text(&archive),
    ]));
    assert!(out.contains(&format!("commit {} of ", moments[5].0)), "{out}");
    assert_eq!(rows(&restored, total), [moments[5].1.as_str()]);
}

#[test]
fn an_archive_that_cannot_be_written_is_told_and_made_up_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, archive) = (path("data"), path("archive"));
    let interval = ["--archive-interval", "1", "--wal-segment-size", "16KB"];
    let options =
        [&["--data-dir", text(&data), "--archive-dir", text(&archive)], &interval[..]].concat();
    let mut daemon = Daemon::start(&options);
    fine(daemon.spg(&["query", "CREATE TABLE t (id INT)"]));
    fine(daemon.spg(&["backup", text(&path("backup"))]));
    let is_state = |wanted: &str| {
        let stats = fine(daemon.spg(&["stats"]));
        stats.lines().any(|line| line.trim_start().starts_with("archive ") && line.contains(wanted))
    };
    fs::remove_dir_all(&archive).unwrap();
    fine(daemon.spg(&["query", "INSERT INTO t VALUES (1)"]));
    wait_until("it is told", || is_state("failing: "));
    fine(daemon.spg(&["query", "INSERT INTO t VALUES (2)"]));
    fine(daemon.spg(&["checkpoint"]));
    fs::create_dir(&archive).unwrap();
    wait_until("it is made up for", || is_state("archived"));
    fine(daemon.spg(&["query", "INSERT INTO t VALUES (3)"]));
    daemon.kill();
    // What was committed before it was killed is archived by the next.
    let mut daemon = Daemon::start(&options);
    daemon.stop();
    let restored = path("restored");
    let archive = ["--archive-dir", text(&archive)];
    fine(spg(&[&["restore", text(&path("backup")), text(&restored)], &archive[..]].concat()));
    assert_eq!(rows(&restored, "SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
}

#[test]
fn restore_says_what_is_wrong_and_exits_by_it() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| spg_in(directory.path(), arguments, "");
    fs::create_dir(directory.path().join("keys")).unwrap();
    let key = directory.path().join("keys/key");
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let keyed = |arguments: &[&str]| run(&[&["--audit-key-file", "keys/key"], arguments].concat());
    let on_data = |arguments: &[&str]| keyed(&[&["--data-dir", "data"], arguments].concat());
    assert_eq!(on_data(&["backup", "b"]).status, 1, "a backup makes no database");
    fine(on_data(&["query", "CREATE TABLE t (id INT); INSERT INTO t VALUES (1)"]));
    fine(on_data(&["backup", "b"]));
    assert!(on_data(&["backup", "b"]).err.contains("is not empty"));

    for (run, status, reason) in [
        (run(&["restore", "b", "r"]), 2, "the backup has a key, none was given"),
        (keyed(&["restore", "b", "data"]), 2, "data: the directory is not empty"),
        (keyed(&["restore", "data", "r"]), 4, "no manifest"),
        (keyed(&["restore", "absent", "r"]), 4, "no manifest"),
        (keyed(&["restore", "b", "r", "--to", "99"]), 2, "--archive-dir"),
        (keyed(&["restore", "b", "r", "--to", "1"]), 2, "which is later"),
        (keyed(&["restore", "b", "r", "--to", "soon"]), 2, "expected a commit's number"),
        (keyed(&["restore", "b", "r", "--archive-dir", "keys"]), 4, "no segment of a log"),
        (run(&["--memory", "backup", "m"]), 1, "in memory"),
    ] {
        assert_eq!(run.status, status, "{run:?}");
        assert!(run.err.contains(reason), "{run:?}");
    }
    for name in ["spg.db", "audit.log", "MANIFEST"] {
        let path = directory.path().join("b").join(name);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(&path, changed).unwrap();
        let refused = keyed(&["restore", "b", "r"]);
        assert_eq!(refused.status, 4, "{refused:?}");
        for part in [name, "expected", "found"] {
            assert!(refused.err.contains(part), "{refused:?}");
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(!directory.path().join("r").exists());
    let out = fine(keyed(&["--format", "json", "restore", "b", "r"]));
    assert!(out.starts_with(r#"[{"tag":"RESTORE","columns":["commit","time","#), "{out}");
    let out = fine(keyed(&["--data-dir", "r", "query", "SELECT id FROM t"]));
    assert!(out.contains("(1 row)"), "{out}");
    fine(keyed(&["--data-dir", "r", "audit", "verify"]));
}

/// Whenever it is ended: nothing is left, and it can be tried again.
#[test]
fn a_restore_that_is_ended_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let data = path("data");
    let script = "CREATE TABLE d (n INT); INSERT INTO d VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9); \
                  CREATE TABLE t (id INT PRIMARY KEY, a TEXT); INSERT INTO t SELECT a.n * 10000 + b.n * 1000 + \
                  c.n * 100 + d.n * 10 + e.n, repeat('x', 100) FROM d a, d b, d c, d d, d e; CREATE INDEX ON t (a)";
    fine(spg(&["--data-dir", text(&data), "query", script]));
    fine(spg(&["--data-dir", text(&data), "backup", text(&path("backup"))]));
    let restored = path("restored");
    let mut was_ended = false;
    for delay in (0..).map(|step| Duration::from_millis(step * step)) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spg"));
        command.args(["restore", text(&path("backup")), text(&restored)]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        thread::sleep(delay);
        signal("INT", child.id());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        // Ended by the signal when it had nothing left to do but to say so, it is whole as well.
        if ended.status.success() || (ended.status.code() == Some(130) && restored.exists()) {
            break;
        }
        assert!(!restored.exists(), "after {delay:?}: {said}");
        // Before it watched signals it said nothing.
        was_ended |= ended.status.code() == Some(1) && said.contains("57014");
    }
    assert!(was_ended, "it was never ended in the middle");
    assert_eq!(rows(&restored, "SELECT count(*) FROM t"), ["100000"]);
}
