//! What can go wrong on the wire: a broken rule of the protocol, and the fields of an ErrorResponse.

use std::fmt;

use crate::frame::Opcode;

/// A five-character SQLSTATE: digits and capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// `00000`, in notices that report no trouble.
    pub const SUCCESSFUL_COMPLETION: Self = Self(*b"00000");
    /// `08001`: the client could not connect.
    pub const CANNOT_CONNECT: Self = Self(*b"08001");
    /// `08006`: the connection broke.
    pub const CONNECTION_FAILURE: Self = Self(*b"08006");
    /// `08P01`: the peer broke a rule of the protocol.
    pub const PROTOCOL_VIOLATION: Self = Self(*b"08P01");
    /// `22021`: text that is not UTF-8 or holds a NUL.
    pub const CHARACTER_NOT_IN_REPERTOIRE: Self = Self(*b"22021");
    /// `22P03`: a value whose bytes are not one of its type.
    pub const INVALID_BINARY_REPRESENTATION: Self = Self(*b"22P03");
    /// `25P02`: the transaction has failed and waits for its end.
    pub const IN_FAILED_TRANSACTION: Self = Self(*b"25P02");
    /// `40001`: run the transaction again.
    pub const SERIALIZATION_FAILURE: Self = Self(*b"40001");
    /// `40P01`: a cycle of waits was cut here; run the transaction again.
    pub const DEADLOCK_DETECTED: Self = Self(*b"40P01");
    /// `42704`: a type OID that nobody defined.
    pub const UNDEFINED_OBJECT: Self = Self(*b"42704");
    /// `42804`: a value of another type than asked for.
    pub const DATATYPE_MISMATCH: Self = Self(*b"42804");
    /// `54000`: a limit of the protocol or the server.
    pub const PROGRAM_LIMIT_EXCEEDED: Self = Self(*b"54000");
    /// `57014`: cancelled, by request or by a time limit.
    pub const QUERY_CANCELED: Self = Self(*b"57014");
    /// `P0002`: a row was expected and none came.
    pub const NO_DATA_FOUND: Self = Self(*b"P0002");
    /// `P0003`: one row was expected and more came.
    pub const TOO_MANY_ROWS: Self = Self(*b"P0003");
    /// `XX000`: a defect.
    pub const INTERNAL_ERROR: Self = Self(*b"XX000");

    /// The state of `code`, if that is five digits and capital letters.
    pub fn from_bytes(code: [u8; 5]) -> Option<Self> {
        let valid = code.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        valid.then_some(Self(code))
    }

    /// The state of `code`; XX000 if that is none.
    pub fn from_code(code: &str) -> Self {
        let bytes = <[u8; 5]>::try_from(code.as_bytes()).ok();
        bytes.and_then(Self::from_bytes).unwrap_or(Self::INTERNAL_ERROR)
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a SQLSTATE is ASCII")
    }

    /// The five bytes.
    pub fn as_bytes(self) -> [u8; 5] {
        self.0
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How grave an ErrorResponse or NoticeResponse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Severity {
    /// The statement failed.
    Error = 1,
    /// The statement failed and the connection ends.
    Fatal = 2,
    /// The server ends.
    Panic = 3,
    /// A notice: the statement worked, but probably not as meant.
    Warning = 4,
    /// A notice.
    Notice = 5,
    /// A notice that was asked for.
    Info = 6,
    /// A notice for the log.
    Log = 7,
    /// A notice for developers.
    Debug = 8,
}

impl Severity {
    /// The severity of a byte on the wire.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Error,
            2 => Self::Fatal,
            3 => Self::Panic,
            4 => Self::Warning,
            5 => Self::Notice,
            6 => Self::Info,
            7 => Self::Log,
            8 => Self::Debug,
            _ => return None,
        })
    }

    /// PostgreSQL's word for it: `ERROR`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Panic => "PANIC",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Info => "INFO",
            Self::Log => "LOG",
            Self::Debug => "DEBUG",
        }
    }
}

/// The fields of an ErrorResponse or a NoticeResponse: PostgreSQL's, all of them that a client acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFields {
    /// How grave it is; after `Fatal` the connection is closed.
    pub severity: Severity,
    /// The class of the error.
    pub sqlstate: SqlState,
    /// The primary message.
    pub message: String,
    /// What in the data caused it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// 1-based position in characters within the text of the query or of the prepared statement.
    pub position: Option<u32>,
    /// The context it happened in.
    pub context: Option<String>,
    /// Schema concerned.
    pub schema: Option<String>,
    /// Table concerned.
    pub table: Option<String>,
    /// Column concerned.
    pub column: Option<String>,
    /// Data type concerned.
    pub datatype: Option<String>,
    /// Constraint or unique index concerned.
    pub constraint: Option<String>,
}

impl ErrorFields {
    /// Fields with the three that are always there; the rest is `None`.
    pub fn new(severity: Severity, sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity,
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            datatype: None,
            constraint: None,
        }
    }

    /// The class of the error: `23505`.
    pub fn code(&self) -> &str {
        self.sqlstate.as_str()
    }
}

impl fmt::Display for ErrorFields {
    /// `ERROR: 23505: duplicate key value ...`, and DETAIL and HINT in lines of their own.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.severity.as_str(), self.sqlstate, self.message)?;
        if let Some(detail) = &self.detail {
            write!(formatter, "\nDETAIL: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(formatter, "\nHINT: {hint}")?;
        }
        Ok(())
    }
}

