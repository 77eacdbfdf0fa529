//! DEFAULT: the check of a definition, and the value that a writer fills in.

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::coercion::{Coercion, can_coerce, coerce, null};
use crate::binder::context::{Clause, Context, Level};
use crate::binder::expression::bind_expression;
use crate::binder::fix::{Evaluate, fixed};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::parse_expression;
use crate::storage::root::Root;
use crate::storage::schema::ColumnDefinition;
use crate::storage::sequence::SequenceId;
use crate::types::{DataType, Position, Value};

/// Binds a column's DEFAULT and casts it to the column's type: what CREATE TABLE checks. Answers what is to be kept.
///
/// 0A000 for a column reference or a subquery, 42804 for a type that cannot be assigned to `data_type` of the column
/// `column_name`, 42P02 for a parameter.
pub fn define_default(
    root: &Root,
    expression: &ast::Expression,
    column_name: &str,
    data_type: DataType,
    evaluate: Evaluate<'_>,
) -> Result<ast::Expression> {
    let mut context = Context::new(root, &[]);
    bind_checked(&mut context, expression, column_name, data_type)?;
    fixed(&context, expression, evaluate)
}

/// The value that a column without one gets, by itself: what a load fills in.
pub fn bind_column_default(root: &Root, column: &ColumnDefinition) -> Result<Expression> {
    default_value(&mut Context::new(root, &[]), column)
}

/// The sequences that the stored text of a DEFAULT names by constants.
pub fn default_sequences(root: &Root, text: &str) -> Vec<SequenceId> {
    let mut context = Context::new(root, &[]);
    context.levels.push(Level::new(Clause::Default));
    let bound = parse_expression(text).and_then(|parsed| bind_expression(&mut context, &parsed));
    let mut found = Vec::new();
    // One that cannot be bound any more names nothing that could be dropped.
    if let Ok(bound) = bound {
        note_sequences(&bound.expression, &mut found);
    }
    found
}

fn note_sequences(expression: &Expression, found: &mut Vec<SequenceId>) {
    if let Expression::Call { function: Function::Scalar(function), arguments, .. } = expression
        && function.draws_from_sequences()
        && let Some(Expression::Literal { value: Value::Int8(id), .. }) = arguments.first()
    {
        found.push(SequenceId(*id as u64));
    }
    expression.each_child(&mut |child| note_sequences(child, found));
}

/// The value that a column without one gets.
pub(super) fn default_value(
    context: &mut Context<'_>,
    column: &ColumnDefinition,
) -> Result<Expression> {
    if let (Some(_), Some(id)) = (column.identity, column.sequences.first()) {
        return Ok(next_value(*id, column.data_type));
    }
    let Some(text) = &column.default else {
        return Ok(null(column.data_type));
    };
    let expression = parse_expression(text)?;
    bind_checked(context, &expression, &column.name, column.data_type)
}

/// The next value of an identity column's sequence.
fn next_value(sequence: SequenceId, data_type: DataType) -> Expression {
    let id =
        Expression::Literal { value: Value::Int8(sequence.0 as i64), data_type: DataType::Int8 };
    let call = Expression::Call {
        function: Function::Scalar(ScalarFunction::NextValue),
        arguments: vec![id],
        data_type: DataType::Int8,
    };
    if data_type == DataType::Int8 {
        return call;
    }
    Expression::Cast { operand: Box::new(call), target: data_type, explicit: false }
}

fn bind_checked(
    context: &mut Context<'_>,
    expression: &ast::Expression,
    column_name: &str,
    data_type: DataType,
) -> Result<Expression> {
    context.levels.push(Level::new(Clause::Default));
    let typed = bind_expression(context, expression)?;
    let source = typed.data_type();
    if !can_coerce(source, data_type, Coercion::Assignment) {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!(
                "column \"{column_name}\" is of type {} but default expression is of type {}",
                data_type.sql_name(),
                source.sql_name()
            ),
        )
        .with_hint("You will need to rewrite or cast the expression."));
    }
    let value = coerce(context, typed, data_type, Coercion::Assignment)?;
    context.levels.pop();
    Ok(value)
}

/// 0A000 for a column in a DEFAULT.
pub(super) fn refuse_column_in_default(
    context: &mut Context<'_>,
    position: Position,
) -> Result<()> {
    if context.level().clause == Clause::Default {
        return Err(Error::new(
            SqlState::FeatureNotSupported,
            "cannot use column reference in DEFAULT expression",
        )
        .at(position));
    }
    Ok(())
}
