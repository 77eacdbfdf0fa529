//! What only the whole statement decides: which columns scans need, and whether every parameter has a type.

use crate::binder::bound::{
    Bound, BoundQuery, BoundStatement, ColumnId, ConflictUpdate, Expression, OutputColumn,
    Relation, Returning,
};
use crate::binder::context::Context;
use crate::error::{Error, Result, SqlState};
use crate::types::DataType;

/// Completes a bound statement.
pub(super) fn finish(context: Context<'_>, statement: BoundStatement) -> Result<Bound> {
    let next_column_id = context.next_column_id();
    let mut bound = Bound {
        statement,
        subqueries: context.subqueries,
        parameters: context.parameters,
        next_column_id,
    };
    let mut found = Found { used: vec![false; next_column_id], undecided: None };
    if let Some(returning) = returning(&bound.statement) {
        // Its columns are ordinals of the table, not ids.
        let mut in_returning = Found { used: Vec::new(), undecided: None };
        for expression in &returning.expressions {
            in_returning.expression(expression);
        }
        found.undecided = in_returning.undecided;
    }
    if let Some(update) = conflict_update(&bound.statement) {
        // Likewise ordinals, of the two rows.
        let mut in_update = Found { used: Vec::new(), undecided: found.undecided };
        in_update.expressions(update.values.iter().chain(&update.filter));
        found.undecided = in_update.undecided;
    }
    let queries = || bound.subqueries.iter().chain([source(&bound.statement)]);
    for query in queries() {
        found.outputs(&query.columns);
        found.relation(&query.relation);
    }
    if let Some(index) = found.undecided.filter(|&i| bound.parameters[i] != DataType::Unknown) {
        return Err(
            undecided(SqlState::AmbiguousParameter, index).at(context.parameter_positions[index])
        );
    }
    if let Some(index) = bound.parameters.iter().position(|t| *t == DataType::Unknown) {
        return Err(undecided(SqlState::IndeterminateDatatype, index));
    }
    for query in &mut bound.subqueries {
        prune(&mut query.relation, &found.used);
    }
    prune(&mut source_mut(&mut bound.statement).relation, &found.used);
    Ok(bound)
}

fn undecided(sqlstate: SqlState, index: usize) -> Error {
    Error::new(sqlstate, format!("could not determine data type of parameter ${}", index + 1))
}

fn source(statement: &BoundStatement) -> &BoundQuery {
    match statement {
        BoundStatement::Query(query) => query,
        BoundStatement::Insert(insert) => &insert.source,
        BoundStatement::Update(update) => &update.source,
        BoundStatement::Delete(delete) => &delete.source,
    }
}

fn source_mut(statement: &mut BoundStatement) -> &mut BoundQuery {
    match statement {
        BoundStatement::Query(query) => query,
        BoundStatement::Insert(insert) => &mut insert.source,
        BoundStatement::Update(update) => &mut update.source,
        BoundStatement::Delete(delete) => &mut delete.source,
    }
}

fn returning(statement: &BoundStatement) -> Option<&Returning> {
    match statement {
        BoundStatement::Query(_) => None,
        BoundStatement::Insert(insert) => insert.returning.as_ref(),
        BoundStatement::Update(update) => update.returning.as_ref(),
        BoundStatement::Delete(delete) => delete.returning.as_ref(),
    }
}

fn conflict_update(statement: &BoundStatement) -> Option<&ConflictUpdate> {
    match statement {
        BoundStatement::Insert(insert) => insert.conflict.as_ref()?.update.as_ref(),
        _ => None,
    }
}

/// What a walk over the statement finds.
struct Found {
    /// Columns referred to, by id.
    used: Vec<bool>,
    /// A parameter that stands somewhere without a type.
    undecided: Option<usize>,
}

impl Found {
    fn column(&mut self, id: ColumnId) {
        if let Some(used) = self.used.get_mut(id) {
            *used = true;
        }
    }

    fn outputs(&mut self, columns: &[OutputColumn]) {
        for column in columns {
            self.column(column.id);
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Column { id, .. } => self.column(*id),
            Expression::Parameter { index, data_type: DataType::Unknown } => {
                self.undecided = Some(*index);
            }
            _ => expression.each_child(&mut |child| self.expression(child)),
        }
    }

    fn expressions<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn relation(&mut self, relation: &Relation) {
        match relation {
            Relation::OneRow | Relation::Empty { .. } | Relation::Scan { .. } => {}
            Relation::Values { rows, .. } => self.expressions(rows.iter().flatten()),
            Relation::Filter { predicate, .. } => self.expression(predicate),
            Relation::Project { columns, .. } => {
                self.expressions(columns.iter().map(|(_, value)| value));
            }
            Relation::Join { condition, .. } => self.expressions(condition),
            Relation::Aggregate { groups, aggregates, .. } => {
                self.expressions(groups.iter().map(|(_, value)| value));
                self.expressions(aggregates.iter().filter_map(|(_, call)| call.argument.as_ref()));
            }
            Relation::Distinct { columns, .. } => {
                for (id, _) in columns {
                    self.column(*id);
                }
            }
            Relation::Sort { keys, .. } => {
                self.expressions(keys.iter().map(|key| &key.expression));
            }
            Relation::Lock { locks, .. } => {
                for lock in locks {
                    self.column(lock.row_id);
                }
            }
            Relation::Limit { limit, offset, .. } => {
                self.expressions(limit);
                self.expressions(offset);
            }
            Relation::SetOperation { left, right, .. } => {
                for id in left.1.iter().chain(&right.1) {
                    self.column(*id);
                }
            }
        }
        relation.each_input(&mut |input| self.relation(input));
    }
}

/// Takes the columns that nothing refers to out of scans.
fn prune(relation: &mut Relation, used: &[bool]) {
    if let Relation::Scan { columns, .. } = relation {
        columns.retain(|(id, _)| used[*id]);
    }
    relation.each_input_mut(&mut |input| prune(input, used));
}
