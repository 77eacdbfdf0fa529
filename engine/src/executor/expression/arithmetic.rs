//! `+ - * / % ^` and unary minus. Overflow is 22003 and never wraps; division by zero is 22012.
//!
//! Loops run over whole columns, NULL rows' zeros included, and only note whether something may have gone wrong; then
//! the checked function runs row by row over the rows that are not NULL and finds the error, if there is one.

use crate::binder::bound::Arithmetic;
use crate::error::{Error, Result, SqlState};
use crate::executor::expression::math::power;
use crate::executor::expression::operand::{
    Native, Operand, Side, different_dimensions, native_column, try_rows, unbound, union_of_nulls,
    zip_map,
};
use crate::storage::column::Column;
use crate::types::{DataType, Value, ValueRef};

/// 22003 for a result beyond what floats hold.
#[cold]
pub(super) fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: overflow")
}

/// 22003 for a result that is not zero but too small for floats.
#[cold]
pub(super) fn underflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: underflow")
}

/// A numeric type's arithmetic.
pub(super) trait Number: Native {
    /// The exact rules.
    fn checked(operator: Arithmetic, left: Self, right: Self) -> Result<Self>;
    /// Unary minus.
    fn negated(self) -> Result<Self>;
    /// The sum, and whether it may be wrong.
    fn sum(self, other: Self) -> (Self, bool);
    /// The difference likewise.
    fn difference(self, other: Self) -> (Self, bool);
    /// The product likewise.
    fn product(self, other: Self) -> (Self, bool);
}

macro_rules! integer {
    ($($type:ty => $name:literal,)*) => {
        $(impl Number for $type {
            fn checked(operator: Arithmetic, left: Self, right: Self) -> Result<Self> {
                let result = match operator {
                    Arithmetic::Add => left.checked_add(right),
                    Arithmetic::Subtract => left.checked_sub(right),
                    Arithmetic::Multiply => left.checked_mul(right),
                    Arithmetic::Divide if right == 0 => return Err(Error::division_by_zero()),
                    Arithmetic::Divide => left.checked_div(right),
                    Arithmetic::Modulo if right == 0 => return Err(Error::division_by_zero()),
                    // The least integer % -1 is 0, though the division would overflow.
                    Arithmetic::Modulo => Some(left.wrapping_rem(right)),
                    Arithmetic::Power => return Err(unbound("integer power")),
                };
                result.ok_or_else(|| Error::out_of_range($name))
            }

            fn negated(self) -> Result<Self> {
                self.checked_neg().ok_or_else(|| Error::out_of_range($name))
            }

            #[inline]
            fn sum(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }

            #[inline]
            fn difference(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }

            #[inline]
            fn product(self, other: Self) -> (Self, bool) {
                self.overflowing_mul(other)
            }
        })*
    };
}

integer! {
    i16 => "smallint",
    i32 => "integer",
    i64 => "bigint",
}

macro_rules! float {
    ($($type:ty),*) => {
        $(impl Number for $type {
            fn checked(operator: Arithmetic, left: Self, right: Self) -> Result<Self> {
                let result = match operator {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide | Arithmetic::Modulo if right == 0.0 && !left.is_nan() => {
                        return Err(Error::division_by_zero());
                    }
                    Arithmetic::Divide => left / right,
                    // What NUMERIC answers: decimal literals are floats here.
                    Arithmetic::Modulo => left % right,
                    Arithmetic::Power => return Ok(power(left.into(), right.into())? as Self),
                };
                if result.is_infinite() && !left.is_infinite() && !right.is_infinite() {
                    return Err(overflow());
                }
                let vanished = match operator {
                    Arithmetic::Multiply => left != 0.0 && right != 0.0,
                    Arithmetic::Divide => left != 0.0 && !right.is_infinite(),
                    _ => false,
                };
                if result == 0.0 && vanished {
                    return Err(underflow());
                }
                Ok(result)
            }

            fn negated(self) -> Result<Self> {
                Ok(-self)
            }

            #[inline]
            fn sum(self, other: Self) -> (Self, bool) {
                let result = self + other;
                (result, result.is_infinite())
            }

            #[inline]
            fn difference(self, other: Self) -> (Self, bool) {
                let result = self - other;
                (result, result.is_infinite())
            }

            #[inline]
            fn product(self, other: Self) -> (Self, bool) {
                let result = self * other;
                (result, result.is_infinite() | ((result == 0.0) & (self != 0.0) & (other != 0.0)))
            }
        })*
    };
}

float!(f32, f64);

