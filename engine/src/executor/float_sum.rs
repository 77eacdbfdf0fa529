//! Sums of floats: row by row as PostgreSQL adds them, long columns in lanes.

use crate::error::{Error, Result, SqlState};
use crate::executor::accumulator::FloatResult;
use crate::types::Value;

/// Values from which on a column is summed in lanes: below, the order of additions is PostgreSQL's.
const LANES_ROWS_MIN: usize = 64;

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
            self.sum += sum_in_lanes(values);
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

/// The sum in eight lanes, written out one by one so that they stay in registers.
fn sum_in_lanes<T: Copy + Into<f64>>(values: &[T]) -> f64 {
    let (parts, rest) = values.as_chunks::<8>();
    let (mut lane0, mut lane1, mut lane2, mut lane3) = (0.0, 0.0, 0.0, 0.0);
    let (mut lane4, mut lane5, mut lane6, mut lane7) = (0.0, 0.0, 0.0, 0.0);
    for part in parts {
        lane0 += part[0].into();
        lane1 += part[1].into();
        lane2 += part[2].into();
        lane3 += part[3].into();
        lane4 += part[4].into();
        lane5 += part[5].into();
        lane6 += part[6].into();
        lane7 += part[7].into();
    }
    let rest: f64 = rest.iter().map(|&value| value.into()).sum();
    ((lane0 + lane4) + (lane1 + lane5)) + ((lane2 + lane6) + (lane3 + lane7)) + rest
}

/// 22003 in PostgreSQL's words.
#[cold]
pub(super) fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: overflow")
}
