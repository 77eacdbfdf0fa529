//! Chooses an operator for each relation, from the top down, asking of each input only the columns that are needed.

use std::sync::Arc;

use super::access_path::{self, TableRelation};
use super::columns::{ColumnSet, resolve_all, resolve_option, rewrite_ids};
use super::expressions::conjunction;
use super::extreme::plan_extremes;
use super::text::column_name;
use super::{estimate, join_method, join_order, ordering};
use crate::binder::bound::{AggregateCall, BoundQuery, ColumnId, Expression, Relation};
use crate::error::Result;
use crate::parser::ast::{JoinKind, SetOperator};
use crate::planner::plan::{Plan, PlanNode, TableOutput};
use crate::types::DataType;

/// A plan and the ids of the columns that it yields, in order.
#[derive(Debug)]
pub(super) struct Planned {
    /// The plan; its expressions are resolved already.
    pub plan: Plan,
    /// A column id for each of its output columns.
    pub columns: Vec<ColumnId>,
}

/// The plan of a whole query: exactly its columns in their order.
pub(super) fn plan_query(query: BoundQuery) -> Result<Plan> {
    let ids: Vec<_> = query.columns.iter().map(|column| column.id).collect();
    plan_columns(&super::pushdown::push_down(query.relation), &ids)
}

/// The plan of a relation: exactly the columns `ids`, in that order.
pub(super) fn plan_columns(relation: &Relation, ids: &[ColumnId]) -> Result<Plan> {
    let planned = plan_relation(relation, &ColumnSet::of(ids.iter().copied()))?;
    if planned.columns == ids {
        return Ok(planned.plan);
    }
    let types: Vec<_> = ids.iter().map(|id| planned.data_type(*id)).collect();
    let columns =
        ids.iter().zip(types).map(|(&id, data_type)| (id, Expression::Column { id, data_type }));
    Ok(project(planned, &columns.collect::<Vec<_>>())?.plan)
}

/// The plan of a relation that yields at least the columns `required`.
pub(super) fn plan_relation(relation: &Relation, required: &ColumnSet) -> Result<Planned> {
    if let Some(table) = TableRelation::of(relation) {
        return access_path::plan_table(&table, required);
    }
    match relation {
        Relation::OneRow => Ok(Planned::leaf(PlanNode::OneRow, &[], 1.0)),
        Relation::Empty { columns } => Ok(Planned::leaf(PlanNode::Empty, columns, 0.0)),
        Relation::Values { columns, rows } => {
            let node = PlanNode::Values { rows: rows.clone() };
            Ok(Planned::leaf(node, columns, rows.len() as f64))
        }
        Relation::Filter { input, .. }
            if matches!(
                input.as_ref(),
                Relation::Join { kind: JoinKind::Inner | JoinKind::Cross, .. }
            ) =>
        {
            join_order::plan_inner_joins(relation, required)
        }
        Relation::Filter { input, predicate } => {
            let planned = plan_relation(input, &required.with_used([predicate]))?;
            planned.filtered(Some(predicate))
        }
        Relation::Project { input, columns } => {
            let wanted = needed(columns, required);
            let used = ColumnSet::default().with_used(wanted.iter().map(|(_, value)| value));
            project(plan_relation(input, &used)?, &wanted)
        }
        Relation::Join { kind: JoinKind::Inner | JoinKind::Cross, .. } => {
            join_order::plan_inner_joins(relation, required)
        }
        Relation::Join { kind, left, right, condition } => {
            join_method::plan_outer_join(*kind, left, right, condition.as_ref(), required)
        }
        Relation::Aggregate { input, groups, aggregates } => {
            aggregate(input, groups, aggregates, required)
        }
        Relation::Distinct { input, columns } => distinct(input, columns),
        Relation::Sort { input, keys } => ordering::plan_sort(input, keys, required),
        Relation::Lock { input, locks } => ordering::plan_locked(input, locks, None, required),
        Relation::Limit { input, limit, offset } => {
            ordering::plan_limit(input, limit.as_ref(), offset.as_ref(), required)
        }
        Relation::SetOperation { operator, all, left, right, columns } => {
            set_operation(*operator, *all, left, right, columns)
        }
        Relation::Scan { .. } => unreachable!("a scan is a table relation"),
    }
}

