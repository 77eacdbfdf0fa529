//! Operators and functions of dates, times and intervals: which take what.

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::binder::coercion::{Category, Coercion, category, coerce};
use crate::binder::context::{Context, Typed};
use crate::binder::fold::fold;
use crate::binder::function::undefined_function;
use crate::binder::operator::{ambiguous_operator, undefined_operator};
use crate::error::{Error, Result};
use crate::parser::ast::BinaryOperator;
use crate::types::datetime::DatetimeFunction;
use crate::types::{DataType, Position};

use DataType::{Date, Float8, Int4, Interval, Text, Time, Timestamp, TimestampTz, Unknown};
use DatetimeFunction as F;

/// What an operator becomes: function, types of its operands in their order, result, whether they change places.
type Operator = (DatetimeFunction, DataType, DataType, DataType, bool);

fn is_ours(data_type: DataType) -> bool {
    matches!(category(data_type), Category::Datetime | Category::Timespan)
}

/// Binds `left operator right` where one of them is of these types and the operator computes; None is for the others.
pub(super) fn bind_operator(
    context: &mut Context<'_>,
    operator: BinaryOperator,
    left: Typed,
    right: Typed,
    position: Position,
) -> Result<std::result::Result<Expression, (Typed, Typed)>> {
    let (left_type, right_type) = (left.data_type(), right.data_type());
    let symbol = match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        _ => return Ok(Err((left, right))),
    };
    if !is_ours(left_type) && !is_ours(right_type) {
        return Ok(Err((left, right)));
    }
    let signature = || format!("{} {symbol} {}", left_type.sql_name(), right_type.sql_name());
    if symbol == "+" && matches!((left_type, right_type), (Date, Unknown) | (Unknown, Date)) {
        return Err(ambiguous_operator(&signature(), position));
    }
    let Some((function, first, second, data_type, swapped)) =
        operator_of(symbol, left_type, right_type)
    else {
        return Err(undefined_operator(&signature(), position));
    };
    let (left, right) = if swapped { (right, left) } else { (left, right) };
    let arguments = vec![
        coerce(context, left, first, Coercion::Implicit)?,
        coerce(context, right, second, Coercion::Implicit)?,
    ];
    Ok(Ok(call(function, arguments, data_type)))
}

fn operator_of(symbol: &str, left: DataType, right: DataType) -> Option<Operator> {
    let in_order = |function, first, second, result| Some((function, first, second, result, false));
    // An interval may stand on either side of +.
    if symbol == "+" && left == Interval && is_ours(right) && right != Interval {
        let (function, first, second, result, _) = operator_of(symbol, right, left)?;
        return Some((function, first, second, result, true));
    }
    match (symbol, left, right) {
        ("+", Date, DataType::Int2 | Int4) => in_order(F::DateAddDays, Date, Int4, Date),
        ("+", DataType::Int2 | Int4, Date) => Some((F::DateAddDays, Date, Int4, Date, true)),
        ("-", Date, DataType::Int2 | Int4) => in_order(F::DateSubtractDays, Date, Int4, Date),
        ("-", Date | Unknown, Date) | ("-", Date, Unknown) => {
            in_order(F::DateDifference, Date, Date, Int4)
        }
        ("+", Date, Time) => in_order(F::DateAtTime, Date, Time, Timestamp),
        ("+", Time, Date) => Some((F::DateAtTime, Date, Time, Timestamp, true)),
        ("+", Date, Interval) => in_order(F::AddInterval, Timestamp, Interval, Timestamp),
        ("-", Date, Interval) => in_order(F::SubtractInterval, Timestamp, Interval, Timestamp),
        ("+", Timestamp | TimestampTz | Time, Interval | Unknown) => {
            in_order(F::AddInterval, left, Interval, left)
        }
        ("+", Unknown, Timestamp | TimestampTz | Time) => {
            Some((F::AddInterval, right, Interval, right, true))
        }
        ("-", Timestamp | TimestampTz | Time, Interval) => {
            in_order(F::SubtractInterval, left, Interval, left)
        }
        ("-", Time, Time | Unknown) | ("-", Unknown, Time) => {
            in_order(F::Difference, Time, Time, Interval)
        }
        ("-", TimestampTz, Unknown) | ("-", Unknown, TimestampTz) => {
            in_order(F::Difference, TimestampTz, TimestampTz, Interval)
        }
        ("-", Timestamp, Unknown) | ("-", Unknown, Timestamp) => {
            in_order(F::Difference, Timestamp, Timestamp, Interval)
        }
        ("-", left, right) if left.is_datetime() && right.is_datetime() => {
            let common = wider(left, right);
            in_order(F::Difference, common, common, Interval)
        }
        ("+", Interval, Interval | Unknown) | ("+", Unknown, Interval) => {
            in_order(F::IntervalAdd, Interval, Interval, Interval)
        }
        ("-", Interval, Interval | Unknown) | ("-", Unknown, Interval) => {
            in_order(F::IntervalSubtract, Interval, Interval, Interval)
        }
        ("*", Interval, right) if right.is_numeric() || right == Unknown => {
            in_order(F::IntervalMultiply, Interval, Float8, Interval)
        }
        ("*", left, Interval) if left.is_numeric() || left == Unknown => {
            Some((F::IntervalMultiply, Interval, Float8, Interval, true))
        }
        ("/", Interval, right) if right.is_numeric() || right == Unknown => {
            in_order(F::IntervalDivide, Interval, Float8, Interval)
        }
        _ => None,
    }
}

