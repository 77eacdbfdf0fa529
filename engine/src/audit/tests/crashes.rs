//! A crash at every operation of the disk, a failure of every operation.

use super::*;
use crate::disk::simulated::Fault;

/// What a workload reached before the disk stopped it.
struct Reached {
    /// Every entry's bytes and state, appended or not.
    entries: Vec<Vec<u8>>,
    states: Vec<ChainState>,
    /// Entries that were handed to the log, as log and image hold them.
    logged: u64,
    /// The last entry whose sync returned.
    synced: Option<u64>,
}

/// Creates a log, appends groups, syncs after some, seals on the way, archives once. Stops at the first error.
fn work(disk: &SimulatedDisk, key: Option<&Key>, sync_every: u64) -> Reached {
    let mut reached = Reached { entries: Vec::new(), states: Vec::new(), logged: 0, synced: None };
    let _ = try_work(disk, key, sync_every, &mut reached);
    reached
}

fn try_work(
    disk: &SimulatedDisk,
    key: Option<&Key>,
    sync_every: u64,
    reached: &mut Reached,
) -> Result<(), Box<dyn std::error::Error>> {
    let shared = Arc::new(disk.clone());
    let mut genesis = Vec::new();
    reached.states = vec![Chain::genesis(ID, 1, key.cloned(), &mut genesis).state()];
    reached.entries = vec![genesis];
    let (log, mut chain) = AuditLog::create(shared, path(), ID, key.cloned(), 1, 3000)?;
    reached.synced = Some(0);
    for number in 1..=14_u64 {
        let mut group = Vec::new();
        let text = text(number);
        let archivable = log.archivable().filter(|_| number == 12);
        for part in 0..=number % 2 {
            let start = group.len();
            let draft = match archivable {
                Some(last) if part == 0 => Draft::archived(number, 3, last),
                _ => draft(number, &text),
            };
            reached.states.push(chain.append(&draft, &mut group));
            reached.entries.push(group[start..].to_vec());
        }
        // The log's record is durable before the audit file gets the entries.
        reached.logged = chain.state().sequence;
        log.append(&group, chain.state())?;
        if number % sync_every == 0 {
            reached.synced = Some(log.sync()?.sequence);
        }
        if let Some(last) = archivable {
            reached.synced = Some(log.sync()?.sequence);
            log.archive(Path::new("/archive"), last)?;
        }
    }
    reached.synced = Some(log.close()?.sequence);
    Ok(())
}

impl Reached {
    fn expectation(&self, proven: u64) -> Expectation {
        Expectation {
            proven: Some(self.states[proven as usize]),
            redo_first: proven + 1,
            redo: self.entries[proven as usize + 1..=self.logged as usize].concat(),
            ..Expectation::default()
        }
    }

    /// Opens what the crash left, with what log and image hold, and holds it against what must be there.
    fn check(&self, disk: &SimulatedDisk, key: Option<&Key>, what: &str) {
        let Some(synced) = self.synced else { return };
        for proven in [synced, synced / 2] {
            let disk = disk.process_kill();
            let log = open(&disk, ID, key.cloned(), 3000, &self.expectation(proven));
            let log = log.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(log.state(), self.states[self.logged as usize], "{what}");
            Self::check_files(&disk.power_cut(7), key, self.logged, what);
        }
    }

    /// The same without log and image: what was synced is there, and what is there is a beginning.
    fn check_alone(&self, disk: &SimulatedDisk, key: Option<&Key>, what: &str) {
        let Some(synced) = self.synced else { return };
        let disk = disk.process_kill();
        let log = open(&disk, ID, key.cloned(), 3000, &Expectation::standalone());
        let log = log.unwrap_or_else(|error| panic!("{what}: {error}"));
        let last = log.state().sequence;
        assert!(last >= synced, "{what}: entry {last}, synced {synced}");
        assert_eq!(log.state(), self.states[last as usize], "{what}");
        Self::check_files(&disk.power_cut(7), key, last, what);
    }

    fn check_files(disk: &SimulatedDisk, key: Option<&Key>, last: u64, what: &str) {
        let report = verify(disk, path(), key, None);
        let report = report.unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!((report.state.sequence, report.trailing_bytes), (last, 0), "{what}");
        let listed = list(disk, path(), Filter::default()).unwrap();
        let sequences: Vec<u64> = listed.map(|entry| entry.unwrap().sequence).collect();
        assert!(sequences.into_iter().eq(report.first_sequence..=last), "{what}");
    }
}

