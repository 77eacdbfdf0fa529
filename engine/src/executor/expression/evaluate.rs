//! The walk over the expression tree: one helper for each kind of node.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::binder::bound::{Expression, Function, ScalarFunction};
use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::distance::Metric;
use crate::executor::expression::logic::Decides;
use crate::executor::expression::operand::{Operand, Rows, unbound};
use crate::executor::expression::{
    advisory, arithmetic, case, cast, compare, datetime, in_list, like, logic, math, sequence,
    system, text, vector,
};
use crate::storage::batch::{ColumnRef, Selection};
use crate::storage::column::Column;
use crate::types::{DataType, Value};

/// The value of `expression` for each of `rows`. A constant stays one; for no rows nothing is evaluated at all, so
/// that nothing can fail.
pub(super) fn operand<'b>(
    expression: &Expression,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    match expression {
        Expression::Literal { value, .. } => return Ok(Operand::Constant(value.clone())),
        Expression::Parameter { index, .. } => return parameter(*index, context),
        Expression::Column { id, .. } => return column(*id, rows),
        _ => {}
    }
    if rows.len() == 0 {
        return Ok(Operand::owned(Column::with_capacity(expression.data_type(), 0)));
    }
    match expression {
        Expression::Literal { .. } | Expression::Parameter { .. } | Expression::Column { .. } => {
            unreachable!("leaves are evaluated above")
        }
        Expression::Call { function, arguments, data_type } => {
            call(*function, arguments, *data_type, rows, context)
        }
        Expression::Cast { operand: inner, target, explicit } => {
            cast::cast(operand(inner, rows, context)?, *target, *explicit, rows.len(), context)
        }
        Expression::And(operands) => logic::connective(Decides::False, operands, rows, context),
        Expression::Or(operands) => logic::connective(Decides::True, operands, rows, context),
        Expression::Not(inner) => logic::not(&operand(inner, rows, context)?),
        Expression::IsNull { operand: inner, negated } => {
            Ok(logic::is_null(&operand(inner, rows, context)?, *negated))
        }
        Expression::IsBoolean { operand: inner, value, negated } => {
            logic::is_boolean(&operand(inner, rows, context)?, *value, *negated)
        }
        Expression::InList { operand: inner, list, negated } => {
            let tested = operand(inner, rows, context)?;
            in_list::in_list(&tested, list, *negated, rows, context)
        }
        Expression::Case { branches, otherwise, data_type } => {
            case::case(branches, otherwise.as_deref(), *data_type, rows, context)
        }
        Expression::Coalesce { operands, data_type } => {
            case::coalesce(operands, *data_type, rows, context)
        }
        Expression::ScalarSubquery { .. }
        | Expression::Exists { .. }
        | Expression::InSubquery { .. } => subquery(expression, rows, context),
    }
}

#[inline(never)]
fn parameter<'b>(index: usize, context: &Context<'_>) -> Result<Operand<'b>> {
    let value = context.parameters.get(index).ok_or_else(|| {
        let number = index + 1;
        Error::new(SqlState::UndefinedParameter, format!("there is no parameter ${number}"))
    })?;
    Ok(Operand::Constant(value.clone()))
}

/// A column of the batch: borrowed if every row of it is selected.
#[inline(never)]
fn column<'b>(ordinal: usize, rows: Rows<'b, '_>) -> Result<Operand<'b>> {
    let column: &'b Column =
        rows.columns.get(ordinal).ok_or_else(|| unbound("a column beyond the input's"))?;
    Ok(Operand::Column(match rows.selection {
        Selection::All(count) if *count == column.len() => ColumnRef::Borrowed(column),
        Selection::All(count) => {
            let places: Vec<u32> = (0..*count as u32).collect();
            ColumnRef::owned(column.gather(&places))
        }
        Selection::One(row) => ColumnRef::owned(column.gather(&[*row])),
        Selection::Rows(places) => ColumnRef::owned(column.gather(places)),
    }))
}

#[inline(never)]
fn subquery<'b>(
    expression: &Expression,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    match expression {
        Expression::ScalarSubquery { index, .. } => {
            context.subqueries.scalar(*index).map(Operand::Constant)
        }
        Expression::Exists { index } => {
            context.subqueries.exists(*index).map(|exists| Operand::Constant(Value::Bool(exists)))
        }
        Expression::InSubquery { operand: inner, index, negated } => {
            let set = context.subqueries.set(*index)?;
            if set.is_empty() {
                // Nothing is in it, NULL neither; as in PostgreSQL the operand, which may fail, is not looked at.
                return Ok(Operand::Constant(Value::Bool(*negated)));
            }
            let tested = operand(inner, rows, context)?;
            Ok(in_list::in_set(&tested, set, *negated, rows.len()))
        }
        _ => Err(unbound("a subquery")),
    }
}

