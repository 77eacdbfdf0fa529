//! What someone with access to the files may do, and what finds it.

use super::*;
use crate::open_error::OpenErrorKind::{Damaged, Foreign, Tampered};

const KEY: [u8; 32] = [0x5a; 32];

/// Sealed segments and an active file, closed in order.
fn closed(key: Option<Key>) -> Fixture {
    let fixture = Fixture::of_statements(17, key, 4500);
    fixture.log.close().unwrap();
    assert_eq!(fixture.disk.paths().len(), 3, "{:?}", fixture.disk.paths());
    fixture
}

/// Files changed by `change`; the places are ascending by first entry, the active file last.
fn changed(fixture: &Fixture, change: impl FnOnce(&mut Vec<(PathBuf, Vec<u8>)>)) -> SimulatedDisk {
    let mut all = fixture.files();
    all.sort_by_key(|(file, _)| (file == path(), file.clone()));
    change(&mut all);
    disk_of(&all)
}

/// What opening says, with log and image and without, and the verifier.
fn refusals(fixture: &Fixture, disk: &SimulatedDisk) -> [Option<String>; 3] {
    let last = fixture.last();
    let text = |error: OpenError| {
        assert!(error.kind().is_damage() || error.fields().offset.is_none(), "{error}");
        error.to_string()
    };
    let copy = || disk_of(&files(disk));
    let key = fixture.key.as_ref();
    [
        fixture.open(&copy(), &fixture.expectation(last, last)).err().map(text),
        fixture.open(&copy(), &Expectation::standalone()).err().map(text),
        verify(disk, path(), key, None).err().map(|fault| fault.to_string()),
    ]
}

fn assert_refused(fixture: &Fixture, disk: &SimulatedDisk, what: &str) {
    for (place, refusal) in refusals(fixture, disk).iter().enumerate() {
        assert!(
            refusal.is_some(),
            "{what}: not found by {}",
            ["log", "standalone", "verify"][place]
        );
    }
}

#[test]
fn what_was_closed_opens_and_verifies() {
    for key in [None, Some(Key::new(KEY))] {
        let fixture = closed(key);
        assert_eq!(refusals(&fixture, &fixture.disk), [None, None, None]);
        let head = fixture.states[5].head;
        let report = verify(&fixture.disk, path(), fixture.key.as_ref(), Some(head)).unwrap();
        assert_eq!((report.entries, report.first_sequence), (18, 0));
        assert_eq!((report.state, report.id), (fixture.states[17], ID));
        assert_eq!((report.expected_sequence, report.trailing_bytes), (Some(5), 0));
        assert_eq!(report.keyed, fixture.key.is_some());
        let bytes: usize = fixture.files().iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(report.bytes, bytes as u64);
    }
}

#[test]
fn every_byte_of_every_file_is_looked_at() {
    for key in [None, Some(Key::new(KEY))] {
        let fixture = closed(key);
        for (file, bytes) in fixture.files() {
            for place in 0..bytes.len() {
                let mut bytes = bytes.clone();
                bytes[place] ^= 1 << (place % 8);
                let disk = disk_of(&fixture.files());
                disk.replace(&file, &bytes);
                assert_refused(&fixture, &disk, &format!("{} byte {place}", file.display()));
                let expectation = fixture.expectation(17, 17);
                let error = fixture.open(&disk, &expectation).unwrap_err();
                let fields = error.fields();
                assert!(fields.path == file && fields.offset.is_some(), "{place}: {error}");
                assert_eq!(fields.entry.is_some(), place >= 1536, "{place}: {error}");
                let fault = verify(&disk, path(), fixture.key.as_ref(), None).unwrap_err();
                assert!(fault.path == file && fault.offset.is_some(), "{place}: {fault}");
            }
        }
    }
}

#[test]
fn every_truncation_of_every_file_is_found() {
    let fixture = closed(None);
    for (file, bytes) in fixture.files() {
        for length in 0..bytes.len() {
            let disk = disk_of(&fixture.files());
            disk.replace(&file, &bytes[..length]);
            let [log, standalone, verified] = refusals(&fixture, &disk);
            let what = format!("{} cut to {length}", file.display());
            assert!(log.is_some() && standalone.is_some(), "{what}");
            // The mark says that more was synced; that too the verifier sees.
            assert!(verified.is_some(), "{what}");
        }
    }
}

