//! Definitions as SQL text, in the form of PostgreSQL's `pg_get_*def`.

use crate::error::Result;
use crate::parser::ast::{Expression, ExpressionKind, Identifier};
use crate::parser::parse_expression;
use crate::storage::reference::Link;
use crate::storage::schema::{ColumnDefinition, IndexDefinition, ReferentialAction, Schema};
use crate::system::source::{Constraint, Source};
use crate::types::{DataType, Position};

/// A name as SQL text, quoted where it must be.
pub fn name(name: &str) -> String {
    Identifier { name: name.to_owned(), position: Position::UNKNOWN }.to_string()
}

/// `CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)`.
pub fn index(schema: &Schema, index: &IndexDefinition) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let (called, table) = (name(&index.name), name(&schema.name));
    format!("CREATE {unique}INDEX {called} ON public.{table} USING btree ({})", keys(schema, index))
}

/// The keys of an index with their order, where it is not the usual one.
fn keys(schema: &Schema, index: &IndexDefinition) -> String {
    let key = |column: &crate::storage::schema::IndexColumn| {
        let mut text = name(&schema.columns[column.ordinal].name);
        text.push_str(match (column.descending, column.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        });
        text
    };
    index.columns.iter().map(key).collect::<Vec<_>>().join(", ")
}

/// `PRIMARY KEY (id)`, `CHECK ((price > 0))`, or with fewer parentheses `CHECK (price > 0)`.
pub fn constraint(
    source: &Source<'_>,
    schema: &Schema,
    constraint: &Constraint<'_>,
    is_pretty: bool,
) -> Result<String> {
    Ok(match constraint {
        Constraint::Key(index) => {
            let columns = columns(schema, index.columns.iter().map(|key| key.ordinal));
            format!("{} ({columns})", constraint.kind_name())
        }
        Constraint::Check(check) if is_pretty => format!("CHECK {}", condition(&check.condition)),
        Constraint::Check(check) => format!("CHECK ({})", condition(&check.condition)),
        Constraint::Foreign(key) => foreign_key(&source.link(schema, key)?),
    })
}

/// The names of columns, with commas between them.
fn columns(schema: &Schema, ordinals: impl Iterator<Item = usize>) -> String {
    ordinals.map(|ordinal| name(&schema.columns[ordinal].name)).collect::<Vec<_>>().join(", ")
}

/// `FOREIGN KEY (a, b) REFERENCES t(x, y) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL`, what goes without saying left out.
fn foreign_key(link: &Link<'_>) -> String {
    let own = columns(link.child.schema(), link.child_ordinals());
    let parent = link.parent.schema();
    let (table, others) = (name(&parent.name), columns(parent, link.parent_ordinals()));
    let mut text = format!("FOREIGN KEY ({own}) REFERENCES {table}({others})");
    text.push_str(if link.key.match_full { " MATCH FULL" } else { "" });
    for (event, done) in [("UPDATE", link.key.on_update), ("DELETE", link.key.on_delete)] {
        if done != ReferentialAction::NoAction {
            text.extend([" ON ", event, " ", action(done)]);
        }
    }
    text
}

/// What a foreign key does, as it is written.
pub fn action(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "NO ACTION",
        ReferentialAction::Restrict => "RESTRICT",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    }
}

/// The condition of a CHECK, which PostgreSQL prints in parentheses of its own: those that it has around it count.
pub fn condition(kept: &str) -> String {
    parenthesised(restated(kept))
}

fn parenthesised(condition: String) -> String {
    if is_parenthesised(&condition) { condition } else { format!("({condition})") }
}

/// The text of an expression as it would be kept today: files of earlier versions have `"current_timestamp"()` for
/// `CURRENT_TIMESTAMP`, and PostgreSQL does not take that.
fn restated(kept: &str) -> String {
    parse_expression(kept).map_or_else(|_| kept.to_owned(), |expression| expression.to_string())
}