/// `left <operator> right` for each row.
pub(super) fn arithmetic(
    operator: Arithmetic,
    data_type: DataType,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Result<Operand<'static>> {
    if operands.iter().any(Operand::is_null) {
        return Ok(Operand::null());
    }
    match data_type {
        DataType::Int2 => numeric::<i16>(operator, operands, rows),
        DataType::Int4 => numeric::<i32>(operator, operands, rows),
        DataType::Int8 => numeric::<i64>(operator, operands, rows),
        DataType::Float4 => numeric::<f32>(operator, operands, rows),
        DataType::Float8 => numeric::<f64>(operator, operands, rows),
        DataType::Vector(_) => vectors(operator, data_type, operands, rows),
        other => Err(unbound(&format!("arithmetic over {other}"))),
    }
}

fn numeric<T: Number>(
    operator: Arithmetic,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Result<Operand<'static>> {
    let (Some(left), Some(right)) = (Side::<T>::of(&operands[0]), Side::<T>::of(&operands[1]))
    else {
        return Err(unbound("operands of two types"));
    };
    if let (Side::One(left), Side::One(right)) = (left, right) {
        return T::checked(operator, left, right).map(|result| Operand::Constant(result.value()));
    }
    let nulls = union_of_nulls(operands);
    let fast = match operator {
        Arithmetic::Add => all_well(left, right, rows, T::sum),
        Arithmetic::Subtract => all_well(left, right, rows, T::difference),
        Arithmetic::Multiply => all_well(left, right, rows, T::product),
        Arithmetic::Divide | Arithmetic::Modulo | Arithmetic::Power => None,
    };
    let values = match fast {
        Some(values) => values,
        None => try_rows(rows, nulls.as_ref(), |row| {
            T::checked(operator, left.get(row), right.get(row))
        })?,
    };
    Ok(Operand::owned(native_column(values, nulls)))
}

/// The results if none of them may be wrong.
#[inline]
fn all_well<T: Number>(
    left: Side<'_, T>,
    right: Side<'_, T>,
    rows: usize,
    function: impl Fn(T, T) -> (T, bool),
) -> Option<Vec<T>> {
    let mut doubtful = false;
    let values = zip_map(left, right, rows, |left, right| {
        let (value, doubt) = function(left, right);
        doubtful |= doubt;
        value
    });
    (!doubtful).then_some(values)
}

/// Unary minus.
pub(super) fn negate(data_type: DataType, operand: &Operand<'_>) -> Result<Operand<'static>> {
    fn typed<T: Number>(operand: &Operand<'_>) -> Result<Operand<'static>> {
        map_native::<T, T>(operand, T::negated)
    }
    match data_type {
        DataType::Int2 => typed::<i16>(operand),
        DataType::Int4 => typed::<i32>(operand),
        DataType::Int8 => typed::<i64>(operand),
        DataType::Float4 => typed::<f32>(operand),
        DataType::Float8 => typed::<f64>(operand),
        other => Err(unbound(&format!("minus {other}"))),
    }
}

/// A function of one fixed-size argument over an operand; strict.
pub(super) fn map_native<T: Native, R: Native>(
    operand: &Operand<'_>,
    function: impl Fn(T) -> Result<R>,
) -> Result<Operand<'static>> {
    if operand.is_null() {
        return Ok(Operand::null());
    }
    match Side::<T>::of(operand).ok_or_else(|| unbound("an argument of another type"))? {
        Side::One(value) => Ok(Operand::Constant(function(value)?.value())),
        Side::Slice(values) => {
            let nulls = operand.nulls();
            let results = try_rows(values.len(), nulls, |row| function(values[row]))?;
            Ok(Operand::owned(native_column(results, nulls.cloned())))
        }
    }
}

/// pgvector's element-wise `+ - *`.
fn vectors(
    operator: Arithmetic,
    data_type: DataType,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Result<Operand<'static>> {
    let mut buffer = Vec::new();
    let [left, right] = operands;
    if let (Operand::Constant(Value::Vector(left)), Operand::Constant(Value::Vector(right))) =
        (left, right)
    {
        combine_vectors(operator, left, right, &mut buffer)?;
        return Ok(Operand::Constant(Value::Vector(buffer.into())));
    }
    let mut column = Column::with_capacity(data_type, rows);
    for row in 0..rows {
        let value = match (left.get(row), right.get(row)) {
            (ValueRef::Vector(left), ValueRef::Vector(right)) => {
                combine_vectors(operator, left, right, &mut buffer)?;
                ValueRef::Vector(&buffer)
            }
            _ => ValueRef::Null,
        };
        column.push(value);
    }
    Ok(Operand::owned(column))
}

fn combine_vectors(
    operator: Arithmetic,
    left: &[f32],
    right: &[f32],
    out: &mut Vec<f32>,
) -> Result<()> {
    if left.len() != right.len() {
        return Err(different_dimensions(left.len(), right.len()));
    }
    out.clear();
    for (&left, &right) in left.iter().zip(right) {
        out.push(f32::checked(operator, left, right)?);
    }
    Ok(())
}
