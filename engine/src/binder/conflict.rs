//! ON CONFLICT, bound.

use crate::binder::bound::Expression;
use crate::storage::IndexId;

/// ON CONFLICT.
#[derive(Clone, Debug)]
pub struct BoundConflict {
    /// The unique indexes whose keys are looked at.
    pub arbiters: Vec<IndexId>,
    /// DO UPDATE; None is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

/// DO UPDATE: expressions over the columns of the row that is there, then those of the row proposed (their ids are
/// ordinals).
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    /// The columns assigned.
    pub ordinals: Vec<usize>,
    /// A value for each, cast to the column's type.
    pub values: Vec<Expression>,
    /// WHERE.
    pub filter: Option<Expression>,
}
