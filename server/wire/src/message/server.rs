//! What a server sends.

use super::{CancelKey, Receipt, TransactionStatus};
use crate::decode::{List, Reader};
use crate::encode::{FrameWriter, decimal};
use crate::error::{ErrorFields, ProtocolError, Severity, SqlState};
use crate::frame::{Frame, Opcode};
use crate::value::ColumnRef;

/// Longest text of one field of an ErrorResponse or NoticeResponse; longer ones are cut. Nobody reads more, and
/// messages quote what the client sent.
pub const ERROR_TEXT_BYTES_MAX: usize = 1 << 20;

/// A message of a server, borrowed from its frame.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage<'a> {
    /// Accepts a Hello.
    HelloOk(HelloOk<'a>),
    /// The request to cancel has been delivered, if its secret was right.
    CancelDone,
    /// Answers Ping.
    Pong(u64),
    /// Answers Stats: names and values.
    StatsReply(List<'a, (&'a str, &'a str)>),
    /// A setting that clients follow has changed.
    ParameterStatus {
        /// The setting.
        key: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// A statement failed, or the connection did.
    ErrorResponse(Box<ErrorFields>),
    /// A notice.
    NoticeResponse(Box<ErrorFields>),
    /// Everything up to a Query's end or a Sync is answered.
    Ready(TransactionStatus),
    /// The columns of the rows that follow.
    RowDescription(List<'a, ColumnRef<'a>>),
    /// Answers Parse.
    ParseComplete {
        /// The statement.
        statement_id: u32,
        /// Types of its parameters.
        parameter_types: List<'a, u32>,
        /// Columns of its answer; none if it answers no rows, or if they are known only when it runs.
        columns: List<'a, ColumnRef<'a>>,
    },
    /// One row.
    DataRow(List<'a, Option<&'a [u8]>>),
    /// A statement is done.
    CommandComplete {
        /// The command tag: `INSERT 0 5`.
        tag: &'a str,
        /// Rows answered or changed; 0 where the tag names none.
        rows: u64,
        /// What it committed.
        receipt: Option<Receipt>,
    },
    /// A prepared statement is forgotten.
    CloseComplete,
    /// There was no statement in the text.
    EmptyQuery,
    /// Send rows of these columns.
    CopyInReady(List<'a, ColumnRef<'a>>),
    /// Rows of these columns will follow.
    CopyOutReady(List<'a, ColumnRef<'a>>),
    /// Rows.
    CopyRows(List<'a, List<'a, Option<&'a [u8]>>>),
    /// No more rows.
    CopyEnd,
}

/// What a HelloOk holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HelloOk<'a> {
    /// The version that is spoken from here on.
    pub version: u16,
    /// Which database this is.
    pub database_uuid: [u8; 16],
    /// What allows to cancel this session's statements.
    pub cancel_key: CancelKey,
    /// Settings that clients follow.
    pub parameters: List<'a, (&'a str, &'a str)>,
}

impl<'a> ServerMessage<'a> {
    /// The message of a frame. Bounds, counts and texts are checked; the values of rows when looked at.
    pub fn decode(frame: Frame<'a>) -> Result<Self, ProtocolError> {
        let mut reader = Reader::new(frame.payload);
        let opcode = Opcode::from_byte(frame.opcode);
        let message = match opcode.ok_or(ProtocolError::UnknownOpcode(frame.opcode))? {
            Opcode::DataRow => Self::DataRow(reader.list()?),
            Opcode::CommandComplete => {
                let rows = reader.u64()?;
                let tag = reader.string()?;
                Self::CommandComplete { rows, tag, receipt: Receipt::decode(&mut reader)? }
            }
            Opcode::Ready => {
                let status = TransactionStatus::from_byte(reader.u8()?);
                Self::Ready(status.ok_or(ProtocolError::InvalidByte("transaction status"))?)
            }
            Opcode::RowDescription => Self::RowDescription(reader.list()?),
            Opcode::ParseComplete => Self::ParseComplete {
                statement_id: reader.u32()?,
                parameter_types: reader.list()?,
                columns: reader.list()?,
            },
            Opcode::ErrorResponse => Self::ErrorResponse(error_fields(&mut reader)?),
            Opcode::NoticeResponse => Self::NoticeResponse(error_fields(&mut reader)?),
            Opcode::CloseComplete => Self::CloseComplete,
            Opcode::EmptyQuery => Self::EmptyQuery,
            Opcode::CopyInReady => Self::CopyInReady(reader.list()?),
            Opcode::CopyOutReady => Self::CopyOutReady(reader.list()?),
            Opcode::CopyRows => Self::CopyRows(reader.long_list()?),
            Opcode::CopyEnd => Self::CopyEnd,
            Opcode::HelloOk => Self::HelloOk(HelloOk {
                version: reader.u16()?,
                database_uuid: reader.array()?,
                cancel_key: CancelKey { session_id: reader.u64()?, secret: reader.array()? },
                parameters: reader.list()?,
            }),
            Opcode::CancelDone => Self::CancelDone,
            Opcode::Pong => Self::Pong(reader.u64()?),
            Opcode::StatsReply => Self::StatsReply(reader.list()?),
            Opcode::ParameterStatus => {
                Self::ParameterStatus { key: reader.string()?, value: reader.string()? }
            }
            _ => return Err(ProtocolError::UnknownOpcode(frame.opcode)),
        };
        reader.finish()?;
        Ok(message)
    }

    /// The opcode of its frame.
    pub fn opcode(&self) -> Opcode {
        match self {
            Self::HelloOk(_) => Opcode::HelloOk,
            Self::CancelDone => Opcode::CancelDone,
            Self::Pong(_) => Opcode::Pong,
            Self::StatsReply(_) => Opcode::StatsReply,
            Self::ParameterStatus { .. } => Opcode::ParameterStatus,
            Self::ErrorResponse(_) => Opcode::ErrorResponse,
            Self::NoticeResponse(_) => Opcode::NoticeResponse,
            Self::Ready(_) => Opcode::Ready,
            Self::RowDescription(_) => Opcode::RowDescription,
            Self::ParseComplete { .. } => Opcode::ParseComplete,
            Self::DataRow(_) => Opcode::DataRow,
            Self::CommandComplete { .. } => Opcode::CommandComplete,
            Self::CloseComplete => Opcode::CloseComplete,
            Self::EmptyQuery => Opcode::EmptyQuery,
            Self::CopyInReady(_) => Opcode::CopyInReady,
            Self::CopyOutReady(_) => Opcode::CopyOutReady,
            Self::CopyRows(_) => Opcode::CopyRows,
            Self::CopyEnd => Opcode::CopyEnd,
        }
    }
}

fn error_fields(reader: &mut Reader<'_>) -> Result<Box<ErrorFields>, ProtocolError> {
    let severity = Severity::from_byte(reader.u8()?);
    let severity = severity.ok_or(ProtocolError::InvalidByte("severity"))?;
    let sqlstate = SqlState::from_bytes(reader.array()?);
    let sqlstate = sqlstate.ok_or(ProtocolError::InvalidByte("SQLSTATE"))?;
    let position = reader.u32()?;
    let mut fields = ErrorFields::new(severity, sqlstate, reader.string()?);
    fields.position = (position > 0).then_some(position);
    for field in [
        &mut fields.detail,
        &mut fields.hint,
        &mut fields.context,
        &mut fields.schema,
        &mut fields.table,
        &mut fields.column,
        &mut fields.datatype,
        &mut fields.constraint,
    ] {
        *field = reader.optional_string()?.map(str::to_owned);
    }
    Ok(Box::new(fields))
}

/// Writes HelloOk.
pub fn hello_ok<'a>(
    out: &mut Vec<u8>,
    version: u16,
    database_uuid: [u8; 16],
    cancel_key: CancelKey,
    parameters: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
) {
    let mut frame = FrameWriter::begin(out, Opcode::HelloOk);
    frame.u16(version);
    frame.bytes(&database_uuid);
    frame.u64(cancel_key.session_id);
    frame.bytes(&cancel_key.secret);
    pairs(&mut frame, parameters);
    frame.finish();
}

/// Writes a message without fields: CancelDone, CloseComplete, EmptyQuery, CopyEnd.
#[inline]
pub fn plain(out: &mut Vec<u8>, opcode: Opcode) {
    FrameWriter::begin(out, opcode).finish();
}

/// Writes Pong.
pub fn pong(out: &mut Vec<u8>, number: u64) {
    let mut frame = FrameWriter::begin(out, Opcode::Pong);
    frame.u64(number);
    frame.finish();
}

/// Writes StatsReply.
pub fn stats_reply<'a>(
    out: &mut Vec<u8>,
    stats: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
) {
    let mut frame = FrameWriter::begin(out, Opcode::StatsReply);
    pairs(&mut frame, stats);
    frame.finish();
}

