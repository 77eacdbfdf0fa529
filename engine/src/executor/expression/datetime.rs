//! Functions of dates, times and intervals: a value for each row.

use smallvec::SmallVec;

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::operand::{Operand, constants};
use crate::storage::column::Column;
use crate::types::datetime::{DatetimeFunction, operate};
use crate::types::{DataType, Value, ValueRef};

/// A function over its operands; NULL where one of them is.
pub(super) fn datetime(
    function: DatetimeFunction,
    data_type: DataType,
    operands: &[Operand<'_>],
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let is_volatile = function == DatetimeFunction::ClockTime;
    if let Some(arguments) = constants(operands).filter(|_| !is_volatile) {
        return value(function, &arguments, context).map(Operand::Constant);
    }
    let mut column = Column::with_capacity(data_type, rows);
    let mut arguments = SmallVec::<[ValueRef<'_>; 4]>::new();
    for row in 0..rows {
        arguments.clear();
        arguments.extend(operands.iter().map(|operand| operand.get(row)));
        column.push(value(function, &arguments, context)?.as_ref());
    }
    Ok(Operand::owned(column))
}

fn value(
    function: DatetimeFunction,
    arguments: &[ValueRef<'_>],
    context: &Context<'_>,
) -> Result<Value> {
    if arguments.iter().any(|argument| argument.is_null()) {
        return Ok(Value::Null);
    }
    let times =
        if function.needs_times(arguments) { Some(context.environment.times()?) } else { None };
    operate(function, arguments, times)
}
