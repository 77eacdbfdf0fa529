//! CREATE TABLE.

use std::sync::Arc;

use super::check::{NewCheck, constraint_exists};
use super::foreign_key::written_foreign_keys;
use super::names::choose_name;
use super::system_column::check_column_name;
use super::{Definer, created_name};
use crate::binder::define_default;
use crate::error::{Error, Result, SqlState};
use crate::limits::{COLUMNS_MAX, INDEX_COLUMNS_MAX};
use crate::parser::ast::{
    ColumnSpecification, ConstraintKind, CreateTable, Expression, Identifier,
};
use crate::storage::schema::{
    Alterations, ColumnDefinition, Constraints, Identity, IndexColumn, IndexDefinition, Schema,
};
use crate::storage::sequence::SequenceDefinition;
use crate::types::{DataType, Position};

/// A PRIMARY KEY or UNIQUE, wherever it was written.
pub(super) struct Key<'a> {
    pub(super) name: Option<&'a Identifier>,
    pub(super) primary: bool,
    pub(super) ordinals: Vec<usize>,
}

impl Definer<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<()> {
        let name = created_name(&create.name)?;
        if self.root.has_relation(name) {
            if create.if_not_exists {
                let message = format!("relation \"{name}\" already exists, skipping");
                self.notice(SqlState::DuplicateTable, message);
                return Ok(());
            }
            return Err(already_exists(name));
        }
        let mut columns = self.columns(create)?;
        let keys = keys(create, name, &columns)?;
        for key in keys.iter().filter(|key| key.primary) {
            for &ordinal in &key.ordinals {
                columns[ordinal].not_null = true;
            }
        }
        let shared = self.root.shared();
        let mut schema = Schema {
            table: shared.draw_table_id(),
            name: Arc::from(name),
            columns,
            indexes: Vec::new(),
            constraints: Constraints::default(),
            alterations: Alterations::default(),
            structure: shared.draw_schema_version(),
        };
        schema.constraints.checks = self.checks(&schema, &written_checks(create))?;
        self.own_sequences(create, &mut schema)?;
        self.add_keys(&mut schema, &keys)?;
        for key in written_foreign_keys(create) {
            self.add_foreign_key(&mut schema, &key).map_err(Error::nowhere)?;
        }
        let table = self.root.create_table(schema);
        self.touched.push((table, 0));
        Ok(())
    }

    fn columns(&self, create: &CreateTable) -> Result<Vec<ColumnDefinition>> {
        if create.columns.len() > COLUMNS_MAX {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("tables can have at most {COLUMNS_MAX} columns"),
            ));
        }
        let mut seen = hashbrown::HashSet::with_capacity(create.columns.len());
        let mut columns = Vec::with_capacity(create.columns.len());
        for specification in &create.columns {
            let name = &specification.name.name;
            if !seen.insert(name.as_str()) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            columns.push(self.column(specification)?);
        }
        for column in &columns {
            check_column_name(&column.name)?;
        }
        Ok(columns)
    }

    /// A column as it is written.
    pub(super) fn column(&self, specification: &ColumnSpecification) -> Result<ColumnDefinition> {
        let data_type = specification.type_name.data_type;
        if data_type == DataType::Vector(None) {
            return Err(Error::not_supported(
                "a column of type vector without dimensions",
                specification.type_name.position,
            )
            .with_hint("Write VECTOR(n)."));
        }
        let default = match &specification.default {
            Some(expression) => {
                Some(self.kept_default(expression, &specification.name.name, data_type)?)
            }
            None => None,
        };
        let identity = specification
            .identity
            .as_ref()
            .map(|identity| if identity.always { Identity::Always } else { Identity::ByDefault });
        if identity.is_some() && !data_type.is_integer() {
            let message = "identity column type must be smallint, integer, or bigint";
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
        Ok(ColumnDefinition {
            not_null: specification.not_null == Some(true),
            default,
            identity,
            ..ColumnDefinition::nullable(&specification.name.name, data_type)
        })
    }

    /// The text of a DEFAULT that is kept.
    pub(super) fn kept_default(
        &self,
        default: &Expression,
        column: &str,
        data_type: DataType,
    ) -> Result<Arc<str>> {
        let evaluate = |expression: &_| self.evaluate(expression);
        let kept = define_default(self.root, default, column, data_type, &evaluate)?;
        Ok(Arc::from(kept.to_string()))
    }

    /// Makes the sequences of SERIAL and identity columns.
    fn own_sequences(&mut self, create: &CreateTable, schema: &mut Schema) -> Result<()> {
        for (ordinal, specification) in create.columns.iter().enumerate() {
            let column = &schema.columns[ordinal];
            if let Some(definition) = self.sequence_of(specification, schema, column)? {
                self.own(specification, &mut schema.columns[ordinal], definition);
            }
        }
        Ok(())
    }

    /// Makes the sequence of a SERIAL or identity column that `schema` is to have.
    pub(super) fn own_sequence(
        &mut self,
        specification: &ColumnSpecification,
        schema: &Schema,
        column: &mut ColumnDefinition,
    ) -> Result<()> {
        if let Some(definition) = self.sequence_of(specification, schema, column)? {
            self.own(specification, column, definition);
        }
        Ok(())
    }

    /// The sequence that a column needs, if it needs one.
    fn sequence_of(
        &self,
        specification: &ColumnSpecification,
        schema: &Schema,
        column: &ColumnDefinition,
    ) -> Result<Option<SequenceDefinition>> {
        let identity = specification.identity.as_ref();
        if identity.is_none() && !specification.serial {
            return Ok(None);
        }
        self.owned_sequence(schema, &column.name, column.data_type, identity).map(Some)
    }

    fn own(
        &mut self,
        specification: &ColumnSpecification,
        column: &mut ColumnDefinition,
        definition: SequenceDefinition,
    ) {
        column.not_null = true;
        if specification.serial {
            let name =
                Identifier { name: definition.name.to_string(), position: Position::UNKNOWN };
            let name = name.to_string().replace('\'', "''");
            column.default = Some(Arc::from(format!("nextval('{name}')")));
        }
        column.sequences.push(self.add_sequence(definition));
    }

    /// Adds keys to a schema that is being made.
    pub(super) fn add_keys(&self, schema: &mut Schema, keys: &[Key<'_>]) -> Result<()> {
        for key in keys {
            let name = self.key_name(schema, key)?;
            let ascending =
                |&ordinal| IndexColumn { ordinal, descending: false, nulls_first: false };
            schema.indexes.push(Arc::new(IndexDefinition {
                id: self.root.shared().draw_index_id(),
                name: Arc::from(name),
                columns: key.ordinals.iter().map(ascending).collect(),
                unique: true,
                constraint: true,
                primary: key.primary,
            }));
        }
        Ok(())
    }

    /// A key's name is that of its constraint and of its index: both must be free.
    fn key_name(&self, schema: &Schema, key: &Key<'_>) -> Result<String> {
        let is_taken =
            |name: &str| self.is_relation(schema, name) || self.is_constraint(schema, name);
        match key.name {
            Some(given) if self.is_relation(schema, &given.name) => {
                Err(already_exists(&given.name))
            }
            Some(given) if schema.has_constraint(&given.name) => {
                Err(constraint_exists(&given.name, &schema.name))
            }
            Some(given) => Ok(given.name.clone()),
            None if key.primary => Ok(choose_name(&schema.name, &[], "pkey", &is_taken)),
            None => {
                let names: Vec<&str> =
                    key.ordinals.iter().map(|&ordinal| &*schema.columns[ordinal].name).collect();
                Ok(choose_name(&schema.name, &names, "key", &is_taken))
            }
        }
    }
}

/// The CHECK constraints, wherever they were written, in the order in which they stand.
fn written_checks(create: &CreateTable) -> Vec<NewCheck<'_>> {
    let of_columns = create.columns.iter().flat_map(|column| &column.checks).map(|check| {
        let name = check.constraint_name.as_ref();
        (check.position, NewCheck { name, condition: &check.condition })
    });
    let of_table = create.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::Check(condition) => {
            let name = constraint.name.as_ref();
            Some((constraint.position, NewCheck { name, condition }))
        }
        ConstraintKind::Key { .. } | ConstraintKind::Foreign { .. } => None,
    });
    let mut checks: Vec<_> = of_columns.chain(of_table).collect();
    checks.sort_by_key(|(position, _)| position.0);
    checks.into_iter().map(|(_, check)| check).collect()
}

