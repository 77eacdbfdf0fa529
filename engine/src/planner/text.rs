//! Resolved expressions as EXPLAIN shows them.

use std::fmt::Write;
use std::sync::Arc;

use crate::binder::bound::{
    AggregateCall, AggregateFunction, Arithmetic, Comparison, Expression, Function, ScalarFunction,
};
use crate::types::{ValueRef, format_value};

/// Characters of the name of a computed column: nested computations would double it at every level.
const NAME_CHARACTERS_MAX: usize = 60;
/// Numbers of a vector, or elements of a list, that are shown.
const ELEMENTS_SHOWN_MAX: usize = 8;

/// What EXPLAIN calls a column computed as `expression` over columns called `names`.
pub(super) fn column_name(expression: &Expression, names: &[Arc<str>]) -> Arc<str> {
    match expression {
        Expression::Column { id, .. } => Arc::clone(&names[*id]),
        _ => cut(expression_text(expression, names)),
    }
}

/// What EXPLAIN calls an aggregate's column.
pub(super) fn aggregate_name(call: &AggregateCall, names: &[Arc<str>]) -> Arc<str> {
    cut(aggregate_text(call, names))
}

fn cut(mut text: String) -> Arc<str> {
    if let Some((place, _)) = text.char_indices().nth(NAME_CHARACTERS_MAX) {
        text.truncate(place);
        text.push_str("...");
    }
    text.into()
}

/// An aggregate in SQL.
pub(super) fn aggregate_text(call: &AggregateCall, names: &[Arc<str>]) -> String {
    let name = match call.function {
        AggregateFunction::CountStar => return "count(*)".to_owned(),
        AggregateFunction::Count => "count",
        AggregateFunction::Sum => "sum",
        AggregateFunction::Average => "avg",
        AggregateFunction::Min => "min",
        AggregateFunction::Max => "max",
    };
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let argument = call.argument.as_ref().map(|argument| expression_text(argument, names));
    format!("{name}({distinct}{})", argument.unwrap_or_default())
}

/// An expression in SQL, every operator in parentheses.
pub(super) fn expression_text(expression: &Expression, names: &[Arc<str>]) -> String {
    let mut text = String::new();
    write_expression(&mut text, expression, names);
    text
}

fn write_expression(text: &mut String, expression: &Expression, names: &[Arc<str>]) {
    match expression {
        Expression::Literal { value, .. } => write_value(text, value.as_ref()),
        Expression::Parameter { index, .. } => push(text, format_args!("${}", index + 1)),
        Expression::Column { id, .. } => text.push_str(names.get(*id).map_or("?", |name| name)),
        Expression::Call { function, arguments, .. } => {
            write_call(text, *function, arguments, names);
        }
        Expression::Cast { operand, target, .. } => {
            write_expression(text, operand, names);
            push(text, format_args!("::{target}"));
        }
        Expression::And(operands) => write_joined(text, operands, " AND ", names),
        Expression::Or(operands) => write_joined(text, operands, " OR ", names),
        Expression::Not(operand) => {
            text.push_str("(NOT ");
            write_expression(text, operand, names);
            text.push(')');
        }
        Expression::IsNull { operand, negated } => {
            text.push('(');
            write_expression(text, operand, names);
            text.push_str(if *negated { " IS NOT NULL)" } else { " IS NULL)" });
        }
        Expression::IsBoolean { operand, value, negated } => {
            text.push('(');
            write_expression(text, operand, names);
            let not = if *negated { "NOT " } else { "" };
            push(text, format_args!(" IS {not}{})", if *value { "TRUE" } else { "FALSE" }));
        }
        Expression::InList { operand, list, negated } => {
            text.push('(');
            write_expression(text, operand, names);
            text.push_str(if *negated { " NOT IN (" } else { " IN (" });
            write_list(text, list, names);
            text.push_str("))");
        }
        Expression::Case { branches, otherwise, .. } => {
            write_case(text, branches, otherwise.as_deref(), names);
        }
        Expression::Coalesce { operands, .. } => {
            text.push_str("COALESCE(");
            write_list(text, operands, names);
            text.push(')');
        }
        Expression::ScalarSubquery { index, .. } => {
            push(text, format_args!("(SubPlan {})", index + 1));
        }
        Expression::Exists { index } => push(text, format_args!("EXISTS (SubPlan {})", index + 1)),
        Expression::InSubquery { operand, index, negated } => {
            text.push('(');
            write_expression(text, operand, names);
            let not = if *negated { " NOT" } else { "" };
            push(text, format_args!("{not} IN (SubPlan {}))", index + 1));
        }
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string does not fail");
}

fn write_joined(text: &mut String, operands: &[Expression], between: &str, names: &[Arc<str>]) {
    text.push('(');
    for (place, operand) in operands.iter().enumerate() {
        if place > 0 {
            text.push_str(between);
        }
        write_expression(text, operand, names);
    }
    text.push(')');
}

fn write_list(text: &mut String, list: &[Expression], names: &[Arc<str>]) {
    for (place, element) in list.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        if place == ELEMENTS_SHOWN_MAX {
            text.push_str("...");
            return;
        }
        write_expression(text, element, names);
    }
}

fn write_case(
    text: &mut String,
    branches: &[(Expression, Expression)],
    otherwise: Option<&Expression>,
    names: &[Arc<str>],
) {
    text.push_str("CASE");
    for (condition, value) in branches {
        text.push_str(" WHEN ");
        write_expression(text, condition, names);
        text.push_str(" THEN ");
        write_expression(text, value, names);
    }
    if let Some(otherwise) = otherwise {
        text.push_str(" ELSE ");
        write_expression(text, otherwise, names);
    }
    text.push_str(" END");
}

