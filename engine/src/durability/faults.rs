//! What a failure of the disk means to a statement: SQLSTATE, words, what to do.

use std::io;

use crate::error::{Error, SqlState};

/// Whether the disk, a quota or a limit on files is full.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// 53100 or 58030: nothing of the commit is there, and writing may go on.
#[cold]
pub(super) fn not_written(file: &str, error: &io::Error) -> Error {
    if is_full(error) {
        return Error::new(SqlState::DiskFull, format!("could not write to the {file}: {error}"))
            .with_hint(
                "Make room on the disk; reads go on, and writes work again when there is room.",
            );
    }
    Error::new(SqlState::IoError, format!("could not write to the {file}: {error}"))
        .with_hint("Look at the disk; nothing of the statement was kept.")
}

/// 08007: whether the commit is there is not known.
#[cold]
pub(super) fn unknown(file: &str, error: &io::Error) -> Error {
    Error::new(
        SqlState::TransactionResolutionUnknown,
        format!("whether the commit is durable is not known: the {file} failed: {error}"),
    )
    .with_hint("Look at the disk and restart the server; what it then shows is what was kept.")
}

/// 25006: an earlier failure stopped all writes.
#[cold]
pub(super) fn writes_stopped(cause: &Error) -> Error {
    Error::new(
        SqlState::ReadOnlySqlTransaction,
        "cannot write: an earlier failure of the disk left it unknown what the files hold",
    )
    .with_detail(cause.message().to_owned())
    .with_hint("Look at the disk and restart the server; reads go on.")
}

/// 57P01: the database was closed.
#[cold]
pub(super) fn closed() -> Error {
    Error::new(SqlState::AdminShutdown, "the database is closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        for (kind, expected) in [
            (io::ErrorKind::StorageFull, SqlState::DiskFull),
            (io::ErrorKind::QuotaExceeded, SqlState::DiskFull),
            (io::ErrorKind::FileTooLarge, SqlState::DiskFull),
            (io::ErrorKind::Other, SqlState::IoError),
            (io::ErrorKind::WriteZero, SqlState::IoError),
        ] {
            assert_eq!(not_written("log", &io::Error::from(kind)).sqlstate(), expected);
        }
        let cause = unknown("log", &io::Error::other("broken"));
        assert!(writes_stopped(&cause).fields().detail.as_ref().unwrap().contains("broken"));
    }
}
