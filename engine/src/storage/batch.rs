//! What one pull of an operator yields: columns, borrowed from chunks where possible, and the rows of them that count.

use smallvec::SmallVec;

use crate::storage::column::Column;
use crate::types::ValueRef;

/// A column borrowed from a chunk of the statement's root, or computed.
#[derive(Clone, Debug)]
pub enum ColumnRef<'a> {
    /// Stored.
    Borrowed(&'a Column),
    /// Computed. Boxed, so that a batch is small: a point read moves it several times.
    Owned(Box<Column>),
}

impl ColumnRef<'_> {
    /// A computed column.
    pub fn owned(column: Column) -> Self {
        Self::Owned(Box::new(column))
    }

    /// The column, copied unless it is computed.
    pub fn into_owned(self) -> Column {
        match self {
            Self::Owned(column) => *column,
            Self::Borrowed(column) => column.clone(),
        }
    }
}

impl std::ops::Deref for ColumnRef<'_> {
    type Target = Column;

    #[inline]
    fn deref(&self) -> &Column {
        match self {
            Self::Borrowed(column) => column,
            Self::Owned(column) => column,
        }
    }
}

/// Columns of one length and the rows of them that are in the batch.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// All of the same physical length; may be none (a row without columns).
    pub columns: SmallVec<[ColumnRef<'a>; 8]>,
    /// Which physical rows count, in order.
    pub selection: Selection,
}

/// Physical rows of a batch's columns, in output order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Rows 0 to n - 1.
    All(usize),
    /// One row: what a point read yields, without an allocation.
    One(u32),
    /// These rows.
    Rows(Vec<u32>),
}

impl Selection {
    /// Number of rows selected.
    pub fn len(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::One(_) => 1,
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Whether no row is selected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Physical row of the `place`-th selected row.
    #[inline]
    pub fn row(&self, place: usize) -> usize {
        match self {
            Self::All(_) => place,
            Self::One(row) => *row as usize,
            Self::Rows(rows) => rows[place] as usize,
        }
    }

    /// Physical rows in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).map(|place| self.row(place))
    }

    /// Of the selected rows those at `places` (positions within this selection).
    #[must_use]
    pub fn narrow(&self, places: &[u32]) -> Self {
        Self::Rows(places.iter().map(|&place| self.row(place as usize) as u32).collect())
    }
}

impl Batch<'_> {
    /// A batch of computed columns, every row counting.
    pub fn computed(columns: Vec<Column>, rows: usize) -> Self {
        Self {
            columns: columns.into_iter().map(ColumnRef::owned).collect(),
            selection: Selection::All(rows),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.selection.len()
    }

    /// Whether no row counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of column `column` in the `place`-th row of the batch.
    #[inline]
    pub fn value(&self, column: usize, place: usize) -> ValueRef<'_> {
        self.columns[column].get(self.selection.row(place))
    }
}
