//! What can be locked.

use std::fmt;

use crate::storage::{DATABASE_OID, FIRST_NORMAL_OID, IndexId, RowId, TableId};

/// Something that sessions lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A row.
    Row(TableId, RowId),
    /// A key of a unique index, by its digest: two keys with one digest only wait for each other.
    Key(TableId, IndexId, u64),
    /// An advisory lock named by one bigint.
    Advisory(i64),
    /// An advisory lock named by two integers: never the same as one named by a bigint.
    AdvisoryPair(i32, i32),
}

impl Object {
    /// Whether a commit has to look at such locks.
    pub(super) fn concerns_commits(self) -> bool {
        matches!(self, Self::Row(..) | Self::Key(..))
    }
}

impl fmt::Display for Object {
    /// As in PostgreSQL's messages, with the numbers of its catalogs: for an advisory lock those of the database, of the two
    /// halves of the bigint, and of the arguments that named it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(table, row) => {
                write!(formatter, "row {} of relation {}", row.0, oid(table.0))
            }
            Self::Key(table, index, _) => {
                let (table, index) = (oid(table.0), oid(index.0));
                write!(formatter, "a key of index {index} of relation {table}")
            }
            Self::Advisory(number) => {
                let (high, low) = (*number as u64 >> 32, *number as u32);
                write!(formatter, "advisory lock [{DATABASE_OID},{high},{low},1]")
            }
            Self::AdvisoryPair(first, second) => {
                let (first, second) = (*first as u32, *second as u32);
                write!(formatter, "advisory lock [{DATABASE_OID},{first},{second},2]")
            }
        }
    }
}

fn oid(id: u64) -> i64 {
    FIRST_NORMAL_OID + id as i64
}
