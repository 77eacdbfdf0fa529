//! DROP TABLE, DROP INDEX, TRUNCATE.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Definer, existing_name, written_name};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{DropObjects, ObjectName, Truncate};
use crate::parser::quote_name;
use crate::storage::reference::referring;
use crate::storage::schema::ForeignKey;
use crate::storage::table::Table;
use crate::storage::{IndexId, TableId};
use crate::system::Namespace;

impl Definer<'_> {
    pub(super) fn drop_tables(&mut self, drop: &DropObjects) -> Result<()> {
        let mut found: Vec<TableId> = Vec::with_capacity(drop.names.len());
        for name in &drop.names {
            match self.table_named(name) {
                Some(table) => found.push(table.id()),
                None => match self.kind_hint(name) {
                    Some(hint) => return Err(not(name, "a table").with_hint(hint)),
                    None => self.missing("table", name, drop.if_exists)?,
                },
            }
        }
        self.check_sequences_of(&found, drop.cascade)?;
        for table in &found {
            let Some(schema) = self.root.table(*table).map(|table| Arc::clone(table.schema()))
            else {
                continue;
            };
            let what = format!("table {}", quote_name(&schema.name));
            let depends = |_: &ForeignKey| Some(what.clone());
            self.release(*table, &found, drop.cascade, &what, &depends)?;
        }
        for table in found {
            let schema = self.root.table(table).map(|table| Arc::clone(table.schema()));
            for sequence in schema.iter().flat_map(|schema| schema.sequences()) {
                if self.root.drop_sequence(sequence).is_some() {
                    self.touched_sequences.push(sequence);
                }
            }
            // Named twice it is gone the second time.
            if self.root.drop_table(table).is_some() {
                self.touched.push((table, 0));
            }
        }
        Ok(())
    }

    pub(super) fn drop_indexes(&mut self, drop: &DropObjects) -> Result<()> {
        if drop.concurrently {
            check_concurrently(drop)?;
        }
        let mut found: Vec<(TableId, IndexId)> = Vec::with_capacity(drop.names.len());
        for name in &drop.names {
            let index = existing_name(name).and_then(|name| self.root.index_by_name(name));
            match index {
                Some((table, index)) if index.constraint => {
                    let (index, table) = (&index.name, quote_name(&table.schema().name));
                    let constraint = format!("constraint {index} on table {table}");
                    let index = quote_name(index);
                    return Err(Error::new(
                        SqlState::DependentObjectsStillExist,
                        format!("cannot drop index {index} because {constraint} requires it"),
                    )
                    .with_hint(format!("You can drop {constraint} instead.")));
                }
                Some((table, index)) => found.push((table.id(), index.id)),
                None => match self.kind_hint(name) {
                    Some(hint) => return Err(not(name, "an index").with_hint(hint)),
                    None => self.missing("index", name, drop.if_exists)?,
                },
            }
        }
        for (id, index) in &found {
            let definition = self.root.table(*id).and_then(|table| table.schema().index(*index));
            if let Some(definition) = definition.map(Arc::clone) {
                let what = format!("index {}", quote_name(&definition.name));
                self.release_index(*id, &definition, &what, drop.cascade)?;
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
                None if self.kind_hint(name).is_some() => return Err(not(name, "a table")),
                None => {
                    return Err(Error::undefined_table(&written_name(name), name.name.position));
                }
            }
        }
        if truncate.cascade {
            self.add_referring(&mut found);
        }
        let ids: Vec<TableId> = found.iter().map(|table| table.id()).collect();
        for table in &found {
            self.check_truncatable(table, &ids)?;
        }
        for table in found {
            let structure = self.root.shared().draw_schema_version();
            self.root.replace_table(Arc::new(table.truncated(structure)));
            if truncate.restart_identity {
                self.restart_sequences(table.schema());
            }
            self.touched.push((table.id(), 0));
        }
        Ok(())
    }

    /// CASCADE: those that refer to one of the tables are emptied too, and those that refer to them.
    fn add_referring(&mut self, found: &mut Vec<Arc<Table>>) {
        loop {
            let children = found.iter().flat_map(|table| self.root.children(table.id()));
            let is_new = |child: &&TableId| found.iter().all(|table| table.id() != **child);
            let new: BTreeSet<TableId> = children.filter(is_new).copied().collect();
            if new.is_empty() {
                return;
            }
            for id in new {
                let Some(table) = self.root.table(id).map(Arc::clone) else { continue };
                let message = format!("truncate cascades to table \"{}\"", table.schema().name);
                self.notice(SqlState::SuccessfulCompletion, message);
                found.push(table);
            }
        }
    }

    /// 0A000 for a table that others refer to, unless they are emptied too.
    fn check_truncatable(&self, table: &Table, all: &[TableId]) -> Result<()> {
        let others = referring(self.root, table.id());
        let Some((child, _)) = others.iter().find(|(child, _)| !all.contains(child)) else {
            return Ok(());
        };
        let (table, child) = (&table.schema().name, self.root.table(*child));
        let child = child.map_or("", |child| &child.schema().name);
        Err(Error::new(
            SqlState::FeatureNotSupported,
            "cannot truncate a table referenced in a foreign key constraint",
        )
        .with_detail(format!("Table \"{child}\" references \"{table}\"."))
        .with_hint(format!(
            "Truncate table \"{child}\" at the same time, or use TRUNCATE ... CASCADE."
        )))
    }

    fn table_named(&self, name: &ObjectName) -> Option<&Arc<Table>> {
        existing_name(name).and_then(|name| self.root.table_by_name(name))
    }

    /// How to remove what has this name, whichever kind of relation it is.
    pub(super) fn kind_hint(&self, name: &ObjectName) -> Option<&'static str> {
        let name = existing_name(name)?;
        if self.root.table_by_name(name).is_some() {
            Some("Use DROP TABLE to remove a table.")
        } else if self.root.index_by_name(name).is_some() {
            Some("Use DROP INDEX to remove an index.")
        } else {
            self.root.sequence_by_name(name).map(|_| "Use DROP SEQUENCE to remove a sequence.")
        }
    }

    /// IF EXISTS: a notice. Otherwise 42P01 for a table or a sequence and 42704 for an index.
    pub(super) fn missing(&mut self, kind: &str, name: &ObjectName, if_exists: bool) -> Result<()> {
        let schema = name
            .schema
            .as_ref()
            .filter(|schema| !Namespace::ALL.iter().any(|known| known.name() == schema.name));
        let (what, sqlstate) = match (schema, kind) {
            (Some(schema), _) => {
                (format!("schema \"{}\" does not exist", schema.name), SqlState::InvalidSchemaName)
            }
            (None, "table" | "sequence") => {
                (format!("{kind} \"{}\" does not exist", name.name.name), SqlState::UndefinedTable)
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

/// 0A000 for what PostgreSQL does not drop CONCURRENTLY.
fn check_concurrently(drop: &DropObjects) -> Result<()> {
    let refuse = |what: &str| {
        let message = format!("DROP INDEX CONCURRENTLY does not support {what}");
        Err(Error::new(SqlState::FeatureNotSupported, message))
    };
    match drop.names.as_slice() {
        [_] if drop.cascade => refuse("CASCADE"),
        [_] => Ok(()),
        _ => refuse("dropping multiple objects"),
    }
}

fn not(name: &ObjectName, kind: &str) -> Error {
    Error::new(SqlState::WrongObjectType, format!("\"{}\" is not {kind}", name.name.name))
}
