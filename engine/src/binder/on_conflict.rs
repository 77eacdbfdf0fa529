//! ON CONFLICT: the unique indexes that decide, and what becomes of the row that is there.

use std::sync::Arc;

use crate::binder::bound::{BoundConflict, ConflictUpdate};
use crate::binder::context::{Clause, Context, Level};
use crate::binder::returning::target_source;
use crate::binder::scope::{Scope, Source};
use crate::binder::select::bind_filter;
use crate::binder::update::bind_assignments;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{ConflictTarget, Identifier, OnConflict};
use crate::storage::IndexId;
use crate::storage::schema::Schema;

/// Binds ON CONFLICT. In its expressions the ids of the table's columns are their ordinals, those of EXCLUDED's the
/// ordinals behind them. Answers EXCLUDED too, which RETURNING must not refer to.
pub(super) fn bind_on_conflict(
    context: &mut Context<'_>,
    clause: &OnConflict,
    schema: &Arc<Schema>,
    alias: Option<&str>,
) -> Result<(BoundConflict, Option<Arc<Source>>)> {
    let target = Arc::new(target_source(schema, alias, 0));
    let columns = bind_target(context, clause, schema, &target)?;
    let (update, excluded) = match &clause.update {
        None => (None, None),
        Some(update) => {
            let excluded = Arc::new(target_source(schema, Some("excluded"), schema.columns.len()));
            let bound = bind_update(context, update, schema, target, &excluded)?;
            (Some(bound), Some(excluded))
        }
    };
    let arbiters = arbiters(clause.target.as_ref(), &columns, schema)?;
    Ok((BoundConflict { arbiters, update }, excluded))
}

/// The ordinals that a target names; empty for another target or none.
fn bind_target(
    context: &mut Context<'_>,
    clause: &OnConflict,
    schema: &Schema,
    source: &Arc<Source>,
) -> Result<Vec<usize>> {
    match &clause.target {
        None if clause.update.is_some() => Err(Error::new(
            SqlState::SyntaxError,
            "ON CONFLICT DO UPDATE requires inference specification or constraint name",
        )
        .with_hint("For example, ON CONFLICT (column_name).")
        .at(clause.position)),
        None | Some(ConflictTarget::Constraint(_)) => Ok(Vec::new()),
        Some(ConflictTarget::Columns { columns, filter }) => {
            let mut ordinals = columns
                .iter()
                .map(|column| target_column(schema, column))
                .collect::<Result<Vec<_>>>()?;
            ordinals.sort_unstable();
            ordinals.dedup();
            // It would choose among partial indexes, of which there are none; it must make sense all the same.
            let mut level = Level::new(Clause::Where);
            level.seen.push(Arc::clone(source));
            level.scope = Scope::of(Arc::clone(source));
            context.levels.push(level);
            bind_filter(context, filter.as_ref())?;
            context.levels.pop();
            Ok(ordinals)
        }
    }
}

fn target_column(schema: &Schema, column: &Identifier) -> Result<usize> {
    let found = schema.ordinal(&column.name);
    found.ok_or_else(|| Error::undefined_column(&column.name, column.position))
}

fn bind_update(
    context: &mut Context<'_>,
    update: &ast::ConflictUpdate,
    schema: &Arc<Schema>,
    target: Arc<Source>,
    excluded: &Arc<Source>,
) -> Result<ConflictUpdate> {
    let mut level = Level::new(Clause::Update);
    level.seen.extend([Arc::clone(&target), Arc::clone(excluded)]);
    level.scope = Scope::of(target);
    let others = Scope::of(Arc::clone(excluded));
    // Not `add_sources`: a table may be called EXCLUDED as well, as long as nobody says so.
    level.scope.sources.extend(others.sources);
    level.scope.columns.extend(others.columns);
    context.levels.push(level);
    let (ordinals, values) = bind_assignments(context, schema, &update.assignments)?;
    context.level().clause = Clause::Where;
    let filter = bind_filter(context, update.filter.as_ref())?;
    context.levels.pop();
    Ok(ConflictUpdate { ordinals, values, filter })
}

/// The unique indexes whose keys are looked at; 42P10 where a target means none, 42704 for an unknown constraint.
fn arbiters(
    target: Option<&ConflictTarget>,
    ordinals: &[usize],
    schema: &Schema,
) -> Result<Vec<IndexId>> {
    let unique = schema.indexes.iter().filter(|index| index.unique);
    let found: Vec<IndexId> = match target {
        None => return Ok(unique.map(|index| index.id).collect()),
        Some(ConflictTarget::Constraint(name)) => {
            let mut constraints = unique.filter(|index| index.constraint);
            let Some(index) = constraints.find(|index| *index.name == *name.name) else {
                let message = format!(
                    "constraint \"{}\" for table \"{}\" does not exist",
                    name.name, schema.name
                );
                return Err(Error::new(SqlState::UndefinedObject, message));
            };
            vec![index.id]
        }
        Some(ConflictTarget::Columns { .. }) => unique
            .filter(|index| {
                let mut columns: Vec<_> =
                    index.columns.iter().map(|column| column.ordinal).collect();
                columns.sort_unstable();
                columns.dedup();
                columns == ordinals
            })
            .map(|index| index.id)
            .collect(),
    };
    if found.is_empty() {
        return Err(Error::new(
            SqlState::InvalidColumnReference,
            "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        ));
    }
    Ok(found)
}
