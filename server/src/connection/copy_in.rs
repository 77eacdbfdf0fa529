//! CopyIn: rows in bulk, from frames straight into columns.
//!
//! The engine pulls: [`Rows::next_batch`] reads frames until it has a batch. So nothing of the input is kept but the frame
//! at hand, and a client is read no faster than its rows are stored.

use std::time::{Duration, Instant};

use spg_engine::limits::BATCH_ROWS_MAX;
use spg_engine::session::{CommandTag, Deadline, Timeout};
use spg_engine::storage::column::Column;
use spg_engine::types::datetime::{Date, Time, Timestamp, TimestampTz};
use spg_engine::types::{check_dimensions, check_element, check_length};
use spg_engine::{DataType, Error, Result, SqlState, ValueRef};
use spg_wire::decode::{Item, Reader, text};
use spg_wire::frame::FrameSpan;
use spg_wire::message::server;
use spg_wire::{ClientMessage, List, Opcode};

use super::conversation::Conversation;
use super::copy_out::select;
use super::end::End;
use super::input::Input;
use super::output::Output;
use super::translate;
use crate::registry::Demand;
use crate::shared::Shared;
use crate::stats;

/// Bytes of a batch: many large values must not become one column.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Bytes of a CopyData's count before its rows.
const COUNT_BYTES: usize = 4;

/// What a CopyIn asks for.
pub(super) struct CopyRequest {
    table: String,
    columns: Vec<String>,
}

impl CopyRequest {
    pub(super) fn new(table: &str, columns: List<'_, &str>) -> Self {
        Self { table: table.to_owned(), columns: columns.iter().map(str::to_owned).collect() }
    }
}

/// What ended the rows.
enum Ending {
    /// Nothing yet.
    None,
    /// CopyDone.
    Done,
    /// A message that has no place here; a Sync is answered all the same.
    Message { is_sync: bool },
    /// The connection.
    Connection(End),
}

/// The rows of a copy as they arrive.
struct Rows<'a> {
    input: &'a mut Input,
    output: &'a mut Output,
    shared: &'a Shared,
    idle_timeout: Option<Duration>,
    /// When the transaction is over, rows or not.
    over: Option<Deadline>,
    names: Vec<String>,
    types: Vec<DataType>,
    /// The frame at hand: where its next row begins, and how many it has left.
    frame: Option<(FrameSpan, usize, u32)>,
    /// Rows decoded.
    row_count: u64,
    /// Where in the rows the error was, if it was in one.
    place: Option<String>,
    ending: Ending,
}

impl Conversation<'_> {
    /// Loads rows until CopyDone or an error.
    pub(super) fn copy_in(&mut self, request: &CopyRequest) -> std::result::Result<(), End> {
        let client = &mut self.client;
        let columns: Vec<&str> = request.columns.iter().map(String::as_str).collect();
        let target = match select(&mut client.session, &request.table, &columns) {
            Ok(target) => target,
            Err(error) => {
                client.statement_failed(&error);
                return Ok(());
            }
        };
        let described = target.columns().iter().map(translate::column);
        server::columns(&mut client.output.bytes, Opcode::CopyInReady, described);
        let idle_timeout = client.session.idle_in_transaction_timeout();
        let over = client.session.statement_deadline();
        let over = over.filter(|deadline| deadline.timeout != Timeout::Statement);
        let mut rows = Rows {
            input: self.input,
            output: client.output,
            shared: self.shared,
            idle_timeout,
            over,
            names: target.columns().iter().map(|column| column.name.to_string()).collect(),
            types: target.columns().iter().map(|column| column.data_type).collect(),
            frame: None,
            row_count: 0,
            place: None,
            ending: Ending::None,
        };
        let session = &mut client.session;
        let loaded = session.insert_rows(&request.table, &columns, &mut || rows.next_batch());
        let Rows { place, ending, .. } = rows;
        if let Ending::Connection(end) = ending {
            return Err(end);
        }
        match loaded {
            Ok(rows) => client.complete(&CommandTag::Rows("COPY", rows)),
            Err(error) => {
                let stored = error.fields().row.map(|row| format!(", row {row}"));
                let place = place.or(stored).unwrap_or_default();
                let mut fields = translate::error_fields(&error);
                fields.context = Some(format!("COPY {}{place}", request.table));
                client.count_statement();
                client.fail(&fields);
                if matches!(ending, Ending::Message { is_sync: true }) {
                    client.sync();
                }
            }
        }
        Ok(())
    }
}

