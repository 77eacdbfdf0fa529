//! CSV files in and out.

use std::fs;
use std::io::Write;

use crate::support::{Run, spg_both, spg_in};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

/// Runs the script in process and against a daemon, which must answer alike.
fn shell(directory: &TempDir, script: &str) -> Run {
    spg_both(directory.path(), &["--memory", "--format", "jsonl", "shell"], script)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

const IMPORTED: &str = "{\"tag\":\"IMPORT 2\",\"columns\":[],\"types\":[],\"rows\":[]}\n";

#[test]
fn columns_are_matched_by_name() {
    let files = directory(&[("a.csv", b"name,id\r\nb,2\r\n\"\",1\r\n")]);
    let run = shell(
        &files,
        "CREATE TABLE t (id INT, extra TEXT DEFAULT 'd', name TEXT);\n\
         \\import T a.csv\nSELECT * FROM t ORDER BY id;",
    );
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[1], IMPORTED.trim_end());
    assert!(lines[2].ends_with("\"rows\":[[1,\"d\",\"\"],[2,\"d\",\"b\"]]}"), "{run:?}");
    assert_eq!((run.status, run.err.as_str()), (0, ""));
}

#[test]
fn gzip_is_told_by_content() {
    let text = b"\xef\xbb\xbfa,b\n1,x\n2,y\n";
    let (first, second) = text.split_at(9);
    let members = [gzip(first), gzip(second)].concat();
    let files = directory(&[("plain.gz", text), ("packed.csv", &gzip(text)), ("two.gz", &members)]);
    for name in ["plain.gz", "packed.csv", "two.gz"] {
        let run = shell(&files, &format!("\\import t {name} --create\nSELECT a, b FROM t;"));
        assert!(run.out.starts_with(IMPORTED), "{name}: {run:?}");
        assert!(run.out.contains("\"rows\":[[1,\"x\"],[2,\"y\"]]"), "{name}: {run:?}");
    }
}

#[test]
fn create_takes_the_narrowest_types() {
    let text = b"i,b,d,z,t,v,n,k\n\
        1,2147483648,1.5,007,true,\"[1,2]\",,a\n\
        -5,1,2,010,false,\"[0.5,-1]\",,\"\"\n";
    let files = directory(&[("a.csv", text)]);
    let run = shell(&files, "\\import \"My T\" a.csv --create\nSELECT * FROM \"My T\";");
    let types = r#""types":["int4","int8","float8","text","bool","vector","text","text"]"#;
    assert!(run.out.contains(types), "{run:?}");
    let run = shell(&files, "CREATE TABLE t (a INT);\n\\import t a.csv --create\n\\import t a.csv");
    let codes: Vec<&str> = run.out.lines().skip(1).map(|line| &line[22..27]).collect();
    assert_eq!(codes, ["42P07", "42703"], "{run:?}");
    assert_eq!(run.status, 1);
}

#[test]
fn bad_input_names_line_and_column_and_imports_nothing() {
    let long = "1,x\n".repeat(3_000);
    let cases: [(&str, &str, &str); 12] = [
        ("a,b\n1,x\nz,y\n", "22P02", "bad.csv, line 3, column \\\"a\\\""),
        ("a,b\n1,x\n3000000000,y\n", "22003", "bad.csv, line 3, column \\\"a\\\""),
        ("a,b\n1,toolong\n", "22001", "bad.csv, line 2, column \\\"b\\\""),
        ("a,b\n1,\"x\n\n", "22P04", "bad.csv, line 2, column \\\"b\\\""),
        ("a,b\n1,x\"y\n", "22P04", "bad.csv, line 2, column \\\"b\\\""),
        ("a,b\n1\n", "22P04", "bad.csv, line 2, column \\\"b\\\""),
        ("a,b\n1,x,y\n", "22P04", "bad.csv, line 2, column 3"),
        ("a,a\n", "42701", "bad.csv, line 1"),
        ("a,c\n", "42703", "bad.csv, line 1"),
        ("a,\n", "22P04", "bad.csv, line 1"),
        ("", "22P04", "bad.csv, line 1"),
        (&format!("a,b\n{long}?,x\n"), "22P02", "bad.csv, line 3002, column \\\"a\\\""),
    ];
    for (text, code, place) in cases {
        let files = directory(&[("bad.csv", text.as_bytes())]);
        let run = shell(
            &files,
            "CREATE TABLE t (a INT, b VARCHAR(3));\n\\import t bad.csv\nSELECT count(*) FROM t;",
        );
        let lines: Vec<&str> = run.out.lines().collect();
        assert!(lines[1].starts_with(&format!("{{\"error\":{{\"sqlstate\":\"{code}\"")), "{run:?}");
        assert!(lines[1].contains(&format!("\"detail\":\"{place}\"")), "{run:?}");
        assert!(lines[2].ends_with("[[0]]}"), "{run:?}");
        assert_eq!(run.status, 1);
    }
}

