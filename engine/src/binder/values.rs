//! VALUES as a query.

use std::sync::Arc;

use crate::binder::bound::{Expression, OutputColumn, Relation};
use crate::binder::coercion::to_common_type;
use crate::binder::context::{Clause, Context, Level, Typed};
use crate::binder::expression::bind_expression;
use crate::binder::order;
use crate::binder::query::{Rows, Tail};
use crate::binder::scope::{Scope, Source, SourceColumn};
use crate::binder::select::{Item, ItemSource};
use crate::error::{Error, Result, SqlState};
use crate::limits::COLUMNS_MAX;
use crate::parser::ast;
use crate::types::{DataType, Position};

/// Binds VALUES with its ORDER BY and LIMIT: each column has the type that its entries have in common.
pub(super) fn bind_values(
    context: &mut Context<'_>,
    values: &ast::Values,
    tail: &Tail<'_>,
) -> Result<Rows> {
    check_width(values)?;
    tail.refuse_locking("cannot be applied to VALUES")?;
    context.descend(values.position)?;
    context.levels.push(Level::new(Clause::Values));
    let entries = bind_entries(context, values)?;
    let positions: Vec<Position> = entries.iter().map(|column| column[0].position).collect();
    let mut types: Vec<DataType> = Vec::with_capacity(entries.len());
    let mut rows: Vec<Vec<Expression>> = Vec::new();
    rows.resize_with(values.rows.len(), || Vec::with_capacity(entries.len()));
    for column in entries {
        let (column, data_type) = to_common_type(context, column, "VALUES")?;
        types.push(data_type);
        for (row, entry) in rows.iter_mut().zip(column) {
            row.push(entry);
        }
    }
    let first = context.draw_column_ids(types.len());
    let relation =
        Relation::Values { columns: (first..).zip(types.iter().copied()).collect(), rows };
    let columns = (first..)
        .zip(&types)
        .enumerate()
        .map(|(index, (id, data_type))| OutputColumn {
            name: Arc::from(format!("column{}", index + 1)),
            data_type: *data_type,
            id,
        })
        .collect();
    let rows = bind_tail(context, Rows { relation, columns, positions }, tail)?;
    context.levels.pop();
    context.ascend();
    Ok(rows)
}

/// The entries by column.
fn bind_entries(context: &mut Context<'_>, values: &ast::Values) -> Result<Vec<Vec<Typed>>> {
    let width = values.rows.first().map_or(0, Vec::len);
    let mut columns: Vec<Vec<Typed>> = Vec::new();
    columns.resize_with(width, || Vec::with_capacity(values.rows.len()));
    for row in &values.rows {
        for (column, entry) in columns.iter_mut().zip(row) {
            column.push(bind_expression(context, entry)?);
        }
    }
    Ok(columns)
}

/// 54011 for too many columns.
fn check_width(values: &ast::Values) -> Result<()> {
    let width = values.rows.first().map_or(0, Vec::len);
    if width > COLUMNS_MAX {
        return Err(Error::new(
            SqlState::TooManyColumns,
            format!("target lists can have at most {COLUMNS_MAX} entries"),
        )
        .at(values.position));
    }
    Ok(())
}

/// ORDER BY over VALUES may compute with its columns.
fn bind_tail(context: &mut Context<'_>, rows: Rows, tail: &Tail<'_>) -> Result<Rows> {
    let columns = rows
        .columns
        .iter()
        .map(|column| SourceColumn {
            name: Arc::clone(&column.name),
            id: column.id,
            data_type: column.data_type,
        })
        .collect();
    let name = Arc::from("*VALUES*");
    let source = Source { name, schema: None, aliased: true, columns };
    context.level().scope = Scope::of(Arc::new(source));
    let mut values = rows.column_values();
    let items: Vec<Item<'_>> = rows
        .columns
        .iter()
        .zip(&values)
        .map(|(column, value)| Item {
            name: Arc::clone(&column.name),
            source: ItemSource::Column(value.expression.clone()),
            position: value.position,
        })
        .collect();
    let keys = order::bind_order_by(context, tail.order_by, &items, &mut values)?;
    let limits = order::bind_limits(context, tail)?;
    Ok(order::apply_to_rows(rows, keys, limits))
}
