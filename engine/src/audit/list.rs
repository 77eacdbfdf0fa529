//! Reading entries out for people: those that pass a filter, one at a time, without verifying the chain.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec::IntoIter;

use super::entry::{Entry, Kind};
use super::header::{ENTRIES_OFFSET, Header, SECTOR_BYTES};
use super::scan::{EntryReader, Found, read_full};
use super::segments::find;
use crate::disk::{Disk, DiskFile};
use crate::identity::hex;
use crate::open_error::{OpenError, OpenErrorKind};

/// Which entries to list; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before this time, microseconds since 1970.
    pub since_us: Option<i64>,
    /// Before this time.
    pub until_us: Option<i64>,
    /// Of this commit or later.
    pub first_commit: Option<u64>,
    /// Of this commit or earlier.
    pub last_commit: Option<u64>,
    /// With this in the statement's text, letter by letter.
    pub statement_contains: Option<String>,
    /// By this user.
    pub user: Option<String>,
    /// With this application.
    pub application: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
}

impl Filter {
    fn passes(&self, entry: &Entry<'_>) -> bool {
        let equals = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == text)
        };
        self.since_us.is_none_or(|since| entry.time_us >= since)
            && self.until_us.is_none_or(|until| entry.time_us < until)
            && self.first_commit.is_none_or(|first| entry.commit >= first)
            && self.last_commit.is_none_or(|last| entry.commit <= last)
            && self.kind.is_none_or(|kind| entry.kind == kind)
            && equals(&self.user, entry.user)
            && equals(&self.application, entry.application)
            && self.statement_contains.as_ref().is_none_or(|part| entry.statement.contains(part))
    }
}

/// An entry of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place in the chain.
    pub sequence: u64,
    /// What it tells.
    pub kind: Kind,
    /// The commit it belongs to.
    pub commit: u64,
    /// Microseconds since 1970.
    pub time_us: i64,
    /// Executions of the statement, or the last archived entry's sequence.
    pub number: u64,
    /// Digest of the row changes, the image's BLAKE3, or the last archived entry's hash.
    pub digest: [u8; 32],
    /// Who.
    pub user: String,
    /// With what.
    pub application: String,
    /// From where.
    pub peer: String,
    /// The statement's text.
    pub statement: String,
    /// The recorded parameters, none for NULL.
    pub parameters: Option<Vec<Option<String>>>,
    /// The digest that stands for the parameters.
    pub parameters_digest: Option<[u8; 32]>,
    /// The previous entry's hash.
    pub previous: [u8; 32],
    /// Its own.
    pub hash: [u8; 32],
}

impl Listed {
    fn new(entry: &Entry<'_>) -> Self {
        let recorded = || entry.recorded_parameters().map(|text| text.map(str::to_owned)).collect();
        Self {
            sequence: entry.sequence,
            kind: entry.kind,
            commit: entry.commit,
            time_us: entry.time_us,
            number: entry.number,
            digest: entry.digest,
            user: entry.user.to_owned(),
            application: entry.application.to_owned(),
            peer: entry.peer.to_owned(),
            statement: entry.statement.to_owned(),
            parameters: entry.has_recorded_parameters().then(recorded),
            parameters_digest: entry.parameters_digest(),
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}

/// The entries of a log's files, in order; made by [`list`]. Keeps one piece of one file. An entry that is not whole yet at
/// the end is not listed; after an error nothing is.
#[derive(Debug)]
pub struct List<'a> {
    disk: &'a dyn Disk,
    filter: Filter,
    files: IntoIter<PathBuf>,
    reader: Option<(PathBuf, EntryReader)>,
}

/// Lists the log at `path` with all its segments. May run while the log is appended to.
pub fn list<'a>(disk: &'a dyn Disk, path: &Path, filter: Filter) -> Result<List<'a>, OpenError> {
    let present =
        find(disk, path).map_err(|error| OpenError::io(path, "list the directory of", &error))?;
    let mut files: Vec<_> = present.sealed.into_iter().map(|(_, path)| path).collect();
    files.push(path.to_owned());
    Ok(List { disk, filter, files: files.into_iter(), reader: None })
}

impl Iterator for List<'_> {
    type Item = Result<Listed, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, reader)) = &mut self.reader {
                match next_passing(path, reader, &self.filter) {
                    Ok(Some(listed)) => return Some(Ok(listed)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(self.end(error))),
                }
            }
            let path = self.files.next()?;
            match open(self.disk, &path) {
                Ok(reader) => self.reader = Some((path, reader)),
                Err(error) => return Some(Err(self.end(error))),
            }
        }
    }
}

impl List<'_> {
    fn end(&mut self, error: OpenError) -> OpenError {
        self.reader = None;
        self.files = Vec::new().into_iter();
        error
    }
}

fn open(disk: &dyn Disk, path: &Path) -> Result<EntryReader, OpenError> {
    let io = |error| OpenError::io(path, "read", &error);
    let file: Arc<dyn DiskFile> = Arc::from(disk.open(path).map_err(io)?);
    let mut sector = [0; SECTOR_BYTES];
    read_full(&*file, 0, &mut sector).map_err(io)?;
    if Header::decode(&sector).is_err() {
        return Err(OpenError::new(OpenErrorKind::Damaged, path, "not an audit log").at(0));
    }
    let end = file.len().map_err(io)?;
    Ok(EntryReader::new(file, ENTRIES_OFFSET, end))
}

fn next_passing(
    path: &Path,
    reader: &mut EntryReader,
    filter: &Filter,
) -> Result<Option<Listed>, OpenError> {
    loop {
        let offset = reader.offset();
        let found = reader.read().map_err(|error| OpenError::io(path, "read", &error))?;
        let damaged = |message: &str| OpenError::new(OpenErrorKind::Damaged, path, message);
        match found {
            Found::End | Found::Incomplete => return Ok(None),
            Found::NoLength(prefix) => {
                let error = damaged("no entry begins here").at(offset);
                return Err(error.with_values("a length and its inverse", hex(&prefix)));
            }
            Found::Entry(bytes) => {
                let entry = Entry::decode(bytes).map_err(|error| {
                    damaged("the entry is malformed")
                        .at(offset.saturating_add(error.offset as u64))
                        .with_values(error.expected, "other bytes")
                })?;
                if filter.passes(&entry) {
                    return Ok(Some(Listed::new(&entry)));
                }
            }
        }
    }
}
