//! Each rule of durability is broken on purpose, and the check that is there for it sees it: a check that cannot fail is none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use spg_engine::disk::simulated::{Fault, SimulatedDisk};
use spg_engine::sabotage::{Break, set};
use spg_proptests::crash::campaign::{self, Effort};
use spg_proptests::crash::faults::{run, workload};
use spg_proptests::crash::mode::{AUDITED_IMAGE, AUDITED_LOG, LOG, Mode};
use spg_proptests::crash::workload::scripted;
use spg_proptests::serial::{Step, lost_update, serial_difference, side_by_side, write_skew};
use spg_proptests::side_by_side::first_disagreement;

const EFFORT: Effort =
    Effort { cuts: 3, recovery_every: 1_000_000, second_recovery_every: 1_000_000 };

/// Runs beside the model, at most.
const CASES: u32 = 1_000;

/// The same, for what takes two transactions that meet at the keys of two tables.
const MANY_CASES: u32 = 20 * CASES;

/// The same, with crashes.
const CRASHED: u32 = 100;

/// What crashes of the scripted workload show, if anything.
fn crashes_show(mode: Mode) -> Option<String> {
    let found = catch_unwind(|| campaign::run(mode, &scripted(), EFFORT));
    match found {
        Ok(Ok(_)) => None,
        Ok(Err(failure)) => Some(failure.message),
        Err(_) => Some("a panic".to_owned()),
    }
}

/// What failing operations show: the number of the first that does.
fn faults_show(mode: Mode, fault: Fault) -> Option<String> {
    let texts = workload();
    let healthy = SimulatedDisk::new();
    run(mode, &texts, &healthy);
    (0..healthy.operations()).find_map(|number| {
        let disk = SimulatedDisk::new();
        disk.fail_at(number, fault);
        let seen = catch_unwind(AssertUnwindSafe(|| run(mode, &texts, &disk))).is_err();
        seen.then(|| format!("operation {number} failed"))
    })
}

/// What transactions side by side show that they would not alone.
fn histories_show(level: &str, steps: &[(usize, Step)]) -> Option<String> {
    let (committed, end) = side_by_side(level, steps);
    serial_difference(&committed, &end)
}

/// What sees a break: the failure it ends with.
type Check<'a> = &'a dyn Fn() -> Option<String>;

/// One test: what is broken is broken for the whole process.
#[test]
fn what_is_broken_on_purpose_is_seen() {
    let checks: [(Break, &str, Check); 18] = [
        (Break::AcknowledgeBeforeSync, "crash_points", &|| crashes_show(LOG)),
        (Break::PublishBeforeLog, "faults", &|| faults_show(LOG, Fault::StorageFull)),
        (Break::SkipDirectorySync, "crash_points", &|| crashes_show(AUDITED_IMAGE)),
        (Break::SkipAuditEntry, "crash_points", &|| crashes_show(AUDITED_LOG)),
        (Break::IgnoreChecksum, "crash_points", &|| crashes_show(LOG)),
        (Break::RetrySync, "faults", &|| faults_show(LOG, Fault::InputOutput)),
        (Break::ForgetIndex, "crash_points", &|| crashes_show(LOG)),
        (Break::LoseUpdates, "serial", &|| histories_show("REPEATABLE READ", &lost_update())),
        (Break::ForgetReads, "serial", &|| histories_show("SERIALIZABLE", &write_skew())),
        (Break::SkipSequenceLog, "crash_points", &|| crashes_show(LOG)),
        (Break::LoseUpdates, "model", &|| first_disagreement(None, CASES)),
        (Break::ForgetReads, "model", &|| first_disagreement(None, CASES)),
        (Break::KeepSnapshot, "model", &|| first_disagreement(None, CASES)),
        (Break::IgnoreLocks, "model", &|| first_disagreement(None, CASES)),
        (Break::ForgetKeys, "model", &|| first_disagreement(None, MANY_CASES)),
        (Break::ForgetParents, "model", &|| first_disagreement(None, CASES)),
        (Break::KeepLocks, "model", &|| first_disagreement(None, CASES)),
        (Break::AcknowledgeBeforeSync, "model", &|| first_disagreement(Some(LOG), CRASHED)),
    ];
    for mode in [LOG, AUDITED_LOG, AUDITED_IMAGE] {
        assert_eq!(crashes_show(mode), None, "mended, nothing is seen: {mode:?}");
    }
    for fault in [Fault::StorageFull, Fault::InputOutput] {
        assert_eq!(faults_show(LOG, fault), None, "mended, nothing is seen: {fault:?}");
    }
    assert_eq!(histories_show("REPEATABLE READ", &lost_update()), None);
    assert_eq!(histories_show("SERIALIZABLE", &write_skew()), None);
    assert_eq!(first_disagreement(None, CASES), None, "mended, nothing is seen");
    assert_eq!(first_disagreement(Some(LOG), CRASHED), None, "mended, nothing is seen");
    for (broken, check, seen) in checks {
        set(Some(broken));
        let seen = seen();
        set(None);
        let seen = seen.unwrap_or_else(|| panic!("{broken:?} is not seen by {check}"));
        println!("{broken:?}: {check}: {}", seen.lines().last().unwrap_or_default().trim());
    }
}
