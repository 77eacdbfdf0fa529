//! Bound trees as compact text.

use std::fmt::Write as _;

use crate::binder::bound::{
    Bound, BoundConflict, BoundQuery, BoundStatement, Expression, Function, OutputColumn, Relation,
    Returning,
};
use crate::types::{Value, cast_to_text};

/// A statement on one line: `#1` is a column id, `:int8` a cast.
pub(super) fn print(bound: &Bound) -> String {
    let mut text = match &bound.statement {
        BoundStatement::Query(query) => print_query(query),
        BoundStatement::Insert(insert) => {
            format!(
                "insert {}{}{}",
                print_query(&insert.source),
                conflict(insert.conflict.as_ref()),
                returning(insert.returning.as_ref())
            )
        }
        BoundStatement::Update(update) => format!(
            "update {:?} {}{}",
            update.ordinals,
            print_query(&update.source),
            returning(update.returning.as_ref())
        ),
        BoundStatement::Delete(delete) => {
            format!(
                "delete {}{}",
                print_query(&delete.source),
                returning(delete.returning.as_ref())
            )
        }
    };
    for (index, query) in bound.subqueries.iter().enumerate() {
        let _ = write!(text, " | sub{index}: {}", print_query(query));
    }
    if !bound.parameters.is_empty() {
        let _ = write!(text, " | ${:?}", bound.parameters);
    }
    text
}

fn print_query(query: &BoundQuery) -> String {
    format!("{} => {}", relation(&query.relation), outputs(&query.columns))
}

fn outputs(columns: &[OutputColumn]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}#{}", column.name, column.data_type.pg_name(), column.id))
        .collect();
    columns.join(", ")
}

fn conflict(conflict: Option<&BoundConflict>) -> String {
    let Some(conflict) = conflict else { return String::new() };
    let Some(update) = &conflict.update else { return " or nothing".to_owned() };
    let filter = update.filter.as_ref().map_or_else(String::new, |filter| {
        format!(" where {}", list(std::slice::from_ref(filter)))
    });
    format!(" or update {:?} {}{filter}", update.ordinals, list(&update.values))
}

fn returning(returning: Option<&Returning>) -> String {
    returning.map_or_else(String::new, |returning| {
        format!(" returning {} => {}", list(&returning.expressions), outputs(&returning.columns))
    })
}

fn relation(relation_: &Relation) -> String {
    match relation_ {
        Relation::OneRow => "one".to_owned(),
        Relation::Empty { .. } => "empty".to_owned(),
        Relation::Scan { columns, row_id, alias, .. } => {
            let mut names: Vec<String> =
                columns.iter().map(|(id, ordinal)| format!("#{id}={ordinal}")).collect();
            names.extend(row_id.map(|id| format!("#{id}=rowid")));
            format!("{alias}[{}]", names.join(" "))
        }
        Relation::Values { columns, rows } => {
            let rows: Vec<String> = rows.iter().map(|row| format!("({})", list(row))).collect();
            let ids: Vec<String> = columns.iter().map(|(id, _)| format!("#{id}")).collect();
            format!("values[{}] {}", ids.join(" "), rows.join(" "))
        }
        Relation::Filter { input, predicate } => {
            format!("filter({}, {})", relation(input), expression(predicate))
        }
        Relation::Project { input, columns } => {
            let columns: Vec<String> =
                columns.iter().map(|(id, value)| format!("#{id}={}", expression(value))).collect();
            format!("project({}; {})", relation(input), columns.join(", "))
        }
        Relation::Join { kind, left, right, condition } => {
            let condition =
                condition.as_ref().map_or_else(String::new, |c| format!(", {}", expression(c)));
            format!("{kind:?}({}, {}{condition})", relation(left), relation(right)).to_lowercase()
        }
        Relation::Aggregate { input, groups, aggregates } => {
            let groups: Vec<String> =
                groups.iter().map(|(id, value)| format!("#{id}={}", expression(value))).collect();
            let aggregates: Vec<String> = aggregates
                .iter()
                .map(|(id, call)| {
                    let argument = call.argument.as_ref().map_or_else(String::new, expression);
                    let distinct = if call.distinct { "distinct " } else { "" };
                    format!(
                        "#{id}={:?}({distinct}{argument}):{}",
                        call.function,
                        call.data_type.pg_name()
                    )
                })
                .collect();
            format!(
                "aggregate({}; {}; {})",
                relation(input),
                groups.join(", "),
                aggregates.join(", ")
            )
        }
        Relation::Lock { input, locks } => {
            let locks = locks.iter().map(|lock| format!("#{} {:?}", lock.row_id, lock.strength));
            format!("lock({}; {})", relation(input), locks.collect::<Vec<_>>().join(", "))
        }
        Relation::Distinct { input, .. } => format!("distinct({})", relation(input)),
        Relation::Sort { input, keys } => {
            let keys: Vec<String> = keys
                .iter()
                .map(|key| {
                    let direction = if key.descending { " desc" } else { "" };
                    let nulls = if key.nulls_first { " nulls first" } else { "" };
                    format!("{}{direction}{nulls}", expression(&key.expression))
                })
                .collect();
            format!("sort({}; {})", relation(input), keys.join(", "))
        }
        Relation::Limit { input, limit, offset } => {
            let limit = limit.as_ref().map_or_else(|| "-".to_owned(), expression);
            let offset = offset.as_ref().map_or_else(|| "-".to_owned(), expression);
            format!("limit({}; {limit}, {offset})", relation(input))
        }
        Relation::SetOperation { operator, all, left, right, columns } => {
            let ids: Vec<String> = columns.iter().map(|(id, _)| format!("#{id}")).collect();
            let all = if *all { " all" } else { "" };
            format!(
                "{operator:?}{all}[{}]({} {:?}, {} {:?})",
                ids.join(" "),
                relation(&left.0),
                left.1,
                relation(&right.0),
                right.1
            )
            .to_lowercase()
        }
    }
}

