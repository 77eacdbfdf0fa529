//! CREATE, ALTER and DROP SEQUENCE, and the sequences of SERIAL and identity columns.

use std::sync::Arc;

use super::create_table::already_exists;
use super::dependency::{Dependent, described_column, described_default, described_sequence};
use super::names::choose_name;
use super::{Definer, created_name, existing_name, written_name};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{
    AlterSequence, CreateSequence, DropObjects, Identifier, IdentitySpecification, ObjectName,
    SequenceOptions,
};
use crate::parser::quote_name;
use crate::storage::TableId;
use crate::storage::schema::Schema;
use crate::storage::sequence::{Sequence, SequenceDefinition, SequenceId};
use crate::storage::table::Table;
use crate::types::{DataType, Position};

impl Definer<'_> {
    pub(super) fn create_sequence(&mut self, create: &CreateSequence) -> Result<()> {
        let name = sequence_name(&create.name)?;
        if self.root.has_relation(name) {
            if create.if_not_exists {
                let message = format!("relation \"{name}\" already exists, skipping");
                self.notice(SqlState::DuplicateTable, message);
                return Ok(());
            }
            return Err(already_exists(name));
        }
        let definition = new_sequence(name, DataType::Int8, &create.options)?;
        let owner = match &create.options.owned_by {
            Some(Some((table, column))) => Some(self.find_owner(table, column)?),
            _ => None,
        };
        let id = self.add_sequence(definition);
        if let Some((table, ordinal)) = owner {
            self.change_owner(id, None, Some((table, ordinal)));
        }
        Ok(())
    }

    pub(super) fn alter_sequence(&mut self, alter: &AlterSequence) -> Result<()> {
        let name = written_name(&alter.name);
        let found = existing_name(&alter.name).and_then(|name| self.root.sequence_by_name(name));
        let Some(sequence) = found.cloned() else {
            if existing_name(&alter.name).is_some_and(|name| self.root.has_relation(name)) {
                return Err(not_a_sequence(&alter.name));
            }
            if alter.if_exists {
                let message = format!("relation \"{name}\" does not exist, skipping");
                self.notice(SqlState::SuccessfulCompletion, message);
                return Ok(());
            }
            return Err(Error::undefined_table(&name, crate::types::Position::UNKNOWN));
        };
        let options = &alter.options;
        let owner = match &options.owned_by {
            Some(Some((table, column))) => Some(Some(self.find_owner(table, column)?)),
            Some(None) => Some(None),
            None => None,
        };
        let old_owner = self.owner_of(sequence.id());
        if let (Some(_), Some((table, ordinal))) = (&owner, old_owner) {
            self.check_owner_may_change(&sequence, table, ordinal)?;
        }
        self.change_sequence(&sequence, options)?;
        if let Some(owner) = owner {
            self.change_owner(sequence.id(), old_owner, owner);
        }
        Ok(())
    }

    /// Changes a sequence in what its options say, its owner aside.
    pub(super) fn change_sequence(
        &mut self,
        sequence: &Sequence,
        options: &SequenceOptions,
    ) -> Result<()> {
        let old = &sequence.definition;
        let mut definition = settled(Some(old), old.data_type, options)?;
        let (mut last, mut is_called) = sequence.state.position();
        let restart = options.restart.map(|value| value.unwrap_or(definition.start));
        if let Some(value) = restart {
            (last, is_called) = (value, false);
        }
        check_within(last, "RESTART", &definition)?;
        (definition.id, definition.name) = (old.id, Arc::clone(&old.name));
        definition.version = self.root.shared().draw_schema_version();
        self.root.replace_sequence(match restart {
            Some(_) => Sequence::at(definition, last, is_called),
            None => Sequence { definition: Arc::new(definition), ..sequence.clone() },
        });
        self.touched_sequences.push(sequence.id());
        Ok(())
    }

    pub(super) fn drop_sequences(&mut self, drop: &DropObjects) -> Result<()> {
        let mut found = Vec::with_capacity(drop.names.len());
        for name in &drop.names {
            match existing_name(name).and_then(|name| self.root.sequence_by_name(name)) {
                Some(sequence) => found.push(sequence.id()),
                None => match self.kind_hint(name) {
                    Some(hint) => return Err(not_a_sequence(name).with_hint(hint)),
                    None => self.missing("sequence", name, drop.if_exists)?,
                },
            }
        }
        for id in &found {
            self.check_droppable(*id, drop.cascade)?;
        }
        for id in found {
            self.drop_sequence(id);
        }
        Ok(())
    }

    /// 2BP01 for a sequence of an identity column, or one that a DEFAULT draws from. CASCADE takes such defaults away.
    fn check_droppable(&mut self, id: SequenceId, cascade: bool) -> Result<()> {
        let Some(sequence) = self.root.sequence(id).cloned() else { return Ok(()) };
        let sequence = described_sequence(&sequence);
        if let Some((table, ordinal)) = self.owner_of(id)
            && let Some(table) = self.root.table(table)
            && table.schema().columns[ordinal].identity.is_some()
        {
            let column = described_column(table.schema(), ordinal);
            return Err(Error::new(
                SqlState::DependentObjectsStillExist,
                format!("cannot drop {sequence} because {column} requires it"),
            )
            .with_hint(format!("You can drop {column} instead.")));
        }
        self.check_users(id, cascade)
    }

    /// 2BP01 for a sequence that a DEFAULT draws from. CASCADE takes such defaults away.
    pub(super) fn check_users(&mut self, id: SequenceId, cascade: bool) -> Result<()> {
        let Some(sequence) = self.root.sequence(id).map(described_sequence) else { return Ok(()) };
        let users = self.users_of(id);
        let dependents: Vec<Dependent> = users
            .iter()
            .filter_map(|(table, ordinal)| {
                let described = described_default(self.root.table(*table)?.schema(), *ordinal);
                Some(Dependent { described, on: sequence.clone() })
            })
            .collect();
        self.check_dependents(&sequence, &dependents, cascade)?;
        for (table, ordinal) in users {
            self.change_schema(table, |schema| schema.columns[ordinal].default = None);
        }
        Ok(())
    }

    /// 2BP01 for tables whose sequences others draw from. CASCADE takes such defaults away.
    pub(super) fn check_sequences_of(&mut self, tables: &[TableId], cascade: bool) -> Result<()> {
        let mut others = Vec::new();
        for table in tables {
            let Some(schema) = self.root.table(*table).map(|table| Arc::clone(table.schema()))
            else {
                continue;
            };
            for id in schema.sequences() {
                let users = self.users_of(id).into_iter();
                let users = users.filter(|(user, _)| !tables.contains(user));
                others.extend(users.map(|user| (user, id, Arc::clone(&schema.name))));
            }
        }
        let Some((.., first)) = others.first() else { return Ok(()) };
        let first = format!("table {}", quote_name(first));
        let mut dependents = Vec::new();
        for ((table, ordinal), id, _) in &others {
            if let (Some(table), Some(sequence)) =
                (self.root.table(*table), self.root.sequence(*id))
            {
                let described = described_default(table.schema(), *ordinal);
                dependents.push(Dependent { described, on: described_sequence(sequence) });
            }
        }
        self.check_dependents(&first, &dependents, cascade)?;
        for ((table, ordinal), ..) in others {
            self.change_schema(table, |schema| schema.columns[ordinal].default = None);
        }
        Ok(())
    }

    /// 2BP01 for a column whose sequences others draw from. CASCADE takes such defaults away.
    pub(super) fn check_sequences_of_column(
        &mut self,
        schema: &Schema,
        ordinal: usize,
        cascade: bool,
    ) -> Result<()> {
        let column = &schema.columns[ordinal].name;
        let (mut users, mut dependents) = (Vec::new(), Vec::new());
        for id in &schema.columns[ordinal].sequences {
            let Some(sequence) = self.root.sequence(*id) else { continue };
            for (user, place) in self.users_of(*id) {
                let Some(other) = self.root.table(user) else { continue };
                if user == schema.table && other.schema().columns[place].name == *column {
                    continue;
                }
                let described = described_default(other.schema(), place);
                dependents.push(Dependent { described, on: described_sequence(sequence) });
                users.push((user, place));
            }
        }
        if users.iter().any(|(user, _)| *user == schema.table) {
            return Err(Error::not_supported(
                "DROP COLUMN of a sequence that another column of the table draws from",
                Position::UNKNOWN,
            ));
        }
        self.check_dependents(&described_column(schema, ordinal), &dependents, cascade)?;
        for (user, place) in users {
            self.change_schema(user, |schema| schema.columns[place].default = None);
        }
        Ok(())
    }

    /// The columns whose DEFAULT draws from a sequence that it names by a constant.
    fn users_of(&self, id: SequenceId) -> Vec<(TableId, usize)> {
        let mut users = Vec::new();
        for table in self.root.tables() {
            for (ordinal, column) in table.schema().columns.iter().enumerate() {
                let uses = |text: &Arc<str>| {
                    crate::binder::default_sequences(self.root, text).contains(&id)
                };
                if column.default.as_ref().is_some_and(uses) {
                    users.push((table.id(), ordinal));
                }
            }
        }
        users
    }

    /// Removes a sequence, and its owner's note of it.
    pub(super) fn drop_sequence(&mut self, id: SequenceId) {
        let owner = self.owner_of(id);
        self.change_owner(id, owner, None);
        if self.root.drop_sequence(id).is_some() {
            self.touched_sequences.push(id);
        }
    }

    /// The sequence of a SERIAL or an identity column, named after both unless an identity says how.
    pub(super) fn owned_sequence(
        &self,
        schema: &Schema,
        column: &str,
        data_type: DataType,
        identity: Option<&IdentitySpecification>,
    ) -> Result<SequenceDefinition> {
        let is_taken = |name: &str| self.is_relation(schema, name);
        let given = identity.and_then(|identity| identity.sequence_name.as_ref());
        let name = match given.map(sequence_name).transpose()? {
            Some(name) if is_taken(name) => return Err(already_exists(name)),
            Some(name) => name.to_owned(),
            None => choose_name(&schema.name, &[column], "seq", &is_taken),
        };
        let none = SequenceOptions::default();
        new_sequence(&name, data_type, identity.map_or(&none, |identity| &identity.options))
    }

    /// TRUNCATE ... RESTART IDENTITY: undone with the transaction, as the rest of it.
    pub(super) fn restart_sequences(&mut self, schema: &Schema) {
        for id in schema.sequences() {
            let Some(sequence) = self.root.sequence(id) else { continue };
            let mut definition = SequenceDefinition::clone(&sequence.definition);
            definition.version = self.root.shared().draw_schema_version();
            self.root.replace_sequence(Sequence::new(definition));
            self.touched_sequences.push(id);
        }
    }

    pub(super) fn add_sequence(&mut self, mut definition: SequenceDefinition) -> SequenceId {
        let shared = self.root.shared();
        (definition.id, definition.version) =
            (shared.draw_sequence_id(), shared.draw_schema_version());
        let id = definition.id;
        self.root.replace_sequence(Sequence::new(definition));
        self.touched_sequences.push(id);
        id
    }

    fn find_owner(&self, table: &ObjectName, column: &Identifier) -> Result<(TableId, usize)> {
        let found = existing_name(table).and_then(|name| self.root.table_by_name(name));
        let Some(found) = found else {
            return Err(Error::undefined_table(
                &written_name(table),
                crate::types::Position::UNKNOWN,
            ));
        };
        let ordinal = found.schema().ordinal(&column.name).ok_or_else(|| {
            let message = format!(
                "column \"{}\" of relation \"{}\" does not exist",
                column.name, table.name.name
            );
            Error::new(SqlState::UndefinedColumn, message)
        })?;
        Ok((found.id(), ordinal))
    }

    fn owner_of(&self, id: SequenceId) -> Option<(TableId, usize)> {
        self.root.tables().find_map(|table| {
            let mut columns = table.schema().columns.iter();
            let ordinal = columns.position(|column| column.sequences.contains(&id))?;
            Some((table.id(), ordinal))
        })
    }

    fn check_owner_may_change(
        &self,
        sequence: &Sequence,
        table: TableId,
        ordinal: usize,
    ) -> Result<()> {
        let Some(table) = self.root.table(table) else { return Ok(()) };
        if table.schema().columns[ordinal].identity.is_none() {
            return Ok(());
        }
        let (name, table) = (&sequence.definition.name, &table.schema().name);
        Err(Error::new(
            SqlState::FeatureNotSupported,
            "cannot change ownership of identity sequence",
        )
        .with_detail(format!("Sequence \"{name}\" is linked to table \"{table}\".")))
    }

    fn change_owner(
        &mut self,
        id: SequenceId,
        old: Option<(TableId, usize)>,
        new: Option<(TableId, usize)>,
    ) {
        if let Some((table, ordinal)) = old {
            self.change_schema(table, |schema| {
                schema.columns[ordinal].sequences.retain(|owned| *owned != id);
            });
        }
        if let Some((table, ordinal)) = new {
            self.change_schema(table, |schema| schema.columns[ordinal].sequences.push(id));
        }
    }

    /// Changes a table's schema in what its rows and indexes do not depend on.
    pub(super) fn change_schema(&mut self, table: TableId, change: impl FnOnce(&mut Schema)) {
        let Some(found) = self.root.table(table) else { return };
        let mut schema = Schema::clone(found.schema());
        change(&mut schema);
        schema.alter(self.root.shared().draw_schema_version());
        let changed = Table::with_schema(found, Arc::new(schema));
        self.root.replace_table(Arc::new(changed));
        self.touched.push((table, 0));
    }
}

