//! What a call of the client can end with.

use std::fmt;
use std::io;

use crate::error::{ErrorFields, ProtocolError, SqlState};
use crate::value::type_name;

/// An error of the client. [`Error::sqlstate`] answers for each; after all but `Db`, `Conversion`, `Limit`, `RowCount`
/// and `Usage` the connection is of no further use.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error.
    Db(Box<ErrorFields>),
    /// The connection could not be made: 08001.
    Connect(io::Error),
    /// The connection is lost: 08006. Whether a COMMIT that was not answered has happened is unknown.
    Io(io::Error),
    /// The server broke a rule of the protocol: 08P01.
    Protocol(ProtocolError),
    /// What was to be sent is beyond a limit of the protocol; nothing was sent: 54000.
    Limit(ProtocolError),
    /// A value is not of the type asked for: 42804.
    Conversion(Conversion),
    /// Another number of rows came than was asked for: P0002 for none, P0003 for too many.
    RowCount {
        /// Whether more than one came, not none.
        too_many: bool,
    },
    /// COMMIT ended a transaction that had failed before, so nothing was committed: 25P02.
    RolledBack,
    /// The caller did what the library cannot carry out, and what it was: 08P01.
    Usage(&'static str),
}

/// Why a value could not be converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// There is no such column.
    NoColumn(String),
    /// NULL, and the type asked for has none; ask for an `Option`.
    Null {
        /// The column.
        column: String,
    },
    /// Another type.
    Type {
        /// The column.
        column: String,
        /// The column's type.
        type_oid: u32,
        /// The Rust type asked for or given.
        rust_type: &'static str,
    },
    /// A number that the column's type has no room for.
    OutOfRange {
        /// The column.
        column: String,
    },
}

impl Error {
    /// The SQLSTATE.
    pub fn sqlstate(&self) -> SqlState {
        match self {
            Self::Db(fields) => fields.sqlstate,
            Self::Connect(_) => SqlState::CANNOT_CONNECT,
            Self::Io(_) => SqlState::CONNECTION_FAILURE,
            Self::Protocol(error) => error.sqlstate(),
            Self::Limit(_) => SqlState::PROGRAM_LIMIT_EXCEEDED,
            Self::Conversion(_) => SqlState::DATATYPE_MISMATCH,
            Self::RowCount { too_many: true } => SqlState::TOO_MANY_ROWS,
            Self::RowCount { too_many: false } => SqlState::NO_DATA_FOUND,
            Self::RolledBack => SqlState::IN_FAILED_TRANSACTION,
            Self::Usage(_) => SqlState::PROTOCOL_VIOLATION,
        }
    }

    /// The SQLSTATE's five characters.
    pub fn code(&self) -> String {
        self.sqlstate().to_string()
    }

    /// The server's fields, if the server answered with an error.
    pub fn as_db(&self) -> Option<&ErrorFields> {
        match self {
            Self::Db(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether running the whole transaction again may succeed: 40001 and 40P01.
    pub fn is_retryable(&self) -> bool {
        let sqlstate = self.sqlstate();
        sqlstate == SqlState::SERIALIZATION_FAILURE || sqlstate == SqlState::DEADLOCK_DETECTED
    }

    /// Whether the connection was lost or never made.
    pub fn is_connection_failure(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Io(_) | Self::Protocol(_))
    }
}

impl From<ErrorFields> for Error {
    fn from(fields: ErrorFields) -> Self {
        Self::Db(Box::new(fields))
    }
}

impl From<Conversion> for Error {
    fn from(conversion: Conversion) -> Self {
        Self::Conversion(conversion)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(fields) => fields.fmt(formatter),
            Self::Connect(error) => write!(formatter, "could not connect: {error}"),
            Self::Io(error) => write!(formatter, "connection lost: {error}"),
            Self::Protocol(error) => write!(formatter, "the server broke the protocol: {error}"),
            Self::Limit(error) => write!(formatter, "not sent: {error}"),
            Self::Conversion(conversion) => conversion.fmt(formatter),
            Self::RowCount { too_many: true } => {
                formatter.write_str("query returned more than one row")
            }
            Self::RowCount { too_many: false } => formatter.write_str("query returned no rows"),
            Self::RolledBack => {
                formatter.write_str("the transaction had failed, so COMMIT rolled it back")
            }
            Self::Usage(what) => formatter.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) | Self::Io(error) => Some(error),
            Self::Protocol(error) | Self::Limit(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColumn(name) => write!(formatter, "there is no column {name}"),
            Self::Null { column } => write!(formatter, "column \"{column}\" is NULL"),
            Self::Type { column, type_oid, rust_type } => {
                let type_name = type_name(*type_oid);
                write!(formatter, "column \"{column}\" is of type {type_name}, not {rust_type}")
            }
            Self::OutOfRange { column } => {
                write!(formatter, "value out of range for column \"{column}\"")
            }
        }
    }
}
