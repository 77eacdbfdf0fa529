//! CHECK constraints of a definition: their names, and what they may say.

use std::cell::OnceCell;
use std::sync::Arc;

use hashbrown::HashSet;

use super::Definer;
use super::names::choose_name;
use crate::binder::{check_text, columns_of, define_check};
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
        written: &[NewCheck<'_>],
    ) -> Result<Vec<CheckConstraint>> {
        let schema = Arc::new(Schema::clone(schema));
        let evaluate = |expression: &_| self.evaluate(expression);
        let mut kept = Vec::with_capacity(written.len());
        for check in written {
            kept.push(define_check(self.root, &schema, check.condition, &evaluate)?);
        }
        let mut checks: Vec<CheckConstraint> = Vec::with_capacity(written.len());
        let mut names: HashSet<Arc<str>> = HashSet::with_capacity(written.len());
        // Looked up once: there may be many tables, and many names to choose.
        let others = OnceCell::new();
        for (check, kept) in written.iter().zip(kept) {
            let name: Arc<str> = match check.name {
                Some(given) if names.contains(given.name.as_str()) => {
                    return Err(Error::new(
                        SqlState::DuplicateObject,
                        format!("check constraint \"{}\" already exists", given.name),
                    ));
                }
                Some(given) if schema.has_constraint(&given.name) => {
                    return Err(constraint_exists(&given.name, &schema.name));
                }
                Some(given) => Arc::from(given.name.as_str()),
                None => {
                    let others = others.get_or_init(|| self.constraint_names(&schema));
                    let is_taken = |name: &str| names.contains(name) || others.contains(name);
                    Arc::from(check_name(&schema.name, check.condition, &is_taken))
                }
            };
            names.insert(Arc::clone(&name));
            checks.push(CheckConstraint { name, condition: Arc::from(check_text(&kept)) });
        }
        Ok(checks)
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
