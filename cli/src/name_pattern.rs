//! Which relations `\d` and its kin are about: names in which `*` and `?` stand for letters, as psql has it.

use std::fmt::{self, Display, Formatter};

/// A pattern as it was written: unquoted parts fold, and in them `*` is any text and `?` any character.
#[derive(Debug, Default)]
pub(crate) struct NamePattern {
    /// Of the schema.
    schema: Option<Part>,
    name: Part,
}

/// One part of it.
#[derive(Debug, Default)]
struct Part {
    /// What LIKE takes.
    like: String,
    /// As it is told.
    shown: String,
    is_wild: bool,
}

impl NamePattern {
    /// Reads `te*`, `pg_catalog.pg_st*` or `"T"*`.
    pub(crate) fn parse(written: &str) -> Self {
        let mut pattern = Self::default();
        let mut is_quoted = false;
        for c in written.chars() {
            match c {
                '"' => is_quoted = !is_quoted,
                '.' if !is_quoted => pattern.schema = Some(std::mem::take(&mut pattern.name)),
                '*' | '?' if !is_quoted => pattern.name.push_wild(c),
                _ if is_quoted => pattern.name.push(c),
                _ => pattern.name.push(c.to_ascii_lowercase()),
            }
        }
        pattern
    }

    /// Whether it may match more than one name.
    pub(crate) fn is_wild(&self) -> bool {
        self.name.is_wild || self.schema.as_ref().is_some_and(|schema| schema.is_wild)
    }

    /// What is true of the relations `c` of a namespace `n` that it matches; without a schema those of the schemas that
    /// `unnamed` matches, as LIKE does.
    pub(crate) fn condition(&self, unnamed: &str) -> String {
        let schema = self.schema.as_ref().map_or(unnamed, |schema| &schema.like);
        format!(
            "c.relname LIKE {} AND n.nspname LIKE {}",
            literal(&self.name.like),
            literal(schema)
        )
    }
}

impl Display for NamePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", schema.shown)?;
        }
        f.write_str(&self.name.shown)
    }
}

impl Part {
    fn push(&mut self, c: char) {
        if matches!(c, '%' | '_' | '\\') {
            self.like.push('\\');
        }
        self.like.push(c);
        self.shown.push(c);
    }

    fn push_wild(&mut self, c: char) {
        self.like.push(if c == '*' { '%' } else { '_' });
        self.shown.push(c);
        self.is_wild = true;
    }
}

/// A text as a statement has it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_conditions() {
        for (written, shown, is_wild, condition) in [
            ("Te*", "te*", true, "c.relname LIKE 'te%' AND n.nspname LIKE 'public'"),
            ("a_b?", "a_b?", true, "c.relname LIKE 'a\\_b_' AND n.nspname LIKE 'public'"),
            ("\"T*\"", "T*", false, "c.relname LIKE 'T*' AND n.nspname LIKE 'public'"),
            (
                "pg_catalog.*",
                "pg_catalog.*",
                true,
                "c.relname LIKE '%' AND n.nspname LIKE 'pg\\_catalog'",
            ),
            ("it's", "it's", false, "c.relname LIKE 'it''s' AND n.nspname LIKE 'public'"),
        ] {
            let pattern = NamePattern::parse(written);
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(pattern.is_wild(), is_wild, "{written}");
            assert_eq!(pattern.condition("public"), condition, "{written}");
        }
    }
}
