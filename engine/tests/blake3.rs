//! BLAKE3 against the published vectors, and against another implementation on random inputs.

use proptest::prelude::*;
use spg_engine::crypto::blake3::{self, Hasher};

const VECTORS: &str = include_str!("fixtures/blake3_vectors.txt");
const KEY: &[u8; 32] = b"whats the Elvish word for friend";
const CONTEXT: &str = "BLAKE3 2019-12-27 16:29:52 test vectors context";

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("the fixture is hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn published_vectors() {
    let cases: Vec<_> = VECTORS.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(cases.len(), 35);
    for case in cases {
        let columns: [&str; 4] = case.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let [length, expected @ ..] = columns;
        let input: Vec<u8> = (0..=250).cycle().take(length.parse().unwrap()).collect();

        let hashers = [Hasher::new(), Hasher::new_keyed(KEY), Hasher::new_derive_key(CONTEXT)];
        for ((mode, mut hasher), expected) in hashers.into_iter().enumerate().zip(expected) {
            hasher.update(&input);
            let mut output = vec![0; expected.len() / 2];
            hasher.finalize_xof().fill(&mut output);
            assert_eq!(output, bytes_of(expected), "{length} bytes, mode {mode}");
            assert_eq!(hasher.finalize(), expected[..64].parse().unwrap(), "{length}, mode {mode}");
        }
        assert_eq!(blake3::hash(&input).to_string(), expected[0][..64], "{length} bytes");
    }
}

/// One mode, in both implementations.
fn pair(mode: u8, key: &[u8; 32], context: &str) -> (Hasher, ::blake3::Hasher) {
    match mode {
        0 => (Hasher::new(), ::blake3::Hasher::new()),
        1 => (Hasher::new_keyed(key), ::blake3::Hasher::new_keyed(key)),
        _ => (Hasher::new_derive_key(context), ::blake3::Hasher::new_derive_key(context)),
    }
}

/// Lengths around the ends of blocks, chunks and side-by-side subtrees, and any others.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..200_usize,
        0..40_000_usize,
        (0..40_usize, 0..3_usize)
            .prop_map(|(chunk_count, odd)| (chunk_count * 1024 + odd).max(1) - 1),
    ]
}

/// Positions in the first few blocks of output, and anywhere but in the last bytes.
fn position() -> impl Strategy<Value = u64> {
    prop_oneof![0..500_u64, 0..u64::MAX - 1000]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn agrees_however_the_input_is_split(
        pieces in prop::collection::vec(length(), 0..6),
        seed in any::<[u8; 32]>(),
        mode in 0..3_u8,
        context in ".{0,80}",
    ) {
        let (mut ours, mut theirs) = pair(mode, &seed, &context);
        let mut input = vec![0; pieces.iter().sum()];
        ::blake3::Hasher::new_keyed(&seed).finalize_xof().fill(&mut input);
        let mut rest = &input[..];
        for length in pieces {
            let (piece, after) = rest.split_at(length);
            ours.update(piece);
            theirs.update(piece);
            // Looking at the hash half way does not disturb it.
            prop_assert_eq!(ours.finalize(), (*theirs.finalize().as_bytes()).into());
            rest = after;
        }
        let (mut whole, _) = pair(mode, &seed, &context);
        prop_assert_eq!(whole.update(&input).finalize(), ours.finalize());
    }

    #[test]
    fn extended_output_agrees_from_any_position(
        input in prop::collection::vec(any::<u8>(), 0..3000),
        mode in 0..3_u8,
        reads in prop::collection::vec((position(), 0..300_usize, 0..300_usize), 1..5),
    ) {
        let (mut ours, mut theirs) = pair(mode, KEY, CONTEXT);
        let mut ours = ours.update(&input).finalize_xof();
        let mut theirs = theirs.update(&input).finalize_xof();
        for (position, first, second) in reads {
            ours.seek(position);
            theirs.set_position(position);
            for length in [first, second] {
                let (mut our_bytes, mut their_bytes) = (vec![0; length], vec![0; length]);
                ours.fill(&mut our_bytes);
                theirs.fill(&mut their_bytes);
                prop_assert_eq!(our_bytes, their_bytes);
                prop_assert_eq!(ours.position(), theirs.position());
            }
        }
    }
}

#[test]
fn extended_output_wraps_around() {
    let hasher = Hasher::new();
    let (mut output, mut start) = ([0; 74], [0; 64]);
    let mut reader = hasher.finalize_xof();
    reader.fill(&mut start);
    reader.seek(u64::MAX - 9);
    reader.fill(&mut output);
    assert_eq!(reader.position(), 64);
    assert_eq!(output[10..], start);
}
