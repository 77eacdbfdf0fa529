//! Every operation of the disk fails, in every way, while a workload goes on: whoever waits is told what holds, nothing of a failed
//! commit is ever seen or recovered, reads go on, and writes too as soon as they can.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use spg_engine::disk::simulated::{Fault, SimulatedDisk};
use spg_engine::open_error::OpenErrorKind;
use spg_engine::{Database, Options};
use spg_proptests::crash::history::answer_of;
use spg_proptests::crash::mode::{MODES, Mode, audit_path};
use spg_proptests::crash::state::{audited_statements, check_indexes, dump, first_difference};

const FAULTS: [Fault; 5] = [
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

fn workload() -> Vec<String> {
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

fn open(mode: Mode, disk: &SimulatedDisk) -> Arc<Database> {
    mode.open(disk.clone())
        .or_else(|error| {
            // The fault was met by the opening: once it is over, the files are as they were.
            assert_eq!(error.kind(), OpenErrorKind::Io, "{error}");
            mode.open(disk.clone())
        })
        .unwrap_or_else(|error| panic!("{error}"))
}

/// One run with one fault; whether the fault was reached.
fn run(mode: Mode, texts: &[String], disk: &SimulatedDisk) {
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
fn check_left(mode: Mode, disk: &SimulatedDisk, expected: &str, what: &str) {
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

#[test]
fn every_fault_of_every_operation_is_told_and_leaves_what_was_acknowledged() {
    let texts = workload();
    let mut faults = 0;
    for mode in MODES {
        let healthy = SimulatedDisk::new();
        run(mode, &texts, &healthy);
        let operations = healthy.operations();
        std::thread::scope(|scope| {
            for half in 0..2 {
                let texts = &texts;
                scope.spawn(move || {
                    for number in (half..operations).step_by(2) {
                        for fault in FAULTS {
                            let disk = SimulatedDisk::new();
                            disk.fail_at(number, fault);
                            let run = std::panic::AssertUnwindSafe(|| run(mode, texts, &disk));
                            if std::panic::catch_unwind(run).is_err() {
                                panic!("{mode:?}, operation {number}: {fault:?}\n{}", disk.log());
                            }
                        }
                    }
                });
            }
        });
        faults += operations * FAULTS.len() as u64;
    }
    println!("{faults} faults");
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    for mode in MODES {
        let disk = SimulatedDisk::new();
        let database = open(mode, &disk);
        let mut session = database.session();
        assert_eq!(answer_of(&mut session, "CREATE TABLE t (a INT, b TEXT)"), "CREATE TABLE");
        let used = disk.paths().iter().map(|path| disk.contents(path).unwrap().len() as u64).sum();
        disk.limit_bytes(Some(used));
        let insert = format!("INSERT INTO t VALUES (1, '{}')", "x".repeat(20_000));
        let (mut there, mut refused) = (0, 0);
        while refused < 3 {
            let answer = answer_of(&mut session, &insert);
            match &answer[..5] {
                "53100" => refused += 1,
                _ if answer == "INSERT 0 1" => there += 1,
                _ => panic!("{mode:?}: {answer}"),
            }
            assert!(there < 100, "{mode:?}: the disk is never full");
            assert_eq!(answer_of(&mut session, "SELECT * FROM t"), format!("SELECT {there}"));
        }
        let checkpoint = answer_of(&mut session, "CHECKPOINT");
        assert!(!mode.wal || checkpoint.starts_with("53100"), "{mode:?}: {checkpoint}");
        check_left(mode, &disk, &dump(&database), "full");
        disk.limit_bytes(None);
        assert_eq!(answer_of(&mut session, &insert), "INSERT 0 1");
        assert_eq!(answer_of(&mut session, "CHECKPOINT"), "CHECKPOINT");
        check_left(mode, &disk, &dump(&database), "with room again");
    }
}