pub(super) fn already_exists(name: &str) -> Error {
    Error::new(SqlState::DuplicateTable, format!("relation \"{name}\" already exists"))
}

/// The keys, the primary key first, each list of columns once: as PostgreSQL makes their indexes.
fn keys<'a>(
    create: &'a CreateTable,
    table: &str,
    columns: &[ColumnDefinition],
) -> Result<Vec<Key<'a>>> {
    let mut keys: Vec<Key<'a>> = Vec::new();
    for (ordinal, specification) in create.columns.iter().enumerate() {
        for key in &specification.keys {
            let name = key.constraint_name.as_ref();
            add_key(
                &mut keys,
                table,
                Key { name, primary: key.primary, ordinals: vec![ordinal] },
                key.position,
            )?;
        }
    }
    for constraint in &create.constraints {
        let ConstraintKind::Key { primary, columns: names } = &constraint.kind else { continue };
        let ordinals = key_ordinals(names, *primary, columns)?;
        let key = Key { name: constraint.name.as_ref(), primary: *primary, ordinals };
        add_key(&mut keys, table, key, constraint.position)?;
    }
    for key in &keys {
        for &ordinal in &key.ordinals {
            check_key_type(columns[ordinal].data_type)?;
        }
    }
    keys.sort_by_key(|key| !key.primary);
    Ok(keys)
}

