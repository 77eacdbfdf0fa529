//! SERIALIZABLE is what it says: transactions that ran side by side answered what they answer when they run alone, one
//! after the other, in the order of their commits. The control is the same check at weaker levels and on histories that they let through.

use proptest::prelude::*;
use spg_proptests::serial::{SESSIONS, serial_difference, side_by_side, step, write_skew};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn side_by_side_is_one_after_the_other(
        steps in prop::collection::vec((0..SESSIONS, step()), 0..60)
    ) {
        let (committed, end) = side_by_side("SERIALIZABLE", &steps);
        let difference = serial_difference(&committed, &end);
        prop_assert!(difference.is_none(), "{}", difference.unwrap_or_default());
    }
}

/// The control: a level that lets two transactions each read what the other writes is caught.
#[test]
fn a_weaker_level_is_caught() {
    let (committed, end) = side_by_side("REPEATABLE READ", &write_skew());
    assert_eq!(committed.len(), 2);
    assert!(serial_difference(&committed, &end).is_some());
    let (committed, end) = side_by_side("SERIALIZABLE", &write_skew());
    assert_eq!((committed.len(), serial_difference(&committed, &end)), (1, None));
}
