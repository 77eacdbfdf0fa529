//! Definitions: CREATE, ALTER and DROP of tables and indexes, TRUNCATE. Executed from the syntax tree, there is nothing to plan.
//!
//! What a failed one leaves of the root is thrown away: alone it has its own root, in a block it makes the block fail.

mod alter_table;
mod check;
mod create_index;
mod create_table;
mod dependency;
mod drop;
mod foreign_key;
mod names;
mod sequence;
mod system_column;

use self::check::constraint_exists;
use crate::error::{Error, Result, SqlState};
use crate::executor::environment::Environment;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::parser::ast::{ObjectName, Statement};
use crate::session::Notice;
use crate::session::environment::SessionEnvironment;
use crate::storage::TableId;
use crate::storage::root::Root;
use crate::storage::sequence::SequenceId;
use crate::system::{self, Kind, Namespace};

/// One executing definition: the root it changes and what it has to say.
pub(super) struct Definer<'a> {
    root: &'a mut Root,
    interrupt: &'a Interrupt,
    memory: &'a MemoryBudget,
    environment: &'a dyn Environment,
    /// To be sent once the definition is durable (or at once in a block).
    pub(super) notices: Vec<Notice>,
    /// Tables it touched, with how many rows it went through.
    pub(super) touched: Vec<(TableId, u64)>,
    /// Sequences that it made, changed, restarted or dropped.
    pub(super) touched_sequences: Vec<SequenceId>,
}

/// The tag of a definition; None for any other statement.
pub(super) fn tag(statement: &Statement) -> Option<&'static str> {
    match statement {
        Statement::CreateTable(_) => Some("CREATE TABLE"),
        Statement::AlterTable(_) => Some("ALTER TABLE"),
        Statement::RenameIndex(_) => Some("ALTER INDEX"),
        Statement::DropTable(_) => Some("DROP TABLE"),
        Statement::CreateIndex(_) => Some("CREATE INDEX"),
        Statement::DropIndex(_) => Some("DROP INDEX"),
        Statement::Truncate(_) => Some("TRUNCATE TABLE"),
        Statement::CreateSequence(_) => Some("CREATE SEQUENCE"),
        Statement::AlterSequence(_) => Some("ALTER SEQUENCE"),
        Statement::DropSequence(_) => Some("DROP SEQUENCE"),
        _ => None,
    }
}

impl<'a> Definer<'a> {
    pub(super) fn new(
        root: &'a mut Root,
        environment: &'a SessionEnvironment<'_>,
        memory: &'a MemoryBudget,
    ) -> Self {
        Self {
            root,
            interrupt: environment.interrupt,
            memory,
            environment,
            notices: Vec::new(),
            touched: Vec::new(),
            touched_sequences: Vec::new(),
        }
    }

    /// Whether it changed anything.
    pub(super) fn has_changed(&self) -> bool {
        !self.touched.is_empty() || !self.touched_sequences.is_empty()
    }

    /// Executes a definition.
    pub(super) fn execute(&mut self, statement: &Statement) -> Result<()> {
        refuse_system(statement)?;
        self.define(statement)?;
        self.check_constraint_names()
    }

    /// 42710 for two constraints of one name on a table, whatever the statement was: files with such a table are refused.
    fn check_constraint_names(&self) -> Result<()> {
        for table in self.touched.iter().filter_map(|(table, _)| self.root.table(*table)) {
            if let Some(name) = table.schema().repeated_constraint() {
                return Err(constraint_exists(name, &table.schema().name));
            }
        }
        Ok(())
    }

    fn define(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::CreateTable(create) => self.create_table(create),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::RenameIndex(rename) => self.rename_index(rename),
            Statement::DropTable(drop) => self.drop_tables(drop),
            Statement::CreateIndex(create) => self.create_index(create),
            Statement::DropIndex(drop) => self.drop_indexes(drop),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::CreateSequence(create) => self.create_sequence(create),
            Statement::AlterSequence(alter) => self.alter_sequence(alter),
            Statement::DropSequence(drop) => self.drop_sequences(drop),
            other => {
                Err(Error::new(SqlState::InternalError, format!("not a definition: {other:?}")))
            }
        }
    }

    fn notice(&mut self, sqlstate: SqlState, message: String) {
        self.notices.push(Notice::new("NOTICE", sqlstate, message));
    }

    fn notice_with_detail(&mut self, sqlstate: SqlState, message: String, detail: String) {
        let notice = Notice::new("NOTICE", sqlstate, message);
        self.notices.push(Notice { detail: Some(detail), ..notice });
    }
}

/// What is defined by the system is not defined anew: PostgreSQL's errors for its catalogs and for views.
fn refuse_system(statement: &Statement) -> Result<()> {
    let find = |name: &ObjectName| {
        let schema = name.schema.as_ref().map(|schema| &*schema.name);
        system::find(schema, &name.name.name).map(|(view, _)| view)
    };
    let wrong_type = |message| Error::new(SqlState::WrongObjectType, message);
    let names: &[ObjectName] = match statement {
        Statement::DropTable(drop) => &drop.names,
        Statement::Truncate(truncate) => &truncate.names,
        Statement::CreateIndex(create) => std::slice::from_ref(&create.table),
        Statement::AlterTable(alter) => std::slice::from_ref(&alter.name),
        Statement::CreateTable(create) => {
            if let Some(schema) = &create.name.schema
                && schema.name == Namespace::Catalog.name()
            {
                let message =
                    format!("permission denied to create \"pg_catalog.{}\"", create.name.name.name);
                return Err(Error::new(SqlState::InsufficientPrivilege, message)
                    .with_detail("System catalog modifications are currently disallowed."));
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    let Some(view) = names.iter().find_map(find) else { return Ok(()) };
    Err(match statement {
        _ if view.kind == Kind::Catalog => Error::system_catalog(view.name),
        Statement::DropTable(_) => wrong_type(format!("\"{}\" is not a table", view.name))
            .with_hint("Use DROP VIEW to remove a view."),
        Statement::AlterTable(alter) => {
            alter_table::not_of_tables(view.name, "views", &alter.actions[0])
        }
        Statement::CreateIndex(_) => {
            wrong_type(format!("cannot create index on relation \"{}\"", view.name))
                .with_detail("This operation is not supported for views.")
        }
        _ => wrong_type(format!("\"{}\" is not a table", view.name)),
    })
}

/// The name of something to create: its schema is `public` or 3F000.
fn created_name(name: &ObjectName) -> Result<&str> {
    match &name.schema {
        Some(schema) if schema.name != "public" => Err(Error::new(
            SqlState::InvalidSchemaName,
            format!("schema \"{}\" does not exist", schema.name),
        )
        .at(schema.position)),
        _ => Ok(&name.name.name),
    }
}

/// The name of something that exists, or None if its schema cannot hold it.
fn existing_name(name: &ObjectName) -> Option<&str> {
    match &name.schema {
        Some(schema) if schema.name != "public" => None,
        _ => Some(&name.name.name),
    }
}

/// The name as it was written, for messages.
fn written_name(name: &ObjectName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", schema.name, name.name.name),
        None => name.name.name.clone(),
    }
}
