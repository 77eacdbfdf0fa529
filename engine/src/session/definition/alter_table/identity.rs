//! Columns that become identity columns, change as such, or are such no longer.

use super::super::Definer;
use super::Alteration;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{Identifier, IdentitySpecification, SequenceOptions};
use crate::storage::schema::{Identity, Schema};

impl Definer<'_> {
    pub(super) fn add_identity(
        &mut self,
        alteration: &mut Alteration,
        column: &Identifier,
        specification: &IdentitySpecification,
    ) -> Result<()> {
        let ordinal = alteration.column(column)?;
        let schema = &alteration.schema;
        let definition = &schema.columns[ordinal];
        if !definition.data_type.is_integer() {
            let message = "identity column type must be smallint, integer, or bigint";
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
        if !definition.not_null {
            let what = "must be declared NOT NULL before identity can be added";
            return Err(in_the_way(schema, column, what));
        }
        if definition.identity.is_some() {
            return Err(in_the_way(schema, column, "is already an identity column"));
        }
        if definition.default.is_some() {
            return Err(in_the_way(schema, column, "already has a default value"));
        }
        let (name, data_type) = (&definition.name, definition.data_type);
        let sequence = self.owned_sequence(schema, name, data_type, Some(specification))?;
        let id = self.add_sequence(sequence);
        let definition = &mut alteration.schema.columns[ordinal];
        // The sequence of an identity column is the first of those that it owns.
        definition.sequences.insert(0, id);
        definition.identity = Some(identity(specification.always));
        Ok(())
    }

    pub(super) fn set_identity(
        &mut self,
        alteration: &mut Alteration,
        column: &Identifier,
        always: Option<bool>,
        options: &SequenceOptions,
    ) -> Result<()> {
        let ordinal = alteration.column(column)?;
        let definition = &mut alteration.schema.columns[ordinal];
        if definition.identity.is_none() {
            return Err(in_the_way(&alteration.schema, column, "is not an identity column"));
        }
        if let Some(always) = always {
            definition.identity = Some(identity(always));
        }
        let id = definition.sequences.first();
        let sequence = id.and_then(|id| self.root.sequence(*id)).cloned();
        match sequence {
            Some(sequence) if !options.is_empty() => self.change_sequence(&sequence, options),
            _ => Ok(()),
        }
    }

    pub(super) fn drop_identity(
        &mut self,
        alteration: &mut Alteration,
        column: &Identifier,
        if_exists: bool,
    ) -> Result<()> {
        let ordinal = alteration.column(column)?;
        let definition = &mut alteration.schema.columns[ordinal];
        if definition.identity.take().is_none() {
            let error = in_the_way(&alteration.schema, column, "is not an identity column");
            if if_exists {
                let message = format!("{}, skipping", error.message());
                self.notice(SqlState::SuccessfulCompletion, message);
                return Ok(());
            }
            return Err(error);
        }
        let id = definition.sequences.remove(0);
        self.check_users(id, false)?;
        if self.root.drop_sequence(id).is_some() {
            self.touched_sequences.push(id);
        }
        Ok(())
    }
}

fn identity(always: bool) -> Identity {
    if always { Identity::Always } else { Identity::ByDefault }
}

/// 55000 `column "c" of relation "t" ...`.
fn in_the_way(schema: &Schema, column: &Identifier, what: &str) -> Error {
    let message = format!("column \"{}\" of relation \"{}\" {what}", column.name, schema.name);
    Error::new(SqlState::ObjectNotInPrerequisiteState, message)
}