impl Rows<'_> {
    /// The next rows as columns; None when there are no more.
    fn next_batch(&mut self) -> Result<Option<Vec<Column>>> {
        if self.frame.is_none() && !self.next_frame(true)? {
            return Ok(None);
        }
        let mut columns: Vec<Column> =
            self.types.iter().map(|&t| Column::with_capacity(t, BATCH_ROWS_MAX)).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS_MAX && bytes < BATCH_BYTES_MAX {
            let Some((span, start, left)) = self.frame else {
                // What has arrived is stored before more is waited for.
                if self.next_frame(false)? {
                    continue;
                }
                break;
            };
            let payload = self.input.frame(span).payload;
            let rest = payload.get(start..).unwrap_or_default();
            let take = (BATCH_ROWS_MAX - rows).min(left as usize);
            let mut decoder =
                Decoder { reader: Reader::new(rest), types: &self.types, names: &self.names };
            let (taken, result) = decoder.rows(take, BATCH_BYTES_MAX - bytes, &mut columns);
            let used = rest.len() - decoder.reader.rest().len();
            self.row_count += taken as u64;
            if let Err((error, column)) = result {
                let column = column.map_or_else(String::new, |name| format!(", column {name}"));
                self.place = Some(format!(", row {}{column}", self.row_count + 1));
                return Err(error);
            }
            rows += taken;
            bytes += used;
            let left = left - taken as u32;
            self.frame = (left > 0).then_some((span, start + used, left));
        }
        Ok(Some(columns))
    }

    /// Takes the next CopyData with a row in it, waiting for it or not; false at CopyDone or if it is not there.
    fn next_frame(&mut self, waits: bool) -> Result<bool> {
        while matches!(self.ending, Ending::None) {
            let span = match self.next_span(waits) {
                Ok(Some(span)) => span,
                Ok(None) => return Ok(false),
                Err(end) => {
                    self.ending = Ending::Connection(end);
                    return Err(Error::new(SqlState::ConnectionFailure, "the connection ends"));
                }
            };
            if self.accept(span)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn next_span(&mut self, waits: bool) -> std::result::Result<Option<FrameSpan>, End> {
        loop {
            let span = self.input.next_span()?;
            if span.is_some() || !waits {
                return Ok(span);
            }
            self.output.send()?;
            self.output.release();
            if self.output.handle.demand() != Demand::None {
                return Err(self.input.end());
            }
            // A copy that waits holds a version of the data, as an open block does.
            let timeout = Timeout::Idle;
            let idle =
                self.idle_timeout.map(|after| Deadline { at: Instant::now() + after, timeout });
            let earliest = idle.into_iter().chain(self.over).min_by_key(|deadline| deadline.at);
            self.output.handle.set_in_transaction(true);
            self.input.wait(earliest)?;
        }
    }

    /// Takes a message; whether it brings rows.
    fn accept(&mut self, span: FrameSpan) -> Result<bool> {
        let message = match ClientMessage::decode(self.input.frame(span)) {
            Ok(message) => message,
            Err(error) if error.is_fatal() => {
                self.ending = Ending::Connection(error.into());
                return Err(Error::new(SqlState::ConnectionFailure, "the connection ends"));
            }
            Err(error) => {
                self.ending = Ending::Message { is_sync: false };
                return Err(Error::new(SqlState::CharacterNotInRepertoire, error.to_string()));
            }
        };
        match message {
            ClientMessage::CopyData(rows) => {
                let count = rows.len() as u32;
                self.frame = (count > 0).then_some((span, COUNT_BYTES, count));
                return Ok(count > 0);
            }
            ClientMessage::CopyDone => self.ending = Ending::Done,
            ClientMessage::Ping(number) => server::pong(&mut self.output.bytes, number),
            ClientMessage::Stats => self.stats(),
            ClientMessage::Terminate => {
                self.ending = Ending::Connection(End::Closed);
                return Err(Error::new(SqlState::ConnectionFailure, "the connection ends"));
            }
            ClientMessage::CopyFail(reason) => {
                let message = format!("COPY from client failed: {reason}");
                self.ending = Ending::Message { is_sync: false };
                return Err(Error::new(SqlState::QueryCanceled, message));
            }
            other => {
                let is_sync = matches!(other, ClientMessage::Sync);
                let message = format!("unexpected message {:?} during a copy", other.opcode());
                self.ending = Ending::Message { is_sync };
                return Err(Error::new(SqlState::ProtocolViolation, message));
            }
        }
        Ok(false)
    }

    fn stats(&mut self) {
        if let Some(served) = self.shared.served() {
            let figures = stats::figures(self.shared, &served.database);
            let figures = figures.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            server::stats_reply(&mut self.output.bytes, figures);
        }
    }
}

/// Decodes rows, value by value, onto columns.
struct Decoder<'a> {
    reader: Reader<'a>,
    types: &'a [DataType],
    names: &'a [String],
}

/// An error, and the column it was in.
type Fault<'a> = (Error, Option<&'a str>);

