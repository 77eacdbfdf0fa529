//! Stage 3: [`crate::binder::bound`] to [`mod@plan`]: rewrites, access paths, join order, EXPLAIN.
//!
//! Predicates move down first (`pushdown`); then `operators` chooses an operator for each relation from the top
//! down, asking of each input only the columns that are needed. Tables are read by an `access_path`, inner joins put
//! in `join_order`, each join given its `join_method`, sorts and limits served by an `ordering` where one
//! exists, min and max by an `extreme` of an index. Column ids become ordinals as each operator is made (`columns`).

pub mod plan;

mod access_path;
mod columns;
mod estimate;
mod explain;
mod expressions;
mod extreme;
mod join_method;
mod join_order;
mod operators;
mod ordering;
mod pushdown;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use access_path::COSTED_ROWS_MIN;
pub use explain::{Measured, explain, explain_with};

use crate::binder::bound::{Bound, BoundStatement, Returning};
use crate::error::Result;
use crate::planner::plan::{ReturningPlan, StatementPlan, StatementPlanKind};
use crate::storage::root::Root;

/// Plans a bound statement against the root that it was bound to.
pub fn plan(bound: Bound, root: &Root) -> Result<StatementPlan> {
    let kind = match bound.statement {
        BoundStatement::Query(query) => {
            let mut columns = query.columns.clone();
            for (ordinal, column) in columns.iter_mut().enumerate() {
                column.id = ordinal;
            }
            StatementPlanKind::Query { plan: operators::plan_query(query)?, columns }
        }
        BoundStatement::Insert(insert) => StatementPlanKind::Insert {
            table: insert.table,
            source: operators::plan_query(insert.source)?,
            conflict: insert.conflict,
            checks: insert.checks,
            linked: insert.linked,
            returning: insert.returning.map(returning),
        },
        BoundStatement::Update(update) => StatementPlanKind::Update {
            table: update.table,
            source: operators::plan_query(update.source)?,
            ordinals: update.ordinals,
            checks: update.checks,
            linked: update.linked,
            returning: update.returning.map(returning),
        },
        BoundStatement::Delete(delete) => StatementPlanKind::Delete {
            table: delete.table,
            source: operators::plan_query(delete.source)?,
            linked: delete.linked,
            returning: delete.returning.map(returning),
        },
    };
    let subqueries: Result<Vec<_>> =
        bound.subqueries.into_iter().map(operators::plan_query).collect();
    Ok(StatementPlan {
        kind,
        subqueries: subqueries?,
        parameters: bound.parameters,
        schema_version: root.schema_version,
    })
}

/// RETURNING has nothing to plan: its column ids are ordinals already.
fn returning(returning: Returning) -> ReturningPlan {
    ReturningPlan { expressions: returning.expressions, columns: returning.columns }
}
