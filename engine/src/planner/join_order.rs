//! The order of inner joins: greedy by expected rows, along predicates; what nothing connects is multiplied last.

use super::access_path::TableRelation;
use super::columns::ColumnSet;
use super::estimate;
use super::expressions::{as_equality, is_constant, split_conjuncts};
use super::join_method::{Side, join};
use super::operators::{Planned, plan_relation};
use crate::binder::bound::{Expression, Relation};
use crate::error::{Error, Result, SqlState};
use crate::limits::JOIN_TABLES_MAX;
use crate::parser::ast::JoinKind;

/// Which of the joined relations: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LeafSet([u64; JOIN_TABLES_MAX / 64]);

impl LeafSet {
    fn with(mut self, leaf: usize) -> Self {
        self.0[leaf / 64] |= 1 << (leaf % 64);
        self
    }

    fn union(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }

    fn is_within(self, other: Self) -> bool {
        self.0.iter().zip(other.0).all(|(word, other)| word & !other == 0)
    }

    fn intersects(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(word, other)| word & other != 0)
    }
}

/// A predicate over the joined relations.
struct Conjunct {
    expression: Expression,
    /// The relations that it refers to.
    leaves: LeafSet,
    /// Those of either operand if it is an equality.
    operands: Option<(LeafSet, LeafSet)>,
    /// The share of pairs that an equality keeps is one by this.
    distinct: f64,
    applied: bool,
}

/// Relations joined so far.
struct Unit<'r> {
    side: Side<'r>,
    leaves: LeafSet,
}

/// How two units are related: better ones come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Connection {
    Equality,
    Predicate,
    None,
}

/// A tree of inner joins, filters between them included.
pub(super) fn plan_inner_joins(relation: &Relation, required: &ColumnSet) -> Result<Planned> {
    let mut leaves = Vec::new();
    let mut predicates = Vec::new();
    flatten(relation, &mut leaves, &mut predicates);
    if leaves.len() > JOIN_TABLES_MAX {
        return Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("joins can have at most {JOIN_TABLES_MAX} tables"),
        ));
    }
    let (constants, predicates): (Vec<_>, Vec<_>) = predicates.into_iter().partition(is_constant);
    let needed = required.with_used(&predicates);
    let mut units = Vec::with_capacity(leaves.len());
    let mut produced = Vec::with_capacity(leaves.len());
    for (place, leaf) in leaves.into_iter().enumerate() {
        produced.push(ColumnSet::produced_by(leaf));
        let table = TableRelation::of(leaf);
        let side = Side { planned: plan_relation(leaf, &needed)?, table };
        units.push(Unit { side, leaves: LeafSet::default().with(place) });
    }
    let mut conjuncts: Vec<_> =
        predicates.into_iter().map(|expression| classify(expression, &produced, &units)).collect();
    // Invariant: no two of the groups are connected by a predicate over just the two of them.
    let mut groups = Vec::new();
    while !units.is_empty() {
        groups.push(grow(&mut units, &mut conjuncts, Connection::Predicate)?);
    }
    let whole = grow(&mut groups, &mut conjuncts, Connection::None)?;
    whole.side.planned.filtered_by(constants)
}

/// The relations and predicates of a tree of inner joins.
fn flatten<'r>(
    relation: &'r Relation,
    leaves: &mut Vec<&'r Relation>,
    conjuncts: &mut Vec<Expression>,
) {
    match relation {
        Relation::Join { kind: JoinKind::Inner | JoinKind::Cross, left, right, condition } => {
            flatten(left, leaves, conjuncts);
            flatten(right, leaves, conjuncts);
            if let Some(condition) = condition {
                split_conjuncts(condition.clone(), conjuncts);
            }
        }
        Relation::Filter { input, predicate }
            if matches!(
                input.as_ref(),
                Relation::Join { kind: JoinKind::Inner | JoinKind::Cross, .. }
            ) =>
        {
            flatten(input, leaves, conjuncts);
            split_conjuncts(predicate.clone(), conjuncts);
        }
        leaf => leaves.push(leaf),
    }
}

