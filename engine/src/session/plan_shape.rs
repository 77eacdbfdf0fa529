//! What the session has to know about a plan: how large its work may be, and which tables' sizes it was chosen for.

use crate::limits::SMALL_STATEMENT_ROWS_MAX;
use crate::planner::plan::{Plan, PlanNode, StatementPlan, StatementPlanKind};
use crate::storage::TableId;
use crate::storage::root::Root;

/// A table must have grown or shrunk by this factor for a plan to be made anew.
const SIZE_FACTOR: usize = 4;

/// Sizes below this one are all alike to the planner's choices.
const SIZE_FLOOR: usize = 256;

/// What a plan reads.
#[derive(Debug)]
pub(super) struct Shape {
    /// Tables read other than by a unique key, with their row counts when the plan was made.
    tables: Vec<(TableId, usize)>,
    /// Whether nothing but the size of those tables can make it large.
    simple: bool,
    /// Whether it locks rows.
    pub(super) locks_rows: bool,
}

impl Shape {
    /// The shape of a plan made for `root`.
    pub(super) fn of(plan: &StatementPlan, root: &Root) -> Self {
        let source = match &plan.kind {
            StatementPlanKind::Query { plan, .. } => plan,
            StatementPlanKind::Insert { source, .. }
            | StatementPlanKind::Update { source, .. }
            | StatementPlanKind::Delete { source, .. } => source,
        };
        let mut tables = Vec::new();
        let mut simple = plan.subqueries.is_empty();
        let mut locks_rows = false;
        let mut left: Vec<&Plan> = plan.subqueries.iter().collect();
        left.push(source);
        while let Some(plan) = left.pop() {
            simple &= visit(plan, &mut tables, &mut left);
            locks_rows |= matches!(plan.node, PlanNode::LockRows { .. });
        }
        tables.sort_unstable();
        tables.dedup();
        let sized = |id: TableId| (id, row_count(root, id));
        Self { tables: tables.into_iter().map(sized).collect(), simple, locks_rows }
    }

    /// Whether the tables are about as large as when the plan was made.
    #[inline]
    pub(super) fn still_fits(&self, root: &Root) -> bool {
        self.tables.iter().all(|&(id, then)| {
            let (now, then) = (row_count(root, id).max(SIZE_FLOOR), then.max(SIZE_FLOOR));
            now / SIZE_FACTOR < then && then / SIZE_FACTOR < now
        })
    }

    /// Whether the statement goes through at most [`SMALL_STATEMENT_ROWS_MAX`] rows of `root`.
    pub(super) fn is_small(&self, root: &Root) -> bool {
        self.simple
            && self.tables.iter().all(|&(id, _)| row_count(root, id) <= SMALL_STATEMENT_ROWS_MAX)
    }
}

fn row_count(root: &Root, id: TableId) -> usize {
    root.table(id).map_or(0, |table| table.row_count())
}

/// Notes what one operator reads and puts its inputs on `left`; tells whether its work is bounded by its one input.
fn visit<'a>(plan: &'a Plan, tables: &mut Vec<TableId>, left: &mut Vec<&'a Plan>) -> bool {
    match &plan.node {
        PlanNode::OneRow | PlanNode::Empty | PlanNode::Seek { .. } => true,
        PlanNode::Values { rows } => rows.len() <= SMALL_STATEMENT_ROWS_MAX,
        // What it costs to make a view does not follow from a table's size.
        PlanNode::Scan { output, .. } if output.table.is_system() => false,
        PlanNode::Scan { output, .. }
        | PlanNode::IndexScan { output, .. }
        | PlanNode::Nearest { output, .. } => {
            tables.push(output.table);
            true
        }
        PlanNode::Filter { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::Sort { input, .. }
        | PlanNode::Limit { input, .. }
        | PlanNode::LockRows { input, .. }
        | PlanNode::Aggregate { input, .. }
        | PlanNode::Distinct { input } => {
            left.push(input);
            true
        }
        PlanNode::IndexJoin { outer, output, .. } => {
            tables.push(output.table);
            left.push(outer);
            false
        }
        PlanNode::HashJoin { left: first, right: second, .. }
        | PlanNode::NestedLoopJoin { left: first, right: second, .. }
        | PlanNode::SetOperation { left: first, right: second, .. } => {
            left.push(first);
            left.push(second);
            false
        }
    }
}
