//! `demo`: shows everything, answers 0 and leaves nothing behind, however it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::daemon::signal;
use crate::support::command;

fn start(directory: &tempfile::TempDir) -> Child {
    command(&["demo"])
        .env("TMPDIR", directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn left_behind(directory: &tempfile::TempDir) -> usize {
    std::fs::read_dir(directory.path()).unwrap().count()
}

#[test]
fn it_shows_everything_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ended = start(&directory).wait_with_output().unwrap();
    let (out, err) =
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8_lossy(&ended.stderr));
    assert_eq!((ended.status.code(), err.as_ref()), (Some(0), ""), "{out}");
    for expected in [
        "packages: 1500 rows",
        "digits: 1797 rows",
        " libc6      | libs    |       874\n",
        "Index Scan using depends_target on depends",
        "this 8             776: a 8",
        "beside the writer ",
        "ERROR:  copy-of-audit.log: entry ",
        "the entry's hash differs",
        "every link holds",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    assert!(!out.contains('\x1b'), "colours are for terminals");
    let wide: Vec<&str> = out.lines().filter(|line| line.len() > 80).collect();
    assert!(wide.iter().all(|line| line.starts_with('/')), "80 columns are enough: {wide:?}");
    assert_eq!(left_behind(&directory), 0);
}

/// Everything in `directory` is its owner's alone.
fn only_the_owner_reads(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // The daemon may be at work there.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        if metadata.is_dir() {
            only_the_owner_reads(&path);
        }
    }
}

#[test]
fn a_signal_ends_it_without_a_trace() {
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let directory = tempfile::tempdir().unwrap();
        let mut demo = start(&directory);
        let mut out = BufReader::new(demo.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("digits: ") {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it has ended");
        }
        only_the_owner_reads(directory.path());
        signal(name, demo.id());
        out.read_to_string(&mut line).unwrap();
        assert_eq!(demo.wait().unwrap().code(), Some(status));
        assert_eq!(left_behind(&directory), 0, "{name}");
    }
}