#[inline(never)]
fn call<'b>(
    function: Function,
    arguments: &[Expression],
    data_type: DataType,
    rows: Rows<'b, '_>,
    context: &Context<'_>,
) -> Result<Operand<'b>> {
    if let [left, right] = arguments {
        let operands = [operand(left, rows, context)?, operand(right, rows, context)?];
        return binary(function, &operands, data_type, rows.len(), context);
    }
    let operands = arguments
        .iter()
        .map(|argument| operand(argument, rows, context))
        .collect::<Result<SmallVec<[Operand<'b>; 4]>>>()?;
    apply(function, &operands, data_type, rows.len(), context)
}

/// Functions that have two arguments always.
fn binary(
    function: Function,
    operands: &[Operand<'_>; 2],
    data_type: DataType,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    let metric = match function {
        Function::Compare(comparison) => return Ok(compare::compare(comparison, operands, rows)),
        Function::Arithmetic(operator) => {
            return arithmetic::arithmetic(operator, data_type, operands, rows);
        }
        Function::DistinctFrom(negated) => {
            return Ok(compare::distinct_from(negated, operands, rows));
        }
        Function::NullIf => return Ok(compare::null_if(data_type, operands, rows)),
        Function::Scalar(ScalarFunction::InnerProduct) => {
            return vector::inner_product_rows(operands, rows);
        }
        Function::DistanceEuclidean => Metric::Euclidean,
        Function::DistanceInnerProduct => Metric::InnerProduct,
        Function::DistanceCosine => Metric::Cosine,
        Function::DistanceTaxicab => Metric::Taxicab,
        _ => return apply(function, operands, data_type, rows, context),
    };
    vector::distance_rows(metric, operands, rows)
}

/// Functions of any number of arguments.
fn apply(
    function: Function,
    operands: &[Operand<'_>],
    data_type: DataType,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    match (function, operands) {
        (Function::Negate, [operand]) => arithmetic::negate(data_type, operand),
        (Function::Concatenate, _) => text::concatenate(data_type, operands, rows, context),
        (Function::Like, _) => like::like(operands, false, rows, context),
        (Function::ILike, _) => like::like(operands, true, rows, context),
        (Function::Greatest, _) => {
            Ok(compare::extreme(Ordering::Greater, data_type, operands, rows))
        }
        (Function::Least, _) => Ok(compare::extreme(Ordering::Less, data_type, operands, rows)),
        (Function::Scalar(function), _) => scalar(function, operands, data_type, rows, context),
        _ => Err(unbound("an operator's arguments")),
    }
}

fn scalar(
    function: ScalarFunction,
    operands: &[Operand<'_>],
    data_type: DataType,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    match (function, operands) {
        (ScalarFunction::Pi, _) => Ok(Operand::Constant(Value::Float8(std::f64::consts::PI))),
        (
            ScalarFunction::Abs
            | ScalarFunction::Ceil
            | ScalarFunction::Floor
            | ScalarFunction::Round
            | ScalarFunction::Trunc
            | ScalarFunction::Sign
            | ScalarFunction::Mod
            | ScalarFunction::Power
            | ScalarFunction::Sqrt
            | ScalarFunction::Exp
            | ScalarFunction::Ln
            | ScalarFunction::Log10,
            _,
        ) => math::math(function, data_type, operands, rows),
        (ScalarFunction::VectorDimensions | ScalarFunction::VectorNorm, [operand]) => {
            vector::vector_function(function, operand, rows)
        }
        (ScalarFunction::Datetime(function), _) => {
            datetime::datetime(function, data_type, operands, rows, context)
        }
        (ScalarFunction::System(function), _) => {
            system::system(function, operands, data_type, rows, context)
        }
        (ScalarFunction::Advisory(function), _) => {
            advisory::advisory(function, operands, data_type, rows, context)
        }
        _ if function.draws_from_sequences() => {
            sequence::sequence(function, operands, rows, context)
        }
        _ => text::text(function, data_type, operands, rows, context),
    }
}
