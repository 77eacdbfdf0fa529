//! `spg audit` and `spg verify`.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::support::{Run, spg_both, spg_in};

/// Runs `spg` on the data directory `data` in `directory`.
fn on_data(directory: &Path, arguments: &[&str]) -> Run {
    spg_in(directory, &[&["--data-dir", "data"], arguments].concat(), "")
}

/// Verifies `data/audit.log` in `directory` by itself.
fn verify_file(directory: &Path, arguments: &[&str]) -> Run {
    spg_in(directory, &[&["audit", "verify", "data/audit.log"], arguments].concat(), "")
}

/// The answer's only object.
fn object(run: &Run) -> Value {
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{run:?}");
    let answers: Vec<Value> = serde_json::from_str(&run.out).expect(&run.out);
    assert_eq!(answers.len(), 1, "{run:?}");
    answers[0].clone()
}

/// The only row of an answer, by its columns' names.
fn row(run: &Run) -> serde_json::Map<String, Value> {
    let answer = object(run);
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{answer}");
    let names =
        answer["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
    names.zip(rows[0].as_array().unwrap().iter().cloned()).collect()
}

/// A database with some commits: entries 0 (genesis) to 4, of which 1 to 4 are statements, and then an image's.
fn database() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let script = "CREATE TABLE t (id INT PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'alice'), (2, 'bob'); \
                  UPDATE t SET name = 'it''s' WHERE id = 1; DELETE FROM t WHERE id = 2; SELECT * FROM t";
    let run = on_data(directory.path(), &["query", script]);
    assert_eq!(run.status, 0, "{run:?}");
    directory
}

/// Changes a byte in place, as of a file that is open elsewhere.
fn flip(path: &Path, place: usize) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, place as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], place as u64).unwrap();
}

fn place_of(path: &Path, text: &str) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
}

#[test]
fn a_file_is_verified_by_itself_as_by_the_database() {
    let database = database();
    let directory = database.path();
    let head = row(&on_data(directory, &["audit", "head", "--format", "json"]));
    assert_eq!(head.keys().collect::<Vec<_>>(), ["database", "head", "sequence"]);
    let here = on_data(directory, &["audit", "verify", "--format", "json"]);
    let file = verify_file(directory, &["--format", "json"]);
    assert_eq!(here.out, file.out);
    let verified = row(&file);
    assert_eq!(verified["head"], head["head"]);
    assert_eq!(verified["sequence"], head["sequence"]);
    assert_eq!((&verified["first_sequence"], &verified["keyed"]), (&0.into(), &false.into()));
    let entries = verified["entries"].as_u64().unwrap();
    assert_eq!(verified["sequence"], entries - 1);
    assert_eq!(verified["bytes"], fs::metadata(directory.join("data/audit.log")).unwrap().len());

    // A copy that nobody can write, through a link, with the database in use or gone.
    fs::copy(directory.join("data/audit.log"), directory.join("copy")).unwrap();
    fs::set_permissions(directory.join("copy"), fs::Permissions::from_mode(0o400)).unwrap();
    std::os::unix::fs::symlink("copy", directory.join("link")).unwrap();
    for name in ["copy", "link"] {
        let run = spg_in(directory, &["audit", "verify", name, "--format", "json"], "");
        assert_eq!(run.out, file.out, "{run:?}");
    }
    assert_eq!(fs::read_dir(directory).unwrap().count(), 3, "nothing is written");
}