impl<'a> Decoder<'a> {
    /// Decodes up to `count` rows, or those that begin within `bytes_max`; answers how many, and what stopped it.
    fn rows(
        &mut self,
        count: usize,
        bytes_max: usize,
        columns: &mut [Column],
    ) -> (usize, std::result::Result<(), Fault<'a>>) {
        let available = self.reader.rest().len();
        for row in 0..count {
            if available - self.reader.rest().len() >= bytes_max {
                return (row, Ok(()));
            }
            if let Err(fault) = self.row(columns) {
                return (row, Err(fault));
            }
        }
        (count, Ok(()))
    }

    #[inline]
    fn row(&mut self, columns: &mut [Column]) -> std::result::Result<(), Fault<'a>> {
        // The frame's bounds were checked as a whole, so reading cannot fail.
        let count = self.reader.u16().unwrap_or_default();
        if usize::from(count) != columns.len() {
            return Err((wrong_count(count, columns.len()), None));
        }
        for ((column, &data_type), name) in columns.iter_mut().zip(self.types).zip(self.names) {
            let bytes: Option<&[u8]> = Item::read(&mut self.reader).unwrap_or_default();
            push(column, data_type, bytes).map_err(|error| (error, Some(name.as_str())))?;
        }
        Ok(())
    }
}

/// Appends a value to a column of its type.
#[inline]
fn push(column: &mut Column, data_type: DataType, bytes: Option<&[u8]>) -> Result<()> {
    let Some(bytes) = bytes else {
        column.push(ValueRef::Null);
        return Ok(());
    };
    let value = match data_type {
        DataType::Int4 => ValueRef::Int4(i32::from_le_bytes(exactly(bytes, data_type)?)),
        DataType::Int8 => ValueRef::Int8(i64::from_le_bytes(exactly(bytes, data_type)?)),
        DataType::Float8 => ValueRef::Float8(f64::from_le_bytes(exactly(bytes, data_type)?)),
        DataType::Date => {
            ValueRef::Date(Date::checked(i32::from_le_bytes(exactly(bytes, data_type)?))?)
        }
        DataType::Time => {
            ValueRef::Time(Time::checked(i64::from_le_bytes(exactly(bytes, data_type)?))?)
        }
        DataType::Timestamp => {
            ValueRef::Timestamp(Timestamp::checked(i64::from_le_bytes(exactly(bytes, data_type)?))?)
        }
        DataType::TimestampTz => {
            let us = i64::from_le_bytes(exactly(bytes, data_type)?);
            ValueRef::TimestampTz(TimestampTz::checked(us)?)
        }
        DataType::Interval => {
            let value = spg_wire::value::Interval::from_bytes(exactly(bytes, data_type)?);
            ValueRef::Interval(translate::interval(value))
        }
        DataType::Text | DataType::Unknown | DataType::Varchar(None) => {
            ValueRef::Text(text(bytes).map_err(|error| not_text(&error))?)
        }
        DataType::Varchar(Some(_)) => {
            let text = text(bytes).map_err(|error| not_text(&error))?;
            check_length(data_type, text)?;
            ValueRef::Text(text)
        }
        DataType::Float4 => ValueRef::Float4(f32::from_le_bytes(exactly(bytes, data_type)?)),
        DataType::Int2 => ValueRef::Int2(i16::from_le_bytes(exactly(bytes, data_type)?)),
        DataType::Bool => match bytes {
            [0] => ValueRef::Bool(false),
            [1] => ValueRef::Bool(true),
            _ => return Err(wrong_length(bytes, data_type)),
        },
        DataType::Vector(dimensions) => return push_vector(column, dimensions, bytes),
    };
    column.push(value);
    Ok(())
}

fn push_vector(column: &mut Column, dimensions: Option<u16>, bytes: &[u8]) -> Result<()> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(wrong_length(bytes, DataType::Vector(dimensions)));
    }
    check_dimensions(dimensions, numbers.len())?;
    let numbers: Vec<f32> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
    for number in &numbers {
        check_element(*number)?;
    }
    column.push(ValueRef::Vector(&numbers));
    Ok(())
}

#[inline]
fn exactly<const N: usize>(bytes: &[u8], data_type: DataType) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| wrong_length(bytes, data_type))
}

#[cold]
fn wrong_length(bytes: &[u8], data_type: DataType) -> Error {
    let message = format!("value of {} bytes is none of type {data_type}", bytes.len());
    Error::new(SqlState::InvalidBinaryRepresentation, message)
}

#[cold]
fn wrong_count(count: u16, columns: usize) -> Error {
    let message = format!("row of {count} values for {columns} columns");
    Error::new(SqlState::ProtocolViolation, message)
}

#[cold]
fn not_text(error: &spg_wire::ProtocolError) -> Error {
    Error::new(SqlState::CharacterNotInRepertoire, error.to_string())
}
