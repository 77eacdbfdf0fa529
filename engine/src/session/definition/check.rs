//! CHECK constraints of a definition: their names, and what they may say.

use std::sync::Arc;

use super::Definer;
use super::names::choose_name;
use crate::binder::{bind_check, check_text, columns_of};
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{Expression, Identifier};
use crate::storage::schema::{CheckConstraint, Schema};

/// A CHECK as it is written.
pub(super) struct NewCheck<'a> {
    pub(super) name: Option<&'a Identifier>,
    pub(super) condition: &'a Expression,
}

impl Definer<'_> {
    /// The constraints of a new table, bound and named.
    pub(super) fn checks(
        &self,
        schema: &Schema,
        written: Vec<NewCheck<'_>>,
    ) -> Result<Vec<CheckConstraint>> {
        let schema = Arc::new(Schema::clone(schema));
        for check in &written {
            bind_check(self.root, &schema, check.condition)?;
        }
        let mut checks: Vec<CheckConstraint> = Vec::with_capacity(written.len());
        for check in written {
            let is_taken = |name: &str| {
                checks.iter().any(|check| *check.name == *name)
                    || schema.has_constraint(name)
                    || self.has_constraint(name)
            };
            let name = match check.name {
                Some(given) if checks.iter().any(|check| *check.name == *given.name) => {
                    return Err(Error::new(
                        SqlState::DuplicateObject,
                        format!("check constraint \"{}\" already exists", given.name),
                    ));
                }
                Some(given) if schema.has_constraint(&given.name) => {
                    return Err(constraint_exists(&given.name, &schema.name));
                }
                Some(given) => given.name.clone(),
                None => check_name(&schema.name, check.condition, &is_taken),
            };
            let condition = Arc::from(check_text(check.condition));
            checks.push(CheckConstraint { name: Arc::from(name), condition });
        }
        Ok(checks)
    }

    /// Whether any table has a constraint of this name.
    pub(super) fn has_constraint(&self, name: &str) -> bool {
        self.root.tables().any(|table| table.schema().has_constraint(name))
    }
}

/// `t_a_check` for a condition on one column, else `t_check`.
fn check_name(table: &str, condition: &Expression, is_taken: &dyn Fn(&str) -> bool) -> String {
    let columns = columns_of(condition);
    let column: Vec<&str> = match columns.as_slice() {
        [column] => vec![column],
        _ => Vec::new(),
    };
    choose_name(table, &column, "check", is_taken)
}

/// 42710 for a name that another constraint of the table has.
pub(super) fn constraint_exists(name: &str, table: &str) -> Error {
    let message = format!("constraint \"{name}\" for relation \"{table}\" already exists");
    Error::new(SqlState::DuplicateObject, message)
}
