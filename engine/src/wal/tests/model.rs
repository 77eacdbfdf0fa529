//! Groups, pauses, restarts and crashes, against a list of what was written.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Group(Vec<usize>),
    Idle,
    Prepare,
    /// The process is killed, or the power cut with a seed, while a group of so many bytes is written.
    Crash(Option<u64>, usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(0_usize..9_000, 1..4).prop_map(Step::Group),
        1 => Just(Step::Idle),
        1 => Just(Step::Prepare),
        3 => (any::<Option<u64>>(), 0_usize..15_000, 0_u64..12)
            .prop_map(|(seed, bytes, operations)| Step::Crash(seed, bytes, operations)),
    ]
}

/// A payload that no other is equal to.
fn payload(number: usize, bytes: usize) -> Vec<u8> {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(payload.len() + bytes, number as u8);
    payload
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_read_and_of_the_rest_a_beginning(steps in prop::collection::vec(step(), 1..16)) {
        let mut disk = SimulatedDisk::new();
        let mut wal = create(&disk);
        let mut expected: Vec<Vec<u8>> = Vec::new();
        let mut number = 0;
        // A log begins with a record that is durable, as a database's start record.
        write(&wal, &[&payload(0, 0)]);
        expected.push(payload(0, 0));
        for step in steps {
            match step {
                Step::Group(lengths) => {
                    let mut group = wal.begin().unwrap();
                    for bytes in lengths {
                        number += 1;
                        group.append(Kind::Commit, &[&payload(number, bytes)]).unwrap();
                        expected.push(payload(number, bytes));
                    }
                    group.write().unwrap();
                }
                Step::Idle => wal.write_idle().unwrap(),
                Step::Prepare => wal.prepare().unwrap(),
                Step::Crash(seed, bytes, operations) => {
                    number += 1;
                    disk.crash_at(disk.operations() + operations);
                    let _ = wal.begin().and_then(|mut group| {
                        group.append(Kind::Commit, &[&payload(number, bytes)])?;
                        group.append(Kind::Commit, &[&payload(number + 1, bytes)])?;
                        group.write()
                    });
                    disk = seed.map_or_else(|| disk.process_kill(), |seed| disk.power_cut(seed));
                    let (records, recovered) = recover(&disk);
                    wal = recovered;
                    let found: Vec<Vec<u8>> = records
                        .into_iter()
                        .filter(|(kind, _)| *kind == Kind::Commit)
                        .map(|(_, payload)| payload)
                        .collect();
                    let more = [payload(number, bytes), payload(number + 1, bytes)];
                    number += 1;
                    prop_assert!(found.starts_with(&expected), "{} records, {} were acknowledged", found.len(), expected.len());
                    prop_assert!(more.starts_with(&found[expected.len()..]));
                    expected = found;
                    // A start is recorded before anything else happens.
                    let mut group = wal.begin().unwrap();
                    group.append(Kind::Start, &[]).unwrap();
                    group.write().unwrap();
                }
            }
        }
        let found = read(&disk).unwrap().0;
        let found: Vec<&Vec<u8>> = found.iter().filter(|(kind, _)| *kind == Kind::Commit).map(|(_, payload)| payload).collect();
        prop_assert_eq!(found, expected.iter().collect::<Vec<_>>());
    }
}
