//! The publish path and the locks under schedules of our own: shuttle decides at each wait and each wake-up which thread goes
//! on, so what needs an unlucky moment happens in one of a few thousand runs.
//!
//! `cargo test -p spg-engine --features schedules --test schedules`

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod broken;
mod commits;
mod sessions;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// Runs of a scenario with each scheduler.
const RUNS: usize = 1_500;

/// How many times in a run a thread loses its turn to one of lower priority.
const PREEMPTIONS: usize = 3;

/// Enough for the deepest statement.
const STACK_BYTES: usize = 1 << 20;

/// Runs a scenario under many schedules: at random, and by priorities that change a few times.
fn explore(scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    Runner::new(RandomScheduler::new(RUNS), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(PREEMPTIONS, RUNS), config).run(scenario);
}
