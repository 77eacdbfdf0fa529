//! New names for tables, columns, constraints and indexes.

use std::sync::Arc;

use super::super::check::constraint_exists;
use super::super::create_table::already_exists;
use super::super::system_column::{check_column_name, refuse_system_column};
use super::super::{Definer, existing_name, written_name};
use super::column_exists;
use crate::binder::renamed_column;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{AlterAction, Identifier, RenameIndex};
use crate::parser::parse_expression;
use crate::storage::schema::{ForeignKey, IndexDefinition, Schema};
use crate::storage::table::Table;
use crate::types::Position;

impl Definer<'_> {
    /// The schema that a RENAME leads to; None for any other action.
    pub(super) fn rename(&self, table: &Table, action: &AlterAction) -> Result<Option<Schema>> {
        let mut schema = Schema::clone(table.schema());
        match action {
            AlterAction::RenameTable(to) => {
                if self.root.has_relation(&to.name) {
                    return Err(already_exists(&to.name));
                }
                schema.name = Arc::from(to.name.as_str());
            }
            AlterAction::RenameColumn { from, to } => rename_column(&mut schema, from, to)?,
            AlterAction::RenameConstraint { from, to } => {
                self.rename_constraint(&mut schema, from, to)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(schema))
    }

    fn rename_constraint(
        &self,
        schema: &mut Schema,
        from: &Identifier,
        to: &Identifier,
    ) -> Result<()> {
        if !schema.has_constraint(&from.name) {
            let (name, table) = (&from.name, &schema.name);
            let message = format!("constraint \"{name}\" for table \"{table}\" does not exist");
            return Err(Error::new(SqlState::UndefinedObject, message));
        }
        let is_from = |index: &Arc<IndexDefinition>| index.constraint && *index.name == *from.name;
        if schema.indexes.iter().any(is_from) && self.root.has_relation(&to.name) {
            return Err(already_exists(&to.name));
        }
        if schema.has_constraint(&to.name) {
            return Err(constraint_exists(&to.name, &schema.name));
        }
        let checks = &mut schema.constraints.checks;
        if let Some(check) = checks.iter_mut().find(|check| *check.name == *from.name) {
            check.name = Arc::from(to.name.as_str());
            return Ok(());
        }
        let keys = &mut schema.constraints.foreign_keys;
        if let Some(key) = keys.iter_mut().find(|key| *key.name == *from.name) {
            let name = Arc::from(to.name.as_str());
            *key = Arc::new(ForeignKey { name, ..ForeignKey::clone(key) });
            return Ok(());
        }
        rename_index(schema, &from.name, &to.name);
        Ok(())
    }

    pub(in super::super) fn rename_index(&mut self, rename: &RenameIndex) -> Result<()> {
        let name = existing_name(&rename.name);
        if let Some(name) = name.filter(|name| self.root.index_by_name(name).is_some()) {
            return self.rename_index_to(name, &rename.to);
        }
        if name.is_some_and(|name| self.root.has_relation(name)) {
            return Err(Error::not_supported(
                "ALTER INDEX of another relation",
                rename.name.name.position,
            ));
        }
        let message = format!("relation \"{}\" does not exist", written_name(&rename.name));
        if rename.if_exists {
            self.notice(SqlState::SuccessfulCompletion, format!("{message}, skipping"));
            return Ok(());
        }
        Err(Error::undefined_table(&written_name(&rename.name), Position::UNKNOWN))
    }

    /// Renames an index that is there, and the constraint that it belongs to.
    pub(super) fn rename_index_to(&mut self, name: &str, to: &Identifier) -> Result<()> {
        if self.root.has_relation(&to.name) {
            return Err(already_exists(&to.name));
        }
        let Some((table, index)) = self.root.index_by_name(name) else { return Ok(()) };
        let table = Arc::clone(table);
        if index.constraint && table.schema().has_constraint(&to.name) {
            return Err(constraint_exists(&to.name, &table.schema().name));
        }
        let mut schema = Schema::clone(table.schema());
        rename_index(&mut schema, name, &to.name);
        self.replace(&table, schema);
        Ok(())
    }
}

fn rename_index(schema: &mut Schema, from: &str, to: &str) {
    for index in schema.indexes.iter_mut().filter(|index| *index.name == *from) {
        *index = Arc::new(IndexDefinition { name: Arc::from(to), ..IndexDefinition::clone(index) });
    }
}

fn rename_column(schema: &mut Schema, from: &Identifier, to: &Identifier) -> Result<()> {
    let Some(ordinal) = schema.ordinal(&from.name) else {
        refuse_system_column(&from.name, "rename")?;
        return Err(Error::undefined_column(&from.name, Position::UNKNOWN));
    };
    check_column_name(&to.name)?;
    if schema.ordinal(&to.name).is_some() {
        return Err(Error::new(SqlState::DuplicateColumn, column_exists(&to.name, schema)));
    }
    schema.columns[ordinal].name = Arc::from(to.name.as_str());
    for check in &mut schema.constraints.checks {
        let condition = parse_expression(&check.condition)?;
        check.condition = Arc::from(renamed_column(&condition, &from.name, &to.name));
    }
    Ok(())
}
