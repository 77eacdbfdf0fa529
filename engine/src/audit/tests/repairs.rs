//! The end of the active file after a power cut: put back from log and image, or cut where they are not there.

use super::*;
use crate::open_error::OpenErrorKind::{Damaged, Missing, Tampered};

/// Entries 1 to 6 are synced and marked, 7 to 12 are not.
fn fixture() -> Fixture {
    let mut fixture = Fixture::of_statements(6, None, NEVER);
    for number in 7..=12 {
        fixture.append(&[draft(number, &text(number))]);
    }
    fixture
}

fn with_active(fixture: &Fixture, change: impl FnOnce(&mut Vec<u8>)) -> SimulatedDisk {
    let mut bytes = fixture.disk.contents(path()).unwrap();
    change(&mut bytes);
    disk_of(&[(path().to_owned(), bytes)])
}

/// Where an entry begins in a file that was never sealed.
fn offset_of(fixture: &Fixture, sequence: u64) -> usize {
    1536 + fixture.entries[..sequence as usize].concat().len()
}

#[test]
fn every_truncation_is_put_back_or_refused() {
    let fixture = fixture();
    let whole = fixture.disk.contents(path()).unwrap();
    let marked = offset_of(&fixture, 7);
    for length in 0..whole.len() {
        let disk = with_active(&fixture, |bytes| bytes.truncate(length));
        let opened = fixture.open(&disk, &fixture.expectation(2, 1));
        if length < marked {
            let error = opened.expect_err(&format!("cut to {length}"));
            assert_eq!(error.kind(), Tampered, "{error}");
            assert_eq!(error.fields().path, path());
            assert!(error.fields().offset.unwrap() as usize <= length, "{error}");
        } else {
            assert_eq!(opened.unwrap().state(), fixture.states[12], "cut to {length}");
            assert_eq!(disk.contents(path()).unwrap(), whole, "cut to {length}");
            assert_eq!(disk.power_cut(1).contents(path()).unwrap(), whole, "not synced: {length}");
        }
    }
}

#[test]
fn every_truncation_without_log_is_cut_to_whole_entries_or_refused() {
    let fixture = fixture();
    let whole = fixture.disk.contents(path()).unwrap();
    let marked = offset_of(&fixture, 7);
    for length in 0..whole.len() {
        let disk = with_active(&fixture, |bytes| bytes.truncate(length));
        let opened = fixture.open(&disk, &Expectation::standalone());
        if length < marked {
            assert_eq!(opened.unwrap_err().kind(), Tampered, "cut to {length}");
        } else {
            let last = opened.unwrap().state().sequence;
            let end = offset_of(&fixture, last + 1);
            assert!(end <= length && (last == 12 || length < offset_of(&fixture, last + 2)));
            assert_eq!(disk.contents(path()).unwrap(), whole[..end]);
        }
    }
}

#[test]
fn sectors_that_were_not_written_are_put_back() {
    let fixture = fixture();
    let whole = fixture.disk.contents(path()).unwrap();
    let marked = offset_of(&fixture, 7);
    let sectors: Vec<usize> = (marked / 512 + 1..whole.len().div_ceil(512)).collect();
    assert!(sectors.len() >= 3, "{sectors:?}");
    for lost in 0_usize..1 << sectors.len() {
        let disk = with_lost(&fixture, &sectors, lost);
        let log = fixture.open(&disk, &fixture.expectation(6, 4)).unwrap();
        assert_eq!(log.state(), fixture.states[12]);
        assert_eq!(disk.contents(path()).unwrap(), whole);

        let disk = with_lost(&fixture, &sectors, lost);
        let log = fixture.open(&disk, &Expectation::standalone()).unwrap();
        let first_lost = sectors.iter().enumerate().find(|(place, _)| lost >> place & 1 == 1);
        let whole_bytes = first_lost.map_or(whole.len(), |(_, sector)| sector * 512);
        let last = (6..=12).rev().find(|last| offset_of(&fixture, last + 1) <= whole_bytes);
        assert_eq!(Some(log.state().sequence), last);
    }
}

fn with_lost(fixture: &Fixture, sectors: &[usize], lost: usize) -> SimulatedDisk {
    with_active(fixture, |bytes| {
        for (place, sector) in sectors.iter().enumerate() {
            if lost >> place & 1 == 1 {
                let end = bytes.len().min(sector * 512 + 512);
                bytes[sector * 512..end].fill(0);
            }
        }
    })
}