#[test]
fn a_crash_at_every_operation() {
    for (key, sync_every) in [(None, 3), (Some(Key::new([4; 32])), 1)] {
        let whole = SimulatedDisk::new();
        assert_eq!(work(&whole, key.as_ref(), sync_every).synced, Some(21));
        for number in 0..whole.operations() {
            let disk = SimulatedDisk::new();
            disk.crash_at(number);
            let reached = work(&disk, key.as_ref(), sync_every);
            assert!(disk.has_crashed());
            let what = format!("crash at {number}, process killed");
            reached.check(&disk.process_kill(), key.as_ref(), &what);
            reached.check_alone(&disk.process_kill(), key.as_ref(), &what);
            for seed in 0..12 {
                let what = format!("crash at {number}, power cut {seed}");
                reached.check(&disk.power_cut(seed), key.as_ref(), &what);
                reached.check_alone(&disk.power_cut(seed), key.as_ref(), &what);
            }
        }
    }
}

#[test]
fn a_crash_at_every_operation_of_opening() {
    let whole = SimulatedDisk::new();
    work(&whole, None, 3);
    for number in (0..whole.operations()).step_by(3) {
        let disk_before = SimulatedDisk::new();
        disk_before.crash_at(number);
        let reached = work(&disk_before, None, 3);
        let Some(synced) = reached.synced else { continue };
        let before = disk_before.power_cut(number);
        for crash in 0.. {
            let opening = before.process_kill();
            opening.crash_at(opening.operations() + crash);
            let opened = open(&opening, ID, None, 3000, &reached.expectation(synced));
            if !opening.has_crashed() {
                opened.unwrap();
                break;
            }
            let what = format!("crash at {number}, then at {crash} of opening");
            reached.check(&opening.power_cut(crash), None, &what);
        }
    }
}

#[test]
fn after_a_failed_operation_the_log_goes_on_or_says_that_it_cannot() {
    let whole = SimulatedDisk::new();
    work(&whole, None, 3);
    let faults = [Fault::InputOutput, Fault::StorageFull, Fault::ShortWrite];
    for number in 0..whole.operations() {
        for fault in faults {
            let disk = SimulatedDisk::new();
            let created = {
                disk.fail_at(number, fault);
                AuditLog::create(Arc::new(disk.clone()), path(), ID, None, 1, 3000)
            };
            let Ok((log, mut chain)) = created else { continue };
            let mut written = vec![chain.state()];
            let mut failures = 0;
            for number in 1..=14 {
                let (mut group, before) = (Vec::new(), chain.state());
                chain.append(&draft(number, &text(number)), &mut group);
                if log.append(&group, chain.state()).is_ok() {
                    written.push(chain.state());
                } else {
                    chain.reset(before);
                    failures += 1;
                }
                if number % 3 == 0 && log.sync().is_err() {
                    failures += 1;
                }
            }
            assert_eq!(log.state(), *written.last().unwrap());
            let reopened = open(&disk.process_kill(), ID, None, 3000, &Expectation::standalone());
            let reopened = reopened.unwrap_or_else(|error| panic!("{number} {fault:?}: {error}"));
            assert_eq!(reopened.state(), log.state(), "{number} {fault:?}: {failures} failures");
            // What was synced is there whatever failed.
            let synced = log.synced_state().sequence;
            let cut = open(&disk.power_cut(number), ID, None, 3000, &Expectation::standalone());
            let cut = cut.unwrap_or_else(|error| panic!("{number} {fault:?}: {error}"));
            assert!(cut.state().sequence >= synced, "{number} {fault:?}");
        }
    }
}

#[test]
fn a_full_disk_fails_appends_and_frees_them_again() {
    let fixture = Fixture::of_statements(5, None, NEVER);
    let before = fixture.disk.contents(path()).unwrap();
    fixture.disk.limit_bytes(Some(before.len() as u64 + 100));
    let (mut chain, mut group) = (fixture.chain.clone(), Vec::new());
    chain.append(&draft(6, &text(6)), &mut group);
    for _ in 0..3 {
        let error = fixture.log.append(&group, chain.state()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        let now = fixture.disk.contents(path()).unwrap();
        assert_eq!((now.len(), &now[1536..]), (before.len(), &before[1536..]));
        assert_eq!(fixture.log.state(), fixture.states[5]);
    }
    fixture.disk.limit_bytes(None);
    fixture.log.append(&group, chain.state()).unwrap();
    fixture.log.close().unwrap();
    assert_eq!(verify(&fixture.disk, path(), None, None).unwrap().state, chain.state());
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let fixture = Fixture::of_statements(5, None, NEVER);
    fixture.disk.fail_at(fixture.disk.operations(), Fault::InputOutput);
    assert!(fixture.log.sync().is_err());
    let (mut chain, mut group) = (fixture.chain.clone(), Vec::new());
    chain.append(&draft(6, &text(6)), &mut group);
    assert!(fixture.log.append(&group, chain.state()).is_err());
    assert!(fixture.log.sync().is_err() && fixture.log.close().is_err());
    assert_eq!(fixture.log.synced_state(), fixture.states[4]);
}
