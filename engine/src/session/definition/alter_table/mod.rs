//! ALTER TABLE: all actions on the schema first, then once on the rows.
//!
//! Actions are taken in PostgreSQL's order, which is not that in which they are written: what is dropped first, then new
//! columns, then constraints. `columns` and `constraints` change the schema, `rename` names; `rows` gives the rows the
//! new shape, builds new indexes and looks whether every row keeps to what is new.

mod columns;
mod constraints;
mod identity;
mod rename;
mod rows;

use std::sync::Arc;

use super::{Definer, existing_name, written_name};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{AlterAction, AlterTable, ConstraintKind};
use crate::storage::schema::Schema;
use crate::storage::table::Table;
use crate::types::Position;

/// A table on its way to another shape.
struct Alteration {
    /// As it was.
    table: Arc<Table>,
    /// As it will be.
    schema: Schema,
    /// Columns, by number, in which no row may have a NULL: to be looked at.
    not_null: Vec<u64>,
    /// Names of CHECK constraints to be looked at.
    checks: Vec<Arc<str>>,
    /// Names of foreign keys to be looked at.
    foreign_keys: Vec<Arc<str>>,
    /// Columns, by number, whose values are computed for each row.
    computed: Vec<(u64, Computed)>,
}

/// Where the values of a column come from, for rows that are there.
enum Computed {
    /// Its DEFAULT, for each row anew.
    Default,
}

impl Definer<'_> {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) -> Result<()> {
        let Some(table) = self.altered_table(alter)? else { return Ok(()) };
        // Expressions of ALTER TABLE have no place in PostgreSQL's errors.
        self.alter(alter, table).map_err(Error::nowhere)
    }

    fn alter(&mut self, alter: &AlterTable, table: Arc<Table>) -> Result<()> {
        if let [action] = alter.actions.as_slice()
            && let Some(renamed) = self.rename(&table, action)?
        {
            self.replace(&table, renamed);
            return Ok(());
        }
        let mut alteration = Alteration {
            schema: Schema::clone(table.schema()),
            table,
            not_null: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            computed: Vec::new(),
        };
        let mut actions: Vec<&AlterAction> = alter.actions.iter().collect();
        actions.sort_by_key(|action| pass(action));
        for action in actions {
            self.act(&mut alteration, action)?;
        }
        self.finish(&alteration)
    }

    fn act(&mut self, alteration: &mut Alteration, action: &AlterAction) -> Result<()> {
        match action {
            AlterAction::AddColumn { if_not_exists, column } => {
                self.add_column(alteration, *if_not_exists, column)
            }
            AlterAction::DropColumn { if_exists, column, cascade } => {
                self.drop_column(alteration, *if_exists, column, *cascade)
            }
            AlterAction::SetDefault { column, default } => {
                self.set_default(alteration, column, default.as_ref())
            }
            AlterAction::SetNotNull { column, not_null } => {
                alteration.set_not_null(column, *not_null)
            }
            AlterAction::AddConstraint(constraint) => self.add_constraint(alteration, constraint),
            AlterAction::DropConstraint { if_exists, name, cascade } => {
                self.drop_constraint(alteration, *if_exists, name, *cascade)
            }
            AlterAction::AddIdentity { column, identity } => {
                self.add_identity(alteration, column, identity)
            }
            AlterAction::SetIdentity { column, always, options } => {
                self.set_identity(alteration, column, *always, options)
            }
            AlterAction::DropIdentity { column, if_exists } => {
                self.drop_identity(alteration, column, *if_exists)
            }
            AlterAction::SetType { column, .. } => {
                Err(Error::not_supported("ALTER COLUMN ... TYPE", column.position))
            }
            AlterAction::RenameTable(_)
            | AlterAction::RenameColumn { .. }
            | AlterAction::RenameConstraint { .. } => {
                Err(Error::new(SqlState::InternalError, "RENAME stands alone"))
            }
        }
    }

    /// The table to alter; None, with a notice, if there is none and none need be.
    fn altered_table(&mut self, alter: &AlterTable) -> Result<Option<Arc<Table>>> {
        let name = existing_name(&alter.name);
        if let Some(table) = name.and_then(|name| self.root.table_by_name(name)) {
            return Ok(Some(Arc::clone(table)));
        }
        if let Some(name) = name.filter(|name| self.root.has_relation(name)) {
            let kind =
                if self.root.index_by_name(name).is_some() { "indexes" } else { "sequences" };
            if let [AlterAction::RenameTable(to)] = alter.actions.as_slice() {
                return match kind {
                    "indexes" => self.rename_index_to(name, to).map(|()| None),
                    _ => Err(Error::not_supported("ALTER TABLE of a sequence", Position::UNKNOWN)),
                };
            }
            return Err(not_of_tables(name, kind, &alter.actions[0]));
        }
        if alter.if_exists {
            let message = format!("relation \"{}\" does not exist, skipping", alter.name.name.name);
            self.notice(SqlState::SuccessfulCompletion, message);
            return Ok(None);
        }
        match &alter.name.schema {
            Some(schema) if schema.name != "public" => Err(Error::new(
                SqlState::InvalidSchemaName,
                format!("schema \"{}\" does not exist", schema.name),
            )),
            _ => Err(Error::undefined_table(&written_name(&alter.name), Position::UNKNOWN)),
        }
    }

    /// Puts the same rows under another schema.
    fn replace(&mut self, table: &Table, schema: Schema) {
        let mut schema = schema;
        schema.alter(self.root.shared().draw_schema_version());
        self.root.replace_table(Arc::new(table.with_schema(Arc::new(schema))));
        self.touched.push((table.id(), 0));
    }
}

