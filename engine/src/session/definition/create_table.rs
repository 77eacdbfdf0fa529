//! CREATE TABLE.

use std::sync::Arc;

use super::names::choose_name;
use super::{Definer, created_name};
use crate::binder::bind_default;
use crate::error::{Error, Result, SqlState};
use crate::limits::{COLUMNS_MAX, INDEX_COLUMNS_MAX};
use crate::parser::ast::{ColumnSpecification, CreateTable, Identifier};
use crate::storage::schema::{ColumnDefinition, IndexColumn, IndexDefinition, Schema};
use crate::types::{DataType, Position};

/// A PRIMARY KEY or UNIQUE, wherever it was written.
struct Key<'a> {
    name: Option<&'a Identifier>,
    primary: bool,
    ordinals: Vec<usize>,
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
        let mut columns = columns(create)?;
        let keys = keys(create, name, &columns)?;
        for key in keys.iter().filter(|key| key.primary) {
            for &ordinal in &key.ordinals {
                columns[ordinal].not_null = true;
            }
        }
        let indexes = self.key_indexes(name, &columns, &keys)?;
        let shared = self.root.shared();
        let schema = Schema {
            table: shared.draw_table_id(),
            name: Arc::from(name),
            columns,
            indexes,
            structure: shared.draw_schema_version(),
        };
        let table = self.root.create_table(schema);
        self.touched.push((table, 0));
        Ok(())
    }

    fn key_indexes(
        &self,
        table: &str,
        columns: &[ColumnDefinition],
        keys: &[Key<'_>],
    ) -> Result<Vec<Arc<IndexDefinition>>> {
        let mut indexes: Vec<Arc<IndexDefinition>> = Vec::with_capacity(keys.len());
        for key in keys {
            let is_taken = |name: &str| {
                name == table
                    || self.root.has_relation(name)
                    || indexes.iter().any(|index| &*index.name == name)
                    || keys.iter().any(|key| key.name.is_some_and(|given| given.name == name))
            };
            let name = match key.name {
                Some(given) => {
                    let given = &given.name;
                    if given == table
                        || self.root.has_relation(given)
                        || indexes.iter().any(|index| *index.name == **given)
                    {
                        return Err(already_exists(given));
                    }
                    given.clone()
                }
                None if key.primary => choose_name(table, &[], "pkey", &is_taken),
                None => {
                    let names: Vec<&str> =
                        key.ordinals.iter().map(|&ordinal| &*columns[ordinal].name).collect();
                    choose_name(table, &names, "key", &is_taken)
                }
            };
            let ascending =
                |&ordinal| IndexColumn { ordinal, descending: false, nulls_first: false };
            indexes.push(Arc::new(IndexDefinition {
                id: self.root.shared().draw_index_id(),
                name: Arc::from(name),
                columns: key.ordinals.iter().map(ascending).collect(),
                unique: true,
                constraint: true,
                primary: key.primary,
            }));
        }
        Ok(indexes)
    }
}

pub(super) fn already_exists(name: &str) -> Error {
    Error::new(SqlState::DuplicateTable, format!("relation \"{name}\" already exists"))
}

fn columns(create: &CreateTable) -> Result<Vec<ColumnDefinition>> {
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
        columns.push(column(specification)?);
    }
    Ok(columns)
}

fn column(specification: &ColumnSpecification) -> Result<ColumnDefinition> {
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
            bind_default(expression, &specification.name.name, data_type)?;
            Some(Arc::from(expression.to_string()))
        }
        None => None,
    };
    Ok(ColumnDefinition {
        name: Arc::from(specification.name.name.as_str()),
        data_type,
        not_null: specification.not_null == Some(true),
        default,
    })
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
        let ordinals = key_ordinals(&constraint.columns, constraint.primary, columns)?;
        let key = Key { name: constraint.name.as_ref(), primary: constraint.primary, ordinals };
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

fn key_ordinals(
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
