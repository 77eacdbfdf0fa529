//! Immutable data: the tree under one root, and the only code that names the persistent map.
//!
//! Reading order: [`bitmap`] and [`mod@column`] are plain vectors of values; [`chunk`] is up to 256 rows of them;
//! [`key`] and [`index`] order rows; [`change`] says what a writer did; `rows` is
//! chunks and tail; `maintain` keeps indexes in step; [`table`] is rows and indexes and applies changes; [`root`] names the tables and is one version of the database; [`root_cell`] publishes it;
//! [`difference`] compares two versions; [`mod@reference`] is foreign keys between two tables; [`key_set`] keeps which keys were read; [`restore`] fills tables from an image; [`retained`] tells what an old version keeps alive; [`gauge`] counts what is alive.
//!
//! Storage knows no disk, log, transaction or plan.

pub mod batch;
pub mod bitmap;
pub mod change;
pub mod chunk;
pub mod column;
pub mod difference;
pub mod gauge;
pub mod index;
pub mod key;
pub mod key_set;
mod maintain;
pub mod reference;
pub mod restore;
pub mod retained;
pub mod root;
pub mod root_cell;
pub mod row_id;
mod rows;
pub mod schema;
pub mod sequence;
pub mod table;
pub mod text_column;
pub mod vector_column;

/// Identity of a table for life; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u64);

/// What is added to the id of a relation to give its number in PostgreSQL's catalogs: the first that is nobody's there in a
/// new database.
pub const FIRST_NORMAL_OID: i64 = 16_384;

/// The number of the one database in them.
pub const DATABASE_OID: i64 = 5;

/// From here on table ids are those of views that nobody stores; no counter gets there.
const SYSTEM_TABLES: u64 = 1 << 63;

impl TableId {
    /// The identity of the view at `place` of their list.
    pub const fn system(place: usize) -> Self {
        Self(SYSTEM_TABLES | place as u64)
    }

    /// The place of the view, if it is one.
    pub fn system_place(self) -> Option<usize> {
        self.is_system().then_some((self.0 & !SYSTEM_TABLES) as usize)
    }

    /// Whether it is a view that nobody stores.
    #[inline]
    pub const fn is_system(self) -> bool {
        self.0 & SYSTEM_TABLES != 0
    }
}

/// Identity of an index for life; never reused, and drawn from the same counter as table ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexId(pub u64);

/// Identity of a row for life within its table; ids grow in the order in which they are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u64);

/// Number of a commit; the roots of one database are numbered without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitNumber(pub u64);

/// Who wrote a row version: drawn once by every writing transaction, never reused.
///
/// Invariant: two versions of a row with equal stamps are the same version. So "has this row changed since my
/// base" is one comparison, and nothing has to be filled in at commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);
