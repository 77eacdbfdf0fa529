//! Comparisons: `=` and its kin, IS DISTINCT FROM, NULLIF, GREATEST and LEAST.

use std::cmp::Ordering;

use crate::binder::bound::Comparison;
use crate::executor::expression::operand::{
    Native, Operand, Side, boolean, native_column, union_of_nulls, zip_map,
};
use crate::storage::batch::Selection;
use crate::storage::bitmap::Bitmap;
use crate::storage::column::{Column, ColumnData};
use crate::types::datetime::{Date, Time, Timestamp, TimestampTz};
use crate::types::{DataType, Value, ValueRef};

/// A fixed-size type with SQL's total order; the other comparisons follow from these two.
trait Ordered: Native {
    fn equal(self, other: Self) -> bool;
    fn less(self, other: Self) -> bool;
}

macro_rules! ordered {
    ($($type:ty),*) => {
        $(impl Ordered for $type {
            #[inline]
            fn equal(self, other: Self) -> bool {
                self == other
            }

            #[inline]
            fn less(self, other: Self) -> bool {
                self < other
            }
        })*
    };
}

macro_rules! ordered_float {
    ($($type:ty),*) => {
        $(impl Ordered for $type {
            #[inline]
            fn equal(self, other: Self) -> bool {
                (self == other) | (self.is_nan() & other.is_nan())
            }

            #[inline]
            fn less(self, other: Self) -> bool {
                (self < other) | (!self.is_nan() & other.is_nan())
            }
        })*
    };
}

ordered!(bool, i16, i32, i64, Date, Time, Timestamp, TimestampTz);
ordered_float!(f32, f64);

/// Calls `$body` with `$test` bound to a closure for the comparison, so that each becomes a loop of its own.
macro_rules! for_each_comparison {
    ($comparison:expr, $type:ty, $test:ident => $body:expr) => {
        match $comparison {
            Comparison::Equal => {
                let $test = |left: $type, right: $type| left.equal(right);
                $body
            }
            Comparison::NotEqual => {
                let $test = |left: $type, right: $type| !left.equal(right);
                $body
            }
            Comparison::Less => {
                let $test = |left: $type, right: $type| left.less(right);
                $body
            }
            Comparison::LessOrEqual => {
                let $test = |left: $type, right: $type| !right.less(left);
                $body
            }
            Comparison::Greater => {
                let $test = |left: $type, right: $type| right.less(left);
                $body
            }
            Comparison::GreaterOrEqual => {
                let $test = |left: $type, right: $type| !left.less(right);
                $body
            }
        }
    };
}

