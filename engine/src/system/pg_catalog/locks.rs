//! Who has locked what, and who waits for whom: `pg_locks`, `spg_locks`.

use super::{BOOL, INT2, INT4, NAME, OID, TEXT, TIMESTAMPTZ};
use crate::error::Result;
use crate::locks::{LockView, Mode, Object, OwnerId};
use crate::storage::{IndexId, TableId};
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
        let (kind, relation, class, object, sub) = match lock.object {
            Object::Row(table, _) => ("tuple", Some(oid::table(table)), None, None, None),
            Object::Key(table, index, _) => {
                let class = Some(oid::PG_CLASS);
                ("object", Some(oid::table(table)), class, Some(oid::index(index)), None)
            }
            Object::Advisory(number) => {
                let (high, low) = ((number >> 32) & LOW, number & LOW);
                ("advisory", None, Some(high), Some(low), Some(1))
            }
            Object::AdvisoryPair(first, second) => {
                let (first, second) = (i64::from(first as u32), i64::from(second as u32));
                ("advisory", None, Some(first), Some(second), Some(2))
            }
        };
        row!(rows;
            kind, oid::DATABASE, relation, NULL, NULL, NULL, NULL, class, object, sub, NULL, session(lock.owner), mode,
            lock.granted, false, NULL,
        )?;
    }
    Ok(())
}

pub(super) fn spg_locks(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for lock in source.live.locks()? {
        let (kind, table, object) = match lock.object {
            Object::Row(table, row) => ("row", Some(table), row.0.to_string()),
            Object::Key(table, index, _) => ("key", Some(table), index_name(source, table, index)),
            Object::Advisory(number) => ("advisory", None, number.to_string()),
            Object::AdvisoryPair(first, second) => ("advisory", None, format!("{first}, {second}")),
        };
        let relation = table.and_then(|table| source.root.table(table));
        let relation = relation.map(|table| table.schema().name.clone());
        let mode = match (lock.object, lock.mode) {
            (Object::Row(..), Mode::KeyShare) => "FOR KEY SHARE",
            (Object::Row(..), Mode::Share) => "FOR SHARE",
            (Object::Row(..), Mode::NoKeyUpdate) => "FOR NO KEY UPDATE",
            (Object::Row(..), Mode::Update) => "FOR UPDATE",
            (_, Mode::KeyShare | Mode::Share) => "SHARE",
            (_, Mode::NoKeyUpdate | Mode::Update) => "EXCLUSIVE",
        };
        let blockers: Vec<String> = lock.blocked_by.iter().map(ToString::to_string).collect();
        let blockers = (!lock.granted).then(|| blockers.join(", "));
        row!(rows;
            session(lock.owner), kind, relation.as_deref(), object.as_str(), mode, lock.granted, blockers.as_deref(),
        )?;
    }
    Ok(())
}

/// The sessions that keep one waiting.
pub(in crate::system) fn blockers(source: &Source<'_>, waiter: i32) -> Result<Vec<OwnerId>> {
    let waits = source.live.locks()?.into_iter();
    let mine = waits.filter(|lock| !lock.granted && session(lock.owner) == waiter);
    Ok(mine.flat_map(|lock| lock.blocked_by).collect())
}

/// What a session waits for, as `pg_stat_activity` says it.
pub(super) fn wait_event(locks: &[LockView], id: i32) -> Option<&'static str> {
    let wait = locks.iter().find(|lock| !lock.granted && session(lock.owner) == id)?;
    Some(match wait.object {
        Object::Row(..) => "tuple",
        Object::Key(..) => "object",
        Object::Advisory(_) | Object::AdvisoryPair(..) => "advisory",
    })
}

fn session(owner: OwnerId) -> i32 {
    i32::try_from(owner).unwrap_or(i32::MAX)
}

fn index_name(source: &Source<'_>, table: TableId, index: IndexId) -> String {
    let index = source.root.table(table).and_then(|table| table.index(index));
    index.map_or_else(|| "?".to_owned(), |index| index.definition().name.to_string())
}

fn postgres_mode(lock: &LockView) -> &'static str {
    match (lock.object, lock.mode) {
        (Object::Row(..), Mode::KeyShare) => "AccessShareLock",
        (Object::Row(..), Mode::Share) => "RowShareLock",
        (Object::Row(..), Mode::Update) => "AccessExclusiveLock",
        (_, Mode::KeyShare | Mode::Share) => "ShareLock",
        (_, Mode::NoKeyUpdate | Mode::Update) => "ExclusiveLock",
    }
}