#[test]
fn a_changed_byte_is_named_by_entry_and_offset() {
    let database = database();
    let directory = database.path();
    let path = directory.join("data/audit.log");
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(37) {
        flip(&path, place);
        let run = verify_file(directory, &[]);
        if run.status == 0 {
            // Bytes that nothing uses: the marks' copies in the front of the file stand for one another.
            assert!(place < 1536, "byte {place}: {run:?}");
        } else {
            assert_eq!((run.status, run.out.as_str()), (1, ""), "byte {place}: {run:?}");
            assert!(run.err.contains("data/audit.log: "), "{run:?}");
            assert_eq!(run.err.lines().count(), 1, "{run:?}");
            assert!(place < 1536 || run.err.contains(": entry "), "byte {place}: {run:?}");
        }
        flip(&path, place);
    }
    assert_eq!(fs::read(&path).unwrap(), whole);

    flip(&path, place_of(&path, "UPDATE t"));
    let run = verify_file(directory, &["--format", "jsonl"]);
    assert!(run.out.starts_with("{\"error\":{\"sqlstate\":\"XX001\","), "{run:?}");
    for part in ["entry 3: ", "offset ", "expected ", "found "] {
        assert!(run.out.contains(part), "{part}: {run:?}");
    }
}

#[test]
fn what_is_no_audit_log_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let long = "# a text\n".repeat(1_000);
    for (content, reason) in [
        ("#!/bin/sh\n", "offset 0: not an audit log: expected SPGAUDIT, found 23212f62696e2f73"),
        ("abc", "offset 0: not an audit log: expected SPGAUDIT, found 616263"),
        (&long, "offset 0: not an audit log: expected SPGAUDIT, found 2320612074657874"),
        ("SPGAU", "offset 5: the file ends before its first entry"),
        ("", "offset 0: the file ends before its first entry"),
    ] {
        fs::write(directory.path().join("file"), content).unwrap();
        let run = spg_in(directory.path(), &["audit", "verify", "file"], "");
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{run:?}");
        assert!(run.err.contains(reason), "{content}: {run:?}");
    }
}

#[test]
fn an_expected_head_is_in_the_chain_or_named() {
    let database = database();
    let directory = database.path();
    let early = row(&on_data(directory, &["audit", "list", "--limit", "1", "--format", "json"]));
    let head = early["hash"].as_str().unwrap().to_uppercase();
    let other = "5".repeat(64);
    for base in
        [&["audit", "verify", "data/audit.log"][..], &["--data-dir", "data", "audit", "verify"]]
    {
        let run = |head: &str| {
            let expected = ["--expect-head", head, "--format", "json"];
            spg_in(directory, &[base, &expected].concat(), "")
        };
        assert_eq!(row(&run(&head))["expected_sequence"], 0, "{base:?}");
        let wrong = run(&other);
        assert_eq!((wrong.status, wrong.err.as_str()), (1, ""), "{wrong:?}");
        assert!(wrong.out.contains("\"XX001\"") && wrong.out.contains(&other), "{wrong:?}");
        assert_eq!(run("abc").status, 2);
    }
    let absent = spg_in(directory, &["audit", "verify", "absent"], "");
    assert_eq!((absent.status, absent.out.as_str()), (1, ""), "{absent:?}");
}

