//! A plan run over a root, its rows given to a sink.

use crate::binder::bound::OutputColumn;
use crate::error::Result;
use crate::executor::modify::{Execution, modify, query};
use crate::planner::plan::{StatementPlan, StatementPlanKind};
use crate::session::RowSink;
use crate::storage::Stamp;
use crate::storage::root::Root;

/// Names and types of the rows that a plan answers.
pub(super) fn answered_columns(plan: &StatementPlan) -> Option<&[OutputColumn]> {
    match &plan.kind {
        StatementPlanKind::Query { columns, .. } => Some(columns),
        StatementPlanKind::Insert { returning, .. }
        | StatementPlanKind::Update { returning, .. }
        | StatementPlanKind::Delete { returning, .. } => {
            returning.as_ref().map(|returning| returning.columns.as_slice())
        }
    }
}

/// Runs a plan that reads; answers the number of rows.
#[inline]
pub(super) fn run_query(
    plan: &StatementPlan,
    root: &Root,
    execution: &Execution<'_>,
    sink: &mut dyn RowSink,
) -> Result<u64> {
    if let Some(columns) = answered_columns(plan) {
        sink.columns(columns)?;
    }
    query(plan, root, execution, &mut |batch| sink.batch(batch))
}

/// Runs a plan that writes: answers the number of rows; after an error the root is as it was.
pub(super) fn run_write(
    plan: &StatementPlan,
    root: &mut Root,
    stamp: Stamp,
    execution: &Execution<'_>,
    sink: &mut dyn RowSink,
) -> Result<u64> {
    if let Some(columns) = answered_columns(plan) {
        sink.columns(columns)?;
    }
    modify(plan, root, stamp, execution, &mut |batch| sink.batch(batch))
}
