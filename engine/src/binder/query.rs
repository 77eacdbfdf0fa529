//! Queries: set operations, VALUES, and ORDER BY and LIMIT over them.

use crate::binder::bound::{ColumnId, Expression, OutputColumn, Relation};
use crate::binder::coercion::{Coercion, coerce};
use crate::binder::context::{Context, Typed};
use crate::binder::locking::refused;
use crate::binder::select::bind_select;
use crate::binder::set_operation::bind_set_operation;
use crate::binder::values::bind_values;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::parser::ast::{Locking, OrderItem, Query, QueryBody};
use crate::types::{DataType, Position};

/// Bound rows with their columns' names, types and places.
pub(super) struct Rows {
    /// The rows.
    pub(super) relation: Relation,
    /// Their columns.
    pub(super) columns: Vec<OutputColumn>,
    /// Where each column's expression stands.
    pub(super) positions: Vec<Position>,
}

/// What becomes of output columns whose type nothing decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknowns {
    /// They are text.
    ToText,
    /// The caller decides, by [`Rows::coerce_unknown`].
    Keep,
}

/// ORDER BY, LIMIT and OFFSET of a query.
#[derive(Clone)]
pub(super) struct Tail<'a> {
    /// ORDER BY.
    pub(super) order_by: &'a [OrderItem],
    /// LIMIT.
    pub(super) limit: Option<&'a ast::Expression>,
    /// OFFSET.
    pub(super) offset: Option<&'a ast::Expression>,
    /// FOR UPDATE and its kin, of the query and of those in parentheses that are it.
    pub(super) locking: Vec<&'a [Locking]>,
}

impl Tail<'_> {
    /// Nothing of them.
    pub(super) const NONE: Self =
        Self { order_by: &[], limit: None, offset: None, locking: Vec::new() };

    /// 0A000 if rows are to be locked of something that has none of its own; `what` ends the message.
    pub(super) fn refuse_locking(&self, what: &str) -> Result<()> {
        match self.locking.iter().flat_map(|clauses| clauses.iter()).next() {
            Some(locking) => Err(refused(locking.strength, what)),
            None => Ok(()),
        }
    }
}

/// Binds a query in a level of its own.
pub(super) fn bind_query(
    context: &mut Context<'_>,
    query: &Query,
    unknowns: Unknowns,
) -> Result<Rows> {
    let (body, tail) = merge_parentheses(query)?;
    bind_body(context, body, &tail, unknowns)
}

/// Binds a query's body with what follows it.
pub(super) fn bind_body(
    context: &mut Context<'_>,
    body: &QueryBody,
    tail: &Tail<'_>,
    unknowns: Unknowns,
) -> Result<Rows> {
    match body {
        QueryBody::Select(select) => {
            context.descend(select.position)?;
            let rows = bind_select(context, select, tail, unknowns)?;
            context.ascend();
            Ok(rows)
        }
        QueryBody::Values(values) => bind_values(context, values, tail),
        QueryBody::SetOperation { operator, all, left, right, position } => {
            context.descend(*position)?;
            let rows = bind_set_operation(context, *operator, *all, left, right, tail)?;
            context.ascend();
            Ok(rows)
        }
        QueryBody::Nested(query) => {
            // It is an operand of a set operation.
            if let Some(locking) = query.locking.first() {
                let what = "is not allowed with UNION/INTERSECT/EXCEPT";
                return Err(refused(locking.strength, what));
            }
            context.descend(Position::UNKNOWN)?;
            let rows = bind_query(context, query, unknowns)?;
            context.ascend();
            Ok(rows)
        }
    }
}

