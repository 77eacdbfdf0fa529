//! Sums of floats: row by row as PostgreSQL adds them, long columns in lanes.

use crate::error::{Error, Result, SqlState};
use crate::executor::accumulator::FloatResult;
use crate::types::Value;

/// Values from which on a column is summed in lanes: below, the order of additions is PostgreSQL's.
const LANES_ROWS_MIN: usize = 64;
const LANES: usize = 8;

/// A running sum and the number of its values.
#[derive(Clone, Copy)]
pub(super) struct FloatSum {
    sum: f64,
    count: usize,
}

impl Default for FloatSum {
    fn default() -> Self {
        // The neutral element of addition: a sum of nothing but -0 stays -0.
        Self { sum: -0.0, count: 0 }
    }
}

impl FloatSum {
    /// Adds one value.
    pub(super) fn add(&mut self, value: f64) -> Result<()> {
        let sum = self.sum + value;
        if sum.is_infinite() && self.sum.is_finite() && value.is_finite() {
            return Err(overflow());
        }
        self.sum = sum;
        self.count += 1;
        Ok(())
    }

    /// Adds all of `values`, of which `count` are not NULL; the others are zeros.
    pub(super) fn add_all<T: Copy + Into<f64>>(
        &mut self,
        values: &[T],
        count: usize,
    ) -> Result<()> {
        let before = self.sum;
        if values.len() < LANES_ROWS_MIN {
            self.sum = values.iter().fold(before, |sum, &value| sum + value.into());
        } else {
            let mut lanes = [0.0; LANES];
            let (parts, rest) = values.as_chunks::<LANES>();
            for part in parts {
                lanes.iter_mut().zip(part).for_each(|(lane, &value)| *lane += value.into());
            }
            let rest: f64 = rest.iter().map(|&value| value.into()).sum();
            self.sum += lanes.iter().sum::<f64>() + rest;
        }
        self.count += count;
        let is_finite = |&value: &T| value.into().is_finite();
        if !self.sum.is_finite() && before.is_finite() && values.iter().all(is_finite) {
            return Err(overflow());
        }
        Ok(())
    }

    /// The result, None for no value.
    pub(super) fn finish(&self, result: FloatResult) -> Result<Option<Value>> {
        if self.count == 0 {
            return Ok(None);
        }
        Ok(Some(match result {
            FloatResult::Double => Value::Float8(self.sum),
            FloatResult::Average => Value::Float8(self.sum / self.count as f64),
            FloatResult::Single => {
                let single = self.sum as f32;
                if single.is_infinite() && self.sum.is_finite() {
                    return Err(overflow());
                }
                Value::Float4(single)
            }
        }))
    }
}

/// 22003 in PostgreSQL's words.
#[cold]
pub(super) fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: overflow")
}
