//! Who has locked what, and who waits for whom: `pg_locks`, `spg_locks`.

use super::{BOOL, INT2, INT4, NAME, OID, TEXT, TIMESTAMPTZ};
use crate::error::Result;
use crate::storage::{IndexId, TableId};
use crate::system::live::{LockMode, LockState, Locked};
use crate::system::rows::{Cell, Rows};
use crate::system::source::Source;
use crate::system::{oid, row};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

/// The low half of a number that names an advisory lock.
const LOW: i64 = 0xFFFF_FFFF;

pub(super) const PG_LOCKS: &[(&str, DataType)] = &[
    ("locktype", TEXT),
    ("database", OID),
    ("relation", OID),
    ("page", INT4),
    ("tuple", INT2),
    ("virtualxid", TEXT),
    ("transactionid", OID),
    ("classid", OID),
    ("objid", OID),
    ("objsubid", INT2),
    ("virtualtransaction", TEXT),
    ("pid", INT4),
    ("mode", TEXT),
    ("granted", BOOL),
    ("fastpath", BOOL),
    ("waitstart", TIMESTAMPTZ),
];

pub(super) const SPG_LOCKS: &[(&str, DataType)] = &[
    ("pid", INT4),
    ("locktype", TEXT),
    ("relation", NAME),
    ("object", TEXT),
    ("mode", TEXT),
    ("granted", BOOL),
    ("blocked_by", TEXT),
];

/// Rows are tuples in PostgreSQL's terms, without page and number; keys of unique indexes are objects of `pg_class`.
pub(super) fn pg_locks(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for lock in source.live.locks()? {
        let mode = postgres_mode(&lock);
        let (kind, relation, class, object, sub) = match lock.locked {
            Locked::Row(table, _) => ("tuple", Some(oid::table(table)), None, None, None),
            Locked::Key(table, index) => {
                let class = Some(oid::PG_CLASS);
                ("object", Some(oid::table(table)), class, Some(oid::index(index)), None)
            }
            Locked::Advisory(number) => {
                let (high, low) = ((number >> 32) & LOW, number & LOW);
                ("advisory", None, Some(high), Some(low), Some(1))
            }
            Locked::AdvisoryPair(first, second) => {
                let (first, second) = (i64::from(first as u32), i64::from(second as u32));
                ("advisory", None, Some(first), Some(second), Some(2))
            }
        };
        row!(rows;
            kind, oid::DATABASE, relation, NULL, NULL, NULL, NULL, class, object, sub, NULL, lock.session, mode,
            lock.granted, false, NULL,
        )?;
    }
    Ok(())
}

pub(super) fn spg_locks(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for lock in source.live.locks()? {
        let (kind, table, object) = match lock.locked {
            Locked::Row(table, row) => ("row", Some(table), row.0.to_string()),
            Locked::Key(table, index) => ("key", Some(table), index_name(source, table, index)),
            Locked::Advisory(number) => ("advisory", None, number.to_string()),
            Locked::AdvisoryPair(first, second) => ("advisory", None, format!("{first}, {second}")),
        };
        let relation = table.and_then(|table| source.root.table(table));
        let relation = relation.map(|table| table.schema().name.clone());
        let mode = match (lock.locked, lock.mode) {
            (Locked::Row(..), LockMode::KeyShare) => "FOR KEY SHARE",
            (Locked::Row(..), LockMode::Share) => "FOR SHARE",
            (Locked::Row(..), LockMode::NoKeyUpdate) => "FOR NO KEY UPDATE",
            (Locked::Row(..), LockMode::Update) => "FOR UPDATE",
            (_, LockMode::KeyShare | LockMode::Share) => "SHARE",
            (_, LockMode::NoKeyUpdate | LockMode::Update) => "EXCLUSIVE",
        };
        let blockers: Vec<String> = lock.blocked_by.iter().map(ToString::to_string).collect();
        let blockers = (!lock.granted).then(|| blockers.join(", "));
        row!(rows;
            lock.session, kind, relation.as_deref(), object.as_str(), mode, lock.granted, blockers.as_deref(),
        )?;
    }
    Ok(())
}

/// The sessions that keep one waiting.
pub(in crate::system) fn blockers(source: &Source<'_>, waiter: i32) -> Result<Vec<i32>> {
    let waits = source.live.locks()?.into_iter();
    let mine = waits.filter(|lock| !lock.granted && lock.session == waiter);
    Ok(mine.flat_map(|lock| lock.blocked_by).collect())
}

/// What a session waits for, as `pg_stat_activity` says it.
pub(super) fn wait_event(locks: &[LockState], id: i32) -> Option<&'static str> {
    let wait = locks.iter().find(|lock| !lock.granted && lock.session == id)?;
    Some(match wait.locked {
        Locked::Row(..) => "tuple",
        Locked::Key(..) => "object",
        Locked::Advisory(_) | Locked::AdvisoryPair(..) => "advisory",
    })
}

fn index_name(source: &Source<'_>, table: TableId, index: IndexId) -> String {
    let index = source.root.table(table).and_then(|table| table.index(index));
    index.map_or_else(|| "?".to_owned(), |index| index.definition().name.to_string())
}

fn postgres_mode(lock: &LockState) -> &'static str {
    match (lock.locked, lock.mode) {
        (Locked::Row(..), LockMode::KeyShare) => "AccessShareLock",
        (Locked::Row(..), LockMode::Share) => "RowShareLock",
        (Locked::Row(..), LockMode::Update) => "AccessExclusiveLock",
        (_, LockMode::KeyShare | LockMode::Share) => "ShareLock",
        (_, LockMode::NoKeyUpdate | LockMode::Update) => "ExclusiveLock",
    }
}
