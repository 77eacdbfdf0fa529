//! LIMIT and OFFSET.

use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::expression::evaluate_scalar;
use crate::executor::operator::{BoxOperator, Operator};
use crate::storage::batch::{Batch, Selection};
use crate::types::Value;

/// Passes on a window of its input's rows and then stops asking.
pub(super) struct Limit<'a> {
    input: BoxOperator<'a>,
    take: Option<&'a Expression>,
    skip: Option<&'a Expression>,
    window: Option<Window>,
}

/// Rows still to skip, and to pass on after that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub skip: u64,
    /// `u64::MAX` is no limit.
    pub take: u64,
}

impl Window {
    /// The values of LIMIT and OFFSET.
    pub(super) fn evaluate(
        limit: Option<&Expression>,
        offset: Option<&Expression>,
        context: &Context<'_>,
    ) -> Result<Self> {
        // PostgreSQL evaluates OFFSET first.
        let skip = row_count(offset, context, || {
            Error::new(SqlState::InvalidRowCountInResultOffsetClause, "OFFSET must not be negative")
        })?;
        let take = row_count(limit, context, || {
            Error::new(SqlState::InvalidRowCountInLimitClause, "LIMIT must not be negative")
        })?;
        Ok(Self { skip: skip.unwrap_or(0), take: take.unwrap_or(u64::MAX) })
    }
}

fn row_count(
    expression: Option<&Expression>,
    context: &Context<'_>,
    negative: impl FnOnce() -> Error,
) -> Result<Option<u64>> {
    match expression.map(|expression| evaluate_scalar(expression, context)).transpose()? {
        Some(Value::Int8(count)) => u64::try_from(count).map(Some).map_err(|_| negative()),
        _ => Ok(None),
    }
}

impl<'a> Limit<'a> {
    pub(super) fn new(
        input: BoxOperator<'a>,
        limit: Option<&'a Expression>,
        offset: Option<&'a Expression>,
    ) -> Self {
        Self { input, take: limit, skip: offset, window: None }
    }
}

impl<'a> Operator<'a> for Limit<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        let mut window = match self.window {
            Some(window) => window,
            None => Window::evaluate(self.take, self.skip, context)?,
        };
        while window.take > 0 {
            let Some(mut batch) = self.input.next(context)? else { break };
            let rows = batch.len();
            let skipped = (rows as u64).min(window.skip) as usize;
            let taken = ((rows - skipped) as u64).min(window.take) as usize;
            window.skip -= skipped as u64;
            if window.take != u64::MAX {
                window.take -= taken as u64;
            }
            if taken == 0 {
                continue;
            }
            if taken < rows {
                batch.selection = part(&batch.selection, skipped, taken);
            }
            self.window = Some(window);
            return Ok(Some(batch));
        }
        self.window = Some(window);
        Ok(None)
    }
}

/// `count` rows of a selection from its `start`-th on.
fn part(selection: &Selection, start: usize, count: usize) -> Selection {
    match selection {
        Selection::Rows(rows) => Selection::Rows(rows[start..start + count].to_vec()),
        _ => Selection::Rows(
            (start..start + count).map(|place| selection.row(place) as u32).collect(),
        ),
    }
}
