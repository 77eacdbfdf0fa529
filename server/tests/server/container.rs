//! The daemon in a container: scripts for a new database, its log, its supervisor.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use crate::support::{Daemon, PATIENCE, Stored, number};

/// A directory with these files.
fn scripts(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// How a daemon ends that does not start: its exit status and what it said.
fn refused(stored: &Stored, directory: &tempfile::TempDir) -> (Option<i32>, String) {
    let mut command = stored.command(&[]);
    command.arg("--init-dir").arg(directory.path());
    let ended = command.output().unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn init_scripts_run_once_and_in_order() {
    let directory = scripts(&[
        (
            "02-rows.sql",
            "INSERT INTO t VALUES (1, 'a;b');\n-- the end\nINSERT INTO t VALUES (2, 'c')",
        ),
        ("01-tables.sql", "CREATE TABLE t (id INT PRIMARY KEY, name TEXT);"),
        ("03-notes.txt", "no SQL"),
        // As an editor, or a mounted configuration, leaves it.
        (".04-rows.sql", "INSERT INTO t VALUES (3, 'hidden')"),
    ]);
    let stored = Stored::new();
    let options = ["--init-dir", directory.path().to_str().unwrap()];
    let mut daemon = stored.start(&options);
    let mut client = daemon.client();
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 2);
    client.batch_execute("DELETE FROM t WHERE id = 1").unwrap();
    drop(client);
    daemon.stop();
    let daemon = stored.start(&options);
    assert_eq!(number(&mut daemon.client(), "SELECT count(*) FROM t"), 1);
}

#[test]
fn a_script_that_fails_leaves_a_new_database() {
    let stored = Stored::new();
    for (text, expected) in [
        (
            "CREATE TABLE t (id INT PRIMARY KEY);\n\nINSERT INTO t\nVALUES ('x');",
            "1.sql, line 4: 22P02",
        ),
        ("CREATE TABLE t (id INT);\nINSERT INTO u VALUES (1);", "1.sql, line 2: 42P01"),
        (
            "BEGIN;\nCREATE TABLE t (id INT);\nCOMMIT;",
            "1.sql, line 1: the scripts are one transaction",
        ),
    ] {
        let (status, said) = refused(&stored, &scripts(&[("1.sql", text)]));
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(expected) && said.contains("nothing is kept"), "{said}");
    }
    let (status, said) = {
        let directory = scripts(&[]);
        let path = directory.path().to_owned();
        drop(directory);
        let mut command = stored.command(&[]);
        let ended = command.arg("--init-dir").arg(path).output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    assert_eq!(status, Some(1), "{said}");
    let directory = scripts(&[("1.sql", "CREATE TABLE t (id INT)")]);
    let daemon = stored.start(&["--init-dir", directory.path().to_str().unwrap()]);
    assert_eq!(number(&mut daemon.client(), "SELECT count(*) FROM t"), 0);
}

#[test]
fn scripts_that_run_end_with_the_server() {
    let stored = Stored::new();
    let endless = "CREATE TABLE n (i INT); INSERT INTO n VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10);
        SELECT count(*) FROM n a, n b, n c, n d, n e, n f, n g, n h, n i, n j, n k, n l WHERE a.i + l.i = -1;";
    let directory = scripts(&[("1.sql", endless)]);
    let mut command = stored.command(&[]);
    command.arg("--init-dir").arg(directory.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It says where it listens before it runs scripts, and watches signals before that.
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let script = format!("kill -TERM {}", child.id());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(!said.contains("ready on"), "{said}");
    // Nothing of them is there: they can run.
    let directory = scripts(&[("1.sql", "\u{feff}CREATE TABLE n (j INT)")]);
    let daemon = stored.start(&["--init-dir", directory.path().to_str().unwrap()]);
    assert_eq!(number(&mut daemon.client(), "SELECT count(j) FROM n"), 0);
}

#[test]
fn what_the_log_has_is_checked() {
    for level in ["verbose", "spg_server=loud", "info,x"] {
        let ended = Daemon::command().args(["--log-level", level]).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains("write off, error, warn, info, debug or trace"), "{said}");
    }
    // Why it does not start is told whatever is logged.
    let taken = Daemon::start(&[]);
    for level in ["warning", "off", "spg_server=error,warn", ""] {
        let mut command = Daemon::command();
        let ended = command.arg(taken.address()).env("SPG_LOG", level).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot start: could not listen on"), "{level}: {said}");
    }
}

#[test]
fn the_log_can_be_an_object_a_line() {
    let mut child = Daemon::command()
        .args(["127.0.0.1:0", "--log-format", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = child.stderr.take().unwrap();
    let mut text = [0; 64];
    log.read_exact(&mut text).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    let all = format!("{}{rest}", String::from_utf8_lossy(&text));
    for line in all.lines() {
        assert!(line.starts_with("{\"time\":\"20") && line.ends_with("\"}"), "{line}");
    }
    assert!(
        all.contains("\"level\":\"info\",\"target\":\"spg_server\",\"message\":\"ready on "),
        "{all}"
    );
}

#[test]
fn a_supervisor_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut daemon =
        Daemon::spawn(Daemon::command().arg("127.0.0.1:0").env("NOTIFY_SOCKET", &path));
    let told = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    assert_eq!(told(), "READY=1");
    daemon.stop();
    assert_eq!(told(), "STOPPING=1");
}
