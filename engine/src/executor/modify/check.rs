//! NOT NULL and CHECK: what a row must keep to whatever the other rows are.

use super::violation::{check_violated, first_null, not_null};
use crate::binder::BoundCheck;
use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::expression::evaluate;
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::column::{Column, ColumnData};
use crate::storage::schema::Schema;
use crate::types::ValueRef;

/// New rows of a table, as far as they are known by columns.
pub(super) struct NewRows<'r> {
    pub(super) schema: &'r Schema,
    /// The columns that are written.
    pub(super) ordinals: &'r [usize],
    /// Their values.
    pub(super) values: &'r [Column],
    pub(super) rows: usize,
}

impl<'r> NewRows<'r> {
    /// 23502 or 23514 for the first row that NOT NULL or a CHECK forbids; in it NOT NULL comes first, then the checks in
    /// the order of their names. `stored` yields a column that is not written, for all rows; `row` one row's values.
    pub(super) fn check<'v>(
        &self,
        checks: &[BoundCheck],
        context: &Context<'_>,
        stored: impl Fn(usize) -> ColumnRef<'r>,
        row: impl Fn(usize) -> Vec<ValueRef<'v>>,
    ) -> Result<()> {
        let null = first_null(self.schema, self.ordinals.iter().copied(), self.values);
        let sound = null.map_or(self.rows, |(place, _)| place);
        if !checks.is_empty() && sound > 0 {
            let batch = self.batch(checks, sound, stored);
            if let Some((place, name)) = first_violated(checks, batch, context)? {
                return Err(check_violated(self.schema, name, &row(place)));
            }
        }
        match null {
            None => Ok(()),
            Some((place, ordinal)) => Err(not_null(self.schema, ordinal, &row(place))),
        }
    }

    /// The columns that the checks refer to, each at its ordinal.
    fn batch(
        &self,
        checks: &[BoundCheck],
        rows: usize,
        stored: impl Fn(usize) -> ColumnRef<'r>,
    ) -> Batch<'r> {
        let columns = &self.schema.columns;
        let mut used = vec![false; columns.len()];
        for check in checks {
            note_columns(&check.condition, &mut used);
        }
        let column = |ordinal: usize| {
            let written = self.ordinals.iter().position(|written| *written == ordinal);
            match written {
                Some(place) => ColumnRef::Borrowed(&self.values[place]),
                None if used[ordinal] => stored(ordinal),
                None => ColumnRef::owned(Column::with_capacity(columns[ordinal].data_type, 0)),
            }
        };
        let columns = (0..columns.len()).map(column).collect();
        let selection = if rows == self.rows {
            Selection::All(rows)
        } else {
            Selection::Rows((0..rows as u32).collect())
        };
        Batch { columns, selection }
    }
}

/// 23502 or 23514 for the first of some rows, given as all columns of the table, that NOT NULL or a CHECK forbids.
pub fn check_columns(
    schema: &Schema,
    checks: &[BoundCheck],
    values: &[Column],
    rows: usize,
    context: &Context<'_>,
) -> Result<()> {
    let ordinals: Vec<usize> = (0..values.len()).collect();
    let stored = |_| unreachable!("every column is written");
    let row = |row| values.iter().map(|column| column.get(row)).collect();
    NewRows { schema, ordinals: &ordinals, values, rows }.check(checks, context, stored, row)
}

/// Marks the columns that an expression refers to.
pub(super) fn note_columns(expression: &Expression, used: &mut [bool]) {
    if let Expression::Column { id, .. } = expression {
        used[*id] = true;
    }
    expression.each_child(&mut |child| note_columns(child, used));
}

/// The first of the batch's rows that makes a check false, and that check's name.
///
/// Conditions are evaluated for all rows at a time. Where one cannot be, it is done again row by row: what is wrong with
/// an earlier row is to be said first.
fn first_violated<'n>(
    checks: &'n [BoundCheck],
    mut batch: Batch<'_>,
    context: &Context<'_>,
) -> Result<Option<(usize, &'n str)>> {
    let rows = batch.len();
    let mut first = None;
    for check in checks {
        match first_false(&check.condition, &batch, context) {
            Ok(None) => {}
            Ok(Some(place)) => {
                first = Some((place, &*check.name));
                // Only an earlier row can come before it.
                if place == 0 {
                    break;
                }
                batch.selection = Selection::Rows((0..place as u32).collect());
            }
            Err(_) => return row_by_row(checks, batch, rows, context),
        }
    }
    Ok(first)
}

/// The first of the batch's rows for which a condition is false.
fn first_false(
    condition: &Expression,
    batch: &Batch<'_>,
    context: &Context<'_>,
) -> Result<Option<usize>> {
    let truth = evaluate(condition, batch, context)?;
    let ColumnData::Bool(values) = &truth.data else { unreachable!("a condition is boolean") };
    let is_false = |row: &usize| !values[*row] && !truth.is_null(*row);
    Ok((0..batch.len()).find(is_false))
}

#[cold]
fn row_by_row<'n>(
    checks: &'n [BoundCheck],
    mut batch: Batch<'_>,
    rows: usize,
    context: &Context<'_>,
) -> Result<Option<(usize, &'n str)>> {
    for row in 0..rows {
        context.interrupt.check()?;
        batch.selection = Selection::One(row as u32);
        for check in checks {
            if first_false(&check.condition, &batch, context)?.is_some() {
                return Ok(Some((row, &*check.name)));
            }
        }
    }
    Ok(None)
}
