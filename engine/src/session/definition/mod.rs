//! Definitions: CREATE and DROP of tables and indexes, TRUNCATE. Executed from the syntax tree, there is nothing to plan.
//!
//! Each statement checks everything before it changes anything, so a failed one leaves the root as it was.

mod create_index;
mod create_table;
mod drop;
mod names;

use crate::error::{Error, Result, SqlState};
use crate::executor::interrupt::Interrupt;
use crate::parser::ast::{ObjectName, Statement};
use crate::session::Notice;
use crate::storage::TableId;
use crate::storage::root::Root;

/// One executing definition: the root it changes and what it has to say.
pub(super) struct Definer<'a> {
    root: &'a mut Root,
    interrupt: &'a Interrupt,
    /// To be sent once the definition is durable (or at once in a block).
    pub(super) notices: Vec<Notice>,
    /// Tables it touched, with how many rows it went through.
    pub(super) touched: Vec<(TableId, u64)>,
}

/// The tag of a definition; None for any other statement.
pub(super) fn tag(statement: &Statement) -> Option<&'static str> {
    match statement {
        Statement::CreateTable(_) => Some("CREATE TABLE"),
        Statement::DropTable(_) => Some("DROP TABLE"),
        Statement::CreateIndex(_) => Some("CREATE INDEX"),
        Statement::DropIndex(_) => Some("DROP INDEX"),
        Statement::Truncate(_) => Some("TRUNCATE TABLE"),
        _ => None,
    }
}

impl<'a> Definer<'a> {
    pub(super) fn new(root: &'a mut Root, interrupt: &'a Interrupt) -> Self {
        Self { root, interrupt, notices: Vec::new(), touched: Vec::new() }
    }

    /// Executes a definition.
    pub(super) fn execute(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::CreateTable(create) => self.create_table(create),
            Statement::DropTable(drop) => self.drop_tables(drop),
            Statement::CreateIndex(create) => self.create_index(create),
            Statement::DropIndex(drop) => self.drop_indexes(drop),
            Statement::Truncate(truncate) => self.truncate(truncate),
            other => {
                Err(Error::new(SqlState::InternalError, format!("not a definition: {other:?}")))
            }
        }
    }

    fn notice(&mut self, sqlstate: SqlState, message: String) {
        self.notices.push(Notice { severity: "NOTICE", sqlstate, message });
    }
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
