//! What a statement answers: rows into a sink, notices, a command tag.

use crate::binder::bound::OutputColumn;
use crate::storage::batch::Batch;
use crate::{Result, SqlState};

/// Where a statement's answer goes, piece by piece, while the statement's root is pinned.
///
/// An error from a sink ends the statement with that error. For one statement `columns` comes first (only if it
/// answers rows), then any number of batches; the command tag is what `execute` returns.
pub trait RowSink {
    /// Names and types of the rows to come.
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()>;
    /// Some rows: `batch.len()` of them, read by `batch.value(column, place)`.
    fn batch(&mut self, batch: &Batch<'_>) -> Result<()>;
    /// Something the user should know that is no error.
    fn notice(&mut self, notice: &Notice);
}

/// A message that is no error: PostgreSQL's NOTICE and WARNING.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE` or `WARNING`; `INFO` is what was asked for, such as how far work is.
    pub severity: &'static str,
    /// Its class.
    pub sqlstate: SqlState,
    /// The message, in PostgreSQL's wording.
    pub message: String,
    /// More about it, of one or more lines.
    pub detail: Option<String>,
}

impl Notice {
    /// A notice without detail.
    pub fn new(severity: &'static str, sqlstate: SqlState, message: String) -> Self {
        Self { severity, sqlstate, message, detail: None }
    }
}

/// What a completed statement did: PostgreSQL's command tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandTag {
    /// `SELECT n`, `INSERT 0 n`, `UPDATE n`, `DELETE n`.
    Rows(&'static str, u64),
    /// `BEGIN`, `CREATE TABLE`, ...
    Plain(&'static str),
}

impl std::fmt::Display for CommandTag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(verb, rows) => write!(formatter, "{verb} {rows}"),
            Self::Plain(verb) => formatter.write_str(verb),
        }
    }
}

/// Where a session stands: what a prompt or a wire reply shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// No transaction block is open.
    Idle,
    /// Inside a block.
    InTransaction,
    /// Inside a block that failed: 25P02 until ROLLBACK or ROLLBACK TO.
    Failed,
}

/// Rows gathered in memory: the sink for tests, examples and small answers.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Names and types.
    pub columns: Vec<OutputColumn>,
    /// The rows.
    pub rows: Vec<Vec<crate::Value>>,
    /// What was noticed.
    pub notices: Vec<Notice>,
}

impl RowSink for Rows {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.rows.extend((0..batch.len()).map(|place| {
            (0..batch.columns.len()).map(|column| batch.value(column, place).to_value()).collect()
        }));
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        self.notices.push(notice.clone());
    }
}