/// Writes ParameterStatus.
pub fn parameter_status(out: &mut Vec<u8>, key: &str, value: &str) {
    let mut frame = FrameWriter::begin(out, Opcode::ParameterStatus);
    frame.string(key);
    frame.string(value);
    frame.finish();
}

/// Writes ErrorResponse.
pub fn error_response(out: &mut Vec<u8>, fields: &ErrorFields) {
    fields_frame(out, Opcode::ErrorResponse, fields);
}

/// Writes NoticeResponse.
pub fn notice_response(out: &mut Vec<u8>, fields: &ErrorFields) {
    fields_frame(out, Opcode::NoticeResponse, fields);
}

/// Writes Ready.
#[inline]
pub fn ready(out: &mut Vec<u8>, status: TransactionStatus) {
    out.extend_from_slice(&[2, 0, 0, 0, Opcode::Ready as u8, status as u8]);
}

/// Writes RowDescription, CopyInReady or CopyOutReady. At most 65,535 columns; the engine's limit is 1,600.
pub fn columns<'a>(
    out: &mut Vec<u8>,
    opcode: Opcode,
    columns: impl ExactSizeIterator<Item = ColumnRef<'a>>,
) {
    let mut frame = FrameWriter::begin(out, opcode);
    write_columns(&mut frame, columns);
    frame.finish();
}