fn classify(expression: Expression, produced: &[ColumnSet], units: &[Unit<'_>]) -> Conjunct {
    let leaves_of = |expression: &Expression| {
        let used = ColumnSet::default().with_used([expression]);
        let leaves = produced.iter().enumerate().filter(|(_, columns)| columns.intersects(&used));
        leaves.fold(LeafSet::default(), |set, (leaf, _)| set.with(leaf))
    };
    let leaves = leaves_of(&expression);
    let mut distinct = 1.0;
    let operands = as_equality(&expression).map(|(left, right)| {
        distinct = distinct_values(left, units).max(distinct_values(right, units));
        (leaves_of(left), leaves_of(right))
    });
    let disjoint = |(left, right): &(LeafSet, LeafSet)| {
        let empty = LeafSet::default();
        *left != empty && *right != empty && !left.intersects(*right)
    };
    Conjunct { operands: operands.filter(disjoint), expression, leaves, distinct, applied: false }
}

/// Distinct values expected of a join key.
fn distinct_values(key: &Expression, units: &[Unit<'_>]) -> f64 {
    let Expression::Column { id, .. } = key else { return 1.0 };
    for unit in units {
        if !unit.side.planned.columns.contains(id) {
            continue;
        }
        return match &unit.side.table {
            Some(table) => estimate::distinct(table.row_count, table.is_unique(*id)),
            None => estimate::distinct(unit.side.rows(), false),
        };
    }
    1.0
}

/// Takes the smallest unit and joins others to it as long as there is one at least so well connected.
fn grow<'r>(
    units: &mut Vec<Unit<'r>>,
    conjuncts: &mut [Conjunct],
    weakest: Connection,
) -> Result<Unit<'r>> {
    let smallest = (0..units.len())
        .min_by(|&left, &right| units[left].side.rows().total_cmp(&units[right].side.rows()))
        .expect("the caller has at least one unit");
    let mut current = units.remove(smallest);
    while let Some((place, connection)) = best_next(&current, units, conjuncts) {
        if connection > weakest {
            break;
        }
        let next = units.remove(place);
        let leaves = current.leaves.union(next.leaves);
        let mut condition = Vec::new();
        for conjunct in conjuncts.iter_mut() {
            if !conjunct.applied && conjunct.leaves.is_within(leaves) {
                conjunct.applied = true;
                condition.push(conjunct.expression.clone());
            }
        }
        let rows = joined_rows(&current, &next, conjuncts, leaves);
        let mut planned = join(JoinKind::Inner, current.side, next.side, condition)?;
        planned.plan.estimated_rows = rows;
        current = Unit { side: Side { planned, table: None }, leaves };
    }
    Ok(current)
}

/// The unit that is best joined next.
fn best_next(
    current: &Unit<'_>,
    units: &[Unit<'_>],
    conjuncts: &[Conjunct],
) -> Option<(usize, Connection)> {
    let mut best: Option<(Connection, f64, f64, usize)> = None;
    for (place, unit) in units.iter().enumerate() {
        let leaves = current.leaves.union(unit.leaves);
        let mut connection = Connection::None;
        for conjunct in conjuncts.iter().filter(|conjunct| !conjunct.applied) {
            if conjunct.leaves.is_within(leaves) && conjunct.leaves.intersects(unit.leaves) {
                connection = connection.min(conjunct.connects(current.leaves, unit.leaves));
            }
        }
        let rows = joined_rows(current, unit, conjuncts, leaves);
        let candidate = (connection, rows, unit.side.rows(), place);
        if best
            .is_none_or(|best| candidate.partial_cmp(&best).is_some_and(std::cmp::Ordering::is_lt))
        {
            best = Some(candidate);
        }
    }
    best.map(|(connection, _, _, place)| (place, connection))
}

impl Conjunct {
    /// How it connects two sets that together have all it refers to.
    fn connects(&self, left: LeafSet, right: LeafSet) -> Connection {
        let splits = |(one, other): (LeafSet, LeafSet)| {
            (one.is_within(left) && other.is_within(right))
                || (one.is_within(right) && other.is_within(left))
        };
        if self.operands.is_some_and(splits) {
            Connection::Equality
        } else if self.leaves.intersects(left) {
            Connection::Predicate
        } else {
            Connection::None
        }
    }
}

/// Rows expected of joining two units by the predicates that refer to both and nothing else.
fn joined_rows(left: &Unit<'_>, right: &Unit<'_>, conjuncts: &[Conjunct], leaves: LeafSet) -> f64 {
    let mut rows = left.side.rows() * right.side.rows();
    for conjunct in conjuncts {
        let spans = conjunct.leaves.is_within(leaves)
            && conjunct.leaves.intersects(left.leaves)
            && conjunct.leaves.intersects(right.leaves);
        if spans && conjunct.operands.is_some() {
            rows /= conjunct.distinct;
        } else if spans {
            rows *= estimate::selectivity(&conjunct.expression);
        }
    }
    estimate::rows(rows)
}
