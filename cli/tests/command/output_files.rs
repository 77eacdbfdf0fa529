//! Files that are written: what becomes of links, pipes and modes, and of an output that takes no more.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{Conversation, Run, command, spg_in};

const TABLE: &str = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2);";

const CSV: &str = "a\n1\n2\n";

/// Exports [`TABLE`] to `file` in `directory`.
fn export(directory: &Path, file: &str) -> Run {
    spg_in(directory, &["--memory", "shell"], &format!("{TABLE}\n\\export t {file}\n"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn an_export_goes_into_a_pipe_that_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    make_pipe(&pipe);
    symlink("pipe", directory.path().join("link")).unwrap();
    for name in ["pipe", "link"] {
        // Opened for both, so that neither side waits for the other to open it.
        let held = fs::File::options().read(true).write(true).open(&pipe).unwrap();
        let run = export(directory.path(), name);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{run:?}");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "{name}: it was replaced");
        let mut text = [0; CSV.len()];
        std::io::Read::read_exact(&mut &held, &mut text).unwrap();
        assert_eq!(text, CSV.as_bytes());
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside it");
}

#[test]
fn an_export_follows_links() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::create_dir(directory.join("far")).unwrap();
    fs::write(directory.join("far/there.csv"), "old").unwrap();
    symlink("far/there.csv", directory.join("second")).unwrap();
    symlink("second", directory.join("there")).unwrap();
    symlink("far/not-yet.csv", directory.join("dangling")).unwrap();
    symlink("loop", directory.join("loop")).unwrap();
    for (link, target) in [("there", "far/there.csv"), ("dangling", "far/not-yet.csv")] {
        let run = export(directory, link);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{run:?}");
        let is_link = fs::symlink_metadata(directory.join(link)).unwrap().is_symlink();
        assert!(is_link, "{link} was replaced");
        assert_eq!(fs::read_to_string(directory.join(target)).unwrap(), CSV);
    }
    assert_eq!(fs::read_dir(directory.join("far")).unwrap().count(), 2, "no unfinished file");
    for name in ["loop", "far"] {
        let run = export(directory, name);
        assert!(run.err.starts_with("ERROR:  could not write file \""), "{run:?}");
        assert_eq!(run.status, 1);
    }
}

#[test]
fn an_export_keeps_the_mode_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let private = directory.path().join("private.csv");
    for kept in [0o600, 0o666] {
        fs::write(&private, "old").unwrap();
        fs::set_permissions(&private, fs::Permissions::from_mode(kept)).unwrap();
        assert_eq!(export(directory.path(), "private.csv").status, 0);
        assert_eq!(fs::read_to_string(&private).unwrap(), CSV);
        assert_eq!(mode(&private), kept);
    }
    let script =
        format!("umask 027; exec \"$0\" --memory shell <<'E'\n{TABLE}\n\\export t new\nE\n");
    let ran = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_spg")])
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .status();
    assert!(ran.unwrap().success());
    assert_eq!(mode(&directory.path().join("new")), 0o640);
}

#[test]
fn an_export_to_standard_output_stands_between_what_others_write() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["/dev/stdout", "/dev/fd/1", "out"] {
        let out = directory.path().join("out");
        let script = format!(
            "echo before; \"$0\" --memory shell <<'E'\n{TABLE}\n\\export t {name}\nE\necho behind"
        );
        let ran = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_spg")])
            .current_dir(directory.path())
            .stdout(fs::File::create(&out).unwrap())
            .status();
        assert!(ran.unwrap().success());
        let expected = format!("before\nCREATE TABLE\nINSERT 0 2\n{CSV}EXPORT 2\nbehind\n");
        assert_eq!(fs::read_to_string(&out).unwrap(), expected, "{name}");
    }
}

/// A device that is full whatever is written: it was opened, and is not replaced.
const FULL: &str = "/dev/full";

