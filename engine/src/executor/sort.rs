//! ORDER BY: rows are collected, sorted run by run and merged; with a limit only those that can still appear are kept.

use std::cmp::Ordering;

use crate::binder::bound::{Expression, SortKey};
use crate::error::{Result, SqlState};
use crate::executor::buffer::{Buffer, Reservation, gather_all};
use crate::executor::context::Context;
use crate::executor::expression::evaluate;
use crate::executor::limit::Window;
use crate::executor::operator::{BoxOperator, Operator};
use crate::executor::sort_key::SortColumn;
use crate::limits::{BATCH_ROWS_MAX, INTERRUPT_CHECK_ROWS};
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::types::DataType;

/// Rows sorted between two looks at the interrupt.
const RUN_ROWS: usize = 32 * 1_024;
/// Rows that are collected above the limit before the surplus is dropped.
const SURPLUS_ROWS: usize = 4 * 1_024;

/// A sort.
pub(super) struct Sort<'a> {
    input: Option<BoxOperator<'a>>,
    keys: &'a [SortKey],
    limit: Option<&'a Expression>,
    /// The rows, and behind them the values of the keys.
    rows: Buffer<'a>,
    width: usize,
    order: Vec<u32>,
    place: usize,
}

impl<'a> Sort<'a> {
    pub(super) fn new(
        input: BoxOperator<'a>,
        types: &[DataType],
        keys: &'a [SortKey],
        limit: Option<&'a Expression>,
        context: &Context<'a>,
    ) -> Self {
        let mut all = types.to_vec();
        all.extend(keys.iter().map(|key| key.expression.data_type()));
        let rows = Buffer::new(&all, context.memory);
        Self {
            input: Some(input),
            keys,
            limit,
            rows,
            width: types.len(),
            order: Vec::new(),
            place: 0,
        }
    }

    fn read(&mut self, mut input: BoxOperator<'a>, context: &Context<'a>) -> Result<()> {
        let kept = self.kept_rows(context)?;
        let threshold = kept.map_or(usize::MAX, |kept| {
            kept.saturating_mul(2).max(kept.saturating_add(SURPLUS_ROWS))
        });
        if kept == Some(0) {
            return Ok(());
        }
        let mut is_full = false;
        while let Some(batch) = input.next(context)? {
            context.interrupt.check()?;
            let mut columns = Vec::with_capacity(self.width + self.keys.len());
            for key in self.keys {
                columns.push(evaluate(&key.expression, &batch, context)?);
            }
            let places = match kept {
                Some(kept) if is_full => Some(self.better_rows(&columns, batch.len(), kept)),
                _ => None,
            };
            if places.as_ref().is_some_and(Vec::is_empty) {
                continue;
            }
            self.append(&batch, &columns, places)?;
            if self.rows.len() > threshold {
                let order = self.sorted(context, kept)?;
                self.rows.keep(&order)?;
                is_full = true;
            }
        }
        self.order = self.sorted(context, kept)?;
        Ok(())
    }

