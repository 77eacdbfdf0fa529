//! What an index orders by: key values turned into integers or bytes whose order is SQL's.

use crate::storage::schema::{IndexDefinition, Schema};
use crate::types::ValueRef;

/// A run of an index's keys: equality on the first columns, and a range on the next one if wanted.
///
/// Values have the type of their column (the caller casts; a constant outside the column's range is the caller's
/// case too).
#[derive(Clone, Debug)]
pub struct KeyRange {
    _private: (),
}

/// One end of the range on the column after a [`KeyRange`]'s prefix.
#[derive(Clone, Copy, Debug)]
pub enum KeyBound<'a> {
    /// None: up to the NULLs, which no comparison includes.
    Unbounded,
    /// The value and beyond.
    Included(ValueRef<'a>),
    /// Beyond the value.
    Excluded(ValueRef<'a>),
}

impl KeyRange {
    /// Every key, NULLs included: what ORDER BY reads.
    pub fn all() -> Self {
        unimplemented!()
    }

    /// Keys whose first columns equal `prefix` (at most all columns, possibly none); NULL here matches NULL, so a
    /// caller with `=` answers NULL itself.
    pub fn prefix(schema: &Schema, definition: &IndexDefinition, prefix: &[ValueRef<'_>]) -> Self {
        unimplemented!("{schema:?} {definition:?} {prefix:?}")
    }

    /// Keys whose first columns equal `prefix` and whose next column is not NULL and lies between the bounds;
    /// `lower` and `upper` are SQL's (`>` and `<`), whichever way the index runs.
    pub fn between(
        schema: &Schema,
        definition: &IndexDefinition,
        prefix: &[ValueRef<'_>],
        lower: KeyBound<'_>,
        upper: KeyBound<'_>,
    ) -> Self {
        unimplemented!("{schema:?} {definition:?} {prefix:?} {lower:?} {upper:?}")
    }
}
