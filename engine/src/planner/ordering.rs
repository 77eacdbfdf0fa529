//! ORDER BY and LIMIT: an index's own order, the nearest rows of a vector column, or a sort that keeps what is asked.

use super::access_path::{self, IndexPath, TableRelation, index_cost, plan_index_path, scan_cost};
use super::columns::{ColumnSet, resolve};
use super::estimate;
use super::expressions::{is_constant, substitute};
use super::operators::{Planned, needed, plan_relation, project};
use crate::binder::RowLock;
use crate::binder::bound::{Arithmetic, ColumnId, Expression, Function, Relation, SortKey};
use crate::error::Result;
use crate::planner::plan::{Plan, PlanNode};
use crate::types::{DataType, Value};

/// Rows that a LIMIT is expected to keep when only its execution will tell.
const LIMIT_ROWS_DEFAULT: f64 = 100.0;

/// The columns of a projection.
type Definitions = [(ColumnId, Expression)];

/// LIMIT and OFFSET of a query.
#[derive(Clone, Copy)]
pub(super) struct Window<'e> {
    limit: Option<&'e Expression>,
    offset: Option<&'e Expression>,
}

/// ORDER BY without LIMIT.
pub(super) fn plan_sort(
    input: &Relation,
    keys: &[SortKey],
    required: &ColumnSet,
) -> Result<Planned> {
    plan_ordered(input, keys, None, required)
}

/// LIMIT and OFFSET, together with the ORDER BY below them if there is one.
pub(super) fn plan_limit(
    input: &Relation,
    limit: Option<&Expression>,
    offset: Option<&Expression>,
    required: &ColumnSet,
) -> Result<Planned> {
    let window = Window { limit: limit.filter(|limit| !is_null(limit)), offset };
    let (projections, base) = peel(input);
    if let Relation::Sort { input, keys } = base {
        return plan_through(&projections, required, |required| {
            plan_ordered(input, keys, Some(window), required)
        });
    }
    if let Relation::Lock { input, locks } = base {
        return plan_through(&projections, required, |required| {
            plan_locked(input, locks, Some(window), required).map(|planned| window.over(planned))
        });
    }
    Ok(window.over(plan_relation(input, required)?))
}

/// Rows locked in the order of the ORDER BY below, no more of them than the window above shows.
pub(super) fn plan_locked(
    input: &Relation,
    locks: &[RowLock],
    window: Option<Window<'_>>,
    required: &ColumnSet,
) -> Result<Planned> {
    let row_ids: Vec<_> = locks
        .iter()
        .map(|lock| Expression::Column { id: lock.row_id, data_type: DataType::Int8 })
        .collect();
    let required = required.with_used(&row_ids);
    // Rows that are passed over do not count: what is below the locks must not stop at the limit.
    let in_index_order = match input {
        Relation::Sort { input, keys } => plan_in_index_order(input, keys, window, &required)?,
        _ => None,
    };
    let planned = match in_index_order {
        Some(planned) => planned,
        None => plan_relation(input, &required)?,
    };
    let mut placed = locks.to_vec();
    for lock in &mut placed {
        let place = planned.columns.iter().position(|column| *column == lock.row_id);
        lock.row_id = place.expect("invariant: the input was asked for it");
    }
    let Planned { plan, columns } = planned;
    let (types, names) = (plan.types.clone(), plan.names.clone());
    let estimated_rows = plan.estimated_rows;
    let kept = window.and_then(Window::kept);
    let node = PlanNode::LockRows { input: Box::new(plan), locks: placed, kept };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns })
}

/// The rows of a table by an index that has them in the order of `keys`, if that is cheaper than a sort.
fn plan_in_index_order(
    input: &Relation,
    keys: &[SortKey],
    window: Option<Window<'_>>,
    required: &ColumnSet,
) -> Result<Option<Planned>> {
    let (projections, base) = peel(input);
    let (Some(table), Some(keys)) = (TableRelation::of(base), keys_below(keys, &projections))
    else {
        return Ok(None);
    };
    let Some((path, reverse)) = ordered_path(&table, &keys, window) else { return Ok(None) };
    plan_through(&projections, required, |required| {
        plan_index_path(&table, path, reverse, required)
    })
    .map(Some)
}

fn is_null(expression: &Expression) -> bool {
    matches!(expression, Expression::Literal { value: Value::Null, .. })
}

/// The projections on top of a relation, outermost first, and what is below them.
fn peel(relation: &Relation) -> (Vec<&Definitions>, &Relation) {
    let mut projections = Vec::new();
    let mut base = relation;
    while let Relation::Project { input, columns } = base {
        projections.push(columns.as_slice());
        base = input;
    }
    (projections, base)
}

