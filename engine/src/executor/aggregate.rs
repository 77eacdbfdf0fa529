//! GROUP BY and aggregates: keys are numbered, each aggregate is fed whole columns with the numbers.

use crate::binder::bound::{AggregateCall, Expression};
use crate::error::Result;
use crate::executor::accumulator::{Accumulator, Groups};
use crate::executor::buffer::Reservation;
use crate::executor::context::Context;
use crate::executor::expression::evaluate;
use crate::executor::key_table::KeyTable;
use crate::executor::operator::{BoxOperator, Operator};
use crate::limits::BATCH_ROWS_MAX;
use crate::storage::batch::{Batch, ColumnRef};
use crate::storage::column::{Column, ColumnData};
use crate::types::DataType;

/// Bytes of an aggregate's state of one group.
const STATE_BYTES: usize = 32;

/// A hash aggregation; without groups one row whatever comes in.
pub(super) struct Aggregate<'a> {
    input: Option<BoxOperator<'a>>,
    groups: &'a [Expression],
    keys: KeyTable<'a>,
    calls: Vec<Call<'a>>,
    reservation: Reservation<'a>,
    group_count: usize,
    place: usize,
}

/// An aggregate with its state.
struct Call<'a> {
    definition: &'a AggregateCall,
    accumulator: Accumulator,
    /// Values seen, for DISTINCT: number of the group, value.
    seen: Option<KeyTable<'a>>,
}

impl<'a> Aggregate<'a> {
    pub(super) fn new(
        input: BoxOperator<'a>,
        groups: &'a [Expression],
        aggregates: &'a [AggregateCall],
        context: &Context<'a>,
    ) -> Self {
        let types: Vec<_> = groups.iter().map(Expression::data_type).collect();
        let calls = aggregates.iter().map(|call| {
            let argument = call.argument.as_ref().filter(|_| call.distinct);
            let seen = argument.map(|argument| {
                KeyTable::new(&[DataType::Int8, argument.data_type()], context.memory)
            });
            Call { definition: call, accumulator: Accumulator::new(call), seen }
        });
        Self {
            input: Some(input),
            groups,
            keys: KeyTable::new(&types, context.memory),
            calls: calls.collect(),
            reservation: Reservation::new(context.memory),
            group_count: 0,
            place: 0,
        }
    }

    fn read(&mut self, mut input: BoxOperator<'a>, context: &Context<'a>) -> Result<()> {
        if self.groups.is_empty() {
            self.resize(1)?;
        }
        let mut numbers = Vec::new();
        while let Some(batch) = input.next(context)? {
            context.interrupt.check()?;
            let rows = batch.len();
            if self.groups.is_empty() {
                for call in &mut self.calls {
                    call.update(Groups::One, &batch, context)?;
                }
                continue;
            }
            let mut columns = Vec::with_capacity(self.groups.len());
            for group in self.groups {
                columns.push(evaluate(group, &batch, context)?);
            }
            numbers.clear();
            self.keys.insert(&columns, rows, &mut numbers)?;
            self.resize(self.keys.len())?;
            for call in &mut self.calls {
                call.update(Groups::Each(&numbers), &batch, context)?;
            }
        }
        Ok(())
    }

    fn resize(&mut self, groups: usize) -> Result<()> {
        if groups > self.group_count {
            self.reservation.grow((groups - self.group_count) * self.calls.len() * STATE_BYTES)?;
            self.calls.iter_mut().for_each(|call| call.accumulator.resize(groups));
            self.group_count = groups;
        }
        Ok(())
    }
}

impl<'a> Call<'a> {
    fn update(
        &mut self,
        groups: Groups<'_>,
        batch: &Batch<'a>,
        context: &Context<'a>,
    ) -> Result<()> {
        let Some(argument) = &self.definition.argument else {
            self.accumulator.update_rows(groups, batch.len());
            return Ok(());
        };
        let column = evaluate(argument, batch, context)?;
        match &mut self.seen {
            None => self.accumulator.update(groups, &column),
            Some(seen) => {
                let (numbers, column) = first_seen(seen, groups, &column)?;
                self.accumulator.update(Groups::Each(&numbers), &column)
            }
        }
    }
}

/// Groups and values of the rows whose value is new to its group.
fn first_seen(
    seen: &mut KeyTable<'_>,
    groups: Groups<'_>,
    column: &Column,
) -> Result<(Vec<u32>, Column)> {
    let rows = column.len();
    let group_of = |row: usize| match groups {
        Groups::One => 0,
        Groups::Each(groups) => groups[row],
    };
    let numbers = (0..rows).map(|row| i64::from(group_of(row))).collect();
    let group_column = ColumnRef::owned(Column::new(ColumnData::Int8(numbers)));
    let mut next = seen.len() as u32;
    let mut found = Vec::new();
    seen.insert(&[group_column, ColumnRef::Borrowed(column)], rows, &mut found)?;
    let mut fresh = Vec::new();
    for (row, number) in found.into_iter().enumerate() {
        // Invariant: new keys are numbered in the order of their rows.
        if number == next {
            next += 1;
            fresh.push(row as u32);
        }
    }
    let groups = fresh.iter().map(|&row| group_of(row as usize)).collect();
    Ok((groups, column.gather(&fresh)))
}

impl<'a> Operator<'a> for Aggregate<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if let Some(input) = self.input.take() {
            self.read(input, context)?;
        }
        let end = self.group_count.min(self.place + BATCH_ROWS_MAX);
        let start = std::mem::replace(&mut self.place, end);
        if start == end {
            return Ok(None);
        }
        let rows: Vec<u32> = (start as u32..end as u32).collect();
        let mut columns = crate::executor::buffer::gather_all(&self.keys.keys().columns, &rows);
        for call in &self.calls {
            columns.push(call.accumulator.finish(start, end)?);
        }
        Ok(Some(Batch::computed(columns, end - start)))
    }
}
