//! Comparing and hashing values as SQL does: NaN equal to itself and above all, -0 equal to 0, text by bytes.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::LazyLock;

use crate::types::ValueRef;

/// Seeded once a process: values hash alike everywhere in it, and no one outside can aim at collisions.
static HASH_SEED: LazyLock<hashbrown::DefaultHashBuilder> =
    LazyLock::new(hashbrown::DefaultHashBuilder::default);

/// Total order of floats as PostgreSQL's: NaN equal to NaN and above all, -0 equal to 0.
#[inline]
pub fn compare_floats<T: PartialOrd + Copy>(left: T, right: T) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| {
        let is_nan = |value: T| value.partial_cmp(&value).is_none();
        is_nan(left).cmp(&is_nan(right))
    })
}

/// pgvector's order: element by element, then by length.
pub fn compare_vectors(left: &[f32], right: &[f32]) -> Ordering {
    let elements = left.iter().zip(right).map(|(&left, &right)| compare_floats(left, right));
    elements.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// The bits under which all floats that are equal in SQL coincide.
fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        // Adding zero turns -0 into 0 and changes nothing else.
        (value + 0.0).to_bits()
    }
}

impl ValueRef<'_> {
    /// The order of two non-NULL values of one type (or of two NULLs: equal; a NULL is above all else, as ORDER BY
    /// has it by default).
    #[inline]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left.cmp(&right),
            (Self::Int2(left), Self::Int2(right)) => left.cmp(&right),
            (Self::Int4(left), Self::Int4(right)) => left.cmp(&right),
            (Self::Int8(left), Self::Int8(right)) => left.cmp(&right),
            (Self::Float4(left), Self::Float4(right)) => compare_floats(left, right),
            (Self::Float8(left), Self::Float8(right)) => compare_floats(left, right),
            (Self::Date(left), Self::Date(right)) => left.cmp(&right),
            (Self::Time(left), Self::Time(right)) => left.cmp(&right),
            (Self::Timestamp(left), Self::Timestamp(right)) => left.cmp(&right),
            (Self::TimestampTz(left), Self::TimestampTz(right)) => left.cmp(&right),
            (Self::Interval(left), Self::Interval(right)) => left.compare(right),
            (Self::Text(left), Self::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Self::Vector(left), Self::Vector(right)) => compare_vectors(left, right),
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Greater,
            (_, Self::Null) => Ordering::Less,
            (left, right) => unreachable!("values of two types compared: {left:?}, {right:?}"),
        }
    }

    /// Whether two values of one type are the same value in SQL; NULL equals NULL, as for GROUP BY and DISTINCT.
    #[inline]
    pub fn equals(self, other: Self) -> bool {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left == right,
            (left, right) => left.compare(right).is_eq(),
        }
    }

    /// Feeds the value to a hasher so that values that [`Self::equals`] finds equal hash alike.
    pub fn hash_into(self, state: &mut impl Hasher) {
        match self {
            Self::Null => state.write_u8(0),
            Self::Bool(value) => state.write_u8(1 + u8::from(value)),
            Self::Int2(value) => state.write_i64(value.into()),
            Self::Int4(value) => state.write_i64(value.into()),
            Self::Int8(value) => state.write_i64(value),
            Self::Float4(value) => state.write_u64(canonical_bits(value.into())),
            Self::Float8(value) => state.write_u64(canonical_bits(value)),
            Self::Date(value) => state.write_i64(value.0.into()),
            Self::Time(value) => state.write_i64(value.0),
            Self::Timestamp(value) => state.write_i64(value.0),
            Self::TimestampTz(value) => state.write_i64(value.0),
            Self::Interval(value) => state.write_i128(value.span()),
            Self::Text(value) => value.hash(state),
            Self::Vector(value) => {
                state.write_usize(value.len());
                for &element in value {
                    state.write_u64(canonical_bits(element.into()));
                }
            }
        }
    }

    /// A hash of the one value, the same throughout the process.
    pub fn hash_value(self) -> u64 {
        let mut state = HASH_SEED.build_hasher();
        self.hash_into(&mut state);
        state.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_order_as_in_postgresql() {
        let ascending = [f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 1.0, f64::INFINITY, f64::NAN];
        for (left_place, &left) in ascending.iter().enumerate() {
            for (right_place, &right) in ascending.iter().enumerate() {
                let expected = left_place.cmp(&right_place);
                assert_eq!(ValueRef::Float8(left).compare(ValueRef::Float8(right)), expected);
                let (left, right) = (left as f32, right as f32);
                if left != 0.0 || right != 0.0 {
                    assert_eq!(ValueRef::Float4(left).compare(ValueRef::Float4(right)), expected);
                }
            }
        }
    }

    #[test]
    fn equal_values_hash_alike() {
        let pairs = [
            (ValueRef::Float8(0.0), ValueRef::Float8(-0.0)),
            (ValueRef::Float4(f32::NAN), ValueRef::Float4(-f32::NAN)),
            (ValueRef::Vector(&[0.0, 1.0]), ValueRef::Vector(&[-0.0, 1.0])),
            (ValueRef::Null, ValueRef::Null),
        ];
        for (left, right) in pairs {
            assert!(left.equals(right));
            assert_eq!(left.hash_value(), right.hash_value());
        }
        assert!(!ValueRef::Null.equals(ValueRef::Int4(0)));
    }

    #[test]
    fn texts_by_bytes_and_vectors_then_by_length() {
        assert!(ValueRef::Text("Z").compare(ValueRef::Text("a")).is_lt());
        assert!(ValueRef::Text("ä").compare(ValueRef::Text("z")).is_gt());
        assert!(ValueRef::Vector(&[1.0]).compare(ValueRef::Vector(&[1.0, -5.0])).is_lt());
        assert!(ValueRef::Vector(&[2.0]).compare(ValueRef::Vector(&[1.0, 5.0])).is_gt());
    }
}
