//! UPDATE: the row ids and new values of the rows to change.

use std::sync::Arc;

use crate::binder::bound::{BoundQuery, BoundUpdate, ColumnId, Expression, OutputColumn, Relation};
use crate::binder::catalog::{Writes, refuse_write};
use crate::binder::check::checks_of;
use crate::binder::coercion::assign;
use crate::binder::context::{Clause, Context, Level};
use crate::binder::default::default_value;
use crate::binder::expression::bind_expression;
use crate::binder::from::{filter, find_table, scan};
use crate::binder::insert::{always_generated, target_ordinal};
use crate::binder::returning::bind_returning;
use crate::binder::scope::Scope;
use crate::binder::select::bind_filter;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{Assignment, ExpressionKind, ObjectName, Update};
use crate::storage::reference::is_linked;
use crate::storage::schema::{Identity, Schema};
use crate::types::DataType;

/// The rows that UPDATE and DELETE change.
pub(super) struct Target {
    /// The table's shape.
    pub(super) schema: Arc<Schema>,
    /// Its rows for which WHERE is true.
    pub(super) relation: Relation,
    /// The column with the row id.
    pub(super) row_id: ColumnId,
}

/// Binds UPDATE.
pub(super) fn bind_update(context: &mut Context<'_>, update: &Update) -> Result<BoundUpdate> {
    let alias = update.alias.as_ref().map(|alias| &*alias.name);
    let target =
        open_target(context, &update.table, alias, update.filter.as_ref(), Writes::Update)?;
    let schema = target.schema;
    let returning = bind_returning(context, &update.returning, &schema, alias, None)?;
    let (ordinals, values) = bind_assignments(context, &schema, &update.assignments)?;
    context.levels.pop();

    let mut columns = vec![row_id_column(context.draw_column_id())];
    let mut projected = vec![(columns[0].id, row_id_value(target.row_id))];
    for (ordinal, value) in ordinals.iter().zip(values) {
        let column = &schema.columns[*ordinal];
        let id = context.draw_column_id();
        let name = Arc::clone(&column.name);
        columns.push(OutputColumn { name, data_type: column.data_type, id });
        projected.push((id, value));
    }
    let relation = Relation::Project { input: Box::new(target.relation), columns: projected };
    let source = BoundQuery { relation, columns };
    let checks = checks_of(context, &schema, &ordinals)?;
    let (table, linked) = (schema.table, is_linked(context.root, &schema));
    Ok(BoundUpdate { table, source, ordinals, checks, linked, returning })
}

/// Opens a level over the written table and binds WHERE; the caller pops the level.
pub(super) fn open_target(
    context: &mut Context<'_>,
    name: &ObjectName,
    alias: Option<&str>,
    predicate: Option<&ast::Expression>,
    writes: Writes,
) -> Result<Target> {
    refuse_write(name, writes)?;
    let table = find_table(context, name)?;
    let schema = Arc::clone(&table.0);
    let row_id = context.draw_column_id();
    let (relation, source) = scan(context, table, alias, Some(row_id));
    let source = Arc::new(source);
    let mut level = Level::new(Clause::Where);
    level.seen.push(Arc::clone(&source));
    level.scope = Scope::of(source);
    context.levels.push(level);
    let predicate = bind_filter(context, predicate)?;
    Ok(Target { schema, relation: filter(relation, predicate), row_id })
}

/// The output column with the row id.
pub(super) fn row_id_column(id: ColumnId) -> OutputColumn {
    OutputColumn { name: Arc::from("row_id"), data_type: DataType::Int8, id }
}

/// A reference to the row id.
pub(super) fn row_id_value(row_id: ColumnId) -> Expression {
    Expression::Column { id: row_id, data_type: DataType::Int8 }
}

pub(super) fn bind_assignments(
    context: &mut Context<'_>,
    schema: &Schema,
    assignments: &[Assignment],
) -> Result<(Vec<usize>, Vec<Expression>)> {
    context.level().clause = Clause::Update;
    let mut values = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        values.push(match &assignment.value.kind {
            ExpressionKind::Default => None,
            _ => Some(bind_expression(context, &assignment.value)?),
        });
    }
    let mut ordinals = Vec::with_capacity(assignments.len());
    let mut assigned = Vec::with_capacity(assignments.len());
    for (assignment, value) in assignments.iter().zip(values) {
        let ordinal = target_ordinal(schema, &assignment.column)?;
        let column = &schema.columns[ordinal];
        assigned.push(match value {
            Some(_) if column.identity == Some(Identity::Always) => {
                return Err(Error::new(
                    SqlState::GeneratedAlways,
                    format!("column \"{}\" can only be updated to DEFAULT", column.name),
                )
                .with_detail(always_generated(column)));
            }
            Some(value) => assign(context, value, column.data_type, &column.name)?,
            None => default_value(context, column)?,
        });
        ordinals.push(ordinal);
    }
    for (index, ordinal) in ordinals.iter().enumerate() {
        if ordinals[..index].contains(ordinal) {
            return Err(Error::new(
                SqlState::SyntaxError,
                format!(
                    "multiple assignments to same column \"{}\"",
                    schema.columns[*ordinal].name
                ),
            ));
        }
    }
    Ok((ordinals, assigned))
}
