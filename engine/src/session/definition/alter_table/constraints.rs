//! Constraints that come and go.

use std::sync::Arc;

use super::super::Definer;
use super::super::check::NewCheck;
use super::super::create_table::{Key, check_key_type, key_ordinals};
use super::super::foreign_key::NewForeignKey;
use super::Alteration;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{ConstraintKind, Identifier, TableConstraint};
use crate::parser::quote_name;
use crate::storage::TableId;
use crate::storage::schema::{ForeignKey, IndexDefinition};

impl Definer<'_> {
    pub(super) fn add_constraint(
        &mut self,
        alteration: &mut Alteration,
        constraint: &TableConstraint,
    ) -> Result<()> {
        let name = constraint.name.as_ref();
        match &constraint.kind {
            ConstraintKind::Check(condition) => {
                self.add_check(alteration, NewCheck { name, condition })
            }
            ConstraintKind::Foreign { columns, reference } => {
                let columns = columns.iter().map(|column| column.name.as_str()).collect();
                self.add_reference(alteration, &NewForeignKey { name, columns, reference })
            }
            ConstraintKind::Key { primary, columns } => {
                let ordinals = key_ordinals(columns, *primary, &alteration.schema.columns)?;
                self.add_key(alteration, Key { name, primary: *primary, ordinals })
            }
        }
    }

    pub(super) fn add_check(
        &mut self,
        alteration: &mut Alteration,
        check: NewCheck<'_>,
    ) -> Result<()> {
        let checks = self.checks(&alteration.schema, &[check])?;
        for check in checks {
            alteration.checks.push(Arc::clone(&check.name));
            alteration.schema.constraints.checks.push(check);
        }
        Ok(())
    }

    pub(super) fn add_reference(
        &mut self,
        alteration: &mut Alteration,
        key: &NewForeignKey<'_>,
    ) -> Result<()> {
        self.add_foreign_key(&mut alteration.schema, key)?;
        let added = alteration.schema.constraints.foreign_keys.last();
        alteration.foreign_keys.extend(added.map(|key| Arc::clone(&key.name)));
        Ok(())
    }

    pub(super) fn add_key(&mut self, alteration: &mut Alteration, key: Key<'_>) -> Result<()> {
        let schema = &alteration.schema;
        if key.primary && schema.indexes.iter().any(|index| index.primary) {
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                format!("multiple primary keys for table \"{}\" are not allowed", schema.name),
            ));
        }
        for &ordinal in &key.ordinals {
            check_key_type(schema.columns[ordinal].data_type)?;
        }
        if key.primary {
            for &ordinal in &key.ordinals {
                alteration.require(ordinal);
            }
        }
        self.add_keys(&mut alteration.schema, &[key])
    }

    /// CASCADE of a key that the table refers to itself, for the other tables.
    fn release_others(&mut self, table: TableId, key: &IndexDefinition, what: &str) -> Result<()> {
        let depends = |foreign: &ForeignKey| (foreign.index == key.id).then(String::new);
        self.release(table, &[table], true, what, &depends)
    }

    pub(super) fn drop_constraint(
        &mut self,
        alteration: &mut Alteration,
        if_exists: bool,
        name: &Identifier,
        cascade: bool,
    ) -> Result<()> {
        let schema = &mut alteration.schema;
        if !schema.has_constraint(&name.name) {
            let (name, table) = (&name.name, &schema.name);
            let message = format!("constraint \"{name}\" of relation \"{table}\" does not exist");
            if if_exists {
                self.notice(SqlState::SuccessfulCompletion, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::UndefinedObject, message));
        }
        let key = schema.indexes.iter().find(|index| index.constraint && *index.name == *name.name);
        if let Some(key) = key.map(Arc::clone) {
            let what = format!("constraint {} on table {}", key.name, quote_name(&schema.name));
            // A foreign key of the table itself is not in the root's hands while the table is altered.
            let own = &mut schema.constraints.foreign_keys;
            if own.iter().any(|foreign| foreign.index == key.id) && cascade {
                own.retain(|foreign| foreign.index != key.id);
                self.release_others(schema.table, &key, &what)?;
            } else {
                self.release_index(schema.table, &key, &what, cascade)?;
            }
        }
        schema.constraints.checks.retain(|check| *check.name != *name.name);
        schema.constraints.foreign_keys.retain(|key| *key.name != *name.name);
        schema.indexes.retain(|index| !index.constraint || *index.name != *name.name);
        Ok(())
    }
}