#[test]
fn a_file_of_answers_that_takes_no_more_ends_nothing() {
    let script = "CREATE TABLE t (a INT);\nBEGIN;\nINSERT INTO t VALUES (1);\n\\o /dev/full\n\
                  SELECT 2 AS b;\nSELECT count(*) AS n FROM t;\nCOMMIT;\n";
    if !Path::new(FULL).exists() {
        return spg_proptests::skip::skip(FULL);
    }
    let run = spg_in(&std::env::temp_dir(), &["--memory", "shell"], script);
    assert!(run.out.ends_with(" n \n---\n 1\n(1 row)\n\nCOMMIT\n"), "{run:?}");
    assert!(!run.out.contains(" b "), "{run:?}");
    assert!(run.err.starts_with("ERROR:  could not write file \"/dev/full\": "), "{run:?}");
    assert!(run.err.contains("HINT:  Answers go to standard output again."), "{run:?}");
    assert_eq!(run.status, 1);
    let run = spg_in(&std::env::temp_dir(), &["--memory", "shell", "--format", "jsonl"], script);
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[3].starts_with("{\"error\":{\"sqlstate\":\"53100\","), "{run:?}");
    assert_eq!((lines.len(), run.status), (6, 1), "{run:?}");
}

#[test]
fn a_pipe_of_answers_whose_reader_has_gone_ends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    make_pipe(&pipe);
    let mut shell = Conversation::start(&["--memory", "shell"]);
    let reader = {
        let pipe = pipe.clone();
        thread::spawn(move || drop(fs::File::open(pipe).unwrap()))
    };
    shell.write(&format!("\\o {}\n", pipe.display()));
    reader.join().unwrap();
    shell.write("SELECT 1;\nSELECT 2 AS b;\n\\q\n");
    let run = shell.finish();
    assert_eq!((run.status, run.out.as_str()), (1, " b \n---\n 2\n(1 row)\n\n"), "{run:?}");
    assert!(run.err.contains("pipe\": Broken pipe"), "{run:?}");
}

/// Runs `spg` on `data`; the reader of its standard output goes after the first piece.
fn cut_off(directory: &Path, words: &[&str]) -> (i32, String) {
    let mut child = command(words).current_dir(directory).spawn().unwrap();
    let mut first = [0; 16];
    let mut out = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut first).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn what_was_cut_off_is_no_success() {
    let directory = tempfile::tempdir().unwrap();
    let rows = format!("a\n{}", "a text of some length\n".repeat(100_000));
    fs::write(directory.path().join("t.csv"), rows).unwrap();
    let data = ["--data-dir", "data"];
    let import = ["import", "t", "t.csv", "--create"];
    assert_eq!(spg_in(directory.path(), &[&data[..], &import].concat(), "").status, 0);
    for words in [&["export", "t"][..], &["dump"], &["dump", "--format", "json"]] {
        let (status, err) = cut_off(directory.path(), &[&data[..], words].concat());
        assert_eq!(status, 1, "{words:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{words:?}: {err}");
        assert!(err.contains("cut off"), "{words:?}: {err}");
    }
    let query = ["query", "SELECT a FROM t", "--format", "csv"];
    let (status, err) = cut_off(directory.path(), &[&data[..], &query].concat());
    assert_eq!((status, err.as_str()), (0, ""), "whoever reads answers may have seen enough");
}

#[test]
fn nothing_stands_beside_the_data() {
    let directory = tempfile::tempdir().unwrap();
    let data = ["--data-dir", "data", "--format", "json"];
    let run = |words: &[&str]| spg_in(directory.path(), &[&data[..], words].concat(), "");
    assert_eq!(run(&["query", TABLE]).status, 0);
    let exported = run(&["export", "t"]);
    assert_eq!((exported.status, exported.out.as_str()), (0, CSV));
    let dumped = run(&["dump"]);
    assert!(dumped.out.ends_with("COMMIT;\n"), "{dumped:?}");
    let failed = run(&["export", "none"]);
    assert!(failed.out.starts_with("[{\"error\":") && failed.out.ends_with("}]\n"), "{failed:?}");
    assert_eq!(run(&["query", "-- nothing"]).out, "[]\n", "no answer is an answer too");
}
