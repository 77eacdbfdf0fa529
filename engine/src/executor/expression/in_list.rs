//! \[NOT\] IN over lists and subqueries: three-valued.
//!
//! A list is walked for each row, so long ones are better planned as an IN (VALUES ...) subquery, which is hashed once.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate::operand;
use crate::executor::expression::operand::{Operand, Rows, boolean};
use crate::executor::in_set::InSet;
use crate::storage::column::Column;
use crate::types::{DataType, ValueRef};

/// `value \[NOT\] IN (list)`. The list's elements are evaluated only for rows that no earlier one equals.
pub(super) fn in_list<'b>(
    tested: &Operand<'b>,
    list: &[Expression],
    negated: bool,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    if tested.is_null() {
        return Ok(Operand::null());
    }
    let constant = matches!(tested, Operand::Constant(_));
    let count = rows.len();
    let mut found: Vec<Option<bool>> = (0..count)
        .map(|place| if tested.get(place).is_null() { None } else { Some(false) })
        .collect();
    let mut open: Vec<u32> =
        (0..count as u32).filter(|&row| found[row as usize].is_some()).collect();
    let mut varies = !constant;
    for element in list {
        if open.is_empty() {
            break;
        }
        let selection;
        let element = if let Expression::Literal { value, .. } = element {
            Operand::Constant(value.clone())
        } else {
            selection = rows.selection.narrow(&open);
            operand(element, rows.with(&selection), context)?
        };
        varies |= matches!(element, Operand::Column(_));
        let mut place = 0;
        open.retain(|&row| {
            let candidate = element.get(place);
            place += 1;
            if candidate.is_null() {
                found[row as usize] = None;
                return true;
            }
            let equal = tested.get(row as usize).equals(candidate);
            if equal {
                found[row as usize] = Some(true);
            }
            !equal
        });
    }
    let result = |row: usize| found[row].map(|found| found != negated);
    if varies { Ok(booleans(count, result)) } else { Ok(Operand::Constant(boolean(result(0)))) }
}

/// `value \[NOT\] IN (SELECT ...)`.
pub(super) fn in_set(
    tested: &Operand<'_>,
    set: &InSet,
    negated: bool,
    rows: usize,
) -> Operand<'static> {
    let result = |row| set.contains(tested.get(row)).map(|found| found != negated);
    match tested {
        Operand::Constant(_) => Operand::Constant(boolean(result(0))),
        Operand::Column(_) => booleans(rows, result),
    }
}

/// A column of booleans of three values.
fn booleans(rows: usize, result: impl Fn(usize) -> Option<bool>) -> Operand<'static> {
    let mut column = Column::with_capacity(DataType::Bool, rows);
    for row in 0..rows {
        column.push(result(row).map_or(ValueRef::Null, ValueRef::Bool));
    }
    Operand::owned(column)
}
