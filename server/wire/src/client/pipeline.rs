//! Pipelines: many executions in one write, their answers in order.

use std::collections::VecDeque;
use std::sync::Arc;

use super::connection::Connection;
use super::convert::ToValue;
use super::error::Error;
use super::execution::Execution;
use super::row::{Row, RowRef};
use super::statement::{Dropped, Statement};
use super::{Client, write_execution};
use crate::value::Column;

/// Executions that are queued, sent together, and answered in their order. Each succeeds or fails by itself: outside a
/// transaction block each is a transaction of its own.
///
/// ```no_run
/// # use spg_wire::client::Client;
/// let mut client = Client::connect("127.0.0.1:5440")?;
/// let statement = client.prepare("SELECT name FROM t WHERE id = $1")?;
/// let mut pipeline = client.pipeline();
/// for id in 0..16 {
///     pipeline.execute(&statement, &[&id])?;
/// }
/// while let Some(rows) = pipeline.next_rows() {
///     let _rows = rows?;
/// }
/// # Ok::<(), spg_wire::client::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<'a> {
    connection: &'a mut Connection,
    dropped: &'a Arc<Dropped>,
    /// Columns of the executions that were not answered yet.
    waiting: VecDeque<Arc<[Column]>>,
    execution: Execution,
    is_settled: bool,
}

impl Client {
    /// Begins a pipeline.
    pub fn pipeline(&mut self) -> Pipeline<'_> {
        Pipeline {
            connection: &mut self.connection,
            dropped: &self.dropped,
            waiting: VecDeque::new(),
            execution: Execution::prepared(Arc::new([])),
            is_settled: false,
        }
    }
}

impl Pipeline<'_> {
    /// Queues an execution. It is sent by [`Pipeline::flush`], or when an answer is asked for.
    pub fn execute(
        &mut self,
        statement: &Statement,
        parameters: &[&dyn ToValue],
    ) -> Result<(), Error> {
        if !statement.belongs_to(self.dropped) {
            return Err(Error::Usage("the statement was prepared on another connection"));
        }
        if !self.is_settled {
            self.connection.settle()?;
            self.is_settled = true;
        }
        let columns = statement.shared_columns();
        write_execution(self.connection, statement.id(), parameters)?;
        self.waiting.push_back(columns);
        Ok(())
    }

    /// Sends what is queued, in one write.
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.connection.out.is_empty() { Ok(()) } else { self.connection.flush() }
    }

    /// How many executions were queued and not answered yet.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether all executions have been answered.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits for the next execution's answer and shows its rows to `on_row`; rows answered or changed. `None` when all
    /// have been answered. An error of the statement is of this execution alone.
    pub fn next_with(
        &mut self,
        mut on_row: impl FnMut(RowRef<'_>) -> Result<(), Error>,
    ) -> Option<Result<u64, Error>> {
        let columns = self.waiting.pop_front()?;
        Some(self.answer(columns, &mut on_row))
    }

    /// As [`Pipeline::next_with`], and gives the rows.
    pub fn next_rows(&mut self) -> Option<Result<Vec<Row>, Error>> {
        let mut rows = Vec::new();
        let result = self.next_with(|row| {
            rows.push(row.to_row());
            Ok(())
        })?;
        Some(result.map(|_| rows))
    }

    fn answer(
        &mut self,
        columns: Arc<[Column]>,
        on_row: &mut impl FnMut(RowRef<'_>) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        self.flush()?;
        self.execution.restart(columns);
        let mut failure = None;
        while let Some(row) = self.execution.next(self.connection)? {
            if failure.is_none() {
                failure = on_row(row).err();
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(self.execution.rows),
        }
    }
}

impl Drop for Pipeline<'_> {
    /// Sends what is queued, and reads what nobody asked for.
    fn drop(&mut self) {
        if !self.waiting.is_empty() && self.flush().is_ok() {
            // If this fails the connection says so at its next use.
            drop(self.connection.settle());
        }
    }
}