    /// How many rows can appear; None is all. An overflow of LIMIT + OFFSET is no limit either.
    fn kept_rows(&self, context: &Context<'a>) -> Result<Option<usize>> {
        match Window::evaluate(self.limit, None, context) {
            Ok(Window { take: u64::MAX, .. }) => Ok(None),
            Ok(window) => Ok(Some(window.take as usize)),
            Err(error) if error.sqlstate() == SqlState::NumericValueOutOfRange => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Those of the rows that come before the last row kept; of the rows held, `kept` are known to be in order.
    fn better_rows(&self, keys: &[ColumnRef<'_>], rows: usize, kept: usize) -> Vec<u32> {
        let (Some(key), Some(column)) = (self.keys.first(), keys.first()) else {
            return Vec::new();
        };
        let held = &self.rows.columns[self.width..];
        let last = kept - 1;
        let threshold = held[0].gather(&[last as u32]);
        let threshold = SortColumn::new(&threshold, key.descending, key.nulls_first).word(0);
        let words = SortColumn::new(column, key.descending, key.nulls_first);
        let comes_before = |row: u32| {
            let mut columns = self.keys.iter().zip(keys).zip(held);
            let order = columns.find_map(|((key, column), held)| {
                let order = compare_values(key, column, row as usize, held, last);
                order.is_ne().then_some(order)
            });
            order == Some(Ordering::Less)
        };
        let mut better = Vec::new();
        for row in 0..rows as u32 {
            let word = words.word(row as usize);
            if word < threshold || (word == threshold && comes_before(row)) {
                better.push(row);
            }
        }
        better
    }

    fn append(
        &mut self,
        batch: &Batch<'a>,
        keys: &[ColumnRef<'_>],
        places: Option<Vec<u32>>,
    ) -> Result<()> {
        // Keys are dense where the batch may have gaps, so each part is gathered on its own terms.
        let rows = batch.len();
        let places = places.unwrap_or_else(|| (0..rows as u32).collect());
        let is_whole = places.len() == rows && matches!(batch.selection, Selection::All(_));
        let mut columns: Vec<ColumnRef<'_>> = Vec::with_capacity(self.width + keys.len());
        if is_whole {
            columns.extend(batch.columns.iter().map(reborrow));
            columns.extend(keys.iter().map(reborrow));
            return self.rows.append_columns(&columns, &Selection::All(rows));
        }
        let physical: Vec<u32> =
            places.iter().map(|&place| batch.selection.row(place as usize) as u32).collect();
        columns
            .extend(batch.columns.iter().map(|column| ColumnRef::owned(column.gather(&physical))));
        columns.extend(keys.iter().map(|column| ColumnRef::owned(column.gather(&places))));
        self.rows.append_columns(&columns, &Selection::All(places.len()))
    }

    /// Places of the rows in order, at most `kept` of them.
    fn sorted(&self, context: &Context<'a>, kept: Option<usize>) -> Result<Vec<u32>> {
        let mut reservation = Reservation::new(context.memory);
        reservation.grow(self.rows.len() * (self.keys.len() * size_of::<u128>() + 8))?;
        let columns: Vec<_> = (self.keys.iter().zip(&self.rows.columns[self.width..]))
            .map(|(key, column)| SortColumn::new(column, key.descending, key.nulls_first))
            .collect();
        let compare = |left: &u32, right: &u32| {
            for column in &columns {
                let order = column.compare(*left as usize, *right as usize);
                if order.is_ne() {
                    return order;
                }
            }
            left.cmp(right)
        };
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        match kept {
            Some(kept) if kept < order.len() => {
                order.select_nth_unstable_by(kept, compare);
                order.truncate(kept);
                order.sort_unstable_by(compare);
            }
            _ => sort_in_runs(&mut order, &compare, context)?,
        }
        Ok(order)
    }
}

fn reborrow<'b>(column: &'b ColumnRef<'_>) -> ColumnRef<'b> {
    ColumnRef::Borrowed(column)
}

/// The order of one key's values in two columns.
fn compare_values(
    key: &SortKey,
    left: &ColumnRef<'_>,
    left_row: usize,
    right: &crate::storage::column::Column,
    right_row: usize,
) -> Ordering {
    let (left, right) = (left.get(left_row), right.get(right_row));
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if key.nulls_first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, true) => {
            if key.nulls_first {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, false) if key.descending => right.compare(left),
        (false, false) => left.compare(right),
    }
}

/// A merge sort that looks at the interrupt between runs and while merging.
fn sort_in_runs(
    order: &mut Vec<u32>,
    compare: &impl Fn(&u32, &u32) -> Ordering,
    context: &Context<'_>,
) -> Result<()> {
    for run in order.chunks_mut(RUN_ROWS) {
        context.interrupt.check()?;
        run.sort_unstable_by(compare);
    }
    let mut run_rows = RUN_ROWS;
    while run_rows < order.len() {
        let mut merged = Vec::with_capacity(order.len());
        for pair in order.chunks(run_rows * 2) {
            let (left, right) = pair.split_at(run_rows.min(pair.len()));
            merge(left, right, compare, context, &mut merged)?;
        }
        *order = merged;
        run_rows *= 2;
    }
    Ok(())
}

fn merge(
    mut left: &[u32],
    mut right: &[u32],
    compare: &impl Fn(&u32, &u32) -> Ordering,
    context: &Context<'_>,
    merged: &mut Vec<u32>,
) -> Result<()> {
    while let (Some((one, left_rest)), Some((other, right_rest))) =
        (left.split_first(), right.split_first())
    {
        if merged.len().is_multiple_of(INTERRUPT_CHECK_ROWS) {
            context.interrupt.check()?;
        }
        if compare(one, other).is_le() {
            merged.push(*one);
            left = left_rest;
        } else {
            merged.push(*other);
            right = right_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    Ok(())
}

impl<'a> Operator<'a> for Sort<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if let Some(input) = self.input.take() {
            self.read(input, context)?;
        }
        let end = self.order.len().min(self.place + BATCH_ROWS_MAX);
        if self.place == end {
            return Ok(None);
        }
        let rows = &self.order[self.place..end];
        self.place = end;
        let columns = gather_all(&self.rows.columns[..self.width], rows);
        Ok(Some(Batch::computed(columns, rows.len())))
    }
}
