//! Statements that are longer than an engine takes, as a dump has where a row has a long text: its literals become parameters.

use spg_engine::parser::{Piece, pieces};

/// The shortest literal that becomes a parameter: of a row of the most columns, what is left is short enough.
const LITERAL_BYTES_MIN: usize = 1 << 10;

/// A literal in brackets that is no longer than this may be a vector's, and is none of text then.
const VECTOR_BYTES_MAX: usize = 256 << 10;

/// A statement that has none, with parameters in place of its long literals, and their texts.
pub(super) fn with_parameters(statement: &str) -> (String, Vec<String>) {
    let (mut text, mut values, mut copied) = (String::new(), Vec::new(), 0);
    for (piece, range) in pieces(statement) {
        if piece != Piece::Literal || range.len() < LITERAL_BYTES_MIN {
            continue;
        }
        if statement[range.clone()].starts_with("'[") && range.len() <= VECTOR_BYTES_MAX {
            continue;
        }
        let Some(value) = unquoted(&statement[range.clone()]) else { continue };
        values.push(value);
        text.push_str(&statement[copied..range.start]);
        text.push('$');
        text.push_str(&values.len().to_string());
        copied = range.end;
    }
    text.push_str(&statement[copied..]);
    (text, values)
}

/// The text of a literal without escapes.
fn unquoted(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(quote) = rest.find('\'') {
        value.push_str(&rest[..=quote]);
        // One that stands alone ends a literal that goes on in another line.
        rest = rest[quote + 1..].strip_prefix('\'')?;
    }
    value.push_str(rest);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_literals_become_parameters() {
        let long = "it''s ".repeat(20_000);
        let statement = format!(
            "INSERT INTO t (a, b) VALUES (1, '{long}'), (2, 'short'),\n('{long}', E'{long}')"
        );
        let (text, values) = with_parameters(&statement);
        let expected =
            format!("INSERT INTO t (a, b) VALUES (1, $1), (2, 'short'),\n($2, E'{long}')");
        assert_eq!(text, expected);
        assert_eq!(values, ["it's ".repeat(20_000), "it's ".repeat(20_000)]);
        let vector = format!("INSERT INTO t VALUES ('[{}]')", "1,".repeat(20_000));
        assert_eq!(with_parameters(&vector), (vector.clone(), Vec::new()));
        let continued = format!("SELECT '{long}'\n'more'");
        assert_eq!(with_parameters(&continued), (continued.clone(), Vec::new()));
    }
}
