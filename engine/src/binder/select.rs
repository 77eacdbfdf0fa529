//! SELECT: FROM, the select list, WHERE, GROUP BY, HAVING, and what follows.

use std::sync::Arc;

use crate::binder::aggregate::{aggregate, check_references, replace_groups};
use crate::binder::bound::{Expression, OutputColumn, Relation};
use crate::binder::coercion::default_to_text;
use crate::binder::context::{Clause, Context, Level, Typed};
use crate::binder::expression::{bind_condition, bind_expression};
use crate::binder::from::{bind_from, filter};
use crate::binder::group::bind_group_by;
use crate::binder::locking::{bind_locking, lock_rows};
use crate::binder::name::column_name;
use crate::binder::order::{self, Key, KeyValue};
use crate::binder::query::{Rows, Tail, Unknowns};
use crate::binder::scope::{missing_source, note_references};
use crate::error::{Error, Result, SqlState};
use crate::limits::COLUMNS_MAX;
use crate::parser::ast;
use crate::parser::ast::{ObjectName, Select, SelectItem};
use crate::types::Position;

/// An entry of the select list, wildcards expanded.
pub(super) struct Item<'a> {
    /// The name of the output column.
    pub(super) name: Arc<str>,
    /// What it is made of.
    pub(super) source: ItemSource<'a>,
    /// Where it stands.
    pub(super) position: Position,
}

/// What an entry of the select list is made of.
pub(super) enum ItemSource<'a> {
    /// An expression.
    Expression(&'a ast::Expression),
    /// A column that a wildcard stands for.
    Column(Expression),
}

/// Binds SELECT with its ORDER BY and LIMIT.
pub(super) fn bind_select(
    context: &mut Context<'_>,
    select: &Select,
    tail: &Tail<'_>,
    unknowns: Unknowns,
) -> Result<Rows> {
    context.levels.push(Level::new(Clause::Select));
    let mut from = bind_from(context, &select.from)?;
    let locks = bind_locking(context, select, tail, &mut from)?;
    let level = context.level();
    level.scope = from.scope;
    level.references.clear();
    let items = expand_items(context, &select.items)?;
    let mut values = bind_values(context, select, &items)?;
    let predicate = bind_filter(context, select.filter.as_ref())?;
    let having = bind_having(context, select.having.as_ref())?;
    let mut keys = order::bind_order_by(context, tail.order_by, &items, &mut values)?;
    let limits = order::bind_limits(context, tail)?;
    if context.level().is_grouped() {
        tail.refuse_locking("is not allowed with aggregate functions")?;
    }
    if unknowns == Unknowns::ToText || select.distinct {
        values = decide_types(context, values)?;
    }
    let relation = filter(from.relation, predicate);
    let relation = group(context, relation, &mut values, having, &mut keys)?;
    let rows = if select.distinct {
        order::check_distinct(&keys)?;
        let rows = distinct(project(context, relation, items, values));
        order::apply_to_rows(rows, keys, limits)
    } else {
        let relation = order::sort(relation, keys, |index| values[index].expression.clone());
        let relation = lock_rows(relation, locks);
        project(context, order::limit(relation, limits), items, values)
    };
    context.levels.pop();
    Ok(rows)
}

