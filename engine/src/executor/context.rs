//! What an executing statement carries along: parameters, bounds on its time and memory, subqueries' results.

use crate::error::Result;
use crate::executor::environment::Environment;
use crate::executor::in_set::InSet;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::executor::read_set::ReadSet;
use crate::storage::root::Root;
use crate::types::Value;

/// The context of one executing statement.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The version of the database that the statement reads.
    pub root: &'a Root,
    /// Values of $1, $2, ..., each NULL or of the type that the binder inferred.
    pub parameters: &'a [Value],
    /// Cancel flag and deadline.
    pub interrupt: &'a Interrupt,
    /// The statement's memory.
    pub memory: &'a MemoryBudget,
    /// Results of the statement's uncorrelated subqueries.
    pub subqueries: &'a dyn SubqueryResults,
    /// The session.
    pub environment: &'a dyn Environment,
    /// Where a serializable transaction remembers what it reads.
    pub reads: Option<&'a ReadSet>,
}

/// Results of uncorrelated subqueries by their index in [`crate::binder::bound::Bound::subqueries`]; each is run at
/// most once a statement, when first asked for.
pub trait SubqueryResults {
    /// The one value of subquery `index`, NULL for no row (21000 for several).
    fn scalar(&self, index: usize) -> Result<Value>;

    /// Whether subquery `index` has a row.
    fn exists(&self, index: usize) -> Result<bool>;

    /// The values of the one column of subquery `index`.
    fn set(&self, index: usize) -> Result<&InSet>;
}

/// For a statement that has no subquery.
#[derive(Clone, Copy, Debug)]
pub struct NoSubqueries;

impl SubqueryResults for NoSubqueries {
    fn scalar(&self, index: usize) -> Result<Value> {
        Err(unknown_subquery(index))
    }

    fn exists(&self, index: usize) -> Result<bool> {
        Err(unknown_subquery(index))
    }

    fn set(&self, index: usize) -> Result<&InSet> {
        Err(unknown_subquery(index))
    }
}

#[cold]
fn unknown_subquery(index: usize) -> crate::error::Error {
    crate::error::Error::new(
        crate::error::SqlState::InternalError,
        format!("subquery {index} was not planned"),
    )
}
