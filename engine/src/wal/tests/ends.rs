//! Where a log ends: torn, damaged, full, given up; segments that were used before.

use super::*;
use crate::disk::simulated::Fault;
use crate::open_error::OpenErrorKind;
use crate::wal::record::{ALIGNMENT, HEADER_BYTES, record_bytes};
use crate::wal::segment::SEGMENT_HEADER_BYTES;
use crate::wal::writer::WriteError;

/// Every byte of a record that a later group follows is damage, with its place; of the last group it is torn.
#[test]
fn a_changed_byte_is_damage_where_a_later_group_proves_it_and_torn_at_the_end() {
    let disk = SimulatedDisk::new();
    let wal = create(&disk);
    write(&wal, &[b"first"]);
    let second = write(&wal, &[b"second", b"of one group"]);
    let third = write(&wal, &[b"third"]);
    let end = wal.position();
    let path = segments(&disk).path(Lsn(0));
    let bytes = disk.contents(&path).unwrap();
    for place in SEGMENT_HEADER_BYTES..end.0 {
        let disk = disk.process_kill();
        let mut changed = bytes.clone();
        changed[place as usize] ^= 4;
        disk.replace(&path, &changed);
        if place < third.0 {
            let error = read(&disk).unwrap_err();
            assert_eq!(error.kind(), OpenErrorKind::Damaged, "{error}");
            let offset = error.fields().offset.unwrap();
            assert!(offset <= place && offset >= SEGMENT_HEADER_BYTES, "{place}: {error}");
        } else {
            let (records, scanned) = read(&disk).unwrap();
            assert_eq!(records, commits(&[b"first", b"second", b"of one group"]));
            assert!(scanned.torn_bytes > 0 && scanned.resume.position == third);
            // Unless the very mark of a record is what was changed.
            assert_eq!(scanned.is_torn, place >= third.0 + 4, "{place}");
        }
    }
    assert!(second < third);
}

#[test]
fn an_idle_or_a_close_record_proves_the_last_group() {
    for kind in [Kind::Idle, Kind::Close] {
        let disk = SimulatedDisk::new();
        let wal = create(&disk);
        let place = write(&wal, &[b"last"]);
        if kind == Kind::Idle {
            wal.write_idle().unwrap();
            let position = wal.position();
            wal.write_idle().unwrap();
            assert_eq!(wal.position(), position, "what is proven is not proven again");
        } else {
            let mut group = wal.begin().unwrap();
            group.append(kind, &[b"x"]).unwrap();
            group.write().unwrap();
        }
        let (records, scanned) = read(&disk).unwrap();
        assert_eq!((records.len(), scanned.last_kind), (2, Some(kind)));
        let path = segments(&disk).path(Lsn(0));
        let mut bytes = disk.contents(&path).unwrap();
        bytes[place.0 as usize + HEADER_BYTES] ^= 1;
        disk.replace(&path, &bytes);
        assert_eq!(read(&disk).unwrap_err().fields().offset, Some(place.0));
    }
}

#[test]
fn records_of_every_length_fit_up_to_a_segments_end() {
    // So that the first record ends at every distance from the end at which the second still fits, or no longer does.
    let room = (SEGMENT_BYTES_MIN - SEGMENT_HEADER_BYTES) as usize;
    for left in (0..6 * HEADER_BYTES).step_by(ALIGNMENT) {
        let disk = SimulatedDisk::new();
        let wal = create(&disk);
        let max = wal.begin().unwrap().payload_bytes_max();
        let first = vec![1; max.min(room - HEADER_BYTES - left)];
        write(&wal, &[&first]);
        let place = write(&wal, &[b"second"]);
        assert_eq!(place.0 % ALIGNMENT as u64, 0);
        let fits = record_bytes(first.len()) + record_bytes(6) + HEADER_BYTES <= room;
        assert_eq!(place.0 < SEGMENT_BYTES_MIN, fits, "{left} bytes left");
        let (records, wal) = recover(&disk.power_cut(left as u64));
        assert_eq!(records, commits(&[&first, b"second"]));
        write(&wal, &[b"third"]);
    }
}

#[test]
fn what_an_earlier_use_left_in_the_middle_of_a_record_was_not_begun() {
    let disk = SimulatedDisk::new();
    let wal = create(&disk);
    let mut left_bytes = 0;
    for round in 0..200_usize {
        let lsn = write(&wal, &[&vec![7; 500 + round * 16 % 700]]);
        if round % 7 == 0 {
            wal.release(lsn).unwrap();
        }
        wal.prepare().unwrap();
        let (_, scanned) = read_from(&disk.process_kill(), Some(lsn)).unwrap();
        assert!(!scanned.is_torn, "round {round}");
        left_bytes += scanned.torn_bytes;
    }
    assert!(left_bytes > 0, "no end fell into an old record");
}