/// Whether one pair of parentheses is around all of an expression.
fn is_parenthesised(expression: &str) -> bool {
    let (mut depth, mut quote) = (0, None);
    for (place, character) in expression.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place > 0 && place + 1 == expression.len();
        }
    }
    false
}

/// The columns that a condition names, by ordinal.
pub fn condition_columns(schema: &Schema, condition: &str) -> Vec<usize> {
    let Ok(mut parsed) = parse_expression(condition) else { return Vec::new() };
    let mut found = Vec::new();
    note_columns(&mut parsed, schema, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn note_columns(expression: &mut Expression, schema: &Schema, found: &mut Vec<usize>) {
    if let ExpressionKind::Column { column, .. } = &expression.kind {
        found.extend(schema.ordinal(&column.name));
    }
    expression.each_child_mut(&mut |child| note_columns(child, schema, found));
}

/// A column's DEFAULT: as it is kept, a lone quoted literal with its type, as PostgreSQL writes it.
pub fn default(column: &ColumnDefinition) -> Option<String> {
    let kept = restated(column.default.as_deref()?);
    let kept = kept.as_str();
    if let Some(named) = kept.strip_prefix("nextval(").and_then(|rest| rest.strip_suffix(')'))
        && is_literal(named)
    {
        return Some(format!("nextval({named}::regclass)"));
    }
    if matches!(kept, "TRUE" | "FALSE") {
        return Some(kept.to_ascii_lowercase());
    }
    if is_literal(kept) && has_quoted_constants(column.data_type) {
        return Some(format!("{kept}::{}", column.data_type.sql_name()));
    }
    Some(kept.to_owned())
}

/// Whether PostgreSQL prints the type's constants as quoted texts with their type.
fn has_quoted_constants(data_type: DataType) -> bool {
    let is_bare = data_type == DataType::Bool || data_type.is_numeric() || data_type.is_vector();
    !is_bare
}

/// Whether a text is one quoted string and nothing else.
fn is_literal(text: &str) -> bool {
    let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.is_some_and(|inner| !inner.replace("''", "").contains('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_read_as_in_postgresql() {
        let default = |data_type, kept: &str| {
            let column = ColumnDefinition {
                default: Some(kept.into()),
                ..ColumnDefinition::nullable("c", data_type)
            };
            default(&column).unwrap()
        };
        assert_eq!(default(DataType::Text, "'x'"), "'x'::text");
        assert_eq!(default(DataType::Varchar(Some(3)), "'it''s'"), "'it''s'::character varying");
        assert_eq!(default(DataType::Text, "'a' || 'b'"), "'a' || 'b'");
        assert_eq!(default(DataType::Int4, "nextval('t_id_seq')"), "nextval('t_id_seq'::regclass)");
        assert_eq!(default(DataType::Int4, "7"), "7");
        assert_eq!(default(DataType::Date, "'1900-01-01'"), "'1900-01-01'::date");
        assert_eq!(default(DataType::Bool, "TRUE"), "true");
        // As kept by earlier versions.
        assert_eq!(default(DataType::Date, "\"current_date\"()"), "CURRENT_DATE");
        assert_eq!(default(DataType::Text, "\"current_user\"() || 'x'"), "CURRENT_USER || 'x'");
    }

    #[test]
    fn parentheses_around_the_whole_of_a_condition_count() {
        for (kept, shown) in [
            ("a > 0", "(a > 0)"),
            ("(a) AND (b)", "((a) AND (b))"),
            ("((a) AND (b))", "((a) AND (b))"),
            ("(a = ')')", "(a = ')')"),
            ("(\"(\" = 1)", "(\"(\" = 1)"),
        ] {
            assert_eq!(parenthesised(kept.to_owned()), shown);
        }
        // As kept by earlier versions.
        assert_eq!(condition("a < \"localtimestamp\"()"), "(a < LOCALTIMESTAMP)");
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(name("t"), "t");
        assert_eq!(name("My \"T\""), "\"My \"\"T\"\"\"");
        assert_eq!(name("select"), "\"select\"");
    }
}
