//! FROM: tables, derived tables and joins, and the scope that they make.

use std::sync::Arc;

use super::suggestion::nearest;
use crate::binder::bound::{ColumnId, Expression, Relation};
use crate::binder::context::Context;
use crate::binder::join::bind_join;
use crate::binder::query::{Unknowns, bind_query};
use crate::binder::scope::{Scope, Source, SourceColumn};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{JoinKind, ObjectName, Query, TableAlias, TableReference};
use crate::storage::schema::Schema;
use crate::system;
use crate::types::Position;

/// Rows that a view is expected to have.
const SYSTEM_ROWS_EXPECTED: u64 = 100;

/// Rows with the names that they can be referred to by.
pub(super) struct Bound {
    /// The rows.
    pub(super) relation: Relation,
    /// The names.
    pub(super) scope: Scope,
}

/// Binds FROM; without one there is one row without columns.
pub(super) fn bind_from(context: &mut Context<'_>, from: &[TableReference]) -> Result<Bound> {
    let Some((first, rest)) = from.split_first() else {
        return Ok(Bound { relation: Relation::OneRow, scope: Scope::default() });
    };
    let mut bound = bind_reference(context, first)?;
    for reference in rest {
        let right = bind_reference(context, reference)?;
        bound.scope.add_sources(right.scope.sources)?;
        bound.scope.columns.extend(right.scope.columns);
        bound.relation = Relation::Join {
            kind: JoinKind::Inner,
            left: Box::new(bound.relation),
            right: Box::new(right.relation),
            condition: None,
        };
    }
    Ok(bound)
}

/// Binds one entry of FROM. A chain of joins leans to the left and is walked in a loop, so it does not count as depth.
pub(super) fn bind_reference(
    context: &mut Context<'_>,
    reference: &TableReference,
) -> Result<Bound> {
    let mut joins = Vec::new();
    let mut first = reference;
    while let TableReference::Join { kind, left, right, constraint, position } = first {
        joins.push((*kind, &**right, constraint, *position));
        first = left;
    }
    let mut bound = match first {
        TableReference::Table { name, alias } => bind_table(context, name, alias.as_ref())?,
        TableReference::Derived { query, alias, position } => {
            bind_derived(context, query, alias, *position)?
        }
        TableReference::Join { .. } => {
            return Err(Error::new(SqlState::InternalError, "join chain was not unrolled"));
        }
    };
    for (kind, right, constraint, position) in joins.into_iter().rev() {
        context.descend(position)?;
        let right = bind_reference(context, right)?;
        context.ascend();
        bound = bind_join(context, kind, bound, right, constraint)?;
    }
    Ok(bound)
}

/// The shape and the row count of the table that a name means; 42P01.
pub(super) fn find_table(context: &Context<'_>, name: &ObjectName) -> Result<(Arc<Schema>, u64)> {
    let schema = name.schema.as_ref().map(|schema| &*schema.name);
    if let Some((_, schema)) = system::find(schema, &name.name.name) {
        return Ok((Arc::clone(schema), SYSTEM_ROWS_EXPECTED));
    }
    if let Some(schema) = &name.schema
        && schema.name != "public"
    {
        let full = format!("{}.{}", schema.name, name.name.name);
        return Err(Error::undefined_table(&full, schema.position));
    }
    let position = name.schema.as_ref().map_or(name.name.position, |schema| schema.position);
    match context.root.table_by_name(&name.name.name) {
        Some(table) => Ok((Arc::clone(table.schema()), table.row_count() as u64)),
        None if context.root.sequence_by_name(&name.name.name).is_some() => {
            Err(Error::not_supported("a sequence as a table", position))
        }
        None => {
            let error = Error::undefined_table(&name.name.name, position);
            let names = context.root.tables_by_name().map(|table| &*table.schema().name);
            Err(match nearest(&name.name.name, names) {
                Some(meant) => error.with_hint(format!("Perhaps you meant the table \"{meant}\".")),
                None => error,
            })
        }
    }
}

fn bind_table(
    context: &mut Context<'_>,
    name: &ObjectName,
    alias: Option<&TableAlias>,
) -> Result<Bound> {
    let table = find_table(context, name)?;
    context.count_table(name.name.position)?;
    let names = alias.map_or(&[][..], |alias| &alias.columns);
    let alias = alias.map(|alias| &*alias.name.name);
    let (relation, mut source) = scan(context, table, alias, None);
    apply_aliases(&mut source, names.iter().map(|name| &*name.name))?;
    Ok(see(context, relation, source))
}

/// A scan of all columns of a table (those that turn out unused go at the end) and its source.
pub(super) fn scan(
    context: &mut Context<'_>,
    (schema, row_count): (Arc<Schema>, u64),
    alias: Option<&str>,
    row_id: Option<ColumnId>,
) -> (Relation, Source) {
    let first = context.draw_column_ids(schema.columns.len());
    let columns = schema
        .columns
        .iter()
        .enumerate()
        .map(|(ordinal, column)| SourceColumn {
            name: Arc::clone(&column.name),
            id: first + ordinal,
            data_type: column.data_type,
        })
        .collect();
    let name = alias.map_or_else(|| Arc::clone(&schema.name), Arc::from);
    let relation = Relation::Scan {
        table: schema.table,
        schema: Arc::clone(&schema),
        columns: (0..schema.columns.len()).map(|ordinal| (first + ordinal, ordinal)).collect(),
        row_id,
        alias: Arc::clone(&name),
        row_count,
    };
    let aliased = alias.is_some();
    (relation, Source { name, schema: Some(schema), aliased, columns })
}

fn bind_derived(
    context: &mut Context<'_>,
    query: &Query,
    alias: &TableAlias,
    position: Position,
) -> Result<Bound> {
    context.descend(position)?;
    let rows = bind_query(context, query, Unknowns::ToText)?;
    context.ascend();
    let columns = rows
        .columns
        .into_iter()
        .map(|column| SourceColumn {
            name: column.name,
            id: column.id,
            data_type: column.data_type,
        })
        .collect();
    let name = Arc::from(&*alias.name.name);
    let mut source = Source { name, schema: None, aliased: true, columns };
    apply_aliases(&mut source, alias.columns.iter().map(|name| &*name.name))?;
    Ok(see(context, rows.relation, source))
}

/// Notes a source with the level and makes it a scope.
fn see(context: &mut Context<'_>, relation: Relation, source: Source) -> Bound {
    let source = Arc::new(source);
    context.level().seen.push(Arc::clone(&source));
    Bound { relation, scope: Scope::of(source) }
}

/// AS alias (columns).
fn apply_aliases<'n>(
    source: &mut Source,
    names: impl ExactSizeIterator<Item = &'n str>,
) -> Result<()> {
    if names.len() > source.columns.len() {
        return Err(Error::new(
            SqlState::InvalidColumnReference,
            format!(
                "table \"{}\" has {} columns available but {} columns specified",
                source.name,
                source.columns.len(),
                names.len()
            ),
        ));
    }
    for (column, name) in source.columns.iter_mut().zip(names) {
        column.name = Arc::from(name);
    }
    Ok(())
}

/// WHERE and the like: rows for which the predicate is true.
pub(super) fn filter(relation: Relation, predicate: Option<Expression>) -> Relation {
    match predicate {
        Some(predicate) => Relation::Filter { input: Box::new(relation), predicate },
        None => relation,
    }
}
