//! Columns that come, go, and change what they take.

use std::sync::Arc;

use super::super::Definer;
use super::super::check::NewCheck;
use super::super::create_table::Key;
use super::super::dependency::{Dependent, described_column};
use super::super::foreign_key::NewForeignKey;
use super::super::system_column::{check_column_name, refuse_system_column};
use super::{Alteration, Computed, column_exists, undefined};
use crate::binder::{bind_column_default, columns_of};
use crate::error::{Error, Result, SqlState};
use crate::limits::COLUMNS_MAX;
use crate::parser::ast::{ColumnSpecification, Expression, Identifier};
use crate::parser::{parse_expression, quote_name};
use crate::storage::schema::{ForeignKey, IndexDefinition, Schema};
use crate::types::Value;

impl Definer<'_> {
    pub(super) fn add_column(
        &mut self,
        alteration: &mut Alteration,
        if_not_exists: bool,
        specification: &ColumnSpecification,
    ) -> Result<()> {
        let name = &specification.name.name;
        check_column_name(name)?;
        if alteration.schema.ordinal(name).is_some() {
            let message = column_exists(name, &alteration.schema);
            if if_not_exists {
                self.notice(SqlState::DuplicateColumn, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        if alteration.schema.columns.len() >= COLUMNS_MAX {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("tables can have at most {COLUMNS_MAX} columns"),
            ));
        }
        let mut definition = self.column(specification)?;
        self.own_sequence(specification, &alteration.schema, &mut definition)?;
        let default = bind_column_default(self.root, &definition)?;
        let number = COLUMNS_MAX as u64 + self.root.shared().draw_schema_version();
        let schema = &mut alteration.schema;
        schema.alterations.numbers = (0..schema.columns.len())
            .map(|ordinal| schema.number(ordinal))
            .chain([number])
            .collect();
        let ordinal = schema.columns.len();
        if definition.not_null {
            alteration.not_null.push(number);
        }
        schema.columns.push(definition);
        if default.is_volatile() {
            alteration.computed.push((number, Computed::Default));
        } else {
            let value = self.evaluate(&default)?;
            if value != Value::Null {
                schema.alterations.missing.push((number, value));
            }
        }
        for key in &specification.keys {
            let (name, primary) = (key.constraint_name.as_ref(), key.primary);
            self.add_key(alteration, Key { name, primary, ordinals: vec![ordinal] })?;
        }
        for check in &specification.checks {
            let name = check.constraint_name.as_ref();
            self.add_check(alteration, NewCheck { name, condition: &check.condition })?;
        }
        for reference in &specification.references {
            let name = reference.constraint_name.as_ref();
            let (columns, reference) =
                (vec![specification.name.name.as_str()], &reference.reference);
            self.add_reference(alteration, &NewForeignKey { name, columns, reference })?;
        }
        Ok(())
    }

    pub(super) fn drop_column(
        &mut self,
        alteration: &mut Alteration,
        if_exists: bool,
        column: &Identifier,
        cascade: bool,
    ) -> Result<()> {
        let Some(ordinal) = alteration.schema.ordinal(&column.name) else {
            refuse_system_column(&column.name, "drop")?;
            let error = undefined(&column.name, &alteration.schema);
            if if_exists {
                let message = format!("{}, skipping", error.message());
                self.notice(SqlState::SuccessfulCompletion, message);
                return Ok(());
            }
            return Err(error);
        };
        self.check_sequences_of_column(&alteration.schema, ordinal, cascade)?;
        self.release_column(alteration, ordinal, cascade)?;
        // At once, so that what is added after it may have its name.
        for sequence in &alteration.schema.columns[ordinal].sequences {
            if self.root.drop_sequence(*sequence).is_some() {
                self.touched_sequences.push(*sequence);
            }
        }
        let schema = &mut alteration.schema;
        let numbers: Vec<u64> =
            (0..schema.columns.len()).map(|ordinal| schema.number(ordinal)).collect();
        schema.columns.remove(ordinal);
        schema.alterations.missing.retain(|(number, _)| *number != numbers[ordinal]);
        schema.alterations.numbers = numbers;
        schema.alterations.numbers.remove(ordinal);
        schema.indexes = without_column(&schema.indexes, ordinal);
        schema.constraints.checks.retain(|check| {
            // What cannot be read any more is not of this column.
            let condition = parse_expression(&check.condition);
            !condition.is_ok_and(|condition| columns_of(&condition).contains(&column.name))
        });
        Ok(())
    }

    /// The table's own foreign keys of a column go with it; those of others are in its way.
    fn release_column(
        &mut self,
        alteration: &mut Alteration,
        ordinal: usize,
        cascade: bool,
    ) -> Result<()> {
        let schema = &mut alteration.schema;
        let (number, table) = (schema.number(ordinal), schema.table);
        let name = quote_name(&schema.name);
        let on = described_column(schema, ordinal);
        let of_column = |key: &ForeignKey| key.columns.iter().any(|(_, others)| *others == number);
        let is_own = |key: &ForeignKey| key.columns.iter().any(|(own, _)| *own == number);
        let keys = &mut schema.constraints.foreign_keys;
        keys.retain(|key| !is_own(key));
        let refers = |key: &Arc<ForeignKey>| key.table == table && of_column(key);
        if let Some(key) = keys.iter().find(|key| refers(key)) {
            let described = format!("constraint {} on table {name}", key.name);
            self.check_dependents(&on, &[Dependent { described, on: on.clone() }], cascade)?;
        }
        keys.retain(|key| !refers(key));
        let depends = |key: &ForeignKey| of_column(key).then(|| on.clone());
        self.release(table, &[table], cascade, &on, &depends)
    }

    pub(super) fn set_default(
        &mut self,
        alteration: &mut Alteration,
        column: &Identifier,
        default: Option<&Expression>,
    ) -> Result<()> {
        let ordinal = alteration.column(column)?;
        let schema = &mut alteration.schema;
        if schema.columns[ordinal].identity.is_some() {
            let error = is_identity(&column.name, schema);
            return Err(match default {
                Some(_) => error,
                None => {
                    error.with_hint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
                }
            });
        }
        let data_type = schema.columns[ordinal].data_type;
        schema.columns[ordinal].default = match default {
            Some(default) => Some(self.kept_default(default, &column.name, data_type)?),
            None => None,
        };
        Ok(())
    }
}

