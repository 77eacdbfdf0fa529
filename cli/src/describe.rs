//! `\d` and its kin: what the catalog says, in psql's form.

use std::io;

use spg_engine::parser::quote_name;
use spg_engine::{Error, SqlState, Value};

use crate::console::Console;
use crate::display::Caption;
use crate::failure::Outcome;
use crate::messages;
use crate::name_pattern::{NamePattern, literal};
use crate::printable::printable;
use crate::table_name::TableName;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// `\d`: tables and sequences.
    All,
    /// `\dt`
    Tables,
    /// `\di`
    Indexes,
    /// `\ds`
    Sequences,
    /// `\dv`: the system's.
    Views,
}

impl Listed {
    /// The schemas whose relations are meant where none is named, as LIKE takes them.
    fn schemas(self) -> &'static str {
        if self == Self::Views { "%" } else { "public" }
    }

    fn title(self) -> &'static str {
        match self {
            Self::All => "List of relations",
            Self::Tables => "List of tables",
            Self::Indexes => "List of indexes",
            Self::Sequences => "List of sequences",
            Self::Views => "List of views",
        }
    }

    /// The query, but for which names.
    fn query(self) -> &'static str {
        match self {
            Self::All => {
                "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\", CASE c.relkind WHEN 'r' THEN 'table' ELSE 'sequence' \
                 END AS \"Type\" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'S')"
            }
            Self::Tables => {
                "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\", c.reltuples::BIGINT AS \"Rows\", \
                 pg_size_pretty(pg_total_relation_size(c.oid)) AS \"Size\" FROM pg_class c JOIN pg_namespace n ON n.oid = \
                 c.relnamespace WHERE c.relkind = 'r'"
            }
            Self::Indexes => {
                "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\", t.relname AS \"Table\", \
                 pg_size_pretty(pg_relation_size(c.oid)) AS \"Size\" FROM pg_class c JOIN pg_namespace n ON n.oid = \
                 c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid WHERE TRUE"
            }
            Self::Sequences => {
                "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\", s.data_type AS \"Type\", s.last_value AS \
                 \"Last value\" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequences s ON \
                 s.sequencename = c.relname WHERE c.relkind = 'S'"
            }
            Self::Views => {
                "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\" FROM pg_class c JOIN pg_namespace n ON n.oid = \
                 c.relnamespace WHERE c.relkind = 'v'"
            }
        }
    }
}

/// Lists relations: those that a pattern matches, or without one all but those of the system's that are not asked for.
pub(crate) fn list(what: Listed, pattern: Option<&str>, console: &mut Console) -> io::Result<()> {
    let pattern = pattern.map(NamePattern::parse);
    let which = match &pattern {
        Some(pattern) => pattern.condition(what.schemas()),
        None => format!("n.nspname LIKE {}", literal(what.schemas())),
    };
    let order = if what == Listed::Indexes { "1, 3, 2" } else { "1, 2" };
    let text = format!("{} AND {which} ORDER BY {order}", what.query());
    let count = match console.rows(&text) {
        Ok(rows) => rows.rows.len(),
        Err(failure) => return console.show(&Err(failure), ""),
    };
    if count == 0
        && let Some(pattern) = &pattern
        && console.display().is_some()
    {
        messages::line(&printable(&not_found(pattern)));
        return Ok(());
    }
    let noun = if count == 1 { "row" } else { "rows" };
    let footer = vec![format!("({count} {noun})")];
    console.captioned(&text, Caption { title: what.title().to_owned(), footer })
}

/// Describes a table, an index, a sequence or a view, or all whose names a pattern matches.
pub(crate) fn describe(written: &str, console: &mut Console) -> io::Result<()> {
    let relations = match find(written, console) {
        Ok(relations) => relations,
        Err(failure) => return console.show(&Err(failure), ""),
    };
    for relation in relations {
        match footer(&relation, console) {
            Ok(footer) => {
                let title =
                    format!("{} \"{}.{}\"", relation.kind(), relation.schema, relation.name);
                console.captioned(&relation.columns(), Caption { title, footer })?;
            }
            Err(failure) => console.show(&Err(failure), "")?,
        }
        if console.is_over() {
            break;
        }
    }
    Ok(())
}

/// A relation by its row in `pg_class`.
struct Relation {
    oid: i64,
    schema: String,
    name: String,
    /// `relkind`.
    letter: String,
}

