//! FOREIGN KEY constraints of a definition: what they may refer to, and what depends on them.

use std::sync::Arc;

use super::dependency::Dependent;
use super::names::choose_name;
use super::{Definer, existing_name, written_name};
use crate::error::{Error, Result, SqlState};
use crate::limits::INDEX_COLUMNS_MAX;
use crate::parser::ast::{self, CreateTable, Identifier, Reference};
use crate::parser::quote_name;
use crate::session::definition::check::constraint_exists;
use crate::storage::TableId;
use crate::storage::reference::referring;
use crate::storage::schema::{ForeignKey, IndexDefinition, ReferentialAction, Schema};
use crate::types::{DataType, Position};

/// A foreign key as it is written.
pub(super) struct NewForeignKey<'a> {
    pub(super) name: Option<&'a Identifier>,
    pub(super) columns: Vec<&'a str>,
    pub(super) reference: &'a Reference,
}

/// The foreign keys of a new table, wherever they were written, in the order in which they stand.
pub(super) fn written_foreign_keys(create: &CreateTable) -> Vec<NewForeignKey<'_>> {
    let mut keys: Vec<(Position, NewForeignKey<'_>)> = Vec::new();
    for column in &create.columns {
        for reference in &column.references {
            let name = reference.constraint_name.as_ref();
            let columns = vec![column.name.name.as_str()];
            let key = NewForeignKey { name, columns, reference: &reference.reference };
            keys.push((reference.position, key));
        }
    }
    for constraint in &create.constraints {
        if let ast::ConstraintKind::Foreign { columns, reference } = &constraint.kind {
            let columns = columns.iter().map(|column| column.name.as_str()).collect();
            let key = NewForeignKey { name: constraint.name.as_ref(), columns, reference };
            keys.push((constraint.position, key));
        }
    }
    keys.sort_by_key(|(position, _)| position.0);
    keys.into_iter().map(|(_, key)| key).collect()
}

