//! The daemon and its files: every state they can be found in, who else has them open, who may read them, what survives.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use spg_wire::Severity;
use spg_wire::client::{Client, ScriptEvent};

use crate::support::{Daemon, Stored, flip, ids, number, refusal, wait_until};

/// What opening answers.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Exit status 4 and a line with this in it.
    Refused(&'static str),
    /// It opens with everything that was acknowledged.
    Whole,
}

use Answer::{Refused, Whole};

/// A database that was killed: 20 rows when it was copied, 40 in its image, 60 in its log; and the copy.
fn killed() -> (Stored, Stored) {
    let stored = Stored::new();
    let mut daemon = stored.start(&[]);
    insert(&mut daemon.client(), 0..20, "CREATE TABLE t (id INT PRIMARY KEY)");
    daemon.stop();
    let older = stored.copy();
    let mut daemon = stored.start(&[]);
    insert(&mut daemon.client(), 20..40, "SELECT 1");
    insert(&mut daemon.client(), 40..60, "CHECKPOINT");
    // Without a write for a moment the log's last group is proven: then no byte may change.
    std::thread::sleep(Duration::from_millis(400));
    daemon.kill();
    (stored, older)
}

fn insert(client: &mut Client, ids: std::ops::Range<i32>, before: &str) {
    client.batch_execute(before).unwrap();
    let insert = client.prepare("INSERT INTO t VALUES ($1)").unwrap();
    for id in ids {
        client.execute(&insert, &[&id]).unwrap();
    }
}

#[test]
fn files_that_are_not_as_they_were_left_are_refused_by_name() {
    let (stored, older) = killed();
    let (other, _) = killed();
    let log_name = stored.segments()[0].file_name().unwrap().to_str().unwrap().to_owned();
    let log = log_name.as_str();
    let table = [
        ("spg.db", "absent", Refused("is absent")),
        ("spg.db", "empty", Refused("offset 0")),
        ("spg.db", "damaged", Refused("checksum")),
        ("spg.db", "older", Whole),
        ("spg.db", "other", Refused("another database")),
        ("audit.log", "absent", Refused("is absent")),
        ("audit.log", "empty", Refused("offset 0")),
        ("audit.log", "damaged", Refused("hash differs")),
        ("audit.log", "older", Refused("an entry that was synced")),
        ("audit.log", "other", Refused("another database")),
        (log, "absent", Refused("no segment")),
        (log, "empty", Refused("cut short")),
        (log, "damaged", Refused("damaged")),
        (log, "older", Refused("older than the image")),
        (log, "other", Refused("another database")),
    ];
    for (name, state, answer) in table {
        let found = stored.copy();
        let file = found.file(name);
        match state {
            "absent" => fs::remove_file(&file).unwrap(),
            "empty" => fs::write(&file, "").unwrap(),
            "damaged" => flip(&file, damaged_at(&file)),
            "older" => drop(fs::copy(older.file(name), &file).unwrap()),
            _ => drop(fs::copy(other.file(name), &file).unwrap()),
        }
        match answer {
            Refused(word) => {
                let (status, line) = refusal(&mut found.command(&[]));
                assert_eq!(status, 4, "{name} {state}: {line}");
                assert!(
                    line.contains(word) && line.contains(&*found.path().to_string_lossy()),
                    "{name} {state}: {line}"
                );
            }
            Whole => {
                let daemon = found.start(&[]);
                assert!((0..60).eq(ids(&mut daemon.client())), "{name} {state}");
            }
        }
    }
    // As they were left, they open; and without any there is a new database.
    let daemon = stored.start(&[]);
    assert!((0..60).eq(ids(&mut daemon.client())));
    let daemon = Stored::new().start(&[]);
    daemon.client().batch_execute("CREATE TABLE t (id INT)").unwrap();
}

