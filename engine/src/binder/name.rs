//! Names of output columns, as PostgreSQL's `FigureColname`.

use crate::parser::ast::{Expression, ExpressionKind, Query, QueryBody, SelectItem};

/// The name of a select list's entry without an alias.
pub(super) fn column_name(expression: &Expression) -> &str {
    figure(expression).map_or("?column?", |(name, _)| name)
}

/// A name and whether it is more than a makeshift that a cast's type may replace.
fn figure(expression: &Expression) -> Option<(&str, bool)> {
    match &expression.kind {
        ExpressionKind::Column { column, .. } => Some((&column.name, true)),
        // Written as a cast.
        ExpressionKind::Function(call) if call.name.name == "regclass" => {
            match call.arguments.first().and_then(figure) {
                Some((name, true)) => Some((name, true)),
                _ => Some(("regclass", false)),
            }
        }
        ExpressionKind::Function(call) => Some((&call.name.name, true)),
        ExpressionKind::Exists(_) => Some(("exists", true)),
        ExpressionKind::ScalarSubquery(query) => first_item(query).map(|name| (name, true)),
        ExpressionKind::Vector(_) => Some(("vector", false)),
        ExpressionKind::Cast { operand, target } => match figure(operand) {
            Some((name, true)) => Some((name, true)),
            _ => Some((target.data_type.pg_name(), false)),
        },
        ExpressionKind::Case { otherwise, .. } => match otherwise.as_deref().and_then(figure) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case", false)),
        },
        _ => None,
    }
}

/// A scalar subquery goes by the name of its one column.
fn first_item(query: &Query) -> Option<&str> {
    let mut body = &query.body;
    loop {
        match body {
            QueryBody::Select(select) => {
                return match select.items.first()? {
                    SelectItem::Expression { alias: Some(alias), .. } => Some(&alias.name),
                    SelectItem::Expression { expression, .. } => Some(column_name(expression)),
                    SelectItem::Wildcard(_) | SelectItem::TableWildcard(_) => None,
                };
            }
            QueryBody::Values(_) => return Some("column1"),
            QueryBody::SetOperation { left, .. } => body = left,
            QueryBody::Nested(query) => body = &query.body,
        }
    }
}
