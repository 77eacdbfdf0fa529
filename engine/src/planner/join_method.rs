//! How two inputs are joined: through an index of the inner one, by a hash table of the smaller one, or pair by pair.

use super::access_path::{TableRelation, index_cost, scan_cost};
use super::columns::{ColumnSet, resolve_all, resolve_option};
use super::estimate;
use super::expressions::{all_columns, as_equality, conjunction, is_constant, split_conjuncts};
use super::operators::{Planned, plan_relation};
use crate::binder::bound::{Expression, Relation};
use crate::error::Result;
use crate::parser::ast::JoinKind;
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::schema::IndexDefinition;

/// Cost of putting a row into a hash table, where a row of a scan costs 1.
const HASH_ROW_COST: f64 = 20.0;

/// One input of a join.
pub(super) struct Side<'r> {
    /// Its plan.
    pub planned: Planned,
    /// The table, if it is only a table under filters: it may be reached through an index instead.
    pub table: Option<TableRelation<'r>>,
}

impl Side<'_> {
    /// Rows expected of it.
    pub(super) fn rows(&self) -> f64 {
        self.planned.plan.estimated_rows
    }

    fn makes_all(&self, expression: &Expression) -> bool {
        !is_constant(expression)
            && all_columns(expression, &|id| self.planned.columns.contains(&id))
    }
}

/// LEFT, RIGHT and FULL JOIN.
pub(super) fn plan_outer_join(
    kind: JoinKind,
    left: &Relation,
    right: &Relation,
    condition: Option<&Expression>,
    required: &ColumnSet,
) -> Result<Planned> {
    let mut conjuncts = Vec::new();
    if let Some(condition) = condition {
        split_conjuncts(condition.clone(), &mut conjuncts);
    }
    let needed = required.with_used(&conjuncts);
    let left = Side { planned: plan_relation(left, &needed)?, table: TableRelation::of(left) };
    let right = Side { planned: plan_relation(right, &needed)?, table: TableRelation::of(right) };
    let (left_rows, right_rows) = (left.rows(), right.rows());
    let matched = left_rows * right_rows * estimate::conjuncts(&conjuncts);
    let mut planned = join(kind, left, right, conjuncts)?;
    planned.plan.estimated_rows = match kind {
        JoinKind::Left => matched.min(left_rows * 10.0).max(left_rows),
        JoinKind::Right => matched.min(right_rows * 10.0).max(right_rows),
        _ => matched.max(left_rows).max(right_rows),
    };
    Ok(planned)
}

/// A join by all of `conjuncts`. The caller sets the rows expected.
pub(super) fn join(
    kind: JoinKind,
    left: Side<'_>,
    right: Side<'_>,
    conjuncts: Vec<Expression>,
) -> Result<Planned> {
    let (mut left_keys, mut right_keys, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for conjunct in conjuncts {
        match as_equality(&conjunct) {
            Some((one, other)) if left.makes_all(one) && right.makes_all(other) => {
                left_keys.push(one.clone());
                right_keys.push(other.clone());
            }
            Some((one, other)) if left.makes_all(other) && right.makes_all(one) => {
                left_keys.push(other.clone());
                right_keys.push(one.clone());
            }
            _ => rest.push(conjunct),
        }
    }
    let keys = Keys { left: left_keys, right: right_keys };
    if matches!(kind, JoinKind::Inner | JoinKind::Left)
        && let Some(index) = useful_index(&left, &right, &keys.right)
    {
        return index_join(kind, left.planned, right, index, &keys, rest);
    }
    if matches!(kind, JoinKind::Inner | JoinKind::Right)
        && let Some(index) = useful_index(&right, &left, &keys.left)
    {
        let kind = mirrored(kind);
        return index_join(kind, right.planned, left, index, &keys.exchanged(), rest);
    }
    if left.rows() < right.rows() {
        return held_join(mirrored(kind), right.planned, left.planned, &keys.exchanged(), rest);
    }
    held_join(kind, left.planned, right.planned, &keys, rest)
}

/// What must be equal, over either side.
struct Keys {
    left: Vec<Expression>,
    right: Vec<Expression>,
}

impl Keys {
    fn exchanged(self) -> Self {
        Self { left: self.right, right: self.left }
    }
}

/// The join with its sides exchanged.
fn mirrored(kind: JoinKind) -> JoinKind {
    match kind {
        JoinKind::Left => JoinKind::Right,
        JoinKind::Right => JoinKind::Left,
        same => same,
    }
}

/// An index of `inner` whose first columns are join keys, if looking up every outer row costs less than reading all
/// of `inner`.
fn useful_index<'r>(
    outer: &Side<'_>,
    inner: &Side<'r>,
    inner_keys: &[Expression],
) -> Option<&'r IndexDefinition> {
    let table = inner.table.as_ref()?;
    let schema = table.schema;
    let mut best: Option<(usize, &IndexDefinition)> = None;
    for definition in &schema.indexes {
        let covered = key_order(table, definition, inner_keys).len();
        if covered > best.map_or(0, |(most, _)| most) {
            best = Some((covered, definition));
        }
    }
    let (covered, definition) = best?;
    let is_unique = definition.unique && covered == definition.columns.len();
    let distinct = estimate::distinct(table.row_count, is_unique);
    let matches = table.row_count / distinct;
    let read_all = match inner.planned.plan.node {
        PlanNode::Scan { .. } => scan_cost(table),
        _ => index_cost(inner.rows()).min(scan_cost(table)),
    };
    let lookups = index_cost(outer.rows() * matches);
    (lookups < read_all + inner.rows() * HASH_ROW_COST).then_some(definition)
}

