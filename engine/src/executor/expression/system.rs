//! Functions of the catalog and the session: a call for each row.

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::operand::Operand;
use crate::storage::column::Column;
use crate::system::function::{SystemFunction, call};
use crate::system::source::Source;
use crate::types::{DataType, ValueRef};

/// A function over its operands; once, if they are the same for every row.
pub(super) fn system(
    function: SystemFunction,
    operands: &[Operand<'_>],
    data_type: DataType,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let source = Source { root: context.root, live: context.environment.live() };
    let value = |row: usize| {
        let arguments: Vec<ValueRef<'_>> =
            operands.iter().map(|operand| operand.get(row)).collect();
        let mut places = arguments.iter().enumerate();
        if places.any(|(place, argument)| argument.is_null() && function.is_strict_in(place)) {
            return Ok(crate::types::Value::Null);
        }
        call(function, &arguments, &source)
    };
    let is_called = rows > 0 || !function.has_effect();
    if is_called && operands.iter().all(|operand| matches!(operand, Operand::Constant(_))) {
        return value(0).map(Operand::Constant);
    }
    let mut column = Column::with_capacity(data_type, rows);
    for row in 0..rows {
        context.interrupt.check()?;
        column.push(value(row)?.as_ref());
    }
    Ok(Operand::owned(column))
}
