//! What each format writes, byte for byte.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::support::{Run, command, spg_both};

const SCRIPT: &str = "CREATE TABLE t (id INT PRIMARY KEY, name TEXT);\
    INSERT INTO t VALUES (1, 'alice'), (2, NULL), (3, '') RETURNING id;\
    SELECT id, name FROM t ORDER BY id;\
    SELECT * FROM u;;";

/// Runs the text in process and against a daemon, which must answer alike.
fn query(format: &str, sql: &str) -> Run {
    let arguments = ["--memory", "query", sql, "--format", format];
    spg_both(&std::env::temp_dir(), &arguments, "")
}

#[test]
fn jsonl_is_one_line_a_statement() {
    let run = query("jsonl", SCRIPT);
    let expected = [
        r#"{"tag":"CREATE TABLE","columns":[],"types":[],"rows":[]}"#,
        r#"{"tag":"INSERT 0 3","columns":["id"],"types":["int4"],"rows":[[1],[2],[3]]}"#,
        concat!(
            r#"{"tag":"SELECT 3","columns":["id","name"],"types":["int4","text"],"#,
            r#""rows":[[1,"alice"],[2,null],[3,""]]}"#
        ),
        r#"{"error":{"sqlstate":"42P01","message":"relation \"u\" does not exist","position":15}}"#,
        "",
    ];
    assert_eq!(run.out, expected.join("\n"));
    assert_eq!((run.status, run.err.as_str()), (1, ""));
}

#[test]
fn jsonl_values_of_every_type() {
    let run = query(
        "jsonl",
        "SELECT 1::smallint AS a, -2147483648 AS b, 9223372036854775807 AS c, 0.1::real AS d, \
         0.1::float8 AS e, 'NaN'::float8 AS f, '-Infinity'::real AS g, true AS h, \
         '[1,2.5]'::vector AS i, E'\"\\\\\\n' AS j, NULL AS k, 'x'::varchar(3) AS l",
    );
    let expected = concat!(
        r#"{"tag":"SELECT 1","columns":["a","b","c","d","e","f","g","h","i","j","k","l"],"#,
        r#""types":["int2","int4","int8","float4","float8","float8","float4","bool","vector","#,
        r#""text","text","varchar"],"rows":[[1,-2147483648,9223372036854775807,0.1,0.1,"NaN","#,
        r#""-Infinity",true,[1.0,2.5],"\"\\\n",null,"x"]]}"#,
        "\n"
    );
    assert_eq!(run.out, expected);
    assert_eq!(run.status, 0);
}

#[test]
fn jsonl_errors_name_what_they_know() {
    let run = query("jsonl", "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (1)");
    let error = run.out.lines().nth(1).unwrap();
    let expected = concat!(
        r#"{"error":{"sqlstate":"23505","#,
        r#""message":"duplicate key value violates unique constraint \"t_pkey\"","#,
        r#""detail":"Key (id)=(1) already exists.","#,
        r#""schema":"public","table":"t","constraint":"t_pkey"}}"#
    );
    assert_eq!(error, expected);
}

#[test]
fn json_is_one_array() {
    let lines = query("jsonl", SCRIPT).out;
    let run = query("json", SCRIPT);
    assert_eq!(run.out, format!("[{}]\n", lines.trim_end().replace('\n', ",\n")));
    assert_eq!(run.status, 1);
    assert_eq!(query("json", " ; -- nothing").out, "[]\n");
    assert_eq!(query("jsonl", " ; -- nothing").out, "");
}

#[test]
fn csv_is_a_header_and_rows() {
    let run = query("csv", SCRIPT);
    assert_eq!(run.out, "id\n1\n2\n3\nid,name\n1,alice\n2,\n3,\"\"\n");
    assert!(
        run.err.starts_with("CREATE TABLE\nERROR:  relation \"u\" does not exist\n"),
        "{run:?}"
    );
    assert_eq!(run.status, 1);
    let run = query("csv", "SELECT 'a,b' AS \"x\"\"y\", true AS b, '[1,2]'::vector AS v");
    assert_eq!(run.out, "\"x\"\"y\",b,v\n\"a,b\",true,\"[1,2]\"\n");
}

#[test]
fn table_is_laid_out_as_psql_does() {
    let run = query("table", SCRIPT);
    let expected = [
        "CREATE TABLE",
        " id ",
        "----",
        "  1",
        "  2",
        "  3",
        "(3 rows)",
        "",
        "INSERT 0 3",
        " id | name  ",
        "----+-------",
        "  1 | alice",
        "  2 | ",
        "  3 | ",
        "(3 rows)",
        "",
        "",
    ];
    assert_eq!(run.out, expected.join("\n"));
    let error = "ERROR:  relation \"u\" does not exist\n\
                 LINE 1: SELECT * FROM u\n\
                 \u{20}                     ^\n";
    assert_eq!(run.err, error);
    assert_eq!(run.status, 1);
}

#[test]
fn notices_go_to_standard_error() {
    for format in ["table", "csv", "json", "jsonl"] {
        let run = query(format, "DROP TABLE IF EXISTS nowhere");
        assert!(
            run.err.contains("NOTICE:  table \"nowhere\" does not exist, skipping\n"),
            "{run:?}"
        );
        assert!(!run.out.contains("NOTICE"), "{run:?}");
        assert_eq!(run.status, 0);
    }
}

