//! Why a statement, or the way to it, failed: the fields of an error, whoever reports it, and what it means for the
//! invocation.

use std::io;

use spg_engine::SqlState as EngineState;
use spg_engine::open_error::{OpenError, OpenErrorKind};
use spg_wire::client;
use spg_wire::{ErrorFields, Severity, SqlState};

use crate::exit::Status;

/// PostgreSQL's `data_corrupted`.
const DATA_CORRUPTED: &str = "XX001";

/// What fallible work of the command answers.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// What ended the writing of data that a statement answers.
pub(crate) enum Ended {
    /// It could not be read.
    Statement(Failure),
    /// It could not be written.
    Output(io::Error),
}

/// How the writing of data ended.
pub(crate) type Written = Result<(), Ended>;

/// An error of the engine, of the server or of the connection, in the fields that are shown.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What is shown.
    pub(crate) fields: Box<ErrorFields>,
    /// What the invocation ends with because of it.
    pub(crate) status: Status,
}

impl Failure {
    /// An error of a statement.
    pub(crate) fn new(state: EngineState, message: impl Into<String>) -> Self {
        Self::of_code(SqlState::from_code(state.code()), message)
    }

    /// An error with any SQLSTATE.
    fn of_code(sqlstate: SqlState, message: impl Into<String>) -> Self {
        let fields = Box::new(ErrorFields::new(Severity::Error, sqlstate, message));
        Self { fields, status: Status::Failed }
    }

    /// An error without a connection behind it.
    fn of_connection(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self { status: Status::NoConnection, ..Self::of_code(sqlstate, message) }
    }

    /// What ended a request to the server at `address`; a FATAL error of the server ends the connection, too.
    pub(crate) fn of_client(error: client::Error, address: &str) -> Self {
        match error {
            client::Error::Db(fields) => {
                let is_fatal = matches!(fields.severity, Severity::Fatal | Severity::Panic);
                let status = if is_fatal { Status::NoConnection } else { Status::Failed };
                Self { fields, status }
            }
            client::Error::Connect(error) => Self::of_connection(
                SqlState::CANNOT_CONNECT,
                format!(
                    "could not connect to {address}: {}; start spg-server there, name another address with --addr or \
                     SPG_ADDR, or give --data-dir or --memory for a database in this process",
                    reason(&error)
                ),
            ),
            client::Error::Io(error) => Self::of_connection(
                SqlState::CONNECTION_FAILURE,
                format!(
                    "the connection to {address} was lost: {}; whether a statement that was not answered has happened \
                     is not known",
                    reason(&error)
                ),
            ),
            client::Error::Protocol(error) => Self::of_connection(
                error.sqlstate(),
                format!("the server at {address} broke the protocol: {error}"),
            ),
            other => Self::of_code(other.sqlstate(), other.to_string()),
        }
    }

    /// Files that could not be opened: in use, damaged, or the system refused.
    pub(crate) fn of_open(error: &OpenError) -> Self {
        let (code, status) = match error.kind() {
            kind if kind.is_damage() => (DATA_CORRUPTED, Status::Damaged),
            OpenErrorKind::Locked => ("55006", Status::Failed),
            _ => (EngineState::IoError.code(), Status::Failed),
        };
        Self { status, ..Self::of_code(SqlState::from_code(code), error.to_string()) }
    }

    /// Files whose content is not what it should be, as a command finds that was asked to look: not an error of
    /// opening.
    pub(crate) fn of_difference(message: impl Into<String>) -> Self {
        Self::of_code(SqlState::from_code(DATA_CORRUPTED), message)
    }

    /// The same as a reason to take the files for damaged.
    pub(crate) fn into_damage(self) -> Self {
        Self { status: Status::Damaged, ..self }
    }

    /// The same, where what the server itself has said counts as its failure, not as its absence: it is starting, or full.
    pub(crate) fn of_present_server(self) -> Self {
        let is_told = matches!(self.fields.severity, Severity::Fatal | Severity::Panic);
        if is_told { Self { status: Status::Failed, ..self } } else { self }
    }

    /// The same, of a session that was ended.
    pub(crate) fn of_lost_session(mut self) -> Self {
        self.fields.severity = Severity::Fatal;
        Self { status: Status::NoConnection, ..self }
    }

    /// Whether files could not be opened because somebody has them open.
    pub(crate) fn is_in_use(&self) -> bool {
        self.fields.sqlstate.as_str() == EngineState::ObjectInUse.code()
    }

    /// Whether nothing more can be done on the connection: there is none, or it is lost.
    pub(crate) fn ends_connection(&self) -> bool {
        self.status == Status::NoConnection
    }

    /// The row of a load that was refused, from 1: as the context of a server and of the engine says.
    pub(crate) fn loaded_row(&self) -> Option<u64> {
        let (_, row) = self.fields.context.as_deref()?.rsplit_once(", row ")?;
        row.split(',').next()?.parse().ok()
    }

    /// The five characters of its class.
    pub(crate) fn code(&self) -> &str {
        self.fields.code()
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Statement(failure)
    }
}

impl From<spg_engine::Error> for Failure {
    fn from(error: spg_engine::Error) -> Self {
        let from = error.fields();
        let sqlstate = SqlState::from_code(from.sqlstate.code());
        let fields = ErrorFields {
            detail: from.detail.clone(),
            hint: from.hint.clone(),
            position: from.position.map(|position| position.0),
            schema: from.schema.clone(),
            table: from.table.clone(),
            column: from.column.clone(),
            constraint: from.constraint.clone(),
            context: from.row.map(|row| format!("COPY, row {row}")),
            ..ErrorFields::new(Severity::Error, sqlstate, from.message.clone())
        };
        Self { fields: Box::new(fields), status: Status::Failed }
    }
}

/// The operating system's words without its numbers.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            "it did not answer in time".to_owned()
        }
        io::ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
        _ => error.to_string(),
    }
}
