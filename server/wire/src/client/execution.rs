//! Reads the answer of one execution, `[ParseComplete] [RowDescription] DataRow* CommandComplete Ready`, and the
//! iterator over its rows.

use std::sync::Arc;

use super::connection::Connection;
use super::error::Error;
use super::row::{Row, RowRef};
use crate::frame::{FrameSpan, Opcode};
use crate::message::{Receipt, ServerMessage};
use crate::value::{Column, ColumnRef};

/// What of an answer has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing, and ParseComplete comes first.
    BeforeParse,
    /// Nothing, or ParseComplete.
    BeforeRows,
    /// A RowDescription or a row.
    Rows,
    /// CommandComplete or EmptyQuery.
    Complete,
    /// Ready, or an error and its Ready.
    Over,
}

/// How far the answer of one execution has been read.
#[derive(Debug)]
pub(super) struct Execution {
    stage: Stage,
    pub(super) columns: Arc<[Column]>,
    pub(super) rows: u64,
    pub(super) tag: String,
    pub(super) receipt: Option<Receipt>,
}

impl Execution {
    /// Of a prepared statement whose columns are known.
    pub(super) fn prepared(columns: Arc<[Column]>) -> Self {
        Self { stage: Stage::BeforeRows, columns, rows: 0, tag: String::new(), receipt: None }
    }

    /// Of a text that is prepared in the same request.
    pub(super) fn parsed() -> Self {
        Self { stage: Stage::BeforeParse, ..Self::prepared(Arc::new([])) }
    }

    /// Begins the next one of a pipeline.
    pub(super) fn restart(&mut self, columns: Arc<[Column]>) {
        self.stage = Stage::BeforeRows;
        self.columns = columns;
        self.rows = 0;
        self.tag.clear();
        self.receipt = None;
    }

    /// Whether Ready has come, or an error.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The next row; none when everything up to Ready has been read. An error of the statement has been read up to
    /// Ready, too.
    pub(super) fn next<'c>(
        &'c mut self,
        connection: &'c mut Connection,
    ) -> Result<Option<RowRef<'c>>, Error> {
        while self.stage != Stage::Over {
            let (opcode, span) = self.next_span(connection)?;
            if opcode == Opcode::DataRow && matches!(self.stage, Stage::BeforeRows | Stage::Rows) {
                self.stage = Stage::Rows;
                return self.row(connection, span).map(Some);
            }
            self.step(connection, opcode, span)?;
        }
        Ok(None)
    }

    /// Reads ParseComplete, if it is due.
    pub(super) fn read_parse(&mut self, connection: &mut Connection) -> Result<(), Error> {
        while self.stage == Stage::BeforeParse {
            let (opcode, span) = self.next_span(connection)?;
            self.step(connection, opcode, span)?;
        }
        Ok(())
    }

    fn next_span(&mut self, connection: &mut Connection) -> Result<(Opcode, FrameSpan), Error> {
        connection.next_span().inspect_err(|_| self.stage = Stage::Over)
    }

    /// A row. One that is broken leaves a connection that refuses everything further.
    fn row<'c>(&'c self, connection: &'c Connection, span: FrameSpan) -> Result<RowRef<'c>, Error> {
        match connection.decode(span)? {
            ServerMessage::DataRow(values) => {
                RowRef::new(&self.columns, values).map_err(|error| connection.broken(error))
            }
            other => Err(connection.unexpected(other.opcode(), "an execution")),
        }
    }

    /// Everything but rows.
    fn step(
        &mut self,
        connection: &mut Connection,
        opcode: Opcode,
        span: FrameSpan,
    ) -> Result<(), Error> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let error = match (stage, connection.decode(span)?) {
            (Stage::BeforeParse, ServerMessage::ParseComplete { columns, .. }) => {
                self.columns = columns.iter().map(ColumnRef::to_column).collect();
                self.stage = Stage::BeforeRows;
                None
            }
            (Stage::BeforeRows, ServerMessage::RowDescription(columns)) => {
                self.columns = columns.iter().map(ColumnRef::to_column).collect();
                self.stage = Stage::Rows;
                None
            }
            (
                Stage::BeforeRows | Stage::Rows,
                ServerMessage::CommandComplete { tag, rows, receipt },
            ) => {
                self.rows = rows;
                self.receipt = receipt;
                self.tag.push_str(tag);
                self.stage = Stage::Complete;
                None
            }
            (Stage::BeforeRows, ServerMessage::EmptyQuery) => {
                self.stage = Stage::Complete;
                None
            }
            (Stage::Complete, ServerMessage::Ready(_)) => None,
            (_, ServerMessage::ErrorResponse(fields)) => Some(fields),
            _ => return Err(connection.unexpected(opcode, "an execution")),
        };
        match error {
            Some(fields) => Err(connection.failed(fields)),
            None => Ok(()),
        }
    }
}

/// The rows of one execution, read as they are asked for.
///
/// Dropped early, it reads the rest, and cancels the statement if that is long.
#[derive(Debug)]
pub struct RowIter<'a> {
    connection: &'a mut Connection,
    execution: Execution,
}

impl<'a> RowIter<'a> {
    pub(super) fn new(connection: &'a mut Connection, execution: Execution) -> Self {
        Self { connection, execution }
    }

    /// The columns. Of SHOW and EXPLAIN they are known from the first row on.
    pub fn columns(&self) -> &[Column] {
        &self.execution.columns
    }

    /// The next row, borrowed: nothing is copied.
    pub fn next_row(&mut self) -> Result<Option<RowRef<'_>>, Error> {
        self.execution.next(self.connection)
    }

    /// Rows answered or changed, after the last row.
    pub fn rows_affected(&self) -> u64 {
        self.execution.rows
    }

    /// The command tag, after the last row: `SELECT 3`.
    pub fn tag(&self) -> &str {
        &self.execution.tag
    }

    /// What it committed, after the last row.
    pub fn receipt(&self) -> Option<Receipt> {
        self.execution.receipt
    }
}

impl Iterator for RowIter<'_> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().map(|row| row.map(|row| row.to_row())).transpose()
    }
}

impl Drop for RowIter<'_> {
    fn drop(&mut self) {
        if !self.execution.is_over() {
            self.connection.abandon();
        }
    }
}