impl Alteration {
    pub(super) fn column(&self, column: &Identifier) -> Result<usize> {
        if let Some(ordinal) = self.schema.ordinal(&column.name) {
            return Ok(ordinal);
        }
        refuse_system_column(&column.name, "alter")?;
        Err(undefined(&column.name, &self.schema))
    }

    pub(super) fn set_not_null(&mut self, column: &Identifier, not_null: bool) -> Result<()> {
        let ordinal = self.column(column)?;
        if not_null {
            self.require(ordinal);
            return Ok(());
        }
        if self.schema.columns[ordinal].identity.is_some() {
            return Err(is_identity(&column.name, &self.schema));
        }
        let is_key = |index: &Arc<IndexDefinition>| {
            index.primary && index.columns.iter().any(|key| key.ordinal == ordinal)
        };
        if self.schema.indexes.iter().any(is_key) {
            let message = format!("column \"{}\" is in a primary key", column.name);
            return Err(Error::new(SqlState::InvalidTableDefinition, message));
        }
        self.schema.columns[ordinal].not_null = false;
        Ok(())
    }

    /// NOT NULL from now on.
    pub(super) fn require(&mut self, ordinal: usize) {
        if !self.schema.columns[ordinal].not_null {
            self.schema.columns[ordinal].not_null = true;
            self.not_null.push(self.schema.number(ordinal));
        }
    }
}

/// The indexes that do without a column, which the ordinals behind it move up for.
fn without_column(indexes: &[Arc<IndexDefinition>], gone: usize) -> Vec<Arc<IndexDefinition>> {
    let others = indexes.iter().filter(|index| index.columns.iter().all(|key| key.ordinal != gone));
    let moved = others.map(|index| {
        let mut index = IndexDefinition::clone(index);
        for key in &mut index.columns {
            key.ordinal -= usize::from(key.ordinal > gone);
        }
        Arc::new(index)
    });
    moved.collect()
}

fn is_identity(column: &str, schema: &Schema) -> Error {
    let message =
        format!("column \"{column}\" of relation \"{}\" is an identity column", schema.name);
    Error::new(SqlState::SyntaxError, message)
}
