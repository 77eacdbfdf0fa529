//! Isolation as its clients see it: transactions of real clients over TCP, the daemon killed meanwhile, and a checker that knows
//! nothing of SPG but what they asked and were answered (`adya`, an Elle in Rust).
//!
//! - READ COMMITTED has no dirty write (G0), no read of what is rolled back (G1a) or overwritten by its own transaction (G1b), and
//!   no circular flow of information (G1c), nor against the order of time. Whoever begins after an acknowledgement sees that
//!   commit, and what one statement reckons from a row is never lost. Read skew (G-single) has to be seen.
//! - REPEATABLE READ is strong snapshot isolation: whoever begins after an acknowledgement sees that commit. Write skew
//!   (G2-item) has to be seen, or the histories prove little.
//! - SERIALIZABLE is strictly so: no cycle, not even with the order of time.

#![expect(clippy::print_stdout, reason = "a failure is repeated from what it says")]

mod checker;
mod workload;

use std::time::{Duration, Instant};

use adya::{Report, Valid, Workload};

use crate::histories::checker::{History, judge, missed_appends};
use crate::histories::workload::{Kind, run};

/// How long an anomaly that a level allows is waited for.
const SKEW_PATIENCE: Duration = Duration::from_mins(2);

fn assert_valid(report: &Report, history: &History) {
    if report.valid != Valid::True {
        let file = std::env::temp_dir().join("spg-history.jsonl");
        let kept = std::fs::write(&file, history.text());
        panic!(
            "{:?}: {:#?}; the history: {} ({kept:?})",
            report.anomaly_types,
            report.anomalies,
            file.display()
        );
    }
}

fn assert_worth_checking(history: &History) {
    let (committed, refused) = (history.count("ok"), history.count("fail"));
    println!("{committed} committed, {refused} failed, {} unknown", history.count("info"));
    assert!(committed > 200 && refused > 0, "so few prove little: {committed}, {refused}");
}

#[test]
fn lists_at_serializable() {
    let history = run("SERIALIZABLE", Kind::Lists);
    assert_worth_checking(&history);
    assert_valid(&judge(&history, Workload::ListAppend, "strict-serializable"), &history);
}

#[test]
fn registers_at_serializable() {
    let history = run("SERIALIZABLE", Kind::Registers);
    assert_worth_checking(&history);
    assert_valid(&judge(&history, Workload::RwRegister, "strict-serializable"), &history);
}

/// Runs lists until one of the histories shows what only a stricter model forbids; all of them satisfy the level's own.
fn assert_lists(level: &str, model: &str, (anomaly, stricter): (&str, &str)) {
    let begun = Instant::now();
    loop {
        let history = run(level, Kind::Lists);
        assert_worth_checking(&history);
        assert_valid(&judge(&history, Workload::ListAppend, model), &history);
        let missed = missed_appends(&history.text());
        assert!(missed.is_empty(), "acknowledged, and not read afterwards: {missed:?}");
        let stricter = judge(&history, Workload::ListAppend, stricter);
        if stricter.anomaly_types.iter().any(|seen| seen == anomaly) {
            return;
        }
        assert!(begun.elapsed() < SKEW_PATIENCE, "no {anomaly}: the histories have no power");
    }
}

#[test]
fn lists_at_repeatable_read() {
    let stricter = ("G2-item", "serializable");
    assert_lists("REPEATABLE READ", "strong-snapshot-isolation", stricter);
}

#[test]
fn registers_at_repeatable_read() {
    let history = run("REPEATABLE READ", Kind::Registers);
    assert_worth_checking(&history);
    let report = judge(&history, Workload::RwRegister, "strong-snapshot-isolation");
    assert_valid(&report, &history);
}

#[test]
fn lists_at_read_committed() {
    let stricter = ("G-single-item", "snapshot-isolation");
    assert_lists("READ COMMITTED", "strong-read-committed", stricter);
}

#[test]
fn registers_at_read_committed() {
    let history = run("READ COMMITTED", Kind::Registers);
    assert_worth_checking(&history);
    assert_valid(&judge(&history, Workload::RwRegister, "strong-read-committed"), &history);
}