#[test]
fn rows_that_the_table_refuses_are_located() {
    let long: Vec<String> = (10..3_000).map(|id| format!("{id},\"x\ny\"\n")).collect();
    let long = long.concat();
    let cases: [(&str, &str, &str); 5] = [
        (
            "a,b\n1,x\n,y\n",
            "23502",
            "bad.csv, line 3, column \\\"a\\\": Failing row contains (null, y, 7).",
        ),
        (
            "b\nx\n",
            "23502",
            "bad.csv, line 2, column \\\"a\\\": Failing row contains (null, x, 7).",
        ),
        ("a,b\n1,x\n2,x\n1,y\n", "23505", "bad.csv, line 4: Key (a)=(1) already exists."),
        ("a,b\n1,x\n5,y\n", "23505", "bad.csv, line 3: Key (a)=(5) already exists."),
        (
            &format!("a,b\n{long}11,\"p\nq\"\n"),
            "23505",
            "bad.csv, line 5982: Key (a)=(11) already exists.",
        ),
    ];
    for (text, code, detail) in cases {
        let files = directory(&[("bad.csv", text.as_bytes())]);
        let run = shell(
            &files,
            "CREATE TABLE t (a INT PRIMARY KEY, b TEXT, c INT DEFAULT 7);\nINSERT INTO t VALUES (5);\n\
             \\import t bad.csv\nSELECT count(*) FROM t;",
        );
        let lines: Vec<&str> = run.out.lines().collect();
        assert!(lines[2].starts_with(&format!("{{\"error\":{{\"sqlstate\":\"{code}\"")), "{run:?}");
        assert!(lines[2].contains(&format!("\"detail\":\"{detail}\"")), "{run:?}");
        assert!(lines[3].ends_with("[[1]]}"), "{run:?}");
        assert_eq!(run.status, 1);
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let mut broken = gzip(format!("a\n{}", "1\n".repeat(10_000)).as_bytes());
    broken.truncate(broken.len() - 12);
    let files = directory(&[("broken.csv.gz", &broken)]);
    for (name, reason) in [
        ("none.csv", "could not open file \\\"none.csv\\\" for reading: No such file"),
        (".", "could not open file \\\".\\\" for reading: is a directory"),
        (
            "broken.csv.gz",
            "could not read file \\\"broken.csv.gz\\\": the gzip data ends too early",
        ),
    ] {
        let run = shell(&files, &format!("CREATE TABLE t (a INT);\n\\import t {name}\n"));
        let line = run.out.lines().nth(1).unwrap();
        assert!(line.contains("\"58030\"") && line.contains(reason), "{run:?}");
        assert_eq!(run.status, 1);
    }
}

#[test]
fn in_a_block_an_import_is_part_of_it() {
    let files = directory(&[("a.csv", b"a\n1\n2\n")]);
    let run = shell(
        &files,
        "BEGIN;\n\\import t a.csv --create\nROLLBACK;\nSELECT * FROM t;\n\
         CREATE TABLE u (a INT);\nBEGIN;\n\\import u none.csv\nSELECT 1;\nCOMMIT;\n",
    );
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[1], IMPORTED.trim_end());
    for (place, what) in [(3, "42P01"), (6, "58030"), (7, "25P02"), (8, "ROLLBACK")] {
        assert!(lines[place].contains(what), "{place} {what}: {run:?}");
    }
}

