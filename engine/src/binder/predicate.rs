//! IS, IS DISTINCT FROM, BETWEEN, IN over a list, LIKE.

use crate::binder::bound::{Expression, Function};
use crate::binder::coercion::{
    Category, Coercion, category, coerce, common_type, default_to_text, to_boolean,
};
use crate::binder::context::{Context, Typed, leftmost};
use crate::binder::expression::{bind_expression, negate};
use crate::binder::fold::fold;
use crate::binder::operator::{compare, comparison_type, fits, undefined_operator};
use crate::error::{Error, Result, SqlState};
use crate::limits::IN_LIST_MAX;
use crate::parser::ast;
use crate::parser::ast::{BinaryOperator, ExpressionKind, IsTest};
use crate::types::{DataType, Position};

/// operand IS \[NOT\] NULL, TRUE, FALSE or UNKNOWN.
pub(super) fn bind_is(
    context: &mut Context<'_>,
    operand: &ast::Expression,
    test: IsTest,
    negated: bool,
    position: Position,
) -> Result<Typed> {
    let typed = bind_expression(context, operand)?;
    let start = leftmost(position, typed.position);
    let name = match (test, negated) {
        (IsTest::Null, _) => return Ok(Typed::new(is_null(context, typed, negated)?, start)),
        (IsTest::True, false) => "IS TRUE",
        (IsTest::True, true) => "IS NOT TRUE",
        (IsTest::False, false) => "IS FALSE",
        (IsTest::False, true) => "IS NOT FALSE",
        (IsTest::Unknown, false) => "IS UNKNOWN",
        (IsTest::Unknown, true) => "IS NOT UNKNOWN",
    };
    let operand = Box::new(to_boolean(context, typed, name)?);
    let expression = match test {
        IsTest::True | IsTest::False => {
            Expression::IsBoolean { operand, value: test == IsTest::True, negated }
        }
        IsTest::Null | IsTest::Unknown => Expression::IsNull { operand, negated },
    };
    Ok(Typed::new(expression, start))
}

/// IS \[NOT\] NULL decides nothing about a parameter's type.
fn is_null(context: &mut Context<'_>, typed: Typed, negated: bool) -> Result<Expression> {
    let typed = match typed.expression {
        Expression::Parameter { .. } => typed,
        _ => default_to_text(context, typed)?,
    };
    Ok(Expression::IsNull { operand: Box::new(typed.expression), negated })
}

/// left IS \[NOT\] DISTINCT FROM right.
pub(super) fn bind_distinct(
    context: &mut Context<'_>,
    left: &ast::Expression,
    right: &ast::Expression,
    negated: bool,
    position: Position,
) -> Result<Typed> {
    let null_test = match (&left.kind, &right.kind) {
        (_, ExpressionKind::Null) => Some(left),
        (ExpressionKind::Null, _) => Some(right),
        _ => None,
    };
    if let Some(operand) = null_test {
        let typed = bind_expression(context, operand)?;
        let start = leftmost(position, typed.position);
        return Ok(Typed::new(is_null(context, typed, !negated)?, start));
    }
    let left = bind_expression(context, left)?;
    let right = bind_expression(context, right)?;
    let start = leftmost(leftmost(position, left.position), right.position);
    let Some(operand_type) = comparison_type(left.data_type(), right.data_type()) else {
        return Err(no_equality(left.data_type(), right.data_type(), position));
    };
    let arguments = vec![
        coerce(context, left, operand_type, Coercion::Implicit)?,
        coerce(context, right, operand_type, Coercion::Implicit)?,
    ];
    let function = Function::DistinctFrom(negated);
    let call = Expression::Call { function, arguments, data_type: DataType::Bool };
    Ok(Typed::new(fold(call), start))
}

/// 42883 for two types that have no `=`.
pub(super) fn no_equality(left: DataType, right: DataType, position: Position) -> Error {
    undefined_operator(&format!("{} = {}", left.sql_name(), right.sql_name()), position)
}

/// operand \[NOT\] BETWEEN \[SYMMETRIC\] low AND high, as the comparisons it stands for.
pub(super) fn bind_between(
    context: &mut Context<'_>,
    operand: &ast::Expression,
    low: &ast::Expression,
    high: &ast::Expression,
    symmetric: bool,
    negated: bool,
    position: Position,
) -> Result<Typed> {
    let operand = bind_expression(context, operand)?;
    let low = bind_expression(context, low)?;
    let high = bind_expression(context, high)?;
    let start = leftmost(leftmost(position, operand.position), low.position);
    let between = if symmetric {
        let (operand_copy, low_copy, high_copy) =
            (copy(context, &operand)?, copy(context, &low)?, copy(context, &high)?);
        let upward = within(context, operand, low, high, negated, position)?;
        let downward = within(context, operand_copy, high_copy, low_copy, negated, position)?;
        if negated {
            Expression::And(vec![upward, downward])
        } else {
            Expression::Or(vec![upward, downward])
        }
    } else {
        within(context, operand, low, high, negated, position)?
    };
    Ok(Typed::new(between, start))
}