/// When an action is taken, as PostgreSQL orders them.
fn pass(action: &AlterAction) -> u8 {
    match action {
        AlterAction::DropColumn { .. }
        | AlterAction::DropConstraint { .. }
        | AlterAction::DropIdentity { .. }
        | AlterAction::SetDefault { default: None, .. }
        | AlterAction::SetNotNull { not_null: false, .. } => 0,
        AlterAction::SetType { .. } => 1,
        AlterAction::AddColumn { .. } => 2,
        AlterAction::SetNotNull { not_null: true, .. } => 3,
        AlterAction::AddConstraint(constraint) => match constraint.kind {
            ConstraintKind::Key { .. } => 4,
            ConstraintKind::Check(_) | ConstraintKind::Foreign { .. } => 5,
        },
        AlterAction::SetDefault { .. } | AlterAction::AddIdentity { .. } => 5,
        _ => 6,
    }
}

/// 42809 for a relation that is no table.
pub(super) fn not_of_tables(name: &str, kind: &str, action: &AlterAction) -> Error {
    let action = match action {
        AlterAction::AddColumn { .. } => "ADD COLUMN",
        AlterAction::DropColumn { .. } => "DROP COLUMN",
        AlterAction::SetDefault { .. } => "ALTER COLUMN ... SET DEFAULT",
        AlterAction::SetNotNull { not_null: true, .. } => "ALTER COLUMN ... SET NOT NULL",
        AlterAction::SetNotNull { not_null: false, .. } => "ALTER COLUMN ... DROP NOT NULL",
        AlterAction::AddIdentity { .. } => "ALTER COLUMN ... ADD IDENTITY",
        AlterAction::SetIdentity { .. } => "ALTER COLUMN ... SET",
        AlterAction::DropIdentity { .. } => "ALTER COLUMN ... DROP IDENTITY",
        AlterAction::SetType { .. } => "ALTER COLUMN ... SET DATA TYPE",
        AlterAction::AddConstraint(_) => "ADD CONSTRAINT",
        AlterAction::DropConstraint { .. } => "DROP CONSTRAINT",
        AlterAction::RenameTable(_)
        | AlterAction::RenameColumn { .. }
        | AlterAction::RenameConstraint { .. } => "RENAME",
    };
    let message = format!("ALTER action {action} cannot be performed on relation \"{name}\"");
    Error::new(SqlState::WrongObjectType, message)
        .with_detail(format!("This operation is not supported for {kind}."))
}

/// 42703 `column "c" of relation "t" does not exist`.
fn undefined(column: &str, schema: &Schema) -> Error {
    let message = format!("column \"{column}\" of relation \"{}\" does not exist", schema.name);
    Error::new(SqlState::UndefinedColumn, message)
}

/// 42701 `column "c" of relation "t" already exists`.
fn column_exists(column: &str, schema: &Schema) -> String {
    format!("column \"{column}\" of relation \"{}\" already exists", schema.name)
}
