//! UNION, INTERSECT, EXCEPT: two inputs of one shape.

use std::sync::Arc;

use crate::binder::bound::{OutputColumn, Relation};
use crate::binder::coercion::common_type;
use crate::binder::context::{Clause, Context, Level, Typed};
use crate::binder::expression::bind_expression;
use crate::binder::order::{self, KeyValue};
use crate::binder::query::{Rows, Tail, Unknowns, bind_body};
use crate::binder::scope::VisibleColumn;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{OrderItem, QueryBody, SetOperator};
use crate::types::{DataType, Position};

/// Binds a set operation with its ORDER BY and LIMIT.
pub(super) fn bind_set_operation(
    context: &mut Context<'_>,
    operator: SetOperator,
    all: bool,
    left: &QueryBody,
    right: &QueryBody,
    tail: &Tail<'_>,
) -> Result<Rows> {
    tail.refuse_locking("is not allowed with UNION/INTERSECT/EXCEPT")?;
    let mut left = bind_body(context, left, &Tail::NONE, Unknowns::Keep)?;
    let mut right = bind_body(context, right, &Tail::NONE, Unknowns::Keep)?;
    let types = common_types(operator, &left, &right)?;
    left.coerce_to(context, &types)?;
    right.coerce_to(context, &types)?;
    let rows = combine(context, operator, all, left, right);
    if tail.order_by.is_empty() && tail.limit.is_none() && tail.offset.is_none() {
        return Ok(rows);
    }
    bind_tail(context, rows, tail)
}

fn common_types(operator: SetOperator, left: &Rows, right: &Rows) -> Result<Vec<DataType>> {
    let name = match operator {
        SetOperator::Union => "UNION",
        SetOperator::Intersect => "INTERSECT",
        SetOperator::Except => "EXCEPT",
    };
    if left.columns.len() != right.columns.len() {
        let position = right.positions.first().copied().unwrap_or(Position::UNKNOWN);
        return Err(Error::new(
            SqlState::SyntaxError,
            format!("each {name} query must have the same number of columns"),
        )
        .at(position));
    }
    (0..left.columns.len())
        .map(|index| {
            let of = |rows: &Rows| (rows.columns[index].data_type, rows.positions[index]);
            common_type([of(left), of(right)], name)
        })
        .collect()
}

fn combine(
    context: &mut Context<'_>,
    operator: SetOperator,
    all: bool,
    left: Rows,
    right: Rows,
) -> Rows {
    let first = context.draw_column_ids(left.columns.len());
    let columns: Vec<OutputColumn> = left
        .columns
        .iter()
        .zip(first..)
        .map(|(column, id)| OutputColumn {
            name: Arc::clone(&column.name),
            data_type: column.data_type,
            id,
        })
        .collect();
    let positions = left.positions.clone();
    let side = |rows: Rows| {
        let ids = rows.columns.iter().map(|column| column.id).collect();
        Box::new((rows.relation, ids))
    };
    let relation = Relation::SetOperation {
        operator,
        all,
        left: side(left),
        right: side(right),
        columns: columns.iter().map(|column| (column.id, column.data_type)).collect(),
    };
    Rows { relation, columns, positions }
}

/// ORDER BY over a set operation knows output columns only.
fn bind_tail(context: &mut Context<'_>, rows: Rows, tail: &Tail<'_>) -> Result<Rows> {
    let mut level = Level::new(Clause::OrderBy);
    let values: Vec<Typed> = rows.column_values();
    level.scope.columns = rows
        .columns
        .iter()
        .zip(&values)
        .map(|(column, value)| VisibleColumn {
            name: Arc::clone(&column.name),
            expression: value.expression.clone(),
        })
        .collect();
    context.levels.push(level);
    let names: Vec<&str> = rows.columns.iter().map(|column| &*column.name).collect();
    let mut keys = Vec::with_capacity(tail.order_by.len());
    for item in tail.order_by {
        let Some(index) = order::find_output(&item.expression, &names, &values)? else {
            return Err(not_an_output(context, item));
        };
        order::push_key(&mut keys, KeyValue::Item(index), item, item.expression.position);
    }
    // LIMIT sees no columns at all.
    context.level().scope.columns.clear();
    let limits = order::bind_limits(context, tail)?;
    context.levels.pop();
    Ok(order::apply_to_rows(rows, keys, limits))
}

/// What is not even sound over the output columns has its own error; the rest is 0A000.
fn not_an_output(context: &mut Context<'_>, item: &OrderItem) -> Error {
    match bind_expression(context, &item.expression) {
        Err(error) => error,
        Ok(typed) => Error::new(
            SqlState::FeatureNotSupported,
            "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
        )
        .with_detail("Only result column names can be used, not expressions or functions.")
        .with_hint(
            "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
        )
        .at(typed.position),
    }
}
