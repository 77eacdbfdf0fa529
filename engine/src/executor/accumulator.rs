//! The state of one aggregate over all groups, fed a column at a time.

use crate::binder::bound::{AggregateCall, AggregateFunction, Expression};
use crate::error::{Error, Result, SqlState};
use crate::executor::float_sum::{FloatSum, overflow};
use crate::storage::bitmap::Bitmap;
use crate::storage::column::{Column, ColumnData, VectorColumn};
use crate::types::{DataType, Value};

/// Which groups the rows of a column belong to.
#[derive(Clone, Copy)]
pub(super) enum Groups<'g> {
    /// All to group 0.
    One,
    /// Each to its own.
    Each(&'g [u32]),
}

/// The state of an aggregate, one element a group.
pub(super) enum Accumulator {
    /// count(*), count(x).
    Count(Vec<i64>),
    /// sum and avg of integers: exact sum and count.
    Integers { sums: Vec<(i128, i64)>, average: bool },
    /// sum and avg of floats.
    Floats { sums: Vec<FloatSum>, result: FloatResult },
    /// min and max of integers.
    IntegerExtreme { best: Vec<Option<i64>>, greatest: bool, data_type: DataType },
    /// min and max of floats.
    FloatExtreme { best: Vec<Option<f64>>, greatest: bool, data_type: DataType },
    /// min and max of anything else.
    Extreme { best: Vec<Value>, greatest: bool, data_type: DataType },
    /// sum and avg of vectors.
    Vectors { sums: Vec<(Vec<f64>, i64)>, average: bool, data_type: DataType },
}

/// What a sum of floats answers.
#[derive(Clone, Copy)]
pub(super) enum FloatResult {
    /// sum(float4).
    Single,
    /// sum(float8).
    Double,
    /// avg.
    Average,
}

impl Accumulator {
    /// The state of `call` over no group.
    pub(super) fn new(call: &AggregateCall) -> Self {
        let argument = call.argument.as_ref().map_or(DataType::Int8, Expression::data_type);
        let average = call.function == AggregateFunction::Average;
        match call.function {
            AggregateFunction::CountStar | AggregateFunction::Count => Self::Count(Vec::new()),
            AggregateFunction::Sum | AggregateFunction::Average => {
                if argument.is_vector() {
                    Self::Vectors { sums: Vec::new(), average, data_type: call.data_type }
                } else if argument.is_integer() {
                    Self::Integers { sums: Vec::new(), average }
                } else {
                    let result = match call.data_type {
                        _ if average => FloatResult::Average,
                        DataType::Float4 => FloatResult::Single,
                        _ => FloatResult::Double,
                    };
                    Self::Floats { sums: Vec::new(), result }
                }
            }
            AggregateFunction::Min | AggregateFunction::Max => {
                let greatest = call.function == AggregateFunction::Max;
                let data_type = call.data_type;
                if argument.is_integer() {
                    Self::IntegerExtreme { best: Vec::new(), greatest, data_type }
                } else if argument.is_float() {
                    Self::FloatExtreme { best: Vec::new(), greatest, data_type }
                } else {
                    Self::Extreme { best: Vec::new(), greatest, data_type }
                }
            }
        }
    }

    /// Makes room for `groups` groups.
    pub(super) fn resize(&mut self, groups: usize) {
        match self {
            Self::Count(counts) => counts.resize(groups, 0),
            Self::Integers { sums, .. } => sums.resize(groups, (0, 0)),
            Self::Floats { sums, .. } => sums.resize(groups, FloatSum::default()),
            Self::IntegerExtreme { best, .. } => best.resize(groups, None),
            Self::FloatExtreme { best, .. } => best.resize(groups, None),
            Self::Extreme { best, .. } => best.resize(groups, Value::Null),
            Self::Vectors { sums, .. } => sums.resize(groups, (Vec::new(), 0)),
        }
    }

    /// Counts `rows` rows: count(*).
    pub(super) fn update_rows(&mut self, groups: Groups<'_>, rows: usize) {
        let Self::Count(counts) = self else { unreachable!("only count(*) has no argument") };
        match groups {
            Groups::One => counts[0] += rows as i64,
            Groups::Each(groups) => groups.iter().for_each(|&group| counts[group as usize] += 1),
        }
    }