/// The bounds of the entries of a file.
fn bounds(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut start, mut all) = (1536, Vec::new());
    while start < bytes.len() {
        let length = u32::from_le_bytes(bytes[start..start + 4].try_into().unwrap()) as usize;
        all.push((start, start + length));
        start += length;
    }
    all
}

#[test]
fn entries_removed_repeated_exchanged_or_moved_are_found() {
    for key in [None, Some(Key::new(KEY))] {
        let fixture = closed(key);
        for place in 0..3 {
            let bytes = {
                let mut all = Vec::new();
                changed(&fixture, |files| all = files.clone());
                all[place].1.clone()
            };
            let bounds = bounds(&bytes);
            let with = |bytes: Vec<u8>| changed(&fixture, |files| files[place].1 = bytes);
            for (index, &(start, end)) in bounds.iter().enumerate() {
                let removed = [&bytes[..start], &bytes[end..]].concat();
                assert_refused(&fixture, &with(removed), &format!("removed {index} of {place}"));
                let repeated = [&bytes[..end], &bytes[start..]].concat();
                assert_refused(&fixture, &with(repeated), &format!("repeated {index} of {place}"));
                if let Some(&(_, next_end)) = bounds.get(index + 1) {
                    let exchanged = [
                        &bytes[..start],
                        &bytes[end..next_end],
                        &bytes[start..end],
                        &bytes[next_end..],
                    ];
                    let what = format!("exchanged {index} of {place}");
                    assert_refused(&fixture, &with(exchanged.concat()), &what);
                }
            }
        }
    }
}

#[test]
fn entries_of_another_database_are_found() {
    let fixture = closed(None);
    let mut other = Fixture::new(OTHER_ID, None, NEVER);
    for number in 1..=17 {
        other.append(&[draft(number, &text(number))]);
    }
    let active = fixture.disk.contents(path()).unwrap();
    let bounds = bounds(&active);
    let first = 18 - bounds.len();
    for (index, &(start, end)) in bounds.iter().enumerate() {
        // The same statement at the same place: only its links are another database's.
        let spliced = [&active[..start], &other.entries[first + index], &active[end..]].concat();
        let disk = disk_of(&fixture.files());
        disk.replace(path(), &spliced);
        assert_refused(&fixture, &disk, &format!("spliced {index}"));
        let added = [&active[..end], &other.entries[17], &active[end..]].concat();
        disk.replace(path(), &added);
        assert_refused(&fixture, &disk, &format!("inserted after {index}"));
    }
}

#[test]
fn files_of_another_database_are_foreign() {
    let fixture = closed(None);
    let mut other = Fixture::new(OTHER_ID, None, 4500);
    for number in 1..=17 {
        other.append(&[draft(number, &text(number))]);
    }
    other.log.close().unwrap();
    assert_eq!(other.disk.paths(), fixture.disk.paths());
    for (file, bytes) in other.files() {
        let disk = disk_of(&fixture.files());
        disk.replace(&file, &bytes);
        let error = fixture.open(&disk, &Expectation::standalone()).unwrap_err();
        assert_eq!((error.kind(), &error.fields().path), (Foreign, &file), "{error}");
        assert!(verify(&disk, path(), None, None).is_err());
    }
}

#[test]
fn segments_exchanged_or_renamed_are_found() {
    let fixture = closed(None);
    let exchange = |left: usize, right: usize| {
        changed(&fixture, |files| {
            let bytes = std::mem::take(&mut files[left].1);
            files[left].1 = std::mem::replace(&mut files[right].1, bytes);
        })
    };
    for (left, right) in [(0, 1), (0, 2), (1, 2)] {
        assert_refused(&fixture, &exchange(left, right), &format!("{left} for {right}"));
    }
    let renamed = changed(&fixture, |files| {
        files[1].0 = "/data/audit.log.00000000000000ff".into();
    });
    assert_refused(&fixture, &renamed, "renamed");
}

