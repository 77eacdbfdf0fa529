//! Conditions as selections: the rows for which an expression is true, narrowed step by step along AND.

use crate::binder::bound::{Comparison, Expression, Function};
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::compare;
use crate::executor::expression::evaluate::operand;
use crate::executor::expression::logic::part;
use crate::executor::expression::operand::{Operand, Rows};
use crate::storage::batch::{ColumnRef, Selection};
use crate::storage::column::Column;
use crate::types::Value;

/// The rows of `selection` for which `expression` is true.
pub(super) fn predicate(
    expression: &Expression,
    columns: &[ColumnRef<'_>],
    selection: &Selection,
    context: &Context<'_>,
) -> Result<Selection> {
    if selection.is_empty() {
        return Ok(selection.clone());
    }
    match expression {
        Expression::And(operands) => conjunction(operands, columns, selection, context),
        Expression::Call { function: Function::Compare(comparison), arguments, .. } => {
            match against_constant(*comparison, arguments, columns, context) {
                Some((comparison, column, constant)) => {
                    let rows = compare::filter(comparison, column, constant.as_ref(), selection);
                    Ok(narrowed(selection, rows))
                }
                None => by_values(expression, columns, selection, context),
            }
        }
        _ => by_values(expression, columns, selection, context),
    }
}

fn conjunction(
    operands: &[Expression],
    columns: &[ColumnRef<'_>],
    selection: &Selection,
    context: &Context<'_>,
) -> Result<Selection> {
    let mut kept: Option<Selection> = None;
    for operand in operands {
        let before = kept.as_ref().unwrap_or(selection);
        kept = Some(predicate(operand, columns, before, context)?);
    }
    Ok(kept.unwrap_or_else(|| selection.clone()))
}

/// The parts of `column <comparison> constant`, either way round; the constant a literal or a parameter.
fn against_constant<'e>(
    comparison: Comparison,
    arguments: &[Expression],
    columns: &'e [ColumnRef<'_>],
    context: &'e Context<'_>,
) -> Option<(Comparison, &'e Column, Value)> {
    let constant = |expression: &Expression| match expression {
        Expression::Literal { value, .. } => Some(value.clone()),
        Expression::Parameter { index, .. } => context.parameters.get(*index).cloned(),
        _ => None,
    };
    match arguments {
        [Expression::Column { id, .. }, right] => {
            Some((comparison, columns.get(*id)?, constant(right)?))
        }
        [left, Expression::Column { id, .. }] => {
            Some((compare::mirrored(comparison), columns.get(*id)?, constant(left)?))
        }
        _ => None,
    }
}

fn by_values(
    expression: &Expression,
    columns: &[ColumnRef<'_>],
    selection: &Selection,
    context: &Context<'_>,
) -> Result<Selection> {
    let condition = operand(expression, Rows { columns, selection }, context)?;
    if let Operand::Constant(value) = condition {
        let kept = value == Value::Bool(true);
        return Ok(if kept { selection.clone() } else { Selection::All(0) });
    }
    let (yes, _) = part(&condition, selection.len())?;
    if yes.len() == selection.len() {
        return Ok(selection.clone());
    }
    Ok(selection.narrow(&yes))
}

/// The selection of `rows`, which are some of `selection`'s.
fn narrowed(selection: &Selection, rows: Vec<u32>) -> Selection {
    if rows.len() == selection.len() { selection.clone() } else { Selection::Rows(rows) }
}
