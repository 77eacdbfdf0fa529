//! All of a database but its rows: asked of the catalog, written as SQL.

use std::io::{self, Write};

use crate::dump::ask;
use crate::dump::literal::write_quoted;
use crate::failure::Outcome;
use crate::table_name::quote_identifier;
use crate::target::Target;

const TABLES: &str = "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY c.relname";

const SEQUENCES: &str = "SELECT s.sequencename, s.data_type, s.start_value, s.min_value, s.max_value, s.increment_by, \
                         s.cycle, s.cache_size, p.last_value, p.is_called, p.is_identity, p.owner_table, \
                         p.owner_column FROM pg_sequences s JOIN spg_sequences p \
                         ON p.schemaname = s.schemaname AND p.sequencename = s.sequencename \
                         WHERE s.schemaname = 'public' ORDER BY s.sequencename";

/// Indexes that belong to no constraint.
const INDEXES: &str = "SELECT i.indexdef FROM pg_indexes i LEFT JOIN pg_constraint c ON c.conname = i.indexname \
                       AND c.contype IN ('p', 'u') WHERE i.schemaname = 'public' AND c.conname IS NULL \
                       ORDER BY i.tablename, i.indexname";

/// What a database has beside its rows.
pub(super) struct Schema {
    /// By name.
    pub(super) tables: Vec<Table>,
    sequences: Vec<Sequence>,
    /// CREATE INDEX statements.
    indexes: Vec<String>,
}

/// A table.
pub(super) struct Table {
    name: String,
    /// In their order.
    pub(super) columns: Vec<Column>,
    /// By name.
    constraints: Vec<Constraint>,
}

/// A constraint.
struct Constraint {
    name: String,
    definition: String,
    is_foreign_key: bool,
}

/// A column.
pub(super) struct Column {
    name: String,
    data_type: String,
    not_null: bool,
    default: Option<String>,
    identity: Option<&'static str>,
}

/// A sequence.
struct Sequence {
    name: String,
    data_type: String,
    options: String,
    last: String,
    is_called: bool,
    /// Whether an identity column draws from it.
    is_identity: bool,
    /// The table and the column that own it.
    owner: Option<[String; 2]>,
}

/// A text that the catalog never has NULL for.
fn text(row: &mut [Option<String>], place: usize) -> String {
    row.get_mut(place).and_then(Option::take).unwrap_or_default()
}

fn is_true(text: &str) -> bool {
    matches!(text, "t" | "true")
}

impl Schema {
    pub(super) fn read(target: &mut Target) -> Outcome<Self> {
        let mut tables = Vec::new();
        for mut row in ask(target, TABLES)? {
            tables.push(Table::read(&text(&mut row, 0), text(&mut row, 1), target)?);
        }
        let sequences = ask(target, SEQUENCES)?.into_iter().map(Sequence::of_row).collect();
        let indexes = ask(target, INDEXES)?.into_iter().map(|mut row| text(&mut row, 0)).collect();
        Ok(Self { tables, sequences, indexes })
    }

    /// What rows need: sequences and tables without constraints.
    pub(super) fn write_definitions(&self, out: &mut impl Write) -> io::Result<()> {
        for sequence in self.sequences.iter().filter(|sequence| !sequence.is_identity) {
            let (name, data_type) = (quote_identifier(&sequence.name), &sequence.data_type);
            writeln!(out, "CREATE SEQUENCE {name} AS {data_type} {};", sequence.options)?;
        }
        for table in &self.tables {
            let definition = |column: &Column| column.definition(self.identity(table, column));
            let columns: Vec<String> = table.columns.iter().map(definition).collect();
            let columns = columns.join(",\n    ");
            writeln!(out, "CREATE TABLE {} (\n    {columns}\n);", quote_identifier(&table.name))?;
        }
        // They may draw from what a later table brings with it.
        for (table, column) in self.columns().filter(|(_, column)| column.draws()) {
            let (table, name) = (quote_identifier(&table.name), quote_identifier(&column.name));
            let default = column.default_clause();
            writeln!(out, "ALTER TABLE {table} ALTER COLUMN {name} SET{default};")?;
        }
        Ok(())
    }

    /// The sequence that an identity column draws from.
    fn identity(&self, table: &Table, column: &Column) -> Option<&Sequence> {
        let names = [&table.name, &column.name];
        self.sequences.iter().find(|sequence| {
            sequence.is_identity
                && sequence.owner.as_ref().is_some_and(|owner| names == owner.each_ref())
        })
    }

    /// What rows must satisfy, and where sequences stand.
    pub(super) fn write_constraints(&self, out: &mut impl Write) -> io::Result<()> {
        for table in &self.tables {
            table.write_constraints(false, out)?;
        }
        for index in &self.indexes {
            writeln!(out, "{index};")?;
        }
        for sequence in self.sequences.iter().filter(|sequence| !sequence.is_identity) {
            if let Some([table, column]) = &sequence.owner {
                let names = [&sequence.name, table, column].map(|name| quote_identifier(name));
                let [sequence, table, column] = names;
                writeln!(out, "ALTER SEQUENCE {sequence} OWNED BY {table}.{column};")?;
            }
        }
        for sequence in &self.sequences {
            sequence.write_position(out)?;
        }
        // Last: what they refer to may be a unique index, and of any table.
        for table in &self.tables {
            table.write_constraints(true, out)?;
        }
        Ok(())
    }

    fn columns(&self) -> impl Iterator<Item = (&Table, &Column)> {
        self.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)))
    }
}