#[test]
fn a_keyed_chain_needs_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let write = |name: &str, content: &str, mode| {
        fs::write(directory.join(name), content).unwrap();
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    write("key", &"a1".repeat(32), 0o600);
    write("other", &"b2".repeat(32), 0o600);
    write("shared", &"a1".repeat(32), 0o644);
    let run = on_data(directory, &["query", "CREATE TABLE t (a INT)", "--key-file", "key"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        row(&verify_file(directory, &["--key-file", "key", "--format", "json"]))["keyed"],
        true
    );
    for arguments in
        [&[][..], &["--key-file", "other"], &["--key-file", "shared"], &["--key-file", "absent"]]
    {
        let run = verify_file(directory, arguments);
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{arguments:?} {run:?}");
        assert!(run.err.contains("key"), "{run:?}");
    }
    // What is no key, and one that lies beside what it guards, are wrong usage.
    write("short", "a1", 0o600);
    fs::copy(directory.join("key"), directory.join("data/key")).unwrap();
    for key in ["short", "data/key"] {
        let run = on_data(directory, &["query", "SELECT 1", "--audit-key-file", key]);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{run:?}");
    }
    let run = on_data(directory, &["query", "SELECT 1"]);
    assert!(run.status != 0 && run.err.contains("key"), "{run:?}");
}

#[test]
fn entries_are_listed_by_filters_in_all_formats() {
    let database = database();
    let directory = database.path();
    let list = |arguments: &[&str]| {
        let run = on_data(directory, &[&["audit", "list"], arguments].concat());
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{run:?}");
        run.out
    };
    let statements = |arguments: &[&str]| -> Vec<String> {
        let out = list(&[arguments, &["--format", "jsonl"]].concat());
        let answer: Value = serde_json::from_str(&out).unwrap();
        let rows = answer["rows"].as_array().unwrap();
        let place = answer["columns"]
            .as_array()
            .unwrap()
            .iter()
            .position(|name| name == "statement")
            .unwrap();
        rows.iter().map(|row| row[place].as_str().unwrap().to_owned()).collect()
    };
    let of_tables = statements(&["--contains", " t "]);
    assert_eq!(of_tables.len(), 4, "{of_tables:?}");
    assert!(
        of_tables[0].starts_with("CREATE") && of_tables[3].starts_with("DELETE"),
        "{of_tables:?}"
    );
    assert_eq!(
        statements(&["--from-commit", "2", "--to-commit", "3", "--contains", " t "]),
        of_tables[1..3]
    );
    assert_eq!(statements(&["--contains", " t ", "--limit", "2"]), of_tables[..2]);
    for count in 0..=5_usize {
        let newest = of_tables.len().saturating_sub(count);
        let last = count.to_string();
        assert_eq!(statements(&["--contains", " t ", "--last", &last]), of_tables[newest..]);
    }
    assert_eq!(statements(&["--application", "spg", "--since", "2026-01-01"]), of_tables);
    assert_eq!(
        statements(&["--application", "spg", "--until", "2026-01-01T00:00:00+02:00"]),
        Vec::<String>::new()
    );
    assert_eq!(statements(&["--user", "somebody else"]), Vec::<String>::new());
    assert_eq!(statements(&["--limit", "0"]), Vec::<String>::new());

    let header = "sequence,time,commit,kind,user,application,peer,executions,statement,parameters,digest,hash";
    let csv = list(&["--contains", "UPDATE", "--format", "csv"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines[0], lines.len()), (header, 2));
    assert!(lines[1].contains(",spg,local,1,") && lines[1].contains("name = 'it''s'"), "{csv}");
    let table = list(&["--contains", "UPDATE"]);
    assert!(table.contains(" statement ") && table.ends_with("(1 row)\n\n"), "{table}");
}

#[test]
fn a_database_without_an_audit_log_says_so() {
    let anywhere = std::env::temp_dir();
    let requests: [&[&str]; 3] = [&["audit", "head"], &["audit", "verify"], &["audit", "list"]];
    for request in requests {
        let run = spg_both(&anywhere, &[&["--memory"], request].concat(), "");
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{run:?}");
        assert!(run.err.starts_with("ERROR:  this database has no audit log\n"), "{run:?}");
    }
    let run = spg_both(&anywhere, &["--memory", "audit", "archive", "/"], "");
    assert_eq!(run.status, 1, "{run:?}");
}

#[test]
fn files_are_verified_against_memory() {
    let database = database();
    let directory = database.path();
    let answer = object(&on_data(directory, &["verify", "--format", "json"]));
    assert_eq!(answer["columns"], serde_json::json!(["part", "detail"]));
    let parts: Vec<&str> =
        answer["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(parts, ["image", "write-ahead log", "audit log", "memory"]);
}

#[test]
fn a_server_answers_about_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let daemon = Daemon::start(&["--data-dir", data.to_str().unwrap()]);
    let made = daemon.spg(&["query", "CREATE TABLE t (id INT PRIMARY KEY)"]);
    assert_eq!(made.status, 0, "{made:?}");
    let inserted = daemon.spg(&["query", "INSERT INTO t VALUES (1)", "--receipt"]);
    let receipt = inserted.err.strip_prefix("RECEIPT:  commit 2, head ").expect(&inserted.err);
    assert_eq!(daemon.spg(&["query", "UPDATE t SET id = 2"]).status, 0);

    let head = row(&daemon.spg(&["audit", "head", "--format", "json"]));
    let expected = ["audit", "verify", "--expect-head", receipt.trim_end(), "--format", "json"];
    let verified = row(&daemon.spg(&expected));
    assert_eq!((&verified["head"], &verified["expected_sequence"]), (&head["head"], &2.into()));
    let file = verify_file(directory.path(), &["--format", "json"]);
    assert_eq!(row(&file)["head"], head["head"]);
    let listed = daemon.spg(&["audit", "list", "--contains", "UPDATE", "--format", "csv"]);
    assert_eq!((listed.status, listed.out.lines().count()), (0, 2), "{listed:?}");
    assert_eq!(daemon.spg(&["checkpoint"]).out, "CHECKPOINT\n");
    let well = daemon.spg(&["verify"]);
    assert_eq!((well.status, well.err.as_str()), (0, ""), "{well:?}");
    let relative = daemon.spg(&["audit", "archive", "somewhere"]);
    assert!(relative.status == 1 && relative.err.contains("absolute"), "{relative:?}");
    // Also where there is nothing to move yet.
    let absent = daemon.spg(&["audit", "archive", "/nowhere/at/all"]);
    assert!(absent.status == 1 && absent.err.contains("could not open /nowhere"), "{absent:?}");

    let log = data.join("audit.log");
    flip(&log, place_of(&log, "UPDATE t"));
    for request in [&["audit", "verify"][..], &["verify"]] {
        let run = daemon.spg(request);
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{request:?} {run:?}");
        for part in ["audit.log", "entry 3: ", "offset ", "expected ", "found "] {
            assert!(run.err.contains(part), "{part}: {run:?}");
        }
    }
    assert_eq!(daemon.spg(&["query", "SELECT * FROM t"]).status, 0, "reads go on");
}

#[test]
fn a_server_seals_segments_that_can_be_archived() {
    let directory = tempfile::tempdir().unwrap();
    let (data, away) = (directory.path().join("data"), directory.path().join("away"));
    fs::create_dir(&away).unwrap();
    let arguments = ["--data-dir", data.to_str().unwrap(), "--audit-segment-size", "4kB"];
    let mut daemon = Daemon::start(&arguments);
    assert_eq!(daemon.spg(&["query", "CREATE TABLE t (id INT PRIMARY KEY)"]).status, 0);
    let inserts: Vec<String> = (0..60).map(|id| format!("INSERT INTO t VALUES ({id})")).collect();
    assert_eq!(daemon.spg(&["query", &inserts.join(";")]).status, 0);
    let before = row(&daemon.spg(&["audit", "head", "--format", "json"]));

    let moved =
        object(&daemon.spg(&["audit", "archive", away.to_str().unwrap(), "--format", "json"]));
    let moved = moved["rows"].as_array().unwrap().clone();
    assert!(moved.len() > 1, "{moved:?}");
    for segment in &moved {
        let path = Path::new(segment[0].as_str().unwrap());
        assert!(path.starts_with(&away) && path.is_file(), "{segment}");
    }
    for _ in 0..2 {
        // What is left begins behind what was archived, and leads through what was acknowledged before.
        let head = before["head"].as_str().unwrap();
        let verify = ["audit", "verify", "--expect-head", head, "--format", "json"];
        let left = row(&daemon.spg(&verify));
        assert!(left["first_sequence"].as_i64().unwrap() > 1, "{left:?}");
        assert_eq!(left["expected_sequence"], before["sequence"]);
        assert_eq!(daemon.spg(&["verify"]).status, 0);
        daemon.stop();
        daemon = Daemon::start(&arguments);
    }
}
