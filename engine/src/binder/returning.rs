//! RETURNING: expressions over the written row.

use std::sync::Arc;

use crate::binder::bound::{OutputColumn, Returning};
use crate::binder::coercion::default_to_text;
use crate::binder::context::{Clause, Context, Level};
use crate::binder::scope::{Scope, Source, SourceColumn};
use crate::binder::select::{bind_item, expand_items};
use crate::error::Result;
use crate::parser::ast::SelectItem;
use crate::storage::schema::Schema;

/// Binds RETURNING, if there is one. The ids of the table's columns are their ordinals here. `hidden` is a source of the
/// statement that cannot be referred to here.
pub(super) fn bind_returning(
    context: &mut Context<'_>,
    items: &[SelectItem],
    schema: &Arc<Schema>,
    alias: Option<&str>,
    hidden: Option<Arc<Source>>,
) -> Result<Option<Returning>> {
    if items.is_empty() {
        return Ok(None);
    }
    let source = Arc::new(target_source(schema, alias, 0));
    let mut level = Level::new(Clause::Returning);
    level.seen.push(Arc::clone(&source));
    level.seen.extend(hidden);
    level.scope = Scope::of(source);
    context.levels.push(level);
    let items = expand_items(context, items)?;
    let mut expressions = Vec::with_capacity(items.len());
    let mut columns = Vec::with_capacity(items.len());
    for (id, item) in items.into_iter().enumerate() {
        let value = bind_item(context, &item)?;
        let value = default_to_text(context, value)?;
        columns.push(OutputColumn { name: item.name, data_type: value.data_type(), id });
        expressions.push(value.expression);
    }
    context.levels.pop();
    Ok(Some(Returning { expressions, columns }))
}

/// The written table as a source whose columns have consecutive ids.
pub(super) fn target_source(schema: &Arc<Schema>, alias: Option<&str>, first: usize) -> Source {
    let columns = schema
        .columns
        .iter()
        .zip(first..)
        .map(|(column, id)| SourceColumn {
            name: Arc::clone(&column.name),
            id,
            data_type: column.data_type,
        })
        .collect();
    Source {
        name: alias.map_or_else(|| Arc::clone(&schema.name), Arc::from),
        schema: Some(Arc::clone(schema)),
        aliased: alias.is_some(),
        columns,
    }
}
