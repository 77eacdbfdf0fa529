//! DEFAULT: the check of a definition, and the value that a writer fills in.

use crate::binder::bound::Expression;
use crate::binder::coercion::{Coercion, can_coerce, coerce, null};
use crate::binder::context::{Clause, Context, Level};
use crate::binder::expression::bind_expression;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::parse_expression;
use crate::storage::root::Root;
use crate::storage::schema::ColumnDefinition;
use crate::types::{DataType, Position};

/// Binds a column's DEFAULT and casts it to the column's type: what CREATE TABLE checks.
///
/// 0A000 for a column reference or a subquery, 42804 for a type that cannot be assigned to `data_type` of the column
/// `column_name`, 42P02 for a parameter.
pub fn bind_default(
    expression: &ast::Expression,
    column_name: &str,
    data_type: DataType,
) -> Result<Expression> {
    let root = Root::empty();
    let mut context = Context::new(&root, &[]);
    bind_checked(&mut context, expression, column_name, data_type)
}

/// The value that a column without one gets.
pub(super) fn default_value(
    context: &mut Context<'_>,
    column: &ColumnDefinition,
) -> Result<Expression> {
    let Some(text) = &column.default else {
        return Ok(null(column.data_type));
    };
    let expression = parse_expression(text)?;
    bind_checked(context, &expression, &column.name, column.data_type)
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

/// 0A000 for what a DEFAULT may not contain: `what` is `column reference` or `subquery`.
pub(super) fn refuse_in_default(
    context: &mut Context<'_>,
    what: &str,
    position: Position,
) -> Result<()> {
    if context.level().clause == Clause::Default {
        return Err(Error::new(
            SqlState::FeatureNotSupported,
            format!("cannot use {what} in DEFAULT expression"),
        )
        .at(position));
    }
    Ok(())
}
