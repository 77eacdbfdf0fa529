//! What was appended comes back, in groups, over seals, with and without a key.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Written {
    kind: u8,
    commit: u64,
    time_us: i64,
    number: u64,
    digest: [u8; 32],
    texts: [String; 4],
    recorded: Option<Vec<Option<String>>>,
    parameters_digest: Option<[u8; 32]>,
}

impl Written {
    fn draft(&self) -> Draft<'_> {
        let draft = match self.kind {
            0 => Draft::opened_empty(self.time_us),
            1 => Draft::image(self.commit, self.time_us, self.digest),
            _ => Draft::statement(self.commit, self.time_us, &self.texts[3], self.digest),
        };
        let parameters = match (&self.recorded, self.parameters_digest) {
            (Some(recorded), _) => Parameters::Recorded(recorded),
            (None, Some(digest)) => Parameters::Digest(digest),
            (None, None) => Parameters::None,
        };
        let [user, application, peer, _] = self.texts.each_ref().map(String::as_str);
        Draft { number: self.number, user, application, peer, parameters, ..draft }
    }

    fn assert_is(&self, entry: &Entry<'_>) {
        let draft = self.draft();
        assert_eq!(
            (entry.kind, entry.commit, entry.time_us, entry.number, entry.digest),
            (draft.kind, draft.commit, draft.time_us, draft.number, draft.digest),
        );
        assert_eq!(
            [entry.user, entry.application, entry.peer, entry.statement],
            [draft.user, draft.application, draft.peer, draft.statement]
        );
        let recorded = self.recorded.iter().flatten().map(Option::as_deref);
        assert!(entry.recorded_parameters().eq(recorded));
        assert_eq!(entry.has_recorded_parameters(), self.recorded.is_some());
        let digest = self.parameters_digest.filter(|_| self.recorded.is_none());
        assert_eq!(entry.parameters_digest(), digest);
    }
}

fn written() -> impl Strategy<Value = Written> {
    let text = || prop_oneof![".{0,12}", "[a-z]{0,900}"];
    let recorded = prop::option::of(prop::collection::vec(prop::option::of(text()), 0..5));
    (
        (0..4_u8, any::<u64>(), any::<i64>(), any::<u64>(), any::<[u8; 32]>()),
        [text(), text(), text(), text()],
        recorded,
        any::<Option<[u8; 32]>>(),
    )
        .prop_map(
            |((kind, commit, time_us, number, digest), texts, recorded, parameters_digest)| {
                let digest = if kind == 0 { [0; 32] } else { digest };
                Written {
                    kind,
                    commit,
                    time_us,
                    number,
                    digest,
                    texts,
                    recorded,
                    parameters_digest,
                }
            },
        )
}

fn key() -> impl Strategy<Value = Option<Key>> {
    any::<Option<[u8; 32]>>().prop_map(|bytes| bytes.map(Key::new))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_entries_in_any_groups_come_back(
        groups in prop::collection::vec((prop::collection::vec(written(), 1..4), any::<bool>()), 0..8),
        key in key(),
        seal_bytes in 1500..6000_u64,
        proven_part in 0..100_u64,
        redo_part in 0..100_u64,
    ) {
        let mut fixture = Fixture::new(ID, key, seal_bytes);
        for (group, synced) in &groups {
            let drafts: Vec<_> = group.iter().map(Written::draft).collect();
            fixture.append(&drafts);
            if *synced {
                fixture.log.sync().unwrap();
            }
        }
        let all: Vec<&Written> = groups.iter().flat_map(|(group, _)| group).collect();
        for (place, (bytes, state)) in fixture.entries.iter().zip(&fixture.states).enumerate() {
            let entry = Entry::decode(bytes).unwrap();
            prop_assert_eq!(entry.state(), *state);
            prop_assert_eq!(entry.sequence, place as u64);
            if place > 0 {
                all[place - 1].assert_is(&entry);
            }
        }
        prop_assert_eq!(entry_bytes(&fixture.disk), fixture.entries.concat());

        let last = fixture.last();
        let (proven, redo_first) = (proven_part * last / 100, redo_part * last / 100);
        for expectation in
            [fixture.expectation(proven, redo_first), Expectation::standalone()]
        {
            let disk = disk_of(&fixture.files());
            let log = fixture.open(&disk, &expectation).unwrap();
            prop_assert_eq!(log.state(), fixture.states[last as usize]);
            prop_assert_eq!(log.synced_state(), log.state());
            prop_assert_eq!(files(&disk), fixture.files());
        }
    }
}

