//! JOIN: conditions, and the columns that USING and NATURAL merge.

use std::sync::Arc;

use crate::binder::bound::{Expression, Relation};
use crate::binder::coercion::{Coercion, coerce, common_type};
use crate::binder::context::{Clause, Context, Typed};
use crate::binder::expression::bind_condition;
use crate::binder::from::Bound;
use crate::binder::operator::compare;
use crate::binder::scope::{Scope, VisibleColumn};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{BinaryOperator, JoinConstraint, JoinKind};
use crate::types::{DataType, Position};

/// Joins two bound inputs.
pub(super) fn bind_join(
    context: &mut Context<'_>,
    kind: JoinKind,
    left: Bound,
    right: Bound,
    constraint: &JoinConstraint,
) -> Result<Bound> {
    let mut scope = Scope { sources: left.scope.sources, columns: Vec::new() };
    scope.add_sources(right.scope.sources)?;
    let names = match constraint {
        JoinConstraint::Using(names) => names.iter().map(|name| Arc::from(&*name.name)).collect(),
        JoinConstraint::Natural => common_names(&left.scope.columns, &right.scope.columns),
        JoinConstraint::None | JoinConstraint::On(_) => Vec::new(),
    };
    let (merged, mut condition) =
        merge_columns(context, kind, &names, &left.scope.columns, &right.scope.columns)?;
    let is_merged = |column: &VisibleColumn| names.contains(&column.name);
    scope.columns = merged;
    scope.columns.extend(left.scope.columns.into_iter().filter(|column| !is_merged(column)));
    scope.columns.extend(right.scope.columns.into_iter().filter(|column| !is_merged(column)));
    if let JoinConstraint::On(expression) = constraint {
        let (bound, back) = bind_on(context, scope, expression)?;
        scope = back;
        condition = Some(bound);
    }
    let kind = if kind == JoinKind::Cross { JoinKind::Inner } else { kind };
    let relation = Relation::Join {
        kind,
        left: Box::new(left.relation),
        right: Box::new(right.relation),
        condition,
    };
    Ok(Bound { relation, scope })
}

/// ON sees the two sides of its join and nothing else of FROM.
fn bind_on(
    context: &mut Context<'_>,
    scope: Scope,
    expression: &ast::Expression,
) -> Result<(Expression, Scope)> {
    let level = context.level();
    let outside = std::mem::replace(&mut level.scope, scope);
    let clause = std::mem::replace(&mut level.clause, Clause::On);
    let condition = bind_condition(context, expression, Clause::On.name())?;
    let level = context.level();
    level.clause = clause;
    level.references.clear();
    let scope = std::mem::replace(&mut level.scope, outside);
    Ok((condition, scope))
}

/// NATURAL: the names that both sides have, in the left side's order.
fn common_names(left: &[VisibleColumn], right: &[VisibleColumn]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for column in left {
        if right.iter().any(|other| other.name == column.name) && !names.contains(&column.name) {
            names.push(Arc::clone(&column.name));
        }
    }
    names
}

/// The merged columns of USING and the condition that they are equal.
fn merge_columns(
    context: &mut Context<'_>,
    kind: JoinKind,
    names: &[Arc<str>],
    left: &[VisibleColumn],
    right: &[VisibleColumn],
) -> Result<(Vec<VisibleColumn>, Option<Expression>)> {
    let mut merged: Vec<VisibleColumn> = Vec::with_capacity(names.len());
    let mut conditions = Vec::with_capacity(names.len());
    for name in names {
        if merged.iter().any(|column| column.name == *name) {
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column name \"{name}\" appears more than once in USING clause"),
            ));
        }
        let left = using_column(left, name, "left")?;
        let right = using_column(right, name, "right")?;
        let expression = merge(context, kind, left, right)?;
        conditions.push(compare(
            context,
            BinaryOperator::Equal,
            unplaced(left.clone()),
            unplaced(right.clone()),
            Position::UNKNOWN,
        )?);
        merged.push(VisibleColumn { name: Arc::clone(name), expression });
    }
    let condition = match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(Expression::And(conditions)),
    };
    Ok((merged, condition))
}

fn using_column<'c>(
    columns: &'c [VisibleColumn],
    name: &str,
    side: &str,
) -> Result<&'c Expression> {
    let mut found = columns.iter().filter(|column| &*column.name == name);
    let Some(first) = found.next() else {
        return Err(Error::new(
            SqlState::UndefinedColumn,
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
        ));
    };
    if found.next().is_some() {
        return Err(Error::new(
            SqlState::AmbiguousColumn,
            format!("common column name \"{name}\" appears more than once in {side} table"),
        ));
    }
    Ok(&first.expression)
}

/// The side that is never NULL for lack of a partner; for FULL whichever is there.
fn merge(
    context: &mut Context<'_>,
    kind: JoinKind,
    left: &Expression,
    right: &Expression,
) -> Result<Expression> {
    let types = [left, right].map(|side| (side.data_type(), Position::UNKNOWN));
    let common = common_type(types, "JOIN/USING")?;
    match kind {
        JoinKind::Inner | JoinKind::Cross | JoinKind::Left => {
            // An inner join's sides are equal: take the one that needs no cast.
            let plain = kind == JoinKind::Left || left.data_type().same_kind(common);
            to(context, if plain { left } else { right }, common)
        }
        JoinKind::Right => to(context, right, common),
        JoinKind::Full => {
            let operands = vec![to(context, left, common)?, to(context, right, common)?];
            Ok(Expression::Coalesce { operands, data_type: common })
        }
    }
}

fn to(context: &mut Context<'_>, side: &Expression, target: DataType) -> Result<Expression> {
    let side = context.copy(side)?;
    coerce(context, unplaced(side), target, Coercion::Implicit)
}

fn unplaced(expression: Expression) -> Typed {
    Typed::new(expression, Position::UNKNOWN)
}
