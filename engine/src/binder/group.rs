//! GROUP BY: expressions, ordinals and output names.

use crate::binder::aggregate::add_group;
use crate::binder::bound::Expression;
use crate::binder::context::{Clause, Context};
use crate::binder::expression::bind_expression;
use crate::binder::order::ordinal;
use crate::binder::select::{Item, ItemSource, bind_item};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::ExpressionKind;
use crate::types::Position;

/// Binds GROUP BY into the level's groups; the values of those entries of the select list that it names by ordinal or
/// by alias, which are bound only here.
pub(super) fn bind_group_by(
    context: &mut Context<'_>,
    group_by: &[ast::Expression],
    items: &[Item<'_>],
) -> Result<Vec<Option<Expression>>> {
    let mut values: Vec<Option<Expression>> = Vec::new();
    values.resize_with(items.len(), || None);
    let level = context.level();
    level.clause = Clause::GroupBy;
    let referred = level.references.len();
    for expression in group_by {
        let Some(index) = find_item(context, expression, items)? else {
            let typed = bind_expression(context, expression)?;
            add_group(context, typed)?;
            continue;
        };
        if values[index].is_none() {
            let typed = bind_item(context, &items[index])?;
            values[index] = Some(add_group(context, typed)?);
        }
    }
    context.level().references.truncate(referred);
    Ok(values)
}

/// The entry of the select list that an ordinal or a name means. A column of FROM goes before an output name.
fn find_item(
    context: &mut Context<'_>,
    expression: &ast::Expression,
    items: &[Item<'_>],
) -> Result<Option<usize>> {
    if let Some(index) = ordinal(expression, items.len(), Clause::GroupBy)? {
        return Ok(Some(index));
    }
    let ExpressionKind::Column { table: None, column } = &expression.kind else {
        return Ok(None);
    };
    let position = expression.position;
    if context.level().scope.column(&column.name, position)?.is_some() {
        return Ok(None);
    }
    let mut found = items.iter().enumerate().filter(|(_, item)| *item.name == *column.name);
    let Some((index, first)) = found.next() else {
        return Ok(None);
    };
    if found.any(|(_, other)| !same_source(&first.source, &other.source)) {
        return Err(ambiguous(Clause::GroupBy, &column.name, position));
    }
    Ok(Some(index))
}

fn same_source(first: &ItemSource<'_>, second: &ItemSource<'_>) -> bool {
    match (first, second) {
        (ItemSource::Expression(first), ItemSource::Expression(second)) => first == second,
        (ItemSource::Column(first), ItemSource::Column(second)) => first == second,
        _ => false,
    }
}

/// 42702 `ORDER BY "x" is ambiguous`.
pub(super) fn ambiguous(clause: Clause, name: &str, position: Position) -> Error {
    Error::new(SqlState::AmbiguousColumn, format!("{} \"{name}\" is ambiguous", clause.name()))
        .at(position)
}