fn write_call(text: &mut String, function: Function, arguments: &[Expression], names: &[Arc<str>]) {
    match (operator(function), arguments) {
        (Some(sign), [left, right]) => {
            text.push('(');
            write_expression(text, left, names);
            push(text, format_args!(" {sign} "));
            write_expression(text, right, names);
            text.push(')');
        }
        _ if function == Function::Negate => {
            text.push_str("(- ");
            write_list(text, arguments, names);
            text.push(')');
        }
        _ => {
            text.push_str(function_name(function));
            text.push('(');
            write_list(text, arguments, names);
            text.push(')');
        }
    }
}

fn operator(function: Function) -> Option<&'static str> {
    Some(match function {
        Function::Compare(comparison) => match comparison {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        },
        Function::DistinctFrom(false) => "IS DISTINCT FROM",
        Function::DistinctFrom(true) => "IS NOT DISTINCT FROM",
        Function::Arithmetic(arithmetic) => match arithmetic {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Modulo => "%",
            Arithmetic::Power => "^",
        },
        Function::Concatenate => "||",
        Function::Like => "~~",
        Function::ILike => "~~*",
        _ => distance_operator(function)?,
    })
}

/// The operator of a distance function.
pub(super) fn distance_operator(function: Function) -> Option<&'static str> {
    match function {
        Function::DistanceEuclidean => Some("<->"),
        Function::DistanceInnerProduct => Some("<#>"),
        Function::DistanceCosine => Some("<=>"),
        Function::DistanceTaxicab => Some("<+>"),
        _ => None,
    }
}

fn function_name(function: Function) -> &'static str {
    match function {
        Function::Like => "like_escape",
        Function::ILike => "ilike_escape",
        Function::NullIf => "NULLIF",
        Function::Greatest => "GREATEST",
        Function::Least => "LEAST",
        Function::Scalar(scalar) => scalar_name(scalar),
        other => operator(other).unwrap_or("-"),
    }
}

fn scalar_name(function: ScalarFunction) -> &'static str {
    match function {
        ScalarFunction::Abs => "abs",
        ScalarFunction::Ceil => "ceil",
        ScalarFunction::Floor => "floor",
        ScalarFunction::Round => "round",
        ScalarFunction::Trunc => "trunc",
        ScalarFunction::Sign => "sign",
        ScalarFunction::Mod => "mod",
        ScalarFunction::Power => "power",
        ScalarFunction::Sqrt => "sqrt",
        ScalarFunction::Exp => "exp",
        ScalarFunction::Ln => "ln",
        ScalarFunction::Log10 => "log",
        ScalarFunction::Pi => "pi",
        ScalarFunction::Length => "length",
        ScalarFunction::OctetLength => "octet_length",
        ScalarFunction::Lower => "lower",
        ScalarFunction::Upper => "upper",
        ScalarFunction::Substring => "substring",
        ScalarFunction::TrimBoth => "btrim",
        ScalarFunction::TrimLeft => "ltrim",
        ScalarFunction::TrimRight => "rtrim",
        ScalarFunction::Replace => "replace",
        ScalarFunction::StringPosition => "strpos",
        ScalarFunction::Left => "left",
        ScalarFunction::Right => "right",
        ScalarFunction::Concat => "concat",
        ScalarFunction::ConcatWithSeparator => "concat_ws",
        ScalarFunction::Repeat => "repeat",
        ScalarFunction::Reverse => "reverse",
        ScalarFunction::PadLeft => "lpad",
        ScalarFunction::PadRight => "rpad",
        ScalarFunction::StartsWith => "starts_with",
        ScalarFunction::SplitPart => "split_part",
        ScalarFunction::VectorDimensions => "vector_dims",
        ScalarFunction::VectorNorm => "vector_norm",
        ScalarFunction::InnerProduct => "inner_product",
        ScalarFunction::Datetime(function) => function.name(),
        ScalarFunction::NextValue => "nextval",
        ScalarFunction::CurrentValue => "currval",
        ScalarFunction::LastValue => "lastval",
        ScalarFunction::SetValue => "setval",
        ScalarFunction::System(function) => function.name(),
        ScalarFunction::Advisory(function) => function.name(),
    }
}

fn write_value(text: &mut String, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => text.push_str("NULL"),
        ValueRef::Bool(value) => text.push_str(if value { "true" } else { "false" }),
        ValueRef::Int2(value) => push(text, format_args!("{value}")),
        ValueRef::Int4(value) => push(text, format_args!("{value}")),
        ValueRef::Int8(value) => push(text, format_args!("{value}")),
        ValueRef::Float4(value) => push(text, format_args!("{value}")),
        ValueRef::Float8(value) => push(text, format_args!("{value}")),
        ValueRef::Date(_)
        | ValueRef::Time(_)
        | ValueRef::Timestamp(_)
        | ValueRef::TimestampTz(_)
        | ValueRef::Interval(_) => {
            text.push('\'');
            format_value(value, text);
            text.push('\'');
        }
        ValueRef::Text(value) => push(text, format_args!("'{}'", value.replace('\'', "''"))),
        ValueRef::Vector(value) => {
            text.push_str("'[");
            for (place, element) in value.iter().take(ELEMENTS_SHOWN_MAX).enumerate() {
                push(text, format_args!("{}{element}", if place > 0 { "," } else { "" }));
            }
            text.push_str(if value.len() > ELEMENTS_SHOWN_MAX { ",...]'" } else { "]'" });
        }
    }
}
