//! Values of expressions over batches: loops over columns, constants kept as constants, NULLs as bitmaps.
//!
//! [`evaluate()`] walks the tree; each kind of node has its file. A node's operands are columns with one row for each
//! selected row of the batch, or constants; what only some rows reach (AND, OR, CASE, COALESCE, IN) is evaluated with
//! the selection narrowed to those, so that guards guard. The depth of the walk is the binder's to bound.

mod advisory;
mod arithmetic;
mod case;
mod cast;
mod compare;
mod datetime;
mod evaluate;
mod in_list;
mod like;
mod logic;
mod math;
mod operand;
mod predicate;
mod sequence;
mod system;
#[cfg(test)]
mod tests;
mod text;
mod text_edit;
mod vector;

pub use sequence::find_sequence;

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
    let rows = operand::Rows { columns: &batch.columns, selection: &batch.selection };
    let value = evaluate::operand(expression, rows, context)?;
    Ok(value.into_column(expression.data_type(), batch.len()))
}

/// The selected rows of the batch for which a boolean expression is true: physical rows, in the selection's order.
pub fn evaluate_predicate(
    expression: &Expression,
    batch: &Batch<'_>,
    context: &Context<'_>,
) -> Result<Selection> {
    predicate::predicate(expression, &batch.columns, &batch.selection, context)
}

/// The value of an expression without columns.
pub fn evaluate_scalar(expression: &Expression, context: &Context<'_>) -> Result<Value> {
    match expression {
        Expression::Literal { value, .. } => return Ok(value.clone()),
        Expression::Parameter { index, .. } if *index < context.parameters.len() => {
            return Ok(context.parameters[*index].clone());
        }
        _ => {}
    }
    let rows = operand::Rows { columns: &[], selection: &Selection::One(0) };
    Ok(match evaluate::operand(expression, rows, context)? {
        operand::Operand::Constant(value) => value,
        operand::Operand::Column(column) => column.get(0).to_value(),
    })
}
