//! Runs a plan to its end; a seek of stored columns without building operators.

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::operator::build;
use crate::executor::seek;
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::batch::Batch;

/// Runs `plan` over the context's root, gives every batch to `sink`, and returns the number of rows.
pub fn run<'a>(
    plan: &'a Plan,
    context: &Context<'a>,
    sink: &mut dyn FnMut(&Batch<'_>) -> Result<()>,
) -> Result<u64> {
    if let PlanNode::Seek { output, index, key, filter: None } = &plan.node {
        let Some(found) = seek::find(output, *index, key, context)? else { return Ok(0) };
        sink(&seek::row(output, found))?;
        return Ok(1);
    }
    let mut operator = build(plan, context)?;
    let mut rows = 0;
    while let Some(batch) = operator.next(context)? {
        context.interrupt.check()?;
        if !batch.is_empty() {
            rows += batch.len() as u64;
            sink(&batch)?;
        }
    }
    Ok(rows)
}
