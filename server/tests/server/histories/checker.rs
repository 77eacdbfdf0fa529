//! What the clients of a run asked and were answered, in its order, and what the checker says of it; and the checker's own
//! control: broken histories of every kind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use adya::history::{Mop, OpType, ReadValue};
use adya::{Opts, Report, Workload, check};

/// How long the checker may look for a cycle among transactions that depend on each other.
const CYCLE_TIMEOUT: Duration = Duration::from_secs(20);

/// One part of a transaction.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Append {
        key: i32,
        value: i64,
    },
    Write {
        key: i32,
        value: i64,
    },
    /// With what was read, as JSON.
    Read {
        key: i32,
        found: String,
    },
}

/// A history as it grows: lines in the order of time.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: Mutex<Vec<String>>,
    processes: AtomicU64,
}

impl History {
    /// A number for a client that nobody had; one that does not know what became of a transaction takes another.
    pub(super) fn process(&self) -> u64 {
        self.processes.fetch_add(1, Ordering::Relaxed)
    }

    /// A transaction begins (`invoke`) or ends: `ok`, `fail`, or `info` where nobody knows.
    pub(super) fn note(&self, kind: &str, process: u64, actions: &[Action]) {
        let mut value = String::new();
        for action in actions {
            let separator = if value.is_empty() { "" } else { "," };
            let written = match action {
                Action::Append { key, value: element } => {
                    write!(value, "{separator}[\"append\",{key},{element}]")
                }
                Action::Write { key, value: written } => {
                    write!(value, "{separator}[\"w\",{key},{written}]")
                }
                Action::Read { key, found } => write!(value, "{separator}[\"r\",{key},{found}]"),
            };
            written.unwrap();
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let index = lines.len() as u64;
        lines.push(format!(
            r#"{{"index":{index},"type":"{kind}","process":{process},"value":[{value}]}}"#
        ));
    }

    /// The history in the format of Elle's command line.
    pub(super) fn text(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// How many transactions ended so.
    pub(super) fn count(&self, kind: &str) -> usize {
        let kind = format!("\"type\":\"{kind}\"");
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains(&kind)).count()
    }
}

/// Whether a history satisfies a consistency model. A register's values are in the order of time, as far as that goes: each
/// commit is between the beginning and the end of its transaction.
pub(super) fn judge(history: &History, workload: Workload, model: &str) -> Report {
    judge_text(&history.text(), workload, model, true)
}

fn judge_text(text: &str, workload: Workload, model: &str, linearizable_keys: bool) -> Report {
    let options = Opts {
        models: vec![model.to_owned()],
        timeout: CYCLE_TIMEOUT,
        wfr_keys: true,
        linearizable_keys,
        ..Opts::default()
    };
    check(&adya::History::from_json(text).unwrap(), workload, &options)
}

/// What reads of lists do not find though its append was acknowledged before their transactions began: it is lost, or was not
/// yet visible. The checker cannot tell that from read skew, which READ COMMITTED allows.
pub(super) fn missed_appends(text: &str) -> Vec<String> {
    let history = adya::History::from_json(text).unwrap();
    let mut appended: BTreeMap<u32, Vec<(usize, u32)>> = BTreeMap::new();
    let mut missed = Vec::new();
    for (end, op) in history.ops.iter().enumerate().filter(|(_, op)| op.kind == OpType::Ok) {
        let begin = history.pair[end].unwrap();
        for action in &op.value {
            let Mop::Read { key, value: ReadValue::List(found) } = action else { continue };
            let earlier = appended.get(key).into_iter().flatten().filter(|(at, _)| *at < begin);
            let absent = earlier.filter(|(_, element)| !found.contains(element));
            missed.extend(absent.map(|(at, element)| {
                format!("{} of line {at} in line {end}", history.show(*element))
            }));
        }
        for action in &op.value {
            if let Mop::Append { key, value } = action {
                appended.entry(*key).or_default().push((end, *value));
            }
        }
    }
    missed
}

/// A transaction: its client, how it ended, what it did.
type Transaction = (u8, &'static str, &'static str);

/// Histories that break a rule: what is broken, the weakest model that forbids it, and the transactions.
const BROKEN: [(&str, &str, Workload, &[Transaction]); 11] = [
    (
        "G0",
        "read-uncommitted",
        Workload::ListAppend,
        &[
            (0, "ok", r#"["append",1,1],["append",2,1]"#),
            (1, "ok", r#"["append",1,2],["append",2,2]"#),
            (2, "ok", r#"["r",1,[1,2]],["r",2,[2,1]]"#),
        ],
    ),
    (
        "G1a",
        "read-committed",
        Workload::ListAppend,
        &[(0, "fail", r#"["append",1,1]"#), (1, "ok", r#"["r",1,[1]]"#)],
    ),
    (
        "G1b",
        "read-committed",
        Workload::ListAppend,
        &[(0, "ok", r#"["append",1,1],["append",1,2]"#), (1, "ok", r#"["r",1,[1]]"#)],
    ),
    (
        "G1c",
        "read-committed",
        Workload::ListAppend,
        &[(0, "ok", r#"["append",1,1],["r",2,[1]]"#), (1, "ok", r#"["append",2,1],["r",1,[1]]"#)],
    ),
    (
        "G-single-item",
        "snapshot-isolation",
        Workload::ListAppend,
        &[(0, "ok", r#"["append",1,1],["append",2,1]"#), (1, "ok", r#"["r",1,[]],["r",2,[1]]"#)],
    ),
    (
        "lost-update",
        "snapshot-isolation",
        Workload::ListAppend,
        &[
            (0, "ok", r#"["r",1,[]],["append",1,1]"#),
            (1, "ok", r#"["r",1,[]],["append",1,2]"#),
            (2, "ok", r#"["r",1,[1,2]]"#),
        ],
    ),
    (
        "G2-item",
        "serializable",
        Workload::ListAppend,
        &[
            (0, "ok", r#"["r",1,[]],["append",2,1]"#),
            (1, "ok", r#"["r",2,[]],["append",1,1]"#),
            (2, "ok", r#"["r",1,[1]],["r",2,[1]]"#),
        ],
    ),
    ("internal", "read-atomic", Workload::ListAppend, &[(0, "ok", r#"["append",1,1],["r",1,[]]"#)]),
    (
        "incompatible-order",
        "read-committed",
        Workload::ListAppend,
        &[
            (0, "ok", r#"["append",1,1]"#),
            (1, "ok", r#"["append",1,2]"#),
            (2, "ok", r#"["r",1,[1,2]]"#),
            (3, "ok", r#"["r",1,[2,1]]"#),
        ],
    ),
    (
        "G1a",
        "read-committed",
        Workload::RwRegister,
        &[(0, "fail", r#"["w",1,1]"#), (1, "ok", r#"["r",1,1]"#)],
    ),
    (
        "G1c",
        "read-committed",
        Workload::RwRegister,
        &[(0, "ok", r#"["w",1,1],["r",2,1]"#), (1, "ok", r#"["w",2,1],["r",1,1]"#)],
    ),
];

/// All begin before any ends, so that nothing follows from the order of time.
fn side_by_side(transactions: &[Transaction]) -> String {
    let line = |kind: &str, process: u8, value: &str| {
        format!(r#"{{"type":"{kind}","process":{process},"value":[{value}]}}"#)
    };
    let invoked = transactions.iter().map(|(process, _, value)| line("invoke", *process, value));
    let ended = transactions.iter().map(|(process, kind, value)| line(kind, *process, value));
    invoked.chain(ended).collect::<Vec<_>>().join("\n")
}

#[test]
fn broken_histories_are_seen() {
    for (anomaly, model, workload, transactions) in BROKEN {
        let report = judge_text(&side_by_side(transactions), workload, model, false);
        assert_eq!(report.valid, adya::Valid::False, "{anomaly}: {report:?}");
        assert!(report.anomaly_types.iter().any(|seen| seen == anomaly), "{anomaly}: {report:?}");
    }
}

#[test]
fn a_commit_that_is_not_seen_afterwards_is_seen_by_the_order_of_time() {
    let text = r#"{"type":"invoke","process":0,"value":[["append",1,1]]}
{"type":"ok","process":0,"value":[["append",1,1]]}
{"type":"invoke","process":1,"value":[["r",1,null]]}
{"type":"ok","process":1,"value":[["r",1,[]]]}
{"type":"invoke","process":2,"value":[["r",1,null]]}
{"type":"ok","process":2,"value":[["r",1,[1]]]}"#;
    let judge = |model| judge_text(text, Workload::ListAppend, model, false).valid;
    assert_eq!(judge("serializable"), adya::Valid::True);
    for model in ["strict-serializable", "strong-snapshot-isolation"] {
        assert_eq!(judge(model), adya::Valid::False, "{model}");
    }
}

#[test]
fn commits_against_the_order_of_time_are_seen() {
    let text = r#"{"type":"invoke","process":0,"value":[["append",1,1]]}
{"type":"ok","process":0,"value":[["append",1,1]]}
{"type":"invoke","process":1,"value":[["append",1,2]]}
{"type":"ok","process":1,"value":[["append",1,2]]}
{"type":"invoke","process":2,"value":[["r",1,null]]}
{"type":"ok","process":2,"value":[["r",1,[2,1]]]}"#;
    let judge = |model| judge_text(text, Workload::ListAppend, model, false).valid;
    assert_eq!(judge("read-committed"), adya::Valid::True);
    assert_eq!(judge("strong-read-committed"), adya::Valid::False);
}

#[test]
fn an_acknowledged_append_that_is_not_read_is_seen() {
    let missed = |found: &str| {
        let text = format!(
            r#"{{"type":"invoke","process":0,"value":[["append",1,1]]}}
{{"type":"ok","process":0,"value":[["append",1,1]]}}
{{"type":"invoke","process":1,"value":[["append",1,2]]}}
{{"type":"invoke","process":2,"value":[["r",1,null]]}}
{{"type":"ok","process":1,"value":[["append",1,2]]}}
{{"type":"ok","process":2,"value":[["r",1,{found}]]}}"#
        );
        missed_appends(&text)
    };
    assert!(missed("[1]").is_empty() && missed("[1,2]").is_empty());
    assert_eq!(missed("[2]"), ["1 of line 1 in line 5"]);
    assert_eq!(missed("[]"), ["1 of line 1 in line 5"]);
}
