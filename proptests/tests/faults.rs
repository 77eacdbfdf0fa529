//! Every operation of the disk fails, in every way, while a workload goes on; and a disk is full and has room again.

use spg_engine::disk::simulated::SimulatedDisk;
use spg_proptests::crash::faults::{FAULTS, check_left, open, run, workload};
use spg_proptests::crash::history::answer_of;
use spg_proptests::crash::mode::MODES;
use spg_proptests::crash::state::dump;

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
                            let ran = std::panic::catch_unwind(run).is_ok();
                            assert!(ran, "{mode:?}, operation {number}: {fault:?}\n{}", disk.log());
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
