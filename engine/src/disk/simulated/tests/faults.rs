//! Crashes, planned faults and the full disk.

use std::io;

use super::*;

/// A workload with an operation of each kind; the first that fails ends it.
fn run(disk: &SimulatedDisk) -> io::Result<()> {
    let file = disk.create(&path("new"))?;
    file.write_at(0, &[1; 3000])?;
    file.set_len(2000)?;
    file.sync()?;
    disk.rename(&path("new"), &path("file"))?;
    disk.sync_directory(Path::new(DIRECTORY))?;
    disk.open(&path("file"))?.len()?;
    disk.list(Path::new(DIRECTORY))?;
    file.read_at(0, &mut [0; 10])?;
    disk.remove(&path("file"))
}

#[test]
fn operations_are_counted_reads_when_asked_for() {
    for (with_reads, count) in [(false, 7), (true, 11)] {
        let disk = SimulatedDisk::new();
        disk.count_reads(with_reads);
        run(&disk).unwrap();
        assert_eq!(disk.operations(), count);
    }
}

#[test]
fn a_crash_is_the_end_of_everything() {
    for with_reads in [false, true] {
        let whole = SimulatedDisk::new();
        whole.count_reads(with_reads);
        run(&whole).unwrap();
        for number in 0..whole.operations() {
            let disk = SimulatedDisk::new();
            disk.count_reads(with_reads);
            disk.crash_at(number);
            run(&disk).unwrap_err();
            assert!(disk.has_crashed());
            let paths = disk.paths();
            disk.create(&path("after")).unwrap_err();
            disk.open(&path("file")).unwrap_err();
            disk.list(Path::new(DIRECTORY)).unwrap_err();
            disk.remove(&path("file")).unwrap_err();
            assert_eq!(disk.paths(), paths);
            assert_eq!(disk.operations(), number + 1);
            disk.power_cut(number).create(&path("after")).unwrap();
            disk.process_kill().create(&path("after")).unwrap();
        }
    }
}

#[test]
fn the_write_that_crashes_may_be_done_in_part() {
    let mut lengths = Vec::new();
    for number in 1..60 {
        let disk = SimulatedDisk::new();
        disk.crash_at(number);
        let file = disk.create(&path("a")).unwrap();
        let crashed = (0..100).any(|place| file.write_at(place * 100, &[7; 100]).is_err());
        assert!(crashed);
        let left = disk.process_kill().contents(&path("a")).unwrap();
        assert!(left.iter().all(|byte| *byte == 7));
        let whole = (number as usize - 1) * 100;
        assert!((whole..=whole + 100).contains(&left.len()));
        lengths.push(left.len() - whole);
    }
    lengths.sort_unstable();
    assert!(lengths[0] < 20 && lengths[58] > 80, "{lengths:?}");
}

#[test]
fn a_crash_during_a_sync_may_leave_all_of_it_or_nothing() {
    let disk = SimulatedDisk::new();
    let file = create_durable(&disk, "a", b"1");
    file.write_at(0, b"2").unwrap();
    disk.crash_at(disk.operations());
    file.sync().unwrap_err();
    assert_eq!(states(&disk, "a"), [Some(b"1".to_vec()), Some(b"2".to_vec())]);
}

#[test]
fn a_planned_fault_hits_one_operation() {
    let cases = [
        (Fault::StorageFull, io::ErrorKind::StorageFull, 0),
        (Fault::QuotaExceeded, io::ErrorKind::QuotaExceeded, 0),
        (Fault::FileTooLarge, io::ErrorKind::FileTooLarge, 0),
        (Fault::ShortWrite, io::ErrorKind::StorageFull, 500),
    ];
    for (fault, kind, written) in cases {
        let disk = SimulatedDisk::new();
        let file = disk.create(&path("a")).unwrap();
        disk.fail_at(disk.operations(), fault);
        assert_eq!(file.write_at(0, &[1; 1000]).unwrap_err().kind(), kind);
        assert_eq!(disk.contents(&path("a")).unwrap(), vec![1; written]);
        file.write_at(0, &[1; 1000]).unwrap();
        assert_eq!(disk.contents(&path("a")).unwrap(), vec![1; 1000]);
    }
    let whole = SimulatedDisk::new();
    whole.count_reads(true);
    run(&whole).unwrap();
    for number in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        disk.count_reads(true);
        disk.fail_at(number, Fault::InputOutput);
        let error = run(&disk).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5));
        assert_eq!(disk.operations(), number + 1, "the workload ends where it failed");
        disk.create(&path("after")).unwrap();
    }
}

#[test]
fn a_full_disk_takes_what_fits_until_there_is_room() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "a", &[1; 600]);
    disk.limit_bytes(Some(1000));
    let other = create(&disk, "b", &[2; 300]);
    let full = |result: io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    };
    full(file.write_at(500, &[3; 250]));
    assert_eq!(file.len().unwrap(), 700);
    full(other.write_at(300, &[4]));
    full(other.write_at(5000, &[4]));
    full(other.set_len(301));
    other.write_at(0, &[5; 300]).unwrap();
    disk.remove(&path("b")).unwrap();
    file.set_len(1000).unwrap();
    disk.limit_bytes(Some(10));
    full(file.write_at(1000, &[6]));
    file.set_len(20).unwrap();
    disk.limit_bytes(None);
    file.write_at(2000, &[6]).unwrap();
}

#[test]
fn wild_offsets_are_refused() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "a", b"1");
    for offset in [1 << 30, u64::MAX] {
        let error = file.write_at(offset, &[1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(file.read_at(offset, &mut [0]).unwrap(), 0);
    }
    assert_eq!(file.set_len(u64::MAX).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(file.len().unwrap(), 1);
}

#[test]
fn the_log_names_the_last_operations() {
    let disk = SimulatedDisk::new();
    disk.fail_at(3, Fault::InputOutput);
    disk.crash_at(4);
    let file = create(&disk, "a", b"123");
    disk.rename(&path("a"), &path("b")).unwrap();
    file.sync().unwrap_err();
    file.set_len(1).unwrap_err();
    let expected = "     0 create /d/a
     1 write 3 bytes at 0 of /d/a
     2 rename to /d/b
     3 sync /d/a: failed
     4 set length 1 of /d/a: crash
";
    assert_eq!(disk.log(), expected);
    assert_eq!(format!("{disk:?}"), format!("SimulatedDisk after:\n{expected}"));
    let disk = SimulatedDisk::new();
    for _ in 0..1000 {
        disk.sync_directory(Path::new(DIRECTORY)).unwrap();
    }
    assert_eq!(disk.log().lines().count(), 64);
    assert!(disk.log().ends_with("   999 sync directory /d\n"));
}