/// A byte that is needed: in the middle, or of the log in a record behind the last checkpoint's.
fn damaged_at(file: &Path) -> usize {
    let bytes = fs::read(file).unwrap();
    if !file.to_string_lossy().contains("wal.log") {
        return bytes.len() / 2;
    }
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    end - 2_000
}

#[test]
fn the_operator_can_give_up_what_is_damaged() {
    let (stored, _) = killed();
    let log = stored.segments()[0].clone();
    flip(&log, damaged_at(&log));
    let (status, line) = refusal(&mut stored.command(&[]));
    assert_eq!(status, 4, "{line}");
    let lsn = line.rsplit("--recover-to ").next().unwrap();
    let mut daemon = stored.start(&["--recover-to", lsn]);
    let left = ids(&mut daemon.client());
    assert!((40..60).contains(&left.len()), "{left:?}");
    assert!((0..left.len() as i32).eq(left));
    daemon.client().execute("INSERT INTO t VALUES (100)", &[]).unwrap();
    daemon.stop();
    assert_eq!(ids(&mut stored.start(&[]).client()).last(), Some(&100));
}

#[test]
fn a_second_daemon_is_refused_at_once_and_told_of_the_first() {
    let stored = Stored::new();
    let first = stored.start(&[]);
    let link = stored.path().with_file_name("link");
    symlink(stored.path(), &link).unwrap();
    for directory in [stored.path(), link] {
        let mut command = Daemon::command();
        command.arg("127.0.0.1:0").arg("--data-dir").arg(&directory);
        let begin = Instant::now();
        let (status, line) = refusal(&mut command);
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert_eq!(status, 1, "{line}");
        assert!(line.contains(&format!("process {}", first.process())), "{line}");
    }
    // A part of the files is as good as all of them.
    let mut command = Daemon::command();
    command.args(["127.0.0.1:0", "-"]).arg(stored.file("audit.log"));
    assert_eq!(refusal(&mut command).0, 1);
    first.client().batch_execute("CREATE TABLE t (id INT)").unwrap();
}