/// Those of a projection's columns that are needed above.
pub(super) fn needed(
    columns: &[(ColumnId, Expression)],
    required: &ColumnSet,
) -> Vec<(ColumnId, Expression)> {
    let is_needed =
        |(id, value): &&(ColumnId, Expression)| required.contains(*id) || value.is_volatile();
    columns.iter().filter(is_needed).cloned().collect()
}

/// A projection of `input` to `columns`; a mere choice of stored columns becomes the table access's own output.
pub(super) fn project(input: Planned, columns: &[(ColumnId, Expression)]) -> Result<Planned> {
    let expressions = resolve_all(columns.iter().map(|(_, value)| value), &input.columns)?;
    let ids: Vec<_> = columns.iter().map(|(id, _)| *id).collect();
    let plain: Option<Vec<usize>> = expressions
        .iter()
        .map(|expression| match expression {
            Expression::Column { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let mut input = input;
    if let Some(ordinals) = &plain {
        let unchanged = ordinals.len() == input.columns.len()
            && ordinals.iter().enumerate().all(|(place, ordinal)| place == *ordinal);
        if unchanged || choose_columns(&mut input.plan, ordinals) {
            return Ok(Planned { plan: input.plan, columns: ids });
        }
    }
    let names = expressions.iter().map(|value| column_name(value, &input.plan.names)).collect();
    let types = expressions.iter().map(Expression::data_type).collect();
    let estimated_rows = input.plan.estimated_rows;
    let node = PlanNode::Project { input: Box::new(input.plan), expressions };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns: ids })
}

/// Makes a table access yield its present outputs `ordinals` instead; false where its filter or the row id's place
/// forbids it.
fn choose_columns(plan: &mut Plan, ordinals: &[usize]) -> bool {
    let (PlanNode::Scan { output, filter }
    | PlanNode::Seek { output, filter, .. }
    | PlanNode::IndexScan { output, filter, .. }
    | PlanNode::Nearest { output, filter, .. }) = &mut plan.node
    else {
        return false;
    };
    let stored = output.ordinals.len();
    let last_is_row_id = ordinals.last().is_some_and(|&ordinal| ordinal == stored);
    let chosen = if last_is_row_id { &ordinals[..ordinals.len() - 1] } else { ordinals };
    if chosen.contains(&stored) {
        return false;
    }
    let place_of = |old: usize| ordinals.iter().position(|&ordinal| ordinal == old);
    if let Some(filter) = filter {
        if !super::expressions::all_columns(filter, &|id| place_of(id).is_some()) {
            return false;
        }
        rewrite_ids(filter, &place_of);
    }
    *output = TableOutput {
        ordinals: chosen.iter().map(|&ordinal| output.ordinals[ordinal]).collect(),
        row_id: last_is_row_id,
        ..output.clone()
    };
    plan.types = ordinals.iter().map(|&ordinal| plan.types[ordinal]).collect();
    plan.names = ordinals.iter().map(|&ordinal| Arc::clone(&plan.names[ordinal])).collect();
    true
}

fn aggregate(
    input: &Relation,
    groups: &[(ColumnId, Expression)],
    aggregates: &[(ColumnId, AggregateCall)],
    required: &ColumnSet,
) -> Result<Planned> {
    let aggregates: Vec<_> = aggregates.iter().filter(|(id, _)| required.contains(*id)).collect();
    if groups.is_empty()
        && let Some(planned) = plan_extremes(input, &aggregates)?
    {
        return Ok(planned);
    }
    let arguments = aggregates.iter().filter_map(|(_, call)| call.argument.as_ref());
    let used =
        ColumnSet::default().with_used(groups.iter().map(|(_, value)| value).chain(arguments));
    aggregate_over(plan_relation(input, &used)?, groups, &aggregates)
}

/// Groups and aggregates of planned rows.
pub(super) fn aggregate_over(
    planned: Planned,
    groups: &[(ColumnId, Expression)],
    aggregates: &[&(ColumnId, AggregateCall)],
) -> Result<Planned> {
    let group_values = resolve_all(groups.iter().map(|(_, value)| value), &planned.columns)?;
    let mut calls = Vec::with_capacity(aggregates.len());
    for (_, call) in aggregates {
        let argument = resolve_option(call.argument.as_ref(), &planned.columns)?;
        calls.push(AggregateCall { argument, ..(*call).clone() });
    }
    let inner_names = &planned.plan.names;
    let mut names: Vec<_> =
        group_values.iter().map(|value| column_name(value, inner_names)).collect();
    names.extend(calls.iter().map(|call| super::text::aggregate_name(call, inner_names)));
    let mut types: Vec<_> = group_values.iter().map(Expression::data_type).collect();
    types.extend(calls.iter().map(|call| call.data_type));
    let estimated_rows = if groups.is_empty() {
        1.0
    } else {
        estimate::rows(estimate::distinct(planned.plan.estimated_rows, false))
    };
    let columns =
        groups.iter().map(|(id, _)| *id).chain(aggregates.iter().map(|(id, _)| *id)).collect();
    let input = Box::new(planned.plan);
    let node = PlanNode::Aggregate { input, groups: group_values, aggregates: calls };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns })
}