fn add_key<'a>(
    keys: &mut Vec<Key<'a>>,
    table: &str,
    key: Key<'a>,
    position: Position,
) -> Result<()> {
    if key.primary && keys.iter().any(|other| other.primary) {
        return Err(Error::new(
            SqlState::InvalidTableDefinition,
            format!("multiple primary keys for table \"{table}\" are not allowed"),
        )
        .at(position));
    }
    match keys.iter_mut().find(|other| other.ordinals == key.ordinals) {
        Some(same) => {
            same.primary |= key.primary;
            same.name = same.name.or(key.name);
        }
        None => keys.push(key),
    }
    Ok(())
}

pub(super) fn key_ordinals(
    names: &[Identifier],
    primary: bool,
    columns: &[ColumnDefinition],
) -> Result<Vec<usize>> {
    check_key_width(names.len())?;
    let mut ordinals = Vec::with_capacity(names.len());
    for name in names {
        let ordinal = columns.iter().position(|column| *column.name == *name.name);
        let ordinal = ordinal.ok_or_else(|| {
            Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{}\" named in key does not exist", name.name),
            )
            .at(name.position)
        })?;
        if ordinals.contains(&ordinal) {
            let kind = if primary { "primary key" } else { "unique" };
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{}\" appears twice in {kind} constraint", name.name),
            )
            .at(name.position));
        }
        ordinals.push(ordinal);
    }
    Ok(ordinals)
}

/// 54011 for an index of too many columns.
pub(super) fn check_key_width(columns: usize) -> Result<()> {
    if columns > INDEX_COLUMNS_MAX {
        return Err(Error::new(
            SqlState::TooManyColumns,
            format!("cannot use more than {INDEX_COLUMNS_MAX} columns in an index"),
        ));
    }
    Ok(())
}

/// 42704 for a type that has no order to index by.
pub(super) fn check_key_type(data_type: DataType) -> Result<()> {
    if data_type.is_vector() {
        return Err(Error::new(
            SqlState::UndefinedObject,
            "data type vector has no default operator class for access method \"btree\"",
        )
        .with_hint(
            "You must specify an operator class for the index or define a default operator class for the data type.",
        ));
    }
    Ok(())
}
