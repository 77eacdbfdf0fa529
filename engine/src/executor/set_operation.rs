//! UNION, INTERSECT, EXCEPT.

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::distinct::{Distinct, dense};
use crate::executor::key_table::{KeyTable, NO_KEY};
use crate::executor::operator::{BoxOperator, Operator};
use crate::parser::ast::SetOperator;
use crate::storage::batch::{Batch, Selection};
use crate::types::DataType;

/// The operator of a set operation over inputs of the same `types`.
pub(super) fn build<'a>(
    operator: SetOperator,
    all: bool,
    left: BoxOperator<'a>,
    right: BoxOperator<'a>,
    types: &[DataType],
    context: &Context<'a>,
) -> BoxOperator<'a> {
    let keep_matched = match operator {
        SetOperator::Union => {
            let both = Box::new(Append { first: Some(left), second: right });
            return if all { both } else { Box::new(Distinct::new(both, types, context)) };
        }
        SetOperator::Intersect => true,
        SetOperator::Except => false,
    };
    let keys = KeyTable::new(types, context.memory);
    let counted =
        Box::new(Counted { left, right: Some(right), keys, counts: Vec::new(), all, keep_matched });
    if all { counted } else { Box::new(Distinct::new(counted, types, context)) }
}

/// One input after the other.
struct Append<'a> {
    first: Option<BoxOperator<'a>>,
    second: BoxOperator<'a>,
}

impl<'a> Operator<'a> for Append<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if let Some(first) = &mut self.first {
            if let Some(batch) = first.next(context)? {
                return Ok(Some(batch));
            }
            self.first = None;
        }
        self.second.next(context)
    }
}

/// Rows of the left input by whether the right one has them: each of its rows once (ALL), or any number of times.
struct Counted<'a> {
    left: BoxOperator<'a>,
    right: Option<BoxOperator<'a>>,
    keys: KeyTable<'a>,
    /// How often the right input has each key, less the rows that it was matched with.
    counts: Vec<u64>,
    all: bool,
    keep_matched: bool,
}

impl<'a> Counted<'a> {
    fn read(&mut self, mut right: BoxOperator<'a>, context: &Context<'a>) -> Result<()> {
        let mut numbers = Vec::new();
        while let Some(batch) = right.next(context)? {
            context.interrupt.check()?;
            let batch = dense(batch);
            numbers.clear();
            self.keys.insert(&batch.columns, batch.len(), &mut numbers)?;
            self.counts.resize(self.keys.len(), 0);
            for &number in &numbers {
                self.counts[number as usize] += 1;
            }
        }
        Ok(())
    }

    fn is_matched(&mut self, number: u32) -> bool {
        let Some(count) = self.counts.get_mut(number as usize).filter(|_| number != NO_KEY) else {
            return false;
        };
        if !self.all {
            return true;
        }
        let matched = *count > 0;
        *count = count.saturating_sub(1);
        matched
    }
}

impl<'a> Operator<'a> for Counted<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if let Some(right) = self.right.take() {
            self.read(right, context)?;
        }
        let mut numbers = Vec::new();
        while let Some(batch) = self.left.next(context)? {
            context.interrupt.check()?;
            let batch = dense(batch);
            numbers.clear();
            self.keys.find(&batch.columns, batch.len(), true, &mut numbers);
            let mut kept = Vec::new();
            for (row, &number) in numbers.iter().enumerate() {
                if self.is_matched(number) == self.keep_matched {
                    kept.push(row as u32);
                }
            }
            if !kept.is_empty() {
                return Ok(Some(Batch {
                    columns: batch.columns,
                    selection: Selection::Rows(kept),
                }));
            }
        }
        Ok(None)
    }
}
