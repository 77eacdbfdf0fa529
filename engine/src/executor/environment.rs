//! What a statement asks of the session that it runs in, beside rows.

use crate::binder::{AdvisoryFunction, RowLock};
use crate::error::{Error, Result, SqlState};
use crate::executor::profile::Profile;
use crate::storage::RowId;
use crate::storage::root::Root;
use crate::storage::sequence::SequenceId;
use crate::system::live::{Live, NoDatabase};
use crate::types::datetime::Times;

/// What names an advisory lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisoryKey {
    /// One bigint.
    One(i64),
    /// Two integers: never the same as any bigint.
    Two(i32, i32),
}

/// The session's side of functions whose values do not follow from their arguments.
pub trait Environment {
    /// Its time zone, and when its transaction and the statement began.
    fn times(&self) -> Result<&Times>;

    /// The running database, for the views of it.
    fn live(&self) -> &dyn Live;

    /// Where the statement notes what its operators do, if that is asked for.
    fn profile(&self) -> Option<&Profile> {
        None
    }

    /// nextval, `count` times.
    fn next_values(&self, root: &Root, sequence: SequenceId, count: usize) -> Result<Vec<i64>>;

    /// currval.
    fn current_value(&self, root: &Root, sequence: SequenceId) -> Result<i64>;

    /// lastval.
    fn last_value(&self, root: &Root) -> Result<i64>;

    /// setval.
    fn set_value(
        &self,
        root: &Root,
        sequence: SequenceId,
        value: i64,
        is_called: bool,
    ) -> Result<()>;

    /// Locks rows of a table, as this root shows them, and says of each whether it is locked; one that is not is passed over.
    fn lock_rows(&self, root: &Root, lock: &RowLock, rows: &[RowId]) -> Result<Vec<bool>>;

    /// A function of advisory locks; true where it answers nothing.
    fn advisory_lock(&self, function: AdvisoryFunction, key: AdvisoryKey) -> Result<bool>;
}

/// Where no session is: nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct NoEnvironment;

impl Environment for NoEnvironment {
    fn times(&self) -> Result<&Times> {
        Err(no_session())
    }

    fn live(&self) -> &dyn Live {
        &NoDatabase
    }

    fn next_values(&self, _: &Root, _: SequenceId, _: usize) -> Result<Vec<i64>> {
        Err(no_session())
    }

    fn current_value(&self, _: &Root, _: SequenceId) -> Result<i64> {
        Err(no_session())
    }

    fn last_value(&self, _: &Root) -> Result<i64> {
        Err(no_session())
    }

    fn set_value(&self, _: &Root, _: SequenceId, _: i64, _: bool) -> Result<()> {
        Err(no_session())
    }

    fn lock_rows(&self, _: &Root, _: &RowLock, _: &[RowId]) -> Result<Vec<bool>> {
        Err(no_session())
    }

    fn advisory_lock(&self, _: AdvisoryFunction, _: AdvisoryKey) -> Result<bool> {
        Err(no_session())
    }
}

#[cold]
fn no_session() -> Error {
    Error::new(SqlState::InternalError, "a function of sessions was called without one")
}