    /// Takes in the non-NULL values of `column`.
    pub(super) fn update(&mut self, groups: Groups<'_>, column: &Column) -> Result<()> {
        match (self, &column.data) {
            (Self::Count(counts), _) => match groups {
                Groups::One => counts[0] += not_null(column) as i64,
                Groups::Each(groups) => {
                    each(column, groups, |group, _| counts[group] += 1);
                }
            },
            (Self::Integers { sums, .. }, ColumnData::Int2(values)) => {
                add_integers(sums, groups, column, values, |values| {
                    values.iter().map(|&value| i64::from(value)).sum::<i64>().into()
                });
            }
            (Self::Integers { sums, .. }, ColumnData::Int4(values)) => {
                add_integers(sums, groups, column, values, |values| {
                    values.iter().map(|&value| i64::from(value)).sum::<i64>().into()
                });
            }
            (Self::Integers { sums, .. }, ColumnData::Int8(values)) => {
                add_integers(sums, groups, column, values, sum_of_int8);
            }
            (Self::Floats { sums, .. }, ColumnData::Float4(values)) => {
                add_floats(sums, groups, column, values)?;
            }
            (Self::Floats { sums, .. }, ColumnData::Float8(values)) => {
                add_floats(sums, groups, column, values)?;
            }
            (Self::IntegerExtreme { best, greatest, .. }, data) => {
                let greatest = *greatest;
                let better = |new: i64, old: i64| if greatest { new > old } else { new < old };
                match data {
                    ColumnData::Int2(values) => extreme(best, groups, column, values, better),
                    ColumnData::Int4(values) => extreme(best, groups, column, values, better),
                    ColumnData::Int8(values) => extreme(best, groups, column, values, better),
                    _ => unreachable!("the argument is an integer"),
                }
            }
            (Self::FloatExtreme { best, greatest, .. }, data) => {
                let greatest = *greatest;
                // NaN is above all other floats.
                let better = |new: f64, old: f64| {
                    if greatest {
                        new > old || (new.is_nan() && !old.is_nan())
                    } else {
                        new < old || (old.is_nan() && !new.is_nan())
                    }
                };
                match data {
                    ColumnData::Float4(values) => extreme(best, groups, column, values, better),
                    ColumnData::Float8(values) => extreme(best, groups, column, values, better),
                    _ => unreachable!("the argument is a float"),
                }
            }
            (Self::Extreme { best, greatest, .. }, _) => {
                any_extreme(best, *greatest, groups, column);
            }
            (Self::Vectors { sums, .. }, ColumnData::Vector(vectors)) => {
                add_vectors(sums, groups, column, vectors)?;
            }
            _ => unreachable!("the binder casts the argument to what the aggregate works on"),
        }
        Ok(())
    }

    /// The results of the groups from `start` to `end`.
    pub(super) fn finish(&self, start: usize, end: usize) -> Result<Column> {
        let rows = end - start;
        match self {
            Self::Count(counts) => Ok(Column::new(ColumnData::Int8(counts[start..end].to_vec()))),
            Self::Integers { sums, average: true } => {
                collect(DataType::Float8, rows, &sums[start..end], |&(sum, count)| {
                    Ok((count > 0).then(|| Value::Float8(sum as f64 / count as f64)))
                })
            }
            Self::Integers { sums, .. } => {
                collect(DataType::Int8, rows, &sums[start..end], |&(sum, count)| {
                    let sum = i64::try_from(sum).map_err(|_| Error::out_of_range("bigint"))?;
                    Ok((count > 0).then_some(Value::Int8(sum)))
                })
            }
            Self::Floats { sums, result } => {
                let data_type = match result {
                    FloatResult::Single => DataType::Float4,
                    FloatResult::Double | FloatResult::Average => DataType::Float8,
                };
                collect(data_type, rows, &sums[start..end], |sum| sum.finish(*result))
            }
            Self::IntegerExtreme { best, data_type, .. } => {
                collect(*data_type, rows, &best[start..end], |best| {
                    Ok(best.map(|best| match data_type {
                        DataType::Int2 => Value::Int2(best as i16),
                        DataType::Int4 => Value::Int4(best as i32),
                        _ => Value::Int8(best),
                    }))
                })
            }
            Self::FloatExtreme { best, data_type, .. } => {
                collect(*data_type, rows, &best[start..end], |best| {
                    Ok(best.map(|best| match data_type {
                        DataType::Float4 => Value::Float4(best as f32),
                        _ => Value::Float8(best),
                    }))
                })
            }
            Self::Extreme { best, data_type, .. } => {
                collect(*data_type, rows, &best[start..end], |best| Ok(Some(best.clone())))
            }
            Self::Vectors { sums, average, data_type } => {
                collect(*data_type, rows, &sums[start..end], |sum| finish_vector(sum, *average))
            }
        }
    }
}

/// A column of one value for each state.
fn collect<T>(
    data_type: DataType,
    rows: usize,
    states: &[T],
    finish: impl Fn(&T) -> Result<Option<Value>>,
) -> Result<Column> {
    let mut column = Column::with_capacity(data_type, rows);
    for state in states {
        column.push(finish(state)?.unwrap_or(Value::Null).as_ref());
    }
    Ok(column)
}

/// Number of values that are not NULL.
fn not_null(column: &Column) -> usize {
    column.len() - column.nulls.as_ref().map_or(0, Bitmap::count_ones)
}

