//! Values given for $1, $2, ..., brought to the types that the statement expects.

use std::borrow::Cow;

use crate::binder::bound::Expression;
use crate::error::{Error, Result, SqlState};
use crate::executor::context::{Context, NoSubqueries};
use crate::executor::environment::Environment;
use crate::executor::expression::evaluate_scalar;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::storage::root::Root;
use crate::types::{DataType, Value, check_dimensions};

/// The values themselves where all have their types already; else with the others cast as an assignment casts: text is
/// read, numbers are widened, or narrowed with 22003 where they do not fit.
#[inline]
pub(super) fn coerce<'a>(
    values: &'a [Value],
    types: &[DataType],
    root: &Root,
    environment: &dyn Environment,
) -> Result<Cow<'a, [Value]>> {
    if values.len() != types.len() {
        return Err(wrong_count(values.len(), types.len()));
    }
    if values.iter().zip(types).all(|(value, data_type)| fits(value, *data_type)) {
        return Ok(Cow::Borrowed(values));
    }
    let cast = values
        .iter()
        .zip(types)
        .map(|(value, data_type)| cast(value, *data_type, root, environment));
    cast.collect::<Result<Vec<_>>>().map(Cow::Owned)
}

fn fits(value: &Value, data_type: DataType) -> bool {
    match (value, data_type) {
        (Value::Null, _)
        | (Value::Bool(_), DataType::Bool)
        | (Value::Int2(_), DataType::Int2)
        | (Value::Int4(_), DataType::Int4)
        | (Value::Int8(_), DataType::Int8)
        | (Value::Float4(_), DataType::Float4)
        | (Value::Float8(_), DataType::Float8)
        | (Value::Date(_), DataType::Date)
        | (Value::Time(_), DataType::Time)
        | (Value::Timestamp(_), DataType::Timestamp)
        | (Value::TimestampTz(_), DataType::TimestampTz)
        | (Value::Interval(_), DataType::Interval)
        | (Value::Text(_), DataType::Text | DataType::Unknown | DataType::Varchar(None)) => true,
        (Value::Vector(vector), DataType::Vector(dimensions)) => {
            check_dimensions(dimensions, vector.len()).is_ok()
        }
        _ => false,
    }
}

fn type_of(value: &Value) -> DataType {
    match value {
        Value::Null => DataType::Unknown,
        Value::Bool(_) => DataType::Bool,
        Value::Int2(_) => DataType::Int2,
        Value::Int4(_) => DataType::Int4,
        Value::Int8(_) => DataType::Int8,
        Value::Float4(_) => DataType::Float4,
        Value::Float8(_) => DataType::Float8,
        Value::Date(_) => DataType::Date,
        Value::Time(_) => DataType::Time,
        Value::Timestamp(_) => DataType::Timestamp,
        Value::TimestampTz(_) => DataType::TimestampTz,
        Value::Interval(_) => DataType::Interval,
        Value::Text(_) => DataType::Text,
        Value::Vector(_) => DataType::Vector(None),
    }
}

#[cold]
fn cast(
    value: &Value,
    target: DataType,
    root: &Root,
    environment: &dyn Environment,
) -> Result<Value> {
    if fits(value, target) {
        return Ok(value.clone());
    }
    let data_type = type_of(value);
    let castable = data_type.is_text()
        || target.is_text()
        || (data_type.is_numeric() && target.is_numeric())
        || data_type.same_kind(target)
        || (data_type.is_datetime() && target.is_datetime());
    if !castable {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!("a parameter is of type {data_type} but {target} is expected"),
        ));
    }
    let literal = Expression::Literal { value: value.clone(), data_type };
    let cast = Expression::Cast { operand: Box::new(literal), target, explicit: false };
    let (interrupt, memory) = (Interrupt::default(), MemoryBudget::default());
    let context = Context {
        root,
        parameters: &[],
        interrupt: &interrupt,
        memory: &memory,
        subqueries: &NoSubqueries,
        environment,
        reads: None,
    };
    evaluate_scalar(&cast, &context)
}

#[cold]
fn wrong_count(given: usize, expected: usize) -> Error {
    Error::new(
        SqlState::ProtocolViolation,
        format!(
            "bind message supplies {given} parameters, but prepared statement \"\" requires {expected}"
        ),
    )
}
