//! What views ask of the database that runs, beside a root.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, SqlState};
use crate::metrics::{Figure, Latencies};
use crate::storage::retained::Retained;
use crate::storage::{CommitNumber, IndexId, RowId, TableId};
use crate::types::datetime::TimestampTz;

/// The running database, as the session sees it that asks.
pub trait Live {
    /// Who is asking.
    fn user(&self) -> Result<String>;

    /// The number of the asking session.
    fn session_id(&self) -> Result<i32>;

    /// Every setting with the value in force.
    fn settings(&self) -> Result<Vec<SettingState>>;

    /// SET, or without a value SET TO DEFAULT, from the end of the statement on; answers the value that is in force then.
    fn set_setting(&self, name: &str, value: Option<&str>, local: bool) -> Result<String>;

    /// Cancels what a session runs; false, with a warning, if there is no such session.
    fn cancel(&self, session: i32) -> Result<bool>;

    /// Asks a session to end, and waits so long until it has; false, with a warning, if there is no such session or it has not.
    fn terminate(&self, session: i32, patience: Duration) -> Result<bool>;

    /// The sessions that there are, by number; with what their snapshots keep alive, if `with_retained`.
    fn sessions(&self, with_retained: bool) -> Result<Vec<SessionState>>;

    /// The locks that are held or waited for, by session.
    fn locks(&self) -> Result<Vec<LockState>>;

    /// What statements have cost, by normalized text.
    fn statements(&self) -> Result<Vec<StatementState>>;

    /// Everything that is counted, by name.
    fn figures(&self) -> Result<Vec<Figure>>;

    /// How long parts of a commit take.
    fn latencies(&self) -> Result<Latencies>;

    /// The commit that is published.
    fn published_commit(&self) -> Result<CommitNumber>;
}

/// A setting.
#[derive(Clone, Debug)]
pub struct SettingState {
    /// Its name.
    pub name: &'static str,
    /// The value in force, as SHOW answers it.
    pub value: String,
    /// What it is for.
    pub description: &'static str,
    /// Whether it can be set.
    pub is_preset: bool,
}

/// A session.
#[derive(Clone, Debug)]
pub struct SessionState {
    /// Its number.
    pub id: i32,
    /// Who uses it.
    pub user: Arc<str>,
    /// From where.
    pub peer: Arc<str>,
    /// `application_name`.
    pub application: Arc<str>,
    /// When it began.
    pub began: TimestampTz,
    /// Whether a statement runs.
    pub is_active: bool,
    /// The statement that runs, or that ran last.
    pub statement: Option<Arc<str>>,
    /// When it began, if a clock was read: for statements that were short until now not every time.
    pub statement_began: Option<TimestampTz>,
    /// The number under which what it costs is counted.
    pub statement_id: Option<i64>,
    /// Since when it runs its statement, or its open block waits for the next, as far as that is known.
    pub state_since: Option<TimestampTz>,
    /// The transaction block that is open.
    pub transaction: Option<TransactionState>,
    /// The version that a statement outside a block reads.
    pub reading: Option<CommitNumber>,
}

/// What is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// A row.
    Row(TableId, RowId),
    /// A key of a unique index.
    Key(TableId, IndexId),
    /// An advisory lock named by one bigint.
    Advisory(i64),
    /// An advisory lock named by two integers.
    AdvisoryPair(i32, i32),
}

/// How: the modes of rows, weakest first; the others are shared or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// FOR KEY SHARE.
    KeyShare,
    /// FOR SHARE, or shared.
    Share,
    /// FOR NO KEY UPDATE.
    NoKeyUpdate,
    /// FOR UPDATE, or exclusive.
    Update,
}

/// A lock that is held or waited for.
#[derive(Clone, Debug)]
pub struct LockState {
    /// The number of the session.
    pub session: i32,
    /// What.
    pub locked: Locked,
    /// How.
    pub mode: LockMode,
    /// Whether it is held; else it is waited for.
    pub granted: bool,
    /// The sessions that it is waited for.
    pub blocked_by: Vec<i32>,
}

/// An open transaction block.
#[derive(Clone, Debug)]
pub struct TransactionState {
    /// When it began.
    pub began: TimestampTz,
    /// Its isolation level as SHOW spells it.
    pub isolation: &'static str,
    /// READ ONLY.
    pub is_read_only: bool,
    /// Whether an error has ended it but for its ROLLBACK.
    pub is_failed: bool,
    /// Whether it may have changed something.
    pub has_written: bool,
    /// The version that it started from, once it has looked, with what that keeps alive if that was asked for.
    pub snapshot: Option<(CommitNumber, Option<Retained>)>,
}

/// What executions of one shape have cost. Where not all of them were timed, the total is reckoned from those that were.
#[derive(Clone, Debug)]
pub struct StatementState {
    /// A number that follows from the text.
    pub id: i64,
    /// The text without constants.
    pub text: String,
    /// Executions.
    pub calls: i64,
    /// Rows answered or changed.
    pub rows: i64,
    /// Executions that failed.
    pub failures: i64,
    /// Executions that were timed.
    pub timed_calls: i64,
    /// Milliseconds of all.
    pub total_ms: f64,
    /// Milliseconds of one.
    pub mean_ms: f64,
    /// Milliseconds of the longest that was timed.
    pub max_ms: f64,
}

/// Where no database runs: nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct NoDatabase;

impl Live for NoDatabase {
    fn user(&self) -> Result<String> {
        Err(nothing_runs())
    }

    fn session_id(&self) -> Result<i32> {
        Err(nothing_runs())
    }

    fn settings(&self) -> Result<Vec<SettingState>> {
        Err(nothing_runs())
    }

    fn set_setting(&self, _: &str, _: Option<&str>, _: bool) -> Result<String> {
        Err(nothing_runs())
    }

    fn cancel(&self, _: i32) -> Result<bool> {
        Err(nothing_runs())
    }

    fn terminate(&self, _: i32, _: Duration) -> Result<bool> {
        Err(nothing_runs())
    }

    fn sessions(&self, _: bool) -> Result<Vec<SessionState>> {
        Err(nothing_runs())
    }

    fn locks(&self) -> Result<Vec<LockState>> {
        Err(nothing_runs())
    }

    fn statements(&self) -> Result<Vec<StatementState>> {
        Err(nothing_runs())
    }

    fn figures(&self) -> Result<Vec<Figure>> {
        Err(nothing_runs())
    }

    fn latencies(&self) -> Result<Latencies> {
        Err(nothing_runs())
    }

    fn published_commit(&self) -> Result<CommitNumber> {
        Err(nothing_runs())
    }
}

#[cold]
fn nothing_runs() -> Error {
    Error::new(SqlState::InternalError, "a live view was asked for without a session")
}