#[test]
fn a_changed_byte_beyond_what_was_synced_is_refused_with_its_place() {
    let fixture = fixture();
    let whole = fixture.disk.contents(path()).unwrap();
    for place in offset_of(&fixture, 7)..whole.len() {
        for bits in [0x01, 0xff] {
            let disk = with_active(&fixture, |bytes| bytes[place] ^= bits);
            if let Err(error) = fixture.open(&disk, &fixture.expectation(2, 1)) {
                assert_eq!(error.kind(), Tampered, "{error}");
                assert_eq!(error.fields().offset, Some(place as u64), "{error}");
                let entry = error.fields().entry.unwrap();
                assert!(offset_of(&fixture, entry) <= place, "{error}");
                assert!(place < offset_of(&fixture, entry + 1), "{error}");
            } else {
                // A sector that is right up to here and zero from here on: so a power cut leaves it.
                assert_eq!(disk.contents(path()).unwrap(), whole);
                let sector_end = (place / 512 * 512 + 512).min(whole.len());
                let rest = &whole[place + 1..sector_end];
                assert!(whole[place] == bits && rest.iter().all(|byte| *byte == 0), "{place}");
            }
            let alone = with_active(&fixture, |bytes| bytes[place] ^= bits);
            let error = fixture.open(&alone, &Expectation::standalone());
            let error = error.expect_err(&format!("byte {place} alone"));
            assert_eq!(error.kind(), Tampered, "{error}");
        }
    }
}

#[test]
fn entries_that_log_and_image_do_not_know_prove_that_they_lost_commits() {
    let fixture = fixture();
    let mut short = fixture.expectation(6, 4);
    short.redo.truncate(fixture.entries[4..=10].concat().len());
    let error = fixture.open(&fixture.disk, &short).unwrap_err();
    assert_eq!((error.kind(), error.fields().entry), (Damaged, Some(11)), "{error}");
    assert!(error.to_string().contains("commits that were acknowledged are missing"), "{error}");

    let none = Expectation { redo: Vec::new(), ..fixture.expectation(9, 10) };
    let error = fixture.open(&fixture.disk, &none).unwrap_err();
    assert_eq!((error.kind(), error.fields().entry), (Damaged, Some(10)), "{error}");
}

#[test]
fn bytes_behind_the_last_known_entry_are_refused() {
    let fixture = fixture();
    for junk in [&b"x"[..], &[0; 8], &[0; 600]] {
        let disk = with_active(&fixture, |bytes| bytes.extend_from_slice(junk));
        let error = fixture.open(&disk, &fixture.expectation(6, 4)).unwrap_err();
        assert_eq!(error.kind(), Tampered, "{error}");
        assert_eq!(error.fields().offset, Some(offset_of(&fixture, 13) as u64), "{error}");
    }
}

#[test]
fn a_gap_between_file_and_redo_is_damage() {
    let fixture = fixture();
    let disk = with_active(&fixture, |bytes| bytes.truncate(offset_of(&fixture, 8)));
    let error = fixture.open(&disk, &fixture.expectation(6, 10)).unwrap_err();
    assert_eq!((error.kind(), error.fields().entry), (Damaged, Some(8)), "{error}");
}

#[test]
fn redo_must_be_well_formed_and_linked() {
    let fixture = fixture();
    let disk = with_active(&fixture, |bytes| bytes.truncate(offset_of(&fixture, 8)));
    let good = fixture.expectation(6, 7);
    for place in 0..good.redo.len() {
        let mut bad = good.clone();
        bad.redo[place] ^= 4;
        let error = fixture.open(&disk, &bad).unwrap_err();
        assert!(matches!(error.kind(), Damaged | Tampered), "{error}");
        bad.redo.truncate(place);
        let is_end = (7..=13).any(|next| fixture.entries[7..next].concat().len() == place);
        let opened =
            fixture.open(&disk, &Expectation { redo: good.redo[..place].to_vec(), ..good.clone() });
        assert_eq!(opened.is_ok(), is_end && place > 0, "{place}");
    }
}

#[test]
fn the_active_file_may_be_absent_only_after_a_seal() {
    let fixture = Fixture::of_statements(20, None, 3000);
    let mut all = fixture.files();
    all.retain(|(file, _)| file != path());
    let sealed_last = {
        let disk = disk_of(&all);
        let log = fixture.open(&disk, &Expectation::standalone()).unwrap();
        assert_eq!(disk.power_cut(3).paths(), disk.paths());
        log.state().sequence
    };
    assert!(sealed_last < 20);
    let disk = disk_of(&all);
    let log = fixture.open(&disk, &fixture.expectation(sealed_last, 1)).unwrap();
    assert_eq!(log.state(), fixture.states[20]);
    assert_eq!(entry_bytes(&disk), fixture.entries.concat());

    let error = fixture.open(&disk_of(&all), &fixture.expectation(20, 1)).unwrap_err();
    assert_eq!(error.kind(), Missing, "{error}");
}

#[test]
fn a_temporary_file_is_removed_unread() {
    let fixture = Fixture::of_statements(3, None, NEVER);
    let mut all = fixture.files();
    all.push(("/data/audit.log.new".into(), b"anything".to_vec()));
    let disk = disk_of(&all);
    fixture.open(&disk, &Expectation::standalone()).unwrap();
    assert_eq!(disk.paths(), [path()]);
}
