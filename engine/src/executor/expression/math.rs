//! Numeric functions with PostgreSQL's errors.

use crate::binder::bound::ScalarFunction;
use crate::error::{Error, Result, SqlState};
use crate::executor::expression::arithmetic::{
    Number, arithmetic, map_native, overflow, underflow,
};
use crate::executor::expression::operand::{
    Native, Operand, Side, native_column, try_rows, unbound, union_of_nulls,
};
use crate::types::{DataType, ValueRef};

/// A numeric function of one or two arguments.
pub(super) fn math(
    function: ScalarFunction,
    data_type: DataType,
    operands: &[Operand<'_>],
    rows: usize,
) -> Result<Operand<'static>> {
    match (function, operands) {
        (ScalarFunction::Abs, [operand]) => absolute(data_type, operand),
        (ScalarFunction::Mod, [_, _]) => binary_arithmetic(data_type, operands, rows),
        (ScalarFunction::Power, [_, _]) => binary(operands, rows, power),
        (ScalarFunction::Round, [operand, digits]) => round_digits(operand, digits, rows),
        (_, [operand]) => {
            let function = unary(function)?;
            if Side::<f32>::of(operand).is_some() {
                return map_native(operand, |value: f32| {
                    function(value.into()).map(|result| result as f32)
                });
            }
            map_native::<f64, f64>(operand, function)
        }
        _ => Err(unbound("a numeric function's arguments")),
    }
}

fn binary_arithmetic(
    data_type: DataType,
    operands: &[Operand<'_>],
    rows: usize,
) -> Result<Operand<'static>> {
    let operands = operands.try_into().map_err(|_| unbound("mod"))?;
    arithmetic(crate::binder::bound::Arithmetic::Modulo, data_type, operands, rows)
}

fn unary(function: ScalarFunction) -> Result<fn(f64) -> Result<f64>> {
    Ok(match function {
        ScalarFunction::Ceil => |value| Ok(value.ceil()),
        ScalarFunction::Floor => |value| Ok(value.floor()),
        ScalarFunction::Round => |value| Ok(value.round_ties_even()),
        ScalarFunction::Trunc => |value| Ok(value.trunc()),
        ScalarFunction::Sign => |value| Ok(sign(value)),
        ScalarFunction::Sqrt => square_root,
        ScalarFunction::Exp => exponential,
        ScalarFunction::Ln => |value| logarithm(value, f64::ln),
        ScalarFunction::Log10 => |value| logarithm(value, f64::log10),
        _ => return Err(unbound("a numeric function")),
    })
}

/// -1, 0 or 1; 0 for NaN.
fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}

