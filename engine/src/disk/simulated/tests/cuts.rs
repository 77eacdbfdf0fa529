//! What power cuts and killed processes leave.

use super::*;

#[test]
fn what_is_synced_stays() {
    let disk = SimulatedDisk::new();
    let bytes: Vec<u8> = (0..10_000_u32).map(|place| place as u8).collect();
    create_durable(&disk, "a", &bytes);
    assert_eq!(states(&disk, "a"), [Some(bytes)]);
}

#[test]
fn what_is_not_synced_is_old_or_new_in_every_sector() {
    let disk = SimulatedDisk::new();
    let file = create_durable(&disk, "a", &[1; 8192]);
    file.write_at(700, &[2; 7000]).unwrap();
    let (mut torn_within_a_page, mut whole_pages) = (false, true);
    let states = states(&disk, "a");
    for state in &states {
        let state = state.as_ref().unwrap();
        assert_eq!(state.len(), 8192);
        for (place, sector) in state.chunks(512).enumerate() {
            // Where the write began or ended within a sector, the new one has old bytes too.
            let written = |byte: usize| (700..7700).contains(&(place * 512 + byte));
            let is_old = sector.iter().all(|byte| *byte == 1);
            let is_new = (0..512).all(|byte| sector[byte] == 1 + u8::from(written(byte)));
            assert!(is_old || is_new, "sector {place}");
        }
        let is_new = |sector: usize| state[sector * 512 + 300] == 2;
        torn_within_a_page |= is_new(2) != is_new(3);
        whole_pages &= is_new(2) == is_new(3);
    }
    assert!(torn_within_a_page && !whole_pages && states.len() > 50, "{}", states.len());
    let new = disk.contents(&path("a"));
    assert!(states.contains(&Some(vec![1; 8192])) && states.contains(&new));
}

#[test]
fn a_page_may_be_lost_alone() {
    let disk = SimulatedDisk::new();
    let file = create_durable(&disk, "a", &[1; 3 * 4096]);
    file.write_at(0, &[2; 3 * 4096]).unwrap();
    let lost = [vec![2; 4096], vec![1; 4096], vec![2; 4096]].concat();
    assert!(states(&disk, "a").contains(&Some(lost)));
}