#[test]
fn files_are_their_owners_alone() {
    let stored = Stored::new();
    let daemon = stored.start(&["--wal-segment-size", "16KB"]);
    insert(&mut daemon.client(), 0..200, "CREATE TABLE t (id INT PRIMARY KEY)");
    daemon.client().batch_execute("CHECKPOINT").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&stored.path()), 0o700);
    let files: Vec<_> = fs::read_dir(stored.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(files.len() > 6, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn what_a_missing_argument_would_hide_is_asked_for() {
    let stored = Stored::new();
    stored.start(&[]).stop();
    for (audit, wal, needed) in [("-", "wal.log", "AUDIT"), ("audit.log", "-", "WAL")] {
        let mut command = Daemon::command();
        command.arg("127.0.0.1:0").arg(stored.file("spg.db"));
        for word in [audit, wal] {
            command.arg(if word == "-" { "-".into() } else { stored.file(word) });
        }
        let (status, line) = refusal(&mut command);
        assert_eq!(status, 2, "{line}");
        assert!(line.contains(needed), "{line}");
    }
    let (status, line) = refusal(&mut stored.command(&["--audit-key-file", "/no/such/key"]));
    assert_eq!(status, 1, "{line}");
    let key = stored.file("key");
    fs::write(&key, [1; 32]).unwrap();
    let (status, line) = refusal(&mut stored.command(&["--audit-key-file", key.to_str().unwrap()]));
    assert_eq!(status, 2, "{line}");
    assert!(line.contains("beside the files"), "{line}");
}

#[test]
fn a_keyed_chain_opens_with_its_key_alone() {
    let stored = Stored::new();
    let keys = tempfile::tempdir().unwrap();
    let paths = ["right", "wrong"].map(|name| keys.path().join(name).to_str().unwrap().to_owned());
    for (byte, path) in paths.iter().enumerate() {
        fs::write(path, [byte as u8; 32]).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let mut daemon = stored.start(&["--audit-key-file", &paths[0]]);
    insert(&mut daemon.client(), 0..3, "CREATE TABLE t (id INT PRIMARY KEY)");
    daemon.stop();
    for options in [&["--audit-key-file", &paths[1]][..], &[]] {
        let (status, line) = refusal(&mut stored.command(options));
        assert_eq!(status, 2, "{options:?}: {line}");
        assert!(line.contains("key"), "{line}");
    }
    let daemon = stored.start(&["--audit-key-file", &paths[0]]);
    assert_eq!(ids(&mut daemon.client()), [0, 1, 2]);
    daemon.client().administer("audit-verify", &[]).unwrap();
}

/// The session of the README, and what it leaves.
const SESSION: [&str; 3] = [
    "CREATE TABLE u (id INT NOT NULL, name TEXT NOT NULL); INSERT INTO u VALUES (1, 'alice')",
    "BEGIN; INSERT INTO u VALUES (2, 'bob'); COMMIT; CREATE INDEX by_id ON u (id)",
    "CREATE TABLE w (v VECTOR(3)); INSERT INTO w VALUES ([1, 2, 3]), ([3, 2, 1]), ([9, 9, 9])",
];

fn is_left(client: &mut Client) -> bool {
    let names = client.query("SELECT name FROM u ORDER BY id", &[]);
    let Ok(names) = names else { return false };
    let names: Vec<String> = names.iter().map(|row| row.get::<&str>(0).to_owned()).collect();
    let nearest = "SELECT v <-> [1.0, 2.0, 3.0] FROM w ORDER BY v <-> [1.0, 2.0, 3.0] LIMIT 2";
    let nearest = client.query(nearest, &[]).unwrap();
    names == ["alice", "bob"]
        && number(client, "SELECT count(*) FROM u WHERE id = 1") == 1
        && nearest[0].get::<f64>(0) == 0.0
        && nearest.len() == 2
}

#[test]
fn a_session_survives_a_restart_in_every_mode() {
    for (names, is_kept) in [
        (&["spg.db", "-", "-"][..], true),
        (&["spg.db", "audit.log", "-"], true),
        (&["spg.db", "-", "wal.log"], true),
        (&["spg.db", "audit.log", "wal.log"], true),
        (&["-", "audit.log", "-"], false),
    ] {
        for is_killed in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let start = || {
                let mut command = Daemon::command();
                command.arg("127.0.0.1:0");
                for name in names {
                    let path = directory.path().join(name);
                    command.arg(if *name == "-" { name.into() } else { path });
                }
                Daemon::spawn(&mut command)
            };
            let mut daemon = start();
            let uuid = daemon.client().database_uuid();
            for script in SESSION {
                daemon.client().batch_execute(script).unwrap();
            }
            let receipt = {
                let mut client = daemon.client();
                client.batch_execute("CREATE TABLE last (id INT)").unwrap();
                client.last_receipt().unwrap()
            };
            assert_eq!(receipt.head.is_some(), names[1] != "-", "{names:?}");
            if is_killed {
                daemon.kill();
            } else {
                daemon.stop();
            }
            let daemon = start();
            let mut client = daemon.client();
            assert_eq!(is_left(&mut client), is_kept, "{names:?} {is_killed}");
            assert_eq!(client.database_uuid(), uuid, "{names:?}");
            if let Some(head) = receipt.head {
                let head = head.to_string();
                let answer = client.administer("audit-verify", &[("expect_head", &head)]).unwrap();
                assert_eq!(answer.rows.len(), 1);
                let wrong = "00".repeat(32);
                let error = client.administer("audit-verify", &[("expect_head", &wrong)]);
                assert_eq!(error.unwrap_err().code(), "XX001");
            }
        }
    }
}

#[test]
fn receipts_of_commits_in_flight_name_the_chain() {
    let stored = Stored::new();
    let daemon = stored.start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
    let insert = client.prepare("INSERT INTO t VALUES ($1)").unwrap();
    let mut receipts = Vec::new();
    for id in [1, 2, 3] {
        let mut pipeline = client.pipeline();
        for id in id * 10..id * 10 + 5 {
            pipeline.execute(&insert, &[&id]).unwrap();
        }
        while let Some(answer) = pipeline.next_with(|_| Ok(())) {
            answer.unwrap();
        }
        drop(pipeline);
        receipts.push(client.last_receipt().unwrap());
    }
    assert!(receipts.is_sorted_by_key(|receipt| receipt.commit), "{receipts:?}");
    for receipt in &receipts {
        let head = receipt.head.unwrap().to_string();
        client.administer("audit-verify", &[("expect_head", &head)]).unwrap();
    }
    let shown = client.query_one("SHOW spg.last_receipt", &[]).unwrap();
    assert_eq!(shown.get::<&str>(0), receipts[2].to_string());
    let entries = client.administer("audit-list", &[("contains", "INSERT")]).unwrap();
    assert_eq!(entries.rows.len(), 15);
    let peer: &str = entries.rows[0].get("peer");
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    client.administer("verify", &[]).unwrap();
    let figures = client.stats().unwrap();
    for name in ["database_id", "commit", "audit_head", "wal_position", "checkpoint_commit"] {
        assert!(figures.iter().any(|(key, _)| key == name), "{name}: {figures:?}");
    }
}

#[test]
fn a_file_that_may_not_grow_is_an_error_of_the_statement() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spg.db");
    // Blocks of 512 bytes, or of 1,024 in some shells; in image mode the image is what grows.
    let mut daemon = Daemon::start_limited("ulimit -f 64", &[path.to_str().unwrap()]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, filler TEXT)").unwrap();
    client.execute("INSERT INTO t VALUES (1, 'small')", &[]).unwrap();
    let filler: String =
        (0..200_000_u32).map(|n| char::from(b'!' + (n * 7919 / 64 % 90) as u8)).collect();
    for _ in 0..3 {
        let error =
            client.execute("INSERT INTO t VALUES (2, $1)", &[&filler.as_str()]).unwrap_err();
        assert_eq!(error.code(), "53100", "{error}");
    }
    assert_eq!(ids(&mut client), [1]);
    client.execute("INSERT INTO t VALUES (3, 'small')", &[]).unwrap();
    drop(client);
    daemon.stop();
    let mut command = Daemon::command();
    let daemon = Daemon::spawn(command.arg("127.0.0.1:0").arg(&path));
    wait_until("it serves", || Client::connect(daemon.address()).is_ok());
    assert_eq!(ids(&mut daemon.client()), [1, 3]);
}

#[test]
fn who_asks_is_told_how_far_a_backup_is() {
    let stored = Stored::new();
    let daemon = stored.start(&[]);
    let mut client = daemon.client();
    insert(&mut client, 0..100, "CREATE TABLE t (id INT PRIMARY KEY)");
    let target = stored.path().with_file_name("backup");
    let directory = target.to_str().unwrap();
    let mut told = Vec::new();
    let mut backup = |options: &[(&str, &str)], told: &mut Vec<String>| {
        client.administer_with("backup", options, |event| {
            match event {
                ScriptEvent::Notice(fields) => {
                    assert_eq!(fields.severity, Severity::Info);
                    told.push(fields.message.clone());
                }
                ScriptEvent::Error(fields) => panic!("{fields:?}"),
                _ => {}
            }
            ControlFlow::Continue(())
        })
    };
    backup(&[("directory", directory), ("progress", "on")], &mut told).unwrap();
    assert!(!told.is_empty());
    for message in &told {
        let (done, total) = message.split_once(' ').unwrap();
        let (done, total): (u64, u64) = (done.parse().unwrap(), total.parse().unwrap());
        assert!(done <= total && total > 0, "{message}");
    }
    told.clear();
    let other = stored.path().with_file_name("other");
    backup(&[("directory", other.to_str().unwrap())], &mut told).unwrap();
    assert_eq!(told, [""; 0], "nobody asked");
}