#[test]
fn export_is_the_inverse_of_import() {
    let text = "id,text,d,v,b,\"odd \"\"name\"\"\"\n\
        1,\"a,b\",0.1,\"[1,2.5]\",true,x\n\
        2,\"\",1e+300,\"[0,-1]\",false,\"line\nend\"\n\
        3,,-0.5,,,\"say \"\"hi\"\"\"\n";
    let files = directory(&[("a.csv", text.as_bytes())]);
    let run = shell(
        &files,
        "\\import t a.csv --create\n\\export t b.csv\n\\export t c.csv.gz\n\
         \\import u c.csv.gz --create\n\\export u d.csv\n",
    );
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.out.contains("\"EXPORT 3\""), "{run:?}");
    let read = |name| fs::read(files.path().join(name)).unwrap();
    assert_eq!(String::from_utf8(read("b.csv")).unwrap(), text);
    assert_eq!(read("c.csv.gz")[..2], [0x1f, 0x8b]);
    assert_eq!(String::from_utf8(read("d.csv")).unwrap(), text);
    assert_eq!(fs::read_dir(files.path()).unwrap().count(), 4, "no unfinished file is left");
}

#[test]
fn an_export_that_fails_leaves_the_old_file() {
    let files = directory(&[("a.csv", b"old")]);
    let run = shell(&files, "\\export t a.csv\nCREATE TABLE t (a INT);\n\\export t none/a.csv\n");
    let codes: Vec<&str> = run.out.lines().map(|line| &line[22..27]).collect();
    assert_eq!((codes[0], codes[2]), ("42P01", "58030"), "{run:?}");
    assert_eq!(fs::read(files.path().join("a.csv")).unwrap(), b"old");
}

#[test]
fn subcommands_import_and_export() {
    let files = directory(&[("a.csv", b"a\n1\n2\n"), ("bad.csv", b"a,a\n")]);
    let run = |arguments: &[&str]| spg_in(files.path(), arguments, "");
    let imported = run(&["--memory", "import", "t", "a.csv", "--create"]);
    assert_eq!((imported.status, imported.out.as_str()), (0, "IMPORT 2\n"), "{imported:?}");
    let failed = run(&["import", "t", "bad.csv", "--create", "--memory"]);
    assert_eq!((failed.status, failed.out.as_str()), (1, ""));
    let error = "ERROR:  column \"a\" appears twice in the header\nDETAIL:  bad.csv, line 1\n";
    assert_eq!(failed.err, error);
    let absent = run(&["--memory", "export", "t"]);
    assert_eq!((absent.status, absent.out.as_str()), (1, ""));
    assert_eq!(absent.err, "ERROR:  relation \"t\" does not exist\n");
}

#[test]
fn scripts_include_scripts_and_commands_explain_themselves() {
    let files = directory(&[
        ("a.sql", b"SELECT 1 AS a;\n\\q\nSELECT 2;\n"),
        ("loop.sql", b"\\i loop.sql\n"),
    ]);
    let run = shell(
        &files,
        "\\i a.sql\n\\i none.sql\n\\i loop.sql\n\\nosuch\nSELECT 3;\n\\q\nSELECT 4;\n",
    );
    let lines: Vec<&str> = run.out.lines().collect();
    for (line, what) in
        lines.iter().zip(["[[1]]", "58030", "54001", "invalid command \\\\nosuch", "[[3]]"])
    {
        assert!(line.contains(what), "{what}: {run:?}");
    }
    assert_eq!(lines.len(), 5);
    assert_eq!(run.status, 1);
}
