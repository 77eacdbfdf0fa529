//! The control: with a rule broken on purpose, a scenario fails. Each in a process of its own, which it may take down.

use std::process::Command;

use spg_engine::sabotage::{self, Break};

/// Names in the environment what a scenario shall break.
const ASKED: &str = "SPG_SCHEDULES_BREAK";

/// What can be broken, the scenario that shows it, and what that says.
const BREAKS: [(Break, &str, &str); 4] = [
    (
        Break::PublishBeforeLog,
        "commits::what_is_visible_is_durable_and_what_is_acknowledged_is_visible",
        "visible before it is durable",
    ),
    (
        Break::LoseWakeUp,
        "commits::what_is_visible_is_durable_and_what_is_acknowledged_is_visible",
        "deadlock",
    ),
    (Break::LoseUpdates, "sessions::no_update_is_lost_at_repeatable_read", "an update is lost"),
    (
        Break::ForgetReads,
        "sessions::serializable_transactions_run_one_after_the_other",
        "both have seen the other's row before",
    ),
];

/// Breaks what the process was started to break, if it was.
pub(crate) fn break_as_asked() {
    let asked = std::env::var(ASKED).ok();
    let broken = BREAKS.iter().find(|(broken, ..)| Some(format!("{broken:?}")) == asked);
    sabotage::set(broken.map(|(broken, ..)| *broken));
}

#[test]
fn what_is_broken_is_seen() {
    for (broken, scenario, says) in BREAKS {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", scenario, "--nocapture"])
            .env(ASKED, format!("{broken:?}"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{broken:?} is not seen by {scenario}");
        assert!(said.contains(says), "{broken:?}: {says:?} expected in\n{said}");
    }
}
