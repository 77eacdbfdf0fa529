//! Expressions: one helper for each kind.

use crate::binder::bound::{Expression, Function};
use crate::binder::coercion::{self, Coercion, to_boolean};
use crate::binder::context::{Clause, Context, Typed, leftmost};
use crate::binder::{
    conditional, datetime, function, literal, operator, predicate, scope, subquery,
};
use crate::error::{Error, Result, SqlState};
use crate::limits::PARAMETERS_MAX;
use crate::parser::ast;
use crate::parser::ast::{ExpressionKind, UnaryOperator};
use crate::types::{DataType, Position, Value};

/// Binds an expression in the innermost level. Its type may be left Unknown: see [`coercion::coerce`].
pub(super) fn bind_expression(
    context: &mut Context<'_>,
    expression: &ast::Expression,
) -> Result<Typed> {
    context.descend(expression.position)?;
    let referred = context.level().references.len();
    let bound = bind_kind(context, expression)?;
    context.ascend();
    let level = context.level();
    if level.references.len() > referred
        && level.groups.iter().any(|(_, group)| *group == bound.expression)
    {
        // The whole is a group's value, so its columns need not be.
        level.references.truncate(referred);
    }
    Ok(bound)
}

/// Binds a condition; `argument_of` names it in errors.
pub(super) fn bind_condition(
    context: &mut Context<'_>,
    expression: &ast::Expression,
    argument_of: &str,
) -> Result<Expression> {
    let typed = bind_expression(context, expression)?;
    to_boolean(context, typed, argument_of)
}

fn bind_kind(context: &mut Context<'_>, expression: &ast::Expression) -> Result<Typed> {
    let position = expression.position;
    match &expression.kind {
        ExpressionKind::Null => Ok(Typed::new(coercion::null(DataType::Unknown), position)),
        ExpressionKind::Boolean(value) => Ok(Typed::new(literal::boolean(*value), position)),
        ExpressionKind::Number(text) => located(literal::number(text), position),
        ExpressionKind::String(text) => Ok(Typed::new(literal::unknown_string(text), position)),
        ExpressionKind::Vector(elements) => located(literal::vector(elements), position),
        ExpressionKind::Parameter(number) => bind_parameter(context, *number, position),
        ExpressionKind::Default => Err(default_not_allowed(position)),
        ExpressionKind::Column { table, column } => {
            scope::bind_column(context, table.as_ref(), column, position)
        }
        ExpressionKind::Unary { operator, operand } => {
            bind_unary(context, *operator, operand, position)
        }
        ExpressionKind::Binary { operator, left, right } => {
            let left = bind_expression(context, left)?;
            let right = bind_expression(context, right)?;
            operator::bind_binary(context, *operator, left, right, position)
        }
        ExpressionKind::And(operands) => {
            let (operands, position) = bind_conditions(context, operands, "AND", position)?;
            Ok(Typed::new(Expression::And(operands), position))
        }
        ExpressionKind::Or(operands) => {
            let (operands, position) = bind_conditions(context, operands, "OR", position)?;
            Ok(Typed::new(Expression::Or(operands), position))
        }
        ExpressionKind::Is { operand, test, negated } => {
            predicate::bind_is(context, operand, *test, *negated, position)
        }
        ExpressionKind::IsDistinctFrom { left, right, negated } => {
            predicate::bind_distinct(context, left, right, *negated, position)
        }
        ExpressionKind::Between { operand, low, high, symmetric, negated } => {
            predicate::bind_between(context, operand, low, high, *symmetric, *negated, position)
        }
        ExpressionKind::InList { operand, list, negated } => {
            predicate::bind_in_list(context, operand, list, *negated, position)
        }
        ExpressionKind::InSubquery { operand, query, negated } => {
            subquery::bind_in(context, operand, query, *negated, position)
        }
        ExpressionKind::Exists(query) => subquery::bind_exists(context, query, position),
        ExpressionKind::ScalarSubquery(query) => subquery::bind_scalar(context, query, position),
        ExpressionKind::Like { operand, pattern, escape, case_insensitive, negated } => {
            let escape = escape.as_deref();
            predicate::bind_like(
                context,
                operand,
                pattern,
                escape,
                *case_insensitive,
                *negated,
                position,
            )
        }
        ExpressionKind::Case { operand, branches, otherwise } => conditional::bind_case(
            context,
            operand.as_deref(),
            branches,
            otherwise.as_deref(),
            position,
        ),
        ExpressionKind::Cast { operand, target } => {
            let operand = bind_expression(context, operand)?;
            let start = leftmost(operand.position, position);
            let cast = coercion::cast_explicitly(context, operand, target.data_type, position)?;
            Ok(Typed::new(cast, start))
        }
        ExpressionKind::Function(call) => function::bind_call(context, call, position),
    }
}

