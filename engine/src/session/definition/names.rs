//! Names that the engine chooses: `t_pkey`, `t_a_b_key`, `t_a_idx`, with a number where they are taken.

use std::sync::Arc;

use hashbrown::HashSet;

use super::Definer;
use crate::limits::NAME_BYTES_MAX;
use crate::storage::schema::Schema;
use crate::storage::table::Table;

/// Names while `schema` is being made of its table: what the table's version in the root has and `schema` has not any more
/// is free.
impl Definer<'_> {
    /// Whether a relation has this name.
    pub(super) fn is_relation(&self, schema: &Schema, name: &str) -> bool {
        *schema.name == *name
            || schema.indexes.iter().any(|index| *index.name == *name)
            || self.root.has_relation_beside(schema.table, name)
    }

    /// Whether a constraint of any table has this name.
    pub(super) fn is_constraint(&self, schema: &Schema, name: &str) -> bool {
        let mut others = self.other_tables(schema);
        schema.has_constraint(name) || others.any(|table| table.schema().has_constraint(name))
    }

    /// The names of all tables' constraints.
    pub(super) fn constraint_names(&self, schema: &Schema) -> HashSet<Arc<str>> {
        let others = self.other_tables(schema).flat_map(|table| table.schema().constraint_names());
        schema.constraint_names().chain(others).map(Arc::clone).collect()
    }

    fn other_tables(&self, schema: &Schema) -> impl Iterator<Item = &Arc<Table>> {
        let own = schema.table;
        self.root.tables().filter(move |table| table.id() != own)
    }
}

/// A free name `table_columns_label`, cut to [`NAME_BYTES_MAX`], with 1, 2, ... after the label where needed.
pub(super) fn choose_name(
    table: &str,
    columns: &[&str],
    label: &str,
    is_taken: &dyn Fn(&str) -> bool,
) -> String {
    let joined = joined_columns(columns);
    let mut name = make_name(table, &joined, label);
    for suffix in 1_u64.. {
        if !is_taken(&name) {
            break;
        }
        name = make_name(table, &joined, &format!("{label}{suffix}"));
    }
    name
}

/// The columns with `_` between, as many as PostgreSQL takes.
fn joined_columns(columns: &[&str]) -> String {
    let mut joined = String::new();
    for column in columns {
        if !joined.is_empty() {
            joined.push('_');
        }
        joined.push_str(column);
        if joined.len() > NAME_BYTES_MAX {
            break;
        }
    }
    joined
}

/// PostgreSQL's `makeObjectName`: the longer of the first two parts loses bytes until all fits.
fn make_name(table: &str, columns: &str, label: &str) -> String {
    let separators = 1 + usize::from(!columns.is_empty());
    let room = NAME_BYTES_MAX - (label.len() + separators).min(NAME_BYTES_MAX);
    let (mut table_bytes, mut columns_bytes) = (table.len(), columns.len());
    while table_bytes + columns_bytes > room {
        if table_bytes > columns_bytes {
            table_bytes -= 1;
        } else {
            columns_bytes -= 1;
        }
    }
    let table = &table[..table.floor_char_boundary(table_bytes)];
    let columns = &columns[..columns.floor_char_boundary(columns_bytes)];
    if columns.is_empty() {
        format!("{table}_{label}")
    } else {
        format!("{table}_{columns}_{label}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_postgresql_chooses_them() {
        let free = |_: &str| false;
        assert_eq!(choose_name("t", &[], "pkey", &free), "t_pkey");
        assert_eq!(choose_name("t", &["a", "b"], "key", &free), "t_a_b_key");
        let taken = |name: &str| name == "t_a_idx" || name == "t_a_idx1";
        assert_eq!(choose_name("t", &["a"], "idx", &taken), "t_a_idx2");
        let long = "x".repeat(63);
        let name = choose_name(&long, &[&long], "key", &free);
        assert_eq!(name.len(), 63);
        assert_eq!(name, format!("{}_{}_key", "x".repeat(29), "x".repeat(29)));
        let wide = choose_name(&"ä".repeat(31), &[], "pkey", &free);
        assert_eq!(wide, format!("{}_pkey", "ä".repeat(29)));
    }
}
