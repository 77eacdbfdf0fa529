//! The answers about real data, from one shell that imports and asks, are PostgreSQL 15's.

use std::fmt::Write as _;

use spg_proptests::postgres::{Client, Server};
use spg_proptests::skip::shared;

use crate::support::spg_in;

/// What `--create` makes of the files, in PostgreSQL's words.
const DEFINITIONS: &str = "
    CREATE TABLE packages (id INT, name TEXT, version TEXT, section TEXT, priority TEXT, installed_kib INT,
        download_bytes INT, maintainer_id INT, homepage TEXT, summary TEXT);
    CREATE TABLE depends (package_id INT, target_id INT, kind TEXT, \"constraint\" TEXT);
    CREATE TABLE tags (package_id INT, tag TEXT);
    CREATE TABLE digits (id INT, label INT, pixels TEXT);
    CREATE VIEW numbers AS SELECT d.id, d.label, p.place, p.number::INT
        FROM digits d, unnest(string_to_array(btrim(pixels, '[]'), ',')) WITH ORDINALITY p(number, place)";

/// Questions in both dialects' common words.
const QUESTIONS: [&str; 9] = [
    "SELECT p.name, count(*) AS dependents FROM depends d JOIN packages p ON p.id = d.target_id \
     GROUP BY p.name ORDER BY dependents DESC, p.name LIMIT 10",
    "SELECT p.name, count(DISTINCT d.package_id) FROM depends d JOIN packages p ON p.id = d.target_id \
     WHERE d.kind IN ('depends', 'pre-depends') GROUP BY p.name ORDER BY 2 DESC, 1 LIMIT 10",
    "SELECT section, count(*), sum(installed_kib) AS kib FROM packages GROUP BY section \
     ORDER BY kib DESC NULLS LAST, section",
    "SELECT count(*) FROM packages p LEFT JOIN tags t ON t.package_id = p.id WHERE t.package_id IS NULL",
    "SELECT count(*) FROM packages WHERE id NOT IN (SELECT package_id FROM tags)",
    "SELECT priority, count(homepage), min(installed_kib), max(download_bytes), min(summary), max(version) \
     FROM packages GROUP BY priority ORDER BY priority",
    "SELECT kind, count(*), count(\"constraint\"), max(\"constraint\") FROM depends GROUP BY kind ORDER BY kind",
    "SELECT tag, count(*) FROM tags GROUP BY tag HAVING count(*) > 1000 ORDER BY 2 DESC, tag",
    "SELECT a.name, b.name FROM depends d JOIN packages a ON a.id = d.package_id JOIN packages b ON b.id = d.target_id \
     WHERE d.kind = 'pre-depends' AND a.section = 'admin' AND b.name LIKE 'lib%' ORDER BY 1, 2",
];

/// The digits nearest to digit 700: here by index of vectors, there by arithmetic.
const NEAREST: &str = "SELECT id, label FROM digits WHERE id <> 700 \
     ORDER BY pixels <-> (SELECT pixels FROM digits WHERE id = 700), id LIMIT 25";
const NEAREST_BY_ARITHMETIC: &str = "SELECT n.id, n.label FROM numbers n JOIN numbers x USING (place) \
     WHERE x.id = 700 AND n.id <> 700 GROUP BY n.id, n.label \
     ORDER BY sum((n.number - x.number) * (n.number - x.number)), n.id LIMIT 25";

#[test]
fn real_data_answers_as_in_postgresql() {
    let Some(data) = shared("data") else { return };
    let data = data.canonicalize().unwrap();
    let Some(server) = Server::start() else { return };
    let mut client = server.connect();
    client.query(DEFINITIONS);
    let mut script = String::new();
    for (table, file) in [
        ("packages", "packages.csv.gz"),
        ("depends", "depends.csv.gz"),
        ("tags", "tags.csv.gz"),
        ("digits", "digits.csv"),
    ] {
        let path = data.join(file);
        writeln!(script, "\\import {table} {} --create", path.display()).unwrap();
        copy(&mut client, table, &path);
    }
    for question in QUESTIONS.iter().chain([&NEAREST]) {
        writeln!(script, "{question};").unwrap();
    }
    let run = spg_in(&std::env::temp_dir(), &["--memory", "shell", "--format", "jsonl"], &script);
    assert_eq!(run.status, 0, "{}", run.out);
    let answers: Vec<&str> = run.out.lines().skip(4).collect();
    let questions = QUESTIONS.iter().chain([&NEAREST_BY_ARITHMETIC]);
    assert_eq!(answers.len(), QUESTIONS.len() + 1, "{}", run.out);
    for (question, answer) in questions.zip(answers) {
        let theirs = client.run(question);
        assert_eq!(theirs.failure, None, "{question}");
        assert!(!theirs.rows.is_empty(), "{question}");
        assert_eq!(rows(answer), theirs.rows, "{question}");
    }
}

/// Loads a file; PostgreSQL's process reads it through a pipe of its own, whoever may read the folder.
fn copy(client: &mut Client, table: &str, path: &std::path::Path) {
    let program = if path.extension().is_some_and(|end| end == "gz") { "gzip -dc" } else { "cat" };
    let copied = client.run(&format!(
        "COPY {table} FROM PROGRAM '{program} {}' WITH (FORMAT csv, HEADER)",
        path.display()
    ));
    assert_eq!(copied.failure, None, "COPY {table}");
}

/// The rows of a line of answer, as texts.
fn rows(line: &str) -> Vec<Vec<Option<String>>> {
    let answer: serde_json::Value = serde_json::from_str(line).unwrap();
    let rows = answer["rows"].as_array().expect(line);
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    rows.iter().map(|row| row.as_array().unwrap().iter().map(text).collect()).collect()
}
