//! CASE, COALESCE, NULLIF, GREATEST, LEAST: branches of one type.

use crate::binder::bound::{Expression, Function};
use crate::binder::coercion::{self, to_boolean, to_common_type};
use crate::binder::context::{Context, Typed};
use crate::binder::expression::bind_expression;
use crate::binder::operator::{compare, comparison_type};
use crate::binder::predicate::no_equality;
use crate::error::{Error, Result};
use crate::parser::ast;
use crate::parser::ast::BinaryOperator;
use crate::types::{DataType, Position};

/// CASE [operand] WHEN ... THEN ... \[ELSE ...\] END.
pub(super) fn bind_case(
    context: &mut Context<'_>,
    operand: Option<&ast::Expression>,
    branches: &[(ast::Expression, ast::Expression)],
    otherwise: Option<&ast::Expression>,
    position: Position,
) -> Result<Typed> {
    let operand = match operand {
        Some(operand) => {
            let typed = bind_expression(context, operand)?;
            Some(coercion::default_to_text(context, typed)?)
        }
        None => None,
    };
    let mut conditions = Vec::with_capacity(branches.len());
    let mut values = Vec::with_capacity(branches.len() + 1);
    for (condition, value) in branches {
        let condition = bind_expression(context, condition)?;
        conditions.push(match &operand {
            Some(operand) => {
                let left = Typed::new(context.copy(&operand.expression)?, operand.position);
                let place = condition.position;
                compare(context, BinaryOperator::Equal, left, condition, place)?
            }
            None => to_boolean(context, condition, "CASE/WHEN")?,
        });
        values.push(bind_expression(context, value)?);
    }
    // PostgreSQL lets ELSE have the first say in the type.
    let has_otherwise = otherwise.is_some();
    if let Some(otherwise) = otherwise {
        values.insert(0, bind_expression(context, otherwise)?);
    }
    let (values, data_type) = to_common_type(context, values, "CASE")?;
    let mut values = values.into_iter();
    let otherwise = if has_otherwise { values.next().map(Box::new) } else { None };
    let branches = conditions.into_iter().zip(values).collect();
    Ok(Typed::new(Expression::Case { branches, otherwise, data_type }, position))
}

/// COALESCE(operands).
pub(super) fn bind_coalesce(
    context: &mut Context<'_>,
    arguments: &[ast::Expression],
    position: Position,
) -> Result<Typed> {
    let arguments = bind_all(context, arguments)?;
    let (operands, data_type) = to_common_type(context, arguments, "COALESCE")?;
    Ok(Typed::new(Expression::Coalesce { operands, data_type }, position))
}

/// GREATEST(operands) or LEAST(operands).
pub(super) fn bind_extreme(
    context: &mut Context<'_>,
    function: Function,
    arguments: &[ast::Expression],
    position: Position,
) -> Result<Typed> {
    let name = if function == Function::Greatest { "GREATEST" } else { "LEAST" };
    let arguments = bind_all(context, arguments)?;
    let (arguments, data_type) = to_common_type(context, arguments, name)?;
    Ok(Typed::new(Expression::Call { function, arguments, data_type }, position))
}

/// NULLIF(left, right): of the type of the left side of the `=` that compares them.
pub(super) fn bind_null_if(
    context: &mut Context<'_>,
    arguments: &[ast::Expression],
    position: Position,
) -> Result<Typed> {
    let [left, right] = arguments else {
        return Err(Error::syntax_near(")", position));
    };
    let left = bind_expression(context, left)?;
    let right = bind_expression(context, right)?;
    let Some(operand_type) = comparison_type(left.data_type(), right.data_type()) else {
        return Err(no_equality(left.data_type(), right.data_type(), position));
    };
    let own_type = left.data_type();
    // PostgreSQL has no `integer = double precision`: there the left side itself is cast.
    let is_cast = own_type == DataType::Unknown || own_type.is_integer() && operand_type.is_float();
    if is_cast || own_type.same_kind(operand_type) || own_type.is_text() && operand_type.is_text() {
        let implicit = coercion::Coercion::Implicit;
        let arguments = vec![
            coercion::coerce(context, left, operand_type, implicit)?,
            coercion::coerce(context, right, operand_type, implicit)?,
        ];
        let data_type = if is_cast { operand_type } else { own_type };
        let call = Expression::Call { function: Function::NullIf, arguments, data_type };
        return Ok(Typed::new(crate::binder::fold::fold(call), position));
    }
    // Compared in a wider type, answered in its own.
    let value = context.copy(&left.expression)?;
    let equal = compare(context, BinaryOperator::Equal, left, right, position)?;
    let case = Expression::Case {
        branches: vec![(equal, coercion::null(own_type))],
        otherwise: Some(Box::new(value)),
        data_type: own_type,
    };
    Ok(Typed::new(case, position))
}

/// Binds all, their types perhaps undecided.
pub(super) fn bind_all(
    context: &mut Context<'_>,
    expressions: &[ast::Expression],
) -> Result<Vec<Typed>> {
    let mut bound = Vec::with_capacity(expressions.len());
    for expression in expressions {
        bound.push(bind_expression(context, expression)?);
    }
    Ok(bound)
}
