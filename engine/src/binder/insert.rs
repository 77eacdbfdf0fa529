//! INSERT: rows of the whole table's shape, from VALUES, a query or defaults.

use std::sync::Arc;

use super::suggestion::nearest;
use crate::binder::bound::{BoundInsert, BoundQuery, Expression, OutputColumn, Relation};
use crate::binder::catalog::{Writes, refuse_write};
use crate::binder::check::all_checks;
use crate::binder::coercion::{Coercion, assign, null};
use crate::binder::context::{Clause, Context, Level, start_of};
use crate::binder::default::default_value;
use crate::binder::expression::bind_expression;
use crate::binder::from::find_table;
use crate::binder::on_conflict::bind_on_conflict;
use crate::binder::query::{Unknowns, bind_query};
use crate::binder::returning::{bind_returning, target_source};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{ExpressionKind, Identifier, Insert, InsertSource, Overriding, QueryBody};
use crate::storage::reference::is_linked;
use crate::storage::schema::{ColumnDefinition, Identity, Schema};
use crate::types::{DataType, Position};

/// The columns that an INSERT gives values for.
struct Targets<'a> {
    schema: &'a Arc<Schema>,
    /// As written; empty for all in order.
    written: &'a [Identifier],
    /// Their ordinals.
    ordinals: Vec<usize>,
    /// What the other columns, and DEFAULT, become; NULL where every row has a value.
    defaults: Vec<Expression>,
    /// OVERRIDING.
    overriding: Option<Overriding>,
    /// How many columns a SELECT gives.
    select_width: usize,
}

/// Binds INSERT.
pub(super) fn bind_insert(context: &mut Context<'_>, insert: &Insert) -> Result<BoundInsert> {
    refuse_write(&insert.table, Writes::Insert)?;
    let (schema, _) = find_table(context, &insert.table)?;
    let mut targets = Targets {
        schema: &schema,
        written: &insert.columns,
        ordinals: target_ordinals(&schema, &insert.columns)?,
        defaults: Vec::with_capacity(schema.columns.len()),
        overriding: insert.overriding,
        select_width: 0,
    };
    for (ordinal, column) in schema.columns.iter().enumerate() {
        let needed = targets.needs_default(ordinal, &insert.source);
        targets.defaults.push(if needed {
            default_value(context, column)?
        } else {
            null(column.data_type)
        });
    }
    let alias = insert.alias.as_ref().map(|alias| &*alias.name);
    let source = match &insert.source {
        InsertSource::Default => bind_rows(context, &targets, &[Vec::new()], alias)?,
        InsertSource::Query(query) => match &query.body {
            QueryBody::Values(values)
                if query.order_by.is_empty()
                    && query.limit.is_none()
                    && query.offset.is_none()
                    && query.locking.is_empty() =>
            {
                let width = values.rows.first().map_or(0, Vec::len);
                let place = |index: usize| start_of(&values.rows[0][index]);
                targets.check_width(width, place)?;
                bind_rows(context, &targets, &values.rows, alias)?
            }
            _ => bind_select(context, &mut targets, query)?,
        },
    };
    let (conflict, excluded) = match &insert.on_conflict {
        Some(clause) => {
            let (conflict, excluded) = bind_on_conflict(context, clause, &schema, alias)?;
            (Some(conflict), excluded)
        }
        None => (None, None),
    };
    let returning = bind_returning(context, &insert.returning, &schema, alias, excluded)?;
    targets.check_identities(&insert.source)?;
    let checks = all_checks(context, &schema)?;
    let updates = conflict.as_ref().is_some_and(|conflict| conflict.update.is_some());
    let linked = if updates {
        is_linked(context.root, &schema)
    } else {
        !schema.constraints.foreign_keys.is_empty()
    };
    let table = schema.table;
    Ok(BoundInsert { table, source, conflict, checks, linked, returning })
}

fn target_ordinals(schema: &Schema, written: &[Identifier]) -> Result<Vec<usize>> {
    if written.is_empty() {
        return Ok((0..schema.columns.len()).collect());
    }
    let mut ordinals = Vec::with_capacity(written.len());
    for column in written {
        let ordinal = target_ordinal(schema, column)?;
        if ordinals.contains(&ordinal) {
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{}\" specified more than once", column.name),
            )
            .at(column.position));
        }
        ordinals.push(ordinal);
    }
    Ok(ordinals)
}

/// The ordinal of a column that is written to; 42703 `column "x" of relation "t" does not exist`.
pub(super) fn target_ordinal(schema: &Schema, column: &Identifier) -> Result<usize> {
    schema.ordinal(&column.name).ok_or_else(|| {
        let message =
            format!("column \"{}\" of relation \"{}\" does not exist", column.name, schema.name);
        let error = Error::new(SqlState::UndefinedColumn, message).at(column.position);
        match nearest(&column.name, schema.columns.iter().map(|column| &*column.name)) {
            Some(meant) => error.with_hint(format!("Perhaps you meant the column \"{meant}\".")),
            None => error,
        }
    })
}