/// Writes ParseComplete.
pub fn parse_complete<'a>(
    out: &mut Vec<u8>,
    statement_id: u32,
    parameter_types: impl ExactSizeIterator<Item = u32>,
    columns: impl ExactSizeIterator<Item = ColumnRef<'a>>,
) {
    let mut frame = FrameWriter::begin(out, Opcode::ParseComplete);
    frame.u32(statement_id);
    frame.u16(parameter_types.len() as u16);
    for oid in parameter_types {
        frame.u32(oid);
    }
    write_columns(&mut frame, columns);
    frame.finish();
}

/// Writes CommandComplete with the tag `verb`, or `verb rows` if `rows` are given. The receipt's bytes are the last.
///
/// ```
/// # use spg_wire::message::server::command_complete;
/// let mut out = Vec::new();
/// command_complete(&mut out, "INSERT 0", Some(5), None);
/// assert!(out.ends_with(b"INSERT 0 5"));
/// ```
#[inline]
pub fn command_complete(
    out: &mut Vec<u8>,
    verb: &str,
    rows: Option<u64>,
    receipt: Option<&Receipt>,
) {
    let mut frame = FrameWriter::begin(out, Opcode::CommandComplete);
    frame.u64(rows.unwrap_or(0));
    match rows {
        None => frame.string(verb),
        Some(rows) => {
            let mut digits = [0; 20];
            let digits = decimal(rows, &mut digits);
            frame.u32(verb.len().saturating_add(1).saturating_add(digits.len()) as u32);
            frame.bytes(verb.as_bytes());
            frame.u8(b' ');
            frame.bytes(digits);
        }
    }
    if let Some(receipt) = receipt {
        receipt.encode(frame.out());
    }
    frame.finish();
}

/// Writes CommandComplete with a tag that is written already.
pub fn command_tag(out: &mut Vec<u8>, tag: &str, rows: u64, receipt: Option<&Receipt>) {
    let mut frame = FrameWriter::begin(out, Opcode::CommandComplete);
    frame.u64(rows);
    frame.string(tag);
    if let Some(receipt) = receipt {
        receipt.encode(frame.out());
    }
    frame.finish();
}

fn fields_frame(out: &mut Vec<u8>, opcode: Opcode, fields: &ErrorFields) {
    let mut frame = FrameWriter::begin(out, opcode);
    frame.u8(fields.severity as u8);
    frame.bytes(&fields.sqlstate.as_bytes());
    frame.u32(fields.position.unwrap_or(0));
    frame.string(cut(&fields.message));
    for field in [
        &fields.detail,
        &fields.hint,
        &fields.context,
        &fields.schema,
        &fields.table,
        &fields.column,
        &fields.datatype,
        &fields.constraint,
    ] {
        frame.optional_string(field.as_deref().map(cut));
    }
    frame.finish();
}

/// As much of `text` as is sent, up to its first NUL: a decoder refuses texts that have one.
fn cut(text: &str) -> &str {
    let text = text.split('\0').next().unwrap_or_default();
    text.get(..text.floor_char_boundary(ERROR_TEXT_BYTES_MAX)).unwrap_or(text)
}

fn pairs<'a>(
    frame: &mut FrameWriter<'_>,
    pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
) {
    frame.u16(pairs.len() as u16);
    for (key, value) in pairs {
        frame.string(key);
        frame.string(value);
    }
}

fn write_columns<'a>(
    frame: &mut FrameWriter<'_>,
    columns: impl ExactSizeIterator<Item = ColumnRef<'a>>,
) {
    frame.u16(columns.len() as u16);
    for column in columns {
        frame.string(column.name);
        frame.u32(column.type_oid);
        frame.u32(column.type_modifier as u32);
    }
}
