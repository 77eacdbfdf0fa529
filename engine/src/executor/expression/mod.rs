//! Values of expressions over batches: loops over columns, constants kept as constants, NULLs as bitmaps.
//!
//! [`evaluate`] walks the tree; each kind of node has its file. A node's operands are columns with one row for each
//! selected row of the batch, or constants; what only some rows reach (AND, OR, CASE, COALESCE) is evaluated with the
//! selection narrowed to those, so that guards guard.

mod evaluate;

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::types::Value;

/// The expression's value for each selected row of the batch: a dense column, borrowed where it is one of the
/// batch's own and every row is selected.
pub fn evaluate<'b>(
    expression: &Expression,
    batch: &'b Batch<'_>,
    context: &Context<'_>,
) -> Result<ColumnRef<'b>> {
    evaluate::column(expression, batch, context)
}

/// The selected rows of the batch for which a boolean expression is true: physical rows, in the selection's order.
pub fn evaluate_predicate(
    expression: &Expression,
    batch: &Batch<'_>,
    context: &Context<'_>,
) -> Result<Selection> {
    evaluate::predicate(expression, batch, context)
}

/// The value of an expression without columns.
pub fn evaluate_scalar(expression: &Expression, context: &Context<'_>) -> Result<Value> {
    evaluate::scalar(expression, context)
}