/// `base` under `projections`; it is asked for the columns that they need.
fn plan_through(
    projections: &[&Definitions],
    required: &ColumnSet,
    base: impl FnOnce(&ColumnSet) -> Result<Planned>,
) -> Result<Planned> {
    let mut required = required.clone();
    let mut levels = Vec::with_capacity(projections.len());
    for columns in projections {
        let wanted = needed(columns, &required);
        required = ColumnSet::default().with_used(wanted.iter().map(|(_, value)| value));
        levels.push(wanted);
    }
    let mut planned = base(&required)?;
    for wanted in levels.iter().rev() {
        planned = project(planned, wanted)?;
    }
    Ok(planned)
}

fn plan_ordered(
    input: &Relation,
    keys: &[SortKey],
    window: Option<Window<'_>>,
    required: &ColumnSet,
) -> Result<Planned> {
    let (projections, base) = peel(input);
    if let (Some(table), Some(base_keys)) =
        (TableRelation::of(base), keys_below(keys, &projections))
    {
        if let Some((window, limit)) = window.and_then(|window| Some((window, window.limit?)))
            && let Some((metric, vector, target)) = nearest_key(&table, &base_keys)
        {
            let rows = table.estimated_rows().min(window.kept_rows());
            return plan_through(&projections, required, |required| {
                table.access(required, &[], rows, |output, filter| PlanNode::Nearest {
                    output,
                    vector,
                    metric,
                    target: target.clone(),
                    limit: limit.clone(),
                    offset: window.offset.cloned(),
                    filter,
                })
            });
        }
        if let Some((path, reverse)) = ordered_path(&table, &base_keys, window) {
            let planned = plan_through(&projections, required, |required| {
                plan_index_path(&table, path, reverse, required)
            })?;
            return Ok(match window {
                Some(window) => window.over(planned),
                None => planned,
            });
        }
    }
    let required = required.with_used(keys.iter().map(|key| &key.expression));
    let sorted = sort(plan_relation(input, &required)?, keys, window)?;
    Ok(match window {
        Some(window) => window.over(sorted),
        None => sorted,
    })
}

/// Sort keys in terms of what is below the projections; None where that would make them too large.
fn keys_below(keys: &[SortKey], projections: &[&Definitions]) -> Option<Vec<SortKey>> {
    let mut keys = keys.to_vec();
    for key in &mut keys {
        for columns in projections {
            key.expression = substitute(&key.expression, columns)?;
        }
    }
    keys.retain(|key| !is_constant(&key.expression));
    Some(keys)
}

/// Metric, vector column and target if the one key is the distance of a vector column to a constant.
fn nearest_key<'k>(
    table: &TableRelation<'_>,
    keys: &'k [SortKey],
) -> Option<(Function, usize, &'k Expression)> {
    let [SortKey { expression, descending: false, nulls_first: false }] = keys else { return None };
    let Expression::Call { function, arguments, .. } = expression else { return None };
    let is_distance = matches!(
        function,
        Function::DistanceEuclidean
            | Function::DistanceInnerProduct
            | Function::DistanceCosine
            | Function::DistanceTaxicab
    );
    let [left, right] = arguments.as_slice() else { return None };
    let (id, target) = match (left, right) {
        (Expression::Column { id, .. }, target) | (target, Expression::Column { id, .. })
            if is_constant(target) =>
        {
            (*id, target)
        }
        _ => return None,
    };
    is_distance.then_some((*function, table.ordinal(id)?, target))
}

/// A run of an index that is in the order of `keys`, and whether it is read backwards; only if that is cheaper than
/// a sort.
fn ordered_path<'r>(
    table: &TableRelation<'r>,
    keys: &[SortKey],
    window: Option<Window<'_>>,
) -> Option<(IndexPath<'r>, bool)> {
    if keys.is_empty() {
        return None;
    }
    let kept = window.filter(|window| window.limit.is_some()).map(Window::kept_rows);
    for definition in &table.schema.indexes {
        let path = table.index_path(definition);
        let Some(reverse) = path_order(table, &path, keys) else { continue };
        let rest = (table.conjuncts.iter().enumerate())
            .filter(|(place, _)| !path.served.contains(place))
            .map(|(_, conjunct)| conjunct.clone())
            .collect::<Vec<_>>();
        let all = path.costed_rows(table);
        let read = kept.map_or(all, |kept| (kept / estimate::conjuncts(&rest).max(1e-6)).min(all));
        let best = access_path::cheapest_cost(table).unwrap_or(f64::INFINITY);
        if path.is_seek() || index_cost(read) <= best.min(scan_cost(table)) {
            return Some((path, reverse));
        }
    }
    None
}

