//! What values are: data types, single values, positions. A leaf: uses nothing else of ours but the error.

mod data_type;
pub mod datetime;
mod format;
mod order;
mod parse;
mod value;

pub use data_type::DataType;
pub use format::{cast_to_text, format_float4, format_float8, format_value, format_vector};
pub use order::{compare_floats, compare_vectors};
pub use parse::{
    check_dimensions, check_element, check_length, parse_bool, parse_float4, parse_float8,
    parse_value, parse_value_at, parse_vector, too_many_dimensions,
};
pub use value::{Value, ValueRef};

/// A 1-based position in characters within a statement; 0 is unknown.
///
/// Positions compare equal whatever they hold, so that two trees parsed from different texts compare by meaning.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct Position(pub u32);

impl Position {
    /// No position.
    pub const UNKNOWN: Self = Self(0);

    /// Whether it points somewhere.
    pub fn is_known(self) -> bool {
        self.0 != 0
    }
}

impl PartialEq for Position {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
