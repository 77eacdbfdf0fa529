//! CASE and COALESCE: a branch is evaluated only for the rows that reach it.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate::operand;
use crate::executor::expression::logic::part;
use crate::executor::expression::operand::{Operand, Rows};
use crate::storage::column::Column;
use crate::types::{DataType, Value, ValueRef};

/// A result put together from branches, each with values for some of the rows.
struct Assembly<'b> {
    /// The branches' values.
    pieces: Vec<Operand<'b>>,
    /// For each row the piece and the place in it; none is NULL.
    origins: Vec<Option<(u32, u32)>>,
}

impl<'b> Assembly<'b> {
    fn new(rows: usize) -> Self {
        Self { pieces: Vec::new(), origins: vec![None; rows] }
    }

    /// Takes the values of `piece` for `rows`, for which it was evaluated in that order.
    fn take(&mut self, piece: Operand<'b>, rows: &[u32]) {
        let number = self.pieces.len() as u32;
        for (place, &row) in rows.iter().enumerate() {
            self.origins[row as usize] = Some((number, place as u32));
        }
        self.pieces.push(piece);
    }

    fn into_operand(self, data_type: DataType) -> Operand<'b> {
        let mut column = Column::with_capacity(data_type, self.origins.len());
        for origin in self.origins {
            let value = origin.map_or(ValueRef::Null, |(number, place)| {
                self.pieces[number as usize].get(place as usize)
            });
            column.push(value);
        }
        Operand::owned(column)
    }
}

/// CASE WHEN condition THEN value ... ELSE value END.
pub(super) fn case<'b>(
    branches: &[(Expression, Expression)],
    otherwise: Option<&Expression>,
    data_type: DataType,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    for (place, (condition, value)) in branches.iter().enumerate() {
        match operand(condition, rows, context)? {
            Operand::Constant(Value::Bool(true)) => return operand(value, rows, context),
            Operand::Constant(_) => {}
            Operand::Column(first) => {
                let rest = &branches[place..];
                let first = Operand::Column(first);
                return case_by_rows(first, rest, otherwise, data_type, rows, context);
            }
        }
    }
    match otherwise {
        Some(value) => operand(value, rows, context),
        None => Ok(Operand::null()),
    }
}

/// Goes on from the first branch whose condition differs from row to row, evaluated to `first`.
fn case_by_rows<'b>(
    first: Operand<'b>,
    branches: &[(Expression, Expression)],
    otherwise: Option<&Expression>,
    data_type: DataType,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    let mut assembly = Assembly::new(rows.len());
    let mut open: Vec<u32> = (0..rows.len() as u32).collect();
    let mut first = Some(first);
    for (condition, value) in branches {
        if open.is_empty() {
            break;
        }
        let condition = match first.take() {
            Some(first) => first,
            None => operand(condition, rows.with(&rows.selection.narrow(&open)), context)?,
        };
        let (yes, no) = part(&condition, open.len())?;
        let taken: Vec<u32> = yes.iter().map(|&place| open[place as usize]).collect();
        open = no.iter().map(|&place| open[place as usize]).collect();
        if !taken.is_empty() {
            let selection = rows.selection.narrow(&taken);
            assembly.take(operand(value, rows.with(&selection), context)?, &taken);
        }
    }
    if let Some(otherwise) = otherwise
        && !open.is_empty()
    {
        let selection = rows.selection.narrow(&open);
        assembly.take(operand(otherwise, rows.with(&selection), context)?, &open);
    }
    Ok(assembly.into_operand(data_type))
}

/// COALESCE: the first operand that is not NULL.
pub(super) fn coalesce<'b>(
    operands: &[Expression],
    data_type: DataType,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    for (place, expression) in operands.iter().enumerate() {
        match operand(expression, rows, context)? {
            Operand::Constant(Value::Null) => {}
            Operand::Column(first) if first.nulls.as_ref().is_some_and(|n| n.count_ones() > 0) => {
                let rest = &operands[place + 1..];
                return coalesce_by_rows(Operand::Column(first), rest, data_type, rows, context);
            }
            found => return Ok(found),
        }
    }
    Ok(Operand::null())
}

/// Goes on with the rows where `first` is NULL.
fn coalesce_by_rows<'b>(
    first: Operand<'b>,
    rest: &[Expression],
    data_type: DataType,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    let mut assembly = Assembly::new(rows.len());
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let nulls_of = |piece: &Operand<'_>, of: &[u32]| -> Vec<u32> {
        let places = 0..of.len();
        places.filter(|&place| piece.get(place).is_null()).map(|place| of[place]).collect()
    };
    let mut open = nulls_of(&first, &all);
    assembly.take(first, &all);
    for expression in rest {
        if open.is_empty() {
            break;
        }
        let selection = rows.selection.narrow(&open);
        let piece = operand(expression, rows.with(&selection), context)?;
        let still_open = nulls_of(&piece, &open);
        assembly.take(piece, &open);
        open = still_open;
    }
    Ok(assembly.into_operand(data_type))
}
