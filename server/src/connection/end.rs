//! Why a connection ends.

use spg_engine::session::Timeout;
use spg_wire::{ErrorFields, ProtocolError, Severity, SqlState};

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client is gone or has said goodbye: nobody is left to tell.
    Closed,
    /// The client is told why.
    Told(Box<ErrorFields>),
}

impl End {
    fn told(sqlstate: &str, message: impl Into<String>) -> Self {
        let sqlstate = SqlState::from_code(sqlstate);
        Self::Told(Box::new(ErrorFields::new(Severity::Fatal, sqlstate, message)))
    }

    /// The server ends, or another session ended this one.
    pub(super) fn terminated() -> Self {
        Self::told("57P01", "terminating connection due to administrator command")
    }

    /// The server has not opened its database yet.
    pub(super) fn loading() -> Self {
        Self::told("57P03", "the database system is starting up")
    }

    /// A statement panicked.
    pub(super) fn panicked() -> Self {
        Self::told("XX000", "internal error: the statement's thread panicked")
    }

    /// A transaction was left open for too long.
    pub(super) fn transaction_over(timeout: Timeout) -> Self {
        let message = format!("terminating connection due to {}", timeout.name());
        Self::told(timeout.sqlstate().code(), message)
    }

    /// A frame, or the Hello, did not come in time.
    pub(super) fn too_slow(what: &str) -> Self {
        Self::told("08P01", format!("{what} did not arrive in time"))
    }

    /// Too much of frames that are not whole is kept already.
    pub(super) fn out_of_memory() -> Self {
        Self::told("53200", "out of memory: too many long messages arrive at once")
    }

    /// A text or a value that is refused before there is a session.
    pub(super) fn fatal(mut fields: ErrorFields) -> Self {
        fields.severity = Severity::Fatal;
        Self::Told(Box::new(fields))
    }
}

impl From<ProtocolError> for End {
    fn from(error: ProtocolError) -> Self {
        Self::fatal(error.to_fields())
    }
}
