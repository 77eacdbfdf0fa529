//! Subqueries in expressions: scalar, EXISTS, IN. They stand alone; what they need is only their result.

use crate::binder::bound::{BoundQuery, Expression, Relation};
use crate::binder::coercion::{Coercion, coerce};
use crate::binder::context::{Context, Typed, leftmost};
use crate::binder::expression::bind_expression;
use crate::binder::operator::comparison_type;
use crate::binder::predicate::no_equality;
use crate::binder::query::{Rows, Unknowns, bind_query};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::types::{DataType, Position};

/// 0A000 where no subquery may stand.
fn refuse_here(context: &mut Context<'_>, position: Position) -> Result<()> {
    match context.level().clause.refuses_subqueries() {
        Some(clause) => Err(Error::new(
            SqlState::FeatureNotSupported,
            format!("cannot use subquery in {clause}"),
        )
        .at(position)),
        None => Ok(()),
    }
}

/// (SELECT ...) as a value.
pub(super) fn bind_scalar(
    context: &mut Context<'_>,
    query: &ast::Query,
    position: Position,
) -> Result<Typed> {
    refuse_here(context, position)?;
    let rows = bind_query(context, query, Unknowns::ToText)?;
    let [column] = &*rows.columns else {
        return Err(column_count("subquery must return only one column", position));
    };
    let data_type = column.data_type;
    let index = keep(context, rows);
    Ok(Typed::new(Expression::ScalarSubquery { index, data_type }, position))
}

/// EXISTS (SELECT ...).
pub(super) fn bind_exists(
    context: &mut Context<'_>,
    query: &ast::Query,
    position: Position,
) -> Result<Typed> {
    refuse_here(context, position)?;
    let rows = bind_query(context, query, Unknowns::ToText)?;
    let index = keep(context, rows);
    Ok(Typed::new(Expression::Exists { index }, position))
}

/// operand \[NOT\] IN (SELECT ...).
pub(super) fn bind_in(
    context: &mut Context<'_>,
    operand: &ast::Expression,
    query: &ast::Query,
    negated: bool,
    position: Position,
) -> Result<Typed> {
    refuse_here(context, position)?;
    let operand = bind_expression(context, operand)?;
    let start = leftmost(position, operand.position);
    let mut rows = bind_query(context, query, Unknowns::ToText)?;
    let [column] = &*rows.columns else {
        let message = if rows.columns.is_empty() {
            "subquery has too few columns"
        } else {
            "subquery has too many columns"
        };
        return Err(column_count(message, position));
    };
    let column_type = column.data_type;
    let Some(operand_type) = comparison_type(operand.data_type(), column_type) else {
        return Err(no_equality(operand.data_type(), column_type, position));
    };
    let operand = Box::new(coerce(context, operand, operand_type, Coercion::Implicit)?);
    cast_column(context, &mut rows, operand_type)?;
    let index = keep(context, rows);
    Ok(Typed::new(Expression::InSubquery { operand, index, negated }, start))
}

/// Brings the subquery's one column to the type as which it is compared.
fn cast_column(context: &mut Context<'_>, rows: &mut Rows, target: DataType) -> Result<()> {
    let column = &mut rows.columns[0];
    let source = Expression::Column { id: column.id, data_type: column.data_type };
    let cast = coerce(context, Typed::new(source, Position::UNKNOWN), target, Coercion::Implicit)?;
    if matches!(cast, Expression::Column { .. }) {
        return Ok(());
    }
    column.data_type = target;
    column.id = context.draw_column_id();
    let input = Box::new(std::mem::replace(&mut rows.relation, Relation::OneRow));
    rows.relation = Relation::Project { input, columns: vec![(column.id, cast)] };
    Ok(())
}

/// Keeps a subquery with the statement; its index.
fn keep(context: &mut Context<'_>, rows: Rows) -> usize {
    let index = context.subqueries.len();
    context.subqueries.push(BoundQuery { relation: rows.relation, columns: rows.columns });
    index
}

fn column_count(message: &str, position: Position) -> Error {
    Error::new(SqlState::SyntaxError, message).at(position)
}
