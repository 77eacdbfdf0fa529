//! The names that can be completed: what the catalog has, as it is written in SQL.
//!
//! A name with control characters is not among them: nothing that can be written stands for them, and as they are they
//! would drive the terminal.

use std::collections::BTreeSet;

use spg_engine::Value;
use spg_engine::parser::quote_name;
use spg_engine::session::Rows;

use crate::console::Console;
use crate::failure::Outcome;

/// Names that are completed at most: of a schema with more, the first.
const NAMES_MAX: usize = 20_000;

const RELATIONS: &str = "SELECT n.nspname, c.relname, c.relkind FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2";

const COLUMNS: &str = "SELECT table_name, column_name FROM information_schema.columns \
     WHERE table_schema = 'public' ORDER BY 1, 2";

const SETTINGS: &str = "SELECT name FROM pg_settings";

/// Names by what they are of.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) tables: BTreeSet<String>,
    pub(super) indexes: BTreeSet<String>,
    pub(super) sequences: BTreeSet<String>,
    /// With their tables.
    pub(super) columns: BTreeSet<(String, String)>,
    /// What the system has, with its schemas.
    pub(super) system: BTreeSet<(String, String)>,
    pub(super) settings: BTreeSet<String>,
}

impl Words {
    /// Asks the catalog.
    pub(super) fn ask(console: &mut Console) -> Outcome<Self> {
        let mut words = Self::default();
        for [schema, name, kind] in texts(console, RELATIONS)? {
            words.add_relation(schema, &name, &kind);
        }
        for [table, column] in texts(console, COLUMNS)? {
            words.columns.insert((quote_name(&table), quote_name(&column)));
        }
        words.settings = texts(console, SETTINGS)?.into_iter().map(|[name]| name).collect();
        Ok(words)
    }

    fn add_relation(&mut self, schema: String, name: &str, kind: &str) {
        let name = quote_name(name);
        match (schema.as_str(), kind) {
            ("public", "r") => self.tables.insert(name),
            ("public", "i") => self.indexes.insert(name),
            ("public", "S") => self.sequences.insert(name),
            _ => self.system.insert((schema, name)),
        };
    }
}

/// The rows of a query whose columns are texts.
fn texts<const N: usize>(console: &mut Console, query: &str) -> Outcome<Vec<[String; N]>> {
    let mut rows = Rows::default();
    // Not by way of the console: what the shell asks for itself makes no lost connection anew.
    console.target.execute(query, &mut rows)?;
    let text = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    let row =
        |row: &Vec<Value>| -> [String; N] { std::array::from_fn(|place| text(row.get(place))) };
    let is_plain = |row: &[String; N]| !row.iter().any(|name| name.contains(char::is_control));
    Ok(rows.rows.iter().map(row).filter(is_plain).take(NAMES_MAX).collect())
}
