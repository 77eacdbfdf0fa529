//! ORDER BY, LIMIT and OFFSET.

use crate::binder::bound::{Expression, Relation, SortKey};
use crate::binder::coercion::{default_to_text, to_row_count};
use crate::binder::context::{Clause, Context, Typed};
use crate::binder::expression::bind_expression;
use crate::binder::group::ambiguous;
use crate::binder::query::{Rows, Tail};
use crate::binder::select::Item;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{ExpressionKind, OrderItem};
use crate::types::Position;

/// One key of ORDER BY.
pub(super) struct Key {
    /// What to sort by.
    pub(super) value: KeyValue,
    /// Its leftmost place.
    position: Position,
    descending: bool,
    nulls_first: bool,
}

/// What to sort by.
pub(super) enum KeyValue {
    /// An output column.
    Item(usize),
    /// Something else.
    Expression(Expression),
}

/// LIMIT and OFFSET.
#[derive(Default)]
pub(super) struct Limits {
    limit: Option<Expression>,
    offset: Option<Expression>,
}

/// Binds ORDER BY in the innermost level: output names and ordinals first, then expressions over the input.
pub(super) fn bind_order_by(
    context: &mut Context<'_>,
    order_by: &[OrderItem],
    items: &[Item<'_>],
    values: &mut [Typed],
) -> Result<Vec<Key>> {
    context.level().clause = Clause::OrderBy;
    let names: Vec<&str> = items.iter().map(|item| &*item.name).collect();
    let mut keys: Vec<Key> = Vec::with_capacity(order_by.len());
    for item in order_by {
        let mut position = item.expression.position;
        let value = if let Some(index) = find_output(&item.expression, &names, values)? {
            KeyValue::Item(index)
        } else {
            let typed = bind_expression(context, &item.expression)?;
            let typed = default_to_text(context, typed)?;
            position = typed.position;
            match values.iter().position(|value| value.expression == typed.expression) {
                Some(index) => KeyValue::Item(index),
                None => KeyValue::Expression(typed.expression),
            }
        };
        if let KeyValue::Item(index) = value {
            let unknown = Expression::Or(Vec::new());
            let place = values[index].position;
            let value = std::mem::replace(&mut values[index], Typed::new(unknown, place));
            values[index] = default_to_text(context, value)?;
        }
        push_key(&mut keys, value, item, position);
    }
    Ok(keys)
}

/// A key that is there already decides nothing.
pub(super) fn push_key(keys: &mut Vec<Key>, value: KeyValue, item: &OrderItem, position: Position) {
    let repeated = keys.iter().any(|key| match (&key.value, &value) {
        (KeyValue::Item(first), KeyValue::Item(second)) => first == second,
        (KeyValue::Expression(first), KeyValue::Expression(second)) => first == second,
        _ => false,
    });
    if !repeated {
        keys.push(Key {
            value,
            position,
            descending: item.descending,
            nulls_first: item.nulls_first.unwrap_or(item.descending),
        });
    }
}

/// The output column that an ordinal or a bare name means.
pub(super) fn find_output(
    expression: &ast::Expression,
    names: &[&str],
    values: &[Typed],
) -> Result<Option<usize>> {
    if let Some(index) = ordinal(expression, names.len(), Clause::OrderBy)? {
        return Ok(Some(index));
    }
    let ExpressionKind::Column { table: None, column } = &expression.kind else {
        return Ok(None);
    };
    let mut found = (0..names.len()).filter(|&index| names[index] == column.name);
    let Some(first) = found.next() else {
        return Ok(None);
    };
    if found.any(|other| values[other].expression != values[first].expression) {
        return Err(ambiguous(Clause::OrderBy, &column.name, expression.position));
    }
    Ok(Some(first))
}

/// The index that an ordinal of ORDER BY or GROUP BY means; 42P10 beyond the select list.
pub(super) fn ordinal(
    expression: &ast::Expression,
    count: usize,
    clause: Clause,
) -> Result<Option<usize>> {
    let text = match &expression.kind {
        ExpressionKind::Number(text) => text,
        ExpressionKind::Null | ExpressionKind::Boolean(_) | ExpressionKind::String(_) => "",
        _ => return Ok(None),
    };
    let Ok(number) = text.parse::<i32>() else {
        return Err(Error::new(
            SqlState::SyntaxError,
            format!("non-integer constant in {}", clause.name()),
        )
        .at(expression.position));
    };
    match usize::try_from(number) {
        Ok(number) if (1..=count).contains(&number) => Ok(Some(number - 1)),
        _ => Err(Error::new(
            SqlState::InvalidColumnReference,
            format!("{} position {number} is not in select list", clause.name()),
        )
        .at(expression.position)),
    }
}

/// 42P10 for a key that SELECT DISTINCT does not answer.
pub(super) fn check_distinct(keys: &[Key]) -> Result<()> {
    match keys.iter().find(|key| matches!(key.value, KeyValue::Expression(_))) {
        Some(key) => Err(Error::new(
            SqlState::InvalidColumnReference,
            "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
        )
        .at(key.position)),
        None => Ok(()),
    }
}

/// Binds LIMIT and OFFSET.
pub(super) fn bind_limits(context: &mut Context<'_>, tail: &Tail<'_>) -> Result<Limits> {
    let offset = bind_row_count(context, tail.offset, Clause::Offset)?;
    let limit = bind_row_count(context, tail.limit, Clause::Limit)?;
    Ok(Limits { limit, offset })
}

fn bind_row_count(
    context: &mut Context<'_>,
    expression: Option<&ast::Expression>,
    clause: Clause,
) -> Result<Option<Expression>> {
    let Some(expression) = expression else { return Ok(None) };
    let level = context.level();
    level.clause = clause;
    let referred = level.references.len();
    let groups = std::mem::take(&mut level.groups);
    let typed = bind_expression(context, expression)?;
    let count = to_row_count(context, typed, clause)?;
    let level = context.level();
    level.groups = groups;
    if let Some(reference) = level.references.get(referred) {
        return Err(Error::new(
            SqlState::InvalidColumnReference,
            format!("argument of {} must not contain variables", clause.name()),
        )
        .at(reference.position));
    }
    Ok(Some(count))
}

/// Sorts a relation; `item` makes the value of an output column.
pub(super) fn sort(
    relation: Relation,
    keys: Vec<Key>,
    item: impl Fn(usize) -> Expression,
) -> Relation {
    if keys.is_empty() {
        return relation;
    }
    let keys = keys
        .into_iter()
        .map(|key| SortKey {
            expression: match key.value {
                KeyValue::Item(index) => item(index),
                KeyValue::Expression(expression) => expression,
            },
            descending: key.descending,
            nulls_first: key.nulls_first,
        })
        .collect();
    Relation::Sort { input: Box::new(relation), keys }
}

/// Limits a relation.
pub(super) fn limit(relation: Relation, limits: Limits) -> Relation {
    if limits.limit.is_none() && limits.offset.is_none() {
        return relation;
    }
    Relation::Limit { input: Box::new(relation), limit: limits.limit, offset: limits.offset }
}

/// Sorts and limits rows by their own columns.
pub(super) fn apply_to_rows(mut rows: Rows, keys: Vec<Key>, limits: Limits) -> Rows {
    let columns = &rows.columns;
    let relation = sort(rows.relation, keys, |index| Expression::Column {
        id: columns[index].id,
        data_type: columns[index].data_type,
    });
    rows.relation = limit(relation, limits);
    rows
}