/// For each leading column of the index the place of the key that equals it.
fn key_order(
    table: &TableRelation<'_>,
    definition: &IndexDefinition,
    inner_keys: &[Expression],
) -> Vec<usize> {
    let mut places = Vec::new();
    for column in &definition.columns {
        let found = inner_keys.iter().position(|key| match key {
            Expression::Column { id, .. } => table.ordinal(*id) == Some(column.ordinal),
            _ => false,
        });
        match found {
            Some(place) => places.push(place),
            None => break,
        }
    }
    places
}

fn index_join(
    kind: JoinKind,
    outer: Planned,
    inner: Side<'_>,
    definition: &IndexDefinition,
    keys: &Keys,
    mut rest: Vec<Expression>,
) -> Result<Planned> {
    let table = inner.table.expect("an index was found on the inner table");
    let places = key_order(&table, definition, &keys.right);
    let mut outer_keys = Vec::with_capacity(places.len());
    for &place in &places {
        outer_keys.push(keys.left[place].clone());
    }
    // Equalities beyond the index and the inner side's own filters hold for the joined row.
    for (place, (left, right)) in keys.left.iter().zip(&keys.right).enumerate() {
        if !places.contains(&place) {
            rest.push(equality(left.clone(), right.clone()));
        }
    }
    let mut required = ColumnSet::of(inner.planned.columns.iter().copied());
    for conjunct in &rest {
        required.insert_used(conjunct);
    }
    let filters: Vec<_> = table.conjuncts.iter().collect();
    let (output, inner_columns) = table.output(&required, &filters);
    rest.extend(table.conjuncts.iter().cloned());
    let (inner_types, inner_names) = table.types_and_names(&output);
    let keys = resolve_all(&outer_keys, &outer.columns)?;
    let mut columns = outer.columns;
    let (mut types, mut names) = (outer.plan.types.clone(), outer.plan.names.clone());
    columns.extend(inner_columns);
    types.extend(inner_types);
    names.extend(inner_names);
    let residual = resolve_option(conjunction(rest).as_ref(), &columns)?;
    let estimated_rows = outer.plan.estimated_rows;
    let outer = Box::new(outer.plan);
    let node = PlanNode::IndexJoin { kind, outer, output, index: definition.id, keys, residual };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns })
}

fn equality(left: Expression, right: Expression) -> Expression {
    Expression::Call {
        function: crate::binder::bound::Function::Compare(crate::binder::bound::Comparison::Equal),
        arguments: vec![left, right],
        data_type: crate::types::DataType::Bool,
    }
}

/// Every row of `left` with every one of `right`.
pub(super) fn cross_join(left: Planned, right: Planned) -> Result<Planned> {
    let keys = Keys { left: Vec::new(), right: Vec::new() };
    held_join(JoinKind::Inner, left, right, &keys, Vec::new())
}

/// A join that holds the right side in memory: hashed where keys are equal.
fn held_join(
    kind: JoinKind,
    left: Planned,
    right: Planned,
    keys: &Keys,
    rest: Vec<Expression>,
) -> Result<Planned> {
    let left_keys = resolve_all(&keys.left, &left.columns)?;
    let right_keys = resolve_all(&keys.right, &right.columns)?;
    let mut columns = left.columns;
    columns.extend(right.columns);
    let mut types = left.plan.types.clone();
    types.extend_from_slice(&right.plan.types);
    let mut names = left.plan.names.clone();
    names.extend_from_slice(&right.plan.names);
    let condition = resolve_option(conjunction(rest).as_ref(), &columns)?;
    let estimated_rows = left.plan.estimated_rows * right.plan.estimated_rows;
    let (left, right) = (Box::new(left.plan), Box::new(right.plan));
    let node = if left_keys.is_empty() {
        PlanNode::NestedLoopJoin { kind, left, right, condition }
    } else {
        PlanNode::HashJoin { kind, left, right, left_keys, right_keys, residual: condition }
    };
    Ok(Planned { plan: Plan { node, types, names, estimated_rows }, columns })
}
