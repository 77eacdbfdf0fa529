//! CREATE INDEX.

use std::sync::Arc;

use super::create_table::{already_exists, check_key_type, check_key_width};
use super::names::choose_name;
use super::{Definer, existing_name, written_name};
use crate::error::{Error, Result, SqlState};
use crate::executor::modify::key_text;
use crate::parser::ast::CreateIndex;
use crate::storage::schema::{IndexColumn, IndexDefinition};
use crate::storage::table::{AddIndexError, Table};

impl Definer<'_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<()> {
        let table = existing_name(&create.table).and_then(|name| self.root.table_by_name(name));
        let Some(table) = table.map(Arc::clone) else {
            return Err(self.not_a_table(create));
        };
        if let Some(name) = &create.name
            && self.root.has_relation(&name.name)
        {
            if create.if_not_exists {
                let message = format!("relation \"{}\" already exists, skipping", name.name);
                self.notice(SqlState::DuplicateTable, message);
                return Ok(());
            }
            return Err(already_exists(&name.name));
        }
        let definition = self.index_definition(create, &table)?;
        let rows = table.row_count() as u64;
        let mut with_index = Table::clone(&table);
        let interrupt = self.interrupt;
        with_index
            .add_index(Arc::clone(&definition), &mut || interrupt.check())
            .map_err(|error| build_error(error, &definition, &table))?;
        self.root.replace_table(Arc::new(with_index));
        self.touched.push((table.id(), rows));
        Ok(())
    }

    #[cold]
    fn not_a_table(&self, create: &CreateIndex) -> Error {
        let written = written_name(&create.table);
        let position = create.table.name.position;
        if existing_name(&create.table).is_some_and(|name| self.root.has_relation(name)) {
            return Error::new(
                SqlState::WrongObjectType,
                format!("cannot create index on relation \"{written}\""),
            )
            .with_detail("This operation is not supported for indexes.");
        }
        Error::undefined_table(&written, position)
    }

    fn index_definition(
        &self,
        create: &CreateIndex,
        table: &Table,
    ) -> Result<Arc<IndexDefinition>> {
        check_key_width(create.columns.len())?;
        let mut columns = Vec::with_capacity(create.columns.len());
        for specification in &create.columns {
            let name = &specification.column;
            let ordinal = table
                .schema()
                .ordinal(&name.name)
                .ok_or_else(|| Error::undefined_column(&name.name, name.position))?;
            check_key_type(table.schema().columns[ordinal].data_type)?;
            columns.push(IndexColumn {
                ordinal,
                descending: specification.descending,
                nulls_first: specification.nulls_first.unwrap_or(specification.descending),
            });
        }
        let name = if let Some(name) = &create.name {
            name.name.clone()
        } else {
            let names: Vec<&str> =
                create.columns.iter().map(|column| column.column.name.as_str()).collect();
            let is_taken = |name: &str| self.root.has_relation(name);
            choose_name(&table.schema().name, &names, "idx", &is_taken)
        };
        Ok(Arc::new(IndexDefinition {
            id: self.root.shared().draw_index_id(),
            name: Arc::from(name),
            columns,
            unique: create.unique,
            constraint: false,
            primary: false,
        }))
    }
}

#[cold]
pub(super) fn build_error(
    error: AddIndexError,
    definition: &IndexDefinition,
    table: &Table,
) -> Error {
    match error {
        AddIndexError::Stopped(error) => error,
        AddIndexError::Duplicate(duplicate) => Error::new(
            SqlState::UniqueViolation,
            format!("could not create unique index \"{}\"", definition.name),
        )
        .with_detail(format!("Key {} is duplicated.", key_text(table.schema(), &duplicate)))
        .with_table(&*table.schema().name)
        .with_constraint(&*definition.name),
    }
}
