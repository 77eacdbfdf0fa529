//! DROP TABLE, DROP INDEX, TRUNCATE.

use std::sync::Arc;

use super::{Definer, existing_name, written_name};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{DropObjects, ObjectName, Truncate};
use crate::storage::table::Table;
use crate::storage::{IndexId, TableId};

impl Definer<'_> {
    pub(super) fn drop_tables(&mut self, drop: &DropObjects) -> Result<()> {
        let mut found: Vec<TableId> = Vec::with_capacity(drop.names.len());
        for name in &drop.names {
            match self.table_named(name) {
                Some(table) => found.push(table.id()),
                None if self.is_index(name) => {
                    return Err(wrong_kind(name, "a table", "Use DROP INDEX to remove an index."));
                }
                None => self.missing("table", name, drop.if_exists)?,
            }
        }
        for table in found {
            // Named twice it is gone the second time.
            if self.root.drop_table(table).is_some() {
                self.touched.push((table, 0));
            }
        }
        Ok(())
    }

    pub(super) fn drop_indexes(&mut self, drop: &DropObjects) -> Result<()> {
        let mut found: Vec<(TableId, IndexId)> = Vec::with_capacity(drop.names.len());
        for name in &drop.names {
            let index = existing_name(name).and_then(|name| self.root.index_by_name(name));
            match index {
                Some((table, index)) if index.constraint => {
                    let (index, table) = (&index.name, &table.schema().name);
                    return Err(Error::new(
                        SqlState::DependentObjectsStillExist,
                        format!(
                            "cannot drop index {index} because constraint {index} on table {table} requires it"
                        ),
                    )
                    .with_hint(format!("You can drop constraint {index} on table {table} instead.")));
                }
                Some((table, index)) => found.push((table.id(), index.id)),
                None if self.table_named(name).is_some() => {
                    return Err(wrong_kind(name, "an index", "Use DROP TABLE to remove a table."));
                }
                None => self.missing("index", name, drop.if_exists)?,
            }
        }
        for (id, index) in found {
            let Some(table) = self.root.table(id) else { continue };
            if table.schema().index(index).is_some() {
                let mut without = Table::clone(table);
                without.drop_index(index);
                self.root.replace_table(Arc::new(without));
                self.touched.push((id, 0));
            }
        }
        Ok(())
    }

    pub(super) fn truncate(&mut self, truncate: &Truncate) -> Result<()> {
        let mut found: Vec<Arc<Table>> = Vec::with_capacity(truncate.names.len());
        for name in &truncate.names {
            match self.table_named(name) {
                Some(table) => found.push(Arc::clone(table)),
                None if self.is_index(name) => return Err(not(name, "a table")),
                None => {
                    return Err(Error::undefined_table(&written_name(name), name.name.position));
                }
            }
        }
        for table in found {
            let structure = self.root.shared().draw_schema_version();
            self.root.replace_table(Arc::new(table.truncated(structure)));
            self.touched.push((table.id(), 0));
        }
        Ok(())
    }

    fn table_named(&self, name: &ObjectName) -> Option<&Arc<Table>> {
        existing_name(name).and_then(|name| self.root.table_by_name(name))
    }

    fn is_index(&self, name: &ObjectName) -> bool {
        existing_name(name).is_some_and(|name| self.root.index_by_name(name).is_some())
    }

    /// IF EXISTS: a notice. Otherwise 42P01 for a table and 42704 for an index.
    fn missing(&mut self, kind: &str, name: &ObjectName, if_exists: bool) -> Result<()> {
        let schema = name.schema.as_ref().filter(|schema| schema.name != "public");
        let (what, sqlstate) = match (schema, kind) {
            (Some(schema), _) => {
                (format!("schema \"{}\" does not exist", schema.name), SqlState::InvalidSchemaName)
            }
            (None, "table") => {
                (format!("table \"{}\" does not exist", name.name.name), SqlState::UndefinedTable)
            }
            (None, _) => {
                (format!("index \"{}\" does not exist", name.name.name), SqlState::UndefinedObject)
            }
        };
        if !if_exists {
            return Err(Error::new(sqlstate, what));
        }
        self.notice(SqlState::SuccessfulCompletion, format!("{what}, skipping"));
        Ok(())
    }
}

fn not(name: &ObjectName, kind: &str) -> Error {
    Error::new(SqlState::WrongObjectType, format!("\"{}\" is not {kind}", name.name.name))
}

fn wrong_kind(name: &ObjectName, kind: &str, hint: &str) -> Error {
    not(name, kind).with_hint(hint)
}
