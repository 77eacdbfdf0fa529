//! min and max of an indexed column: the entry at one end of a run.

use super::access_path::{IndexPath, TableRelation, plan_index_path};
use super::columns::ColumnSet;
use super::join_method::cross_join;
use super::operators::{Planned, aggregate_over};
use crate::binder::bound::{AggregateCall, AggregateFunction, ColumnId, Expression, Relation};
use crate::error::Result;
use crate::planner::plan::{Plan, PlanNode};
use crate::types::{DataType, Value};

/// `aggregates` over all of `input`, each by one row from an index; None if one of them needs more than that.
pub(super) fn plan_extremes(
    input: &Relation,
    aggregates: &[&(ColumnId, AggregateCall)],
) -> Result<Option<Planned>> {
    let Some(table) = TableRelation::of(input) else { return Ok(None) };
    let ends: Option<Vec<_>> = aggregates.iter().map(|(_, call)| end(&table, call)).collect();
    let mut joined: Option<Planned> = None;
    for (aggregate, end) in aggregates.iter().zip(ends.unwrap_or_default()) {
        let planned = aggregate_over(end.first_row(&table)?, &[], &[aggregate])?;
        joined = Some(match joined {
            Some(left) => cross_join(left, planned)?,
            None => planned,
        });
    }
    Ok(joined)
}

/// One end of a run of an index.
struct End<'r> {
    path: IndexPath<'r>,
    column: ColumnId,
    reverse: bool,
}

/// Where the index has what `call` is after: all that is asked of a row bounds a run, in which the column's values
/// come in order.
fn end<'r>(table: &TableRelation<'r>, call: &AggregateCall) -> Option<End<'r>> {
    let is_greatest = match call.function {
        AggregateFunction::Min => false,
        AggregateFunction::Max => true,
        _ => return None,
    };
    let Some(Expression::Column { id, .. }) = call.argument else { return None };
    let ordinal = table.ordinal(id)?;
    table.schema.indexes.iter().find_map(|definition| {
        let mut path = table.index_path(definition);
        let next = definition.columns.get(path.equal.len())?;
        if next.ordinal != ordinal || path.served.len() != table.conjuncts.len() {
            return None;
        }
        path.not_null = true;
        Some(End { path, column: id, reverse: is_greatest != next.descending })
    })
}

impl End<'_> {
    /// The row there, if there is any.
    fn first_row(self, table: &TableRelation<'_>) -> Result<Planned> {
        let required = ColumnSet::of([self.column]);
        let Planned { plan, columns } = plan_index_path(table, self.path, self.reverse, &required)?;
        let (types, names) = (plan.types.clone(), plan.names.clone());
        let limit = Expression::Literal { value: Value::Int8(1), data_type: DataType::Int8 };
        let node = PlanNode::Limit { input: Box::new(plan), limit: Some(limit), offset: None };
        Ok(Planned { plan: Plan { node, types, names, estimated_rows: 1.0 }, columns })
    }
}