/// What somebody else named drives no terminal.
#[test]
fn messages_have_their_control_characters_escaped() {
    let sql = "DROP TABLE IF EXISTS \"\u{1b}[31m\"; SELECT 1 FROM \"\u{1b}[32m\"";
    let run = query("table", sql);
    assert!(run.err.contains("table \"\\x1B[31m\" does not exist, skipping\n"), "{run:?}");
    assert!(run.err.contains("relation \"\\x1B[32m\" does not exist\n"), "{run:?}");
    assert!(!run.err.contains('\u{1b}'), "{run:?}");
    let script = "CREATE TABLE \"\u{1b}[33m\" (i INT);\n\\d \"\u{1b}[33m\"\n";
    let run = spg_both(&std::env::temp_dir(), &["--memory", "shell"], script);
    assert!(run.out.contains("Table \"public.\\x1B[33m\""), "{run:?}");
}

/// The rows of each answer of a script in the shell.
fn rows_of(script: &str) -> Vec<String> {
    let run = spg_both(&std::env::temp_dir(), &["--memory", "shell", "--format", "jsonl"], script);
    assert_eq!(run.status, 0, "{run:?}");
    let rows = run.out.lines().filter_map(|line| line.split("\"rows\":").nth(1));
    rows.map(|rows| rows.trim_end_matches('}').to_owned()).collect()
}

/// A backslash outside of quotes and comments begins a command, whatever stands before it on the line.
#[test]
fn commands_stand_behind_statements() {
    let rows = rows_of("SELECT 5 AS a \\g\nSELECT 6; \\g\n\\g\n");
    assert_eq!(rows, ["[[5]]", "[[6]]", "[[6]]", "[[6]]"]);
    let rows = rows_of("SELECT '\\g', -- \\g\n7 \\g\nSELECT 8\n\\g;\nSELECT 9 \\r\n \\g\n");
    assert_eq!(rows, [r#"[["\\g",7]]"#, "[[8]]", "[[8]]"]);
    let rows = rows_of("SELECT 1 \\gx\nSELECT 2 \\timing off\n+ 3;\n");
    assert_eq!(rows, ["[[1]]", "[[5]]"]);
}

#[test]
fn a_statement_is_expanded_once() {
    let script = "SELECT 1 AS a \\gx\nSELECT 2 AS b; \\x\nSELECT 3 AS c; \\x;\nSELECT 4 AS d;\n";
    let run = spg_both(&std::env::temp_dir(), &["--memory", "shell"], script);
    let expected = [
        "-[ RECORD 1 ]",
        "a | 1",
        "",
        " b ",
        "---",
        " 2",
        "(1 row)",
        "",
        "-[ RECORD 1 ]",
        "c | 3",
        "",
        " d ",
        "---",
        " 4",
        "(1 row)",
        "",
        "",
    ];
    assert_eq!(run.out, expected.join("\n"));
}

#[test]
fn the_statement_at_hand_is_printed() {
    let script = "SELECT 1;\n\\p\nSELECT 2\n\\p\n\\r\n\\pset null '\u{1b}x'\n";
    let run = spg_both(&std::env::temp_dir(), &["--memory", "shell"], script);
    let forgotten = "The statement that has begun is forgotten.";
    assert_eq!(run.err, format!("SELECT 1\nSELECT 2\n{forgotten}\nNull display is \"\\x1Bx\".\n"));
}

#[test]
fn scripts_go_on_after_errors_and_run_what_the_end_ends() {
    let script = "CREATE TABLE t (a INT);\nSELECT\n  nothing;\nBEGIN; INSERT INTO t VALUES (1);\n\
                  oops;\nSELECT 1;\nCOMMIT;\n-- a comment;\nSELECT count(*) FROM t";
    let run = spg_both(&std::env::temp_dir(), &["--memory", "shell", "--format", "jsonl"], script);
    let what: Vec<&str> = run
        .out
        .lines()
        .map(|line| line.split('"').nth(if line.starts_with("{\"tag") { 3 } else { 5 }).unwrap())
        .collect();
    assert_eq!(
        what,
        ["CREATE TABLE", "42703", "BEGIN", "INSERT 0 1", "42601", "25P02", "ROLLBACK", "SELECT 1"]
    );
    assert!(run.out.ends_with("\"rows\":[[0]]}\n"), "{run:?}");
    assert_eq!(run.status, 1);
}

/// A script may begin with a byte order mark, as editors of Windows write it; `~` is the user's home.
#[test]
fn scripts_at_home_are_run() {
    let home = tempfile::tempdir().unwrap();
    for name in ["a.sql", "a b.sql"] {
        std::fs::write(home.path().join(name), "\u{feff}SELECT 1 AS a;\n").unwrap();
    }
    for line in ["\\i ~/a.sql", "\\i \"~/a b.sql\"", "\u{feff}\\i '~/a b.sql';"] {
        let mut child = command(&["--memory", "shell", "--format", "jsonl"])
            .env("HOME", home.path())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let out = String::from_utf8(out.stdout).unwrap();
        assert!(out.contains("\"rows\":[[1]]") && out.lines().count() == 1, "{line}: {out}");
    }
}

/// Each answer is there before the next statement is sent.
#[test]
fn jsonl_is_flushed_at_once() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spg"))
        .args(["--memory", "--format", "jsonl", "shell"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for number in 1..=3 {
        writeln!(input, "SELECT {number} AS n; SELECT").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.ends_with(&format!("\"rows\":[[{number}]]}}\n")), "{line}");
        writeln!(input, "'rest';").unwrap();
        line.clear();
        output.read_line(&mut line).unwrap();
        assert!(line.ends_with("\"rows\":[[\"rest\"]]}\n"), "{line}");
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let values = (0..20_000).map(|n| format!("({n})")).collect::<Vec<_>>().join(",");
    for format in ["csv", "jsonl", "table"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_spg"))
            .args(["--memory", "--format", format, "shell"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut input = child.stdin.take().unwrap();
        write!(input, "VALUES {values};").unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{format}");
        assert_eq!(output.status.code(), Some(0), "{format}");
    }
}