impl Relation {
    fn kind(&self) -> &'static str {
        match self.letter.as_str() {
            "r" => "Table",
            "i" => "Index",
            "S" => "Sequence",
            _ => "View",
        }
    }

    /// The statement that shows what it consists of.
    fn columns(&self) -> String {
        let oid = self.oid;
        if self.letter == "S" {
            return format!(
                "SELECT format_type(seqtypid, NULL) AS \"Type\", seqstart AS \"Start\", seqmin AS \"Minimum\", seqmax \
                 AS \"Maximum\", seqincrement AS \"Increment\", CASE WHEN seqcycle THEN 'yes' ELSE 'no' END AS \
                 \"Cycles?\", seqcache AS \"Cache\" FROM pg_sequence WHERE seqrelid = {oid}"
            );
        }
        format!(
            "SELECT a.attname AS \"Column\", format_type(a.atttypid, a.atttypmod) AS \"Type\", CASE WHEN a.attnotnull \
             THEN 'not null' ELSE '' END AS \"Nullable\", CASE WHEN a.attidentity = 'a' THEN 'generated always as \
             identity' WHEN a.attidentity = 'd' THEN 'generated by default as identity' ELSE coalesce(d.adbin, '') END \
             AS \"Default\" FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = {oid} AND a.attnum > 0 ORDER BY a.attnum"
        )
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// The relations that a pattern matches, or the one that a name means: without a schema one that is found without.
fn find(written: &str, console: &mut Console) -> Outcome<Vec<Relation>> {
    let pattern = NamePattern::parse(written);
    let relations = if pattern.is_wild() {
        relations(&pattern.condition("public"), console)?
    } else {
        let mut named = relations(&named(written)?, console)?;
        named.truncate(1);
        named
    };
    if relations.is_empty() {
        return Err(Error::new(SqlState::UndefinedTable, not_found(&pattern)).into());
    }
    Ok(relations)
}

fn not_found(pattern: &NamePattern) -> String {
    format!("Did not find any relation named \"{pattern}\".")
}

/// What is true of the relation that a name means.
fn named(written: &str) -> Outcome<String> {
    let (schema, rest) = match written.split_once('.') {
        Some((schema @ ("information_schema" | "pg_catalog"), rest)) => (Some(schema), rest),
        _ => (None, written),
    };
    let name = literal(&TableName::parse(rest)?.name);
    Ok(match schema {
        Some(schema) => format!("c.relname = {name} AND n.nspname = {}", literal(schema)),
        None => format!("c.relname = {name} AND pg_table_is_visible(c.oid)"),
    })
}

fn relations(condition: &str, console: &mut Console) -> Outcome<Vec<Relation>> {
    let found = console.rows(&format!(
        "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE {condition} ORDER BY n.nspname, c.relname"
    ))?;
    let relation = |row: &Vec<Value>| {
        let oid = match row.first() {
            Some(Value::Int8(oid)) => *oid,
            _ => 0,
        };
        let [schema, name, letter] = [1, 2, 3].map(|place| text(row.get(place)));
        Relation { oid, schema, name, letter }
    };
    Ok(found.rows.iter().map(relation).collect())
}

/// Indexes and constraints of a table, what an index is of, who owns a sequence.
fn footer(relation: &Relation, console: &mut Console) -> Outcome<Vec<String>> {
    let oid = relation.oid;
    match relation.letter.as_str() {
        "r" => {
            let mut lines = Vec::new();
            section("Indexes:", &indexes(oid, console)?, &mut lines);
            for (kind, title) in [("c", "Check constraints:"), ("f", "Foreign-key constraints:")] {
                section(title, &constraints(oid, kind, console)?, &mut lines);
            }
            section("Referenced by:", &references(oid, console)?, &mut lines);
            Ok(lines)
        }
        "i" => {
            let found = console.rows(&format!("SELECT pg_get_indexdef({oid})"))?;
            Ok(found.rows.iter().map(|row| text(row.first())).collect())
        }
        "S" => {
            let found = console.rows(&format!(
                "SELECT c.relname, a.attname FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid JOIN pg_attribute a ON \
                 a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.objid = {oid}"
            ))?;
            let owner = |row: &Vec<Value>| {
                let (table, column) =
                    (quote_name(&text(row.first())), quote_name(&text(row.get(1))));
                format!("Owned by: public.{table}.{column}")
            };
            Ok(found.rows.iter().map(owner).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn section(title: &str, entries: &[String], lines: &mut Vec<String>) {
    if !entries.is_empty() {
        lines.push(title.to_owned());
        lines.extend(entries.iter().map(|entry| format!("    {entry}")));
    }
}

/// `"t_id_check" CHECK (id > 0)`, those of one `contype`.
fn constraints(table: i64, kind: &str, console: &mut Console) -> Outcome<Vec<String>> {
    let found = console.rows(&format!(
        "SELECT conname, pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conrelid = {table} AND contype = \
         '{kind}' ORDER BY conname"
    ))?;
    let line = |row: &Vec<Value>| format!("\"{}\" {}", text(row.first()), text(row.get(1)));
    Ok(found.rows.iter().map(line).collect())
}

/// `TABLE "child" CONSTRAINT "child_id_fkey" FOREIGN KEY (id) REFERENCES t(id)`, those that refer to a table.
fn references(table: i64, console: &mut Console) -> Outcome<Vec<String>> {
    let found = console.rows(&format!(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid, true) FROM pg_constraint WHERE confrelid = \
         {table} AND contype = 'f' ORDER BY conname"
    ))?;
    let line = |row: &Vec<Value>| {
        let [table, name, definition] = [0, 1, 2].map(|place| text(row.get(place)));
        format!("TABLE \"{table}\" CONSTRAINT \"{name}\" {definition}")
    };
    Ok(found.rows.iter().map(line).collect())
}

/// `"t_pkey" PRIMARY KEY, btree (id)`, the primary key first.
fn indexes(table: i64, console: &mut Console) -> Outcome<Vec<String>> {
    let found = console.rows(&format!(
        "SELECT c.relname, CASE WHEN i.indisprimary THEN 'PRIMARY KEY, ' WHEN k.contype = 'u' THEN 'UNIQUE CONSTRAINT, ' \
         WHEN i.indisunique THEN 'UNIQUE, ' ELSE '' END, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON \
         c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u') WHERE \
         i.indrelid = {table} ORDER BY i.indisprimary DESC, c.relname"
    ))?;
    let line = |row: &Vec<Value>| {
        let definition = text(row.get(2));
        let method = definition.split_once(" USING ").map_or("", |(_, method)| method);
        format!("\"{}\" {}{method}", text(row.first()), text(row.get(1)))
    };
    Ok(found.rows.iter().map(line).collect())
}
