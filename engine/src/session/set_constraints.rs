//! SET CONSTRAINTS: no constraint is deferrable, so there is nothing to set, but names are looked up.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{ObjectName, SetConstraints};
use crate::session::{CommandTag, RowSink, Session, TransactionStatus};
use crate::storage::root::Root;
use crate::system::Namespace;

impl Session {
    pub(super) fn set_constraints(
        &mut self,
        set: &SetConstraints,
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        if self.status == TransactionStatus::Idle {
            let message = "SET CONSTRAINTS can only be used in transaction blocks";
            self.warn(sink, SqlState::NoActiveSqlTransaction, message);
        }
        let published = self.database.heads().published();
        let root = if self.block.base().is_some() {
            self.block.root(self.database.heads())
        } else {
            Arc::as_ref(&published)
        };
        for name in &set.names {
            check_constraint(root, name, set.deferred)?;
        }
        Ok(CommandTag::Plain("SET CONSTRAINTS"))
    }
}

/// 42704 for a constraint that no table has, 42809 for one that is to be deferred.
fn check_constraint(root: &Root, name: &ObjectName, deferred: bool) -> Result<()> {
    let schema = name.schema.as_ref().map(|schema| schema.name.as_str());
    if let Some(schema) = schema
        && schema != "public"
        && !Namespace::ALL.iter().any(|known| known.name() == schema)
    {
        let message = format!("schema \"{schema}\" does not exist");
        return Err(Error::new(SqlState::InvalidSchemaName, message));
    }
    let name = &name.name.name;
    let is_there = schema.is_none_or(|schema| schema == "public")
        && root.tables().any(|table| table.schema().has_constraint(name));
    if !is_there {
        let message = format!("constraint \"{name}\" does not exist");
        return Err(Error::new(SqlState::UndefinedObject, message));
    }
    if deferred {
        let message = format!("constraint \"{name}\" is not deferrable");
        return Err(Error::new(SqlState::WrongObjectType, message));
    }
    Ok(())
}