/// `(SELECT ... LIMIT 1) ORDER BY x` is one query with both clauses, as in PostgreSQL's grammar; the same clause inside
/// and outside is 42601.
fn merge_parentheses(query: &Query) -> Result<(&QueryBody, Tail<'_>)> {
    let mut tail = Tail {
        order_by: &query.order_by,
        limit: query.limit.as_ref(),
        offset: query.offset.as_ref(),
        locking: clauses_of(query).collect(),
    };
    let mut body = &query.body;
    while let QueryBody::Nested(inner) = body {
        match (inner.order_by.is_empty(), tail.order_by.first()) {
            (false, Some(item)) => return Err(multiple("ORDER BY", item.expression.position)),
            (false, None) => tail.order_by = &inner.order_by,
            (true, _) => {}
        }
        merge_clause(&mut tail.offset, inner.offset.as_ref(), "OFFSET")?;
        merge_clause(&mut tail.limit, inner.limit.as_ref(), "LIMIT")?;
        tail.locking.extend(clauses_of(inner));
        body = &inner.body;
    }
    Ok((body, tail))
}

fn clauses_of(query: &Query) -> impl Iterator<Item = &[Locking]> {
    Some(query.locking.as_slice()).filter(|clauses| !clauses.is_empty()).into_iter()
}

fn merge_clause<'a>(
    outer: &mut Option<&'a ast::Expression>,
    inner: Option<&'a ast::Expression>,
    name: &str,
) -> Result<()> {
    match (&outer, inner) {
        (Some(outer), Some(_)) => Err(multiple(name, outer.position)),
        (None, Some(inner)) => {
            *outer = Some(inner);
            Ok(())
        }
        (_, None) => Ok(()),
    }
}

fn multiple(clause: &str, position: Position) -> Error {
    Error::new(SqlState::SyntaxError, format!("multiple {clause} clauses not allowed")).at(position)
}

impl Rows {
    /// References to the columns.
    pub(super) fn column_values(&self) -> Vec<Typed> {
        self.columns
            .iter()
            .zip(&self.positions)
            .map(|(column, position)| {
                let value = Expression::Column { id: column.id, data_type: column.data_type };
                Typed::new(value, *position)
            })
            .collect()
    }

    /// Brings the columns to `targets`: undecided ones are read as that type, others cast implicitly.
    pub(super) fn coerce_to(
        &mut self,
        context: &mut Context<'_>,
        targets: &[DataType],
    ) -> Result<()> {
        self.coerce_unknown(context, targets, Coercion::Implicit)?;
        let cast_needed = self
            .columns
            .iter()
            .zip(targets)
            .any(|(column, target)| needs_cast(column.data_type, *target));
        if !cast_needed {
            for (column, target) in self.columns.iter_mut().zip(targets) {
                column.data_type = *target;
            }
            return Ok(());
        }
        let mut projected: Vec<(ColumnId, Expression)> = Vec::with_capacity(targets.len());
        for ((column, target), position) in
            self.columns.iter_mut().zip(targets).zip(&self.positions)
        {
            let value = Expression::Column { id: column.id, data_type: column.data_type };
            let value = coerce(context, Typed::new(value, *position), *target, Coercion::Implicit)?;
            column.id = context.draw_column_id();
            column.data_type = *target;
            projected.push((column.id, value));
        }
        let input = Box::new(std::mem::replace(&mut self.relation, Relation::OneRow));
        self.relation = Relation::Project { input, columns: projected };
        Ok(())
    }

    /// Reads the columns of undecided type as `targets`. They stand in the projection on top, where
    /// [`Unknowns::Keep`] left them.
    pub(super) fn coerce_unknown(
        &mut self,
        context: &mut Context<'_>,
        targets: &[DataType],
        coercion: Coercion,
    ) -> Result<()> {
        let Relation::Project { columns: values, .. } = &mut self.relation else {
            return Ok(());
        };
        for (index, target) in targets.iter().enumerate().take(self.columns.len()) {
            let column = &mut self.columns[index];
            if column.data_type != DataType::Unknown {
                continue;
            }
            let Some((_, value)) = values.iter_mut().find(|(id, _)| *id == column.id) else {
                continue;
            };
            let unknown = std::mem::replace(value, crate::binder::literal::boolean(false));
            let unknown = Typed::new(unknown, self.positions[index]);
            *value = coerce(context, unknown, *target, coercion)?;
            column.data_type = *target;
        }
        Ok(())
    }
}

/// TEXT and VARCHAR are the same thing to look at.
fn needs_cast(source: DataType, target: DataType) -> bool {
    !(source.same_kind(target) || source.is_text() && target.is_text())
}
