//! Moves predicates as near to the tables as they are legal: through projections, groups, sorts and set operations,
//! into both sides of inner joins and the preserved side of outer ones.

use std::mem;

use super::columns::{ColumnSet, produced};
use super::expressions::{
    all_columns, conjunction, is_constant, rejects_null, replace_columns, split_conjuncts,
    substitute,
};
use crate::binder::bound::{ColumnId, Expression, Relation};
use crate::parser::ast::{JoinKind, SetOperator};
use crate::types::{DataType, Value};

/// `relation` with every predicate as far down as it goes.
pub(super) fn push_down(relation: Relation) -> Relation {
    push(relation, Vec::new())
}

/// `relation` under the predicates `conjuncts`.
fn push(relation: Relation, mut conjuncts: Vec<Expression>) -> Relation {
    match relation {
        Relation::Filter { input, predicate } => {
            let mut all = Vec::new();
            split_conjuncts(predicate, &mut all);
            all.append(&mut conjuncts);
            push(*input, all)
        }
        Relation::Project { input, columns } => push_project(*input, columns, conjuncts),
        Relation::Join { kind, left, right, condition } => {
            push_join(kind, *left, *right, condition, conjuncts)
        }
        Relation::Aggregate { input, groups, aggregates } => {
            let is_group = |id| groups.iter().any(|(group, _)| *group == id);
            let mut below = Vec::new();
            let mut above = Vec::new();
            for conjunct in conjuncts {
                let movable = !groups.is_empty() && all_columns(&conjunct, &is_group);
                match movable.then(|| substitute(&conjunct, &groups)).flatten() {
                    Some(substituted) => below.push(substituted),
                    None => above.push(conjunct),
                }
            }
            let input = Box::new(push(*input, below));
            filtered(Relation::Aggregate { input, groups, aggregates }, above)
        }
        Relation::Distinct { input, columns } => {
            Relation::Distinct { input: Box::new(push(*input, conjuncts)), columns }
        }
        Relation::Sort { input, keys } => {
            Relation::Sort { input: Box::new(push(*input, conjuncts)), keys }
        }
        // Which rows are locked does not depend on what is asked of them above.
        Relation::Lock { input, locks } => {
            let input = Box::new(push(*input, Vec::new()));
            filtered(Relation::Lock { input, locks }, conjuncts)
        }
        Relation::Limit { input, limit, offset } => {
            let input = Box::new(push(*input, Vec::new()));
            filtered(Relation::Limit { input, limit, offset }, conjuncts)
        }
        Relation::SetOperation { operator, all, left, right, columns } => {
            push_set_operation(operator, all, (*left, *right), columns, &conjuncts)
        }
        leaf => filtered(leaf, conjuncts),
    }
}

/// A filter over `relation`, or nothing at all where a constant rules every row out.
fn filtered(relation: Relation, conjuncts: Vec<Expression>) -> Relation {
    let never = |conjunct: &Expression| {
        matches!(conjunct, Expression::Literal { value: Value::Bool(false) | Value::Null, .. })
    };
    if conjuncts.iter().any(never) {
        return Relation::Empty { columns: produced(&relation) };
    }
    match conjunction(conjuncts) {
        Some(predicate) => Relation::Filter { input: Box::new(relation), predicate },
        None => relation,
    }
}

fn push_project(
    input: Relation,
    columns: Vec<(ColumnId, Expression)>,
    conjuncts: Vec<Expression>,
) -> Relation {
    let mut below = Vec::new();
    let mut above = Vec::new();
    for conjunct in conjuncts {
        match substitute(&conjunct, &columns) {
            Some(substituted) => below.push(substituted),
            None => above.push(conjunct),
        }
    }
    let input = Box::new(push(input, below));
    filtered(Relation::Project { input, columns }, above)
}

fn push_set_operation(
    operator: SetOperator,
    all: bool,
    (left, right): ((Relation, Vec<ColumnId>), (Relation, Vec<ColumnId>)),
    columns: Vec<(ColumnId, DataType)>,
    conjuncts: &[Expression],
) -> Relation {
    let rename = |ids: &[ColumnId]| {
        let mut renamed = conjuncts.to_vec();
        for conjunct in &mut renamed {
            replace_columns(conjunct, &|id| {
                let place = columns.iter().position(|(column, _)| *column == id)?;
                Some(Expression::Column { id: ids[place], data_type: columns[place].1 })
            });
        }
        renamed
    };
    let (left_conjuncts, right_conjuncts) = (rename(&left.1), rename(&right.1));
    Relation::SetOperation {
        operator,
        all,
        left: Box::new((push(left.0, left_conjuncts), left.1)),
        right: Box::new((push(right.0, right_conjuncts), right.1)),
        columns,
    }
}

/// What may move where at a join: predicates of ON and those above it, by kind.
fn push_join(
    kind: JoinKind,
    left: Relation,
    right: Relation,
    condition: Option<Expression>,
    conjuncts: Vec<Expression>,
) -> Relation {
    let left_columns = ColumnSet::produced_by(&left);
    let right_columns = ColumnSet::produced_by(&right);
    let kind = strengthened(kind, &left_columns, &right_columns, &conjuncts);
    let mut on = Vec::new();
    if let Some(condition) = condition {
        split_conjuncts(condition, &mut on);
    }
    let mut above = conjuncts;
    let (mut to_left, mut to_right) = (Vec::new(), Vec::new());
    match kind {
        JoinKind::Inner | JoinKind::Cross => {
            on.append(&mut above);
            to_left = take_within(&mut on, &left_columns);
            to_right = take_within(&mut on, &right_columns);
        }
        JoinKind::Left => {
            to_left = take_within(&mut above, &left_columns);
            to_right = take_within(&mut on, &right_columns);
        }
        JoinKind::Right => {
            to_right = take_within(&mut above, &right_columns);
            to_left = take_within(&mut on, &left_columns);
        }
        JoinKind::Full => {}
    }
    let join = Relation::Join {
        kind,
        left: Box::new(push(left, to_left)),
        right: Box::new(push(right, to_right)),
        condition: conjunction(on),
    };
    filtered(join, above)
}

/// The join that remains when the predicates above it drop rows that it filled with NULLs.
fn strengthened(
    kind: JoinKind,
    left: &ColumnSet,
    right: &ColumnSet,
    above: &[Expression],
) -> JoinKind {
    let drops = |side: &ColumnSet| {
        above.iter().any(|conjunct| rejects_null(conjunct, &|id| side.contains(id)))
    };
    let (mut fills_left, mut fills_right) = match kind {
        JoinKind::Inner | JoinKind::Cross => return JoinKind::Inner,
        JoinKind::Left => (false, true),
        JoinKind::Right => (true, false),
        JoinKind::Full => (true, true),
    };
    fills_left &= !drops(left);
    fills_right &= !drops(right);
    match (fills_left, fills_right) {
        (false, false) => JoinKind::Inner,
        (false, true) => JoinKind::Left,
        (true, false) => JoinKind::Right,
        (true, true) => JoinKind::Full,
    }
}

/// Takes out the conjuncts that have columns, all of them of `columns`; a constant one stays where it is.
fn take_within(conjuncts: &mut Vec<Expression>, columns: &ColumnSet) -> Vec<Expression> {
    let (within, rest) = mem::take(conjuncts).into_iter().partition(|conjunct| {
        !is_constant(conjunct) && all_columns(conjunct, &|id| columns.contains(id))
    });
    *conjuncts = rest;
    within
}