/// Calls `visit` with group and row of each value that is not NULL.
fn each(column: &Column, groups: &[u32], mut visit: impl FnMut(usize, usize)) {
    match &column.nulls {
        None => groups.iter().enumerate().for_each(|(row, &group)| visit(group as usize, row)),
        Some(nulls) => {
            for (row, &group) in groups.iter().enumerate() {
                if !nulls.get(row) {
                    visit(group as usize, row);
                }
            }
        }
    }
}

/// Sums of the low and the high halves, so that the loop adds whole registers and cannot overflow.
fn sum_of_int8(values: &[i64]) -> i128 {
    let mut total = 0;
    // Invariant: 2^31 halves of 32 bits fit a sum of 64 bits.
    for part in values.chunks(1 << 31) {
        let (mut low, mut high) = (0_u64, 0_i64);
        for &value in part {
            low += value as u64 & 0xffff_ffff;
            high += value >> 32;
        }
        total += (i128::from(high) << 32) + i128::from(low);
    }
    total
}

/// NULLs hold zeros, so a whole column is summed without looking at them.
fn add_integers<T: Copy + Into<i64>>(
    sums: &mut [(i128, i64)],
    groups: Groups<'_>,
    column: &Column,
    values: &[T],
    sum_all: impl Fn(&[T]) -> i128,
) {
    match groups {
        Groups::One => {
            sums[0].0 += sum_all(values);
            sums[0].1 += not_null(column) as i64;
        }
        Groups::Each(groups) => each(column, groups, |group, row| {
            sums[group].0 += i128::from(values[row].into());
            sums[group].1 += 1;
        }),
    }
}

fn add_floats<T: Copy + Into<f64>>(
    sums: &mut [FloatSum],
    groups: Groups<'_>,
    column: &Column,
    values: &[T],
) -> Result<()> {
    match groups {
        Groups::One => sums[0].add_all(values, not_null(column)),
        Groups::Each(groups) => {
            let mut result = Ok(());
            each(column, groups, |group, row| {
                if let Err(error) = sums[group].add(values[row].into()) {
                    result = Err(error);
                }
            });
            result
        }
    }
}

fn extreme<T: Copy + Into<N>, N: Copy>(
    best: &mut [Option<N>],
    groups: Groups<'_>,
    column: &Column,
    values: &[T],
    better: impl Fn(N, N) -> bool,
) {
    match groups {
        Groups::One => best[0] = extreme_of_all(best[0], column, values, better),
        Groups::Each(groups) => each(column, groups, |group, row| {
            let value = values[row].into();
            if best[group].is_none_or(|old| better(value, old)) {
                best[group] = Some(value);
            }
        }),
    }
}

fn extreme_of_all<T: Copy + Into<N>, N: Copy>(
    best: Option<N>,
    column: &Column,
    values: &[T],
    better: impl Fn(N, N) -> bool,
) -> Option<N> {
    let first =
        || (0..values.len()).find(|&row| !column.is_null(row)).map(|row| values[row].into());
    let mut best = best.or_else(first)?;
    let choose = |best: N, value: N| if better(value, best) { value } else { best };
    let Some(nulls) = &column.nulls else {
        return Some(values.iter().fold(best, |best, &value| choose(best, value.into())));
    };
    for (values, &word) in values.chunks(64).zip(nulls.words()) {
        if word == 0 {
            best = values.iter().fold(best, |best, &value| choose(best, value.into()));
            continue;
        }
        for (bit, &value) in values.iter().enumerate() {
            // A NULL is replaced by what changes nothing, which is cheaper than a jump.
            let value = if word >> bit & 1 == 0 { value.into() } else { best };
            best = choose(best, value);
        }
    }
    Some(best)
}

fn any_extreme(best: &mut [Value], greatest: bool, groups: Groups<'_>, column: &Column) {
    for row in 0..column.len() {
        let value = column.get(row);
        if value.is_null() {
            continue;
        }
        let group = match groups {
            Groups::One => 0,
            Groups::Each(groups) => groups[row] as usize,
        };
        let order = value.compare(best[group].as_ref());
        if best[group].is_null() || (if greatest { order.is_gt() } else { order.is_lt() }) {
            best[group] = value.to_value();
        }
    }
}

fn add_vectors(
    sums: &mut [(Vec<f64>, i64)],
    groups: Groups<'_>,
    column: &Column,
    vectors: &VectorColumn,
) -> Result<()> {
    for row in (0..vectors.len()).filter(|&row| !column.is_null(row)) {
        let group = match groups {
            Groups::One => 0,
            Groups::Each(groups) => groups[row] as usize,
        };
        let (sum, count) = &mut sums[group];
        let vector = vectors.get(row);
        if *count == 0 {
            sum.resize(vector.len(), 0.0);
        } else if sum.len() != vector.len() {
            return Err(Error::new(
                SqlState::DataException,
                format!("different vector dimensions {} and {}", sum.len(), vector.len()),
            ));
        }
        sum.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += f64::from(value));
        *count += 1;
    }
    Ok(())
}

