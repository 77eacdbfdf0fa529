//! Computed columns.

use smallvec::SmallVec;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate;
use crate::executor::operator::{BoxOperator, Operator};
use crate::storage::batch::{Batch, ColumnRef, Selection};

/// A select list.
pub(super) struct Project<'a> {
    input: BoxOperator<'a>,
    expressions: &'a [Expression],
    /// Whether all expressions are columns: then rows need not be made dense.
    is_choice: bool,
}

impl<'a> Project<'a> {
    pub(super) fn new(input: BoxOperator<'a>, expressions: &'a [Expression]) -> Self {
        let is_column = |expression: &Expression| matches!(expression, Expression::Column { .. });
        Self { input, expressions, is_choice: expressions.iter().all(is_column) }
    }
}

impl<'a> Operator<'a> for Project<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        let Some(batch) = self.input.next(context)? else { return Ok(None) };
        if self.is_choice {
            let columns = self.expressions.iter().map(|expression| match expression {
                Expression::Column { id, .. } => batch.columns[*id].clone(),
                _ => unreachable!("all expressions are columns"),
            });
            return Ok(Some(Batch { columns: columns.collect(), selection: batch.selection }));
        }
        project(self.expressions, &batch, context).map(Some)
    }
}

/// The values of `expressions` for the rows of `batch`.
pub(super) fn project<'a>(
    expressions: &[Expression],
    batch: &Batch<'a>,
    context: &Context<'_>,
) -> Result<Batch<'a>> {
    let rows = batch.len();
    let is_whole = matches!(batch.selection, Selection::All(_));
    let mut columns: SmallVec<[ColumnRef<'a>; 8]> = SmallVec::with_capacity(expressions.len());
    for expression in expressions {
        columns.push(match expression {
            Expression::Column { id, .. } if is_whole => batch.columns[*id].clone(),
            _ => match evaluate(expression, batch, context)? {
                ColumnRef::Owned(column) => ColumnRef::Owned(column),
                ColumnRef::Borrowed(column) => ColumnRef::owned(column.clone()),
            },
        });
    }
    Ok(Batch { columns, selection: Selection::All(rows) })
}
