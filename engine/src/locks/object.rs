//! What can be locked.

use std::fmt;

use crate::storage::{IndexId, RowId, TableId};

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
    /// As in PostgreSQL's messages: two halves of the bigint and how many arguments named the lock.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(table, row) => write!(formatter, "row {} of relation {}", row.0, table.0),
            Self::Key(table, index, _) => {
                write!(formatter, "a key of index {} of relation {}", index.0, table.0)
            }
            Self::Advisory(number) => {
                let (high, low) = (*number as u64 >> 32, *number as u32);
                write!(formatter, "advisory lock [{high},{low},1]")
            }
            Self::AdvisoryPair(first, second) => {
                write!(formatter, "advisory lock [{},{},2]", *first as u32, *second as u32)
            }
        }
    }
}
