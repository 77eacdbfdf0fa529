//! SELECT ... FOR UPDATE and its kin: which tables' rows are locked, and where that cannot be.

use crate::binder::bound::{ColumnId, Relation};
use crate::binder::context::Context;
use crate::binder::from::Bound;
use crate::binder::query::Tail;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{JoinKind, LockStrength, LockWait, Locking, ObjectName, Select};
use crate::storage::TableId;
use crate::types::Position;

/// Rows of one table of a query that are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLock {
    /// The table.
    pub table: TableId,
    /// The column with the row's id.
    pub row_id: ColumnId,
    /// How.
    pub strength: LockStrength,
    /// What becomes of rows that somebody else has locked.
    pub wait: LockWait,
}

/// 0A000 `FOR UPDATE is not allowed ...`, or whichever of its kin it is.
pub(super) fn refused(strength: LockStrength, what: &str) -> Error {
    Error::new(SqlState::FeatureNotSupported, format!("{} {what}", strength.clause()))
}

/// The locks that the clauses ask for; scans of `from` get the row ids that this needs.
pub(super) fn bind_locking(
    context: &mut Context<'_>,
    select: &Select,
    tail: &Tail<'_>,
    from: &mut Bound,
) -> Result<Vec<RowLock>> {
    let mut locks = Vec::new();
    for clause in tail.locking.iter().flat_map(|clauses| clauses.iter()) {
        check_select(select, clause.strength)?;
        if clause.of.is_empty() {
            lock_leaves(context, &mut from.relation, clause, None, &mut locks)?;
            continue;
        }
        for name in &clause.of {
            check_name(from, clause, name)?;
            lock_leaves(context, &mut from.relation, clause, Some(&name.name.name), &mut locks)?;
        }
    }
    Ok(locks)
}

/// `relation` with its rows locked as they pass.
pub(super) fn lock_rows(relation: Relation, locks: Vec<RowLock>) -> Relation {
    if locks.is_empty() {
        return relation;
    }
    Relation::Lock { input: Box::new(relation), locks }
}

fn check_select(select: &Select, strength: LockStrength) -> Result<()> {
    let what = if select.distinct {
        "is not allowed with DISTINCT clause"
    } else if !select.group_by.is_empty() {
        "is not allowed with GROUP BY clause"
    } else if select.having.is_some() {
        "is not allowed with HAVING clause"
    } else {
        return Ok(());
    };
    Err(refused(strength, what))
}

/// OF names a table of FROM by the name that it goes by there.
fn check_name(from: &Bound, clause: &Locking, name: &ObjectName) -> Result<()> {
    let strength = clause.strength.clause();
    if let Some(schema) = &name.schema {
        let message = format!("{strength} must specify unqualified relation names");
        return Err(Error::new(SqlState::SyntaxError, message).at(schema.position));
    }
    let called = &*name.name.name;
    let Some(source) = from.scope.sources.iter().find(|source| *source.name == *called) else {
        let message =
            format!("relation \"{called}\" in {strength} clause not found in FROM clause");
        return Err(Error::new(SqlState::UndefinedTable, message).at(name.name.position));
    };
    if source.schema.is_none() {
        return Err(of_derived(clause.strength, name.name.position));
    }
    Ok(())
}

fn of_derived(strength: LockStrength, position: Position) -> Error {
    Error::not_supported(&format!("{} of a derived table", strength.clause()), position)
}

/// Locks the rows of the tables that FROM joins: of the one called `only`, or of all.
fn lock_leaves(
    context: &mut Context<'_>,
    relation: &mut Relation,
    clause: &Locking,
    only: Option<&str>,
    locks: &mut Vec<RowLock>,
) -> Result<()> {
    let mut left_to_do = vec![(relation, false)];
    while let Some((relation, is_nullable)) = left_to_do.pop() {
        match relation {
            Relation::OneRow => {}
            Relation::Join { kind, left, right, .. } => {
                let (fills_left, fills_right) = match kind {
                    JoinKind::Inner | JoinKind::Cross => (false, false),
                    JoinKind::Left => (false, true),
                    JoinKind::Right => (true, false),
                    JoinKind::Full => (true, true),
                };
                left_to_do.push((right, is_nullable || fills_right));
                left_to_do.push((left, is_nullable || fills_left));
            }
            Relation::Scan { table, row_id, alias, .. } => {
                if only.is_some_and(|only| *only != **alias) {
                    continue;
                }
                if is_nullable {
                    let what = "cannot be applied to the nullable side of an outer join";
                    return Err(refused(clause.strength, what));
                }
                let row_id = *row_id.get_or_insert_with(|| context.draw_column_id());
                add(
                    locks,
                    RowLock { table: *table, row_id, strength: clause.strength, wait: clause.wait },
                );
            }
            _ if only.is_none() => return Err(of_derived(clause.strength, Position::UNKNOWN)),
            _ => {}
        }
    }
    Ok(())
}

/// Of several clauses about one table the strongest counts, and of ways to wait the least patient.
fn add(locks: &mut Vec<RowLock>, lock: RowLock) {
    match locks.iter_mut().find(|present| present.row_id == lock.row_id) {
        Some(present) => {
            present.strength = present.strength.max(lock.strength);
            present.wait = present.wait.max(lock.wait);
        }
        None => locks.push(lock),
    }
}
