//! INSERT: rows of the whole table's shape, from VALUES, a query or defaults.

use std::sync::Arc;

use crate::binder::bound::{BoundInsert, BoundQuery, Expression, OutputColumn, Relation};
use crate::binder::coercion::{Coercion, assign, null};
use crate::binder::context::{Clause, Context, Level, start_of};
use crate::binder::default::default_value;
use crate::binder::expression::bind_expression;
use crate::binder::from::find_table;
use crate::binder::query::{Unknowns, bind_query};
use crate::binder::returning::{bind_returning, target_source};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{ExpressionKind, Identifier, Insert, InsertSource, QueryBody};
use crate::storage::schema::Schema;
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
}

/// Binds INSERT.
pub(super) fn bind_insert(context: &mut Context<'_>, insert: &Insert) -> Result<BoundInsert> {
    let (schema, _) = find_table(context, &insert.table)?;
    let mut targets = Targets {
        schema: &schema,
        written: &insert.columns,
        ordinals: target_ordinals(&schema, &insert.columns)?,
        defaults: Vec::with_capacity(schema.columns.len()),
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
                if query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none() =>
            {
                let width = values.rows.first().map_or(0, Vec::len);
                let place = |index: usize| start_of(&values.rows[0][index]);
                targets.check_width(width, place)?;
                bind_rows(context, &targets, &values.rows, alias)?
            }
            _ => bind_select(context, &targets, query)?,
        },
    };
    let returning = bind_returning(context, &insert.returning, &schema, alias)?;
    Ok(BoundInsert { table: schema.table, source, returning })
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
        Error::new(
            SqlState::UndefinedColumn,
            format!("column \"{}\" of relation \"{}\" does not exist", column.name, schema.name),
        )
        .at(column.position)
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

    /// Whether some row has no value of its own for a column.
    fn needs_default(&self, ordinal: usize, source: &InsertSource) -> bool {
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
            values[*ordinal] = assign(context, typed, column.data_type, &column.name)?;
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
    targets: &Targets<'_>,
    query: &ast::Query,
) -> Result<BoundQuery> {
    let mut rows = bind_query(context, query, Unknowns::Keep)?;
    targets.check_width(rows.columns.len(), |index| rows.positions[index])?;
    rows.coerce_unknown(context, &targets.types(), Coercion::Assignment)?;
    let mut values = targets.defaults.clone();
    for (value, ordinal) in rows.column_values().into_iter().zip(&targets.ordinals) {
        let column = &targets.schema.columns[*ordinal];
        values[*ordinal] = assign(context, value, column.data_type, &column.name)?;
    }
    let first = context.draw_column_ids(values.len());
    let input = Box::new(rows.relation);
    let relation = Relation::Project { input, columns: (first..).zip(values).collect() };
    Ok(BoundQuery { relation, columns: output_columns(targets.schema, first) })
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