fn absolute(data_type: DataType, operand: &Operand<'_>) -> Result<Operand<'static>> {
    fn integer<T: Number + PartialOrd>(operand: &Operand<'_>) -> Result<Operand<'static>> {
        map_native(
            operand,
            |value: T| if value < T::default() { value.negated() } else { Ok(value) },
        )
    }
    match data_type {
        DataType::Int2 => integer::<i16>(operand),
        DataType::Int4 => integer::<i32>(operand),
        DataType::Int8 => integer::<i64>(operand),
        DataType::Float4 => map_native(operand, |value: f32| Ok(value.abs())),
        DataType::Float8 => map_native(operand, |value: f64| Ok(value.abs())),
        other => Err(unbound(&format!("abs of {other}"))),
    }
}

fn binary(
    operands: &[Operand<'_>],
    rows: usize,
    function: impl Fn(f64, f64) -> Result<f64>,
) -> Result<Operand<'static>> {
    if operands.iter().any(Operand::is_null) {
        return Ok(Operand::null());
    }
    let (Some(left), Some(right)) = (Side::<f64>::of(&operands[0]), Side::<f64>::of(&operands[1]))
    else {
        return Err(unbound("a numeric function's arguments"));
    };
    if let (Side::One(left), Side::One(right)) = (left, right) {
        return function(left, right).map(|result| Operand::Constant(result.value()));
    }
    let nulls = union_of_nulls(operands);
    let values = try_rows(rows, nulls.as_ref(), |row| function(left.get(row), right.get(row)))?;
    Ok(Operand::owned(native_column(values, nulls)))
}

/// round(f, digits): half away from zero, in decimal.
fn round_digits(
    operand: &Operand<'_>,
    digits: &Operand<'_>,
    rows: usize,
) -> Result<Operand<'static>> {
    if operand.is_null() || digits.is_null() {
        return Ok(Operand::null());
    }
    let one = |row: usize| -> Result<Option<f64>> {
        let digits = match digits.get(row) {
            ValueRef::Int4(digits) => digits,
            ValueRef::Null => return Ok(None),
            _ => return Err(unbound("digits of round")),
        };
        match operand.get(row) {
            ValueRef::Float8(value) => Ok(Some(round_to(value, digits))),
            ValueRef::Null => Ok(None),
            _ => Err(unbound("round")),
        }
    };
    if let (Operand::Constant(_), Operand::Constant(_)) = (operand, digits) {
        return Ok(one(0)?.map_or(Operand::null(), |value| Operand::Constant(value.value())));
    }
    let mut column = crate::storage::column::Column::with_capacity(DataType::Float8, rows);
    for row in 0..rows {
        column.push(one(row)?.map_or(ValueRef::Null, ValueRef::Float8));
    }
    Ok(Operand::owned(column))
}

/// Rounds the decimal number that the float is written as: 2.345 to 2 digits is 2.35, though the float is below it.
fn round_to(value: f64, digits: i32) -> f64 {
    // Beyond 17 digits a float has none to round; below -308 it has none to keep.
    let text = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = text.split_once('e') else { return value };
    let (Ok(exponent), true) = (exponent.parse::<i32>(), value.is_finite()) else { return value };
    let mut significant: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    let kept = i64::from(exponent) + 1 + i64::from(digits);
    if kept >= significant.len() as i64 {
        return value;
    }
    if kept < 0 {
        return 0.0;
    }
    let kept = kept as usize;
    let up = significant[kept] >= b'5';
    significant.truncate(kept);
    let kept_digits = String::from_utf8_lossy(&significant).into_owned();
    let integer = kept_digits.parse::<u64>().unwrap_or(0) + u64::from(up);
    let rounded: f64 = format!("{integer}e{}", -i64::from(digits)).parse().unwrap_or(value.abs());
    // NUMERIC, by which PostgreSQL rounds to digits, has no -0.
    if rounded == 0.0 { 0.0 } else { rounded.copysign(value) }
}

fn square_root(value: f64) -> Result<f64> {
    if value < 0.0 {
        return Err(Error::new(
            SqlState::InvalidArgumentForPowerFunction,
            "cannot take square root of a negative number",
        ));
    }
    Ok(value.sqrt())
}

fn exponential(value: f64) -> Result<f64> {
    let result = value.exp();
    if result.is_infinite() && value.is_finite() {
        return Err(overflow());
    }
    if result == 0.0 && value.is_finite() {
        return Err(underflow());
    }
    Ok(result)
}

fn logarithm(value: f64, function: fn(f64) -> f64) -> Result<f64> {
    let error = |message| Error::new(SqlState::InvalidArgumentForLogarithm, message);
    if value == 0.0 {
        return Err(error("cannot take logarithm of zero"));
    }
    if value < 0.0 {
        return Err(error("cannot take logarithm of a negative number"));
    }
    Ok(function(value))
}

/// power(base, exponent) and `^`.
pub(super) fn power(base: f64, exponent: f64) -> Result<f64> {
    let error = |message| Error::new(SqlState::InvalidArgumentForPowerFunction, message);
    if base == 0.0 && exponent < 0.0 {
        return Err(error("zero raised to a negative power is undefined"));
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return Err(error(
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    let result = base.powf(exponent);
    if base.is_finite() && exponent.is_finite() {
        if result.is_infinite() {
            return Err(overflow());
        }
        if result == 0.0 && base != 0.0 {
            return Err(underflow());
        }
    }
    Ok(result)
}