fn copy(context: &mut Context<'_>, typed: &Typed) -> Result<Typed> {
    Ok(Typed::new(context.copy(&typed.expression)?, typed.position))
}

/// operand >= low AND operand <= high; negated: operand < low OR operand > high.
fn within(
    context: &mut Context<'_>,
    operand: Typed,
    low: Typed,
    high: Typed,
    negated: bool,
    position: Position,
) -> Result<Expression> {
    let again = copy(context, &operand)?;
    if negated {
        let below = compare(context, BinaryOperator::Less, operand, low, position)?;
        let above = compare(context, BinaryOperator::Greater, again, high, position)?;
        return Ok(Expression::Or(vec![below, above]));
    }
    let from = compare(context, BinaryOperator::GreaterOrEqual, operand, low, position)?;
    let to = compare(context, BinaryOperator::LessOrEqual, again, high, position)?;
    Ok(Expression::And(vec![from, to]))
}

/// operand \[NOT\] IN (list).
pub(super) fn bind_in_list(
    context: &mut Context<'_>,
    operand: &ast::Expression,
    list: &[ast::Expression],
    negated: bool,
    position: Position,
) -> Result<Typed> {
    if list.len() > IN_LIST_MAX {
        return Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("IN list has {} elements, the limit is {IN_LIST_MAX}", list.len()),
        )
        .at(position));
    }
    let operand = bind_expression(context, operand)?;
    let start = leftmost(position, operand.position);
    let mut elements = Vec::with_capacity(list.len());
    for element in list {
        elements.push(bind_expression(context, element)?);
    }
    let operand_type = in_list_type(&operand, &elements, position)?;
    let mut list = Vec::with_capacity(elements.len());
    for element in elements {
        list.push(coerce(context, element, operand_type, Coercion::Implicit)?);
    }
    let operand = Box::new(coerce(context, operand, operand_type, Coercion::Implicit)?);
    Ok(Typed::new(Expression::InList { operand, list, negated }, start))
}

/// The type as which the operand compares with all elements.
fn in_list_type(operand: &Typed, elements: &[Typed], position: Position) -> Result<DataType> {
    let own = operand.data_type();
    if own.is_integer()
        && elements.iter().all(|e| e.data_type() == DataType::Unknown || fits(e, own))
    {
        return Ok(own);
    }
    let all = std::iter::once(operand).chain(elements);
    let types = all.map(|typed| (typed.data_type(), typed.position));
    if let Ok(common) = common_type(types, "IN")
        && let Some(operand_type) = comparison_type(operand.data_type(), common)
    {
        return Ok(operand_type);
    }
    let operand_type = operand.data_type();
    let unlike = elements
        .iter()
        .map(Typed::data_type)
        .find(|data_type| comparison_type(operand_type, *data_type).is_none())
        .unwrap_or(DataType::Unknown);
    Err(no_equality(operand_type, unlike, position))
}

/// operand \[NOT\] LIKE or ILIKE pattern [ESCAPE escape].
pub(super) fn bind_like(
    context: &mut Context<'_>,
    operand: &ast::Expression,
    pattern: &ast::Expression,
    escape: Option<&ast::Expression>,
    case_insensitive: bool,
    negated: bool,
    position: Position,
) -> Result<Typed> {
    let operand = bind_expression(context, operand)?;
    let pattern = bind_expression(context, pattern)?;
    let start = leftmost(position, operand.position);
    let is_string = |data_type| matches!(category(data_type), Category::String | Category::Unknown);
    if !is_string(operand.data_type()) || !is_string(pattern.data_type()) {
        let symbol = match (negated, case_insensitive) {
            (false, false) => "~~",
            (true, false) => "!~~",
            (false, true) => "~~*",
            (true, true) => "!~~*",
        };
        let pattern_type = if escape.is_some() { DataType::Text } else { pattern.data_type() };
        return Err(undefined_operator(
            &format!("{} {symbol} {}", operand.data_type().sql_name(), pattern_type.sql_name()),
            position,
        ));
    }
    let mut arguments = vec![
        coerce(context, operand, DataType::Text, Coercion::Implicit)?,
        coerce(context, pattern, DataType::Text, Coercion::Implicit)?,
    ];
    if let Some(escape) = escape {
        let escape = bind_expression(context, escape)?;
        if !is_string(escape.data_type()) {
            return Err(crate::binder::function::undefined_function(
                "like_escape",
                &[arguments[1].data_type(), escape.data_type()],
                position,
            ));
        }
        arguments.push(coerce(context, escape, DataType::Text, Coercion::Implicit)?);
    }
    let function = if case_insensitive { Function::ILike } else { Function::Like };
    let call = fold(Expression::Call { function, arguments, data_type: DataType::Bool });
    Ok(Typed::new(negate(call, negated), start))
}
