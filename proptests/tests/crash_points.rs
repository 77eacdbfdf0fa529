//! A crash before every operation of the disk, during recovery and checkpoints too, loses nothing that was acknowledged and shows
//! nothing by half. `SPG_CRASH_POINTS` says how many crashes are enough; the default is above 100,000.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "it counts for whoever reads, and a failure is a test's end"
)]

use spg_proptests::crash::campaign::{Effort, report, run};
use spg_proptests::crash::mode::MODES;
use spg_proptests::crash::workload::{Action, Maker, scripted};

/// Crashes of all tests together.
const POINTS_DEFAULT: u64 = 110_000;

const EFFORT: Effort = Effort { cuts: 3, recovery_every: 7, second_recovery_every: 60 };

fn crash(actions: &[Action], name: &str) -> u64 {
    let mut points = 0;
    for mode in MODES {
        match run(mode, actions, EFFORT) {
            Ok(count) => {
                println!("{name}, {mode:?}: {count}");
                points += count;
            }
            Err(failure) => {
                println!("{name}, {mode:?}: {failure}\nmade smaller:");
                panic!("{name}: {}", report(mode, actions, EFFORT, failure));
            }
        }
    }
    points
}

#[test]
fn every_crash_leaves_a_prefix_with_all_that_was_acknowledged() {
    let wanted = std::env::var("SPG_CRASH_POINTS").ok().and_then(|text| text.parse().ok());
    let wanted = wanted.unwrap_or(POINTS_DEFAULT);
    let mut points = crash(&scripted(), "scripted");
    let mut seed = 0;
    while points < wanted {
        seed += 1;
        points += crash(&Maker::make(seed, 24), &format!("seed {seed}"));
    }
    println!("{points} crash points, {seed} random workloads beside the scripted one");
}