#[test]
fn segments_are_used_again_and_what_they_held_is_nothing() {
    let disk = SimulatedDisk::new();
    let wal = create(&disk);
    let payload = [7; 3_000];
    let mut expected = Vec::new();
    let mut from = Lsn(0);
    for round in 0..60_u8 {
        let lsn = write(&wal, &[&payload, &[round]]);
        expected.push(round);
        if round % 7 == 0 {
            from = lsn;
            expected = vec![round];
            wal.release(from).unwrap();
        }
        wal.prepare().unwrap();
        let left = disk.power_cut(u64::from(round));
        let (records, scanned) = read_from(&left, Some(from)).unwrap();
        assert_eq!(scanned.torn_bytes, 0);
        let found: Vec<u8> = records
            .iter()
            .filter(|(_, bytes)| bytes.len() == 1)
            .map(|(_, bytes)| bytes[0])
            .collect();
        assert_eq!(found, expected, "round {round}");
    }
    assert!(segments(&disk).list().unwrap().len() < 8, "old segments are used again");
}

#[test]
fn a_group_that_could_not_be_written_never_was() {
    let large = [9; 12_000];
    let mut refused = 0;
    for after in 0..16 {
        let disk = SimulatedDisk::new();
        let wal = create(&disk);
        write(&wal, &[b"before"]);
        disk.fail_at(disk.operations() + after, Fault::ShortWrite);
        let written = wal.begin().and_then(|mut group| {
            for _ in 0..3 {
                group.append(Kind::Commit, &[&large])?;
            }
            group.write()
        });
        let mut expected = commits(&[b"before"]);
        match written {
            Ok(()) => expected.extend(commits(&[&large, &large, &large])),
            Err(WriteError::Refused(_)) => refused += 1,
            Err(WriteError::Unknown(_)) => {
                assert!(wal.begin().is_err(), "nothing is written after a sync that failed");
                continue;
            }
        }
        assert_eq!(read(&disk.power_cut(after)).unwrap().0, expected, "operation {after}");
        write(&wal, &[b"behind"]);
        expected.extend(commits(&[b"behind"]));
        assert_eq!(read(&disk.power_cut(after)).unwrap().0, expected, "operation {after}");
    }
    assert!(refused > 3, "{refused}");
}

#[test]
fn parts_go_ahead_of_their_end_unless_other_records_would_go_with_them() {
    let disk = SimulatedDisk::new();
    let wal = create(&disk);
    let mut group = wal.begin().unwrap();
    group.append(Kind::Part, &[b"part"]).unwrap();
    group.write_through(1).unwrap();
    assert_eq!(read(&disk).unwrap().0, [(Kind::Part, b"part".to_vec())]);
    group.append(Kind::Commit, &[b"end"]).unwrap();
    group.append(Kind::Part, &[b"of the next"]).unwrap();
    group.write_through(1).unwrap();
    drop(group);
    assert_eq!(
        read(&disk).unwrap().0.len(),
        1,
        "a group with a commit is written whole or not at all"
    );
}

#[test]
fn what_a_killed_process_wrote_is_on_the_disk_after_recovery() {
    // The group ends in the second segment; nothing of it was synced when the process was killed.
    let disk = SimulatedDisk::new();
    let wal = create(&disk);
    wal.prepare().unwrap();
    let large = [5; 9_000];
    let begun = disk.operations();
    write(&wal, &[&large, &large]);
    for stop in begun..disk.operations() {
        let disk = SimulatedDisk::new();
        let wal = create(&disk);
        wal.prepare().unwrap();
        disk.crash_at(stop);
        let _ = wal.begin().and_then(|mut group| {
            group.append(Kind::Commit, &[&large])?;
            group.append(Kind::Commit, &[&large])?;
            group.write()
        });
        let killed = disk.process_kill();
        let (records, wal) = recover(&killed);
        write(&wal, &[b"next"]);
        for seed in 0..8 {
            let (found, _) = read(&killed.power_cut(seed)).unwrap();
            assert_eq!(found, [records.clone(), commits(&[b"next"])].concat(), "operation {stop}");
        }
    }
}
