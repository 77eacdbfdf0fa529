//! Who is connected, and what transactions are open: `pg_stat_activity`, `spg_transactions`, `spg_snapshots`.

use super::locks;
use super::{BOOL, INT4, INT8, NAME, OID, TEXT, TIMESTAMPTZ};
use crate::error::Result;
use crate::storage::CommitNumber;
use crate::system::live::SessionState;
use crate::system::rows::{Cell, Rows};
use crate::system::source::{DATABASE, Source};
use crate::system::{oid, row};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

pub(super) const ACTIVITY: &[(&str, DataType)] = &[
    ("datid", OID),
    ("datname", NAME),
    ("pid", INT4),
    ("leader_pid", INT4),
    ("usesysid", OID),
    ("usename", NAME),
    ("application_name", TEXT),
    ("client_addr", TEXT),
    ("client_hostname", TEXT),
    ("client_port", INT4),
    ("backend_start", TIMESTAMPTZ),
    ("xact_start", TIMESTAMPTZ),
    ("query_start", TIMESTAMPTZ),
    ("state_change", TIMESTAMPTZ),
    ("wait_event_type", TEXT),
    ("wait_event", TEXT),
    ("state", TEXT),
    ("backend_xid", OID),
    ("backend_xmin", OID),
    ("query_id", INT8),
    ("query", TEXT),
    ("backend_type", TEXT),
];

pub(super) const TRANSACTIONS: &[(&str, DataType)] = &[
    ("pid", INT4),
    ("usename", NAME),
    ("application_name", TEXT),
    ("xact_start", TIMESTAMPTZ),
    ("isolation", TEXT),
    ("read_only", BOOL),
    ("state", TEXT),
    ("has_written", BOOL),
    ("snapshot_commit", INT8),
];

pub(super) const SNAPSHOTS: &[(&str, DataType)] = &[
    ("pid", INT4),
    ("held_by", TEXT),
    ("commit", INT8),
    ("commits_behind", INT8),
    ("since", TIMESTAMPTZ),
    ("kept_bytes", INT8),
    ("is_complete", BOOL),
];

/// The ordinals of `kept_bytes` and `is_complete`, which take a walk over what the snapshot does not share.
const KEPT: [usize; 2] = [5, 6];

/// Whether a statement runs, as PostgreSQL says it.
fn state(session: &SessionState) -> &'static str {
    match &session.transaction {
        _ if session.is_active => "active",
        None => "idle",
        Some(block) if block.is_failed => "idle in transaction (aborted)",
        Some(_) => "idle in transaction",
    }
}

pub(super) fn activity(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    let locks = source.live.locks()?;
    for session in source.live.sessions(false)? {
        let event = locks::wait_event(&locks, session.id);
        // A peer that is no address and port is shown as it is.
        let (address, port) = match session.peer.rsplit_once(':') {
            Some((address, port)) => (Some(address), port.parse::<i32>().ok()),
            None if session.peer.is_empty() => (None, None),
            None => (Some(&*session.peer), None),
        };
        // A statement outside of a block is a transaction by itself.
        let alone = session.statement_began.filter(|_| session.is_active);
        let began = session.transaction.as_ref().map(|block| block.began).or(alone);
        row!(rows;
            oid::DATABASE, DATABASE, session.id, NULL, oid::ROLE, &session.user, &session.application, address, NULL,
            port, session.began, began, session.statement_began, session.state_since, event.map(|_| "Lock"), event, state(&session), NULL,
            NULL, session.statement_id, session.statement.as_ref(), "client backend",
        )?;
    }
    Ok(())
}

pub(super) fn transactions(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for session in source.live.sessions(false)? {
        let Some(block) = &session.transaction else { continue };
        let commit = block.snapshot.map(|(commit, _)| commit.0 as i64);
        row!(rows;
            session.id, &session.user, &session.application, block.began, block.isolation, block.is_read_only,
            state(&session), block.has_written, commit,
        )?;
    }
    Ok(())
}

pub(super) fn snapshots(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    let is_asked = KEPT.iter().any(|ordinal| rows.is_wanted(*ordinal));
    let sessions = source.live.sessions(is_asked)?;
    let newest = source.live.published_commit()?;
    let behind = |commit: CommitNumber| newest.0.saturating_sub(commit.0) as i64;
    for session in sessions {
        if let Some(commit) = session.reading {
            row!(rows;
                session.id, "statement", commit.0 as i64, behind(commit), session.statement_began, NULL, NULL,
            )?;
        }
        let Some(block) = &session.transaction else { continue };
        if let Some((commit, kept)) = block.snapshot {
            let bytes = kept.map(|kept| kept.bytes as i64);
            row!(rows;
                session.id, "transaction", commit.0 as i64, behind(commit), block.began, bytes,
                kept.map(|kept| kept.is_complete),
            )?;
        }
    }
    Ok(())
}
