//! Vector operators and functions over rows: distances, norm, dimensions.

use crate::binder::bound::ScalarFunction;
use crate::error::Result;
use crate::executor::distance::{Metric, distance, distances, norm};
use crate::executor::expression::operand::{
    Operand, native_column, try_rows, unbound, union_of_nulls,
};
use crate::storage::column::{ColumnData, VectorColumn};
use crate::types::{Value, ValueRef};

/// The distance of two vectors for each row.
pub(super) fn distance_rows(
    metric: Metric,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Result<Operand<'static>> {
    let [left, right] = operands;
    if left.is_null() || right.is_null() {
        return Ok(Operand::null());
    }
    let values = match (left, right) {
        (Operand::Constant(left), Operand::Constant(right)) => {
            let found = distance(metric, vector_of(left.as_ref())?, vector_of(right.as_ref())?)?;
            return Ok(Operand::Constant(Value::Float8(found)));
        }
        (Operand::Column(column), Operand::Constant(Value::Vector(query)))
        | (Operand::Constant(Value::Vector(query)), Operand::Column(column)) => {
            match &column.data {
                ColumnData::Vector(vectors) if vectors.dimensions() == query.len() => {
                    Some(by_blocks(metric, query, vectors))
                }
                _ => None,
            }
        }
        _ => None,
    };
    let nulls = union_of_nulls(operands);
    let values = match values {
        Some(values) => values,
        None => try_rows(rows, nulls.as_ref(), |row| {
            distance(metric, vector_of(left.get(row))?, vector_of(right.get(row))?)
        })?,
    };
    Ok(Operand::owned(native_column(values, nulls)))
}

fn by_blocks(metric: Metric, query: &[f32], vectors: &VectorColumn) -> Vec<f64> {
    let mut out = Vec::with_capacity(vectors.len());
    for block in vectors.blocks() {
        distances(metric, query, block, &mut out);
    }
    out
}

fn vector_of(value: ValueRef<'_>) -> Result<&[f32]> {
    match value {
        ValueRef::Vector(vector) => Ok(vector),
        _ => Err(unbound("a distance over another type than vectors")),
    }
}

/// `inner_product(v, v)`.
pub(super) fn inner_product_rows(
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Result<Operand<'static>> {
    let negative = distance_rows(Metric::InnerProduct, operands, rows)?;
    super::arithmetic::map_native::<f64, f64>(&negative, |product| Ok(-product))
}

/// `vector_dims(v)` and `vector_norm(v)`.
pub(super) fn vector_function(
    function: ScalarFunction,
    operand: &Operand<'_>,
    rows: usize,
) -> Result<Operand<'static>> {
    if operand.is_null() {
        return Ok(Operand::null());
    }
    let nulls = operand.nulls();
    if function == ScalarFunction::VectorDimensions {
        let dimensions = |row| vector_of(operand.get(row)).map(|vector| vector.len() as i32);
        if let Operand::Constant(_) = operand {
            return Ok(Operand::Constant(Value::Int4(dimensions(0)?)));
        }
        let values = try_rows(rows, nulls, dimensions)?;
        return Ok(Operand::owned(native_column(values, nulls.cloned())));
    }
    let length = |row| vector_of(operand.get(row)).map(norm);
    if let Operand::Constant(_) = operand {
        return Ok(Operand::Constant(Value::Float8(length(0)?)));
    }
    let values = try_rows(rows, nulls, length)?;
    Ok(Operand::owned(native_column(values, nulls.cloned())))
}
