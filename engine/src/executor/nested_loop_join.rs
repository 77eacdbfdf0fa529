//! Any other join: the right input is held, and every left row is paired with all of it.

use crate::error::Result;
use crate::executor::buffer::{Buffer, gather_all};
use crate::executor::context::Context;
use crate::executor::join_output::{JoinOutput, Pairs};
use crate::executor::operator::{BoxOperator, Operator};
use crate::limits::BATCH_ROWS_MAX;
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::batch::Batch;

/// A nested loop.
pub(super) struct NestedLoopJoin<'a> {
    left: BoxOperator<'a>,
    right: Option<BoxOperator<'a>>,
    held: Buffer<'a>,
    output: JoinOutput<'a>,
    /// A left batch with the place in it and the held row that come next.
    current: Option<(Batch<'a>, usize, usize)>,
    unmatched: usize,
}

impl<'a> NestedLoopJoin<'a> {
    /// `plan` is a nested loop.
    pub(super) fn new(
        plan: &'a Plan,
        left: BoxOperator<'a>,
        right: BoxOperator<'a>,
        context: &Context<'a>,
    ) -> Self {
        let PlanNode::NestedLoopJoin { kind, left: left_plan, right: right_plan, condition } =
            &plan.node
        else {
            unreachable!("the plan is a nested loop");
        };
        Self {
            left,
            right: Some(right),
            held: Buffer::new(&right_plan.types, context.memory),
            output: JoinOutput::new(*kind, condition.as_ref(), &left_plan.types, &right_plan.types),
            current: None,
            unmatched: 0,
        }
    }

    /// The next pairs, at most a batch of them.
    fn pairs(&self, rows: usize, place: &mut usize, partner: &mut usize) -> Pairs {
        let mut pairs = Pairs::default();
        while *place < rows && pairs.len() < BATCH_ROWS_MAX {
            let end = self.held.len().min(*partner + BATCH_ROWS_MAX - pairs.len());
            (*partner..end).for_each(|row| pairs.push(*place, row as u32));
            *partner = end;
            if end == self.held.len() {
                *place += 1;
                *partner = 0;
            }
        }
        pairs
    }
}

impl<'a> Operator<'a> for NestedLoopJoin<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if let Some(mut right) = self.right.take() {
            while let Some(batch) = right.next(context)? {
                context.interrupt.check()?;
                self.held.append(&batch)?;
            }
            self.output.begin_right(self.held.len());
        }
        loop {
            let Some((batch, mut place, mut partner)) = self.current.take() else {
                let Some(batch) = self.left.next(context)? else { break };
                self.output.begin_left(batch.len());
                self.current = Some((batch, 0, 0));
                continue;
            };
            context.interrupt.check()?;
            let pairs = self.pairs(batch.len(), &mut place, &mut partner);
            if pairs.len() == 0 {
                if let Some(batch) = self.output.unmatched_left(&batch) {
                    return Ok(Some(batch));
                }
                continue;
            }
            let right = gather_all(&self.held.columns, &pairs.right);
            let joined = self.output.join(&batch, &pairs, right, context)?;
            self.current = Some((batch, place, partner));
            if !joined.is_empty() {
                return Ok(Some(joined));
            }
        }
        let (rows, next) = self.output.unmatched_right(self.unmatched, BATCH_ROWS_MAX);
        self.unmatched = next;
        let right = gather_all(&self.held.columns, &rows);
        Ok((!rows.is_empty()).then(|| self.output.filled_left(right, rows.len())))
    }
}
