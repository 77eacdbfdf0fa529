//! Types for the columns of a CSV file: the narrowest that all values fit without losing how they were written.

use spg_engine::limits::VECTOR_DIMENSIONS_MAX;

use crate::import::csv_reader::Field;

/// What the values of one column allow so far.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each type that is still possible")]
pub(crate) struct ColumnGuess {
    /// Some value is not NULL.
    any_value: bool,
    /// Some value is a finite number; NaN and Infinity alone are words.
    any_number: bool,
    integer: bool,
    bigint: bool,
    double: bool,
    boolean: bool,
    vector: bool,
    /// Numbers in each vector, once one was seen.
    dimensions: Option<usize>,
}

impl ColumnGuess {
    /// Nothing seen yet: everything is possible.
    pub(crate) fn new() -> Self {
        Self {
            any_value: false,
            any_number: false,
            integer: true,
            bigint: true,
            double: true,
            boolean: true,
            vector: true,
            dimensions: None,
        }
    }

    /// Takes one more value into account.
    pub(crate) fn observe(&mut self, field: Field<'_>) {
        if field.is_null() {
            return;
        }
        self.any_value = true;
        if self.bigint || self.double {
            self.observe_number(field.text);
        }
        self.boolean = self.boolean && matches!(field.text, "true" | "false");
        if self.vector {
            let length = vector_length(field.text);
            self.vector =
                length.is_some() && (self.dimensions.is_none() || self.dimensions == length);
            self.dimensions = length;
        }
    }

    fn observe_number(&mut self, text: &str) {
        match Number::of(text) {
            Number::Integer => {
                self.any_number = true;
                self.integer = self.integer && text.parse::<i32>().is_ok();
                self.bigint = self.bigint && text.parse::<i64>().is_ok();
                self.double = self.double && text.parse().is_ok_and(f64::is_finite);
            }
            kind => {
                (self.integer, self.bigint) = (false, false);
                self.any_number |= kind == Number::Fraction;
                self.double &= kind != Number::None;
            }
        }
    }

    /// The type in SQL.
    pub(crate) fn sql_type(&self) -> String {
        let name = match self {
            Self { any_value: false, .. } => "TEXT",
            Self { any_number: true, integer: true, .. } => "INT",
            Self { any_number: true, bigint: true, .. } => "BIGINT",
            Self { any_number: true, double: true, .. } => "DOUBLE PRECISION",
            Self { boolean: true, .. } => "BOOL",
            Self { vector: true, dimensions: Some(dimensions), .. } => {
                return format!("VECTOR({dimensions})");
            }
            _ => "TEXT",
        };
        name.to_owned()
    }
}

/// What kind of number a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// Digits, perhaps behind a minus.
    Integer,
    /// With a point or an exponent, and finite.
    Fraction,
    /// `NaN`, `Infinity` or `-Infinity`, as exported.
    Special,
    /// None: other text, or a number that would lose its leading zeros or its plus.
    None,
}

impl Number {
    fn of(text: &str) -> Self {
        if matches!(text, "NaN" | "Infinity" | "-Infinity") {
            return Self::Special;
        }
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let leading_zero = digits > 1 && unsigned.starts_with('0');
        if leading_zero || !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Self::None;
        }
        if digits == unsigned.len() && text != "-0" {
            return Self::Integer;
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Fraction,
            _ => Self::None,
        }
    }
}

/// How many numbers `[1,2.5,-3]` has; None if the text is no vector.
fn vector_length(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut length = 0;
    for element in inner.split(',') {
        let element = element.trim_matches(' ');
        let starts_well = element.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let number: f32 = element.parse().ok()?;
        length += 1;
        if !starts_well || !number.is_finite() || length > VECTOR_DIMENSIONS_MAX {
            return None;
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(values: &[&str]) -> String {
        let mut guess = ColumnGuess::new();
        for text in values {
            let (text, quoted) = match text.strip_prefix('"') {
                Some(rest) => (rest.strip_suffix('"').unwrap(), true),
                None => (*text, false),
            };
            guess.observe(Field { text, quoted, line: 1 });
        }
        guess.sql_type()
    }

    #[test]
    fn narrowest_type_that_fits_all_values() {
        let wide = format!("[{}]", vec!["1"; VECTOR_DIMENSIONS_MAX + 1].join(","));
        let cases: [(&[&str], &str); 46] = [
            (&[], "TEXT"),
            (&["", ""], "TEXT"),
            (&["\"\""], "TEXT"),
            (&["1", "\"\""], "TEXT"),
            (&["0", "-1", ""], "INT"),
            (&["\"5\""], "INT"),
            (&["2147483647", "-2147483648"], "INT"),
            (&["2147483648"], "BIGINT"),
            (&["1", "-2147483649"], "BIGINT"),
            (&["9223372036854775807", "-9223372036854775808"], "BIGINT"),
            (&["9223372036854775808"], "DOUBLE PRECISION"),
            (&["9223372036854775808", "1"], "DOUBLE PRECISION"),
            (&["1", "1.5"], "DOUBLE PRECISION"),
            (&["1.5", "2147483648"], "DOUBLE PRECISION"),
            (&["1e10"], "DOUBLE PRECISION"),
            (&["0.5", ".5", "-5."], "DOUBLE PRECISION"),
            (&["-0"], "DOUBLE PRECISION"),
            (&["1", "NaN"], "DOUBLE PRECISION"),
            (&["Infinity", "2.5", "-Infinity"], "DOUBLE PRECISION"),
            (&["NaN"], "TEXT"),
            (&["inf", "1"], "TEXT"),
            (&["1e999"], "TEXT"),
            (&["007"], "TEXT"),
            (&["1", "01"], "TEXT"),
            (&["1.5", "00.5"], "TEXT"),
            (&["-01"], "TEXT"),
            (&["+5"], "TEXT"),
            (&[" 5"], "TEXT"),
            (&["5 "], "TEXT"),
            (&["0x10"], "TEXT"),
            (&["1_000"], "TEXT"),
            (&["."], "TEXT"),
            (&["-"], "TEXT"),
            (&["1-2"], "TEXT"),
            (&["true", "false", ""], "BOOL"),
            (&["true", "t"], "TEXT"),
            (&["True"], "TEXT"),
            (&["true", "1"], "TEXT"),
            (&["1", "true"], "TEXT"),
            (&["[1,2]", "[-0.5, 1e3]", ""], "VECTOR(2)"),
            (&["[1]"], "VECTOR(1)"),
            (&["[1,2]", "[1]"], "TEXT"),
            (&["[1,2]", "[1]", "[1,2]"], "TEXT"),
            (&["[]"], "TEXT"),
            (&["[1,x]"], "TEXT"),
            (&["[1e39]"], "TEXT"),
        ];
        for (values, expected) in cases {
            assert_eq!(guess(values), expected, "{values:?}");
        }
        assert_eq!(guess(&["[NaN]"]), "TEXT");
        assert_eq!(guess(&[&wide]), "TEXT");
    }
}
