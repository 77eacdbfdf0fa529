//! What must hold of a database that is opened after a crash, whatever the crash left.

use spg_engine::Database;
use spg_engine::disk::simulated::SimulatedDisk;

use crate::crash::history::{Reference, answer_of};
use crate::crash::mode::{Mode, audit_path};
use crate::crash::recorder::{Bounds, Capture, Recorder};
use crate::crash::state::{PROBE, audited_statements, check_indexes, dump, first_difference};
use crate::crash::workload::DRAWN;

/// How a check goes on.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Whether the database is closed after the next writes, or the power cut.
    pub is_closed_after: bool,
    /// Whether the crashes of the recovery are wanted.
    pub keeps_crashes: bool,
}

/// Opens what a crash left. Every acknowledged commit must be there, and nothing that was not begun; the state must be the one
/// after the last commit that is there; indexes and audit log must tell the same; the next writes must work and last. Answers the
/// crashes of the recovery itself.
pub fn check_crash(
    mode: Mode,
    disk: SimulatedDisk,
    bounds: Bounds,
    reference: &Reference,
    probe: Probe,
) -> Result<Vec<Capture>, String> {
    let recorder = Recorder::new(disk.clone(), bounds);
    if !probe.keeps_crashes {
        recorder.stop();
    }
    let database = mode.open(recorder.clone()).map_err(|error| format!("open: {error}"))?;
    let crashes = recorder.stop();
    let commit = database.published_commit().0;
    if !(bounds.durable..=bounds.attempted).contains(&commit) {
        return Err(format!("recovered up to commit {commit}, where {bounds:?}"));
    }
    check_state(mode, &database, &disk, reference, (commit, &[]))?;
    check_drawn(&database, bounds.drawn)?;
    let probes = [
        format!("CREATE TABLE {PROBE} (a INT PRIMARY KEY)"),
        format!("INSERT INTO {PROBE} VALUES (1)"),
    ];
    let mut session = database.session();
    for probe in &probes {
        let answer = answer_of(&mut session, probe);
        if !answer.starts_with("CREATE") && !answer.starts_with("INSERT") {
            return Err(format!("the next write: {answer}"));
        }
    }
    drop(session);
    let disk = if probe.is_closed_after {
        database.close().map_err(|error| format!("close: {error}"))?;
        disk
    } else {
        disk.power_cut(commit)
    };
    drop(database);
    let database = mode.open(disk.clone()).map_err(|error| format!("open again: {error}"))?;
    check_state(mode, &database, &disk, reference, (commit, &probes))?;
    let answer = answer_of(&mut database.session(), &format!("SELECT * FROM {PROBE} WHERE a = 1"));
    if answer == "SELECT 1" { Ok(crashes) } else { Err(format!("what was written next: {answer}")) }
}

/// What a sequence answered before the crash it does not answer again.
fn check_drawn(database: &Database, drawn: i64) -> Result<(), String> {
    if drawn == 0 {
        return Ok(());
    }
    let root = database.published_root();
    let Some(sequence) = root.sequence_by_name(DRAWN) else {
        return Err(format!("the sequence that answered {drawn} is gone"));
    };
    let (value, is_called) = sequence.state.position();
    if is_called && value >= drawn {
        return Ok(());
    }
    Err(format!("the sequence goes on from {value}, though it answered {drawn}"))
}

/// The state after `commit`, and of the `probes` that were committed behind it.
pub fn check_state(
    mode: Mode,
    database: &Database,
    disk: &SimulatedDisk,
    reference: &Reference,
    (commit, probes): (u64, &[String]),
) -> Result<(), String> {
    let last = commit + probes.len() as u64;
    if database.published_commit().0 != last {
        return Err(format!("commit {} where {last} is the last", database.published_commit().0));
    }
    let Some(state) = reference.states.get(commit as usize) else {
        return Err(format!("there is no commit {commit}"));
    };
    let found = dump(database);
    if found != state.dump {
        return Err(format!(
            "the state is not that of commit {commit}: {}",
            first_difference(&state.dump, &found)
        ));
    }
    check_indexes(database)?;
    if !mode.audit {
        return Ok(());
    }
    let found = audited_statements(disk, &audit_path())?;
    let probes = probes.iter().zip(commit + 1..).map(|(text, commit)| (commit, text.as_str()));
    let mut expected = reference.statements(commit).chain(probes);
    let mut found = found.iter().map(|(commit, text)| (*commit, text.as_str()));
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return Ok(()),
            (expected, found) if expected != found => {
                return Err(format!(
                    "the audit log: expected {expected:.120?}, found {found:.120?}"
                ));
            }
            _ => {}
        }
    }
}