/// Whether an order satisfies a comparison.
#[inline]
fn satisfies(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// The comparison with its sides exchanged.
pub(super) fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

/// Compares two values: None when one is NULL.
#[inline]
fn compare_values(comparison: Comparison, left: ValueRef<'_>, right: ValueRef<'_>) -> Option<bool> {
    if left.is_null() || right.is_null() {
        return None;
    }
    Some(match (comparison, left, right) {
        (Comparison::Equal, ValueRef::Text(left), ValueRef::Text(right)) => left == right,
        (Comparison::NotEqual, ValueRef::Text(left), ValueRef::Text(right)) => left != right,
        _ => satisfies(comparison, left.compare(right)),
    })
}

/// `left <comparison> right` for each row.
pub(super) fn compare(
    comparison: Comparison,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Operand<'static> {
    let [left, right] = operands;
    if left.is_null() || right.is_null() {
        return Operand::null();
    }
    if let (Operand::Constant(left), Operand::Constant(right)) = (left, right) {
        return Operand::Constant(boolean(compare_values(
            comparison,
            left.as_ref(),
            right.as_ref(),
        )));
    }
    let nulls = union_of_nulls(operands);
    let results = native::<i32>(comparison, left, right, rows)
        .or_else(|| native::<i64>(comparison, left, right, rows))
        .or_else(|| native::<f64>(comparison, left, right, rows))
        .or_else(|| native::<Timestamp>(comparison, left, right, rows))
        .or_else(|| native::<TimestampTz>(comparison, left, right, rows))
        .or_else(|| native::<Date>(comparison, left, right, rows))
        .or_else(|| native::<i16>(comparison, left, right, rows))
        .or_else(|| native::<f32>(comparison, left, right, rows))
        .or_else(|| native::<bool>(comparison, left, right, rows))
        .unwrap_or_else(|| {
            let test = |row| compare_values(comparison, left.get(row), right.get(row));
            (0..rows).map(|row| test(row) == Some(true)).collect()
        });
    Operand::owned(native_column(results, nulls))
}

fn native<T: Ordered>(
    comparison: Comparison,
    left: &Operand<'_>,
    right: &Operand<'_>,
    rows: usize,
) -> Option<Vec<bool>> {
    let (left, right) = (Side::<T>::of(left)?, Side::<T>::of(right)?);
    Some(for_each_comparison!(comparison, T, test => zip_map(left, right, rows, test)))
}

/// The selected rows of a stored column for which `column <comparison> constant` is true.
pub(super) fn filter(
    comparison: Comparison,
    column: &Column,
    constant: ValueRef<'_>,
    selection: &Selection,
) -> Vec<u32> {
    if constant.is_null() {
        return Vec::new();
    }
    let nulls = column.nulls.as_ref();
    match (&column.data, constant) {
        (ColumnData::Int2(values), ValueRef::Int2(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::Int4(values), ValueRef::Int4(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::Int8(values), ValueRef::Int8(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::Float4(values), ValueRef::Float4(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::Float8(values), ValueRef::Float8(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::Date(values), ValueRef::Date(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::Timestamp(values), ValueRef::Timestamp(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        (ColumnData::TimestampTz(values), ValueRef::TimestampTz(constant)) => {
            filter_native(comparison, values, nulls, constant, selection)
        }
        _ => filter_values(comparison, column, constant, selection),
    }
}

fn filter_native<T: Ordered>(
    comparison: Comparison,
    values: &[T],
    nulls: Option<&Bitmap>,
    constant: T,
    selection: &Selection,
) -> Vec<u32> {
    for_each_comparison!(comparison, T, test => match nulls {
        None => filter_rows(selection, values, |_, value| test(value, constant)),
        Some(nulls) => filter_rows(selection, values, |row, value| {
            test(value, constant) & !nulls.get(row)
        }),
    })
}

/// Rows that pass, written without a branch: a misprediction costs more than a store.
#[inline]
fn filter_rows<T: Copy>(
    selection: &Selection,
    values: &[T],
    test: impl Fn(usize, T) -> bool,
) -> Vec<u32> {
    let mut passed = vec![0_u32; selection.len()];
    let mut count = 0;
    match selection {
        Selection::All(rows) => {
            for (row, &value) in values[..*rows].iter().enumerate() {
                passed[count] = row as u32;
                count += usize::from(test(row, value));
            }
        }
        Selection::One(row) => {
            passed[0] = *row;
            count = usize::from(test(*row as usize, values[*row as usize]));
        }
        Selection::Rows(rows) => {
            for &row in rows {
                passed[count] = row;
                count += usize::from(test(row as usize, values[row as usize]));
            }
        }
    }
    passed.truncate(count);
    passed
}

fn filter_values(
    comparison: Comparison,
    column: &Column,
    constant: ValueRef<'_>,
    selection: &Selection,
) -> Vec<u32> {
    let passes = |&row: &usize| compare_values(comparison, column.get(row), constant) == Some(true);
    selection.iter().filter(passes).map(|row| row as u32).collect()
}

/// IS \[NOT\] DISTINCT FROM.
pub(super) fn distinct_from(
    negated: bool,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Operand<'static> {
    let [left, right] = operands;
    let test = |row| left.get(row).equals(right.get(row)) == negated;
    if let (Operand::Constant(_), Operand::Constant(_)) = (left, right) {
        return Operand::Constant(Value::Bool(test(0)));
    }
    Operand::owned(Column::new(ColumnData::Bool((0..rows).map(test).collect())))
}

/// NULLIF(a, b): NULL where they are equal, else a.
pub(super) fn null_if(
    data_type: DataType,
    operands: &[Operand<'_>; 2],
    rows: usize,
) -> Operand<'static> {
    let [left, right] = operands;
    let pick = |row| {
        let value = left.get(row);
        let equal = compare_values(Comparison::Equal, value, right.get(row));
        if equal == Some(true) { ValueRef::Null } else { value }
    };
    pick_rows(data_type, operands, rows, pick)
}

/// GREATEST and LEAST: NULLs are ignored, NULL when all are.
pub(super) fn extreme(
    wanted: Ordering,
    data_type: DataType,
    operands: &[Operand<'_>],
    rows: usize,
) -> Operand<'static> {
    let pick = |row| {
        let mut best = ValueRef::Null;
        for operand in operands {
            let value = operand.get(row);
            if !value.is_null() && (best.is_null() || value.compare(best) == wanted) {
                best = value;
            }
        }
        best
    };
    pick_rows(data_type, operands, rows, pick)
}

/// One of the operands' values for each row.
fn pick_rows<'o>(
    data_type: DataType,
    operands: &'o [Operand<'_>],
    rows: usize,
    pick: impl Fn(usize) -> ValueRef<'o>,
) -> Operand<'static> {
    if operands.iter().all(|operand| matches!(operand, Operand::Constant(_))) {
        return Operand::Constant(pick(0).to_value());
    }
    let mut column = Column::with_capacity(data_type, rows);
    for row in 0..rows {
        column.push(pick(row));
    }
    Operand::owned(column)
}
