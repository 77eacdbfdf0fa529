//! Aggregates and grouping: what may stand beside them, and the relation they become.

use crate::binder::bound::{AggregateCall, AggregateFunction, ColumnId, Expression, Relation};
use crate::binder::coercion::{self, Category, Coercion, category, coerce};
use crate::binder::conditional::bind_all;
use crate::binder::context::{Context, Level, Reference, Typed};
use crate::binder::function::{ambiguous_function, undefined_function};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast;
use crate::types::{DataType, Position};

/// An aggregate by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Count,
    Sum,
    Average,
    Min,
    Max,
}

impl Kind {
    /// The aggregate called `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "avg" => Self::Average,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

/// Binds an aggregate call: notes it with the level, and yields the column that it becomes.
pub(super) fn bind_aggregate(
    context: &mut Context<'_>,
    kind: Kind,
    call: &ast::FunctionCall,
    position: Position,
) -> Result<Typed> {
    let level = context.level();
    if let Some(clause) = level.clause.refuses_aggregates() {
        return Err(grouping_error(
            format!("aggregate functions are not allowed in {clause}"),
            position,
        ));
    }
    if level.inside_aggregate {
        return Err(grouping_error("aggregate function calls cannot be nested", position));
    }
    level.inside_aggregate = true;
    let referred = level.references.len();
    let arguments = bind_all(context, &call.arguments)?;
    let level = context.level();
    level.inside_aggregate = false;
    // What an aggregate refers to need not be grouped.
    level.references.truncate(referred);

    let call = resolve(context, kind, call, arguments, position)?;
    let data_type = call.data_type;
    let present = context.level().aggregates.iter().find(|(_, other)| *other == call);
    let id = if let Some((id, _)) = present {
        *id
    } else {
        let id = context.draw_column_id();
        context.level().aggregates.push((id, call));
        id
    };
    Ok(Typed::new(Expression::Column { id, data_type }, position))
}

fn resolve(
    context: &mut Context<'_>,
    kind: Kind,
    call: &ast::FunctionCall,
    mut arguments: Vec<Typed>,
    position: Position,
) -> Result<AggregateCall> {
    let name = &*call.name.name;
    if kind == Kind::Count && call.arguments.is_empty() {
        if call.star {
            return Ok(AggregateCall {
                function: AggregateFunction::CountStar,
                argument: None,
                distinct: false,
                data_type: DataType::Int8,
            });
        }
        return Err(Error::new(
            SqlState::WrongObjectType,
            "count(*) must be used to call a parameterless aggregate function",
        )
        .at(position));
    }
    let types: Vec<DataType> = arguments.iter().map(Typed::data_type).collect();
    let ([source], Some(argument)) = (&*types, arguments.pop()) else {
        return Err(undefined_function(name, &types, position));
    };
    let (function, target, data_type) = match (kind, category(*source)) {
        (Kind::Count, Category::Unknown) => {
            (AggregateFunction::Count, DataType::Text, DataType::Int8)
        }
        (Kind::Count, _) => (AggregateFunction::Count, *source, DataType::Int8),
        (Kind::Sum, Category::Numeric) => {
            let result = if source.is_integer() { DataType::Int8 } else { *source };
            (AggregateFunction::Sum, *source, result)
        }
        (Kind::Average, Category::Numeric) => {
            (AggregateFunction::Average, *source, DataType::Float8)
        }
        (Kind::Sum, Category::Vector) => (AggregateFunction::Sum, *source, *source),
        (Kind::Average, Category::Vector) => (AggregateFunction::Average, *source, *source),
        (Kind::Min, Category::Numeric) => (AggregateFunction::Min, *source, *source),
        (Kind::Max, Category::Numeric) => (AggregateFunction::Max, *source, *source),
        (Kind::Min, Category::String | Category::Unknown) => {
            (AggregateFunction::Min, DataType::Text, DataType::Text)
        }
        (Kind::Max, Category::String | Category::Unknown) => {
            (AggregateFunction::Max, DataType::Text, DataType::Text)
        }
        (Kind::Min, Category::Datetime | Category::Timespan) => {
            (AggregateFunction::Min, *source, *source)
        }
        (Kind::Max, Category::Datetime | Category::Timespan) => {
            (AggregateFunction::Max, *source, *source)
        }
        (Kind::Sum | Kind::Average, Category::Timespan) => {
            return Err(Error::not_supported(&format!("{name}(interval)"), position));
        }
        (Kind::Sum | Kind::Average, Category::Unknown) => {
            return Err(ambiguous_function(name, &types, position));
        }
        _ => return Err(undefined_function(name, &types, position)),
    };
    let argument = coerce(context, argument, target, Coercion::Implicit)?;
    Ok(AggregateCall { function, argument: Some(argument), distinct: call.distinct, data_type })
}

/// Checks that every column referred to is grouped, or depends on a grouped primary key (then it becomes a group
/// column too, which changes no group).
pub(super) fn check_references(context: &mut Context<'_>) -> Result<()> {
    let references = std::mem::take(&mut context.level().references);
    for reference in references {
        let level = context.level();
        if level.groups.iter().any(|(_, group)| is_column(group, reference.id)) {
            continue;
        }
        let Some(data_type) = dependent_column(level, reference.id) else {
            return Err(ungrouped_column(level, reference));
        };
        let group = Expression::Column { id: reference.id, data_type };
        let id = context.draw_column_id();
        context.level().groups.push((id, group));
    }
    Ok(())
}

fn is_column(expression: &Expression, column: ColumnId) -> bool {
    matches!(expression, Expression::Column { id, .. } if *id == column)
}

/// The type of a column whose table's primary key is grouped.
fn dependent_column(level: &Level, column: ColumnId) -> Option<DataType> {
    let (source, ordinal) = level.scope.describe(column)?;
    let schema = source.schema.as_ref()?;
    let key = schema.indexes.iter().find(|index| index.primary)?;
    let grouped = key.columns.iter().all(|key_column| {
        let id = source.columns[key_column.ordinal].id;
        level.groups.iter().any(|(_, group)| is_column(group, id))
    });
    grouped.then_some(source.columns[ordinal].data_type)
}

fn ungrouped_column(level: &Level, reference: Reference) -> Error {
    let name = match level.scope.describe(reference.id) {
        Some((source, ordinal)) => format!("{}.{}", source.name, source.columns[ordinal].name),
        None => "?column?".to_owned(),
    };
    grouping_error(
        format!(
            "column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"
        ),
        reference.position,
    )
}

fn grouping_error(message: impl Into<String>, position: Position) -> Error {
    Error::new(SqlState::GroupingError, message).at(position)
}

/// Replaces what is a group's value by the group's column.
pub(super) fn replace_groups(expression: &mut Expression, groups: &[(ColumnId, Expression)]) {
    if let Some((id, group)) = groups.iter().find(|(_, group)| group == expression) {
        *expression = Expression::Column { id: *id, data_type: group.data_type() };
        return;
    }
    expression.each_child_mut(&mut |child| replace_groups(child, groups));
}

/// The relation that groups `input` as the level says.
pub(super) fn aggregate(level: &mut Level, input: Relation) -> Relation {
    Relation::Aggregate {
        input: Box::new(input),
        groups: std::mem::take(&mut level.groups),
        aggregates: std::mem::take(&mut level.aggregates),
    }
}

/// A group's value, its type decided.
pub(super) fn add_group(context: &mut Context<'_>, typed: Typed) -> Result<Expression> {
    let value = coercion::default_to_text(context, typed)?.expression;
    let known = context.level().groups.iter().any(|(_, group)| *group == value);
    if !known {
        let id = context.draw_column_id();
        context.level().groups.push((id, value.clone()));
    }
    Ok(value)
}
