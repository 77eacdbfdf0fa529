//! What all operators are: sources of batches, pulled by the one above.

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::profile::Profiled;
use crate::executor::{
    aggregate, distinct, filter, hash_join, index_join, index_scan, limit, lock_rows, nearest,
    nested_loop_join, project, scan, seek, set_operation, sort, system_scan, values,
};
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::batch::Batch;

/// A running operator over one root.
pub trait Operator<'a> {
    /// The next rows, possibly none of a batch; None at the end, after which it is not called again.
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>>;

    /// Whether it has read all of its table where its plan has a run of an index.
    fn reads_whole_table(&self) -> bool {
        false
    }
}

/// An operator on the heap.
pub type BoxOperator<'a> = Box<dyn Operator<'a> + 'a>;

/// The operators of a plan, nothing read yet; watched, if the statement is profiled.
pub fn build<'a>(plan: &'a Plan, context: &Context<'a>) -> Result<BoxOperator<'a>> {
    let operator = build_plain(plan, context)?;
    Ok(match context.environment.profile() {
        None => operator,
        Some(profile) => Box::new(Profiled::new(operator, plan, profile)),
    })
}

fn build_plain<'a>(plan: &'a Plan, context: &Context<'a>) -> Result<BoxOperator<'a>> {
    let root = context.root;
    Ok(match &plan.node {
        PlanNode::OneRow => Box::new(values::OneRow::default()),
        PlanNode::Empty => Box::new(values::Empty),
        PlanNode::Values { rows } => Box::new(values::Values::new(rows, &plan.types)),
        PlanNode::Scan { output, filter } if output.table.is_system() => {
            Box::new(system_scan::SystemScan::new(context, output, filter.as_ref()))
        }
        PlanNode::Scan { output, filter } => {
            Box::new(scan::Scan::new(context, output, filter.as_ref())?)
        }
        PlanNode::Seek { .. } => Box::new(seek::Seek::new(plan)),
        PlanNode::IndexScan { .. } => Box::new(index_scan::IndexScan::new(root, plan)?),
        PlanNode::Nearest { .. } => Box::new(nearest::Nearest::new(root, plan)?),
        PlanNode::Filter { input, predicate } => {
            Box::new(filter::Filter::new(build(input, context)?, predicate))
        }
        PlanNode::Project { input, expressions } => {
            Box::new(project::Project::new(build(input, context)?, expressions))
        }
        PlanNode::Sort { input, keys, limit } => {
            let source = build(input, context)?;
            Box::new(sort::Sort::new(source, &plan.types, keys, limit.as_ref(), context))
        }
        PlanNode::LockRows { input, locks, kept } => {
            let source = build(input, context)?;
            Box::new(lock_rows::LockRows::new(source, locks, kept.as_ref()))
        }
        PlanNode::Limit { input, limit, offset } => {
            let source = build(input, context)?;
            Box::new(limit::Limit::new(source, limit.as_ref(), offset.as_ref()))
        }
        PlanNode::HashJoin { left, right, .. } => {
            let (left, right) = (build(left, context)?, build(right, context)?);
            Box::new(hash_join::HashJoin::new(plan, left, right, context))
        }
        PlanNode::IndexJoin { outer, .. } => {
            let outer = build(outer, context)?;
            Box::new(index_join::IndexJoin::new(plan, outer, root)?)
        }
        PlanNode::NestedLoopJoin { left, right, .. } => {
            let (left, right) = (build(left, context)?, build(right, context)?);
            Box::new(nested_loop_join::NestedLoopJoin::new(plan, left, right, context))
        }
        PlanNode::Aggregate { input, groups, aggregates } => {
            let source = build(input, context)?;
            Box::new(aggregate::Aggregate::new(source, groups, aggregates, context))
        }
        PlanNode::Distinct { input } => {
            let source = build(input, context)?;
            Box::new(distinct::Distinct::new(source, &plan.types, context))
        }
        PlanNode::SetOperation { operator, all, left, right } => {
            let (left, right) = (build(left, context)?, build(right, context)?);
            set_operation::build(*operator, *all, left, right, &plan.types, context)
        }
    })
}