/// Of two types of days and moments the one that has what the other has.
pub(super) fn wider(left: DataType, right: DataType) -> DataType {
    match (left, right) {
        (TimestampTz, _) | (_, TimestampTz) => TimestampTz,
        (Timestamp, _) | (_, Timestamp) => Timestamp,
        _ => Date,
    }
}

/// Binds a function of these types by its name; None for one of another name.
pub(super) fn bind_function(
    context: &mut Context<'_>,
    name: &str,
    arguments: Vec<Typed>,
    position: Position,
) -> Result<std::result::Result<Expression, Vec<Typed>>> {
    let types: Vec<DataType> = arguments.iter().map(Typed::data_type).collect();
    let field = |data_type: DataType| data_type.is_text();
    let none = |function, result| Some((function, Vec::new(), result));
    let found: Option<(DatetimeFunction, Vec<DataType>, DataType)> = match (name, types.as_slice())
    {
        ("now" | "transaction_timestamp" | "current_timestamp", []) => none(F::Now, TimestampTz),
        ("statement_timestamp", []) => none(F::StatementTime, TimestampTz),
        ("clock_timestamp", []) => none(F::ClockTime, TimestampTz),
        ("current_date", []) => none(F::CurrentDate, Date),
        ("localtimestamp", []) => none(F::LocalTimestamp, Timestamp),
        ("localtime", []) => none(F::LocalTime, Time),
        ("extract", [name, of]) if field(*name) && is_ours(*of) => {
            Some((F::Extract, vec![Text, *of], Float8))
        }
        ("date_part", [name, of]) if field(*name) && is_ours(*of) => {
            Some((F::Part, vec![Text, *of], Float8))
        }
        ("date_trunc", [name, Date]) if field(*name) => {
            Some((F::Truncate, vec![Text, TimestampTz], TimestampTz))
        }
        ("date_trunc", [name, of @ (Timestamp | TimestampTz | Interval)]) if field(*name) => {
            Some((F::Truncate, vec![Text, *of], *of))
        }
        ("date_trunc", [name, Date | TimestampTz, zone]) if field(*name) && field(*zone) => {
            Some((F::TruncateInZone, vec![Text, TimestampTz, Text], TimestampTz))
        }
        ("timezone", [place, of]) if field(*place) || *place == Interval => {
            let place = if *place == Interval { Interval } else { Text };
            match of {
                Timestamp => Some((F::AtZone, vec![place, Timestamp], TimestampTz)),
                // PostgreSQL prefers this one for a date and for what has no type.
                TimestampTz | Date | Unknown => {
                    Some((F::AtZone, vec![place, TimestampTz], Timestamp))
                }
                _ => None,
            }
        }
        ("make_date", [year, month, day])
            if [year, month, day].iter().all(|part| is_int4(**part)) =>
        {
            Some((F::MakeDate, vec![Int4; 3], Date))
        }
        ("to_timestamp", [seconds]) if seconds.is_numeric() || *seconds == Unknown => {
            Some((F::ToTimestamp, vec![Float8], TimestampTz))
        }
        ("isfinite", [of]) if is_ours(*of) && *of != Time => {
            Some((F::IsFinite, vec![*of], DataType::Bool))
        }
        ("age", [left, right]) if is_moment(*left) && is_moment(*right) => {
            if [left, right].contains(&&TimestampTz) {
                return Err(Error::not_supported("age of TIMESTAMPTZ", position));
            }
            Some((F::Age, vec![Timestamp, Timestamp], Interval))
        }
        ("justify_days", [Interval | Unknown]) => Some((F::JustifyDays, vec![Interval], Interval)),
        ("justify_hours", [Interval | Unknown]) => {
            Some((F::JustifyHours, vec![Interval], Interval))
        }
        (
            "extract"
            | "date_part"
            | "date_trunc"
            | "timezone"
            | "make_date"
            | "to_timestamp"
            | "isfinite"
            | "age"
            | "justify_days"
            | "justify_hours"
            | "now"
            | "clock_timestamp"
            | "statement_timestamp"
            | "transaction_timestamp",
            _,
        ) => return Err(undefined_function(name, &types, position)),
        (
            "to_char" | "to_date" | "make_timestamp" | "make_timestamptz" | "make_interval"
            | "make_time" | "date_bin" | "justify_interval" | "timeofday" | "pg_sleep",
            _,
        ) => return Err(Error::not_supported(&format!("function {name}"), position)),
        _ => None,
    };
    let Some((function, parameters, result)) = found else { return Ok(Err(arguments)) };
    let mut operands = Vec::with_capacity(parameters.len());
    for (argument, parameter) in arguments.into_iter().zip(parameters) {
        operands.push(coerce(context, argument, parameter, Coercion::Implicit)?);
    }
    Ok(Ok(call(function, operands, result)))
}

fn is_int4(data_type: DataType) -> bool {
    matches!(data_type, DataType::Int2 | Int4 | Unknown)
}

fn is_moment(data_type: DataType) -> bool {
    data_type.is_datetime() || data_type == Unknown
}

/// `- interval`.
pub(super) fn negated_interval(operand: Expression) -> Expression {
    call(F::IntervalNegate, vec![operand], Interval)
}

fn call(function: DatetimeFunction, arguments: Vec<Expression>, data_type: DataType) -> Expression {
    let function = Function::Scalar(ScalarFunction::Datetime(function));
    fold(Expression::Call { function, arguments, data_type })
}
