//! Stage 2: [`crate::parser::ast`] to [`bound`]: names looked up in a root's catalog, types decided, casts written out.
//!
//! Reading order: `context` is what binding a statement carries along, `scope` what names mean; `coercion` and
//! `resolution` hold PostgreSQL's type rules, `literal` and `fold` its constants. `expression` dispatches to one file
//! for each family of expressions; `from`, `select` and `query` make relations; `insert`, `update`, `delete` and
//! `returning` are the writers. `finish` settles what only the whole statement decides.

pub mod bound;

mod advisory;
mod aggregate;
mod catalog;
mod check;
mod coercion;
mod conditional;
mod conflict;
mod context;
mod datetime;
mod default;
mod delete;
mod expression;
mod finish;
mod fix;
mod fold;
mod from;
mod function;
mod group;
mod insert;
mod join;
mod literal;
mod locking;
mod name;
mod on_conflict;
mod operator;
mod order;
mod predicate;
mod query;
mod resolution;
mod returning;
mod scope;
mod select;
mod sequence;
mod set_operation;
mod subquery;
mod suggestion;
mod update;
mod values;
mod walk;

#[cfg(test)]
mod tests;

use crate::error::{Error, Result, SqlState};
use crate::parser::ast::Statement;
use crate::storage::root::Root;
use crate::types::DataType;
use bound::{Bound, BoundQuery, BoundStatement};
use context::Context;
use query::Unknowns;

pub use advisory::{AdvisoryAction, AdvisoryFunction};
pub use check::{
    BoundCheck, bind_check, bind_table_checks, check_text, columns_of, define_check, renamed_column,
};
pub use default::{bind_column_default, default_sequences, define_default};
pub use fix::Evaluate;
pub use locking::RowLock;

/// Binds a statement that has rows or changes in it, or the EXPLAIN of one, to the tables of `root`.
///
/// Errors carry PostgreSQL's SQLSTATE, wording and position. The others (definitions, transactions, settings) are
/// executed from their syntax tree.
pub fn bind(statement: &Statement, root: &Root) -> Result<Bound> {
    bind_typed(statement, root, &[])
}

/// [`bind`] with the types of the first parameters given; Unknown is decided by how the statement uses it.
pub fn bind_typed(statement: &Statement, root: &Root, parameters: &[DataType]) -> Result<Bound> {
    let mut statement = statement;
    while let Statement::Explain(explain) = statement {
        statement = &explain.statement;
    }
    let mut context = Context::new(root, parameters);
    let bound = match statement {
        Statement::Query(query) => {
            let rows = query::bind_query(&mut context, query, Unknowns::ToText)?;
            let query = BoundQuery { relation: rows.relation, columns: rows.columns };
            BoundStatement::Query(query)
        }
        Statement::Insert(insert) => {
            BoundStatement::Insert(insert::bind_insert(&mut context, insert)?)
        }
        Statement::Update(update) => {
            BoundStatement::Update(update::bind_update(&mut context, update)?)
        }
        Statement::Delete(delete) => {
            BoundStatement::Delete(delete::bind_delete(&mut context, delete)?)
        }
        _ => {
            return Err(Error::new(SqlState::InternalError, "the statement has no rows to bind"));
        }
    };
    finish::finish(context, bound)
}
