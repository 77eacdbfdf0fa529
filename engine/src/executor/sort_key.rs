//! One sort key's values, made cheap to compare.

use std::cmp::Ordering;

use crate::storage::column::{Column, ColumnData};

/// Values of a key as words that are in the key's order, with the column behind them where a word says too little.
pub(super) struct SortColumn<'c> {
    /// Smaller words come first; NULLs have the least or the greatest.
    words: Vec<u128>,
    /// Texts, vectors and intervals: compared in full where words are equal.
    rest: Option<&'c Column>,
    descending: bool,
}

impl<'c> SortColumn<'c> {
    pub(super) fn new(column: &'c Column, descending: bool, nulls_first: bool) -> Self {
        let mut words = match &column.data {
            ColumnData::Bool(values) => words(values, |&value| u64::from(value)),
            ColumnData::Int2(values) => words(values, |&value| integer(value.into())),
            ColumnData::Int4(values) => words(values, |&value| integer(value.into())),
            ColumnData::Int8(values) => words(values, |&value| integer(value)),
            ColumnData::Float4(values) => words(values, |&value| float(value.into())),
            ColumnData::Float8(values) => words(values, |&value| float(value)),
            ColumnData::Date(values) => words(values, |value| integer(value.0.into())),
            ColumnData::Time(values) => words(values, |value| integer(value.0)),
            ColumnData::Timestamp(values) => words(values, |value| integer(value.0)),
            ColumnData::TimestampTz(values) => words(values, |value| integer(value.0)),
            ColumnData::Interval(values) => vec![word(0); values.len()],
            ColumnData::Text(texts) => {
                (0..texts.len()).map(|row| word(prefix(texts.get(row)))).collect()
            }
            ColumnData::Vector(vectors) => vec![word(0); vectors.len()],
        };
        if descending {
            // The middle of the range stays in the middle: NULLs go on either side of it.
            for word in &mut words {
                *word = (3 << 64) - 1 - *word;
            }
        }
        if let Some(nulls) = &column.nulls {
            for row in nulls.iter_ones() {
                words[row] = if nulls_first { 0 } else { u128::MAX };
            }
        }
        let is_partial = matches!(
            column.data,
            ColumnData::Text(_) | ColumnData::Vector(_) | ColumnData::Interval(_)
        );
        Self { words, rest: is_partial.then_some(column), descending }
    }

    /// The word of a row: where two differ, the smaller one's row comes first.
    #[inline]
    pub(super) fn word(&self, row: usize) -> u128 {
        self.words[row]
    }

    /// The order of two rows by this key.
    #[inline]
    pub(super) fn compare(&self, left: usize, right: usize) -> Ordering {
        let order = self.words[left].cmp(&self.words[right]);
        match self.rest {
            Some(column) if order.is_eq() && !column.is_null(left) => {
                let order = column.get(left).compare(column.get(right));
                if self.descending { order.reverse() } else { order }
            }
            _ => order,
        }
    }
}

fn words<T>(values: &[T], order: impl Fn(&T) -> u64) -> Vec<u128> {
    values.iter().map(|value| word(order(value))).collect()
}

/// A word between those of NULLs: 2^64 to 2^65 - 1.
fn word(value: u64) -> u128 {
    1 << 64 | u128::from(value)
}

fn integer(value: i64) -> u64 {
    value as u64 ^ 1 << 63
}

/// Bits in the order of floats: NaN above all, -0 equal to 0.
fn float(value: f64) -> u64 {
    if value.is_nan() {
        return u64::MAX;
    }
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The first eight bytes, zeros behind a shorter text.
fn prefix(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{DataType, Value};

    #[test]
    fn words_order_as_values_do() {
        let float = |value: f64| Value::Float8(value);
        let text = |value: &str| Value::Text(value.into());
        let cases = [
            (
                DataType::Int4,
                vec![Value::Int4(i32::MIN), Value::Int4(-1), Value::Int4(0), Value::Int4(9)],
            ),
            (
                DataType::Float8,
                vec![
                    float(f64::NEG_INFINITY),
                    float(-1.5),
                    float(-0.0),
                    float(2.0),
                    float(f64::NAN),
                ],
            ),
            (
                DataType::Text,
                vec![text(""), text("a"), text("abcdefgh"), text("abcdefgha"), text("b")],
            ),
            (
                DataType::Vector(Some(1)),
                vec![Value::Vector([1.0].into()), Value::Vector([2.0].into())],
            ),
        ];
        for (data_type, ascending) in cases {
            for (descending, nulls_first) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let mut column = Column::with_capacity(data_type, 8);
                for value in &ascending {
                    column.push(value.as_ref());
                }
                column.push(crate::types::ValueRef::Null);
                let sort = SortColumn::new(&column, descending, nulls_first);
                let null = ascending.len();
                for left in 0..null {
                    for right in 0..null {
                        let order = left.cmp(&right);
                        let expected = if descending { order.reverse() } else { order };
                        assert_eq!(sort.compare(left, right), expected, "{ascending:?}");
                    }
                    let expected = if nulls_first { Ordering::Greater } else { Ordering::Less };
                    assert_eq!(sort.compare(left, null), expected);
                }
                assert_eq!(sort.compare(null, null), Ordering::Equal);
            }
        }
    }
}
