//! A table's name as an argument, written as in SQL: unquoted parts fold, quoted ones stand.

use spg_engine::types::Position;
use spg_engine::{Error, Result, SqlState};

use crate::failure::Failure;

/// The one schema there is.
const SCHEMA: &str = "public";

/// A table by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName {
    /// The name as the catalog has it.
    pub(crate) name: String,
}

impl TableName {
    /// Reads `t`, `public.t` or `"T"`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (first, rest) = part(text).ok_or_else(|| invalid(text))?;
        let (schema, name) = match rest.strip_prefix('.') {
            None if rest.is_empty() => (None, first),
            None => return Err(invalid(text)),
            Some(rest) => match part(rest) {
                Some((name, "")) => (Some(first), name),
                _ => return Err(invalid(text)),
            },
        };
        match schema {
            Some(schema) if schema != SCHEMA => Err(Error::new(
                SqlState::InvalidSchemaName,
                format!("schema \"{schema}\" does not exist"),
            )),
            _ => Ok(Self { name }),
        }
    }

    /// The name for use in a statement.
    pub(crate) fn sql(&self) -> String {
        format!("{SCHEMA}.{}", quote_identifier(&self.name))
    }

    /// A statement that reads the whole table, whose columns are the table's.
    pub(crate) fn select_all(&self) -> String {
        format!("SELECT * FROM {}", self.sql())
    }

    /// The failure of [`Self::select_all`] without the position in a statement that the user has not written.
    pub(crate) fn without_position(&self, failure: Failure) -> Failure {
        if failure.code() == SqlState::UndefinedTable.code() {
            return Error::undefined_table(&self.name, Position::UNKNOWN).into();
        }
        failure
    }
}

/// A name in quotes, for use in a statement.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One part of a name and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut name = String::new();
        let mut rest = quoted;
        loop {
            let (piece, behind) = rest.split_once('"')?;
            name.push_str(piece);
            let Some(further) = behind.strip_prefix('"') else {
                return (!name.is_empty()).then_some((name, behind));
            };
            name.push('"');
            rest = further;
        }
    }
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    if !text.starts_with(is_start) {
        return None;
    }
    let end = text.find(|c| !(is_start(c) || c.is_ascii_digit() || c == '$')).unwrap_or(text.len());
    Some((text[..end].to_ascii_lowercase(), &text[end..]))
}

fn invalid(text: &str) -> Error {
    Error::new(SqlState::InvalidName, format!("invalid table name: {text}"))
        .with_hint("Write it as in SQL: name, public.name or \"Quoted Name\".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_unless_quoted() {
        for (text, name) in [
            ("t", "t"),
            ("Packages_2", "packages_2"),
            ("public.T", "t"),
            ("PUBLIC.\"T\"", "T"),
            ("\"a\"\"b.c d\"", "a\"b.c d"),
            ("\"public\".t$1", "t$1"),
            ("order", "order"),
            ("Ä", "Ä"),
        ] {
            assert_eq!(TableName::parse(text).unwrap().name, name, "{text}");
        }
        let sql = TableName::parse("\"a\"\"b\"").unwrap().sql();
        assert_eq!(sql, "public.\"a\"\"b\"");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "1t", "a b", "a.", ".a", "\"\"", "\"a", "a.b.c", "public.a;", "a-b"] {
            let error = TableName::parse(text).unwrap_err();
            assert_eq!(error.sqlstate(), SqlState::InvalidName, "{text}");
        }
        let error = TableName::parse("s.t").unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::InvalidSchemaName);
    }
}
