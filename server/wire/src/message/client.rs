//! What a client sends.

use super::CancelKey;
use crate::decode::{List, Reader};
use crate::encode::FrameWriter;
use crate::error::ProtocolError;
use crate::frame::{CLIENT_FRAME_LENGTH_MAX, Frame, HELLO_FRAME_LENGTH_MAX, Opcode};
use crate::value::{Parameter, ValueRef};

/// A message of a client, borrowed from its frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClientMessage<'a> {
    /// Begins a connection.
    Hello {
        /// The version the client speaks.
        version: u16,
        /// `user`, `application_name`, `session` (the name of a session that the server keeps); any other key is a
        /// setting for SET, an unknown one an error.
        options: List<'a, (&'a str, &'a str)>,
    },
    /// Cancels what another connection's session runs; instead of Hello.
    Cancel(CancelKey),
    /// Cancels what the session of this name runs; instead of Hello.
    CancelSession(&'a str),
    /// Asks for a Pong with the same number.
    Ping(u64),
    /// Ends the connection.
    Terminate,
    /// Asks for figures about the server.
    Stats,
    /// Runs a script of any number of statements.
    Query(&'a str),
    /// Prepares one statement.
    Parse {
        /// The number the client calls it by; a statement of that number is replaced.
        statement_id: u32,
        /// Its text.
        text: &'a str,
        /// Types of the first parameters; 0 and those missing are inferred.
        parameter_types: List<'a, u32>,
    },
    /// Gives a prepared statement its parameters.
    Bind {
        /// The statement.
        statement_id: u32,
        /// Its parameters, each with a type of its own.
        parameters: List<'a, Parameter<'a>>,
    },
    /// Runs what the last Bind bound.
    Execute,
    /// Forgets a prepared statement.
    Close {
        /// The statement.
        statement_id: u32,
    },
    /// Asks for a Ready and ends the skipping after an error.
    Sync,
    /// Asks for a task of the operator's, which is answered as a Query of one statement is.
    Admin {
        /// Which task: `audit-verify`.
        verb: &'a str,
        /// Its options.
        options: List<'a, (&'a str, &'a str)>,
    },
    /// Begins to load rows into a table.
    CopyIn {
        /// The table.
        table: &'a str,
        /// The columns that the rows have; none: all of the table, in its order.
        columns: List<'a, &'a str>,
    },
    /// Asks for rows in bulk.
    CopyOut(CopySource<'a>),
    /// Rows to load.
    CopyData(List<'a, List<'a, Option<&'a [u8]>>>),
    /// No more rows; load them.
    CopyDone,
    /// Do not load them, and why.
    CopyFail(&'a str),
}

/// What a CopyOut asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopySource<'a> {
    /// All rows of a table.
    Table(&'a str),
    /// The rows of a query.
    Query(&'a str),
}

impl<'a> ClientMessage<'a> {
    /// The message of a frame. Bounds, counts and texts are checked; the values of Bind and CopyData when looked at.
    pub fn decode(frame: Frame<'a>) -> Result<Self, ProtocolError> {
        let mut reader = Reader::new(frame.payload);
        let opcode = Opcode::from_byte(frame.opcode);
        let message = match opcode.ok_or(ProtocolError::UnknownOpcode(frame.opcode))? {
            Opcode::Bind => Self::Bind { statement_id: reader.u32()?, parameters: reader.list()? },
            Opcode::Execute => Self::Execute,
            Opcode::Sync => Self::Sync,
            Opcode::Query => Self::Query(reader.string()?),
            Opcode::Parse => Self::Parse {
                statement_id: reader.u32()?,
                text: reader.string()?,
                parameter_types: reader.list()?,
            },
            Opcode::Close => Self::Close { statement_id: reader.u32()? },
            Opcode::CopyData => Self::CopyData(reader.long_list()?),
            Opcode::CopyDone => Self::CopyDone,
            Opcode::CopyFail => Self::CopyFail(reader.string()?),
            Opcode::CopyIn => Self::CopyIn { table: reader.string()?, columns: reader.list()? },
            Opcode::CopyOut => Self::CopyOut(copy_source(&mut reader)?),
            Opcode::Admin => Self::Admin { verb: reader.string()?, options: reader.list()? },
            Opcode::Ping => Self::Ping(reader.u64()?),
            Opcode::Stats => Self::Stats,
            Opcode::Terminate => Self::Terminate,
            Opcode::Hello => Self::Hello { version: reader.u16()?, options: reader.list()? },
            Opcode::CancelSession => Self::CancelSession(reader.string()?),
            Opcode::Cancel => {
                Self::Cancel(CancelKey { session_id: reader.u64()?, secret: reader.array()? })
            }
            _ => return Err(ProtocolError::UnknownOpcode(frame.opcode)),
        };
        reader.finish()?;
        Ok(message)
    }

    /// The opcode of its frame.
    pub fn opcode(&self) -> Opcode {
        match self {
            Self::Hello { .. } => Opcode::Hello,
            Self::Cancel(_) => Opcode::Cancel,
            Self::CancelSession(_) => Opcode::CancelSession,
            Self::Ping(_) => Opcode::Ping,
            Self::Terminate => Opcode::Terminate,
            Self::Stats => Opcode::Stats,
            Self::Query(_) => Opcode::Query,
            Self::Parse { .. } => Opcode::Parse,
            Self::Bind { .. } => Opcode::Bind,
            Self::Execute => Opcode::Execute,
            Self::Close { .. } => Opcode::Close,
            Self::Sync => Opcode::Sync,
            Self::Admin { .. } => Opcode::Admin,
            Self::CopyIn { .. } => Opcode::CopyIn,
            Self::CopyOut(_) => Opcode::CopyOut,
            Self::CopyData(_) => Opcode::CopyData,
            Self::CopyDone => Opcode::CopyDone,
            Self::CopyFail(_) => Opcode::CopyFail,
        }
    }
}

fn copy_source<'a>(reader: &mut Reader<'a>) -> Result<CopySource<'a>, ProtocolError> {
    match reader.u8()? {
        0 => Ok(CopySource::Table(reader.string()?)),
        1 => Ok(CopySource::Query(reader.string()?)),
        _ => Err(ProtocolError::InvalidByte("kind of CopyOut")),
    }
}

/// Writes Hello.
pub fn hello(
    out: &mut Vec<u8>,
    version: u16,
    options: &[(&str, &str)],
) -> Result<(), ProtocolError> {
    let mut frame = FrameWriter::begin(out, Opcode::Hello);
    frame.u16(version);
    pairs(&mut frame, options);
    frame.finish_within(HELLO_FRAME_LENGTH_MAX)
}

fn pairs(frame: &mut FrameWriter<'_>, pairs: &[(&str, &str)]) {
    frame.u16(pairs.len() as u16);
    for (key, value) in pairs.iter().take(usize::from(u16::MAX)) {
        frame.string(key);
        frame.string(value);
    }
}

/// Writes Cancel.
pub fn cancel(out: &mut Vec<u8>, key: CancelKey) {
    let mut frame = FrameWriter::begin(out, Opcode::Cancel);
    frame.u64(key.session_id);
    frame.bytes(&key.secret);
    frame.finish();
}

/// Writes CancelSession.
pub fn cancel_session(out: &mut Vec<u8>, name: &str) -> Result<(), ProtocolError> {
    let mut frame = FrameWriter::begin(out, Opcode::CancelSession);
    frame.string(name);
    frame.finish_within(HELLO_FRAME_LENGTH_MAX)
}

/// Writes Ping.
pub fn ping(out: &mut Vec<u8>, number: u64) {
    let mut frame = FrameWriter::begin(out, Opcode::Ping);
    frame.u64(number);
    frame.finish();
}

/// Writes a message without fields: Terminate, Stats, Execute, Sync, CopyDone.
#[inline]
pub fn plain(out: &mut Vec<u8>, opcode: Opcode) {
    FrameWriter::begin(out, opcode).finish();
}

/// Writes Query.
pub fn query(out: &mut Vec<u8>, script: &str) -> Result<(), ProtocolError> {
    let mut frame = FrameWriter::begin(out, Opcode::Query);
    frame.string(script);
    frame.finish_within(CLIENT_FRAME_LENGTH_MAX)
}

/// Writes Parse.
pub fn parse(
    out: &mut Vec<u8>,
    statement_id: u32,
    text: &str,
    parameter_types: &[u32],
) -> Result<(), ProtocolError> {
    let count = u16::try_from(parameter_types.len()).map_err(|_| ProtocolError::TooManyValues)?;
    let mut frame = FrameWriter::begin(out, Opcode::Parse);
    frame.u32(statement_id);
    frame.string(text);
    frame.u16(count);
    for oid in parameter_types {
        frame.u32(*oid);
    }
    frame.finish_within(CLIENT_FRAME_LENGTH_MAX)
}

/// Writes Bind; each parameter has the type of its value.
#[inline]
pub fn bind<'a>(
    out: &mut Vec<u8>,
    statement_id: u32,
    parameters: impl ExactSizeIterator<Item = ValueRef<'a>>,
) -> Result<(), ProtocolError> {
    let count = u16::try_from(parameters.len()).map_err(|_| ProtocolError::TooManyValues)?;
    let mut frame = FrameWriter::begin(out, Opcode::Bind);
    frame.u32(statement_id);
    frame.u16(count);
    for value in parameters {
        frame.u32(value.type_oid());
        frame.value(value);
    }
    frame.finish_within(CLIENT_FRAME_LENGTH_MAX)
}

/// Writes Close.
pub fn close(out: &mut Vec<u8>, statement_id: u32) {
    let mut frame = FrameWriter::begin(out, Opcode::Close);
    frame.u32(statement_id);
    frame.finish();
}

/// Writes Admin.
pub fn admin(out: &mut Vec<u8>, verb: &str, options: &[(&str, &str)]) -> Result<(), ProtocolError> {
    let mut frame = FrameWriter::begin(out, Opcode::Admin);
    frame.string(verb);
    pairs(&mut frame, options);
    frame.finish_within(HELLO_FRAME_LENGTH_MAX)
}

/// Writes CopyIn.
pub fn copy_in(out: &mut Vec<u8>, table: &str, columns: &[&str]) -> Result<(), ProtocolError> {
    let count = u16::try_from(columns.len()).map_err(|_| ProtocolError::TooManyValues)?;
    let mut frame = FrameWriter::begin(out, Opcode::CopyIn);
    frame.string(table);
    frame.u16(count);
    for column in columns {
        frame.string(column);
    }
    frame.finish_within(CLIENT_FRAME_LENGTH_MAX)
}

/// Writes CopyOut.
pub fn copy_out(out: &mut Vec<u8>, source: CopySource<'_>) -> Result<(), ProtocolError> {
    let mut frame = FrameWriter::begin(out, Opcode::CopyOut);
    let (kind, text) = match source {
        CopySource::Table(name) => (0, name),
        CopySource::Query(text) => (1, text),
    };
    frame.u8(kind);
    frame.string(text);
    frame.finish_within(CLIENT_FRAME_LENGTH_MAX)
}

/// Writes CopyFail.
pub fn copy_fail(out: &mut Vec<u8>, reason: &str) -> Result<(), ProtocolError> {
    let mut frame = FrameWriter::begin(out, Opcode::CopyFail);
    frame.string(reason);
    frame.finish_within(CLIENT_FRAME_LENGTH_MAX)
}
