//! The one error of opening a database: which file, where in it, what is wrong, what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a database could not be opened. Written for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError(Box<OpenErrorFields>);

/// The fields of an [`OpenError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenErrorFields {
    /// What kind of problem it is.
    pub kind: OpenErrorKind,
    /// The file.
    pub path: PathBuf,
    /// Bytes from the start of the file.
    pub offset: Option<u64>,
    /// The audit entry's sequence number.
    pub entry: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    pub expected: Option<String>,
    /// What was found there.
    pub found: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of [`OpenError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenErrorKind {
    /// The paths that were given make no sense together.
    Usage,
    /// The operating system refused.
    Io,
    /// Another process has the database open.
    Locked,
    /// A file that must be there is absent.
    Missing,
    /// Bytes are not what was written.
    Damaged,
    /// Bytes are well formed but not those that the chain, the image and the log agree on.
    Tampered,
    /// The file belongs to another database.
    Foreign,
    /// The file's format is not known.
    Version,
}

impl OpenErrorKind {
    /// Whether the files themselves are at fault: the daemon's exit status is 4 then.
    pub fn is_damage(self) -> bool {
        matches!(
            self,
            Self::Missing | Self::Damaged | Self::Tampered | Self::Foreign | Self::Version
        )
    }
}

impl OpenError {
    /// An error about a file; the `with_*` methods add the rest.
    #[cold]
    pub fn new(kind: OpenErrorKind, path: &Path, message: impl Into<String>) -> Self {
        Self(Box::new(OpenErrorFields {
            kind,
            path: path.to_owned(),
            offset: None,
            entry: None,
            message: message.into(),
            expected: None,
            found: None,
            hint: None,
        }))
    }

    /// The operating system refused: `doing` says what ("read", "sync the directory of").
    #[cold]
    pub fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        Self::new(OpenErrorKind::Io, path, format!("could not {doing}: {error}"))
    }

    /// All fields.
    pub fn fields(&self) -> &OpenErrorFields {
        &self.0
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> OpenErrorKind {
        self.0.kind
    }

    /// Sets the offset in the file.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// Sets the audit entry.
    #[must_use]
    pub fn in_entry(mut self, sequence: u64) -> Self {
        self.0.entry = Some(sequence);
        self
    }

    /// Sets what was expected and what was found.
    #[must_use]
    pub fn with_values(mut self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self.0.found = Some(found.into());
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for OpenError {
    /// `spg.db: offset 4096: the block's checksum differs: expected 01ab, found 02cd; restore ...`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = &*self.0;
        write!(formatter, "{}: ", fields.path.display())?;
        if let Some(entry) = fields.entry {
            write!(formatter, "entry {entry}: ")?;
        }
        if let Some(offset) = fields.offset {
            write!(formatter, "offset {offset}: ")?;
        }
        formatter.write_str(&fields.message)?;
        if let Some(expected) = &fields.expected {
            write!(formatter, ": expected {expected}")?;
            if let Some(found) = &fields.found {
                write!(formatter, ", found {found}")?;
            }
        }
        match &fields.hint {
            Some(hint) => write!(formatter, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_what_and_what_next() {
        let error =
            OpenError::new(OpenErrorKind::Damaged, Path::new("/d/audit.log"), "its hash differs")
                .at(128)
                .in_entry(3)
                .with_values("01", "02")
                .with_hint("restore the file");
        assert_eq!(
            error.to_string(),
            "/d/audit.log: entry 3: offset 128: its hash differs: expected 01, found 02; restore the file"
        );
        assert!(error.kind().is_damage());
        assert!(!OpenErrorKind::Locked.is_damage());
    }
}
