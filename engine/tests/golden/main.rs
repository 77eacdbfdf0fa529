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
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use answer::Answer;
use script::{Item, Step, Wait};
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

/// A session, or the thread that it waits in.
enum Slot {
    Idle(Box<Session>),
    Waits(JoinHandle<(Box<Session>, Answer)>),
}

/// How long a wait that has to end may take.
const WAIT_END_MAX: Duration = Duration::from_secs(20);

/// The script with the answers of an empty database in place of its own.
fn answer_script(items: &[Item]) -> Vec<Item> {
    let database = Database::open(Options::default()).unwrap();
    let mut sessions: BTreeMap<String, Slot> = BTreeMap::new();
    let answered = items.iter().map(|item| match item {
        Item::Text(_) => item.clone(),
        Item::Step(step) => {
            let slot = sessions
                .remove(&step.session)
                .unwrap_or_else(|| Slot::Idle(Box::new(Arc::clone(&database).session())));
            let (answer, slot) = answer_step(slot, step, &database);
            sessions.insert(step.session.clone(), slot);
            Item::Step(Step { answer, ..step.clone() })
        }
    });
    answered.collect()
}

fn answer_step(slot: Slot, step: &Step, database: &Database) -> (Vec<String>, Slot) {
    match (slot, step.wait) {
        (Slot::Idle(mut session), Wait::None) => {
            let answer = script::answer_lines(step, &mut |sql| answer::run(&mut session, sql));
            (answer, Slot::Idle(session))
        }
        (Slot::Idle(mut session), Wait::Begins) => {
            let waiters =
                || database.locks().snapshot().iter().filter(|lock| !lock.granted).count();
            let before = waiters();
            let sql = step.sql.clone();
            let thread = std::thread::spawn(move || {
                let answer = answer::run(&mut session, &sql);
                (session, answer)
            });
            while waiters() <= before && !thread.is_finished() {
                std::thread::yield_now();
            }
            if thread.is_finished() {
                return end_wait(thread, &["does not wait"]);
            }
            (vec!["waits".to_owned()], Slot::Waits(thread))
        }
        (Slot::Waits(thread), Wait::Ends) => {
            let started = Instant::now();
            while !thread.is_finished() {
                if started.elapsed() > WAIT_END_MAX {
                    return (vec!["still waits".to_owned()], Slot::Waits(thread));
                }
                std::thread::yield_now();
            }
            end_wait(thread, &[])
        }
        (slot, _) => (vec!["the script is wrong: it waits, or does not".to_owned()], slot),
    }
}

fn end_wait(thread: JoinHandle<(Box<Session>, Answer)>, before: &[&str]) -> (Vec<String>, Slot) {
    let (session, answer) = thread.join().unwrap();
    let mut lines: Vec<String> = before.iter().map(ToString::to_string).collect();
    lines.extend(answer.lines());
    (lines, Slot::Idle(session))
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