/// Whether `path` yields rows in the order of `keys`: Some(false) forwards, Some(true) backwards.
fn path_order(table: &TableRelation<'_>, path: &IndexPath<'_>, keys: &[SortKey]) -> Option<bool> {
    let (fixed, free) = path.definition.columns.split_at(path.equal.len());
    let mut free = free.iter();
    let mut reverse = None;
    for key in keys {
        let Expression::Column { id, .. } = key.expression else { return None };
        let ordinal = table.ordinal(id)?;
        // A column that equals a constant orders nothing.
        if fixed.iter().any(|column| column.ordinal == ordinal) {
            continue;
        }
        let column = free.next().filter(|column| column.ordinal == ordinal)?;
        let backwards = column.descending != key.descending;
        let nulls_agree = (column.nulls_first != key.nulls_first) == backwards;
        if !nulls_agree && !table.schema.columns[ordinal].not_null {
            return None;
        }
        if *reverse.get_or_insert(backwards) != backwards {
            return None;
        }
    }
    Some(reverse.unwrap_or(false))
}

/// A sort of `input`; with a window it keeps only the rows that the window can show.
fn sort(input: Planned, keys: &[SortKey], window: Option<Window<'_>>) -> Result<Planned> {
    let mut resolved = Vec::with_capacity(keys.len());
    for key in keys.iter().filter(|key| !is_constant(&key.expression)) {
        let expression = resolve(&key.expression, &input.columns)?;
        resolved.push(SortKey { expression, ..key.clone() });
    }
    if resolved.is_empty() {
        return Ok(input);
    }
    let limit = window.and_then(Window::kept);
    let estimated_rows = match window.filter(|_| limit.is_some()) {
        Some(window) => input.plan.estimated_rows.min(window.kept_rows()),
        None => input.plan.estimated_rows,
    };
    let (types, names) = (input.plan.types.clone(), input.plan.names.clone());
    let node = PlanNode::Sort { input: Box::new(input.plan), keys: resolved, limit };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns: input.columns })
}

impl Window<'_> {
    /// LIMIT + OFFSET as an expression, NULL where there is no limit.
    fn kept(self) -> Option<Expression> {
        let limit = self.limit?;
        let Some(offset) = self.offset.filter(|offset| !is_null(offset)) else {
            return Some(limit.clone());
        };
        if let (Some(limit), Some(offset)) = (literal(limit), literal(offset)) {
            // A negative one is an error that the limit itself reports.
            let value = Value::Int8(limit.max(0).saturating_add(offset.max(0)));
            return Some(Expression::Literal { value, data_type: DataType::Int8 });
        }
        let zero = Expression::Literal { value: Value::Int8(0), data_type: DataType::Int8 };
        let offset = Expression::Coalesce {
            operands: vec![offset.clone(), zero],
            data_type: DataType::Int8,
        };
        Some(Expression::Call {
            function: Function::Arithmetic(Arithmetic::Add),
            arguments: vec![limit.clone(), offset],
            data_type: DataType::Int8,
        })
    }

    /// The number of rows expected to pass, offset included.
    fn kept_rows(self) -> f64 {
        let rows = |bound: Option<&Expression>, unknown| {
            bound.map_or(0.0, |bound| literal(bound).map_or(unknown, |value| value.max(0) as f64))
        };
        (rows(self.limit, LIMIT_ROWS_DEFAULT) + rows(self.offset, 0.0)).max(1.0)
    }

    /// The rows of `input` that the window shows.
    fn over(self, input: Planned) -> Planned {
        Planned { plan: self.plan_over(input.plan), columns: input.columns }
    }

    fn plan_over(self, input: Plan) -> Plan {
        if self.limit.is_none() && self.offset.is_none_or(is_null) {
            return input;
        }
        let estimated_rows = match self.limit {
            Some(limit) => {
                let rows = literal(limit).map_or(LIMIT_ROWS_DEFAULT, |value| value.max(0) as f64);
                rows.min(input.estimated_rows)
            }
            None => input.estimated_rows,
        };
        let (types, names) = (input.types.clone(), input.names.clone());
        let node = PlanNode::Limit {
            input: Box::new(input),
            limit: self.limit.cloned(),
            offset: self.offset.cloned(),
        };
        Plan { node, types, names, estimated_rows }
    }
}

fn literal(expression: &Expression) -> Option<i64> {
    match expression {
        Expression::Literal { value: Value::Int8(value), .. } => Some(*value),
        _ => None,
    }
}
