//! AND, OR, NOT, IS NULL and IS TRUE: three-valued, later operands only for the rows that reach them.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate::operand;
use crate::executor::expression::operand::{Operand, Rows, boolean, native_column, unbound};
use crate::storage::bitmap::Bitmap;
use crate::storage::column::{Column, ColumnData};
use crate::types::{Value, ValueRef};

/// The value that decides an AND or an OR whatever the other operands are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decides {
    /// AND.
    False,
    /// OR.
    True,
}

/// A boolean value: None is NULL.
fn truth(value: ValueRef<'_>) -> Result<Option<bool>> {
    match value {
        ValueRef::Bool(value) => Ok(Some(value)),
        ValueRef::Null => Ok(None),
        _ => Err(unbound("a condition that is not boolean")),
    }
}

/// AND or OR over `operands`, from left to right.
pub(super) fn connective<'b>(
    decides: Decides,
    operands: &[Expression],
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    let deciding = decides == Decides::True;
    let mut any_null = false;
    for (place, expression) in operands.iter().enumerate() {
        match operand(expression, rows, context)? {
            Operand::Constant(value) => match truth(value.as_ref())? {
                Some(value) if value == deciding => {
                    return Ok(Operand::Constant(Value::Bool(value)));
                }
                Some(_) => {}
                None => any_null = true,
            },
            Operand::Column(first) => {
                let rest = &operands[place + 1..];
                return by_rows(deciding, any_null, &first, rest, rows, context);
            }
        }
    }
    Ok(Operand::Constant(boolean((!any_null).then_some(!deciding))))
}

/// Goes on with the rows that `first` has not decided.
fn by_rows(
    deciding: bool,
    any_null: bool,
    first: &Column,
    rest: &[Expression],
    rows: Rows<'_, '_>,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let count = rows.len();
    let mut values = vec![!deciding; count];
    let mut is_null = vec![any_null; count];
    let mut open: Vec<u32> = (0..count as u32).collect();
    let mut note = |open: &mut Vec<u32>, operand: &dyn Fn(usize) -> Result<Option<bool>>| {
        let mut kept = Vec::with_capacity(open.len());
        for (place, &row) in open.iter().enumerate() {
            match operand(place)? {
                Some(value) if value == deciding => {
                    values[row as usize] = deciding;
                    is_null[row as usize] = false;
                    continue;
                }
                Some(_) => {}
                None => is_null[row as usize] = true,
            }
            kept.push(row);
        }
        *open = kept;
        Ok::<_, crate::error::Error>(())
    };
    note(&mut open, &|place| truth(first.get(place)))?;
    for expression in rest {
        if open.is_empty() {
            break;
        }
        let selection;
        let narrowed = if open.len() == count {
            rows
        } else {
            selection = rows.selection.narrow(&open);
            rows.with(&selection)
        };
        let next = operand(expression, narrowed, context)?;
        note(&mut open, &|place| truth(next.get(place)))?;
    }
    Ok(Operand::owned(native_column(values, bitmap(&is_null))))
}

/// NULL marks from flags; None when there are none.
fn bitmap(flags: &[bool]) -> Option<Bitmap> {
    if !flags.contains(&true) {
        return None;
    }
    let mut nulls = Bitmap::zeros(flags.len());
    for (row, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
        nulls.set(row, true);
    }
    Some(nulls)
}

/// NOT.
pub(super) fn not(operand: &Operand<'_>) -> Result<Operand<'static>> {
    super::arithmetic::map_native::<bool, bool>(operand, |value| Ok(!value))
}

/// IS \[NOT\] NULL.
pub(super) fn is_null(operand: &Operand<'_>, negated: bool) -> Operand<'static> {
    match operand {
        Operand::Constant(value) => Operand::Constant(Value::Bool(value.is_null() != negated)),
        Operand::Column(column) => {
            let values = match &column.nulls {
                None => vec![negated; column.len()],
                Some(nulls) => (0..column.len()).map(|row| nulls.get(row) != negated).collect(),
            };
            Operand::owned(Column::new(ColumnData::Bool(values)))
        }
    }
}

/// IS \[NOT\] TRUE and IS \[NOT\] FALSE: never NULL.
pub(super) fn is_boolean(
    operand: &Operand<'_>,
    value: bool,
    negated: bool,
) -> Result<Operand<'static>> {
    let test = |place: usize| Ok((truth(operand.get(place))? == Some(value)) != negated);
    match operand {
        Operand::Constant(_) => Ok(Operand::Constant(Value::Bool(test(0)?))),
        Operand::Column(column) => {
            let values = (0..column.len()).map(test).collect::<Result<Vec<_>>>()?;
            Ok(Operand::owned(Column::new(ColumnData::Bool(values))))
        }
    }
}

/// Parts `places` of a condition's rows by whether it is true there; the second are those where it is false or NULL.
pub(super) fn part(condition: &Operand<'_>, rows: usize) -> Result<(Vec<u32>, Vec<u32>)> {
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for place in 0..rows {
        let side = if truth(condition.get(place))? == Some(true) { &mut yes } else { &mut no };
        side.push(place as u32);
    }
    Ok((yes, no))
}