/// GROUP BY first, because it decides which references are sound; then the rest of the select list.
fn bind_values(
    context: &mut Context<'_>,
    select: &Select,
    items: &[Item<'_>],
) -> Result<Vec<Typed>> {
    let grouped = bind_group_by(context, &select.group_by, items)?;
    context.level().clause = Clause::Select;
    let mut values = Vec::with_capacity(items.len());
    for (item, grouped) in items.iter().zip(grouped) {
        values.push(match grouped {
            Some(value) => Typed::new(value, item.position),
            None => bind_item(context, item)?,
        });
    }
    Ok(values)
}

/// Binds an entry of the select list in the level's clause.
pub(super) fn bind_item(context: &mut Context<'_>, item: &Item<'_>) -> Result<Typed> {
    match &item.source {
        ItemSource::Expression(expression) => bind_expression(context, expression),
        ItemSource::Column(value) => {
            let value = context.copy(value)?;
            let level = context.level();
            if !level.groups.iter().any(|(_, group)| *group == value) {
                note_references(level, &value, item.position);
            }
            Ok(Typed::new(value, item.position))
        }
    }
}

/// WHERE: what it refers to need not be grouped.
pub(super) fn bind_filter(
    context: &mut Context<'_>,
    predicate: Option<&ast::Expression>,
) -> Result<Option<Expression>> {
    let Some(predicate) = predicate else { return Ok(None) };
    let level = context.level();
    level.clause = Clause::Where;
    let referred = level.references.len();
    let condition = bind_condition(context, predicate, Clause::Where.name())?;
    context.level().references.truncate(referred);
    Ok(Some(condition))
}

fn bind_having(
    context: &mut Context<'_>,
    having: Option<&ast::Expression>,
) -> Result<Option<Expression>> {
    let Some(having) = having else { return Ok(None) };
    context.level().clause = Clause::Having;
    bind_condition(context, having, Clause::Having.name()).map(Some)
}

fn decide_types(context: &mut Context<'_>, values: Vec<Typed>) -> Result<Vec<Typed>> {
    values.into_iter().map(|value| default_to_text(context, value)).collect()
}

/// Groups, if the query does, and lets what stands above refer to groups and aggregates.
fn group(
    context: &mut Context<'_>,
    relation: Relation,
    values: &mut [Typed],
    mut having: Option<Expression>,
    keys: &mut [Key],
) -> Result<Relation> {
    if !context.level().is_grouped() && having.is_none() {
        return Ok(relation);
    }
    check_references(context)?;
    let level = context.level();
    for value in values {
        replace_groups(&mut value.expression, &level.groups);
    }
    for key in keys {
        if let KeyValue::Expression(expression) = &mut key.value {
            replace_groups(expression, &level.groups);
        }
    }
    if let Some(having) = &mut having {
        replace_groups(having, &level.groups);
    }
    Ok(filter(aggregate(level, relation), having))
}

/// The select list over a relation.
fn project(
    context: &mut Context<'_>,
    relation: Relation,
    items: Vec<Item<'_>>,
    values: Vec<Typed>,
) -> Rows {
    let first = context.draw_column_ids(items.len());
    let mut columns = Vec::with_capacity(items.len());
    let mut positions = Vec::with_capacity(items.len());
    let mut projected = Vec::with_capacity(items.len());
    for (id, (item, value)) in (first..).zip(items.into_iter().zip(values)) {
        columns.push(OutputColumn { name: item.name, data_type: value.data_type(), id });
        positions.push(value.position);
        projected.push((id, value.expression));
    }
    let relation = Relation::Project { input: Box::new(relation), columns: projected };
    Rows { relation, columns, positions }
}

fn distinct(mut rows: Rows) -> Rows {
    let columns = rows.columns.iter().map(|column| (column.id, column.data_type)).collect();
    rows.relation = Relation::Distinct { input: Box::new(rows.relation), columns };
    rows
}

/// The select list with its wildcards expanded; 54011 if it is too long.
pub(super) fn expand_items<'a>(
    context: &mut Context<'_>,
    items: &'a [SelectItem],
) -> Result<Vec<Item<'a>>> {
    let mut expanded = Vec::with_capacity(items.len());
    for item in items {
        match item {
            SelectItem::Wildcard(position) => expand_all(context, *position, &mut expanded)?,
            SelectItem::TableWildcard(table) => expand_table(context, table, &mut expanded)?,
            SelectItem::Expression { expression, alias } => {
                let name = match alias {
                    Some(alias) => &*alias.name,
                    None => column_name(expression),
                };
                expanded.push(Item {
                    name: Arc::from(name),
                    source: ItemSource::Expression(expression),
                    position: expression.position,
                });
            }
        }
        if expanded.len() > COLUMNS_MAX {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("target lists can have at most {COLUMNS_MAX} entries"),
            ));
        }
    }
    Ok(expanded)
}

fn expand_all(
    context: &mut Context<'_>,
    position: Position,
    expanded: &mut Vec<Item<'_>>,
) -> Result<()> {
    let scope = &context.level().scope;
    if scope.sources.is_empty() {
        return Err(Error::new(
            SqlState::SyntaxError,
            "SELECT * with no tables specified is not valid",
        )
        .at(position));
    }
    expanded.extend(scope.columns.iter().map(|column| Item {
        name: Arc::clone(&column.name),
        source: ItemSource::Column(column.expression.clone()),
        position,
    }));
    Ok(())
}

fn expand_table(
    context: &mut Context<'_>,
    table: &ObjectName,
    expanded: &mut Vec<Item<'_>>,
) -> Result<()> {
    let position = table.schema.as_ref().map_or(table.name.position, |schema| schema.position);
    let (level, outer) =
        context.levels.split_last().expect("invariant: expressions are bound inside a level");
    let Some(source) = level.scope.source(table) else {
        return Err(missing_source(level, outer, table, position));
    };
    expanded.extend(source.columns.iter().map(|column| Item {
        name: Arc::clone(&column.name),
        source: ItemSource::Column(column.reference()),
        position,
    }));
    Ok(())
}