/// The name of a sequence to be made. Where the schema is missing PostgreSQL does not say where it stands.
fn sequence_name(name: &ObjectName) -> Result<&str> {
    match &name.schema {
        Some(schema) if schema.name != "public" => {
            let message = format!("schema \"{}\" does not exist", schema.name);
            Err(Error::new(SqlState::InvalidSchemaName, message))
        }
        _ => created_name(name),
    }
}

fn new_sequence(
    name: &str,
    data_type: DataType,
    options: &SequenceOptions,
) -> Result<SequenceDefinition> {
    let definition = settled(None, data_type, options)?;
    Ok(SequenceDefinition { name: Arc::from(name), ..definition })
}

fn not_a_sequence(name: &ObjectName) -> Error {
    let message = format!("\"{}\" is not a sequence", name.name.name);
    Error::new(SqlState::WrongObjectType, message)
}

/// What options make of a sequence, or of its defaults; the caller gives it identity, name and version.
fn settled(
    old: Option<&SequenceDefinition>,
    data_type: DataType,
    options: &SequenceOptions,
) -> Result<SequenceDefinition> {
    let invalid = |message: String| Error::new(SqlState::InvalidParameterValue, message);
    let given = options.data_type.as_ref().map(|name| name.data_type);
    let new_type = given.unwrap_or(data_type);
    if !new_type.is_integer() {
        return Err(invalid("sequence type must be smallint, integer, or bigint".to_owned()));
    }
    let increment = options.increment.or(old.map(|old| old.increment)).unwrap_or(1);
    if increment == 0 {
        return Err(invalid("INCREMENT must not be zero".to_owned()));
    }
    let (type_min, type_max) = type_bounds(new_type);
    // A bound that was its old type's own follows the type.
    let kept = old.map(|old| {
        let (min, max) = type_bounds(old.data_type);
        let changed = old.data_type != new_type;
        (
            Some(old.min).filter(|bound| !(changed && *bound == min)),
            Some(old.max).filter(|bound| !(changed && *bound == max)),
        )
    });
    let (kept_min, kept_max) = kept.unwrap_or_default();
    let default_max = if increment > 0 { type_max } else { -1 };
    let default_min = if increment > 0 { 1 } else { type_min };
    let max = options.max.map_or(kept_max, |max| max).unwrap_or(default_max);
    let min = options.min.map_or(kept_min, |min| min).unwrap_or(default_min);
    for (word, bound) in [("MAXVALUE", max), ("MINVALUE", min)] {
        if !(type_min..=type_max).contains(&bound) {
            let name = new_type.sql_name();
            return Err(invalid(format!(
                "{word} ({bound}) is out of range for sequence data type {name}"
            )));
        }
    }
    if min >= max {
        return Err(invalid(format!("MINVALUE ({min}) must be less than MAXVALUE ({max})")));
    }
    let default_start = if increment > 0 { min } else { max };
    let start = options.start.or(old.map(|old| old.start)).unwrap_or(default_start);
    let cache = options.cache.or(old.map(|old| old.cache)).unwrap_or(1);
    let cycle = options.cycle.or(old.map(|old| old.cycle)).unwrap_or(false);
    let definition = SequenceDefinition {
        id: SequenceId(0),
        name: Arc::from(""),
        data_type: new_type,
        start,
        increment,
        min,
        max,
        cache,
        cycle,
        version: 0,
    };
    check_within(start, "START", &definition)?;
    if cache < 1 {
        return Err(invalid(format!("CACHE ({cache}) must be greater than zero")));
    }
    Ok(definition)
}

fn type_bounds(data_type: DataType) -> (i64, i64) {
    match data_type {
        DataType::Int2 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int4 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}

fn check_within(value: i64, word: &str, definition: &SequenceDefinition) -> Result<()> {
    let (min, max) = (definition.min, definition.max);
    let which = if word == "START" { "START value" } else { "RESTART value" };
    let message = if value < min {
        format!("{which} ({value}) cannot be less than MINVALUE ({min})")
    } else if value > max {
        format!("{which} ({value}) cannot be greater than MAXVALUE ({max})")
    } else {
        return Ok(());
    };
    Err(Error::new(SqlState::InvalidParameterValue, message))
}