fn distinct(input: &Relation, columns: &[(ColumnId, DataType)]) -> Result<Planned> {
    let ids: Vec<_> = columns.iter().map(|(id, _)| *id).collect();
    let plan = plan_columns(input, &ids)?;
    let estimated_rows = estimate::rows(estimate::distinct(plan.estimated_rows, false));
    let (types, names) = (plan.types.clone(), plan.names.clone());
    let node = PlanNode::Distinct { input: Box::new(plan) };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns: ids })
}

fn set_operation(
    operator: SetOperator,
    all: bool,
    left: &(Relation, Vec<ColumnId>),
    right: &(Relation, Vec<ColumnId>),
    columns: &[(ColumnId, DataType)],
) -> Result<Planned> {
    let left = plan_columns(&left.0, &left.1)?;
    let right = plan_columns(&right.0, &right.1)?;
    let estimated_rows = match operator {
        SetOperator::Union => left.estimated_rows + right.estimated_rows,
        SetOperator::Intersect => left.estimated_rows.min(right.estimated_rows),
        SetOperator::Except => left.estimated_rows,
    };
    let names = left.names.clone();
    let types = columns.iter().map(|(_, data_type)| *data_type).collect();
    let node =
        PlanNode::SetOperation { operator, all, left: Box::new(left), right: Box::new(right) };
    let columns = columns.iter().map(|(id, _)| *id).collect();
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns })
}

impl Planned {
    fn leaf(node: PlanNode, columns: &[(ColumnId, DataType)], estimated_rows: f64) -> Self {
        let names = (1..=columns.len()).map(|place| Arc::from(format!("column{place}"))).collect();
        let types = columns.iter().map(|(_, data_type)| *data_type).collect();
        let columns = columns.iter().map(|(id, _)| *id).collect();
        Self { plan: Plan { node, types, names, estimated_rows }, columns }
    }

    /// The type of the column `id`.
    pub(super) fn data_type(&self, id: ColumnId) -> DataType {
        let place = self.columns.iter().position(|column| *column == id);
        place.map_or(DataType::Unknown, |place| self.plan.types[place])
    }

    /// A filter over it; where it is a table access without a filter, that access's own.
    pub(super) fn filtered(self, predicate: Option<&Expression>) -> Result<Self> {
        let Some(predicate) = predicate else { return Ok(self) };
        let estimated_rows =
            estimate::rows(self.plan.estimated_rows * estimate::selectivity(predicate));
        let Some(resolved) = resolve_option(Some(predicate), &self.columns)? else {
            return Ok(self);
        };
        let (types, names) = (self.plan.types.clone(), self.plan.names.clone());
        let node = PlanNode::Filter { input: Box::new(self.plan), predicate: resolved };
        Ok(Self { plan: Plan { node, types, names, estimated_rows }, columns: self.columns })
    }

    /// Filters over it for all of `conjuncts`.
    pub(super) fn filtered_by(self, conjuncts: Vec<Expression>) -> Result<Self> {
        self.filtered(conjunction(conjuncts).as_ref())
    }
}