impl Targets<'_> {
    /// 42601 where a row of `width` values does not fit; `place` is where a value stands.
    fn check_width(&self, width: usize, place: impl Fn(usize) -> Position) -> Result<()> {
        if width > self.ordinals.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                "INSERT has more expressions than target columns",
            )
            .at(place(self.ordinals.len())));
        }
        match self.written.get(width) {
            Some(column) => Err(Error::new(
                SqlState::SyntaxError,
                "INSERT has more target columns than expressions",
            )
            .at(column.position)),
            None => Ok(()),
        }
    }

    /// Whether a column's values are not those given: an identity column's under OVERRIDING USER VALUE.
    fn ignores_given(&self, ordinal: usize) -> bool {
        self.overriding == Some(Overriding::User) && self.schema.columns[ordinal].identity.is_some()
    }

    /// 428C9 for a value given to a column that is GENERATED ALWAYS.
    fn check_identities(&self, source: &InsertSource) -> Result<()> {
        let InsertSource::Query(query) = source else { return Ok(()) };
        if self.overriding.is_some() {
            return Ok(());
        }
        let width = match &query.body {
            QueryBody::Values(values) => values.rows.first().map_or(0, Vec::len),
            _ => self.ordinals.len(),
        };
        for (place, ordinal) in self.ordinals.iter().enumerate().take(width) {
            let column = &self.schema.columns[*ordinal];
            let is_given = match &query.body {
                QueryBody::Values(values) => values.rows.iter().any(|row| {
                    row.get(place)
                        .is_some_and(|entry| !matches!(entry.kind, ExpressionKind::Default))
                }),
                // A SELECT may have fewer columns than the table, if none are named.
                _ => !self.written.is_empty() || place < self.select_width,
            };
            if column.identity == Some(Identity::Always) && is_given {
                return Err(Error::new(
                    SqlState::GeneratedAlways,
                    format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
                )
                .with_detail(always_generated(column))
                .with_hint("Use OVERRIDING SYSTEM VALUE to override."));
            }
        }
        Ok(())
    }

    /// Whether some row has no value of its own for a column.
    fn needs_default(&self, ordinal: usize, source: &InsertSource) -> bool {
        if self.ignores_given(ordinal) {
            return true;
        }
        let InsertSource::Query(query) = source else { return true };
        let place = self.ordinals.iter().position(|target| *target == ordinal);
        match (place, &query.body) {
            (Some(place), QueryBody::Values(values)) => values.rows.iter().any(|row| {
                row.get(place).is_none_or(|entry| matches!(entry.kind, ExpressionKind::Default))
            }),
            _ => true,
        }
    }

    fn types(&self) -> Vec<DataType> {
        let columns = &self.schema.columns;
        self.ordinals.iter().map(|ordinal| columns[*ordinal].data_type).collect()
    }
}

/// VALUES: each entry is read straight as its column's type.
fn bind_rows(
    context: &mut Context<'_>,
    targets: &Targets<'_>,
    rows: &[Vec<ast::Expression>],
    alias: Option<&str>,
) -> Result<BoundQuery> {
    let mut level = Level::new(Clause::Values);
    level.seen.push(Arc::new(target_source(targets.schema, alias, 0)));
    context.levels.push(level);
    let mut bound = Vec::with_capacity(rows.len());
    for row in rows {
        let mut values = targets.defaults.clone();
        for (entry, ordinal) in row.iter().zip(&targets.ordinals) {
            if matches!(entry.kind, ExpressionKind::Default) {
                continue;
            }
            let column = &targets.schema.columns[*ordinal];
            let typed = bind_expression(context, entry)?;
            let value = assign(context, typed, column.data_type, &column.name)?;
            if !targets.ignores_given(*ordinal) {
                values[*ordinal] = value;
            }
        }
        bound.push(values);
    }
    context.levels.pop();
    let first = context.draw_column_ids(targets.schema.columns.len());
    let types = targets.schema.columns.iter().map(|column| column.data_type);
    let relation = Relation::Values { columns: (first..).zip(types).collect(), rows: bound };
    Ok(BoundQuery { relation, columns: output_columns(targets.schema, first) })
}

/// INSERT ... SELECT.
fn bind_select(
    context: &mut Context<'_>,
    targets: &mut Targets<'_>,
    query: &ast::Query,
) -> Result<BoundQuery> {
    let mut rows = bind_query(context, query, Unknowns::Keep)?;
    targets.check_width(rows.columns.len(), |index| rows.positions[index])?;
    targets.select_width = rows.columns.len();
    rows.coerce_unknown(context, &targets.types(), Coercion::Assignment)?;
    let mut values = targets.defaults.clone();
    for (value, ordinal) in rows.column_values().into_iter().zip(&targets.ordinals) {
        let column = &targets.schema.columns[*ordinal];
        let value = assign(context, value, column.data_type, &column.name)?;
        if !targets.ignores_given(*ordinal) {
            values[*ordinal] = value;
        }
    }
    let first = context.draw_column_ids(values.len());
    let input = Box::new(rows.relation);
    let relation = Relation::Project { input, columns: (first..).zip(values).collect() };
    Ok(BoundQuery { relation, columns: output_columns(targets.schema, first) })
}

/// DETAIL of 428C9.
pub(super) fn always_generated(column: &ColumnDefinition) -> String {
    format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name)
}

fn output_columns(schema: &Schema, first: usize) -> Vec<OutputColumn> {
    let columns = schema.columns.iter().zip(first..);
    columns
        .map(|(column, id)| OutputColumn {
            name: Arc::clone(&column.name),
            data_type: column.data_type,
            id,
        })
        .collect()
}
