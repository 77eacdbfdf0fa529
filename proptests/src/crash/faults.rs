//! One workload with one failing operation of the disk: whoever waits is told what holds, nothing of a failed commit is ever seen or
//! recovered, reads go on, and writes too as soon as they can. Fails as a test does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a check fails as tests do")]

use std::sync::Arc;

use spg_engine::disk::simulated::{Fault, SimulatedDisk};
use spg_engine::open_error::OpenErrorKind;
use spg_engine::{Database, Options};

use crate::crash::history::answer_of;
use crate::crash::mode::{Mode, audit_path};
use crate::crash::state::{audited_statements, check_indexes, dump, first_difference};

/// All ways to fail.
pub const FAULTS: [Fault; 5] = [
    Fault::StorageFull,
    Fault::QuotaExceeded,
    Fault::FileTooLarge,
    Fault::InputOutput,
    Fault::ShortWrite,
];

/// What a failure of the disk is answered with.
const CODES: [&str; 4] = ["53100: ", "58030: ", "08007: ", "25006: "];

/// Statements after the failure before the machine stops.
const STEPS_AFTER: usize = 3;

/// Statements that touch every file in every way; `reopen` closes and opens the database.
pub fn workload() -> Vec<String> {
    let rows = |ids: std::ops::Range<u32>, bytes: usize| {
        let text = "x".repeat(bytes);
        ids.map(|id| format!("({id}, {}, '{text}')", id % 5)).collect::<Vec<_>>().join(", ")
    };
    [
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b TEXT)".to_owned(),
        format!("INSERT INTO t VALUES {}", rows(0..4, 10)),
        "CREATE INDEX i ON t (a)".to_owned(),
        "BEGIN".to_owned(),
        "UPDATE t SET a = a + 1".to_owned(),
        "DELETE FROM t WHERE id = 1".to_owned(),
        "COMMIT".to_owned(),
        "CHECKPOINT".to_owned(),
        format!("INSERT INTO t VALUES {}", rows(100..160, 300)),
        "DELETE FROM t WHERE id < 2".to_owned(),
        "reopen".to_owned(),
        "UPDATE t SET id = id + 1000 WHERE id = 3".to_owned(),
        "TRUNCATE t".to_owned(),
        "CHECKPOINT".to_owned(),
        format!("INSERT INTO t VALUES {}", rows(0..3, 10)),
        "DROP INDEX i".to_owned(),
    ]
    .to_vec()
}

fn is_fault(answer: &str) -> bool {
    CODES.iter().any(|code| answer.starts_with(code))
}

/// Opens a database, again if a fault was met.
pub fn open(mode: Mode, disk: &SimulatedDisk) -> Arc<Database> {
    mode.open(disk.clone())
        .or_else(|error| {
            // The fault was met by the opening: once it is over, the files are as they were.
            assert_eq!(error.kind(), OpenErrorKind::Io, "{error}");
            mode.open(disk.clone())
        })
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the statements on a disk that has a fault planned, or none.
pub fn run(mode: Mode, texts: &[String], disk: &SimulatedDisk) {
    let shadow = Database::open(Options::default()).unwrap();
    let mut expected = shadow.session();
    let mut database = open(mode, disk);
    let mut session = database.session();
    let mut left = usize::MAX;
    for text in texts {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(1);
        if text == "reopen" {
            drop(session);
            // An error of closing is told and changes nothing.
            let _ = database.close();
            drop(database);
            database = open(mode, disk);
            session = database.session();
            expected = shadow.session();
        } else {
            let answer = answer_of(&mut session, text);
            let before = dump(&shadow);
            if is_fault(&answer) {
                left = left.min(STEPS_AFTER);
                if text == "COMMIT" {
                    answer_of(&mut expected, "ROLLBACK");
                }
                if answer.starts_with("08007") || answer.starts_with("25006") {
                    assert_eq!(dump(&database), before, "{text}: what is unknown is seen");
                    let also = answer_of(&mut session, "DELETE FROM t WHERE false OR id = 0");
                    assert!(
                        also.starts_with("25006") || also.starts_with("42P01"),
                        "{text}: {also}"
                    );
                    if text != "CHECKPOINT" && text != "COMMIT" {
                        answer_of(&mut expected, text);
                    }
                    let unknown = (text == "COMMIT").then(|| commit_of(texts));
                    return check_unknown(mode, disk, &before, &dump(&shadow), unknown.as_deref());
                }
                check_left(mode, disk, &before, &format!("{text}: {answer}"));
            } else if text != "CHECKPOINT" {
                assert_eq!(answer, answer_of(&mut expected, text), "{text}");
            }
        }
        let (dump, expected) = (dump(&database), dump(&shadow));
        assert!(dump == expected, "{text}: {}", first_difference(&expected, &dump));
        check_indexes(&database).unwrap();
    }
    check_left(mode, disk, &dump(&shadow), "at the end");
    drop(session);
    drop(database);
    check_left(mode, disk, &dump(&shadow), "closed");
}

/// The state after the block of the workload.
fn commit_of(texts: &[String]) -> String {
    let database = Database::open(Options::default()).unwrap();
    let mut session = database.session();
    for text in &texts[..7] {
        answer_of(&mut session, text);
    }
    dump(&database)
}

/// What is found after the machine stops, either way, is `expected`.
pub fn check_left(mode: Mode, disk: &SimulatedDisk, expected: &str, what: &str) {
    for left in [disk.process_kill(), disk.power_cut(7), disk.power_cut(8)] {
        let database = mode.open(left.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = dump(&database);
        assert!(found == expected, "{what}: {}", first_difference(expected, &found));
        check_chain(mode, &left);
    }
}

fn check_chain(mode: Mode, disk: &SimulatedDisk) {
    if mode.audit {
        audited_statements(disk, &audit_path()).unwrap();
    }
}

/// After 08007 the commit is there or it is not; and writes work again.
fn check_unknown(mode: Mode, disk: &SimulatedDisk, before: &str, after: &str, also: Option<&str>) {
    for left in [disk.process_kill(), disk.power_cut(7), disk.power_cut(8)] {
        let database = mode.open(left.clone()).unwrap_or_else(|error| panic!("unknown: {error}"));
        let found = dump(&database);
        assert!(found == before || found == after || Some(&*found) == also, "neither: {found}");
        let mut session = database.session();
        assert_eq!(answer_of(&mut session, "CREATE TABLE after (a INT)"), "CREATE TABLE");
        check_chain(mode, &left);
    }
}