impl Definer<'_> {
    /// Adds a foreign key to a schema that is being made; the table that it refers to may be its own.
    pub(super) fn add_foreign_key(
        &self,
        schema: &mut Schema,
        new: &NewForeignKey<'_>,
    ) -> Result<()> {
        let name = self.foreign_key_name(schema, new)?;
        let parent = self.referred_schema(schema, &new.reference.table)?;
        let own = ordinals(schema, &new.columns)?;
        let (index, others) = referred_key(&parent, new.reference)?;
        if own.len() != others.len() {
            return Err(Error::new(
                SqlState::InvalidForeignKey,
                "number of referencing and referenced columns for foreign key disagree",
            ));
        }
        for (own, others) in own.iter().zip(&others) {
            check_types(&name, (schema, *own), (&parent, *others))?;
        }
        let numbers =
            |(own, others): (&usize, &usize)| (schema.number(*own), parent.number(*others));
        let key = ForeignKey {
            name: Arc::from(name),
            table: parent.table,
            index: index.id,
            columns: own.iter().zip(&others).map(numbers).collect(),
            match_full: new.reference.match_full,
            on_delete: action(new.reference.on_delete),
            on_update: action(new.reference.on_update),
        };
        schema.constraints.foreign_keys.push(Arc::new(key));
        Ok(())
    }

    fn referred_schema(&self, schema: &Schema, name: &ast::ObjectName) -> Result<Arc<Schema>> {
        let known = existing_name(name);
        if known == Some(&*schema.name) {
            return Ok(Arc::new(Schema::clone(schema)));
        }
        if let Some(table) = known.and_then(|name| self.root.table_by_name(name)) {
            return Ok(Arc::clone(table.schema()));
        }
        if known.is_some_and(|name| self.root.has_relation(name)) {
            let message = format!("referenced relation \"{}\" is not a table", name.name.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        Err(Error::undefined_table(&written_name(name), Position::UNKNOWN))
    }

    fn foreign_key_name(&self, schema: &Schema, new: &NewForeignKey<'_>) -> Result<String> {
        match new.name {
            Some(given) if schema.has_constraint(&given.name) => {
                Err(constraint_exists(&given.name, &schema.name))
            }
            Some(given) => Ok(given.name.clone()),
            None => {
                let is_taken = |name: &str| self.is_constraint(schema, name);
                Ok(choose_name(&schema.name, &new.columns, "fkey", &is_taken))
            }
        }
    }

    /// 2BP01 for foreign keys of other tables than `tables` for which `depends` says what of the table `referred` they
    /// depend on. CASCADE takes them away.
    pub(super) fn release(
        &mut self,
        referred: TableId,
        tables: &[TableId],
        cascade: bool,
        what: &str,
        depends: &dyn Fn(&ForeignKey) -> Option<String>,
    ) -> Result<()> {
        let (mut found, mut dependents) = (Vec::new(), Vec::new());
        for (child, key) in referring(self.root, referred) {
            if let Some(on) = depends(&key).filter(|_| !tables.contains(&child)) {
                let Some(table) = self.root.table(child) else { continue };
                let table = quote_name(&table.schema().name);
                let described = format!("constraint {} on table {table}", key.name);
                dependents.push(Dependent { described, on });
                found.push((child, key));
            }
        }
        self.check_dependents(what, &dependents, cascade)?;
        for (child, key) in found {
            self.change_schema(child, |schema| {
                schema.constraints.foreign_keys.retain(|other| other.name != key.name);
            });
        }
        Ok(())
    }

    /// 2BP01 for foreign keys that rely on an index.
    pub(super) fn release_index(
        &mut self,
        table: TableId,
        index: &IndexDefinition,
        what: &str,
        cascade: bool,
    ) -> Result<()> {
        let on = format!("index {}", quote_name(&index.name));
        let depends = |key: &ForeignKey| (key.index == index.id).then(|| on.clone());
        self.release(table, &[], cascade, what, &depends)
    }
}

fn ordinals(schema: &Schema, columns: &[&str]) -> Result<Vec<usize>> {
    if columns.len() > INDEX_COLUMNS_MAX {
        return Err(Error::new(
            SqlState::TooManyColumns,
            format!("cannot have more than {INDEX_COLUMNS_MAX} keys in a foreign key"),
        ));
    }
    let ordinal = |name: &&str| {
        schema.ordinal(name).ok_or_else(|| {
            let message =
                format!("column \"{name}\" referenced in foreign key constraint does not exist");
            Error::new(SqlState::UndefinedColumn, message)
        })
    };
    columns.iter().map(ordinal).collect()
}

/// The unique index that a reference relies on, and the columns that it refers to.
fn referred_key<'s>(
    parent: &'s Schema,
    reference: &Reference,
) -> Result<(&'s Arc<IndexDefinition>, Vec<usize>)> {
    let columns = |index: &IndexDefinition| -> Vec<usize> {
        index.columns.iter().map(|column| column.ordinal).collect()
    };
    if reference.columns.is_empty() {
        let Some(index) = parent.indexes.iter().find(|index| index.primary) else {
            let message =
                format!("there is no primary key for referenced table \"{}\"", parent.name);
            return Err(Error::new(SqlState::UndefinedObject, message));
        };
        return Ok((index, columns(index)));
    }
    let names: Vec<&str> = reference.columns.iter().map(|column| column.name.as_str()).collect();
    let others = ordinals(parent, &names)?;
    for (place, ordinal) in others.iter().enumerate() {
        if others[..place].contains(ordinal) {
            return Err(Error::new(
                SqlState::InvalidForeignKey,
                "foreign key referenced-columns list must not contain duplicates",
            ));
        }
    }
    let fits = |index: &&Arc<IndexDefinition>| {
        let columns = columns(index);
        index.unique
            && columns.len() == others.len()
            && others.iter().all(|ordinal| columns.contains(ordinal))
    };
    let Some(index) = parent.indexes.iter().find(fits) else {
        let table = &parent.name;
        return Err(Error::new(
            SqlState::InvalidForeignKey,
            format!(
                "there is no unique constraint matching given keys for referenced table \"{table}\""
            ),
        ));
    };
    Ok((index, others))
}

/// 42804 for types that cannot be compared, 0A000 for some that can.
fn check_types(
    name: &str,
    (child, own): (&Schema, usize),
    (parent, others): (&Schema, usize),
) -> Result<()> {
    let (own, others) = (&child.columns[own], &parent.columns[others]);
    let (left, right) = (own.data_type, others.data_type);
    let is_number = |data_type: DataType| data_type.is_integer() || data_type.is_float();
    if left.same_kind(right) || left.is_integer() && right.is_integer() {
        return Ok(());
    }
    let is_comparable = is_number(left) && is_number(right)
        || left.is_text() && right.is_text()
        || left.is_datetime() && right.is_datetime();
    if is_comparable && !(left.is_text() && right.is_text()) {
        return Err(Error::not_supported(
            "a foreign key between columns of different types",
            Position::UNKNOWN,
        ));
    }
    if is_comparable {
        return Ok(());
    }
    Err(Error::new(
        SqlState::DatatypeMismatch,
        format!("foreign key constraint \"{name}\" cannot be implemented"),
    )
    .with_detail(format!(
        "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
        own.name,
        others.name,
        left.sql_name(),
        right.sql_name()
    )))
}

fn action(written: ast::ReferentialAction) -> ReferentialAction {
    match written {
        ast::ReferentialAction::NoAction => ReferentialAction::NoAction,
        ast::ReferentialAction::Restrict => ReferentialAction::Restrict,
        ast::ReferentialAction::Cascade => ReferentialAction::Cascade,
        ast::ReferentialAction::SetNull => ReferentialAction::SetNull,
        ast::ReferentialAction::SetDefault => ReferentialAction::SetDefault,
    }
}
