//! Scripts: what the server answers, as it comes, and all of it per statement.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Client;
use super::error::Error;
use super::row::{Row, RowRef};
use crate::error::ErrorFields;
use crate::frame::Opcode;
use crate::message::{Receipt, ServerMessage, client};
use crate::value::{Column, ColumnRef};

/// Something that the server said in answer to a script.
#[derive(Debug)]
pub enum ScriptEvent<'a> {
    /// A statement's rows will follow and have these columns.
    Columns(&'a [Column]),
    /// A row.
    Row(RowRef<'a>),
    /// A statement is done.
    Complete {
        /// Its command tag.
        tag: &'a str,
        /// Rows answered or changed.
        rows: u64,
        /// What it committed.
        receipt: Option<Receipt>,
    },
    /// The script has no statement.
    Empty,
    /// A statement failed; the next event is of the next statement.
    Error(&'a ErrorFields),
    /// A notice.
    Notice(&'a ErrorFields),
}

/// The answer of one statement of a script.
#[derive(Clone, Debug, Default)]
pub struct StatementResult {
    /// Columns of its rows; none if it answers no rows.
    pub columns: Arc<[Column]>,
    /// Its rows; those before an error are void.
    pub rows: Vec<Row>,
    /// The command tag; empty after an error and for an empty script.
    pub tag: String,
    /// Rows answered or changed.
    pub rows_affected: u64,
    /// What it committed.
    pub receipt: Option<Receipt>,
    /// Why it failed.
    pub error: Option<ErrorFields>,
    /// What the server remarked.
    pub notices: Vec<ErrorFields>,
}

/// Results as their events come.
#[derive(Default)]
struct Results {
    whole: Vec<StatementResult>,
    current: StatementResult,
}

impl Results {
    fn take(&mut self, event: &ScriptEvent<'_>) -> ControlFlow<()> {
        let current = &mut self.current;
        match event {
            ScriptEvent::Columns(columns) => current.columns = (*columns).into(),
            ScriptEvent::Row(row) => current.rows.push(row.to_row()),
            ScriptEvent::Notice(fields) => current.notices.push((*fields).clone()),
            ScriptEvent::Complete { tag, rows, receipt } => {
                (*tag).clone_into(&mut current.tag);
                current.rows_affected = *rows;
                current.receipt = *receipt;
                self.whole.push(std::mem::take(current));
            }
            ScriptEvent::Empty => self.whole.push(std::mem::take(current)),
            ScriptEvent::Error(fields) => {
                current.error = Some((*fields).clone());
                self.whole.push(std::mem::take(current));
            }
        }
        ControlFlow::Continue(())
    }
}

impl Client {
    /// Runs a script and shows what comes as it comes. When `visit` breaks, what still runs is cancelled, and the rest
    /// of the answer is read and dropped. Statements that fail are events, not errors of this function.
    pub fn simple_query_with(
        &mut self,
        script: &str,
        visit: impl FnMut(ScriptEvent<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.connection.settle()?;
        client::query(&mut self.connection.out, script).map_err(Error::Limit)?;
        self.read_script(visit)
    }

    /// Asks for a task of the operator's (`audit-verify`) and shows what comes as it comes, as of a script of one statement.
    pub fn administer_with(
        &mut self,
        verb: &str,
        options: &[(&str, &str)],
        visit: impl FnMut(ScriptEvent<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.connection.settle()?;
        client::admin(&mut self.connection.out, verb, options).map_err(Error::Limit)?;
        self.read_script(visit)
    }

    /// Sends the request that was written, and shows its answer up to Ready.
    fn read_script(
        &mut self,
        mut visit: impl FnMut(ScriptEvent<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let connection = &mut self.connection;
        connection.ready_due();
        connection.flush()?;
        let mut columns: Arc<[Column]> = Arc::new([]);
        loop {
            let (opcode, span) = connection.next_span_or_notice()?;
            let flow = match connection.decode(span)? {
                ServerMessage::Ready(_) => return Ok(()),
                ServerMessage::RowDescription(described) => {
                    columns = described.iter().map(ColumnRef::to_column).collect();
                    visit(ScriptEvent::Columns(&columns))
                }
                ServerMessage::DataRow(values) => {
                    let row = RowRef::new(&columns, values);
                    visit(ScriptEvent::Row(row.map_err(|error| connection.broken(error))?))
                }
                ServerMessage::CommandComplete { tag, rows, receipt } => {
                    visit(ScriptEvent::Complete { tag, rows, receipt })
                }
                ServerMessage::EmptyQuery => visit(ScriptEvent::Empty),
                ServerMessage::NoticeResponse(fields) => visit(ScriptEvent::Notice(&fields)),
                ServerMessage::ErrorResponse(fields) if connection.is_broken() => {
                    return Err(Error::Db(fields));
                }
                ServerMessage::ErrorResponse(fields) => visit(ScriptEvent::Error(&fields)),
                _ => return Err(connection.unexpected(opcode, "a script")),
            };
            if flow.is_break() {
                // A cancel that fails only makes the rest take longer.
                drop(connection.cancel_token().cancel());
                return connection.settle();
            }
        }
    }

    /// Runs a script; the answers of its statements.
    pub fn simple_query(&mut self, script: &str) -> Result<Vec<StatementResult>, Error> {
        let mut results = Results::default();
        self.simple_query_with(script, |event| results.take(&event))?;
        Ok(results.whole)
    }

    /// Asks for a task of the operator's; its answer.
    pub fn administer(
        &mut self,
        verb: &str,
        options: &[(&str, &str)],
    ) -> Result<StatementResult, Error> {
        let mut results = Results::default();
        self.administer_with(verb, options, |event| results.take(&event))?;
        match results.whole.pop() {
            Some(StatementResult { error: Some(fields), .. }) => Err(fields.into()),
            Some(result) => Ok(result),
            None => Err(self.connection.unexpected(Opcode::Ready, "a task")),
        }
    }

    /// Runs a script whose rows nobody wants. **All statements are run**, also after one that failed; the error is that
    /// of the first that did.
    pub fn batch_execute(&mut self, script: &str) -> Result<(), Error> {
        let mut first = None;
        self.simple_query_with(script, |event| {
            if let ScriptEvent::Error(fields) = event {
                first.get_or_insert_with(|| fields.clone());
            }
            ControlFlow::Continue(())
        })?;
        match first {
            Some(fields) => Err(fields.into()),
            None => Ok(()),
        }
    }

    /// Runs one statement without rows, and says its tag.
    pub(super) fn command(&mut self, text: &str) -> Result<String, Error> {
        let mut results = self.simple_query(text)?;
        match results.pop() {
            Some(StatementResult { error: Some(fields), .. }) => Err(fields.into()),
            Some(result) => Ok(result.tag),
            None => Err(self.connection.unexpected(Opcode::Ready, "a statement")),
        }
    }
}
