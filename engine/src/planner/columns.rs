//! Which columns a relation makes, which are needed of it, and the last step: ids replaced by ordinals.

use super::expressions::each_column;
use crate::binder::bound::{ColumnId, Expression, Relation};
use crate::error::{Error, Result, SqlState};
use crate::types::DataType;

/// A set of column ids.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnSet {
    words: Vec<u64>,
}

impl ColumnSet {
    /// The ids of `columns`.
    pub(super) fn of(columns: impl IntoIterator<Item = ColumnId>) -> Self {
        let mut set = Self::default();
        for id in columns {
            set.insert(id);
        }
        set
    }

    /// The columns that `relation` makes.
    pub(super) fn produced_by(relation: &Relation) -> Self {
        let mut set = Self::default();
        each_produced(relation, &mut |id, _| set.insert(id));
        set
    }

    /// Adds a column.
    pub(super) fn insert(&mut self, id: ColumnId) {
        if id / 64 >= self.words.len() {
            self.words.resize(id / 64 + 1, 0);
        }
        self.words[id / 64] |= 1 << (id % 64);
    }

    /// Adds the columns that `expression` refers to.
    pub(super) fn insert_used(&mut self, expression: &Expression) {
        each_column(expression, &mut |id| self.insert(id));
    }

    /// This set and the columns that `expressions` refer to.
    pub(super) fn with_used<'e>(
        &self,
        expressions: impl IntoIterator<Item = &'e Expression>,
    ) -> Self {
        let mut set = self.clone();
        for expression in expressions {
            set.insert_used(expression);
        }
        set
    }

    /// Whether `id` is in it.
    pub(super) fn contains(&self, id: ColumnId) -> bool {
        self.words.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Whether the sets share a column.
    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(left, right)| left & right != 0)
    }
}

/// Ids and types of the columns that `relation` makes.
pub(super) fn produced(relation: &Relation) -> Vec<(ColumnId, DataType)> {
    let mut columns = Vec::new();
    each_produced(relation, &mut |id, data_type| columns.push((id, data_type)));
    columns
}

fn each_produced(relation: &Relation, visit: &mut dyn FnMut(ColumnId, DataType)) {
    match relation {
        Relation::OneRow => {}
        Relation::Empty { columns }
        | Relation::Values { columns, .. }
        | Relation::Distinct { columns, .. }
        | Relation::SetOperation { columns, .. } => {
            for (id, data_type) in columns {
                visit(*id, *data_type);
            }
        }
        Relation::Scan { schema, columns, row_id, .. } => {
            for (id, ordinal) in columns {
                visit(*id, schema.columns[*ordinal].data_type);
            }
            if let Some(id) = row_id {
                visit(*id, DataType::Int8);
            }
        }
        Relation::Project { columns, .. } => {
            for (id, value) in columns {
                visit(*id, value.data_type());
            }
        }
        Relation::Join { left, right, .. } => {
            each_produced(left, visit);
            each_produced(right, visit);
        }
        Relation::Aggregate { groups, aggregates, .. } => {
            for (id, value) in groups {
                visit(*id, value.data_type());
            }
            for (id, call) in aggregates {
                visit(*id, call.data_type);
            }
        }
        Relation::Filter { input, .. }
        | Relation::Sort { input, .. }
        | Relation::Lock { input, .. }
        | Relation::Limit { input, .. } => each_produced(input, visit),
    }
}

/// `expression` with each column id replaced by its ordinal in `columns`.
pub(super) fn resolve(expression: &Expression, columns: &[ColumnId]) -> Result<Expression> {
    let mut resolved = expression.clone();
    let missing = std::cell::Cell::new(None);
    let ordinal = |id| {
        let found = columns.iter().position(|column| *column == id);
        if found.is_none() {
            missing.set(Some(id));
        }
        found
    };
    rewrite_ids(&mut resolved, &ordinal);
    match missing.get() {
        None => Ok(resolved),
        Some(id) => Err(Error::new(
            SqlState::InternalError,
            format!("column {id} is not made by the operator's input"),
        )),
    }
}

/// [`resolve`] of an optional expression.
pub(super) fn resolve_option(
    expression: Option<&Expression>,
    columns: &[ColumnId],
) -> Result<Option<Expression>> {
    expression.map(|expression| resolve(expression, columns)).transpose()
}

/// [`resolve`] of many.
pub(super) fn resolve_all<'e>(
    expressions: impl IntoIterator<Item = &'e Expression>,
    columns: &[ColumnId],
) -> Result<Vec<Expression>> {
    expressions.into_iter().map(|expression| resolve(expression, columns)).collect()
}

/// Replaces each column id by what `ordinal` says of it, where it says something.
pub(super) fn rewrite_ids(
    expression: &mut Expression,
    ordinal: &dyn Fn(ColumnId) -> Option<usize>,
) {
    if let Expression::Column { id, .. } = expression {
        if let Some(found) = ordinal(*id) {
            *id = found;
        }
        return;
    }
    expression.each_child_mut(&mut |child| rewrite_ids(child, ordinal));
}
