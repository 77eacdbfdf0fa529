//! Exit statuses.

use std::process::ExitCode;

/// How an invocation ended; the graver one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// All went well: 0.
    Done,
    /// A statement failed: 1. (2 is a usage error, which ends the process where it is found.)
    Failed,
    /// There is no connection, or it was lost: 3.
    NoConnection,
    /// The files are damaged or were tampered with: 4.
    Damaged,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::Failed => Self::FAILURE,
            Status::NoConnection => Self::from(3),
            Status::Damaged => Self::from(4),
        }
    }
}