fn located(expression: Result<Expression>, position: Position) -> Result<Typed> {
    match expression {
        Ok(expression) => Ok(Typed::new(expression, position)),
        Err(error) => Err(error.at(position)),
    }
}

/// 42601 for DEFAULT outside INSERT's VALUES and UPDATE's SET.
pub(super) fn default_not_allowed(position: Position) -> Error {
    Error::new(SqlState::SyntaxError, "DEFAULT is not allowed in this context").at(position)
}

fn bind_parameter(context: &mut Context<'_>, number: u32, position: Position) -> Result<Typed> {
    let count = number as usize;
    let in_definition = matches!(context.level().clause, Clause::Default | Clause::Check);
    if count == 0 || count > PARAMETERS_MAX || in_definition {
        return Err(Error::new(
            SqlState::UndefinedParameter,
            format!("there is no parameter ${number}"),
        )
        .at(position));
    }
    if context.parameters.len() < count {
        context.parameters.resize(count, DataType::Unknown);
        context.parameter_positions.resize(count, Position::UNKNOWN);
    }
    let index = count - 1;
    let data_type = context.parameters[index];
    if data_type == DataType::Unknown && !context.parameter_positions[index].is_known() {
        context.parameter_positions[index] = position;
    }
    Ok(Typed::new(Expression::Parameter { index, data_type }, position))
}

fn bind_conditions(
    context: &mut Context<'_>,
    operands: &[ast::Expression],
    argument_of: &str,
    mut position: Position,
) -> Result<(Vec<Expression>, Position)> {
    let mut conditions = Vec::with_capacity(operands.len());
    for operand in operands {
        let typed = bind_expression(context, operand)?;
        position = leftmost(position, typed.position);
        conditions.push(to_boolean(context, typed, argument_of)?);
    }
    Ok((conditions, position))
}

fn bind_unary(
    context: &mut Context<'_>,
    operator: UnaryOperator,
    operand: &ast::Expression,
    position: Position,
) -> Result<Typed> {
    let mut operand = bind_expression(context, operand)?;
    let start = leftmost(position, operand.position);
    if operator == UnaryOperator::Plus && operand.data_type() == DataType::Unknown {
        // PostgreSQL has + for numbers alone, and of those prefers double precision; - it has for more.
        let place = operand.position;
        let number = coercion::coerce(context, operand, DataType::Float8, Coercion::Implicit)?;
        operand = Typed::new(number, place);
    }
    let data_type = operand.data_type();
    let symbol = match operator {
        UnaryOperator::Not => {
            let operand = to_boolean(context, operand, "NOT")?;
            return Ok(Typed::new(negate(operand, true), start));
        }
        UnaryOperator::Minus => "-",
        UnaryOperator::Plus => "+",
    };
    if data_type == DataType::Unknown {
        return Err(operator::ambiguous_operator(&format!("{symbol} unknown"), position));
    }
    if data_type == DataType::Interval && operator == UnaryOperator::Minus {
        return Ok(Typed::new(datetime::negated_interval(operand.expression), start));
    }
    if !data_type.is_numeric() {
        let signature = format!("{symbol} {}", data_type.sql_name());
        return Err(Error::new(
            SqlState::UndefinedFunction,
            format!("operator does not exist: {signature}"),
        )
        .with_hint("No operator matches the given name and argument type. You might need to add an explicit type cast.")
        .at(position));
    }
    if operator == UnaryOperator::Plus {
        return Ok(Typed::new(operand.expression, start));
    }
    let call = Expression::Call {
        function: Function::Negate,
        arguments: vec![operand.expression],
        data_type,
    };
    Ok(Typed::new(crate::binder::fold::fold(call), start))
}

/// NOT where `negated`; a constant stays one.
pub(super) fn negate(expression: Expression, negated: bool) -> Expression {
    match expression {
        expression if !negated => expression,
        Expression::Literal { value: Value::Bool(value), .. } => literal::boolean(!value),
        expression => Expression::Not(Box::new(expression)),
    }
}
