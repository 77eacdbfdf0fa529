//! Commands of the shell in scripts: where errors are, patterns, what is refused, and what is said instead.

use std::fs;

use crate::support::{Run, spg, spg_both, spg_in};

/// Runs a script in process and against a daemon, which must answer alike.
fn shell(script: &str) -> Run {
    spg_both(&std::env::temp_dir(), &["--memory", "--format", "table", "shell"], script)
}

#[test]
fn errors_in_scripts_name_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let script = "SELECT 1 AS a;\n\n-- why\nSELECT x\n  FROM y;\nSELECT 2 AS b; SELECT z;\n\\nosuch\n\
                  CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1), (1);\n\\i inner.sql\n.tables\nSELECT 3 / 0";
    fs::write(directory.path().join("outer.sql"), script).unwrap();
    fs::write(directory.path().join("inner.sql"), "SELECT 1 +\n  w\n  \\g\n").unwrap();
    let run = |format: &str, script: &str| {
        spg_both(directory.path(), &["--memory", "--format", format, "shell"], script)
    };
    let ran = run("table", "\\i outer.sql\nSELECT v;\n");
    let details: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("DETAIL")).collect();
    let expected = [
        "DETAIL:  outer.sql, line 4",
        "DETAIL:  outer.sql, line 6",
        "DETAIL:  outer.sql, line 7",
        "DETAIL:  outer.sql, line 9: Key (a)=(1) already exists.",
        "DETAIL:  inner.sql, line 1",
        "DETAIL:  outer.sql, line 11",
        "DETAIL:  outer.sql, line 12",
    ];
    assert_eq!(details, expected, "{}", ran.err);
    assert!(ran.err.contains("LINE 2:   FROM y\n"), "{}", ran.err);
    assert!(ran.err.ends_with("LINE 1: SELECT v\n               ^\n"), "{}", ran.err);
    for format in ["json", "jsonl"] {
        let ran = run(format, "\\i outer.sql\n");
        assert!(ran.out.contains("\"error\"") && !ran.out.contains("outer.sql"), "{ran:?}");
    }
}

#[test]
fn patterns_match_the_names_that_are_listed() {
    let tables = "CREATE TABLE tea (id SERIAL PRIMARY KEY);\n";
    let count = |command: &str| {
        let run = shell(&format!("{tables}{command}\n"));
        run.out.lines().filter(|line| line.contains(" | ")).count().saturating_sub(1)
    };
    let views = count("\\dv");
    assert!(views > 20, "{views}");
    assert_eq!(count("\\dv *"), views);
    assert_eq!(count("\\dv *.*"), views);
    assert!(count("\\dv pg_stat*") > 1);
    assert_eq!(count("\\dv pg_catalog.pg_stat*"), count("\\dv pg_stat*"));
    assert_eq!(count("\\dv spg_sequences"), 1);
    for pattern in ["tea*", "public.tea*", "*", "public.*"] {
        assert_eq!(count(&format!("\\ds {pattern}")), 1, "{pattern}");
        assert_eq!(count(&format!("\\di {pattern}")), 1, "{pattern}");
        assert_eq!(count(&format!("\\dt {pattern}")), 1, "{pattern}");
    }
    for command in ["\\dt", "\\di", "\\ds", "\\dv"] {
        let run = shell(&format!("{command} Nosuch\n"));
        let said = "Did not find any relation named \"nosuch\".\n";
        assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "", said), "{command}");
    }
    let rows =
        spg_in(&std::env::temp_dir(), &["--memory", "--format", "jsonl", "shell"], "\\dt no\n");
    assert!(rows.out.ends_with("\"rows\":[]}\n") && rows.err.is_empty(), "{rows:?}");
}

#[test]
fn pipes_and_files_that_are_not_there_are_refused_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    for (command, message, hint) in [
        ("\\o |cat", "\\o writes to no program", "\\o FILE"),
        ("\\o | cat -n", "\\o writes to no program", "\\o FILE"),
        ("\\export t |gzip", "\\export writes to no program", "spg export t"),
        ("INSERT INTO t VALUES (1) \\g |cat", "\\g writes to no program", "\\o FILE"),
        ("INSERT INTO t VALUES (1) \\g out", "\\g writes to no file", "\\o FILE"),
        ("INSERT INTO t VALUES (1) \\gx out", "\\gx writes to no file", "\\o FILE"),
    ] {
        let script = format!("CREATE TABLE t (a INT);\n{command}\n\\r\nSELECT count(*) FROM t;\n");
        let run = spg_in(directory.path(), &["--memory", "shell"], &script);
        assert!(run.err.starts_with(&format!("ERROR:  {message}")), "{command}: {run:?}");
        assert!(run.err.contains("HINT:  ") && run.err.contains(hint), "{command}: {run:?}");
        assert!(run.out.contains("     0\n"), "{command}: {run:?}");
        assert_eq!(run.status, 1);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "no file was made");
    let quoted = spg_in(directory.path(), &["--memory", "shell"], "\\o '|odd'\nSELECT 1;\n");
    assert_eq!((quoted.status, quoted.out.as_str()), (0, ""), "{quoted:?}");
    assert!(directory.path().join("|odd").exists());
}

#[test]
fn words_of_other_shells_are_told_what_there_is() {
    for (text, hint) in [
        (
            "\\dt",
            "HINT:  Commands with a backslash are those of spg shell: echo '\\dt' | spg shell\n",
        ),
        ("SELECT 1 \\g", "HINT:  Commands with a backslash are those of spg shell"),
        ("SHOW TABLES", "HINT:  \\dt of spg shell lists the tables.\n"),
        ("show databases", "HINT:  There is one database"),
        ("DESCRIBE t", "HINT:  \\d NAME of spg shell describes a table.\n"),
        ("desc t", "HINT:  \\d NAME of spg shell describes a table.\n"),
        ("use x", "HINT:  There is one database"),
    ] {
        let run = spg(&["--memory", "query", text]);
        assert_eq!(run.status, 1, "{run:?}");
        assert!(run.err.contains(hint), "{text}: {run:?}");
    }
    for (line, hint) in [
        ("show tables;", "HINT:  \\dt of spg shell lists the tables.\n"),
        ("describe t;", "HINT:  \\d NAME of spg shell describes a table.\n"),
        ("use x;", "HINT:  There is one database"),
    ] {
        let run = shell(&format!("{line}\n"));
        assert!(run.err.contains(hint), "{line}: {run:?}");
    }
    let run = spg(&["--memory", "query", "SELECT FROM WHERE"]);
    assert!(!run.err.contains("HINT"), "{run:?}");
}

#[test]
fn a_database_in_process_is_told_by_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let place = fs::canonicalize(directory.path()).unwrap().display().to_string();
    for (files, told) in [
        (&["--data-dir", "data"][..], format!(" in {place}/data, opened in this process.\n")),
        (
            &["--db", "a", "--audit", "b", "--wal", "c"],
            format!(" in {place}/a, {place}/b and {place}/c, opened in this process.\n"),
        ),
        (&["--db", "d"], format!(" in {place}/d, opened in this process.\n")),
    ] {
        let run = spg_in(directory.path(), &[files, &["shell"]].concat(), "\\conninfo\n");
        assert!(run.err.starts_with("The database ") && run.err.ends_with(&told), "{run:?}");
    }
}

#[test]
fn there_is_no_editor_without_a_terminal() {
    let run = shell("SELECT 1 AS a;\n\\e\nSELECT 2 AS b;\n");
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.err.starts_with("ERROR:  \\e needs a terminal"), "{run:?}");
    assert!(run.out.contains(" b \n"), "{run:?}");
}