#[test]
fn a_log_is_sealed_at_its_bound_and_each_segment_is_named_by_its_first_entry() {
    let fixture = Fixture::of_statements(40, None, 4000);
    let names: Vec<_> = fixture.disk.paths();
    assert!(names.len() > 3, "{names:?}");
    assert!(names.contains(&"/data/audit.log.0000000000000000".into()), "{names:?}");
    for (name, bytes) in fixture.files() {
        assert!(bytes.len() <= 4000, "{name:?}");
        let first = u64::from_le_bytes(bytes[32..40].try_into().unwrap());
        if name != path() {
            assert!(name.to_str().unwrap().ends_with(&format!(".{first:016x}")), "{name:?}");
        }
        assert_eq!(Entry::decode(&fixture.entries[first as usize]).unwrap().sequence, first);
        assert!(bytes[1536..].starts_with(&fixture.entries[first as usize]));
    }
}

#[test]
fn entries_are_appended_after_opening_too() {
    let mut fixture = Fixture::of_statements(9, Some(Key::new([1; 32])), 3000);
    for round in 0..10 {
        let expectation = match round % 2 {
            0 => fixture.expectation(3, 2),
            _ => Expectation::standalone(),
        };
        fixture.log = fixture.open(&fixture.disk, &expectation).unwrap();
        fixture.append(&[draft(100 + round, "UPDATE t SET a = 1"), draft(100 + round, "COMMIT")]);
        fixture.log.close().unwrap();
    }
    assert_eq!(entry_bytes(&fixture.disk), fixture.entries.concat());
    assert_eq!(fixture.log.state(), fixture.states[29]);
}

#[test]
fn texts_at_their_limits_come_back_and_longer_ones_are_kept_within() {
    let statement = "é".repeat(8 << 20);
    let parameters = vec![Some("p".repeat(RECORDED_BYTES_MAX)), None];
    let long_name = "ü".repeat(3000);
    let drafts = [
        Draft { parameters: Parameters::Recorded(&parameters), ..draft(1, &statement) },
        Draft { user: &long_name, ..draft(2, "SELECT 1") },
    ];
    let mut fixture = Fixture::new(ID, None, NEVER);
    fixture.append(&drafts);
    let entry = Entry::decode(&fixture.entries[1]).unwrap();
    assert!(entry.statement == statement, "16 MiB of statement");
    assert!(entry.recorded_parameters().eq(parameters.iter().map(Option::as_deref)));
    let entry = Entry::decode(&fixture.entries[2]).unwrap();
    assert_eq!((entry.user.len(), entry.user.chars().next()), (4096, Some('ü')));
    let log = fixture.open(&fixture.disk, &Expectation::standalone()).unwrap();
    assert_eq!(log.state(), fixture.states[2]);

    let too_long = [Some("p".repeat(RECORDED_BYTES_MAX)), Some("q".to_owned())];
    let mut bytes = Vec::new();
    let draft = Draft { parameters: Parameters::Recorded(&too_long), ..draft(1, "SELECT $1") };
    fixture.chain.append(&draft, &mut bytes);
    let mut digest = ParametersDigest::new();
    digest.add(too_long.iter().map(Option::as_deref));
    assert_eq!(Entry::decode(&bytes).unwrap().parameters_digest(), Some(digest.finish()));
}

#[test]
fn what_is_given_must_fit_what_is_there() {
    use crate::open_error::OpenErrorKind::{Foreign, Missing, Usage};
    let (one, two) = (Key::new([1; 32]), Key::new([2; 32]));
    let kind = |disk: &SimulatedDisk, id, key: Option<&Key>| {
        open(disk, id, key.cloned(), NEVER, &Expectation::standalone()).unwrap_err().kind()
    };
    assert_eq!(kind(&SimulatedDisk::new(), ID, None), Missing);
    let plain = Fixture::of_statements(3, None, NEVER);
    assert_eq!(kind(&plain.disk, OTHER_ID, None), Foreign);
    assert_eq!(kind(&plain.disk, ID, Some(&one)), Usage);
    let keyed = Fixture::of_statements(3, Some(one), NEVER);
    assert_eq!(kind(&keyed.disk, ID, None), Usage);
    assert_eq!(kind(&keyed.disk, ID, Some(&two)), Usage);
    let again = AuditLog::create(Arc::new(plain.disk), path(), ID, None, 0, NEVER);
    assert_eq!(again.unwrap_err().kind(), Usage);
}