fn finish_vector((sum, count): &(Vec<f64>, i64), average: bool) -> Result<Option<Value>> {
    if *count == 0 {
        return Ok(None);
    }
    let divisor = if average { *count as f64 } else { 1.0 };
    let vector: Vec<f32> = sum.iter().map(|sum| (sum / divisor) as f32).collect();
    if vector.iter().any(|value| value.is_infinite()) {
        return Err(overflow());
    }
    Ok(Some(Value::Vector(vector.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        function: AggregateFunction,
        argument: DataType,
        result: DataType,
        values: &[Value],
    ) -> Result<Value> {
        let call = AggregateCall {
            function,
            argument: Some(Expression::Column { id: 0, data_type: argument }),
            distinct: false,
            data_type: result,
        };
        let mut column = Column::with_capacity(argument, values.len());
        for value in values {
            column.push(value.as_ref());
        }
        let whole = finish_one(&call, Groups::One, &column);
        let grouped = finish_one(&call, Groups::Each(&vec![0; values.len()]), &column);
        assert_eq!(format!("{whole:?}"), format!("{grouped:?}"));
        whole
    }

    fn finish_one(call: &AggregateCall, groups: Groups<'_>, column: &Column) -> Result<Value> {
        let mut accumulator = Accumulator::new(call);
        accumulator.resize(1);
        accumulator.update(groups, column)?;
        Ok(accumulator.finish(0, 1)?.get(0).to_value())
    }

    #[test]
    fn sums_counts_and_extremes() {
        use AggregateFunction::{Average, Count, Max, Min, Sum};
        use DataType::{Float4, Float8, Int4, Int8, Text};
        let ints = [Value::Int4(3), Value::Null, Value::Int4(-5)];
        let doubles = [Value::Float8(1.5), Value::Null, Value::Float8(f64::NAN)];
        let texts = [Value::Text("b".into()), Value::Null, Value::Text("a".into())];
        let big = [Value::Int8(i64::MAX), Value::Int8(i64::MIN), Value::Int8(i64::MAX)];
        let cases: [(_, _, _, &[Value], Value); 13] = [
            (Count, Int4, Int8, &ints, Value::Int8(2)),
            (Sum, Int4, Int8, &ints, Value::Int8(-2)),
            (Average, Int4, Float8, &ints, Value::Float8(-1.0)),
            (Min, Int4, Int4, &ints, Value::Int4(-5)),
            (Max, Int4, Int4, &ints, Value::Int4(3)),
            (Min, Float8, Float8, &doubles, Value::Float8(1.5)),
            (Min, Text, Text, &texts, Value::Text("a".into())),
            (Max, Text, Text, &texts, Value::Text("b".into())),
            (Sum, Int8, Int8, &big, Value::Int8(i64::MAX - 1)),
            (Sum, Int4, Int8, &[Value::Null], Value::Null),
            (Average, Int4, Float8, &[], Value::Null),
            (Max, Text, Text, &[], Value::Null),
            (Sum, Float4, Float4, &[Value::Float4(0.5), Value::Float4(1.0)], Value::Float4(1.5)),
        ];
        for (function, argument, result, values, expected) in cases {
            assert_eq!(
                run(function, argument, result, values),
                Ok(expected),
                "{function:?} {values:?}"
            );
        }
        let nan = run(Max, Float8, Float8, &doubles).unwrap();
        assert!(matches!(nan, Value::Float8(value) if value.is_nan()));
    }

    #[test]
    fn sums_out_of_range_are_errors() {
        use AggregateFunction::Sum;
        let ints = [Value::Int8(i64::MAX), Value::Int8(1)];
        let error = run(Sum, DataType::Int8, DataType::Int8, &ints).unwrap_err();
        assert_eq!((error.sqlstate().code(), error.message()), ("22003", "bigint out of range"));
        let doubles = [Value::Float8(f64::MAX), Value::Float8(f64::MAX)];
        let error = run(Sum, DataType::Float8, DataType::Float8, &doubles).unwrap_err();
        assert_eq!(
            (error.sqlstate().code(), error.message()),
            ("22003", "value out of range: overflow")
        );
        let singles = [Value::Float4(f32::MAX), Value::Float4(f32::MAX)];
        assert!(run(Sum, DataType::Float4, DataType::Float4, &singles).is_err());
        let infinite = [Value::Float8(f64::INFINITY), Value::Float8(1.0)];
        let sum = run(Sum, DataType::Float8, DataType::Float8, &infinite);
        assert_eq!(sum, Ok(Value::Float8(f64::INFINITY)));
    }
}