impl Table {
    fn read(oid: &str, name: String, target: &mut Target) -> Outcome<Self> {
        let columns = format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, \
             pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a \
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        );
        let mut table = Self { name, columns: Vec::new(), constraints: Vec::new() };
        for mut row in ask(target, &columns)? {
            let identity = match text(&mut row, 3).as_str() {
                "a" => Some("ALWAYS"),
                "d" => Some("BY DEFAULT"),
                _ => None,
            };
            let name = text(&mut row, 0);
            let default = row[4].take().filter(|_| identity.is_none());
            table.columns.push(Column {
                name,
                data_type: text(&mut row, 1),
                not_null: is_true(&text(&mut row, 2)),
                default,
                identity,
            });
        }
        let constraints = format!(
            "SELECT conname, pg_get_constraintdef(oid), contype FROM pg_constraint \
             WHERE conrelid = {oid} AND contype IN ('c', 'f', 'p', 'u') ORDER BY conname"
        );
        for mut row in ask(target, &constraints)? {
            let [name, definition, kind] = std::array::from_fn(|place| text(&mut row, place));
            table.constraints.push(Constraint { name, definition, is_foreign_key: kind == "f" });
        }
        Ok(table)
    }

    /// Its foreign keys, or all other constraints.
    fn write_constraints(&self, foreign_keys: bool, out: &mut impl Write) -> io::Result<()> {
        let table = quote_identifier(&self.name);
        for one in self.constraints.iter().filter(|one| one.is_foreign_key == foreign_keys) {
            let (name, definition) = (quote_identifier(&one.name), &one.definition);
            writeln!(out, "ALTER TABLE {table} ADD CONSTRAINT {name} {definition};")?;
        }
        Ok(())
    }

    /// Reads its rows.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.column_list(), quote_identifier(&self.name))
    }

    /// The head of an INSERT of rows.
    pub(super) fn insert(&self) -> String {
        let overriding = self.columns.iter().any(|column| column.identity == Some("ALWAYS"));
        let overriding = if overriding { " OVERRIDING SYSTEM VALUE" } else { "" };
        let name = quote_identifier(&self.name);
        format!("INSERT INTO {name} ({}){overriding} VALUES", self.column_list())
    }

    /// The INSERT of a row without a value, but for its end.
    pub(super) fn insert_defaults(&self) -> String {
        format!("INSERT INTO {} DEFAULT VALUES", quote_identifier(&self.name))
    }

    fn column_list(&self) -> String {
        let names: Vec<String> =
            self.columns.iter().map(|column| quote_identifier(&column.name)).collect();
        names.join(", ")
    }
}

impl Column {
    /// Whether its DEFAULT draws from a sequence.
    fn draws(&self) -> bool {
        self.default.as_ref().is_some_and(|default| default.contains("nextval("))
    }

    /// Its DEFAULT, if it has one. Not every expression may stand there as it is.
    fn default_clause(&self) -> String {
        match &self.default {
            None => String::new(),
            Some(default) if is_simple(default) => format!(" DEFAULT {default}"),
            Some(default) => format!(" DEFAULT ({default})"),
        }
    }

    fn definition(&self, own: Option<&Sequence>) -> String {
        let mut text = format!("{} {}", quote_identifier(&self.name), self.data_type);
        if !self.draws() {
            text.push_str(&self.default_clause());
        }
        if let Some(identity) = self.identity {
            let options = own.map(|own| {
                format!(" (SEQUENCE NAME public.{} {})", quote_identifier(&own.name), own.options)
            });
            let options = options.unwrap_or_default();
            text.extend([" GENERATED ", identity, " AS IDENTITY", options.as_str()]);
        }
        if self.not_null && self.identity.is_none() {
            text.push_str(" NOT NULL");
        }
        text
    }
}

impl Sequence {
    fn of_row(mut row: Vec<Option<String>>) -> Self {
        let [name, data_type, start, low, high, step, cycle, cache, last, is_called, is_identity] =
            std::array::from_fn(|place| text(&mut row, place));
        let owner = row[11].take().zip(row[12].take()).map(|(table, column)| [table, column]);
        let cycle = if is_true(&cycle) { " CYCLE" } else { "" };
        let options = format!(
            "START WITH {start} INCREMENT BY {step} MINVALUE {low} MAXVALUE {high} CACHE {cache}{cycle}"
        );
        let (is_called, is_identity) = (is_true(&is_called), is_true(&is_identity));
        Self { name, data_type, options, last, is_called, is_identity, owner }
    }

    fn write_position(&self, out: &mut impl Write) -> io::Result<()> {
        let mut name = String::new();
        write_quoted(&quote_identifier(&self.name), &mut name);
        writeln!(out, "SELECT setval({name}, {}, {});", self.last, self.is_called)
    }
}

/// Whether an expression is a number, a word or one literal.
fn is_simple(expression: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    let literal = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let is_one = |inner: &str| !inner.replace("\'\'", "").contains('\'');
    expression.chars().all(is_plain) || literal.is_some_and(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_follow_default_as_it_is() {
        for simple in ["7", "-1.5e+10", "true", "CURRENT_DATE", "'it\'\'s'", "''"] {
            assert!(is_simple(simple), "{simple}");
        }
        for other in ["NOT true", "1 IN (1)", "'a' IS NULL", "'a' || 'b'", "'a'::text", "f()"] {
            assert!(!is_simple(other), "{other}");
        }
    }
}
