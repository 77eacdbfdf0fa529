//! Loading rows in bulk, and fetching them in bulk.

use std::sync::Arc;

use super::Client;
use super::connection::Connection;
use super::convert::{ToValue, coerce};
use super::error::{Conversion, Error};
use super::row::{Row, RowRef};
use crate::decode::{List, Reader};
use crate::encode::{CopyWriter, RowWriter};
use crate::error::ProtocolError;
use crate::frame::{CLIENT_FRAME_LENGTH_MAX, FrameSpan, Opcode};
use crate::message::ServerMessage;
use crate::message::client::{self, CopySource, plain};
use crate::value::{Column, ColumnRef, ValueRef};

/// A CopyData frame is sent when it has grown to this.
const FRAME_BYTES: usize = 64 << 10;

/// The longest row: a frame may hold rows of less than [`FRAME_BYTES`] before it, its opcode and its count.
const ROW_BYTES_MAX: usize = CLIENT_FRAME_LENGTH_MAX as usize - FRAME_BYTES - 8;

/// Rows on their way into a table. Nothing is loaded before [`CopyIn::finish`]; dropped without it, nothing is.
#[derive(Debug)]
pub struct CopyIn<'a> {
    connection: &'a mut Connection,
    columns: Arc<[Column]>,
    /// Rows of the frame that is being filled, as they will stand in it.
    rows: Vec<u8>,
    count: u32,
}

impl Client {
    /// Begins to load rows into `table`, which is named exactly as the catalog has it. No `columns` means all, in the
    /// table's order.
    pub fn copy_in(&mut self, table: &str, columns: &[&str]) -> Result<CopyIn<'_>, Error> {
        let connection = &mut self.connection;
        connection.settle()?;
        client::copy_in(&mut connection.out, table, columns).map_err(Error::Limit)?;
        connection.is_copying = true;
        connection.flush()?;
        let (opcode, span) = connection.next_span()?;
        let columns = match connection.decode(span)? {
            ServerMessage::CopyInReady(columns) => {
                columns.iter().map(ColumnRef::to_column).collect()
            }
            ServerMessage::ErrorResponse(fields) => return Err(leave(connection, fields)),
            _ => return Err(connection.unexpected(opcode, "a copy")),
        };
        Ok(CopyIn { connection, columns, rows: Vec::new(), count: 0 })
    }

    /// Fetches all rows of a table or a query in bulk.
    pub fn copy_out(&mut self, source: CopySource<'_>) -> Result<CopyOut<'_>, Error> {
        let connection = &mut self.connection;
        connection.settle()?;
        client::copy_out(&mut connection.out, source).map_err(Error::Limit)?;
        connection.sync();
        connection.flush()?;
        let (opcode, span) = connection.next_span()?;
        let columns = match connection.decode(span)? {
            ServerMessage::CopyOutReady(columns) => {
                columns.iter().map(ColumnRef::to_column).collect()
            }
            ServerMessage::ErrorResponse(fields) => return Err(connection.failed(fields)),
            _ => return Err(connection.unexpected(opcode, "a copy")),
        };
        Ok(CopyOut { connection, columns, current: None, end: End::NotYet })
    }
}

/// After an error the server skips to the next Sync.
fn leave(connection: &mut Connection, fields: Box<crate::ErrorFields>) -> Error {
    connection.is_copying = false;
    if connection.is_broken() {
        return Error::Db(fields);
    }
    connection.sync();
    match connection.flush() {
        Ok(()) => connection.failed(fields),
        Err(error) => error,
    }
}