fn list(expressions: &[Expression]) -> String {
    let texts: Vec<String> = expressions.iter().map(expression).collect();
    texts.join(", ")
}

fn expression(value: &Expression) -> String {
    match value {
        Expression::Literal { value: Value::Null, data_type } => {
            format!("null:{}", data_type.pg_name())
        }
        Expression::Literal { value, data_type } => {
            let mut text = String::new();
            cast_to_text(value.as_ref(), None, &mut text);
            format!("{text}:{}", data_type.pg_name())
        }
        Expression::Parameter { index, data_type } => {
            format!("${}:{}", index + 1, data_type.pg_name())
        }
        Expression::Column { id, .. } => format!("#{id}"),
        Expression::Call { function, arguments, data_type } => {
            let name = match function {
                Function::Compare(comparison) => format!("{comparison:?}"),
                Function::Arithmetic(arithmetic) => format!("{arithmetic:?}"),
                Function::Scalar(scalar) => format!("{scalar:?}"),
                other => format!("{other:?}"),
            };
            format!("{name}({}):{}", list(arguments), data_type.pg_name())
        }
        Expression::Cast { operand, target, explicit } => {
            let explicit = if *explicit { "::" } else { ":=" };
            format!("{}{explicit}{target}", expression(operand))
        }
        Expression::And(operands) => format!("and({})", list(operands)),
        Expression::Or(operands) => format!("or({})", list(operands)),
        Expression::Not(operand) => format!("not({})", expression(operand)),
        Expression::IsNull { operand, negated } => {
            format!("isnull{}({})", if *negated { "not" } else { "" }, expression(operand))
        }
        Expression::IsBoolean { operand, value, negated } => {
            format!("is{}{value}({})", if *negated { "not" } else { "" }, expression(operand))
        }
        Expression::InList { operand, list: elements, negated } => {
            format!(
                "{}in({}; {})",
                if *negated { "not" } else { "" },
                expression(operand),
                list(elements)
            )
        }
        Expression::Case { branches, otherwise, data_type } => {
            let branches: Vec<String> = branches
                .iter()
                .map(|(condition, value)| {
                    format!("{}: {}", expression(condition), expression(value))
                })
                .collect();
            let otherwise = otherwise
                .as_deref()
                .map_or_else(String::new, |o| format!(" else {}", expression(o)));
            format!("case({}{otherwise}):{}", branches.join(" | "), data_type.pg_name())
        }
        Expression::Coalesce { operands, data_type } => {
            format!("coalesce({}):{}", list(operands), data_type.pg_name())
        }
        Expression::ScalarSubquery { index, data_type } => {
            format!("scalar{index}:{}", data_type.pg_name())
        }
        Expression::Exists { index } => format!("exists{index}"),
        Expression::InSubquery { operand, index, negated } => {
            format!("{}insub{index}({})", if *negated { "not" } else { "" }, expression(operand))
        }
    }
}