#[test]
fn a_write_that_was_overwritten_may_be_what_is_left() {
    let disk = SimulatedDisk::new();
    let file = create_durable(&disk, "a", b"1");
    file.write_at(0, b"2").unwrap();
    file.write_at(0, b"3").unwrap();
    let expected = [b"1", b"2", b"3"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(states(&disk, "a"), expected);
    file.sync().unwrap();
    assert_eq!(states(&disk, "a"), expected[2..]);
}

#[test]
fn lengths_are_old_or_new_and_new_bytes_may_be_zeros() {
    let disk = SimulatedDisk::new();
    let file = create_durable(&disk, "a", b"old");
    file.write_at(3, b"new").unwrap();
    let states_of = |texts: &[&str]| -> Vec<Option<Vec<u8>>> {
        texts.iter().map(|text| Some(text.as_bytes().to_vec())).collect()
    };
    assert_eq!(states(&disk, "a"), states_of(&["old", "old\0\0\0", "oldnew"]));
    file.sync().unwrap();
    file.set_len(1).unwrap();
    // Cutting writes zeros to the last page, before the length or after.
    assert_eq!(states(&disk, "a"), states_of(&["o", "o\0\0\0\0\0", "oldnew"]));
    file.write_at(1, b"x").unwrap();
    let either = ["o", "o\0", "o\0\0\0\0\0", "ol", "oldnew", "ox", "ox\0\0\0\0"];
    assert_eq!(states(&disk, "a"), states_of(&either));
}

#[test]
fn a_created_name_is_there_or_not_until_its_directory_is_synced() {
    let disk = SimulatedDisk::new();
    create(&disk, "a", b"1").sync().unwrap();
    disk.sync_directory(Path::new("/elsewhere")).unwrap();
    assert_eq!(states(&disk, "a"), [None, Some(b"1".to_vec())]);
    disk.sync_directory(Path::new(DIRECTORY)).unwrap();
    assert_eq!(states(&disk, "a"), [Some(b"1".to_vec())]);
    disk.remove(&path("a")).unwrap();
    assert_eq!(states(&disk, "a"), [None, Some(b"1".to_vec())]);
    disk.sync_directory(Path::new(DIRECTORY)).unwrap();
    assert_eq!(states(&disk, "a"), [None]);
}

#[test]
fn a_rename_is_old_or_new_and_never_neither() {
    let disk = SimulatedDisk::new();
    create_durable(&disk, "image", b"old");
    create_durable(&disk, "image.new", b"new");
    disk.rename(&path("image.new"), &path("image")).unwrap();
    let (mut old, mut new) = (0, 0);
    for seed in 0..200 {
        let left = disk.power_cut(seed);
        let files: Vec<_> = left.paths().iter().map(|path| left.contents(path).unwrap()).collect();
        match files.as_slice() {
            [image, other] if image == b"old" && other == b"new" => old += 1,
            [image] if image == b"new" => new += 1,
            _ => panic!("{left:?}{files:?}"),
        }
    }
    assert!(old > 20 && new > 20, "{old} {new}");
    disk.sync_directory(Path::new(DIRECTORY)).unwrap();
    assert_eq!(states(&disk, "image"), [Some(b"new".to_vec())]);
    assert_eq!(states(&disk, "image.new"), [None]);
}

#[test]
fn a_renamed_file_may_be_empty_when_it_was_not_synced() {
    let disk = SimulatedDisk::new();
    create_durable(&disk, "image", b"old");
    create(&disk, "image.new", b"new");
    disk.rename(&path("image.new"), &path("image")).unwrap();
    let expected = [&b""[..], b"\0\0\0", b"new", b"old"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(states(&disk, "image"), expected);
}

#[test]
fn a_failed_sync_loses_what_it_should_have_written() {
    let disk = SimulatedDisk::new();
    let file = create_durable(&disk, "a", &[1; 8192]);
    file.write_at(0, &[2; 8192]).unwrap();
    disk.fail_at(disk.operations(), Fault::InputOutput);
    file.sync().unwrap_err();
    let surely = |place: usize| {
        let mut bytes: Vec<u8> =
            states(&disk, "a").iter().map(|state| state.as_ref().unwrap()[place]).collect();
        bytes.sort_unstable();
        bytes.dedup();
        bytes
    };
    assert_eq!(surely(0), [1, 2]);
    file.sync().unwrap();
    assert_eq!(disk.contents(&path("a")), Some(vec![2; 8192]), "reads still show it");
    assert_eq!((surely(0), surely(5000)), (vec![1, 2], vec![1, 2]));
    // Neither does a killed process make it durable, nor a sync by the next one.
    let next = disk.process_kill();
    next.open(&path("a")).unwrap().sync().unwrap();
    assert_eq!(states(&next, "a"), states(&disk, "a"));
    // What is written again is written back as the whole page it is in.
    file.write_at(10, &[2]).unwrap();
    file.sync().unwrap();
    assert_eq!((surely(0), surely(5000)), (vec![2], vec![1, 2]));
}

#[test]
fn a_killed_process_leaves_all_that_was_written() {
    let disk = SimulatedDisk::new();
    create_durable(&disk, "a", b"1").write_at(1, b"2").unwrap();
    create(&disk, "b", b"3");
    disk.rename(&path("b"), &path("c")).unwrap();
    let next = disk.process_kill();
    assert_eq!(next.paths(), [path("a"), path("c")]);
    assert_eq!(next.contents(&path("a")), Some(b"12".to_vec()));
    assert_eq!(next.contents(&path("c")), Some(b"3".to_vec()));
    assert_eq!(next.operations(), 0);
    for name in ["a", "b", "c"] {
        assert_eq!(states(&next, name), states(&disk, name), "it is as little synced as before");
    }
    // The two have nothing in common from here on.
    next.open(&path("a")).unwrap().write_at(0, b"9").unwrap();
    next.remove(&path("c")).unwrap();
    assert_eq!(disk.contents(&path("a")), Some(b"12".to_vec()));
    assert_eq!(disk.paths(), [path("a"), path("c")]);
}

#[test]
fn what_a_power_cut_left_is_durable() {
    let disk = SimulatedDisk::new();
    create(&disk, "a", &[1; 10_000]);
    for seed in 0..20 {
        let once = disk.power_cut(seed);
        assert_eq!(states(&once, "a"), [once.contents(&path("a"))]);
    }
}

#[test]
fn replaced_bytes_are_durable() {
    let disk = SimulatedDisk::new();
    create(&disk, "a", b"1");
    disk.replace(&path("a"), b"other");
    disk.replace(&path("b"), b"");
    disk.sync_directory(Path::new(DIRECTORY)).unwrap();
    assert_eq!(states(&disk, "a"), [Some(b"other".to_vec())]);
    assert_eq!(states(&disk, "b"), [Some(Vec::new())]);
}
