//! SELECT ... FOR UPDATE and its kin, over the rows of one table in the order of their keys.

use std::fmt::{Display, Formatter, Result};

use super::sql::{Expression, TableName, filter_text};

/// A query that locks the rows that it answers.
#[derive(Clone, Debug)]
pub struct RowLock {
    /// FROM
    pub table: TableName,
    /// WHERE
    pub filter: Option<Expression>,
    /// LIMIT
    pub limit: Option<usize>,
    /// FOR ...
    pub strength: Strength,
    /// What becomes of a row that another transaction has locked.
    pub wait: LockWait,
}

/// How rows are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// FOR UPDATE
    Update,
    /// FOR NO KEY UPDATE
    NoKeyUpdate,
    /// FOR SHARE
    Share,
    /// FOR KEY SHARE
    KeyShare,
}

/// What becomes of a row that cannot be locked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockWait {
    /// It is waited for.
    Block,
    /// SKIP LOCKED
    SkipLocked,
    /// NOWAIT
    NoWait,
}

impl RowLock {
    /// Whether rows are left out that others have locked.
    pub fn skips(&self) -> bool {
        self.wait == LockWait::SkipLocked
    }
}

impl Display for RowLock {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let filter = filter_text(self.filter.as_ref());
        // Every primary key is among these.
        write!(out, "SELECT * FROM {} AS x0{filter} ORDER BY 1, 2, 3", self.table)?;
        if let Some(limit) = self.limit {
            write!(out, " LIMIT {limit}")?;
        }
        out.write_str(match self.strength {
            Strength::Update => " FOR UPDATE",
            Strength::NoKeyUpdate => " FOR NO KEY UPDATE",
            Strength::Share => " FOR SHARE",
            Strength::KeyShare => " FOR KEY SHARE",
        })?;
        out.write_str(match self.wait {
            LockWait::Block => "",
            LockWait::SkipLocked => " SKIP LOCKED",
            LockWait::NoWait => " NOWAIT",
        })
    }
}
