//! A list of numbers read as choices; behind its end every choice is the first, which is always the simplest.

use spg_engine::Value;

use super::Kind;

/// Choices still to be made.
#[derive(Debug)]
pub struct Choices<'a> {
    numbers: std::slice::Iter<'a, u16>,
}

impl<'a> Choices<'a> {
    /// Choices from a list.
    pub fn new(numbers: &'a [u16]) -> Self {
        Self { numbers: numbers.iter() }
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.numbers.next().map_or(0, |&number| usize::from(number) % bound)
    }

    /// True once in `times`; false is the simpler.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of the items.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// A value to be stored or compared with: few, so that they meet; the ends of the types among them.
    pub fn value(&mut self, kind: Kind) -> Value {
        if self.once_in(7) {
            return Value::Null;
        }
        let extreme = self.once_in(12);
        match kind {
            Kind::Bool => Value::Bool(self.below(2) == 1),
            Kind::Int4 if extreme => Value::Int4(self.pick(&[i32::MAX, i32::MIN])),
            Kind::Int4 => Value::Int4(self.below(10) as i32 - 2),
            Kind::Int8 if extreme => Value::Int8(self.pick(&[i64::MAX, i64::MIN, 1 << 40])),
            Kind::Int8 => Value::Int8(self.below(6) as i64 - 1),
            Kind::Float8 if extreme => {
                Value::Float8(self.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]))
            }
            Kind::Float8 => Value::Float8(self.below(8) as f64 / 2.0 - 1.0),
            Kind::Text => {
                Value::Text(self.pick(&["", "a", "b", "ab", "B", "ä", "a b", "abc"]).into())
            }
        }
    }
}