#[test]
fn an_older_copy_of_a_file_is_found_by_log_or_image() {
    let mut fixture = Fixture::of_statements(6, None, NEVER);
    fixture.log.close().unwrap();
    let older = fixture.disk.contents(path()).unwrap();
    fixture.append(&[draft(7, &text(7))]);
    fixture.log.close().unwrap();
    fixture.disk.replace(path(), &older);
    let [log, standalone, verified] = refusals(&fixture, &fixture.disk);
    assert!(log.is_some(), "log and image know that entry 7 was synced");
    // Nothing in the files says that there was more: this is what an expected head is for.
    assert_eq!((standalone, verified), (None, None));
    assert!(verify(&fixture.disk, path(), None, Some(fixture.states[7].head)).is_err());
}

#[test]
fn a_file_removed_is_found() {
    let fixture = closed(None);
    for place in 0..2 {
        let disk = changed(&fixture, |files| drop(files.remove(place)));
        assert_refused(&fixture, &disk, &format!("segment {place} removed"));
    }
    let first = changed(&fixture, |files| drop(files.remove(0)));
    let error = fixture.open(&first, &fixture.expectation(17, 17)).unwrap_err();
    assert_eq!(error.kind(), Tampered);
    assert!(error.to_string().contains("no entry says that they were archived"), "{error}");

    let active = changed(&fixture, |files| drop(files.remove(2)));
    assert!(fixture.open(&active, &fixture.expectation(17, 17)).is_err());
    assert!(verify(&active, path(), None, None).is_err());
    // Without log and image it looks as a crash between the two names of a seal does.
    assert!(fixture.open(&active, &Expectation::standalone()).is_ok());
    assert!(verify(&active, path(), None, Some(fixture.states[17].head)).is_err());
}

/// The log of someone who changes a statement and makes all hashes, headers and marks anew.
fn recomputed(fixture: &Fixture, key: Option<Key>) -> SimulatedDisk {
    let mut forged = Fixture::new(ID, key, fixture.seal_bytes);
    for number in 1..=17 {
        let text = if number == 9 { "SELECT 'nothing happened'".to_owned() } else { text(number) };
        forged.append(&[draft(number, &text)]);
    }
    forged.log.close().unwrap();
    forged.disk
}

#[test]
fn a_recomputed_chain_is_found_by_log_image_key_or_expected_head_only() {
    let fixture = closed(None);
    let forged = recomputed(&fixture, None);
    let [log, standalone, verified] = refusals(&fixture, &forged);
    assert!(log.is_some());
    assert_eq!((standalone, verified), (None, None));
    for sequence in 9..=17 {
        let head = fixture.states[sequence].head;
        assert!(verify(&forged, path(), None, Some(head)).is_err(), "{sequence}");
    }
    assert!(verify(&forged, path(), None, Some(fixture.states[8].head)).is_ok());

    let keyed = closed(Some(Key::new(KEY)));
    for wrong in [None, Some(Key::new([1; 32]))] {
        assert_refused(&keyed, &recomputed(&keyed, wrong), "recomputed without the key");
    }
    // With the key's sign in the header, as anyone can copy it.
    let mut copied = recomputed(&keyed, Some(Key::new([1; 32])));
    let headers = keyed.files();
    let mut all = files(&copied);
    for ((_, bytes), (_, original)) in all.iter_mut().zip(&headers) {
        bytes[72..104].copy_from_slice(&original[72..104]);
        let checksum = *crate::crypto::blake3::hash(&bytes[..480]).as_bytes();
        bytes[480..512].copy_from_slice(&checksum);
        bytes[512..1536].fill(0);
    }
    copied = disk_of(&all);
    assert_refused(&keyed, &copied, "recomputed under another key");
}

