//! Names in a text, as `nextval('schema.name')` has them.

use crate::error::{Error, Result, SqlState};

/// The parts of `[schema.]name` written as in a statement: folded unless quoted; 42602 for anything else.
pub fn qualified_name(text: &str) -> Result<Vec<String>> {
    let invalid = || Error::new(SqlState::InvalidName, "invalid name syntax");
    let mut parts = Vec::new();
    let mut rest = text.trim_matches(is_space);
    loop {
        let part;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut characters = quoted.char_indices();
            let end = loop {
                match characters.next() {
                    Some((place, '"')) if quoted[place + 1..].starts_with('"') => {
                        characters.next();
                        name.push('"');
                    }
                    Some((place, '"')) => break place + 1,
                    Some((_, character)) => name.push(character),
                    None => return Err(invalid()),
                }
            };
            (part, rest) = (name, quoted[end..].trim_start_matches(is_space));
        } else {
            let end = rest.find(|c: char| c == '.' || is_space(c)).unwrap_or(rest.len());
            let name = super::literal::fold_name(&rest[..end]);
            (part, rest) = (name, rest[end..].trim_start_matches(is_space));
        }
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start_matches(is_space),
            None if rest.is_empty() => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

/// What separates words of SQL: of Unicode's blanks names may have any other.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::qualified_name;

    #[test]
    fn parts_are_folded_unless_quoted() {
        for (text, parts) in [
            ("s", "s"),
            (" Public . S ", "public|s"),
            ("\"A\"\"b\".c", "A\"b|c"),
            ("a.b.c", "a|b|c"),
            ("1x", "1x"),
            ("größe", "größe"),
        ] {
            assert_eq!(qualified_name(text).unwrap().join("|"), parts, "{text}");
        }
        for text in ["", " ", ".", "a.", ".a", "a b", "\"", "\"\"", "\"a", "\"a\"b", "a..b"] {
            assert!(qualified_name(text).is_err(), "{text}");
        }
    }
}
