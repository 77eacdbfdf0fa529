//! All of a database but its rows: asked of the catalog, written as SQL.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::dump::ask;
use crate::dump::literal::write_quoted;
use crate::failure::Outcome;
use crate::table_name::quote_identifier;
use crate::target::Target;

const TABLES: &str = "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY c.relname";

const SEQUENCES: &str = "SELECT s.sequencename, s.data_type, s.start_value, s.min_value, s.max_value, s.increment_by, \
                         s.cycle, s.cache_size, p.last_value, p.is_called FROM pg_sequences s JOIN spg_sequences p \
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
    /// The sequence that it owns, by its name without a schema.
    sequence: Option<String>,
}

/// A sequence.
struct Sequence {
    name: String,
    data_type: String,
    options: String,
    last: String,
    is_called: bool,
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
        let of_identity: BTreeSet<&str> = self
            .columns()
            .filter(|(_, column)| column.identity.is_some())
            .filter_map(|(_, column)| column.sequence.as_deref())
            .collect();
        for sequence in self.sequences.iter().filter(|one| !of_identity.contains(&*one.name)) {
            let (name, data_type) = (quote_identifier(&sequence.name), &sequence.data_type);
            writeln!(out, "CREATE SEQUENCE {name} AS {data_type} {};", sequence.options)?;
        }
        for table in &self.tables {
            let columns: Vec<String> =
                table.columns.iter().map(|column| column.definition(&self.sequences)).collect();
            let columns = columns.join(",\n    ");
            writeln!(out, "CREATE TABLE {} (\n    {columns}\n);", quote_identifier(&table.name))?;
        }
        // They may draw from what a later table brings with it.
        for (table, column) in self.columns().filter(|(_, column)| column.draws()) {
            let (table, name) = (quote_identifier(&table.name), quote_identifier(&column.name));
            let default = column.default.as_deref().unwrap_or_default();
            writeln!(out, "ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {default};")?;
        }
        Ok(())
    }

    /// What rows must satisfy, and where sequences stand.
    pub(super) fn write_constraints(&self, out: &mut impl Write) -> io::Result<()> {
        for table in &self.tables {
            table.write_constraints(false, out)?;
        }
        for index in &self.indexes {
            writeln!(out, "{index};")?;
        }
        for (table, column) in self.columns() {
            if let (Some(sequence), None) = (&column.sequence, column.identity) {
                let names =
                    [sequence, &table.name, &column.name].map(|name| quote_identifier(name));
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
            let sequence = table.owned_sequence(&name, target)?;
            table.columns.push(Column {
                name,
                data_type: text(&mut row, 1),
                not_null: is_true(&text(&mut row, 2)),
                default,
                identity,
                sequence,
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

    /// The sequence that a column owns.
    fn owned_sequence(&self, column: &str, target: &mut Target) -> Outcome<Option<String>> {
        let mut question = String::from("SELECT pg_get_serial_sequence(");
        write_quoted(&format!("public.{}", quote_identifier(&self.name)), &mut question);
        question.push_str(", ");
        write_quoted(column, &mut question);
        question.push(')');
        let name = ask(target, &question)?.into_iter().next().and_then(|mut row| row[0].take());
        Ok(name.map(|name| unquoted(name.strip_prefix("public.").unwrap_or(&name))))
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

    fn definition(&self, sequences: &[Sequence]) -> String {
        let mut text = format!("{} {}", quote_identifier(&self.name), self.data_type);
        if let Some(default) = self.default.as_ref().filter(|_| !self.draws()) {
            text.extend([" DEFAULT ", default]);
        }
        if let Some(identity) = self.identity {
            let own = sequences.iter().find(|one| self.sequence.as_deref() == Some(&one.name));
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
        let [name, data_type, start, low, high, step, cycle, cache, last, is_called] =
            std::array::from_fn(|place| text(&mut row, place));
        let cycle = if is_true(&cycle) { " CYCLE" } else { "" };
        let options = format!(
            "START WITH {start} INCREMENT BY {step} MINVALUE {low} MAXVALUE {high} CACHE {cache}{cycle}"
        );
        Self { name, data_type, options, last, is_called: is_true(&is_called) }
    }

    fn write_position(&self, out: &mut impl Write) -> io::Result<()> {
        let mut name = String::new();
        write_quoted(&quote_identifier(&self.name), &mut name);
        writeln!(out, "SELECT setval({name}, {}, {});", self.last, self.is_called)
    }
}

/// A name that was written as SQL.
fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for (written, name) in [("t_id_seq", "t_id_seq"), ("\"T\"", "T"), ("\"a\"\"b\"", "a\"b")] {
            assert_eq!(unquoted(written), name);
        }
    }
}
