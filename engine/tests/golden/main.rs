//! Golden scripts: every statement under `tests/scripts` answers what stands below it.
//!
//! `SPG_GOLDEN=rewrite cargo test -p spg-engine --test golden` writes the answers anew; `script.rs` has the format.
//! proptests/tests/postgres.rs compares the same scripts with a PostgreSQL server.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(unreachable_pub, reason = "a library includes the file too")]
mod answer;
#[expect(unreachable_pub, reason = "a library includes the file too")]
mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use script::{Item, Step};
use spg_engine::database::{Database, Options};
use spg_engine::session::Session;

#[test]
fn golden_scripts_answer_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths = Vec::new();
    find_scripts(&folder, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "the scripts are missing");
    let rewrite = std::env::var_os("SPG_GOLDEN").is_some_and(|value| value == "rewrite");
    let mut failures = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let items =
            script::parse(&text).unwrap_or_else(|what| panic!("{}: {what}", path.display()));
        assert_eq!(script::render(&items), text, "{} is not in its own format", path.display());
        let answered = answer_script(&items);
        if rewrite {
            std::fs::write(&path, script::render(&answered)).unwrap();
        } else {
            failures.extend(differences(&path, &items, &answered));
        }
    }
    assert!(failures.is_empty(), "{} answers changed:\n{}", failures.len(), failures.join("\n"));
}

fn find_scripts(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_scripts(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            paths.push(path);
        }
    }
}

/// The script with the answers of an empty database in place of its own.
fn answer_script(items: &[Item]) -> Vec<Item> {
    let database = Database::open(Options::default()).unwrap();
    let mut sessions = BTreeMap::new();
    let answered = items.iter().map(|item| match item {
        Item::Text(_) => item.clone(),
        Item::Step(step) => {
            let session = sessions
                .entry(step.session.clone())
                .or_insert_with(|| Arc::clone(&database).session());
            Item::Step(Step { answer: answer_step(session, step), ..step.clone() })
        }
    });
    answered.collect()
}

fn answer_step(session: &mut Session, step: &Step) -> Vec<String> {
    script::answer_lines(step, &mut |sql| answer::run(session, sql))
}

/// A report for each step that answers otherwise than written.
fn differences(path: &Path, written: &[Item], answered: &[Item]) -> Vec<String> {
    let changed = written.iter().zip(answered).filter(|(written, answered)| written != answered);
    let report = |(written, answered): (&Item, &Item)| match (written, answered) {
        (Item::Step(written), Item::Step(answered)) => format!(
            "{}: {}\n  written:\n    {}\n  answered:\n    {}\n",
            path.display(),
            written.source.join("\n"),
            written.answer.join("\n    "),
            answered.answer.join("\n    "),
        ),
        _ => unreachable!("only steps change"),
    };
    changed.map(report).collect()
}