#[test]
fn archived_segments_may_be_absent_and_others_not() {
    for key in [None, Some(Key::new(KEY))] {
        let mut fixture = closed(key);
        let last = fixture.log.archivable().unwrap();
        assert_eq!(last, fixture.states[last.sequence as usize]);
        fixture.append(&[Draft::archived(18, 5, last)]);
        fixture.log.sync().unwrap();
        let before = fixture.files();
        let moved = fixture.log.archive(Path::new("/archive"), last).unwrap();
        assert_eq!(moved.len(), 2);
        for target in &moved {
            let source = path().with_file_name(target.file_name().unwrap());
            let (_, bytes) = before.iter().find(|(file, _)| *file == source).unwrap();
            assert_eq!(fixture.disk.power_cut(1).contents(target).as_ref(), Some(bytes));
            assert_eq!(fixture.disk.power_cut(2).contents(&source), None);
        }
        assert_eq!(fixture.log.archivable(), None);
        fixture.log.close().unwrap();
        assert_eq!(refusals(&fixture, &fixture.disk), [None, None, None]);
        let report = verify(&fixture.disk, path(), fixture.key.as_ref(), None).unwrap();
        assert_eq!(report.first_sequence, last.sequence + 1);

        // Redo that reaches back before the first file is compared with what the file continues.
        let log = fixture.open(&fixture.disk, &fixture.expectation(18, 1)).unwrap();
        assert_eq!(log.state(), fixture.states[18]);
        let mut other = fixture.expectation(18, 1);
        other.proven = Some(ChainState { head: [9; 32], ..last });
        assert_eq!(fixture.open(&fixture.disk, &other).unwrap_err().kind(), Tampered);

        // All archived segments but the second: what is there begins in the middle, as archiving may have left it.
        let half: Vec<_> =
            before.iter().filter(|(file, _)| *file != before[1].0).cloned().collect();
        assert_eq!(refusals(&fixture, &disk_of(&half)), [None, None, None]);
    }
}

#[test]
fn an_archived_entry_must_name_what_was_there() {
    for sequence_only in [true, false] {
        let mut fixture = closed(None);
        let mut last = fixture.log.archivable().unwrap();
        if sequence_only {
            last.head = [1; 32];
        } else {
            last.sequence += 1;
        }
        fixture.append(&[Draft::archived(18, 5, last)]);
        fixture.log.close().unwrap();
        let disk = changed(&fixture, |files| files.retain(|(file, _)| file == path()));
        assert_refused(&fixture, &disk, "an entry that names another");
    }
}

#[test]
fn archiving_goes_on_where_it_stopped_and_overwrites_nothing() {
    let fixture = closed(None);
    let last = fixture.log.archivable().unwrap();
    let segment = fixture.files().into_iter().find(|(file, _)| file != path()).unwrap();
    let target = Path::new("/archive").join(segment.0.file_name().unwrap());
    fixture.disk.replace(&target, b"something else");
    let error = fixture.log.archive(Path::new("/archive"), last).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{error}");
    assert!(fixture.log.archive(Path::new("/data"), last).is_err());
    assert_eq!(fixture.disk.contents(&segment.0).as_ref(), Some(&segment.1));

    fixture.disk.replace(&target, &segment.1);
    fixture.disk.replace(Path::new("/archive/x.new"), b"a file of someone else");
    assert_eq!(fixture.log.archive(Path::new("/archive"), last).unwrap().len(), 2);
    assert_eq!(fixture.disk.contents(&target).as_ref(), Some(&segment.1));
}

#[test]
fn the_verifier_tells_an_entry_that_is_being_written() {
    let fixture = closed(None);
    let whole = fixture.disk.contents(path()).unwrap();
    let mut more = fixture.chain.clone();
    let mut entry = Vec::new();
    more.append(&draft(18, "INSERT INTO t VALUES (18)"), &mut entry);
    for length in 1..entry.len() {
        let disk = disk_of(&fixture.files());
        disk.replace(path(), &[&whole[..], &entry[..length]].concat());
        let report = verify(&disk, path(), None, None).unwrap();
        assert_eq!(report.trailing_bytes, length as u64);
        assert_eq!(report.state, fixture.states[17]);
    }
}

#[test]
fn log_and_image_that_lost_entries_are_told() {
    let fixture = closed(None);
    let error = fixture
        .open(&fixture.disk, &Expectation { redo: Vec::new(), ..fixture.expectation(12, 13) });
    assert_eq!(error.unwrap_err().kind(), Damaged);

    let given_up = Expectation { redo: Vec::new(), goes_on: true, ..fixture.expectation(12, 13) };
    assert_eq!(fixture.open(&fixture.disk, &given_up).unwrap().state(), fixture.states[17]);
}
