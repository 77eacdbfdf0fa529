//! CHECK: the check of a definition, and the conditions that a writer evaluates.

use std::sync::Arc;

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::context::{Clause, Context, Level};
use crate::binder::expression::bind_condition;
use crate::binder::fix::{Evaluate, fixed};
use crate::binder::returning::target_source;
use crate::binder::scope::Scope;
use crate::error::Result;
use crate::parser::ast;
use crate::parser::ast::ExpressionKind;
use crate::parser::parse_expression;
use crate::storage::root::Root;
use crate::storage::schema::Schema;

/// A CHECK constraint over a row of its table; the ids of the columns are their ordinals.
#[derive(Clone, Debug)]
pub struct BoundCheck {
    /// Its name.
    pub name: Arc<str>,
    /// What no row may make false.
    pub condition: Expression,
}

/// Binds a CHECK of the table `schema`: what a definition evaluates over the rows that are there.
///
/// 0A000 for a subquery, 42803 for an aggregate, 42703 for a column that the table has not, 42804 for what is no
/// condition, 42P02 for a parameter.
pub fn bind_check(
    root: &Root,
    schema: &Arc<Schema>,
    condition: &ast::Expression,
) -> Result<Expression> {
    bind(&mut Context::new(root, &[]), schema, condition)
}

/// Binds a CHECK of the table `schema`, as [`bind_check`] does; answers what is to be kept.
pub fn define_check(
    root: &Root,
    schema: &Arc<Schema>,
    condition: &ast::Expression,
    evaluate: Evaluate<'_>,
) -> Result<ast::Expression> {
    let mut context = Context::new(root, &[]);
    bind(&mut context, schema, condition)?;
    fixed(&context, condition, evaluate)
}

/// The CHECK constraints of a table in the order in which they are looked at, which is that of their names.
pub fn bind_table_checks(root: &Root, schema: &Arc<Schema>) -> Result<Vec<BoundCheck>> {
    all_checks(&mut Context::new(root, &[]), schema)
}

/// The constraints that every new row must keep to.
pub(super) fn all_checks(
    context: &mut Context<'_>,
    schema: &Arc<Schema>,
) -> Result<Vec<BoundCheck>> {
    let constraints = &schema.constraints.checks;
    let mut checks = Vec::with_capacity(constraints.len());
    for constraint in constraints {
        let condition = bind(context, schema, &parse_expression(&constraint.condition)?)?;
        checks.push(BoundCheck { name: Arc::clone(&constraint.name), condition });
    }
    checks.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    Ok(checks)
}

/// Those that new values of the columns `ordinals` can break.
pub(super) fn checks_of(
    context: &mut Context<'_>,
    schema: &Arc<Schema>,
    ordinals: &[usize],
) -> Result<Vec<BoundCheck>> {
    let mut checks = all_checks(context, schema)?;
    checks.retain(|check| depends_on(&check.condition, ordinals));
    Ok(checks)
}

/// Whether the value may be another when these columns have other values, or by itself.
fn depends_on(expression: &Expression, ordinals: &[usize]) -> bool {
    let mut depends = match expression {
        Expression::Column { id, .. } => ordinals.contains(id),
        other => may_vary(other),
    };
    expression.each_child(&mut |child| depends |= depends_on(child, ordinals));
    depends
}

/// Whether an expression's value may depend on more than its operands: on the time, a zone, a sequence. Unsure is yes.
fn may_vary(expression: &Expression) -> bool {
    match expression {
        Expression::Call { function: Function::Scalar(function), .. } => {
            function.is_volatile() || matches!(function, ScalarFunction::Datetime(_))
        }
        Expression::Cast { operand, target, .. } => {
            target.is_datetime() || operand.data_type().is_datetime()
        }
        _ => false,
    }
}

fn bind(
    context: &mut Context<'_>,
    schema: &Arc<Schema>,
    condition: &ast::Expression,
) -> Result<Expression> {
    let source = Arc::new(target_source(schema, None, 0));
    let mut level = Level::new(Clause::Check);
    level.seen.push(Arc::clone(&source));
    level.scope = Scope::of(source);
    context.levels.push(level);
    let bound = bind_condition(context, condition, Clause::Check.name())?;
    context.levels.pop();
    Ok(bound)
}

/// A bound CHECK as it is kept: without the table's name at its columns, which may get another.
pub fn check_text(condition: &ast::Expression) -> String {
    let mut condition = condition.clone();
    strip_tables(&mut condition);
    condition.to_string()
}

fn strip_tables(expression: &mut ast::Expression) {
    if let ExpressionKind::Column { table, .. } = &mut expression.kind {
        *table = None;
    }
    expression.each_child_mut(&mut strip_tables);
}

/// The text of a stored condition whose column `from` is called `to` now.
pub fn renamed_column(condition: &ast::Expression, from: &str, to: &str) -> String {
    let mut condition = condition.clone();
    rename(&mut condition, from, to);
    condition.to_string()
}

fn rename(expression: &mut ast::Expression, from: &str, to: &str) {
    if let ExpressionKind::Column { column, .. } = &mut expression.kind
        && column.name == from
    {
        to.clone_into(&mut column.name);
    }
    expression.each_child_mut(&mut |child| rename(child, from, to));
}

/// The names of the columns that an expression refers to, each once, in order.
pub fn columns_of(expression: &ast::Expression) -> Vec<String> {
    let mut found = Vec::new();
    note_columns(&mut expression.clone(), &mut found);
    found
}

fn note_columns(expression: &mut ast::Expression, found: &mut Vec<String>) {
    if let ExpressionKind::Column { column, .. } = &expression.kind
        && !found.contains(&column.name)
    {
        found.push(column.name.clone());
    }
    expression.each_child_mut(&mut |child| note_columns(child, found));
}
