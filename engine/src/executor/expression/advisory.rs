//! The functions of advisory locks: called for each row, in the order of the rows.

use crate::binder::{AdvisoryAction, AdvisoryFunction};
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::environment::AdvisoryKey;
use crate::executor::expression::operand::{Operand, unbound};
use crate::storage::column::Column;
use crate::types::{DataType, ValueRef};

/// A boolean for each row, or, of functions that answer nothing, an empty text.
pub(super) fn advisory(
    function: AdvisoryFunction,
    operands: &[Operand<'_>],
    data_type: DataType,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let answers_nothing =
        matches!(function.action, AdvisoryAction::Lock | AdvisoryAction::UnlockAll);
    let mut column = Column::with_capacity(data_type, rows);
    for row in 0..rows {
        context.interrupt.check()?;
        if operands.iter().any(|operand| operand.get(row).is_null()) {
            column.push(ValueRef::Null);
            continue;
        }
        let key = match operands {
            [] => AdvisoryKey::One(0),
            [number] => match number.get(row) {
                ValueRef::Int8(number) => AdvisoryKey::One(number),
                _ => return Err(unbound("an advisory lock's number")),
            },
            [first, second, ..] => match (first.get(row), second.get(row)) {
                (ValueRef::Int4(first), ValueRef::Int4(second)) => AdvisoryKey::Two(first, second),
                _ => return Err(unbound("an advisory lock's numbers")),
            },
        };
        let done = context.environment.advisory_lock(function, key)?;
        column.push(if answers_nothing { ValueRef::Text("") } else { ValueRef::Bool(done) });
    }
    Ok(Operand::owned(column))
}
