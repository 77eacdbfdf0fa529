//! Failures and crashes while an image is written leave the old one or the new.

use super::*;

#[test]
fn what_fails_or_is_stopped_leaves_the_old_image() {
    let old = small();
    let (disk, image) = written(&old);
    let mut newer = small();
    newer.commit = CommitNumber(43);
    let mut left = 2;
    let stopped = write(&disk, path(), &newer, &header(&newer), &mut |_| {
        left -= 1;
        if left == 0 { Err(Stop) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(WriteError::Stopped)));
    assert_eq!(disk.paths(), [path()]);
    let start = disk.operations();
    // Create, writes, sync: each may fail.
    let mut failures = 0;
    for number in 0.. {
        let before = disk.operations();
        disk.fail_at(before + number, Fault::InputOutput);
        match write(&disk, path(), &newer, &header(&newer), &mut |_| Ok(())) {
            Err(WriteError::Io { path: at, .. }) => assert_eq!(at, new_path(path())),
            Err(WriteError::Stopped) => unreachable!("nobody stops it"),
            Ok(_) => break,
        }
        failures += 1;
        assert_eq!(loaded(&disk).unwrap().hash, image.hash);
    }
    assert!(failures > 5 && disk.operations() > start);
    let disk = disk.process_kill(); // without the failure that was still planned
    // A new image that was not installed is not read, and goes.
    assert_eq!(loaded(&disk).unwrap().header.commit, CommitNumber(42));
    assert!(remove_stale(&disk, path()).unwrap());
    assert!(!remove_stale(&disk, path()).unwrap());
    assert_eq!(disk.paths(), [path()]);
}

#[test]
fn a_crash_at_any_operation_leaves_the_old_image_or_the_new() {
    let (old, mut newer) = (small(), small());
    newer.commit = CommitNumber(43);
    let replace = |disk: &SimulatedDisk| {
        write(disk, path(), &newer, &header(&newer), &mut |_| Ok(()))?;
        install(disk, path())
    };
    let (disk, _) = written(&old);
    let first = disk.operations();
    replace(&disk).unwrap();
    for number in first..=disk.operations() {
        for seed in 0..8 {
            let (disk, _) = written(&old);
            disk.crash_at(number);
            let done = replace(&disk).is_ok();
            let disk = disk.power_cut(seed);
            remove_stale(&disk, path()).unwrap();
            let commit = loaded(&disk).unwrap().header.commit;
            assert!(commit == CommitNumber(43) || !done && commit == CommitNumber(42));
        }
    }
}