/// A rule of the protocol that the peer (or, when writing, the caller) broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A frame of length 0: not even an opcode.
    FrameEmpty,
    /// A frame longer than allowed here. Its length counts the opcode.
    FrameTooLong {
        /// The length of the frame.
        length: u64,
        /// The length allowed.
        limit: u32,
    },
    /// An opcode that does not exist, or not in this direction.
    UnknownOpcode(u8),
    /// The payload ends inside a field.
    Truncated,
    /// Bytes behind the last field.
    TrailingBytes,
    /// A count of more items than the payload can hold.
    CountTooLarge,
    /// A byte that stands for nothing where it is: what it should have been.
    InvalidByte(&'static str),
    /// A length below -1.
    NegativeLength,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// Text with a NUL.
    NulInText,
    /// A value whose length is not one of its type.
    ValueLength {
        /// The type.
        type_oid: u32,
        /// The length in bytes.
        length: usize,
    },
    /// A type OID that this version does not know.
    UnknownType(u32),
    /// A row of more than 65,535 values.
    TooManyValues,
    /// A message that has no place at this point of the conversation.
    UnexpectedMessage {
        /// The message.
        opcode: Opcode,
        /// What the receiver was doing.
        during: &'static str,
    },
    /// A row with another number of values than there are columns.
    ColumnCount {
        /// The columns announced.
        expected: usize,
        /// The values that came.
        actual: usize,
    },
    /// A major version of the protocol that the receiver does not speak.
    Version(u16),
}

impl ProtocolError {
    /// The SQLSTATE to report it with.
    pub fn sqlstate(self) -> SqlState {
        match self {
            Self::InvalidUtf8 | Self::NulInText => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            Self::ValueLength { .. } => SqlState::INVALID_BINARY_REPRESENTATION,
            Self::UnknownType(_) => SqlState::UNDEFINED_OBJECT,
            _ => SqlState::PROTOCOL_VIOLATION,
        }
    }

    /// Whether the connection must end. What is wrong with the content of a value or a text is an error of that
    /// one message; anything else says that the peers no longer agree about the bytes.
    pub fn is_fatal(self) -> bool {
        self.sqlstate() == SqlState::PROTOCOL_VIOLATION
    }

    /// As fields of an ErrorResponse.
    pub fn to_fields(self) -> ErrorFields {
        let severity = if self.is_fatal() { Severity::Fatal } else { Severity::Error };
        ErrorFields::new(severity, self.sqlstate(), self.to_string())
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameEmpty => formatter.write_str("frame without an opcode"),
            Self::FrameTooLong { length, limit } => {
                write!(formatter, "frame of {length} bytes is over the limit of {limit}")
            }
            Self::UnknownOpcode(byte) => write!(formatter, "unknown opcode 0x{byte:02x}"),
            Self::Truncated => formatter.write_str("message ends inside a field"),
            Self::TrailingBytes => formatter.write_str("bytes behind the last field of a message"),
            Self::CountTooLarge => {
                formatter.write_str("count of more items than the message holds")
            }
            Self::InvalidByte(what) => write!(formatter, "invalid {what}"),
            Self::NegativeLength => formatter.write_str("negative length"),
            Self::InvalidUtf8 => formatter.write_str("invalid byte sequence for encoding \"UTF8\""),
            Self::NulInText => {
                formatter.write_str("invalid byte sequence for encoding \"UTF8\": 0x00")
            }
            Self::ValueLength { type_oid, length } => {
                write!(formatter, "value of {length} bytes is none of the type with OID {type_oid}")
            }
            Self::UnknownType(oid) => write!(formatter, "type with OID {oid} does not exist"),
            Self::TooManyValues => formatter.write_str("more than 65535 values in a row"),
            Self::UnexpectedMessage { opcode, during } => {
                write!(formatter, "unexpected message {opcode:?} during {during}")
            }
            Self::ColumnCount { expected, actual } => {
                write!(formatter, "row of {actual} values for {expected} columns")
            }
            Self::Version(version) => {
                let [minor, major] = version.to_le_bytes();
                write!(formatter, "protocol version {major}.{minor} is not supported")
            }
        }
    }
}

impl std::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_are_five_digits_and_capitals() {
        assert_eq!(SqlState::from_code("23505").as_str(), "23505");
        assert_eq!(SqlState::from_code("2350"), SqlState::INTERNAL_ERROR);
        assert_eq!(SqlState::from_code("2350x"), SqlState::INTERNAL_ERROR);
        assert_eq!(SqlState::from_bytes(*b"40P01"), Some(SqlState::DEADLOCK_DETECTED));
    }

    #[test]
    fn severities_survive_the_wire() {
        for byte in 0..=u8::MAX {
            match Severity::from_byte(byte) {
                Some(severity) => assert_eq!(severity as u8, byte),
                None => assert!(!(1..=8).contains(&byte)),
            }
        }
    }

    #[test]
    fn content_is_the_message_s_fault_and_structure_the_connection_s() {
        assert!(!ProtocolError::InvalidUtf8.is_fatal());
        assert!(!ProtocolError::UnknownType(17).is_fatal());
        assert!(ProtocolError::Truncated.is_fatal());
        assert_eq!(ProtocolError::Truncated.to_fields().code(), "08P01");
    }
}