impl CopyIn<'_> {
    /// The columns that the rows must have.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Writes a row. Integers are converted to the column's width if they fit, REAL to DOUBLE PRECISION; anything else
    /// must be of the column's type. An error here leaves the copy as it was before the row.
    pub fn write_row(&mut self, values: &[&dyn ToValue]) -> Result<(), Error> {
        self.write(values.iter().map(|value| value.to_value()))
    }

    /// As [`CopyIn::write_row`], for values at hand.
    pub fn write_values(&mut self, values: &[ValueRef<'_>]) -> Result<(), Error> {
        self.write(values.iter().copied())
    }

    fn write<'v>(
        &mut self,
        values: impl ExactSizeIterator<Item = ValueRef<'v>>,
    ) -> Result<(), Error> {
        if values.len() != self.columns.len() {
            return Err(Error::Usage("the row has another number of values than the copy columns"));
        }
        let start = self.rows.len();
        let mut row = RowWriter::bare(&mut self.rows);
        let written = values.zip(self.columns.iter()).try_for_each(|(value, column)| {
            row.push(coerce(value, column.type_oid, &column.name)?);
            Ok::<(), Conversion>(())
        });
        if let Err(conversion) = written {
            row.abandon();
            return Err(conversion.into());
        }
        row.finish().map_err(Error::Limit)?;
        self.end_row(start)
    }

    /// Writes a row value by value, without conversions: `write` pushes one value for each column, exactly of its
    /// type, or answers false to take the row back. The server checks what comes.
    pub fn write_row_with(
        &mut self,
        write: impl FnOnce(&mut RowWriter<'_>) -> bool,
    ) -> Result<(), Error> {
        let start = self.rows.len();
        let mut row = RowWriter::bare(&mut self.rows);
        if !write(&mut row) {
            row.abandon();
            return Ok(());
        }
        row.finish().map_err(Error::Limit)?;
        self.end_row(start)
    }

    /// Counts the row that begins at `start`, unless it is too long.
    fn end_row(&mut self, start: usize) -> Result<(), Error> {
        let length = self.rows.len().saturating_sub(start);
        if length > ROW_BYTES_MAX {
            self.rows.truncate(start);
            let limit = ROW_BYTES_MAX as u32;
            return Err(Error::Limit(ProtocolError::FrameTooLong { length: length as u64, limit }));
        }
        self.count = self.count.saturating_add(1);
        if self.rows.len() >= FRAME_BYTES { self.send() } else { Ok(()) }
    }

    /// Sends the rows written so far.
    fn send(&mut self) -> Result<(), Error> {
        if self.count > 0 {
            let mut frame = CopyWriter::begin(&mut self.connection.out, Opcode::CopyData);
            frame.append(&self.rows, self.count);
            frame.finish_within(CLIENT_FRAME_LENGTH_MAX).map_err(Error::Limit)?;
            self.rows.clear();
            self.count = 0;
            self.connection.flush()?;
            if let Some(fields) = self.connection.error_arrived()? {
                return Err(leave(self.connection, fields));
            }
        }
        Ok(())
    }

    /// Ends the rows and loads them; how many there were.
    pub fn finish(mut self) -> Result<u64, Error> {
        self.send()?;
        let connection = &mut *self.connection;
        plain(&mut connection.out, Opcode::CopyDone);
        connection.sync();
        connection.is_copying = false;
        connection.flush()?;
        let (opcode, span) = connection.next_span()?;
        match connection.decode(span)? {
            ServerMessage::CommandComplete { rows, .. } => {
                connection.skip_to_ready()?;
                Ok(rows)
            }
            ServerMessage::ErrorResponse(fields) => Err(connection.failed(fields)),
            _ => Err(connection.unexpected(opcode, "a copy")),
        }
    }

    /// Gives up; nothing is loaded. The transaction block around it, if any, has failed then.
    pub fn abort(mut self, reason: &str) -> Result<(), Error> {
        self.give_up(reason)
    }

    fn give_up(&mut self, reason: &str) -> Result<(), Error> {
        let connection = &mut *self.connection;
        connection.is_copying = false;
        client::copy_fail(&mut connection.out, reason).map_err(Error::Limit)?;
        connection.sync();
        connection.flush()?;
        connection.settle()
    }
}

impl Drop for CopyIn<'_> {
    fn drop(&mut self) {
        if self.connection.is_copying && !self.connection.is_broken() {
            // If this fails the connection is lost, and nothing is loaded either.
            drop(self.give_up("the client gave up"));
        }
    }
}

/// Rows on their way out of a table or a query, in frames of many.
#[derive(Debug)]
pub struct CopyOut<'a> {
    connection: &'a mut Connection,
    columns: Arc<[Column]>,
    /// The frame being read: where it is, how many of its rows were read, and the bytes they took.
    current: Option<Rows>,
    end: End,
}

#[derive(Clone, Copy, Debug)]
struct Rows {
    span: FrameSpan,
    left: u32,
    read_bytes: usize,
}

/// What has come after the last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    NotYet,
    Rows,
    Complete,
    Over,
}

impl CopyOut<'_> {
    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The next row, borrowed: nothing is copied.
    pub fn next_row(&mut self) -> Result<Option<RowRef<'_>>, Error> {
        while self.current.is_none_or(|rows| rows.left == 0) {
            if self.end == End::Over {
                return Ok(None);
            }
            self.step().inspect_err(|_| self.end = End::Over)?;
        }
        let Some(rows) = &mut self.current else { return Ok(None) };
        let payload = self.connection.payload(rows.span);
        let rest = payload.get(4..).and_then(|all| all.get(rows.read_bytes..)).unwrap_or_default();
        let mut reader = Reader::new(rest);
        let values: List<'_, Option<&[u8]>> =
            reader.list().map_err(|error| self.connection.broken(error))?;
        rows.left = rows.left.saturating_sub(1);
        rows.read_bytes =
            rows.read_bytes.saturating_add(rest.len()).saturating_sub(reader.rest().len());
        let row = RowRef::new(&self.columns, values);
        row.map(Some).map_err(|error| self.connection.broken(error))
    }

    /// Reads the next message.
    fn step(&mut self) -> Result<(), Error> {
        self.current = None;
        let (opcode, span) = self.connection.next_span()?;
        let error = match (self.end, self.connection.decode(span)?) {
            (End::NotYet, ServerMessage::CopyRows(rows)) => {
                self.current = Some(Rows { span, left: rows.len() as u32, read_bytes: 0 });
                None
            }
            (End::NotYet, ServerMessage::CopyEnd) => {
                self.end = End::Rows;
                None
            }
            (End::Rows, ServerMessage::CommandComplete { .. }) => {
                self.end = End::Complete;
                None
            }
            (End::Complete, ServerMessage::Ready(_)) => {
                self.end = End::Over;
                None
            }
            (_, ServerMessage::ErrorResponse(fields)) => Some(fields),
            _ => return Err(self.connection.unexpected(opcode, "a copy")),
        };
        match error {
            Some(fields) => Err(self.connection.failed(fields)),
            None => Ok(()),
        }
    }
}

impl Iterator for CopyOut<'_> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().map(|row| row.map(|row| row.to_row())).transpose()
    }
}

impl Drop for CopyOut<'_> {
    fn drop(&mut self) {
        if self.end != End::Over {
            self.connection.abandon();
        }
    }
}
