//! The model's aggregates over the values of one group.

use spg_engine::Value;

use super::evaluate::Result;
use super::value::{compare, float, integer, total_order};
use crate::generator::Aggregate;

/// One aggregate over the values of a group.
pub(super) fn aggregate(which: Aggregate, distinct: bool, mut values: Vec<Value>) -> Result<Value> {
    values.retain(|value| !value.is_null());
    if distinct {
        values.sort_by(total_order);
        values.dedup_by(|left, right| compare(left, right).is_eq());
    }
    let count = values.len();
    Ok(match which {
        Aggregate::CountRows | Aggregate::Count => Value::Int8(count as i64),
        Aggregate::Minimum => values.into_iter().min_by(compare).unwrap_or(Value::Null),
        Aggregate::Maximum => values.into_iter().max_by(compare).unwrap_or(Value::Null),
        _ if count == 0 => Value::Null,
        Aggregate::Sum => match integer_sum(&values) {
            Some(sum) => Value::Int8(i64::try_from(sum).map_err(|_| "22003")?),
            None => Value::Float8(values.iter().map(float).sum()),
        },
        Aggregate::Average => {
            let sum = integer_sum(&values).map(|sum| sum as f64);
            let sum = sum.unwrap_or_else(|| values.iter().map(float).sum());
            Value::Float8(sum / count as f64)
        }
    })
}

fn integer_sum(values: &[Value]) -> Option<i128> {
    values.iter().map(|value| integer(value).map(i128::from)).sum()
}
