//! Bytes of any origin: an answer, never a panic; and what the log writes passes its filters.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = Entry::decode(&bytes);
        let disk = disk_of(&[(path().to_owned(), bytes.clone())]);
        prop_assert!(verify(&disk, path(), None, None).is_err());
        prop_assert!(list(&disk, path(), Filter::default()).unwrap().any(|entry| entry.is_err()));
        prop_assert!(open(&disk, ID, None, NEVER, &Expectation::standalone()).is_err());
        let redo = Expectation { redo: bytes, redo_first: 1, ..Expectation::default() };
        let fixture = Fixture::of_statements(2, None, NEVER);
        let _ = fixture.open(&fixture.disk, &redo);
    }

    #[test]
    fn files_changed_anywhere_are_answered(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let fixture = Fixture::of_statements(8, None, NEVER);
        let mut bytes = fixture.disk.contents(path()).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let disk = disk_of(&[(path().to_owned(), bytes)]);
        let _ = verify(&disk, path(), None, None);
        let _ = list(&disk, path(), Filter::default()).unwrap().count();
        // Whatever opens is the whole chain, or a beginning of it.
        if let Ok(log) = fixture.open(&disk.process_kill(), &fixture.expectation(2, 1)) {
            prop_assert_eq!(log.state(), fixture.states[8]);
        }
        if let Ok(log) = fixture.open(&disk, &Expectation::standalone()) {
            prop_assert_eq!(log.state(), fixture.states[log.state().sequence as usize]);
        }
    }
}

#[test]
fn lists_pass_filters() {
    let mut fixture = Fixture::of_statements(10, None, 3000);
    let parameters = [Some("1".to_owned()), None];
    fixture.append(&[
        Draft { user: "bob", parameters: Parameters::Recorded(&parameters), ..draft(11, "DELETE") },
        Draft::image(11, 77, [3; 32]),
    ]);
    let sequences = |filter: Filter| -> Vec<u64> {
        list(&fixture.disk, path(), filter).unwrap().map(|entry| entry.unwrap().sequence).collect()
    };
    let any = Filter::default();
    assert!(sequences(any.clone()).into_iter().eq(0..=12));
    let time = |number: i64| Some(1_700_000_000_000_000 + number);
    let between = Filter { since_us: time(3), until_us: time(5), ..any.clone() };
    assert_eq!(sequences(between), [3, 4]);
    let commits = Filter { first_commit: Some(9), last_commit: Some(11), ..any.clone() };
    assert_eq!(sequences(commits), [9, 10, 11, 12]);
    assert_eq!(sequences(Filter { user: Some("bob".into()), ..any.clone() }), [11]);
    let application = Filter { application: Some("shop".into()), ..any.clone() };
    assert!(sequences(application).into_iter().eq(1..=11));
    let containing = Filter { statement_contains: Some("VALUES (7,".into()), ..any.clone() };
    assert_eq!(sequences(containing), [7]);
    assert_eq!(sequences(Filter { kind: Some(Kind::Image), ..any }), [12]);

    let filter = Filter { user: Some("bob".into()), ..Filter::default() };
    let listed = list(&fixture.disk, path(), filter).unwrap().next().unwrap().unwrap();
    assert_eq!(listed.parameters.as_deref(), Some(&parameters[..]));
    assert_eq!((listed.hash, listed.previous), (fixture.states[11].head, fixture.states[10].head));
    assert_eq!((listed.statement.as_str(), listed.peer.as_str()), ("DELETE", "127.0.0.1:9"));
}
